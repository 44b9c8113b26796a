create or replace function marketplace.forgiven_of(p_transaction bigint, p_amount numeric)
returns table (transaction bigint, amount numeric)
language plpgsql stable
set search_path = pg_catalog, marketplace, pg_temp
as $$
#variable_conflict use_column
declare
    v_left numeric := p_amount;
    v_source record;
begin
    select t.transaction, least(coalesce(t.billed, 0) - t.forgiven - t.credited, v_left) into transaction, amount
    from marketplace.transaction as t
    where t.transaction = p_transaction;
    v_left := v_left - amount;
    return next;
    -- The same way back that a charge takes: taken_of.
    for v_source in
        select s.transaction, s.amount
        from marketplace.came_from(p_transaction) as s
        order by s.month desc, s.transaction desc
    loop
        exit when v_left <= 0;
        return query
        select x.transaction, x.amount from marketplace.forgiven_of(v_source.transaction, least(v_source.amount, v_left)) as x;
        v_left := v_left - least(v_source.amount, v_left);
    end loop;
end;
$$;

comment on function marketplace.forgiven_of(bigint, numeric) is
'Of which months'' clicks p_amount NOK are forgiven where so much of this transaction is let go: its own first, then those that went on to it, the newest first, each at most what was neither forgiven nor credited yet. What else is let go is of no clicks, such as a FEE. For the trigger of settlement.';
