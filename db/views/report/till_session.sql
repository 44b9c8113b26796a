create or replace view report.till_session as
select
    s.till_session,
    case
        when s.closed_at is null then 'OPEN'
        when s.z_number is null then 'CLOSED'
        else 'REPORTED'
    end as status,
    s.cash_point,
    c.cash_point_name,
    s.drawer,
    s.seller,
    billig.local_time(s.opened_at)::date as opened_date,
    s.opened_at,
    s.closed_at,
    s.z_number,
    m.payment_method_name as payment_method,
    h.opening_float::numeric(14, 2) as opening_float,
    h.payments,
    h.payment_amount::numeric(14, 2) as payment_amount,
    h.pay_in_amount::numeric(14, 2) as pay_in_amount,
    h.pay_out_amount::numeric(14, 2) as pay_out_amount,
    coalesce(t.expected, h.opening_float + h.payment_amount + h.pay_in_amount + h.pay_out_amount)::numeric(14, 2)
        as expected_amount,
    t.counted::numeric(14, 2) as counted_amount,
    t.difference::numeric(14, 2) as difference_amount,
    t.note
from billig.till_session as s
inner join billig.cash_point as c on s.cash_point = c.cash_point
cross join lateral (
    select
        f.payment_method,
        sum(f.opening_float) as opening_float,
        sum(f.payments)::bigint as payments,
        sum(f.payment_amount) as payment_amount,
        sum(f.pay_in_amount) as pay_in_amount,
        sum(f.pay_out_amount) as pay_out_amount
    from (
        select
            1::smallint as payment_method,
            s.opening_float,
            0::bigint as payments,
            0 as payment_amount,
            0 as pay_in_amount,
            0 as pay_out_amount
        union all
        select
            1,
            0,
            0,
            0,
            coalesce(sum(e.amount) filter (where e.event_type = 'PAY_IN'), 0),
            coalesce(sum(e.amount) filter (where e.event_type = 'PAY_OUT'), 0)
        from billig.till_event as e
        where e.till_session = s.till_session
        union all
        select
            i.payment_method,
            0,
            count(*),
            sum(i.amount),
            0,
            0
        from billig.payment as p
        inner join billig.payment_line as i on p.payment = i.payment
        where p.till_session = s.till_session
        group by i.payment_method
        union all
        select
            n.payment_method,
            0,
            0,
            0,
            0,
            0
        from billig.till_count as n
        where n.till_session = s.till_session
    ) as f
    group by f.payment_method
) as h
inner join billig.payment_method as m on h.payment_method = m.payment_method and not m.is_rounding
left join billig.till_count as t on s.till_session = t.till_session and h.payment_method = t.payment_method;

comment on view report.till_session is
'Till sessions, open ones live: a row for each session and means of payment that it has, CASH always. NOK, positive in. expected_amount = opening_float + payment_amount + pay_in_amount + pay_out_amount; difference_amount = counted_amount - expected_amount. What cash was rounded by is nothing to count, and not here. Ask by opened_date, seller or till_session.';
comment on column report.till_session.till_session is 'Number of the session';
comment on column report.till_session.status is 'OPEN, CLOSED, or REPORTED in a Z report';
comment on column report.till_session.cash_point is 'The cash point';
comment on column report.till_session.cash_point_name is 'Its name, as it is now';
comment on column report.till_session.drawer is 'Drawer of the cash point, from 1';
comment on column report.till_session.seller is 'Who sells';
comment on column report.till_session.opened_date is 'Local date it was opened';
comment on column report.till_session.opened_at is 'When it was opened';
comment on column report.till_session.closed_at is 'When it was closed; null: open';
comment on column report.till_session.z_number is 'The Z report it is in; null: none yet';
comment on column report.till_session.payment_method is 'Name of the means of payment';
comment on column report.till_session.opening_float is 'NOK in the drawer at the opening; 0 but for CASH';
comment on column report.till_session.payments is 'Payments in it, in and out';
comment on column report.till_session.payment_amount is 'NOK they brought, less what they gave back';
comment on column report.till_session.pay_in_amount is 'NOK put into the drawer that no sale brought';
comment on column report.till_session.pay_out_amount is 'NOK taken out that no refund took; negative';
comment on column report.till_session.expected_amount is 'NOK that should be there: now, or when it closed';
comment on column report.till_session.counted_amount is 'NOK counted at the closing; null: not counted, or open';
comment on column report.till_session.difference_amount is 'NOK counted less expected';
comment on column report.till_session.note is 'What the seller said of the difference';
