create or replace view report.event_day as
select
    o.organisation_name,
    e.event,
    e.event_name,
    s.sale_date,
    s.tickets_sold,
    s.tickets_refunded,
    s.gross_amount::numeric(14, 2) as gross_amount,
    e.event_time,
    e.event_location
from billig.event as e
cross join lateral (
    select
        l.organisation,
        l.transaction_date as sale_date,
        count(*) filter (where billig.is_sale(l.transaction_type)) as tickets_sold,
        count(*) filter (
            where billig.is_refund(l.transaction_type) and billig.frees_seat(l.transaction_type) -- a kept fee is none
        ) as tickets_refunded,
        sum(l.amount + l.fee_amount) as gross_amount
    from billig.ticket as t
    cross join lateral (
        -- a fence, as in ticket_sales_by_event: ticket by ticket
        select
            g.organisation,
            g.transaction_date,
            g.transaction_type,
            g.amount,
            g.fee_amount
        from billig.transaction_log as g
        where g.ticket = t.ticket
        offset 0
    ) as l
    where t.event = e.event and billig.moves_money(l.transaction_type)
    group by l.organisation, l.transaction_date
) as s
inner join billig.organisation as o on s.organisation = o.organisation;

comment on view report.event_day is
'An event''s sales day by day: a row for each organisation and sale date that money moved on. gross_amount: NOK including fees, positive in, negative out; over all days it is that of report.ticket_sales_by_event. Ask by event.';
comment on column report.event_day.organisation_name is 'Organisation whose money it is, as sold';
comment on column report.event_day.event is 'The event';
comment on column report.event_day.event_name is 'Its name, as it is now';
comment on column report.event_day.sale_date is 'Local date the money moved';
comment on column report.event_day.tickets_sold is 'Tickets paid, free ones among them';
comment on column report.event_day.tickets_refunded is 'Paid tickets refunded';
comment on column report.event_day.gross_amount is 'NOK including VAT and fees, positive in, negative out';
comment on column report.event_day.event_time is 'When the event starts, local time, as in the programme now: it tells two shows of a day apart; null: not known';
comment on column report.event_day.event_location is 'Where the event is, as in the programme now; null: not said';
