create or replace function marketplace.add_up(p_update_run bigint)
returns void
language sql
set search_path = pg_catalog, marketplace, pg_temp
set enable_nestloop = on
set enable_indexscan = on
begin atomic
    update marketplace.transaction as t
    set advertisement_amount = s.advertisement_amount, website_amount = s.website_amount
    from (
        select
            x.transaction, sum(x.advertisement_amount) as advertisement_amount, sum(x.website_amount) as website_amount
        from marketplace.transaction_subtotal as x
        where x.transaction in (
            select r.transaction from marketplace.transaction_subtotal as r where r.update_run = p_update_run
        )
        group by x.transaction
    ) as s
    where t.transaction = s.transaction;
end;

comment on function marketplace.add_up(bigint) is 'Sets the amounts of the transactions that a run touched: the sum of all their subtotals. Looked up one by one, whatever its caller forbids: they are few among many.';
