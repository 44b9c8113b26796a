create or replace function marketplace.taken_of(p_transaction bigint, p_amount numeric)
returns table (transaction bigint, taken numeric)
language plpgsql stable
set search_path = pg_catalog, marketplace, pg_temp
as $$
#variable_conflict use_column
declare
    v_left numeric := p_amount;
    v_source record;
begin
    select t.transaction, least(coalesce(t.billed, 0) - t.forgiven, v_left) into transaction, taken
    from marketplace.transaction as t
    where t.transaction = p_transaction;
    v_left := v_left - taken;
    return next;
    -- What it did not bill itself was left of earlier months: each passed on what it did, the newest first.
    for v_source in
        select s.transaction, s.amount
        from marketplace.came_from(p_transaction) as s
        order by s.month desc, s.transaction desc
    loop
        exit when v_left <= 0;
        return query select x.transaction, x.taken from marketplace.taken_of(v_source.transaction, least(v_source.amount, v_left)) as x;
        v_left := v_left - least(v_source.amount, v_left);
    end loop;
end;
$$;

comment on function marketplace.taken_of(bigint, numeric) is
'Of which months'' clicks a charge of this transaction takes p_amount NOK, and how much of each: its own first, then those that rolled over into it, or whose rest below the minimum went to it, the newest first, what was forgiven of each left out. What else it takes is of no clicks, such as shares given back. For the triggers of payment_attempt and for verification.';
