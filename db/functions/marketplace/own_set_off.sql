create or replace function marketplace.own_set_off()
returns table (
    set_off bigint, transaction bigint, profile bigint, set_off_on date, other_month date, other_transaction bigint,
    amount numeric, is_rest boolean
)
language sql stable security definer
set search_path = pg_catalog, marketplace, pg_temp
begin atomic
    select
        s.set_off, x.transaction, s.profile, (s.made_at at time zone books.time_zone())::date, o.month, x.other_transaction,
        x.amount, s.is_rest
    from marketplace.set_off as s
    cross join lateral (
        values
        (s.debt, s.claim, -s.amount),
        (s.claim, s.debt, s.amount)
    ) as x (transaction, other_transaction, amount)
    inner join marketplace.transaction as o on x.other_transaction = o.transaction
    where s.profile = (select marketplace.own_profile());
end;

comment on function marketplace.own_set_off() is
'report.marketplace_set_off as a profile''s own role sees it. The profile is who logged in (marketplace.own_profile); of any other, nothing. NOK, signed as it is added: below 0 the profile owes so much less, above 0 it is owed so much less.';
