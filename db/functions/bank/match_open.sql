create or replace function bank.match_open()
returns table (rule text, is_automatic boolean, matches bigint, amount numeric)
language plpgsql security definer
set search_path = pg_catalog, bank, pg_temp
set plan_cache_mode = force_custom_plan
-- How many amounts are equal is not in the statistics: what looks like one row may be all of them.
set enable_nestloop = off
set jit = off
as $$
#variable_conflict use_column
declare
    v_plan record;
begin
    perform billig.need_read_committed();
    -- One at a time; a person who matches by hand meanwhile is seen below, or refuses this run (23B82).
    perform pg_advisory_xact_lock(hashtextextended('bank.match_open', 2));

    -- By payout and reference first, since they say who; then by amount, among what is left.
    for v_plan in select v.view_name from (values (0, 'PAYOUT'), (1, 'REFERENCE'), (2, 'AMOUNT'), (3, 'TEXT'), (4, 'SUBSET'), (5, 'SPLIT'), (6, 'TOLERANCE')) as v (turn, view_name) order by v.turn loop
        return query
        with held as materialized (
            select h.entry, h.expected from bank.payout_hold as h where v_plan.view_name <> 'PAYOUT'
        ),

        found as materialized (
            select c.*, row_number() over (order by c.entries)::int as plan
            from (
                select * from bank.payout_match where v_plan.view_name = 'PAYOUT'
                union all
                select * from bank.reference_match where v_plan.view_name = 'REFERENCE'
                union all
                select * from bank.amount_match where v_plan.view_name = 'AMOUNT'
                union all
                select * from bank.text_match where v_plan.view_name = 'TEXT'
                union all
                select * from bank.subset_match where v_plan.view_name = 'SUBSET'
                union all
                select * from bank.split_match where v_plan.view_name = 'SPLIT'
                union all
                select * from bank.tolerance_match where v_plan.view_name = 'TOLERANCE'
            ) as c
        ),

        kept as materialized (
            select f.plan
            from found as f
            cross join lateral unnest(f.entries) as x (entry)
            inner join held as h on x.entry = h.entry
            union
            select f.plan
            from found as f
            cross join lateral unnest(f.expected) as x (expected)
            inner join held as h on x.expected = h.expected
        ),

        chosen as materialized (
            select
                f.rule, f.entries, f.expected, f.fee, f.difference, f.reason, row_number() over (order by f.plan)::int as plan
            from found as f
            where f.plan not in (select k.plan from kept as k)
        ),

        entry as materialized (
            select c.plan, c.rule, x.entry
            from chosen as c
            cross join lateral unnest(c.entries) as x (entry)
        ),

        item as materialized (
            select c.plan, x.expected
            from chosen as c
            cross join lateral unnest(c.expected) as x (expected)
        ),

        line as materialized (
            select c.plan, l.kind, l.amount
            from chosen as c
            cross join lateral (values ('FEE', -c.fee), ('DIFFERENCE', c.difference)) as l (kind, amount)
            where l.amount <> 0
        ),

        packed as materialized (
            select
                (select array_agg(c.rule order by c.plan) from chosen as c) as rules,
                (select array_agg(c.reason order by c.plan) from chosen as c) as reasons,
                (select array_agg(n.plan order by n.plan, n.entry) from entry as n) as entry_plans,
                (select array_agg(n.entry order by n.plan, n.entry) from entry as n) as entries,
                (select array_agg(i.plan order by i.plan, i.expected) from item as i) as item_plans,
                (select array_agg(i.expected order by i.plan, i.expected) from item as i) as items,
                (select array_agg(l.plan order by l.plan, l.kind) from line as l) as line_plans,
                (select array_agg(l.kind order by l.plan, l.kind) from line as l) as kinds,
                (select array_agg(l.amount order by l.plan, l.kind) from line as l) as amounts
        ),

        done as materialized (
            select
                bank.lock_open(p.entries, p.items),
                bank.record_matches(
                    p.rules, p.reasons, p.entry_plans, p.entries, p.item_plans, p.items, p.line_plans, p.kinds, p.amounts
                ) as made
            from packed as p
            where p.entries is not null
        )

        select n.rule, r.is_automatic, count(distinct n.plan), sum(e.amount)
        from done
        cross join entry as n
        inner join bank.match_rule as r on n.rule = r.rule
        inner join bank.entry as e on n.entry = e.entry
        group by n.rule, r.is_automatic, r.rule_order
        order by r.rule_order;
    end loop;
end;
$$;

comment on function bank.match_open() is
'Matches what is open, by the rules that are enabled (bank.match_rule): a row a rule of what was matched, NOK of the entries. Nothing is matched where an entry or an item fits more than one; rules that are not automatic only suggest. What is in a payout that does not fit is left to a person. 23B82 somebody matched the same by hand meanwhile: run it again; 25000 not at read committed.';
