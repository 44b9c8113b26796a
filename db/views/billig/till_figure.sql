create or replace view billig.till_figure as
select
    s.cash_point,
    s.z_number,
    s.till_session,
    s.seller,
    f.item,
    f.item_key,
    f.number,
    f.amount,
    f.vat_rate,
    f.vat_amount
from billig.till_session as s
cross join lateral (
    -- what was sold and given back: of a change of price group, by its sign
    select
        c.item,
        c.item_key,
        -- sales less returns, as in the official example; never below 0, which its schema refuses
        greatest(
            count(distinct c.payment) filter (where c.direction > 0 and c.item not in ('RETURNS', 'ADVANCE_RETURNS'))
            - count(distinct c.payment) filter (where c.direction < 0 and c.item in ('ARTICLE_GROUP', 'ADVANCE_SALES', 'VAT'))
            + count(distinct c.payment) filter (where c.direction < 0 and c.item in ('RETURNS', 'ADVANCE_RETURNS')),
            0
        ) as number,
        sum(c.amount) as amount,
        c.vat_rate,
        sum(c.vat_amount) as vat_amount
    from (
        select
            l.payment,
            case
                when y.kind = 'SALE' then 1
                -- what is kept of a refund: a fee sold, in its article group and code; else a return that is less
                when billig.is_fee_kept(l.transaction_type) and i.item in ('ARTICLE_GROUP', 'VAT') then 1
                when y.kind = 'REFUND' then -1
                else sign(l.amount + l.fee_amount)
            end as direction,
            case when a.is_advance then i.advance_item else i.item end as item,
            i.item_key,
            round(i.amount * h.part, 2) as amount,
            i.vat_rate,
            round(i.vat_amount * h.part, 2) as vat_amount
        from billig.payment as p
        inner join billig.till_part as u on p.payment = u.payment
        inner join billig.transaction_log as l on p.payment = l.payment
        cross join lateral (select case when l.amount + l.fee_amount < 0 then u.back else u.sold end as part) as h
        inner join billig.transaction_type as y on l.transaction_type = y.transaction_type
        inner join billig.event as e on l.event = e.event
        left join billig.event_type as g on e.event_type = g.event_type_name
        cross join lateral (
            -- by the day of the ticket's first session, and the event's as it was planned when that day began: neither drifts
            select coalesce(d.event_date > o.business_date, false) as is_advance
            from (
                select billig.local_time(min(k.opened_at))::date as business_date
                from billig.transaction_log as f
                inner join billig.payment as q on f.payment = q.payment
                inner join billig.till_session as k on q.till_session = k.till_session
                where f.ticket = l.ticket
            ) as o
            left join lateral (
                select n.event_date
                from billig.event_date as n
                where n.event = l.event and (n.known_on < o.business_date or n.known_on = '0001-01-01')
                order by n.known_on desc
                limit 1
            ) as d on true
        ) as a
        cross join lateral (
            values
            ('TOTAL_CASH_SALES', null, '', l.amount + l.fee_amount, null::numeric, null::numeric),
            (
                'ARTICLE_GROUP',
                'ADVANCE_SALES',
                case
                    when billig.is_fee_kept(l.transaction_type) then '04999 fee'
                    when l.price = 0 and l.amount = 0 and l.fee_amount = 0 and y.kind <> 'CHANGE' then '04016'
                    else concat(coalesce(g.saft_code, '04999'), ' ', coalesce(left(e.event_type, 100), 'other'))
                end,
                l.amount, null, null
            ),
            ('RECEIPTS', 'RECEIPTS', '', 0, null, null),
            ('RETURNS', 'ADVANCE_RETURNS', '', -l.amount - l.fee_amount, null, null)
            union all
            select
                'ARTICLE_GROUP',
                'ADVANCE_SALES',
                '04999 fee',
                l.fee_amount,
                null,
                null
            where l.fee_amount <> 0
            union all
            select
                'VAT',
                null,
                concat(v.vat_code, ' ', v.vat_rate),
                v.gross_amount - v.vat_amount,
                v.vat_rate,
                v.vat_amount
            from billig.components(
                l.vat_code, l.vat_rate, l.amount, l.vat_amount,
                l.fee_vat_code, l.fee_vat_rate, l.fee_amount, l.fee_vat_amount
            ) as v
        ) as i (item, advance_item, item_key, amount, vat_rate, vat_amount)
        where p.till_session = s.till_session and (h.part <> 0 or l.amount + l.fee_amount = 0 and u.sold <> 0)
    ) as c
    where c.item is not null and (c.item not in ('RETURNS', 'ADVANCE_RETURNS') or c.direction < 0)
    group by c.item, c.item_key, c.vat_rate
    union all
    -- how it was paid
    select
        case when m.is_rounding then 'ROUNDING' else 'PAYMENT' end,
        case when m.is_rounding then '' else m.payment_method_name end,
        case when m.is_rounding then count(*) else greatest(sum(sign(l.amount))::bigint, 0) end,
        case when m.is_rounding then -sum(l.amount) else sum(l.amount) end,
        null,
        null
    from billig.payment as p
    inner join billig.payment_line as l on p.payment = l.payment
    inner join billig.payment_method as m on l.payment_method = m.payment_method
    left join billig.payment as o on l.gives_back = o.payment
    where p.till_session = s.till_session and not billig.is_web_payment(o.payment, o.seller, o.cash_point)
    group by m.is_rounding, m.payment_method_name
    union all
    -- cash handed out for what was paid on the web: no sale of this till, and no return
    select
        'PAY_OUT',
        'WEB',
        count(*),
        sum(l.amount),
        null,
        null
    from billig.payment as p
    inner join billig.payment_line as l on p.payment = l.payment
    inner join billig.payment_method as m on l.payment_method = m.payment_method and m.is_cash
    inner join billig.payment as o on l.gives_back = o.payment and billig.is_web_payment(o.payment, o.seller, o.cash_point)
    where p.till_session = s.till_session
    having count(*) > 0
    union all
    select
        'OPENING_FLOAT',
        '',
        1,
        s.opening_float,
        null,
        null
    union all
    select
        case v.event_type
            when 'DRAWER_OPENING' then 'DRAWER_OPENINGS'
            when 'PRICE_LOOKUP' then 'PRICE_LOOKUPS'
            when 'CORRECTED_LINE' then 'CORRECTED_LINES'
            else v.event_type
        end,
        v.item_key,
        count(*),
        sum(v.amount),
        null,
        null
    from billig.till_event as v
    where v.till_session = s.till_session and v.event_type <> 'OVERDRAW'
    group by v.event_type, v.item_key
    union all
    select
        'RECEIPT_COPIES',
        '',
        count(*),
        sum(abs(a.amount)),
        null,
        null
    from billig.receipt_print as r
    cross join lateral (
        select coalesce(sum(l.amount + l.fee_amount), 0) as amount
        from billig.transaction_log as l
        where l.payment = r.payment
    ) as a
    where r.till_session = s.till_session and r.print_number > 1
    having count(*) > 0
    union all
    select
        'CASH_DIFFERENCE',
        m.payment_method_name,
        1,
        n.difference,
        null,
        null
    from billig.till_count as n
    inner join billig.payment_method as m on n.payment_method = m.payment_method
    where n.till_session = s.till_session and n.difference <> 0
) as f;

comment on view billig.till_figure is
'The figures of each till session, live, by item of billig.till_report_item: what X and Z reports sum. A payment counts as one sale and as one return where it is both (an exchange). NOK; article groups are those of SAF-T''s list 04, by type of event: a free ticket is in 04016, fees are in 04999 fee. What was sold for an event of a later business day than that of the session in which the ticket was first sold (the local day it was opened) is in rows of its own, ADVANCE_SALES and ADVANCE_RETURNS, whatever becomes of the ticket.';
