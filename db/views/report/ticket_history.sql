create or replace view report.ticket_history as
select
    s.ticket,
    s.purchase,
    o.organisation_name,
    s.transaction_date as sale_date,
    e.event_time::date as event_date,
    s.event,
    coalesce(n.event_name, e.event_name) as event_name,
    s.project,
    coalesce(n.ticket_group_name, g.ticket_group_name) as ticket_group_name,
    coalesce(n.price_group_name, pg.price_group_name) as price_group_name,
    y.transaction_type_name as sold_as,
    s.transaction_time as sold_at,
    s.seller as sold_by,
    h.paid_at,
    h.paid_by,
    h.paid_amount::numeric(14, 2) as paid_amount,
    h.changes,
    h.used_at,
    h.refunded_at,
    h.refunded_by,
    r.transaction_type_name as refunded_as,
    h.refunded_amount::numeric(14, 2) as refunded_amount,
    case when s.exchange is not null or s.related_ticket is not null then s.related_ticket end as replaces,
    coalesce(h.replaced_by, (
        -- sold anew for money that came too late: its first row of two names the one that was lost
        select min(a.ticket)
        from billig.transaction_log as a
        where a.related_ticket = s.ticket and a.exchange is null
    )) as replaced_by,
    s.exchange as sold_in_exchange,
    h.refunded_in_exchange,
    h.reentries,
    h.reduced_amount::numeric(14, 2) as reduced_amount,
    h.charged_back_amount::numeric(14, 2) as charged_back_amount,
    (case when h.refunded_at is null then 0 else h.left_amount end)::numeric(14, 2) as kept_amount,
    coalesce(
        billig.channel_of(s.transaction_type),
        (select t.sale_channel from billig.ticket as t where t.ticket = s.ticket)
    ) as sale_channel,
    e.event_time,
    e.event_location,
    (select p.project_name from billig.project as p where p.project = s.project) as project_name,
    s.ticket_group,
    h.price_group,
    h.price::numeric(14, 2) as price,
    (
        select string_agg(m.payment_method_name, ', ' order by m.payment_method)
        from (
            select distinct i.payment_method
            from billig.payment_line as i
            where i.payment = h.payment
        ) as k
        inner join billig.payment_method as m on k.payment_method = m.payment_method
    ) as payment_methods
from billig.transaction_log as s
inner join billig.transaction_type as y on s.transaction_type = y.transaction_type
inner join billig.event as e on s.event = e.event
inner join billig.organisation as o on s.organisation = o.organisation
inner join billig.ticket_group_base as g on s.ticket_group = g.ticket_group
cross join lateral (
    select
        min(l.transaction_time) filter (where billig.is_sale(l.transaction_type)) as paid_at,
        min(l.seller) filter (where billig.is_sale(l.transaction_type)) as paid_by,
        min(l.payment) filter (where billig.is_sale(l.transaction_type)) as payment,
        coalesce(
            sum(l.amount + l.fee_amount)
            filter (where billig.is_sale(l.transaction_type) or billig.is_price_change(l.transaction_type)), 0
        ) as paid_amount,
        coalesce(sum(l.amount + l.fee_amount) filter (where billig.is_reduction(l.transaction_type)), 0) as reduced_amount,
        coalesce(
            sum(l.amount + l.fee_amount) filter (where billig.is_chargeback(l.transaction_type)), 0
        ) as charged_back_amount,
        sum(l.amount + l.fee_amount) as left_amount,
        -- one of them may be two rows
        count(distinct l.transaction_time) filter (where billig.is_price_change(l.transaction_type)) as changes,
        -- the use that holds: none, where as many were taken back
        case
            when count(*) filter (where billig.is_use(l.transaction_type))
                > count(*) filter (where billig.is_unuse(l.transaction_type))
                then max(l.transaction_time) filter (where billig.is_use(l.transaction_type))
        end as used_at,
        count(*) filter (where billig.is_unuse(l.transaction_type)) as reentries,
        min(l.transaction_time) filter (where billig.frees_seat(l.transaction_type)) as refunded_at,
        min(l.seller) filter (where billig.frees_seat(l.transaction_type)) as refunded_by,
        min(l.transaction_type) filter (where billig.frees_seat(l.transaction_type)) as refund_type,
        coalesce(sum(l.amount + l.fee_amount) filter (where billig.is_refund(l.transaction_type)), 0) as refunded_amount,
        min(l.related_ticket) filter (where billig.is_refund(l.transaction_type)) as replaced_by,
        min(l.exchange) filter (where billig.is_refund(l.transaction_type)) as refunded_in_exchange,
        (array_agg(l.price_group order by l.transaction_log desc))[1] as price_group,
        (array_agg(l.price order by l.transaction_log desc))[1] as price,
        (array_agg(l.sold_name order by l.transaction_log desc))[1] as sold_name
    from billig.transaction_log as l
    where l.ticket = s.ticket
) as h
inner join billig.price_group as pg on h.price_group = pg.price_group
left join billig.sold_name as n on h.sold_name = n.sold_name
left join billig.transaction_type as r on h.refund_type = r.transaction_type
where billig.takes_seat(s.transaction_type);

