create or replace function marketplace.add_up(p_update_run bigint)
returns void
language sql
set search_path = pg_catalog, marketplace, pg_temp
set enable_nestloop = on
set enable_indexscan = on
begin atomic
    update marketplace.transaction as t
    set
        advertisement_amount = t.advertisement_amount + s.advertisement_amount,
        website_amount = t.website_amount + s.website_amount
    from marketplace.transaction_subtotal as s
    where s.update_run = p_update_run and t.transaction = s.transaction;
end;

comment on function marketplace.add_up(bigint) is 'Adds what a run brought to the amounts of its transactions, once, when all its subtotals are there; verify_month compares the amounts with all subtotals. Looked up one by one, whatever its caller forbids: they are few among many.';
