create or replace function marketplace.verify_month(p_month date)
returns table (
    severity text, problem text, profile bigint, transaction bigint, click_time timestamptz, ad_click bigint,
    clicks bigint, expected numeric, found numeric, detail text
)
language plpgsql stable security definer
set search_path = pg_catalog, marketplace, pg_temp
set plan_cache_mode = force_custom_plan
set jit = off
set enable_sort = off
set enable_incremental_sort = off
set parallel_tuple_cost = 0
set work_mem = '64MB'
as $$
#variable_conflict use_column
declare
    v_begins constant timestamptz := marketplace.day_begins(p_month);
    v_ends constant timestamptz := marketplace.day_begins(marketplace.next_month(p_month));
    v_month marketplace.month;
begin
    if not marketplace.sees_all() then
        raise exception 'a month is verified by who sees all of it' using
            errcode = '42501',
            detail = format('Login role %s: row-level security hides clicks and transactions from it.', session_user),
            hint = 'Log in as a member of scheduler, bookkeeper or auditor.';
    end if;
    select m.* into v_month from marketplace.month as m where m.month = p_month;
    if not found then
        raise exception 'no such month' using
            errcode = 'P0002',
            detail = format('Month %s.', p_month),
            hint = 'Months that are, or were, open stand in marketplace.month.';
    end if;

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
        left join marketplace.website as w on g.what = 'payment' and g.item = w.website
    ),

    late as materialized (
        select
            l.profile, l.click_time, l.ad_click, c.ad_click is null as is_gone, c.publisher,
            c.advertisement_charge_transaction as charge, c.website_payment_transaction as payment,
            c.price, c.publisher_share as share
        from marketplace.late_click as l
        left join marketplace.ad_click as c
            on l.profile = c.profile and l.click_time = c.click_time and l.ad_click = c.ad_click
            and c.excluded_at is null
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
        from marketplace.late_click as l
        inner join marketplace.ad_click as c
            on l.profile = c.profile and l.click_time = c.click_time and l.ad_click = c.ad_click
            and c.excluded_at is null
        cross join lateral (values ('charge', true), ('payment', c.publisher is not null)) as s (what, is_there)
        where l.click_time >= v_begins and l.click_time < v_ends and s.is_there
        group by s.what, l.month
    ) as l on k.month = l.month and k.what = l.what
    where k.clicks is distinct from l.clicks

    union all
    -- What came after the last update waits for the next, also where its month is closed: it will be late. What no update
    -- can link is wrong. Clicks from before the first month are nobody else's to tell of.
    select
        case when v_month.closed_at is not null and u.is_hopeless then 'ERROR' else 'INFO' end,
        'UNLINKED', u.profile, null, min(u.click_time), null, count(*), null, null,
        case when u.is_hopeless
            then 'not linked to a transaction, nor ever will be: without price, rate or website'
            else 'not linked to a transaction: the next update does it'
        end
    from (
        select
            c.profile, c.click_time,
            c.publisher_share is null and not (
                (c.website is null or exists (select from marketplace.website as w where w.website = c.website))
                and exists (
                    select
                    from marketplace.advertisement as a
                    inner join marketplace.advertisement_price as p on a.advertisement = p.advertisement
                    where a.advertisement = c.advertisement and a.profile = c.profile and p.valid_from <= c.click_time
                )
                and exists (
                    select from marketplace.commission_rate as r where marketplace.day_begins(r.valid_from) <= c.click_time
                )
            ) as is_hopeless
        from marketplace.ad_click as c
        where
            c.advertisement_charge_transaction is null and c.excluded_at is null
            and c.click_time >= case when v_month.is_first then '-infinity' else v_begins end
            and c.click_time < v_ends
    ) as u
    group by u.profile, u.is_hopeless

    union all
    select
        'ERROR', case g.what when 'charge' then 'STRANGE_ADVERTISEMENT' else 'STRANGE_WEBSITE' end,
        g.profile, g.transaction, g.first_time, null, g.clicks, null, null,
        format('%s %s is none, or another profile''s', case g.what when 'charge' then 'advertisement' else 'website' end, g.item)
    from looked_up as g
    where g.is_strange

    union all
    -- Status, and what is due.
    select 'ERROR', x.problem, t.profile, t.transaction, null, null, null, x.expected, x.found, x.detail
    from monthly as t
    cross join lateral (
        values
        ('STATUS', null::numeric, null::numeric, (t.status = 'CURRENT') <> (v_month.closed_at is null),
            format('status is %s, the month is %s', t.status, case when v_month.closed_at is null then 'open' else 'closed' end)),
        ('DUE_AMOUNT', t.net_amount + t.carried_in, t.due_amount + t.carried_out,
            t.net_amount + t.carried_in <> t.due_amount + t.carried_out, 'NOK that there was, and due and carried on'),
        ('ROUNDING', trunc(t.net_amount + t.carried_in, 2), t.due_amount,
            t.status not in ('CURRENT', 'ROLLED_OVER') and t.due_amount <> trunc(t.net_amount + t.carried_in, 2),
            'NOK cut off to whole øre, and due'),
        ('MINIMUM', t.minimum, abs(t.due_amount),
            t.status in ('NEW', 'FAILED') and abs(t.due_amount) < t.minimum, 'NOK below the minimum, and not rolled over'),
        ('MINIMUM', t.minimum, abs(t.carried_out),
            t.status = 'ROLLED_OVER' and trunc(abs(t.carried_out), 2) >= greatest(t.minimum, 0.01),
            'NOK not below the minimum, and rolled over'),
        ('EXECUTED', null, t.due_amount, (t.status = 'EXECUTED') <> (t.executed is not null), 'executed, or not, and the date')
    ) as x (problem, expected, found, is_wrong, detail)
    where x.is_wrong

    union all
    select 'ERROR', v.problem, v.profile, v.transaction, null, null, null, v.expected, v.found, v.detail
    from marketplace.verify_payments(p_month) as v

    union all
    -- What one month carries out, the next carries in; both of these months are looked at.
    select
        'ERROR', 'CARRY', coalesce(n.profile, b.profile), coalesce(n.transaction, b.transaction), null, null, null,
        coalesce(b.carried_out, 0), coalesce(n.carried_in, 0),
        format('NOK carried out of %s, and into the next month', e.month)
    from marketplace.month as e
    inner join marketplace.month as f on e.month = f.previous_month
    cross join lateral (
        select t.profile
        from marketplace.transaction as t
        where t.month in (e.month, f.month) and t.kind = 'MONTHLY'
        group by t.profile
    ) as p
    left join marketplace.transaction as b on p.profile = b.profile and b.month = e.month and b.kind = 'MONTHLY'
    left join marketplace.transaction as n on p.profile = n.profile and n.month = f.month and n.kind = 'MONTHLY'
    where
        p_month in (e.month, f.month)
        and (
            coalesce(b.carried_out, 0) <> coalesce(n.carried_in, 0)
            or (b.status = 'ROLLED_OVER' and (b.rolled_to is distinct from n.transaction or n.rolled_from is distinct from b.transaction))
        )

    union all
    -- An adjustment takes back the whole of a click, on each side that it has, from where it is linked.
    select
        'ERROR', 'ADJUSTMENT', j.profile, j.transaction, j.click_time, j.ad_click, 1::bigint, x.amount, j.amount,
        format('NOK of the click''s side %s, linked to transaction %s, and as adjusted, of %s', j.side, x.transaction, j.old_transaction)
    from marketplace.adjustment as j
    inner join marketplace.transaction as t on j.transaction = t.transaction
    left join lateral (
        -- One by one: they are few, and a join would read all clicks.
        select
            case j.side when 'ADVERTISEMENT' then -c.price else c.publisher_share end as amount,
            case j.side
                when 'ADVERTISEMENT' then c.advertisement_charge_transaction else c.website_payment_transaction
            end as transaction,
            case when c.publisher is null then 1 else 2 end as sides
        from marketplace.ad_click as c
        where c.profile = j.click_profile and c.click_time = j.click_time and c.ad_click = j.ad_click
        limit 1
    ) as x on true
    where
        t.month = p_month
        and (
            x.amount is distinct from j.amount or x.transaction is distinct from j.old_transaction
            or x.sides <> (
                select count(*)
                from marketplace.adjustment as o
                where o.click_profile = j.click_profile and o.click_time = j.click_time and o.ad_click = j.ad_click
            )
        )

    union all
    select
        'ERROR', 'LATE_IS_GONE', l.profile, null, l.click_time, l.ad_click, 1, null, null,
        'listed as late, and no such click is linked'
    from late as l
    where (l.is_gone or l.charge is null) and not exists (
        select from marketplace.ad_click as c
        where
            c.profile = l.profile and c.click_time = l.click_time and c.ad_click = l.ad_click
            and c.excluded_at is not null
    )

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
'Whether a month''s transactions agree with its clicks (M7): one row a discrepancy, severity ERROR; and what is worth knowing, severity INFO: late clicks, excluded ones, and unlinked ones, unless the month is closed and no update can ever link them. The first month answers for what is older. Where clicks are meant together, clicks says how many and click_time the first. P0002 no such month; 42501 who logged in does not see all clicks. May be null: profile, transaction, click_time, ad_click, clicks, expected, found.';
