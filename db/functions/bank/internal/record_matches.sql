create or replace function bank.record_matches(
    p_rules text[], p_reasons text[],
    p_entry_plans int[], p_entries bigint[],
    p_expected_plans int[], p_expected bigint[],
    p_line_plans int[], p_kinds text[], p_amounts numeric[],
    p_remark text default null
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
        select p.match, p_remark
        from plan as p
        inner join bank.match_rule as r on p.rule = r.rule
        where
            r.is_automatic
            -- why there is a difference, a person says
            and (
                p_remark <> ''
                or not exists (
                    select from unnest(p_line_plans, p_kinds) as u (plan, kind)
                    where u.plan = p.plan and u.kind = 'DIFFERENCE'
                )
            )
    ),

    entry as (
        insert into bank.match_entry (entry, claim, match)
        select
            u.entry, 1 + coalesce((select max(c.claim) from bank.match_entry as c where c.entry = u.entry), 0), p.match
        from unnest(p_entry_plans, p_entries) as u (plan, entry)
        inner join plan as p on u.plan = p.plan
    ),

    item as (
        insert into bank.match_expected (expected, claim, match)
        select
            u.expected, 1 + coalesce((select max(c.claim) from bank.match_expected as c where c.expected = u.expected), 0),
            p.match
        from unnest(p_expected_plans, p_expected) as u (plan, expected)
        inner join plan as p on u.plan = p.plan
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
    text[], text[], int[], bigint[], int[], bigint[], int[], text[], numeric[], text
) is
'Writes matches: the n-th rule and reason with the entries, items and lines of plan n. Those of automatic rules are approved at once, with the remark; without one not where there is a difference. Returns their keys, by plan. The constraints and triggers refuse what is matched already, or does not balance.';
