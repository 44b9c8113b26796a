create or replace function bank.check_import()
returns void
language plpgsql
-- The file_ tables are the temporary ones: begin_import made them, load_import looked.
set search_path = pg_catalog, pg_temp, bank
as $$
declare
    r record;
begin
    select s.line, s.account_number into r
    from file_statement as s
    left join bank.account as a on bank.account_number(s.account_number) = a.account_number
    where a.account is null
    order by s.statement
    limit 1;
    if found then
        raise exception 'account % is not ours', left(r.account_number, 40) using
            errcode = '23B81',
            detail = format('Line %s.', r.line),
            hint = 'If it is, add it with set_account, as it is written here; if not, load what is ours alone (p_ours_only, --ours).';
    end if;

    select x.line, x.problem, x.is_gap into r
    from (
        select
            s.line,
            case
                when s.kind not in ('STATEMENT', 'NOTIFICATION', 'EXPORT') then 'a statement of no known kind'
                when s.currency <> a.currency then format('a balance or account in %s, of an account in %s', s.currency, a.currency)
                when s.opening_balance <> round(s.opening_balance, 2) or s.closing_balance <> round(s.closing_balance, 2)
                    then 'a balance of more than two decimals'
                when abs(s.opening_balance) >= 1e13 or abs(s.closing_balance) >= 1e13 then 'a balance beyond all measure'
                when s.from_day > s.to_day then format('it is from %s to %s', s.from_day, s.to_day)
                when s.gap_reason is not null then null
                when s.flaw is not null then s.flaw
                when s.opening_balance + e.entry_sum <> s.closing_balance then format(
                    'opening balance %s and entries %s are %s, not the closing balance %s',
                    s.opening_balance, e.entry_sum, s.opening_balance + e.entry_sum, s.closing_balance
                )
            end as problem,
            s.flaw is not null or s.opening_balance + e.entry_sum <> s.closing_balance as is_gap
        from file_statement as s
        inner join bank.account as a on bank.account_number(s.account_number) = a.account_number
        cross join lateral (
            select coalesce(sum(f.amount), 0) as entry_sum
            from file_entry as f
            where f.statement = s.statement
        ) as e
        union all
        select
            f.line,
            case
                when s.statement is null then 'an entry of no statement'
                when f.currency <> a.currency then format('an entry in %s, of an account in %s', f.currency, a.currency)
                when f.amount <> round(f.amount, 2) then format('an amount of more than two decimals, %s', f.amount)
                when abs(f.amount) >= 1e12 then format('an amount beyond all measure, %s', f.amount)
            end,
            false
        from file_entry as f
        left join file_statement as s on f.statement = s.statement
        left join bank.account as a on bank.account_number(s.account_number) = a.account_number
        union all
        select f.line, 'a part of an entry without an amount', false
        from file_detail as d
        inner join file_entry as f on d.entry = f.entry
        where d.amount <> round(d.amount, 2) or abs(d.amount) >= 1e12 or d.charge <> round(d.charge, 2)
    ) as x
    where x.problem is not null
    order by x.line
    limit 1;
    if found then
        raise exception 'the file is refused: %', r.problem using
            errcode = '23B80',
            detail = format('Line %s.', r.line),
            hint = 'Nothing of it was loaded. Fetch it again, or ask the bank.'
                || case when r.is_gap then
                    ' What is only a part is loaded with its gap, for a reason (p_gap_reason, --accept-gap).'
                else '' end;
    end if;
end;
$$;

comment on function bank.check_import() is
'Refuses what the temporary tables of begin_import hold where an account is not ours (23B81), or a statement has another currency, amounts that are not numbers, or balances and entries that do not add up, unless somebody accepts that (23B80); DETAIL says the line.';
