create or replace view report.ticket_payment as
select
    l.transaction_log,
    l.transaction_time,
    l.transaction_date as sale_date,
    l.posting_date,
    o.organisation_name,
    y.transaction_type_name as transaction_type,
    y.kind,
    l.exchange,
    l.ticket,
    l.purchase,
    l.payment,
    l.event,
    coalesce(n.event_name, e.event_name) as event_name,
    e.event_time,
    e.event_time::date as event_date,
    e.event_location,
    l.project,
    (select p.project_name from billig.project as p where p.project = l.project) as project_name,
    coalesce(
        billig.channel_of(l.transaction_type),
        (select t.sale_channel from billig.ticket as t where t.ticket = l.ticket)
    ) as sale_channel,
    l.seller,
    coalesce(m.payment_method_name, 'NONE') as payment_method,
    coalesce(m.is_cash, false) as is_cash,
    c.amount::numeric(14, 2) as amount,
    billig.history_position(l.era, l.xact_id) as history_position
from billig.posted_log as l
left join billig.transaction_type as y on l.transaction_type = y.transaction_type
left join billig.event as e on l.event = e.event
left join billig.organisation as o on l.organisation = o.organisation
left join billig.sold_name as n on l.sold_name = n.sold_name
cross join lateral (
    -- What of the row's money came or went by each method: a share of shares, so that rows and methods both add up.
    select
        k.payment_method,
        books.share_of(k.upto, r.upto, l.amount + l.fee_amount, r.total)
        - books.share_of(k.before, r.upto, l.amount + l.fee_amount, r.total) as amount
    from (
        select
            sum(b.amount + b.fee_amount) as total,
            sum(b.amount + b.fee_amount) filter (where b.transaction_log <= l.transaction_log) as upto
        from billig.transaction_log as b
        where
            b.payment = l.payment
            -- an exchange has two sides, and each its own means
            and (l.exchange is null or billig.is_refund(b.transaction_type) = billig.is_refund(l.transaction_type))
    ) as r
    cross join (
        select
            a.payment_method,
            sum(a.amount) over w as upto,
            sum(a.amount) over w - a.amount as before
        from (
            select
                i.payment_method,
                sum(i.amount) as amount
            from (
                select
                    g.payment_method,
                    g.amount
                from billig.payment_line as g
                where g.payment = l.payment and (l.exchange is null or billig.is_refund(l.transaction_type))
                union all
                -- The new tickets are paid with what the old ones' money was, and the difference; the old ones take out the
                -- rest.
                select
                    x.payment_method,
                    case when billig.is_refund(l.transaction_type) then -x.amount else x.amount end
                from billig.exchange_source as x
                where x.payment = l.payment and l.exchange is not null
            ) as i
            group by i.payment_method
        ) as a
        window w as (order by a.payment_method)
    ) as k
    where l.amount + l.fee_amount <> 0 and r.total <> 0
    union all
    -- nothing moved by any means: free, or out and in again in one payment
    select
        null,
        l.amount + l.fee_amount
    where
        l.amount + l.fee_amount = 0
        or l.payment is null
        or (
            select sum(b.amount + b.fee_amount) = 0
            from billig.transaction_log as b
            where
                b.payment = l.payment
                and (l.exchange is null or billig.is_refund(b.transaction_type) = billig.is_refund(l.transaction_type))
        )
) as c
left join billig.payment_method as m on c.payment_method = m.payment_method
where billig.moves_money(l.transaction_type) and (c.amount <> 0 or l.amount + l.fee_amount = 0);

comment on view report.ticket_payment is
'How each ticket was paid for, and given back: a row for each row of the log that moves money, and each means of payment of its payment. NOK including fees, positive in, negative out. A payment by two methods is shared over its tickets by what they cost, to the øre: by ticket, event or project the amounts sum to total_amount of report.transaction, by payment method to what was paid by it. In an exchange the new tickets are paid with what the old ones were paid with, and the difference. NONE: free, or nothing moved; ROUNDING: what cash was rounded by. Ask by posting_date, or by ticket.';
comment on column report.ticket_payment.transaction_log is 'Number of the row in the log (report.transaction)';
comment on column report.ticket_payment.transaction_time is 'When it happened, by the server''s clock';
comment on column report.ticket_payment.sale_date is 'Local date of the activity';
comment on column report.ticket_payment.posting_date is 'The day it counts on: sale_date, or later where it came too late for a closed period';
comment on column report.ticket_payment.organisation_name is 'Organisation whose ticket it is, as sold; where the money lies: report.payment_by_method';
comment on column report.ticket_payment.transaction_type is 'Name of its type in billig.transaction_type';
comment on column report.ticket_payment.kind is 'SALE, REFUND or CHANGE: kind of the type';
comment on column report.ticket_payment.exchange is 'The exchange it is part of; null: none';
comment on column report.ticket_payment.ticket is 'The ticket';
comment on column report.ticket_payment.purchase is 'The purchase';
comment on column report.ticket_payment.payment is 'The payment; null: no money moved';
comment on column report.ticket_payment.event is 'The event';
comment on column report.ticket_payment.event_name is 'The event''s name, as sold';
comment on column report.ticket_payment.event_time is 'When the event starts, local time, as in the programme now; null: not known';
comment on column report.ticket_payment.event_date is 'Local date of the event, as in the programme now; null: not known';
comment on column report.ticket_payment.event_location is 'Where the event is, as in the programme now; null: not said';
comment on column report.ticket_payment.project is 'UKE project, as sold; null: none';
comment on column report.ticket_payment.project_name is 'Its name, as it is now; null: no project';
comment on column report.ticket_payment.sale_channel is 'Channel that the ticket was sold on: STAND, NET (web) or RESERVATION';
comment on column report.ticket_payment.seller is 'Who did it: seller, refunder or the role at work; null: the web';
comment on column report.ticket_payment.payment_method is 'Name of the means of payment; NONE: nothing moved';
comment on column report.ticket_payment.is_cash is 'Whether it is notes and coins';
comment on column report.ticket_payment.amount is 'NOK of the row that came (positive) or went (negative) by it, VAT and fee included';
comment on column report.ticket_payment.history_position is 'Place in the history of commits, which only grows: rows below final_before of report.watermark are all there. What increments are read by';
