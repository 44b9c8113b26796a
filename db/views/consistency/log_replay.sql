create or replace view consistency.log_replay as
select
    t.ticket,
    concat_ws(
        ', ',
        case when (t.paid is not null) <> (coalesce(l.paid_rows, 0) = 1) then 'paid' end,
        case when (t.refunded is not null) <> (coalesce(l.refund_rows, 0) = 1) then 'refunded' end,
        case when (t.used is not null)::int <> coalesce(l.used_rows, 0) then 'used' end,
        case when t.price_group <> l.price_group then 'price_group' end,
        case when t.price <> l.price then 'price' end,
        case when t.fee <> l.fee then 'fee' end,
        case when t.vat_rate <> l.vat_rate then 'vat_rate' end,
        case when t.fee_vat_code <> l.fee_vat_code then 'fee_vat_code' end,
        case when t.fee_vat_rate <> l.fee_vat_rate then 'fee_vat_rate' end,
        case when t.sold_name is distinct from l.sold_name then 'sold_name' end,
        case when t.purchase <> l.purchase or not l.same_purchase then 'purchase' end,
        case when t.event <> l.event or t.ticket_group <> l.ticket_group then 'event' end,
        case when t.project is distinct from l.project then 'project' end,
        case when t.refunded is not null and nullif(t.refunder, '') is distinct from l.refunder then 'refunder' end,
        case when t.payment is distinct from l.payment then 'payment' end,
        case when l.amount <> m.amount - billig.fee_in(m.amount, t.fee) then 'amount' end,
        case when l.fee_amount <> billig.fee_in(m.amount, t.fee) then 'fee_amount' end,
        case when t.reduced <> l.reduced then 'reduced' end,
        case when t.charged_back <> l.charged_back then 'charged_back' end
    ) as differs
from billig.ticket as t
left join (
    select
        ticket,
        count(*) filter (where billig.is_sale(transaction_type)) as paid_rows,
        count(*) filter (where billig.frees_seat(transaction_type)) as refund_rows,
        count(*) filter (where billig.is_use(transaction_type))
        - count(*) filter (where billig.is_unuse(transaction_type)) as used_rows,
        (array_agg(price_group order by transaction_log desc))[1] as price_group,
        (array_agg(price order by transaction_log desc))[1] as price,
        (array_agg(fee order by transaction_log desc))[1] as fee,
        (array_agg(sold_name order by transaction_log desc))[1] as sold_name,
        (array_agg(vat_rate order by transaction_log desc))[1] as vat_rate,
        (array_agg(fee_vat_code order by transaction_log desc))[1] as fee_vat_code,
        (array_agg(fee_vat_rate order by transaction_log desc))[1] as fee_vat_rate,
        (array_agg(payment order by transaction_log desc) filter (where made_by <> 'TRIGGER'))[1] as payment,
        min(seller) filter (where billig.frees_seat(transaction_type)) as refunder,
        min(purchase) as purchase,
        min(purchase) = max(purchase) as same_purchase,
        min(event) as event,
        min(ticket_group) as ticket_group,
        min(project) as project,
        sum(amount) as amount,
        sum(fee_amount) as fee_amount,
        coalesce(-sum(amount + fee_amount) filter (where transaction_type_name = 'PRICE_REDUCTION'), 0) as reduced,
        coalesce(-sum(amount + fee_amount) filter (where transaction_type_name like 'CHARGEBACK%'), 0) as charged_back
    from (
        select
            g.transaction_log, g.ticket, g.transaction_type, g.price_group, g.price, g.fee, g.sold_name, g.vat_rate,
            g.fee_vat_code, g.fee_vat_rate, g.seller, g.purchase, g.event, g.ticket_group, g.project, g.amount,
            g.fee_amount, g.payment, p.made_by, y.transaction_type_name
        from billig.transaction_log as g
        inner join billig.transaction_type as y on g.transaction_type = y.transaction_type
        left join billig.payment as p on g.payment = p.payment
    ) as r
    group by ticket
) as l on t.ticket = l.ticket
cross join lateral billig.left_of(
    t.paid is not null, t.refunded is not null, t.price, t.reduced, t.charged_back, t.kept
) as m (amount)
where
    l.ticket is null
    or (t.paid is not null) <> (l.paid_rows = 1)
    or (t.refunded is not null) <> (l.refund_rows = 1)
    or (t.used is not null)::int <> l.used_rows
    or t.price_group <> l.price_group
    or (t.price, t.fee, t.vat_rate, t.fee_vat_code, t.fee_vat_rate)
    <> (l.price, l.fee, l.vat_rate, l.fee_vat_code, l.fee_vat_rate)
    or t.sold_name is distinct from l.sold_name
    or t.purchase <> l.purchase
    or not l.same_purchase
    or t.event <> l.event
    or t.ticket_group <> l.ticket_group
    or t.project is distinct from l.project
    or (t.refunded is not null and nullif(t.refunder, '') is distinct from l.refunder)
    or t.payment is distinct from l.payment
    or l.amount <> m.amount - billig.fee_in(m.amount, t.fee)
    or l.fee_amount <> billig.fee_in(m.amount, t.fee)
    or t.reduced <> l.reduced
    or t.charged_back <> l.charged_back;

comment on view consistency.log_replay is
'Log and tickets agree: replaying a ticket''s rows gives its state, its payment the last one that was named, and what is left of its money (billig.left_of). A row names a ticket and the columns that differ. It means that a ticket was changed with the triggers off, or the log was.';
