create or replace function marketplace.verify_month(p_month date)
returns table (
    severity text, problem text, profile bigint, transaction bigint, click_time timestamptz, ad_click bigint,
    clicks bigint, expected numeric, found numeric, detail text
)
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
set plan_cache_mode = force_custom_plan
set jit = off
set enable_sort = off
set enable_incremental_sort = off
set parallel_tuple_cost = 0
set work_mem = '64MB'
as $$
#variable_conflict use_column
declare
    v_begins timestamptz;
    v_ends timestamptz;
begin
    perform books.check_day('p_month', p_month);
    v_begins := marketplace.day_begins(p_month);
    v_ends := marketplace.day_begins(marketplace.next_month(p_month));
    if not marketplace.sees_all() then
        raise exception 'only a role that sees all of a month may verify it' using
            errcode = '42501',
            detail = format('Login role %s: row-level security hides clicks and transactions from it.', session_user),
            hint = 'Log in as a member of scheduler, bookkeeper or auditor.';
    end if;
    perform from marketplace.month as m where m.month = p_month;
    if not found then
        raise exception 'no such month' using
            errcode = 'P0002',
            detail = format('Month %s.', p_month),
            hint = 'Months that are, or were, open are in marketplace.month.';
    end if;

    perform marketplace.hold_clicks();
    -- Longer than other functions: the month's clicks are looked at once, and all that follows is told from that look.
    return query
    with seen as materialized (
        -- Parallel, and without sorting clicks: the planner cannot know how few rows are left.
        -- A look at the month's clicks from each side, both at once: few rows are left, and what they name is looked up after.
        select
            'charge' as what, c.profile, c.advertisement as item, c.advertisement_charge_transaction as transaction,
            count(*) as clicks, sum(c.price) as amount, min(c.click_time) as first_time,
            count(c.excluded_at) as excluded, count(c.publisher_share) as filled
        from marketplace.ad_click as c
        where c.click_time >= v_begins and c.click_time < v_ends
        group by c.profile, c.advertisement, c.advertisement_charge_transaction
        union all
        select
            'payment', c.publisher, c.website, c.website_payment_transaction,
            count(*), -sum(c.publisher_share), min(c.click_time), null, count(c.publisher_share)
        from marketplace.ad_click as c
        where c.click_time >= v_begins and c.click_time < v_ends
        group by c.publisher, c.website, c.website_payment_transaction
    ),

    looked_up as materialized (
        select
            g.*, t.month, t.kind, t.profile as owner, t.transaction is not null as is_transaction,
            case g.what
                when 'charge' then a.profile is distinct from g.profile
                else g.filled > 0 and w.profile is distinct from g.profile
            end as is_strange
        from seen as g
        left join marketplace.transaction as t on g.transaction = t.transaction
        left join marketplace.advertisement as a on g.what = 'charge' and g.item = a.advertisement
        left join marketplace.website_owner as w
            on g.what = 'payment' and g.item = w.website and g.first_time >= w.valid_from and g.first_time < w.valid_to
    ),

    -- Of late clicks that joined this month, and of this month's that joined a later one: keys first, clicks once.
    listed as materialized (
        select l.profile, l.click_time, l.ad_click, l.month
        from marketplace.late_click as l
        where l.month = p_month or (l.click_time >= v_begins and l.click_time < v_ends)
    ),

    found as materialized (
        select
            c.profile, c.click_time, c.ad_click, c.publisher, c.advertisement_charge_transaction as charge,
            c.website_payment_transaction as payment, c.price, c.publisher_share as share, c.excluded_at is not null as is_excluded
        from marketplace.ad_click as c
        inner join listed as l on c.profile = l.profile and c.click_time = l.click_time and c.ad_click = l.ad_click
    ),

    late as materialized (
        select l.profile, l.click_time, l.ad_click, f.publisher, f.charge, f.payment, f.price, f.share, f.is_excluded
        from listed as l
        left join found as f on l.profile = f.profile and l.click_time = f.click_time and l.ad_click = f.ad_click
        where l.month = p_month
    ),

    -- What is linked to this month's transactions, or to none that it may be: side, whose, and where it went.
    linked as (
        select
            g.what, g.profile, g.transaction, g.clicks, g.amount, g.first_time, null::bigint as ad_click,
            g.month, g.kind, g.owner, g.is_transaction, false as is_late
        from looked_up as g
        where g.transaction is not null
        union all
        select
            s.what, s.profile, s.transaction, 1, s.amount, l.click_time, l.ad_click,
            t.month, t.kind, t.profile, t.transaction is not null, true
        from late as l
        cross join lateral (
            values ('charge', l.profile, l.charge, l.price), ('payment', l.publisher, l.payment, -l.share)
        ) as s (what, profile, transaction, amount)
        left join marketplace.transaction as t on s.transaction = t.transaction
        where s.transaction is not null
    ),

    side as (
        select
            k.transaction,
            case k.what when 'charge' then k.clicks else 0 end as advertisement_clicks,
            case k.what when 'charge' then k.amount else 0 end as advertisement_amount,
            case k.what when 'payment' then k.clicks else 0 end as website_clicks,
            case k.what when 'payment' then k.amount else 0 end as website_amount
        from linked as k
        union all
        select
            j.transaction, 0, case j.side when 'ADVERTISEMENT' then j.amount else 0 end,
            0, case j.side when 'WEBSITE' then j.amount else 0 end
        from marketplace.adjustment as j
        inner join marketplace.transaction as t on j.transaction = t.transaction
        where t.month = p_month
    ),

    from_clicks as (
        select
            s.transaction, sum(s.advertisement_clicks) as advertisement_clicks,
            sum(s.advertisement_amount) as advertisement_amount,
            sum(s.website_clicks) as website_clicks, sum(s.website_amount) as website_amount
        from side as s
        group by s.transaction
    ),

    from_runs as (
        select
            s.transaction, sum(s.advertisement_clicks) as advertisement_clicks,
            sum(s.advertisement_amount) as advertisement_amount,
            sum(s.website_clicks) as website_clicks, sum(s.website_amount) as website_amount
        from marketplace.transaction_subtotal as s
        inner join marketplace.transaction as t on s.transaction = t.transaction
        where t.month = p_month
        group by s.transaction
    ),

    monthly as (
        select t.* from marketplace.transaction as t where t.month = p_month and t.kind = 'MONTHLY'
    )

    -- Transactions against their clicks, both sides; and against what the runs said.
    select
        'ERROR', x.problem, t.profile, t.transaction, null::timestamptz, null::bigint, null::bigint, x.expected, x.found, x.detail
    from monthly as t
    left join from_clicks as c on t.transaction = c.transaction
    left join from_runs as r on t.transaction = r.transaction
    cross join lateral (
        values
        ('ADVERTISEMENT_AMOUNT', coalesce(c.advertisement_amount, 0), t.advertisement_amount, 'NOK by its clicks and adjustments, and as it stands'),
        ('WEBSITE_AMOUNT', coalesce(c.website_amount, 0), t.website_amount, 'NOK by its clicks and adjustments, and as it stands'),
        ('ADVERTISEMENT_CLICKS', coalesce(c.advertisement_clicks, 0), coalesce(r.advertisement_clicks, 0), 'clicks linked, and as the runs counted them'),
        ('WEBSITE_CLICKS', coalesce(c.website_clicks, 0), coalesce(r.website_clicks, 0), 'clicks linked, and as the runs counted them'),
        ('SUBTOTALS', coalesce(r.advertisement_amount + r.website_amount, 0), t.net_amount, 'NOK by its subtotals, and net amount')
    ) as x (problem, expected, found, detail)
    where x.expected <> x.found

    union all
    -- Whose transactions the clicks are linked to, and of which month.
    select
        'ERROR', x.problem, k.profile, k.transaction, k.first_time, k.ad_click, k.clicks, null, null,
        format('the %s is %s', k.what, x.detail)
    from linked as k
    cross join lateral (
        values
        ('NO_TRANSACTION', not k.is_transaction, 'no transaction'),
        ('ANOTHERS_TRANSACTION', k.owner is distinct from k.profile, 'another profile''s'),
        ('ANOTHER_MONTH', k.month < p_month or (k.is_late and k.month <> p_month), 'of another month'),
        ('NOT_MONTHLY', k.kind <> 'MONTHLY', 'no MONTHLY transaction')
    ) as x (problem, is_wrong, detail)
    where x.is_wrong and (k.is_transaction or x.problem = 'NO_TRANSACTION')

    union all
    select
        'ERROR', 'LATE_NOT_LISTED', null, null, null, null, null, coalesce(l.clicks, 0), coalesce(k.clicks, 0),
        format('clicks of this month listed as joining %s, and with their %s there', coalesce(k.month, l.month), coalesce(k.what, l.what))
    from (
        select n.what, n.month, sum(n.clicks) as clicks
        from linked as n
        where n.month > p_month
        group by n.what, n.month
    ) as k
    full join (
        select s.what, l.month, count(*) as clicks
        from listed as l
        inner join found as f
            on l.profile = f.profile and l.click_time = f.click_time and l.ad_click = f.ad_click and not f.is_excluded
        cross join lateral (values ('charge', true), ('payment', f.publisher is not null)) as s (what, is_there)
        where l.click_time >= v_begins and l.click_time < v_ends and s.is_there
        group by s.what, l.month
    ) as l on k.month = l.month and k.what = l.what
    where k.clicks is distinct from l.clicks

    union all
    select u.severity, 'UNLINKED', u.profile, null, u.first_time, null, u.clicks, null, null, u.detail
    from marketplace.verify_unlinked(p_month) as u

    union all
    select
        'ERROR', case g.what when 'charge' then 'STRANGE_ADVERTISEMENT' else 'STRANGE_WEBSITE' end,
        g.profile, g.transaction, g.first_time, null, g.clicks, null, null,
        format('%s %s is none, or another profile''s', case g.what when 'charge' then 'advertisement' else 'website' end, g.item)
    from looked_up as g
    where g.is_strange

    union all
    -- Status, what is due, and what was charged and paid.
    select 'ERROR', v.problem, v.profile, v.transaction, null, null, null, v.expected, v.found, v.detail
    from marketplace.verify_due(p_month) as v

    union all
    select 'ERROR', v.problem, v.profile, v.transaction, null, null, null, v.expected, v.found, v.detail
    from marketplace.verify_payments(p_month) as v

    union all
    select 'ERROR', 'CARRY', v.profile, v.transaction, null, null, null, v.expected, v.found, v.detail
    from marketplace.verify_carry(p_month) as v

    union all
    select 'ERROR', 'ADJUSTMENT', v.profile, v.transaction, v.click_time, v.ad_click, 1::bigint, v.expected, v.found, v.detail
    from marketplace.verify_adjustments(p_month) as v

    union all
    select
        'ERROR', 'LATE_IS_GONE', l.profile, null, l.click_time, l.ad_click, 1, null, null,
        'listed as late, and no such click is linked'
    from late as l
    where l.charge is null and l.is_excluded is not true

    union all
    select
        'INFO', 'LATE', l.profile, l.charge, l.click_time, l.ad_click, 1, null, null, 'came after its month was closed, and joined this one'
    from late as l
    where l.charge is not null

    union all
    select
        'INFO', 'EXCLUDED', g.profile, null, min(g.first_time), null, sum(g.excluded)::bigint, null, null,
        'excluded: neither charged nor paid'
    from looked_up as g
    where g.what = 'charge' and g.excluded > 0
    group by g.profile
    order by 1, 2, 3, 4, 5;
end;
$$;

comment on function marketplace.verify_month(date) is
'Whether a month''s transactions agree with its clicks (M7): one row per discrepancy, severity ERROR; and what is worth knowing, severity INFO: late clicks, excluded ones, and unlinked ones, which are an ERROR once the month is closed and no update can link them as things stand. The first month answers for what is older. Where clicks are meant together, clicks says how many and click_time the first. Where clicks are distributed, updates wait meanwhile (hold_clicks). P0002 no such month; 23B48 what was committed has not reached every node; 42501 the login role does not see all clicks. May be null: profile, transaction, click_time, ad_click, clicks, expected, found.';
