create or replace view report.open_items as
select
    o.organisation_name,
    s.posting_date,
    lead(s.posting_date) over w as next_posting_date,
    s.project,
    p.project_name,
    s.event,
    e.event_name,
    e.event_time::date as event_date,
    s.sale_channel,
    (
        sum(s.tickets_sold + s.tickets_released - s.tickets_paid) over w
        - (s.tickets_sold + s.tickets_released - s.tickets_paid)
    )::bigint as tickets_open_before,
    s.tickets_sold,
    s.tickets_paid,
    s.tickets_released,
    (sum(s.tickets_sold + s.tickets_released - s.tickets_paid) over w)::bigint as tickets_open_after,
    (sum(s.change) over w - s.change)::numeric(14, 2) as open_before_amount,
    s.sold_amount::numeric(14, 2) as sold_amount,
    s.changed_amount::numeric(14, 2) as changed_amount,
    s.paid_amount::numeric(14, 2) as paid_amount,
    s.released_amount::numeric(14, 2) as released_amount,
    s.paid_back_amount::numeric(14, 2) as paid_back_amount,
    (sum(s.change) over w)::numeric(14, 2) as open_after_amount,
    (sum(s.change + s.owed_amount - s.paid_back_amount) over w)::numeric(14, 2) as receivable_amount,
    (sum(s.owed_amount - s.paid_back_amount) over w)::numeric(14, 2) as owed_back_amount,
    e.event_time,
    e.event_location
from (
    select
        m.organisation,
        m.posting_date,
        m.project,
        m.event,
        m.sale_channel,
        sum(m.tickets_sold)::bigint as tickets_sold,
        sum(m.tickets_paid)::bigint as tickets_paid,
        sum(m.tickets_released)::bigint as tickets_released,
        sum(m.sold_amount) as sold_amount,
        sum(m.changed_amount) as changed_amount,
        sum(m.paid_amount) as paid_amount,
        sum(m.released_amount) as released_amount,
        sum(m.owed_amount) as owed_amount,
        sum(m.paid_back_amount) as paid_back_amount,
        sum(
            m.sold_amount + m.changed_amount + m.released_amount - m.paid_amount + m.paid_back_amount
        ) as change
    from (
        select
            l.organisation,
            l.posting_date,
            l.project,
            l.event,
            t.sale_channel,
            count(*) filter (where y.is_taken) as tickets_sold,
            count(*) filter (where y.is_paid) as tickets_paid,
            -count(*) filter (where y.is_released) as tickets_released,
            coalesce(sum(l.price) filter (where y.is_taken), 0) as sold_amount,
            coalesce(
                sum(
                    l.price - (
                        select b.price
                        from billig.transaction_log as b
                        where b.ticket = l.ticket and b.transaction_log < l.transaction_log
                        order by b.transaction_log + 0 desc -- by the index on ticket, never back through the whole log
                        limit 1
                    )
                ) filter (where y.is_changed), 0
            ) as changed_amount,
            coalesce(sum(l.amount + l.fee_amount) filter (where y.is_paid), 0) as paid_amount,
            coalesce(-sum(l.price) filter (where y.is_released), 0) as released_amount,
            0 as owed_amount,
            0 as paid_back_amount
        from billig.posted_log as l
        inner join billig.ticket as t on l.ticket = t.ticket
        -- what happens to a ticket that is not paid yet
        cross join lateral (
            select
                billig.takes_seat(l.transaction_type) and not billig.is_sale(l.transaction_type) as is_taken,
                billig.is_sale(l.transaction_type) and not billig.takes_seat(l.transaction_type) as is_paid,
                billig.frees_seat(l.transaction_type) and not billig.is_refund(l.transaction_type) as is_released,
                billig.is_price_change(l.transaction_type) and not billig.moves_money(l.transaction_type) as is_changed
        ) as y
        where y.is_taken or y.is_paid or y.is_released or y.is_changed
        group by l.organisation, l.posting_date, l.project, l.event, t.sale_channel
        union all
        -- Money that bought nothing, and is owed to the buyer: by the tickets it was for, if any.
        select
            coalesce(h.organisation, b.organisation),
            d.posting_date,
            h.project,
            h.event,
            'NET',
            0,
            0,
            0,
            0,
            0,
            d.came * coalesce(h.amount, b.amount),
            0,
            d.came * coalesce(h.amount, b.amount),
            d.went * coalesce(h.amount, b.amount)
        from billig.owed_back as b
        left join billig.owed_back_part as h on b.owed_back = h.owed_back
        left join billig.payment as u on b.used_payment = u.payment
        cross join lateral (
            values
            (1, 0, billig.local_time(b.recorded_at)::date),
            (0, 1, billig.local_time(b.settled_at)::date),
            -- what a part payment paid for is paid by then, as a whole
            (-1, 0, (
                select min(l.posting_date)
                from billig.posted_log as l
                where l.payment = u.payment
            ))
        ) as d (came, went, posting_date)
        where d.posting_date is not null
    ) as m
    group by m.organisation, m.posting_date, m.project, m.event, m.sale_channel
) as s
inner join billig.organisation as o on s.organisation = o.organisation
left join billig.event as e on s.event = e.event
left join billig.project as p on s.project = p.project
window w as (
    partition by s.organisation, s.project, s.event, s.sale_channel
    order by s.posting_date
);

