create or replace function billig.expire_reservations(p_limit int default 10000)
returns table (purchase bigint, ticket bigint)
language sql security definer
set search_path = pg_catalog, billig, pg_temp
begin atomic
    select e.purchase, e.ticket
    from billig.expire_unpaid('RESERVATION', p_limit) as e;
end;

comment on function billig.expire_reservations(int) is
'Releases what was held longer than billig.sale_channel says: one row per ticket, logged as RESERVATION_TIMEOUT. At most p_limit per call; call again until no row comes. Tickets that somebody is just paying are left alone.';
