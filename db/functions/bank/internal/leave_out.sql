create or replace function bank.leave_out(p_import_file bigint, p_ours_only boolean)
returns void
language plpgsql
-- The file_ tables are the temporary ones: begin_import made them, load_import looked.
set search_path = pg_catalog, pg_temp, bank
as $$
begin
    with reason as (
        select
            f.entry, f.line, f.amount, s.account_number, coalesce(f.currency, s.currency, '') as currency,
            case
                when s.kind = 'INTERIM' then 'INTERIM'
                when p_ours_only and a.account is null then 'NOT_OURS'
                when not f.is_booked then 'ANNOUNCED'
            end as reason
        from file_entry as f
        inner join file_statement as s on f.statement = s.statement
        left join bank.account as a on bank.account_number(s.account_number) = a.account_number
    )

    insert into bank.import_left_out (
        import_file, place, reason, line, account_number, currency, entries, amount
    )
    select
        p_import_file, row_number() over (order by min(r.line)), r.reason, min(r.line), r.account_number, r.currency,
        count(*), sum(r.amount)
    from reason as r
    where r.reason is not null
    group by r.reason, r.account_number, r.currency;

    delete from file_statement as s
    where
        s.kind = 'INTERIM'
        or p_ours_only
        and not exists (
            select from bank.account as a
            where a.account_number = bank.account_number(s.account_number)
        );
    delete from file_entry as f
    where not f.is_booked or not exists (select from file_statement as s where s.statement = f.statement);
end;
$$;

comment on function bank.leave_out(bigint, boolean) is
'Takes what is not to be booked out of the temporary tables of begin_import, and records it (bank.import_left_out): what is only announced, interim reports, and, where only ours are asked for, statements of others'' accounts. For load_import alone.';
