create or replace view report.ticket_sales_by_event as
select
    o.organisation_name,
    s.project,
    p.project_name,
    e.event,
    e.event_name,
    e.event_time::date as event_date,
    e.event_type as event_type_name,
    s.capacity,
    s.tickets_live,
    s.tickets_unpaid,
    s.tickets_sold,
    s.tickets_refunded,
    s.tickets_free,
    s.sold_amount::numeric(14, 2) as sold_amount,
    s.refunded_amount::numeric(14, 2) as refunded_amount,
    s.changed_amount::numeric(14, 2) as changed_amount,
    s.gross_amount::numeric(14, 2) as gross_amount,
    (s.gross_amount - s.vat_amount)::numeric(14, 2) as net_amount,
    s.vat_amount::numeric(14, 2) as vat_amount,
    e.event_time,
    e.event_location,
    s.tickets_exchanged_in,
    s.tickets_exchanged_out,
    s.exchanged_in_amount::numeric(14, 2) as exchanged_in_amount,
    s.exchanged_out_amount::numeric(14, 2) as exchanged_out_amount
from billig.event as e
cross join lateral (
    select
        f.organisation,
        f.project,
        sum(f.capacity)::bigint as capacity,
        sum(f.tickets_live)::bigint as tickets_live,
        sum(f.tickets_live - f.tickets_sold + f.tickets_refunded)::bigint as tickets_unpaid,
        sum(f.tickets_sold)::bigint as tickets_sold,
        sum(f.tickets_refunded)::bigint as tickets_refunded,
        sum(f.tickets_free)::bigint as tickets_free,
        sum(f.tickets_exchanged_in)::bigint as tickets_exchanged_in,
        sum(f.tickets_exchanged_out)::bigint as tickets_exchanged_out,
        sum(f.exchanged_in_amount) as exchanged_in_amount,
        sum(f.exchanged_out_amount) as exchanged_out_amount,
        sum(f.sold_amount) as sold_amount,
        sum(f.refunded_amount) as refunded_amount,
        sum(f.changed_amount) as changed_amount,
        sum(f.sold_amount + f.refunded_amount + f.changed_amount) as gross_amount,
        sum(f.vat_amount) as vat_amount
    from (
        -- the event as the programme has it, whether anything was sold or not
        select
            e.organisation,
            e.project,
            (
                select coalesce(sum(g.num), 0)
                from billig.ticket_group_base as g
                where g.event = e.event
            ) as capacity,
            0 as tickets_live,
            0 as tickets_sold,
            0 as tickets_refunded,
            0 as tickets_free,
            0 as tickets_exchanged_in,
            0 as tickets_exchanged_out,
            0 as exchanged_in_amount,
            0 as exchanged_out_amount,
            0 as sold_amount,
            0 as refunded_amount,
            0 as changed_amount,
            0 as vat_amount
        union all
        -- what was sold, as it was sold
        select
            l.organisation,
            l.project,
            0,
            count(*) filter (where billig.takes_seat(l.transaction_type))
            - count(*) filter (where billig.frees_seat(l.transaction_type)),
            count(*) filter (where billig.is_sale(l.transaction_type)),
            count(*) filter (
                where billig.is_refund(l.transaction_type) and billig.frees_seat(l.transaction_type) -- a kept fee is none
            ),
            count(*) filter (where billig.is_sale(l.transaction_type) and l.amount + l.fee_amount = 0),
            count(*) filter (where billig.is_sale(l.transaction_type) and l.is_exchange),
            count(*) filter (
                where billig.is_refund(l.transaction_type) and billig.frees_seat(l.transaction_type) and l.is_exchange
            ),
            coalesce(
                sum(l.amount + l.fee_amount) filter (where billig.is_sale(l.transaction_type) and l.is_exchange), 0
            ),
            coalesce(
                sum(l.amount + l.fee_amount) filter (where billig.is_refund(l.transaction_type) and l.is_exchange), 0
            ),
            coalesce(sum(l.amount + l.fee_amount) filter (where billig.is_sale(l.transaction_type)), 0),
            coalesce(sum(l.amount + l.fee_amount) filter (where billig.is_refund(l.transaction_type)), 0),
            coalesce(
                sum(l.amount + l.fee_amount)
                filter (where billig.takes_money(l.transaction_type) and not billig.is_sale(l.transaction_type)), 0
            ),
            sum(l.vat_amount + l.fee_vat_amount)
        from billig.ticket as t
        cross join lateral (
            -- Whatever the day it is posted on. A fence: ticket by ticket, since a join may read the whole log for each
            -- event.
            select
                g.organisation,
                g.project,
                g.transaction_type,
                g.exchange is not null as is_exchange,
                g.amount,
                g.fee_amount,
                g.vat_amount,
                g.fee_vat_amount
            from billig.transaction_log as g
            where g.ticket = t.ticket
            offset 0
        ) as l
        where t.event = e.event
        group by l.organisation, l.project
    ) as f
    group by f.organisation, f.project
) as s
inner join billig.organisation as o on s.organisation = o.organisation
left join billig.project as p on s.project = p.project;

