create or replace function marketplace.ensure_transactions(p_month date, p_profiles bigint[], p_now timestamptz)
returns void
language sql
set search_path = pg_catalog, marketplace, pg_temp
begin atomic
    insert into marketplace.transaction (month, profile, created_at)
    select p_month, p.profile, p_now
    from (select distinct x as profile from unnest(p_profiles) as x where x is not null) as p
    where not exists (
        select from marketplace.transaction as t
        where t.profile = p.profile and t.month = p_month and t.kind = 'MONTHLY'
    )
    order by p.profile;
end;

comment on function marketplace.ensure_transactions(date, bigint[], timestamptz) is
'Makes the MONTHLY transactions of these profiles in the open month, where they have none. The month is locked by the caller.';
