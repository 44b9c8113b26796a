create or replace function marketplace.why_not_paid(p_profile bigint)
returns table (transaction bigint, month date, reason text, amount numeric, minimum numeric, explanation text)
language plpgsql stable
set search_path = pg_catalog, marketplace, pg_temp
as $$
#variable_conflict use_column
begin
    perform marketplace.check_profile(p_profile);
    return query
    select
        t.transaction, t.month, x.reason, coalesce(t.due_amount + t.carried_out, t.net_amount + t.carried_in), t.minimum,
        case x.reason
            when 'RUNNING' then 'The month is running; it is settled when it is over'
            when 'BELOW_MINIMUM' then format('Below the minimum of NOK %s: it went to the next month', t.minimum)
            when 'NOTHING_DUE' then 'Clicks cost and earned the same, or nothing'
            when 'WAITS_TO_BE_CHARGED' then 'Is charged in the beginning of the month after'
            when 'WAITS_FOR_CHARGES' then 'Is paid in the middle of the month after, when the charges have come in'
            when 'FAILED' then 'Was tried, and failed'
        end
    from marketplace.transaction as t
    cross join lateral (
        select case
            when t.status = 'CURRENT' then 'RUNNING'
            when t.status = 'ROLLED_OVER' then 'BELOW_MINIMUM'
            when t.status = 'EXECUTED' then 'NOTHING_DUE'
            when t.status = 'FAILED' then 'FAILED'
            when t.due_amount > 0 then 'WAITS_TO_BE_CHARGED'
            else 'WAITS_FOR_CHARGES'
        end as reason
    ) as x
    where t.profile = p_profile and (t.status <> 'EXECUTED' or t.due_amount = 0)
    order by t.month desc, t.transaction desc;
end;
$$;

comment on function marketplace.why_not_paid(bigint) is
'Why nothing was charged or paid for a profile''s months (M8), newest first: RUNNING, BELOW_MINIMUM, NOTHING_DUE, WAITS_TO_BE_CHARGED, WAITS_FOR_CHARGES or FAILED. amount: NOK, above 0 the profile owes us. 42501 another''s; P0002 no such profile.';
