create or replace function marketplace.lost_beyond(p_payment_attempt bigint)
returns bigint
language sql stable
set search_path = pg_catalog, marketplace, pg_temp
return (
    select coalesce(-sum(m.amount), 0)::bigint
    from marketplace.purse_movement as m
    where m.payment_attempt = p_payment_attempt and m.kind = 'LOST'
);

comment on function marketplace.lost_beyond(bigint) is
'Øre that are lost in disputes of a charge beyond what was left of it: they were given back, or credited, as well.';
