create or replace function bank.stated_sums(p_file_statement int, p_new bank.statement)
returns table (whole bigint, entries bigint[])
language plpgsql
-- The file_ tables are the temporary ones, as in take_import.
set search_path = pg_catalog, pg_temp, bank
set plan_cache_mode = force_custom_plan
-- How many amounts are equal is in no statistics.
set enable_nestloop = off
set jit = off
as $$
#variable_conflict use_column
begin
    return query
    with whole as materialized (
        select e.entry, e.amount, e.booked_on
        from bank.entry as e
        where
            e.account = p_new.account and e.booked_on between p_new.from_day - 10 and p_new.to_day + 10
            and not exists (
                select from file_entry as f
                where f.statement = p_file_statement and f.amount = e.amount
            )
    ),

    -- what stands there by itself is no part
    part as materialized (
        select f.entry, f.amount, f.booked_on
        from file_entry as f
        where
            f.statement = p_file_statement
            and not exists (
                select from bank.entry as e
                where
                    e.account = p_new.account and (e.booked_on, e.amount) = (f.booked_on, f.amount)
                    and e.booked_on between p_new.from_day - 10 and p_new.to_day + 10
            )
            and not exists (
                select from bank.entry as e
                where
                    e.account = p_new.account and bank.is_reference(e.bank_reference)
                    and (e.bank_reference, e.amount) = (f.bank_reference, f.amount)
                    and e.booked_on between p_new.from_day - 10 and p_new.to_day + 10
            )
    ),

    -- whose names are the total's, or those of the payments in it; else all of a day. What several bear says nothing
    name as (
        select k.reference, min(w.entry) as whole
        from (
            select distinct n.reference
            from part as p
            inner join file_reference as n on p.entry = n.entry
            where n.kind in ('BANK', 'OTHER') and bank.is_reference(n.reference)
        ) as k
        cross join lateral (
            select x.entry
            from bank.entry_reference as x
            where
                x.reference_key = bank.reference_key(k.reference) and x.reference = k.reference
                and x.kind in ('BANK', 'OTHER')
            offset 0
        ) as x
        inner join whole as w on x.entry = w.entry
        group by k.reference
        having count(distinct w.entry) = 1
    ),

    named as (
        select distinct k.whole, p.entry, p.amount
        from name as k
        inner join file_reference as n on k.reference = n.reference and n.kind in ('BANK', 'OTHER')
        inner join part as p on n.entry = p.entry
    ),

    candidate as (
        select n.whole, array_agg(n.entry order by n.entry) as entries, sum(n.amount) as amount, true as is_named
        from named as n
        group by n.whole
        union all
        select w.entry, g.entries, g.amount, false
        from (
            select p.booked_on, sum(p.amount) as amount, array_agg(p.entry order by p.entry) as entries
            from part as p
            group by p.booked_on, sign(p.amount)
        ) as g
        inner join whole as w on g.booked_on = w.booked_on and g.amount = w.amount
        where
            -- it is told of by statements alone, and the payments in it, if any are told of, are these
            not exists (
                select from bank.statement_entry as l
                inner join bank.statement as t on l.statement = t.statement
                where l.entry = w.entry and t.kind = 'NOTIFICATION'
            )
            and coalesce(
                (select array_agg(d.amount order by d.amount) from bank.entry_detail as d where d.entry = w.entry having count(*) > 1)
                = (select array_agg(f.amount order by f.amount) from file_entry as f where f.entry = any(g.entries)),
                true
            )
    ),

    fitting as (
        select c.*, count(*) over (partition by c.entries, c.is_named) as wholes
        from candidate as c
        inner join whole as w on c.whole = w.entry
        where c.amount = w.amount and cardinality(c.entries) > 1
    ),

    -- what is in two is in neither, but for what is named
    chosen as (
        select f.whole, x.entry, count(*) over (partition by x.entry, f.is_named) as times, f.is_named, f.entries
        from fitting as f
        cross join unnest(f.entries) as x (entry)
        where f.wholes = 1
    ),

    sure as (
        select c.whole, c.entries, c.is_named
        from chosen as c
        group by c.whole, c.entries, c.is_named
        having max(c.times) = 1
    )

    select s.whole, s.entries
    from sure as s
    where
        s.is_named
        or not exists (select from sure as n where n.is_named and (n.whole = s.whole or n.entries && s.entries));
end;
$$;

comment on function bank.stated_sums(int, bank.statement) is
'The sums that statements booked as one, and a notification tells of singly: the entry, and those of file_entry. They are one where names say so, and the amounts; or where they are all of a day that no statement has singly, and one sum alone of that day is theirs. For merge_parts alone.';
