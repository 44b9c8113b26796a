create or replace function bank.record_matches(
    p_rules text[], p_reasons text[],
    p_entry_plans int[], p_entries bigint[],
    p_expected_plans int[], p_expected bigint[],
    p_line_plans int[], p_kinds text[], p_amounts numeric[],
    p_entry_amounts numeric[] default null, p_expected_amounts numeric[] default null
)
returns bigint[]
language plpgsql
set search_path = pg_catalog, bank, pg_temp
set plan_cache_mode = force_custom_plan
-- By index, whatever the statistics: the tables may have been empty when they were last looked at.
set enable_seqscan = off
set enable_nestloop = on
set jit = off
as $$
declare
    v_matches bigint[];
begin
    -- One statement, so that the triggers see each match whole.
    with plan as materialized (
        select p.plan::int as plan, p.rule, p.reason, nextval('bank.match_match_seq') as match
        from unnest(p_rules, p_reasons) with ordinality as p (rule, reason, plan)
    ),

    made as (
        insert into bank.match (match, rule, reason)
        select p.match, p.rule, p.reason from plan as p
    ),

    approved as (
        insert into bank.match_approval (match, reason)
        select p.match, null
        from plan as p
        inner join bank.match_rule as r on p.rule = r.rule
        where
            r.is_automatic
            -- why there is a difference, a person says
            and not exists (
                select from unnest(p_line_plans, p_kinds) as u (plan, kind)
                where u.plan = p.plan and u.kind = 'DIFFERENCE'
            )
    ),

    entry as (
        insert into bank.match_entry (entry, claim, match, amount, taken, whole)
        select
            k.entry, k.claim + row_number() over w, k.match, k.amount, k.taken + sum(k.amount) over w, k.whole
        from (
            select
                u.entry, p.plan, p.match, b.amount as whole, coalesce(l.claim, 0) as claim, coalesce(l.taken, 0) as taken,
                coalesce(u.amount, b.amount - coalesce(l.taken, 0)) as amount
            from unnest(p_entry_plans, p_entries, p_entry_amounts) as u (plan, entry, amount)
            inner join plan as p on u.plan = p.plan
            inner join bank.entry as b on u.entry = b.entry
            left join lateral (
                select c.claim, c.taken from bank.match_entry as c where c.entry = u.entry order by c.claim desc limit 1
            ) as l on true
        ) as k
        window w as (partition by k.entry order by k.plan)
    ),

    item as (
        insert into bank.match_expected (expected, claim, match, amount, taken, whole)
        select
            k.expected, k.claim + row_number() over w, k.match, k.amount, k.taken + sum(k.amount) over w, k.whole
        from (
            select
                u.expected, p.plan, p.match, b.amount as whole, coalesce(l.claim, 0) as claim, coalesce(l.taken, 0) as taken,
                coalesce(u.amount, b.amount - coalesce(l.taken, 0)) as amount
            from unnest(p_expected_plans, p_expected, p_expected_amounts) as u (plan, expected, amount)
            inner join plan as p on u.plan = p.plan
            inner join bank.expected as b on u.expected = b.expected
            left join lateral (
                select c.claim, c.taken from bank.match_expected as c where c.expected = u.expected order by c.claim desc limit 1
            ) as l on true
        ) as k
        window w as (partition by k.expected order by k.plan)
    ),

    line as (
        insert into bank.match_line (match, kind, amount)
        select p.match, u.kind, u.amount
        from unnest(p_line_plans, p_kinds, p_amounts) as u (plan, kind, amount)
        inner join plan as p on u.plan = p.plan
    )

    select array_agg(p.match order by p.plan) into v_matches from plan as p;
    return v_matches;
end;
$$;

comment on function bank.record_matches(
    text[], text[], int[], bigint[], int[], bigint[], int[], text[], numeric[], numeric[], numeric[]
) is
'Writes matches: the n-th rule and reason with the entries, items and lines of plan n; of an entry or item all that is open, or the amount given (NOK, null: all). Those of automatic rules are approved at once, but not where there is a difference. Returns their keys, by plan. The constraints and triggers refuse more than is open, and what does not balance.';
