create or replace function bank.accept_gaps(p_reason text)
returns void
language plpgsql
-- The file_ tables are the temporary ones: begin_import made them, load_import looked.
set search_path = pg_catalog, pg_temp, bank
as $$
begin
    if p_reason !~ '[^[:space:]]' then
        raise exception 'a gap is accepted for a reason' using
            errcode = '22023',
            detail = 'p_gap_reason is empty.',
            hint = 'Say why the statement is loaded though it does not add up: it is kept with it. Null: none is accepted.';
    end if;
    update file_statement as s
    set
        gap_amount = coalesce(s.closing_balance - s.opening_balance - e.entry_sum, 0),
        gap_reason = trim(p_reason)
    from (
        select o.statement, coalesce(sum(f.amount), 0) as entry_sum
        from file_statement as o
        left join file_entry as f on o.statement = f.statement
        group by o.statement
    ) as e
    where
        s.statement = e.statement
        and (s.flaw is not null or s.opening_balance + e.entry_sum <> s.closing_balance);
end;
$$;

comment on function bank.accept_gaps(text) is
'Says of the statements in the temporary table file_statement that do not add up, or lack a balance, that somebody accepts it, why, and what is in none of their entries. For load_import alone. 22023 a reason that says nothing.';
