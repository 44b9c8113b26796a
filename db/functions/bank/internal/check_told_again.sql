create or replace function bank.check_told_again(p_file_statement int, p_new bank.statement, p_others bigint[])
returns void
language plpgsql
-- The file_ tables are the temporary ones, as in take_import.
set search_path = pg_catalog, pg_temp, bank
set plan_cache_mode = force_custom_plan
as $$
declare
    r record;
begin
    select o.statement, o.statement_id, o.entries, o.entry_sum, i.file_name into r
    from bank.statement as o
    inner join bank.import_file as i on o.import_file = i.import_file
    cross join lateral (
        select count(*) as entries
        from bank.statement_entry as l
        inner join file_entry as f on f.statement = p_file_statement and l.entry = f.known
        where l.statement = o.statement
    ) as s
    where o.statement = any(p_others) and s.entries < least(o.entries, p_new.entries)
    order by o.statement
    limit 1;
    if found then
        raise exception 'statement % was loaded before, with other entries', r.statement_id using
            errcode = '23B86',
            detail = (
                select format(
                    'Line %s: %s entries, together %s; %s had %s, together %s. The first that is another: line %s, %s of %s.',
                    h.line, p_new.entries, p_new.entry_sum, r.file_name, r.entries, r.entry_sum, f.line, f.amount, f.booked_on
                )
                from file_statement as h
                left join file_entry as f on h.statement = f.statement
                left join bank.statement_entry as l on l.statement = r.statement and f.place = l.place
                left join bank.entry as e on l.entry = e.entry
                where h.statement = p_file_statement
                order by (e.amount, l.booked_on) is distinct from (f.amount, f.booked_on) desc, f.place
                limit 1
            ),
            hint = 'Ask the bank which of the two is true. What it corrects, it books: the entry that takes back what was wrong comes with a later statement.';
    end if;
end;
$$;

comment on function bank.check_told_again(int, bank.statement, bigint[]) is
'Refuses a statement of which others with its name, number, page, days and opening balance are there (p_others), where the entries that the shorter has are not all in the longer (23B86): of a day that goes on, a bank says more each time, and the same in other words. For take_import alone, once its entries are recognised.';
