create or replace function marketplace.debt_of(p_profile bigint)
returns numeric
language sql stable
set search_path = pg_catalog, marketplace, pg_temp
return (
    select coalesce(sum(o.amount), 0)
    from marketplace.open_amount as o
    where o.profile = p_profile and o.amount > 0
);

comment on function marketplace.debt_of(bigint) is
'NOK that a profile owes us for closed months and corrections, a charge under way included, before anything is set off.';
