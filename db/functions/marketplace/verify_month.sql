create or replace function marketplace.verify_month(p_month date)
returns table (
    severity text, problem text, profile bigint, transaction bigint, click_time timestamptz, ad_click bigint,
    clicks bigint, expected numeric, found numeric, detail text
)
language plpgsql stable security definer
set search_path = pg_catalog, marketplace, pg_temp
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
    v_begins constant timestamptz := marketplace.day_begins(p_month);
    v_ends constant timestamptz := marketplace.day_begins(marketplace.next_month(p_month));
    v_month marketplace.month;
begin
    select m.* into v_month from marketplace.month as m where m.month = p_month;
    if not found then
        raise exception 'no such month' using
            errcode = 'P0002',
            detail = format('Month %s.', p_month),
            hint = 'Months that are, or were, open stand in marketplace.month.';
    end if;

    return query
    with own as materialized (
        -- The one look at the month's clicks.
        select
            c.profile, c.publisher, c.excluded_at is not null as is_excluded,
            c.advertisement_charge_transaction as charge, c.website_payment_transaction as payment,
            count(*) as clicks, sum(c.price) as price, sum(c.publisher_share) as share, min(c.click_time) as first_time,
            count(*) filter (where c.publisher_share is null) as unfilled,
            count(*) filter (where a.profile is distinct from c.profile) as strange_advertisements,
            count(*) filter (
                where c.publisher_share is not null and w.profile is distinct from c.publisher
            ) as strange_websites
        from marketplace.ad_click as c
        left join marketplace.advertisement as a on c.advertisement = a.advertisement
        left join marketplace.website as w on c.website = w.website
        where c.click_time >= v_begins and c.click_time < v_ends
        group by 1, 2, 3, 4, 5
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

    linked as (
        select
            o.profile, o.publisher, o.charge, o.payment, o.clicks, o.price, o.share, o.first_time, null::bigint as ad_click,
            false as is_late
        from own as o
        where o.charge is not null or o.payment is not null
        union all
        select l.profile, l.publisher, l.charge, l.payment, 1, l.price, l.share, l.click_time, l.ad_click, true
        from late as l
        where l.charge is not null or l.payment is not null
    ),

    side as (
        select
            k.charge as transaction, sum(k.clicks) as advertisement_clicks, sum(k.price) as advertisement_amount,
            0 as website_clicks, 0 as website_amount
        from linked as k
        where k.charge is not null
        group by k.charge
        union all
        select k.payment, 0, 0, sum(k.clicks), -sum(k.share)
        from linked as k
        where k.payment is not null
        group by k.payment
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
        'ERROR', x.problem, k.profile, x.transaction, k.first_time, k.ad_click, k.clicks, null, null, x.detail
    from linked as k
    left join marketplace.transaction as a on k.charge = a.transaction
    left join marketplace.transaction as w on k.payment = w.transaction
    cross join lateral (
        values
        ('NO_TRANSACTION', k.charge, a.transaction is null, 'the charge is no transaction'),
        ('NO_TRANSACTION', k.payment, k.payment is not null and w.transaction is null, 'the payment is no transaction'),
        ('ANOTHERS_TRANSACTION', k.charge, a.profile <> k.profile, 'the charge is another profile''s'),
        ('ANOTHERS_TRANSACTION', k.payment, w.profile is distinct from k.publisher, 'the payment is not the website owner''s'),
        ('ANOTHER_MONTH', k.charge, a.month < p_month or (k.is_late and a.month <> p_month), 'the charge is of another month'),
        ('ANOTHER_MONTH', k.payment, w.month <> a.month, 'charge and payment are of different months'),
        ('NOT_MONTHLY', k.charge, a.kind <> 'MONTHLY', 'the charge is no MONTHLY transaction'),
        ('NOT_MONTHLY', k.payment, w.kind <> 'MONTHLY', 'the payment is no MONTHLY transaction')
    ) as x (problem, transaction, is_wrong, detail)
    where x.is_wrong

    union all
    select
        'ERROR', 'LATE_NOT_LISTED', null, null, null, null, null, coalesce(l.clicks, 0), coalesce(k.clicks, 0),
        format('clicks of this month that are listed as joining %s, and that are linked there', coalesce(k.month, l.month))
    from (
        select t.month, sum(o.clicks) as clicks
        from own as o
        inner join marketplace.transaction as t on o.charge = t.transaction
        where t.month > p_month
        group by t.month
    ) as k
    full join (
        select l.month, count(*) as clicks
        from marketplace.late_click as l
        inner join marketplace.ad_click as c
            on l.profile = c.profile and l.click_time = c.click_time and l.ad_click = c.ad_click
            and c.excluded_at is null
        where l.click_time >= v_begins and l.click_time < v_ends
        group by l.month
    ) as l on k.month = l.month
    where k.clicks is distinct from l.clicks

    union all
    select
        case when v_month.closed_at is null then 'INFO' else 'ERROR' end, 'UNLINKED', o.profile, null, o.first_time, null,
        o.clicks, null, null, format('not linked to a transaction; %s of them without price, rate or website', o.unfilled)
    from own as o
    where o.charge is null and not o.is_excluded

    union all
    select
        'ERROR', x.problem, o.profile, o.charge, o.first_time, null, x.clicks, null, null, x.detail
    from own as o
    cross join lateral (
        values
        ('STRANGE_ADVERTISEMENT', o.strange_advertisements, 'the advertisement is none, or another profile''s'),
        ('STRANGE_WEBSITE', o.strange_websites, 'the website is none, or another profile''s')
    ) as x (problem, clicks, detail)
    where x.clicks > 0

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
        'INFO', 'EXCLUDED', o.profile, null, o.first_time, null, o.clicks, null, null, 'excluded: neither charged nor paid'
    from own as o
    where o.is_excluded
    order by 1, 2, 3, 4, 5;
end;
$$;

comment on function marketplace.verify_month(date) is
'Whether a month''s transactions agree with its clicks (M7): one row a discrepancy, severity ERROR; and what is worth knowing, severity INFO: late clicks, excluded ones, and unlinked ones of the open month. Where clicks are meant together, clicks says how many and click_time the first. P0002 no such month.';
