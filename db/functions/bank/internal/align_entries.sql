create or replace function bank.align_entries(p_file_statement int, p_statement bigint, p_family text)
returns void
language plpgsql
-- The file_ tables are the temporary ones, as in take_import.
set search_path = pg_catalog, pg_temp, bank
set plan_cache_mode = force_custom_plan
as $$
declare
    v_new bank.statement;
    v_apart bigint[];
    v_done bigint[] := array[]::bigint[];
    r record;
begin
    select s.* into v_new from bank.statement as s where s.statement = p_statement;
    -- numbers of one format say nothing of another's
    select array_agg(t.statement) into v_apart
    from bank.statement as t
    inner join bank.import_file as i on t.import_file = i.import_file
    where
        t.account = v_new.account and t.statement <> p_statement
        and t.to_day >= v_new.from_day and t.from_day <= v_new.to_day
        and bank.format_family(i.format) = p_family and bank.is_apart(v_new, t);
    -- Two statements tell of the same stretch where the balance that one begins with stands in the other, and the
    -- balances at the end of what they share are the same. The longest stretch of each is taken.
    for r in
        with other as (
            select
                t.statement, t.opening_balance, t.entries,
                bank.format_family(i.format) = p_family as is_same_format,
                bank.format_family(i.format) = p_family and t.sequence_number <> v_new.sequence_number as is_numbered
            from bank.statement as t
            inner join bank.import_file as i on t.import_file = i.import_file
            where
                t.account = v_new.account and t.statement <> p_statement
                and t.has_place
                and t.to_day >= v_new.from_day and t.from_day <= v_new.to_day
                and t.statement <> all(coalesce(v_apart, '{}'))
        ),

        begun as (
            select o.statement, o.entries, o.is_same_format, o.is_numbered, 0 as here, 0 as there
            from other as o
            where o.opening_balance = v_new.opening_balance
            union all
            select o.statement, o.entries, o.is_same_format, o.is_numbered, 0, l.place
            from other as o
            inner join bank.statement_entry as l on o.statement = l.statement
            where l.balance = v_new.opening_balance
            union all
            select o.statement, o.entries, o.is_same_format, o.is_numbered, f.place, 0
            from other as o
            inner join file_entry as f on o.opening_balance = f.balance
            where f.statement = p_file_statement
        ),

        stretch as (
            select
                b.statement, b.is_same_format, b.is_numbered, b.here, b.there,
                least(v_new.entries - b.here, b.entries - b.there) as length
            from begun as b
            -- of two that are numbered the day's lies whole in the month's, or they share nothing
            where
                b.is_numbered is not true
                or least(v_new.entries - b.here, b.entries - b.there) = least(v_new.entries, b.entries)
        ),

        -- Balances come back: of several stretches the one whose days are the same, too, then the longest.
        likely as (
            select
                x.*,
                row_number() over (
                    partition by x.statement
                    order by hf.booked_on = f.booked_on and hl.booked_on = l.booked_on desc, x.length desc, x.here, x.there
                ) as turn
            from stretch as x
            inner join bank.statement_entry as f on x.statement = f.statement and x.there + 1 = f.place
            inner join bank.statement_entry as l on x.statement = l.statement and x.there + x.length = l.place
            inner join file_entry as hf on hf.statement = p_file_statement and x.here + 1 = hf.place
            inner join file_entry as hl on hl.statement = p_file_statement and x.here + x.length = hl.place
            where x.length > 0 and l.balance = hl.balance
        )

        select
            y.statement, y.is_same_format, y.is_numbered, y.here, y.there, y.length, z.same = y.length as is_exact
        from likely as y
        cross join lateral (
            select
                count(*) filter (where h.amount = e.amount and h.booked_on = l.booked_on) as same,
                count(*) filter (
                    where (h.end_to_end, h.kid) = (e.end_to_end, e.kid) and h.entry_text = e.entry_text
                ) as alike,
                -- what is in a statement that is apart from this one is no entry of this one
                count(*) filter (
                    where exists (
                        select from bank.statement_entry as a
                        where a.entry = l.entry and a.statement = any(v_apart)
                    )
                ) as barred
            from file_entry as h
            inner join bank.statement_entry as l
                on l.statement = y.statement and h.place - y.here = l.place - y.there
            inner join bank.entry as e on l.entry = e.entry
            where h.statement = p_file_statement and h.place between y.here + 1 and y.here + y.length
        ) as z
        where y.turn <= 10 and z.barred = 0
        order by z.same = y.length desc, y.length desc, z.alike desc, y.statement asc, y.turn asc
    loop
        -- one stretch of each: the first that agrees with those before
        if
            r.statement <> all(v_done)
            and bank.pair_stretch(
                p_file_statement, r.statement, r.here, r.there, r.length, r.is_exact, r.is_same_format, r.is_numbered
            )
        then
            v_done := v_done || r.statement;
        end if;
    end loop;
end;
$$;

comment on function bank.align_entries(int, bigint, text) is
'Recognises the entries of a statement with balances in the statements with balances that tell of the same stretch of the account''s chain. For recognise_entries alone.';