comment on view report.ticket_sales_by_event is
'What was sold of each event, over its whole life: a row for each event, and organisation and project that it was sold as; also where nothing was. Rows sum over any column. NOK including fees, positive in, negative out: gross_amount = sold_amount + refunded_amount + changed_amount = net_amount + vat_amount, the revenue. An exchange is a refund and a sale: what of either was exchanged stands beside it (exchanged_in, exchanged_out). Ask by event, event_date or project.';
comment on column report.ticket_sales_by_event.organisation_name is 'Whose event it was when the tickets were sold';
comment on column report.ticket_sales_by_event.project is 'UKE project it was sold as; null: none';
comment on column report.ticket_sales_by_event.project_name is 'Its name, as it is now; null: no project';
comment on column report.ticket_sales_by_event.event is 'The event';
comment on column report.ticket_sales_by_event.event_name is 'The event''s name, as it is now';
comment on column report.ticket_sales_by_event.event_date is 'Local date of the event';
comment on column report.ticket_sales_by_event.event_type_name is 'Type of the event';
comment on column report.ticket_sales_by_event.capacity is 'Existing tickets, in the row of what the event is now; 0 in a row of what it was';
comment on column report.ticket_sales_by_event.tickets_live is 'Tickets that hold a seat, paid or not: taken less given back, timed out and cancelled';
comment on column report.ticket_sales_by_event.tickets_unpaid is 'Of the live: on the web or reserved, not paid yet';
comment on column report.ticket_sales_by_event.tickets_sold is 'Tickets paid, free ones among them, those refunded later too';
comment on column report.ticket_sales_by_event.tickets_refunded is 'Of the sold: given back';
comment on column report.ticket_sales_by_event.tickets_free is 'Of the sold: for nothing';
comment on column report.ticket_sales_by_event.sold_amount is 'NOK including VAT and fees of what was sold, 0 or more';
comment on column report.ticket_sales_by_event.refunded_amount is 'NOK including VAT and fees given back, 0 or less';
comment on column report.ticket_sales_by_event.changed_amount is 'NOK by which tickets became dearer (positive) or cheaper (negative) while they lived: changes of price group, price reductions, chargebacks';
comment on column report.ticket_sales_by_event.gross_amount is 'NOK including VAT and fees, positive in, negative out';
comment on column report.ticket_sales_by_event.net_amount is 'NOK without VAT: gross_amount less vat_amount, signed as it';
comment on column report.ticket_sales_by_event.vat_amount is 'NOK of VAT, signed as the gross';
comment on column report.ticket_sales_by_event.event_time is 'When the event starts, local time, as in the programme now: it tells two shows of a day apart; null: not known';
comment on column report.ticket_sales_by_event.event_location is 'Where the event is, as in the programme now; null: not said';
comment on column report.ticket_sales_by_event.tickets_exchanged_in is 'Of the sold: sold in an exchange, for tickets given back, of this event or another';
comment on column report.ticket_sales_by_event.tickets_exchanged_out is 'Of the refunded: given back in an exchange';
comment on column report.ticket_sales_by_event.exchanged_in_amount is 'NOK of sold_amount that was sold in exchanges, 0 or more';
comment on column report.ticket_sales_by_event.exchanged_out_amount is 'NOK of refunded_amount that was given back in exchanges, 0 or less';
