create or replace function marketplace.taken_beyond(p_payment_attempt bigint)
returns bigint
language sql stable
set search_path = pg_catalog, marketplace, pg_temp
return (
    select coalesce(-sum(m.amount), 0)::bigint
    from marketplace.purse_movement as m
    where m.payment_attempt = p_payment_attempt and m.kind = 'WITHDRAWN'
);

comment on function marketplace.taken_beyond(bigint) is
'Øre that a gateway took back of a charge beyond what was left of it, and has not given us again, nor is it lost.';