comment on view report.ticket_history is
'One row per ticket (T2): when it was sold and by whom, paid, used, refunded when and by whom, the ticket that replaced it and the one it replaces; all read from the log. sold_by, paid_by null: the web. Amounts NOK including fee, positive in, negative out: paid_amount + reduced_amount + charged_back_amount + refunded_amount is what is left with us, which of a refunded ticket is kept_amount. Ask by ticket, or by sale_date.';
comment on column report.ticket_history.ticket is 'The ticket';
comment on column report.ticket_history.purchase is 'The purchase';
comment on column report.ticket_history.organisation_name is 'Organisation whose money it is, as sold';
comment on column report.ticket_history.sale_date is 'Local date it was sold or reserved';
comment on column report.ticket_history.event_date is 'Local date of the event';
comment on column report.ticket_history.event is 'The event';
comment on column report.ticket_history.event_name is 'The event''s name, as sold';
comment on column report.ticket_history.project is 'UKE project, as sold; null: none';
comment on column report.ticket_history.ticket_group_name is 'Ticket group, as it was called when sold';
comment on column report.ticket_history.price_group_name is 'Price group that it is in, as it was called when sold or changed to it';
comment on column report.ticket_history.sold_as is 'How it began: NORMAL_SALE, NET_SALE or RESERVATION_SALE';
comment on column report.ticket_history.sold_at is 'When it was sold or reserved';
comment on column report.ticket_history.sold_by is 'Who sold or reserved it; null: the web';
comment on column report.ticket_history.paid_at is 'When it was paid; null: never';
comment on column report.ticket_history.paid_by is 'Who took the money; null: the web, or never paid';
comment on column report.ticket_history.paid_amount is 'NOK paid for it, fee included, with what changes of price group added or took off';
comment on column report.ticket_history.changes is 'Changes of price group';
comment on column report.ticket_history.used_at is 'When it was used at the door; null: never, or the use was taken back';
comment on column report.ticket_history.refunded_at is 'When it was given back, timed out or was aborted; null: it lives';
comment on column report.ticket_history.refunded_by is 'By whom; null: the web, or a time-out';
comment on column report.ticket_history.refunded_as is 'How it ended: NORMAL_REFUND, NET_REFUND, NET_TIMEOUT, RESERVATION_REFUND or RESERVATION_TIMEOUT';
comment on column report.ticket_history.refunded_amount is 'NOK paid back when it was refunded, fee included, negative: less what was kept of it then; 0 where it was never paid';
comment on column report.ticket_history.replaces is 'The ticket exchanged for it, or the timed-out one that its late payment was for';
comment on column report.ticket_history.replaced_by is 'The ticket it was exchanged for, or the one that was sold for its late payment; null: none';
comment on column report.ticket_history.sold_in_exchange is 'The exchange it was sold in';
comment on column report.ticket_history.refunded_in_exchange is 'The exchange it was given back in';
comment on column report.ticket_history.reentries is 'How often its use was taken back, so that it let its holder in again';
comment on column report.ticket_history.reduced_amount is 'NOK given back of its price while it lived (PRICE_REDUCTION), negative; else 0';
comment on column report.ticket_history.charged_back_amount is 'NOK that the payment provider took back (CHARGEBACK), less what it gave back (CHARGEBACK_WON): negative, or 0';
comment on column report.ticket_history.kept_amount is 'NOK left with us of a ticket that is refunded: what was kept of the refund, and chargebacks won since; 0 where it lives';
comment on column report.ticket_history.sale_channel is 'Channel that it was sold on: STAND, NET (web) or RESERVATION';
comment on column report.ticket_history.event_time is 'When the event starts, local time, as in the programme now: it tells two shows of a day apart; null: not known';
comment on column report.ticket_history.event_location is 'Where the event is, as in the programme now; null: not said';
comment on column report.ticket_history.project_name is 'Its name, as it is now; null: no project';
comment on column report.ticket_history.ticket_group is 'The ticket group: two events may have groups of one name';
comment on column report.ticket_history.price_group is 'Price group that it is in';
comment on column report.ticket_history.price is 'NOK including VAT and fee: what it costs, after changes of price group; whether it was paid, paid_at says';
comment on column report.ticket_history.payment_methods is 'Means of payment of the payment that paid for it, by name: CARD, or CASH, CARD for several; null: not paid, free, or exchanged evenly. How much by each: report.ticket_payment';
