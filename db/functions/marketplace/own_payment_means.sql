create or replace function marketplace.own_payment_means()
returns table (
    payment_means bigint, kind text, gateway text, set_at timestamptz, ended_at timestamptz
)
language sql stable security definer
set search_path = pg_catalog, marketplace, pg_temp
begin atomic
    select m.payment_means, m.kind, m.gateway, m.set_at, m.ended_at
    from marketplace.payment_means as m
    where m.profile = (select marketplace.own_profile());
end;

comment on function marketplace.own_payment_means() is
'How a profile itself pays and is paid, without the account or card. The profile is who logged in (marketplace.own_profile); of any other, nothing. ended_at null: in use. May be null: ended_at.';
