create or replace function bank.erase_texts()
returns bigint
language plpgsql security definer
set search_path = pg_catalog, bank, pg_temp
as $$
declare
    v_today constant date := billig.local_time(clock_timestamp())::date;
    v_entries bigint[];
begin
    -- First by the day alone, which is quick, then by what the books say of it.
    select array_agg(e.entry order by e.entry) into v_entries
    from (
        select b.entry
        from bank.entry as b
        where
            books.kept_until(b.booked_on) < v_today
            and (
                b.entry_text <> '' or b.more is distinct from bank.nameless(b.more)
                or exists (
                    select from bank.entry_detail as d
                    where
                        d.entry = b.entry
                        and (d.detail_text <> '' or d.more is distinct from bank.nameless(d.more))
                )
            )
    ) as e
    where bank.entry_kept_until(e.entry) < v_today;

    update bank.entry as b
    set entry_text = '', more = bank.nameless(b.more)
    where b.entry = any(v_entries);

    update bank.entry_detail as d
    set detail_text = '', more = bank.nameless(d.more)
    where d.entry = any(v_entries) and (d.detail_text <> '' or d.more is distinct from bank.nameless(d.more));

    update bank.statement as s
    set more = null
    where s.more is not null and books.kept_until(s.to_day) < v_today;

    return coalesce(cardinality(v_entries), 0);
end;
$$;

comment on function bank.erase_texts() is
'Erases what banks and payers wrote of entries, and of the payments in them, once no document has to say it any more (bank.entry_kept_until), and what else statements say then. Amounts, days, references and what makes an entry the same stay: a file that comes again is known. Run by the job bank_texts. Returns how many entries.';