comment on view report.open_items is
'What is sold on the web or reserved and not paid yet, and what is paid and not sold: a row for each organisation, project, event, sale_channel (NET, RESERVATION) and day on which something happened. tickets_open_after = tickets_open_before + tickets_sold + tickets_released - tickets_paid; open_after_amount = open_before_amount + sold_amount + changed_amount + released_amount - paid_amount + paid_back_amount, and is receivable_amount - owed_back_amount. A row holds until next_posting_date: what was open at the end of day D are the rows with posting_date <= D and (next_posting_date > D or next_posting_date is null). NOK including fees. Refunds of paid tickets open nothing: what is given back was paid. What is open depends on all that was before, so every question reads the whole log.';
comment on column report.open_items.organisation_name is 'Organisation whose money it is, as sold';
comment on column report.open_items.posting_date is 'Local date that accounting has it on: the day it happened, or the first day of a later period';
comment on column report.open_items.next_posting_date is 'The next day on which something happened to these; null: none since';
comment on column report.open_items.project is 'UKE project, as sold; null: none';
comment on column report.open_items.project_name is 'Its name, as it is now; null: no project';
comment on column report.open_items.event is 'The event; null: money that was charged for a purchase that there is not';
comment on column report.open_items.event_name is 'The event''s name, as it is now; null: no event';
comment on column report.open_items.event_date is 'Local date of the event; null: no event';
comment on column report.open_items.sale_channel is 'How the ticket was taken: NET or RESERVATION';
comment on column report.open_items.tickets_open_before is 'Tickets taken and not paid when the day began';
comment on column report.open_items.tickets_sold is 'Tickets taken on the web or reserved, not paid as yet';
comment on column report.open_items.tickets_paid is 'Of those open: paid';
comment on column report.open_items.tickets_released is 'Of those open: timed out, aborted or cancelled; negative';
comment on column report.open_items.tickets_open_after is 'Tickets taken and not paid when the day ends';
comment on column report.open_items.open_before_amount is 'NOK that buyers owed when the day began, less what was owed to them';
comment on column report.open_items.sold_amount is 'NOK that the tickets taken cost';
comment on column report.open_items.changed_amount is 'NOK by which reservations became dearer (positive) or cheaper';
comment on column report.open_items.paid_amount is 'NOK paid: for open tickets, and what bought nothing; what of that pays for tickets later counts once, on its first day';
comment on column report.open_items.released_amount is 'NOK that the released tickets would have cost; negative';
comment on column report.open_items.paid_back_amount is 'NOK paid back of what was owed to buyers';
comment on column report.open_items.open_after_amount is 'NOK that buyers owe when the day ends, less what is owed to them';
comment on column report.open_items.receivable_amount is 'NOK of unpaid tickets when the day ends';
comment on column report.open_items.owed_back_amount is 'NOK owed to buyers when the day ends (billig.owed_back), positive';
comment on column report.open_items.event_time is 'When the event starts, local time, as in the programme now: it tells two shows of a day apart; null: not known';
comment on column report.open_items.event_location is 'Where the event is, as in the programme now; null: not said';
