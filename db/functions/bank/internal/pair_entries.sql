create or replace function bank.pair_entries(p_file_statement int, p_way text, p_days int)
returns void
language plpgsql
-- The file_ tables are the temporary ones, as in take_import.
set search_path = pg_catalog, pg_temp, bank
set plan_cache_mode = force_custom_plan
as $$
declare
    v_names_banks boolean;
    v_names_payers boolean;
begin
    -- A statement that gives references of others, and none of this one, has not left it out.
    if p_way = 'nothing, of the new one' then
        select
            coalesce(bool_or(bank.is_reference(f.bank_reference)), false),
            coalesce(bool_or(f.end_to_end <> '' or f.kid <> ''), false)
        into v_names_banks, v_names_payers
        from file_entry as f
        where f.statement = p_file_statement;
    end if;
    -- Until no more are found: of one that several days or words lead to, the others are free again.
    loop
        with sought as (
            select
                f.entry, f.booked_on, f.amount, x.word,
                row_number() over (partition by f.amount, x.word, x.day order by f.booked_on, f.place) as turn,
                x.day
            from file_entry as f
            cross join lateral (
                select
                    case p_way
                        when 'the bank''s reference' then
                            case when bank.is_reference(f.bank_reference) then f.bank_reference end
                        when 'all that is said' then encode(f.entry_key, 'hex')
                        when 'the payer''s reference' then nullif(coalesce(nullif(f.end_to_end, ''), f.kid), '')
                        when 'its words' then nullif(f.bank_reference || ' ' || f.entry_text, ' ')
                        when 'its text' then
                            case when not bank.is_reference(f.bank_reference) then nullif(f.entry_text, '') end
                        when 'the bank''s word' then nullif(f.bank_reference, '')
                        else ''
                    end as word,
                    case when p_days = 0 then f.booked_on end as day
            ) as x
            where
                f.statement = p_file_statement and f.known is null and x.word is not null
                and (
                    p_way not in ('nothing, of either', 'nothing, of the new one')
                    or not bank.is_reference(f.bank_reference) and f.end_to_end = '' and f.kid = ''
                )
        ),

        offered as (
            select
                c.entry, c.booked_on, c.amount, x.word, x.day,
                row_number() over (partition by c.amount, x.word, x.day order by c.booked_on, c.entry) as turn
            from file_candidate as c
            cross join lateral (
                select
                    case p_way
                        when 'the bank''s reference' then
                            case when bank.is_reference(c.bank_reference) then c.bank_reference end
                        when 'all that is said' then k.word
                        when 'the payer''s reference' then nullif(coalesce(nullif(c.end_to_end, ''), c.kid), '')
                        when 'its words' then nullif(c.bank_reference || ' ' || c.entry_text, ' ')
                        when 'its text' then
                            case when not bank.is_reference(c.bank_reference) then nullif(c.entry_text, '') end
                        when 'the bank''s word' then nullif(c.bank_reference, '')
                        else ''
                    end as word,
                    d.day
                -- each statement that tells of it says it in its own words, and may name a day of its own
                from (
                    select encode(u.entry_key, 'hex') as word
                    from unnest(case when p_way = 'all that is said' then c.entry_keys else c.entry_keys[1:1] end)
                        as u (entry_key)
                ) as k
                cross join unnest(case when p_days = 0 then c.days else array[null::date] end) as d (day)
            ) as x
            where
                x.word is not null
                -- Two notifications are two, unless the bank's reference says that they are one.
                and (p_way = 'the bank''s reference' and p_days = 0 or not c.is_notified)
                -- A day off, or other words: only where it was told of by other means.
                and (p_way in ('the bank''s reference', 'all that is said') and p_days = 0 or not c.is_same_format)
                and (
                    p_way <> 'nothing, of the new one'
                    or not (v_names_banks and bank.is_reference(c.bank_reference))
                    and not (v_names_payers and (c.end_to_end <> '' or c.kid <> ''))
                )
                and (
                    p_way not in ('nothing, of either', 'nothing, of the old one')
                    or not bank.is_reference(c.bank_reference) and c.end_to_end = '' and c.kid = ''
                )
        ),

        pair as (
            select distinct on (o.entry) s.entry, o.entry as known
            from sought as s
            inner join offered as o
                on s.amount = o.amount and s.word = o.word and s.turn = o.turn and s.day is not distinct from o.day
                and (p_days = 0 or abs(s.booked_on - o.booked_on) <= p_days)
            order by o.entry asc, s.entry asc
        ),

        taken as (
            update file_entry as f
            set known = p.known
            from pair as p
            where f.entry = p.entry
            returning p.known
        )

        delete from file_candidate as c
        using taken as t
        where c.entry = t.known;
        exit when not found;
    end loop;
end;
$$;

comment on function bank.pair_entries(int, text, int) is
'Recognises entries of a statement in file_entry among file_candidate, by amount, day (at most so many days off) and one thing more that both say; of equal ones the first by the first. For recognise_entries alone.';
