create or replace function marketplace.came_from(p_transaction bigint)
returns table (transaction bigint, amount numeric, month date)
language sql stable
set search_path = pg_catalog, marketplace, pg_temp
begin atomic
    select t.transaction, t.carried_out, t.month
    from marketplace.transaction as f
    inner join marketplace.transaction as t on f.rolled_from = t.transaction
    where f.transaction = p_transaction and t.carried_out > 0
    union all
    select t.transaction, o.amount, t.month
    from marketplace.set_off as o
    inner join marketplace.transaction as t on o.debt = t.transaction
    where o.claim = p_transaction and o.is_rest;
end;

comment on function marketplace.came_from(bigint) is
'The earlier months whose debt went on to this transaction, being below the minimum: what rolled over into it, and rests that netting left; NOK, above 0.';
