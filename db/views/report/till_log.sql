create or replace view report.till_log as
select
    billig.local_time(e.logged_at)::date as log_date,
    e.logged_at,
    e.cash_point,
    c.cash_point_name,
    e.till_session,
    e.seller,
    e.event_type,
    e.amount::numeric(14, 2) as value,
    e.reason,
    e.login_role
from (
    select
        s.opened_at as logged_at,
        s.cash_point,
        s.till_session,
        s.seller,
        'OPENED' as event_type,
        s.opening_float as amount,
        null as reason,
        s.opened_by as login_role
    from billig.till_session as s
    union all
    select
        s.closed_at,
        s.cash_point,
        s.till_session,
        s.seller,
        'CLOSED',
        n.counted,
        n.note,
        s.closed_by
    from billig.till_session as s
    inner join billig.payment_method as m on m.is_cash
    left join billig.till_count as n on s.till_session = n.till_session and m.payment_method = n.payment_method
    where s.closed_at is not null
    union all
    select
        v.event_time,
        s.cash_point,
        s.till_session,
        s.seller,
        v.event_type,
        v.amount,
        v.reason,
        v.login_role
    from billig.till_event as v
    inner join billig.till_session as s on v.till_session = s.till_session
    union all
    select
        x.made_at,
        x.cash_point,
        x.till_session,
        x.seller,
        'X_REPORT',
        null,
        x.reason,
        x.made_by
    from billig.x_report as x
    union all
    select
        z.made_at,
        z.cash_point,
        null,
        z.seller,
        'Z_REPORT',
        null,
        null,
        z.made_by
    from billig.z_report as z
) as e
inner join billig.cash_point as c on e.cash_point = c.cash_point;

comment on view report.till_log is
'What was done at tills besides sales and refunds, as it was written down and never changed: sessions opened and closed, drawers opened without a sale, cash put in and taken out, X and Z reports. Ask by logged_at or log_date, cash_point, till_session or seller.';
comment on column report.till_log.log_date is 'Local date it was done';
comment on column report.till_log.logged_at is 'When, by the server''s clock';
comment on column report.till_log.cash_point is 'The cash point';
comment on column report.till_log.cash_point_name is 'Its name, as it is now';
comment on column report.till_log.till_session is 'The session; null: an X report by somebody who had none open there, or a Z report';
comment on column report.till_log.seller is 'Whose till; of a report who made it, null: a bookkeeper';
comment on column report.till_log.event_type is
'OPENED, CLOSED (a session); DRAWER_OPENING, PAY_IN, PAY_OUT, OVERDRAW, PRICE_LOOKUP, CORRECTED_LINE (billig.till_event); X_REPORT, Z_REPORT';
comment on column report.till_log.value is
'NOK: the float of OPENED, the cash counted of CLOSED, cash in positive and out negative, how much more may be taken out of OVERDRAW, the price looked up or corrected; null: nothing to say';
comment on column report.till_log.reason is 'Why, or what was said of a difference; null: nothing';
comment on column report.till_log.login_role is 'session_user';
