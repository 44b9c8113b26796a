create or replace function bank.entry_kept_until(p_entry bigint)
returns date
language sql stable
set search_path = pg_catalog, bank, pg_temp
as $$
    select books.kept_until(greatest(
        e.booked_on,
        (
            select max(p.posting_date)
            from bank.match_entry as m
            inner join bank.match_posting as p on m.match = p.match
            where m.entry = e.entry
        )
    ))
    from bank.entry as e
    where e.entry = p_entry
$$;

comment on function bank.entry_kept_until(bigint) is
'Until when the words of an entry are kept: the term (books.kept_until) of the day when it was booked, or of the latest on which a match of it counts in the books.';
