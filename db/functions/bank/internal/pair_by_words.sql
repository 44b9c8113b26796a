create or replace function bank.pair_by_words(p_file_statement int)
returns void
language plpgsql
-- The file_ tables are the temporary ones, as in take_import.
set search_path = pg_catalog, pg_temp, bank
set plan_cache_mode = force_custom_plan
-- How many words are one entry's alone is in no statistics: what looks like one may be all of them.
set enable_nestloop = off
set jit = off
as $$
begin
    with sought as (
        select distinct f.entry, f.amount, f.booked_on as day, lower(w.word) as word
        from file_entry as f
        cross join regexp_split_to_table(f.entry_text, '[^[:alnum:]]+') as w (word)
        where f.statement = p_file_statement and f.known is null and w.word <> ''
    ),

    offered as (
        select distinct c.entry, c.amount, d.day, lower(w.word) as word
        from file_candidate as c
        cross join unnest(c.days) as d (day)
        cross join regexp_split_to_table(c.entry_text, '[^[:alnum:]]+') as w (word)
        where not c.is_notified and not c.is_same_format and w.word <> ''
    ),

    -- a word that several have says nothing
    pair as (
        select s.entry, o.entry as known, count(distinct s.word) as words
        from (
            select x.amount, x.day, x.word, min(x.entry) as entry
            from sought as x
            group by x.amount, x.day, x.word
            having count(*) = 1
        ) as s
        inner join (
            select x.amount, x.day, x.word, min(x.entry) as entry
            from offered as x
            group by x.amount, x.day, x.word
            having count(*) = 1
        ) as o on s.amount = o.amount and s.day = o.day and s.word = o.word
        group by s.entry, o.entry
    ),

    ranked as (
        select
            p.entry, p.known,
            rank() over (partition by p.entry order by p.words desc, p.known) as turn,
            rank() over (partition by p.known order by p.words desc, p.entry) as known_turn
        from pair as p
        inner join file_entry as f on p.entry = f.entry
        inner join file_candidate as c on p.known = c.entry
        -- two references are two
        where
            not (bank.is_reference(f.bank_reference) and bank.is_reference(c.bank_reference))
            and (f.end_to_end = '' or c.end_to_end = '' or f.end_to_end = c.end_to_end)
            and (f.kid = '' or c.kid = '' or f.kid = c.kid)
    ),

    taken as (
        update file_entry as f
        set known = r.known
        from ranked as r
        where f.entry = r.entry and r.turn = 1 and r.known_turn = 1
        returning r.known
    )

    delete from file_candidate as c
    using taken as t
    where c.entry = t.known;
end;
$$;

comment on function bank.pair_by_words(int) is
'Recognises entries of a statement in file_entry among file_candidate, by amount, day and the most words that of these the two alone have: formats put more or less around the same words. For recognise_entries alone.';
