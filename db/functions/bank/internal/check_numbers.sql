create or replace function bank.check_numbers(p_sqlstate text)
returns void
language plpgsql
-- The file_ tables are the temporary ones: begin_import made them, who calls looked.
set search_path = pg_catalog, pg_temp, bank
as $$
declare
    v_problem text;
begin
    select x.problem into v_problem
    from (
        select format('statement %s is in it twice', statement) as problem
        from file_statement
        group by statement
        having count(*) > 1
        union all
        select format('entry %s is in it twice', entry)
        from file_entry
        group by entry
        having count(*) > 1
        union all
        select format('part %s of entry %s is in it twice', detail, entry)
        from file_detail
        group by entry, detail
        having count(*) > 1
        union all
        select format('reference %s of part %s of entry %s is in it twice', place, detail, entry)
        from file_reference
        group by entry, detail, place
        having count(*) > 1
        union all
        select format('payout %s is in it twice', payout)
        from file_payout
        group by payout
        having count(*) > 1
        union all
        select format('line %s of payout %s is in it twice', line, payout)
        from file_payout_line
        group by payout, line
        having count(*) > 1
        union all
        select 'it has a day of the year ' || extract(year from d.day)
        from (
            select booked_on as day from file_entry
            union
            select value_on from file_entry
            union
            select from_day from file_statement
            union
            select to_day from file_statement
            union
            select paid_on from file_payout
            union
            select occurred_on from file_payout_line
        ) as d
        where not books.fits_day(d.day)
    ) as x
    limit 1;
    if found then
        raise exception 'the file is refused: %', v_problem using
            errcode = p_sqlstate,
            detail = 'Numbers tell its parts from each other, and days are from 2000 to 2100.',
            hint = 'Nothing of it was loaded. Let pybridge read the file, or number what it holds.';
    end if;
end;
$$;

comment on function bank.check_numbers(text) is
'Refuses what the temporary tables of begin_import hold where two parts have one number, or a day is out of reach (books.day). p_sqlstate: 23B80 of statements, 23B87 of payouts.';
