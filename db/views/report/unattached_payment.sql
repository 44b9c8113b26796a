create or replace view report.unattached_payment as
select
    d.posting_date,
    d.sale_date,
    p.payment,
    p.kind,
    p.payment_time,
    p.seller,
    p.cash_point,
    c.cash_point_name,
    p.purchase,
    d.tickets,
    coalesce(i.amount, 0)::numeric(14, 2) as amount,
    coalesce(i.cash_amount, 0)::numeric(14, 2) as cash_amount,
    coalesce(i.payment_methods, 'NONE') as payment_methods,
    p.made_by = 'TRIGGER' as is_legacy,
    case
        when p.cash_point is null then 'no cash point'
        when not c.session_required then 'this cash point needs no session'
        else 'no open session'
    end as reason
from (
    select
        l.payment,
        l.posting_date,
        l.transaction_date as sale_date,
        count(*) filter (where not billig.is_fee_kept(l.transaction_type) and not l.is_second_row) as tickets,
        bool_or(
            billig.moves_money(l.transaction_type) and not billig.is_fee_kept(l.transaction_type)
            and billig.channel_of(l.transaction_type) is distinct from 'NET'
        ) as is_stand
    from billig.posted_log as l
    where l.payment is not null
    group by l.payment, l.posting_date, l.transaction_date
) as d
inner join lateral (
    -- a fence: one by one, since a join would rather read all payments there ever were
    select
        b.payment,
        b.kind,
        b.payment_time,
        b.seller,
        b.cash_point,
        b.till_session,
        b.purchase,
        b.made_by
    from billig.payment as b
    where b.payment = d.payment
    offset 0
) as p on true
left join billig.cash_point as c on p.cash_point = c.cash_point
left join lateral (
    select
        sum(n.amount) as amount,
        sum(n.amount) filter (where m.is_cash) as cash_amount,
        string_agg(m.payment_method_name || ' ' || n.amount, ', ' order by m.payment_method) as payment_methods
    from (
        select k.payment_method, sum(k.amount) as amount
        from billig.payment_line as k
        where k.payment = p.payment
        group by k.payment_method
    ) as n
    inner join billig.payment_method as m on n.payment_method = m.payment_method
) as i on true
where
    p.till_session is null
    and (
        p.cash_point is not null
        or i.cash_amount is not null
        or d.is_stand and case p.kind
            when 'CHARGEBACK' then false
            when 'CHARGEBACK_WON' then false
            -- the provider gives a part of a web sale back, whoever asks for it
            when 'REDUCTION' then (
                select bool_or(t.sale_channel <> 'NET') -- an EXISTS would be answered for the whole log at once
                from billig.transaction_log as g
                inner join billig.ticket as t on g.ticket = t.ticket
                where g.payment = p.payment
            )
            else true
        end
    );

comment on view report.unattached_payment is
'Payments at a stand, or in cash anywhere, that lie in no till session, one row each: legacy writes without one, stands where none is needed, sales that name no cash point. They are in the settlement of their seller with till_session null. Ask by posting_date.';
comment on column report.unattached_payment.posting_date is 'Local date that accounting has it on: the sale date, or the first day of a later period';
comment on column report.unattached_payment.sale_date is 'Local date the money moved; one whose rows fall on either side of midnight has a row for each day';
comment on column report.unattached_payment.payment is 'The payment; billig.receipt prints its receipts';
comment on column report.unattached_payment.kind is 'SALE, REFUND, EXCHANGE, CHANGE (of price group) or REDUCTION (of the price)';
comment on column report.unattached_payment.payment_time is 'When the money moved, by the server''s clock';
comment on column report.unattached_payment.seller is 'Who took or gave the money';
comment on column report.unattached_payment.cash_point is 'The cash point; null: none was named';
comment on column report.unattached_payment.cash_point_name is 'Its name, as it is now; null: none was named';
comment on column report.unattached_payment.purchase is 'The purchase; null: one refund or exchange covers several';
comment on column report.unattached_payment.tickets is 'Tickets it is for';
comment on column report.unattached_payment.amount is 'NOK, positive in, negative out';
comment on column report.unattached_payment.cash_amount is 'NOK of it in cash';
comment on column report.unattached_payment.payment_methods is 'Means of payment and NOK of each; NONE: no money moved';
comment on column report.unattached_payment.is_legacy is 'A raw write moved the money, and a trigger made the payment';
comment on column report.unattached_payment.reason is 'Why it lies in no session';
