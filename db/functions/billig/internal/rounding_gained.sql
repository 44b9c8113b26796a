create or replace function billig.rounding_gained(p_payments bigint[])
returns numeric
language plpgsql
as $$
declare
    v_whole constant bigint[] := billig.tied_payments(p_payments);
begin
    -- Locked, then counted, in a statement of its own: it sees what whoever held the lock has committed.
    perform billig.lock_given_back(v_whole);
    return (
        select coalesce(sum(l.amount), 0)
        from billig.payment_line as l
        inner join billig.payment_method as m on l.payment_method = m.payment_method and m.is_rounding
        where l.payment = any (v_whole)
    );
end;
$$;

comment on function billig.rounding_gained(bigint[]) is
'What buyers have gained so far (NOK; negative: lost) by the rounding of cash in all that is one whole with these payments (billig.tied_payments), which it locks: what they were to pay or get in cash, and what was handed over, differ by so much.';
