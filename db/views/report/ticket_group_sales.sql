create or replace view report.ticket_group_sales as
select
    o.organisation_name,
    e.project,
    p.project_name,
    e.event,
    e.event_name,
    e.event_time,
    e.event_time::date as event_date,
    e.event_location,
    g.ticket_group,
    g.ticket_group_name,
    g.num::bigint as capacity,
    s.tickets_live,
    s.tickets_unpaid,
    s.tickets_sold,
    s.tickets_refunded,
    s.tickets_free,
    s.tickets_exchanged_in,
    s.tickets_exchanged_out,
    s.tickets_used,
    s.gross_amount::numeric(14, 2) as gross_amount,
    (s.gross_amount - s.vat_amount)::numeric(14, 2) as net_amount,
    s.vat_amount::numeric(14, 2) as vat_amount
from billig.ticket_group_base as g
inner join billig.event as e on g.event = e.event
inner join billig.organisation as o on e.organisation = o.organisation
left join billig.project as p on e.project = p.project
cross join lateral (
    select
        count(*) filter (where billig.takes_seat(l.transaction_type))
        - count(*) filter (where billig.frees_seat(l.transaction_type)) as tickets_live,
        count(*) filter (where billig.takes_seat(l.transaction_type))
        - count(*) filter (where billig.frees_seat(l.transaction_type))
        - count(*) filter (where billig.is_sale(l.transaction_type))
        + count(*) filter (
            where billig.is_refund(l.transaction_type) and billig.frees_seat(l.transaction_type)
        ) as tickets_unpaid,
        count(*) filter (where billig.is_sale(l.transaction_type)) as tickets_sold,
        count(*) filter (
            where billig.is_refund(l.transaction_type) and billig.frees_seat(l.transaction_type) -- a kept fee is none
        ) as tickets_refunded,
        count(*) filter (
            where billig.is_sale(l.transaction_type) and l.amount + l.fee_amount = 0
        ) as tickets_free,
        count(*) filter (where billig.is_sale(l.transaction_type) and l.exchange is not null) as tickets_exchanged_in,
        count(*) filter (
            where
            billig.is_refund(l.transaction_type) and billig.frees_seat(l.transaction_type) and l.exchange is not null
        ) as tickets_exchanged_out,
        count(*) filter (where billig.is_use(l.transaction_type))
        - count(*) filter (where billig.is_unuse(l.transaction_type)) as tickets_used,
        coalesce(sum(l.amount + l.fee_amount), 0) as gross_amount,
        coalesce(sum(l.vat_amount + l.fee_vat_amount), 0) as vat_amount
    from billig.ticket as t
    cross join lateral (
        -- a fence, as in ticket_sales_by_event: ticket by ticket
        select
            b.transaction_type,
            b.exchange,
            b.amount,
            b.fee_amount,
            b.vat_amount,
            b.fee_vat_amount
        from billig.transaction_log as b
        where b.ticket = t.ticket
        offset 0
    ) as l
    where t.event = e.event and t.ticket_group = g.ticket_group
) as s;

comment on view report.ticket_group_sales is
'What was sold of each ticket group (a part of the hall), over its whole life, and what it holds: a row for each, also where nothing was sold. A ticket that was exchanged into another group is a refund in the one and a sale in the other. Fill rate: tickets_live of capacity. NOK including fees, positive in, negative out: gross_amount = net_amount + vat_amount; over the groups of an event they sum to report.ticket_sales_by_event. Organisation and project are the event''s as they are now. Ask by event, event_date or project.';
comment on column report.ticket_group_sales.organisation_name is 'Who arranges the event now';
comment on column report.ticket_group_sales.project is 'The event''s UKE project now; null: none';
comment on column report.ticket_group_sales.project_name is 'Its name, as it is now; null: no project';
comment on column report.ticket_group_sales.event is 'The event';
comment on column report.ticket_group_sales.event_name is 'The event''s name, as it is now';
comment on column report.ticket_group_sales.event_time is 'When it starts, local time; null: not known';
comment on column report.ticket_group_sales.event_date is 'Local date of the event; null: not known';
comment on column report.ticket_group_sales.event_location is 'Where it is; null: not said';
comment on column report.ticket_group_sales.ticket_group is 'The ticket group';
comment on column report.ticket_group_sales.ticket_group_name is 'Its name, as it is now';
comment on column report.ticket_group_sales.capacity is 'Tickets that exist of it';
comment on column report.ticket_group_sales.tickets_live is 'Tickets that hold a seat, paid or not: taken less given back, timed out and cancelled';
comment on column report.ticket_group_sales.tickets_unpaid is 'Of the live: on the web or reserved, not paid yet';
comment on column report.ticket_group_sales.tickets_sold is 'Tickets paid, free ones among them, those refunded later too';
comment on column report.ticket_group_sales.tickets_refunded is 'Of the sold: given back';
comment on column report.ticket_group_sales.tickets_free is 'Of the sold: for nothing';
comment on column report.ticket_group_sales.tickets_exchanged_in is 'Of the sold: sold in an exchange';
comment on column report.ticket_group_sales.tickets_exchanged_out is 'Of the refunded: given back in an exchange';
comment on column report.ticket_group_sales.tickets_used is 'Tickets used at the door, those refunded since too';
comment on column report.ticket_group_sales.gross_amount is 'NOK including VAT and fees, positive in, negative out';
comment on column report.ticket_group_sales.net_amount is 'NOK without VAT: gross_amount less vat_amount, signed as it';
comment on column report.ticket_group_sales.vat_amount is 'NOK of VAT, signed as the gross';
