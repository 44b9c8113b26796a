create or replace function bank.notified_sums(p_file_statement int, p_new bank.statement, p_others bigint[])
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
    -- Longer than other functions: it is one question.
    return query
    -- what notifications tell of, and this does not by itself
    with part as materialized (
        select e.entry, e.amount, e.booked_on, e.statement
        from bank.entry as e
        inner join bank.statement as t on e.statement = t.statement
        where
            e.account = p_new.account and e.booked_on between p_new.from_day - 10 and p_new.to_day + 10
            and t.kind = 'NOTIFICATION'
            and not exists (
                select from file_entry as f
                where f.statement = p_file_statement and (f.booked_on, f.amount) = (e.booked_on, e.amount)
            )
            and not exists (
                select from file_entry as f
                where
                    f.statement = p_file_statement and bank.is_reference(f.bank_reference)
                    and (f.bank_reference, f.amount) = (e.bank_reference, e.amount)
            )
    ),

    whole as materialized (
        select f.entry, f.amount, f.booked_on, f.balance
        from file_entry as f
        where
            f.statement = p_file_statement
            -- what was told of as one sum is that
            and not exists (
                select from bank.entry as e
                where
                    e.account = p_new.account and (e.booked_on, e.amount) = (f.booked_on, f.amount)
                    and e.booked_on between p_new.from_day - 10 and p_new.to_day + 10
            )
    ),

    -- what several bear says nothing
    name as (
        select n.reference, min(w.entry) as whole
        from whole as w
        inner join file_reference as n on w.entry = n.entry
        where n.kind in ('BANK', 'OTHER') and bank.is_reference(n.reference)
        group by n.reference
        having count(distinct w.entry) = 1
    ),

    named as (
        select distinct k.whole, p.entry, p.amount
        from name as k
        cross join lateral (
            select x.entry
            from bank.entry_reference as x
            where
                x.reference_key = bank.reference_key(k.reference) and x.reference = k.reference
                and x.kind in ('BANK', 'OTHER')
            offset 0
        ) as x
        inner join part as p on x.entry = p.entry
    ),

    candidate as (
        select n.whole, array_agg(n.entry order by n.entry) as entries, sum(n.amount) as amount, true as is_named
        from named as n
        group by n.whole
        union
        select w.entry, g.entries, g.amount, false
        from (
            select p.booked_on, sum(p.amount) as amount, array_agg(p.entry order by p.entry) as entries
            from part as p
            group by grouping sets ((p.booked_on, sign(p.amount)), (p.booked_on, p.statement, sign(p.amount)))
        ) as g
        inner join whole as w on g.booked_on = w.booked_on and g.amount = w.amount
        where coalesce(
            (select array_agg(d.amount order by d.amount) from file_detail as d where d.entry = w.entry having count(*) > 1)
            = (select array_agg(e.amount order by e.amount) from bank.entry as e where e.entry = any(g.entries)),
            true
        )
    ),

    fitting as (
        select
            c.*, w.balance, w.balance - w.amount as balance_before,
            count(*) over (partition by c.entries, c.is_named) as wholes,
            count(*) over (partition by c.whole, c.is_named) as groups
        from candidate as c
        inner join whole as w on c.whole = w.entry
        where c.amount = w.amount and cardinality(c.entries) > 1
    ),

    chosen as (
        select f.whole, f.entries, f.is_named, x.entry, count(*) over (partition by x.entry, f.is_named) as times
        from fitting as f
        cross join unnest(f.entries) as x (entry)
        where
            f.wholes = 1 and f.groups = 1
            -- A statement that has them singly tells of the same: under this one's name, or from one balance to another.
            and not exists (
                select
                from bank.statement_entry as l
                inner join bank.statement as t on l.statement = t.statement
                inner join bank.entry as e on l.entry = e.entry
                where
                    l.entry = any(f.entries) and t.has_place and p_new.has_place
                    and t.statement <> all(coalesce(p_others, '{}'))
                group by t.statement
                having
                    count(*) < cardinality(f.entries) or max(l.place) - min(l.place) >= count(*)
                    or (array_agg(l.balance order by l.place desc))[1] <> f.balance
                    or (array_agg(l.balance - e.amount order by l.place))[1] <> f.balance_before
            )
    ),

    -- what is in two is in neither, but for what is named
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

comment on function bank.notified_sums(int, bank.statement, bigint[]) is
'The sums that a statement books as one, and notifications have told of singly: the entry of file_entry, and those, as bank.stated_sums the other way round. p_others: statements of its name. For split_sums alone.';
