create or replace function marketplace.credited_of_charge(p_payment_attempt bigint)
returns bigint
language sql stable
set search_path = pg_catalog, marketplace, pg_temp
return (
    select coalesce(ceil(100 * sum(marketplace.credited_beyond(t.billed - t.forgiven, t.taken, t.credited))), 0)::bigint
    from marketplace.transaction as t
    where t.taken_by = p_payment_attempt
);

comment on function marketplace.credited_of_charge(bigint) is
'Øre of a charge that corrections have credited, of all the months whose money it took (transaction.taken_by).';
