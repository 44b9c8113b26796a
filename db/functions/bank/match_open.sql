create or replace function bank.match_open()
returns table (rule text, is_automatic boolean, matches bigint, amount numeric)
language plpgsql security definer
set search_path = pg_catalog, bank, pg_temp
set datestyle = 'ISO, MDY'
set plan_cache_mode = force_custom_plan
set enable_nestloop = on
set jit = off
as $$
#variable_conflict use_column
declare
    v_view text;
    v_rules text[];
    v_reasons text[];
    v_entry_plans int[];
    v_entries bigint[];
    v_item_plans int[];
    v_items bigint[];
    v_line_plans int[];
    v_kinds text[];
    v_amounts numeric[];
    v_entry_amounts numeric[];
    v_item_amounts numeric[];
    v_disputed bigint[];
begin
    -- Longer than other functions: most of it is one statement, that every rule goes through.
    perform billig.need_read_committed();
    -- One at a time, and while nobody matches by hand (make_match has it shared).
    perform from bank.turn as t where t.turn = 'MATCH' for update;
    -- What was loaded a moment ago has no statistics, and candidates would meet all with all.
    analyze bank.entry, bank.expected, bank.match, bank.match_entry, bank.match_expected, bank.match_approval;
    perform bank.undo_reversed();
    -- What takes a payment back, and is no dispute yet, is a person's.
    v_disputed := array(select d.entry from bank.disputed_parts() as d where d.recorded is null and d.named <> '{}');
    -- What was taken back is nobody's money; then by payout and reference, since they say who; then by amount, among the rest.
    foreach v_view in array array[
        'reversal_match', 'payout_match', 'reference_match', 'amount_match', 'text_match', 'subset_match', 'split_match',
        'tolerance_match', 'part_match'
    ] loop
        -- How many amounts are equal is not in the statistics: what looks like one row may be all of them.
        perform set_config('enable_nestloop', (v_view in ('payout_match', 'text_match', 'part_match', 'reversal_match'))::text, true);
        -- A statement of its own each, planned for what it reads.
        execute format(
            $query$
            with held as materialized (
                select h.entry, h.expected from bank.payout_hold as h where %2$L not in ('reversal_match', 'payout_match')
                union all
                -- what may have been taken back is only whom it names
                select h.entry, null from bank.reversal_pair as h
                where %2$L not in ('reversal_match', 'payout_match', 'reference_match')
                union all
                select d.entry, null from unnest($1) as d (entry) where %2$L <> 'reversal_match'
            ),

            found as materialized (
                select c.*, row_number() over (order by c.entries)::int as place
                from bank.%1$I as c
            ),

            kept as materialized (
                select f.place
                from found as f
                cross join lateral unnest(f.entries) as x (entry)
                inner join held as h on x.entry = h.entry
                union
                select f.place
                from found as f
                cross join lateral unnest(f.expected) as x (expected)
                inner join held as h on x.expected = h.expected
            ),

            chosen as materialized (
                select f.*, row_number() over (order by f.place)::int as plan
                from found as f
                where f.place not in (select k.place from kept as k)
            ),

            entry as materialized (
                select c.plan, x.entry, x.amount
                from chosen as c
                cross join lateral unnest(c.entries, %3$s) as x (entry, amount)
            ),

            item as materialized (
                select c.plan, x.expected, x.amount
                from chosen as c
                cross join lateral unnest(c.expected, %4$s) as x (expected, amount)
            ),

            line as materialized (
                select c.plan, l.kind, l.amount
                from chosen as c
                cross join lateral (values ('FEE', -c.fee), ('DIFFERENCE', c.difference)) as l (kind, amount)
                where l.amount <> 0
            )

            select
                (select array_agg(c.rule order by c.plan) from chosen as c),
                (select array_agg(c.reason order by c.plan) from chosen as c),
                (select array_agg(n.plan order by n.plan, n.entry) from entry as n),
                (select array_agg(n.entry order by n.plan, n.entry) from entry as n),
                (select array_agg(i.plan order by i.plan, i.expected) from item as i),
                (select array_agg(i.expected order by i.plan, i.expected) from item as i),
                (select array_agg(l.plan order by l.plan, l.kind) from line as l),
                (select array_agg(l.kind order by l.plan, l.kind) from line as l),
                (select array_agg(l.amount order by l.plan, l.kind) from line as l),
                (select array_agg(n.amount order by n.plan, n.entry) from entry as n),
                (select array_agg(i.amount order by i.plan, i.expected) from item as i)
            $query$,
            v_view, v_view,
            case when v_view = 'part_match' then 'c.entry_amounts' else 'null::numeric[]' end,
            case when v_view = 'part_match' then 'c.expected_amounts' else 'null::numeric[]' end
        )
        into
            v_rules, v_reasons, v_entry_plans, v_entries, v_item_plans, v_items, v_line_plans, v_kinds, v_amounts,
            v_entry_amounts, v_item_amounts
        using v_disputed;
        continue when v_entries is null;
        perform bank.lock_open(v_entries, v_items, v_entry_amounts, v_item_amounts);
        perform bank.record_matches(
            v_rules, v_reasons, v_entry_plans, v_entries, v_item_plans, v_items, v_line_plans, v_kinds, v_amounts,
            v_entry_amounts, v_item_amounts
        );
        analyze bank.match, bank.match_entry, bank.match_expected, bank.match_approval;
        return query
        select r.rule, r.is_automatic and 'DIFFERENCE' <> all (coalesce(v_kinds, '{}')), count(distinct n.plan),
            sum(coalesce(n.amount, e.amount))
        from unnest(v_entry_plans, v_entries, v_entry_amounts) as n (plan, entry, amount)
        inner join bank.entry as e on n.entry = e.entry
        -- by position: v_rules[n.plan] would walk the array for each
        inner join unnest(v_rules) with ordinality as u (rule, plan) on n.plan = u.plan
        inner join bank.match_rule as r on u.rule = r.rule
        group by r.rule, r.is_automatic, r.rule_order
        order by r.rule_order;
    end loop;
end;
$$;

comment on function bank.match_open() is
'Matches what is open, by the rules that are enabled (bank.match_rule): one row per rule of what was matched, NOK of the entries. Nothing is matched where an entry or an item fits more than one; rules that are not automatic only suggest, as any does where there is a difference. A rule''s match of a deposit that the bank has taken back since, by reference, is undone. What is in a payout that does not fit is left to a person, and so is an entry that takes a payment back and of which no dispute could be recorded (bank.record_disputes). Those who match by hand are waited for, and wait. 25000 not at read committed.';
