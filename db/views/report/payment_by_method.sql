create or replace view report.payment_by_method as
select
    o.organisation_name,
    s.posting_date,
    s.sale_date,
    s.seller,
    s.cash_point,
    s.till_session,
    coalesce(m.payment_method_name, s.item) as payment_method,
    coalesce(m.is_cash, false) as is_cash,
    s.direction,
    s.payments,
    s.amount::numeric(14, 2) as amount,
    (select h.cash_point_name from billig.cash_point as h where h.cash_point = s.cash_point) as cash_point_name
from (
    select
        a.organisation,
        a.posting_date,
        a.sale_date,
        p.seller,
        p.cash_point,
        p.till_session,
        a.payment_method,
        a.item,
        case sign(a.turn) when 1 then 'IN' when -1 then 'OUT' else 'NONE' end as direction,
        sum(a.payments)::bigint as payments,
        sum(a.amount) as amount
    from (
        -- money, whole where it is; a payment may have several lines by one method
        select
            l.payment,
            l.posting_date,
            l.transaction_date as sale_date,
            l.organisation,
            l.payment_method,
            null as item,
            1 as payments,
            sum(l.amount) as amount,
            -- the rounding goes the way of its payment, whichever way it rounds
            case
                when l.payment_method = (select r.payment_method from billig.payment_method as r where r.is_rounding)
                    then sum(sum(l.amount)) over (
                        partition by l.posting_date, l.transaction_date, l.payment, l.organisation
                    )
                else sum(l.amount)
            end as turn
        from billig.posted_line as l
        group by l.payment, l.posting_date, l.transaction_date, l.organisation, l.payment_method
        union all
        -- what is another's of it
        select
            b.payment,
            b.posting_date,
            b.transaction_date,
            b.organisation,
            null,
            'BETWEEN',
            0,
            b.amount,
            0
        from billig.posted_between as b
        union all
        -- nothing moved
        select
            l.payment,
            l.posting_date,
            l.transaction_date,
            l.organisation,
            null,
            'NONE',
            1,
            0,
            0
        from billig.posted_log as l
        where
            l.first_of_payment
            and not exists (
                select from billig.transaction_log as f
                where f.payment = l.payment and f.first_of_payment and f.transaction_log < l.transaction_log
            )
            and not exists (select from billig.payment_line as n where n.payment = l.payment)
    ) as a
    -- a fence (offset 0): one by one, since a join would rather read all payments there ever were
    inner join lateral (
        select
            b.seller,
            b.cash_point,
            b.till_session
        from billig.payment as b
        where b.payment = a.payment
        offset 0
    ) as p on true
    group by
        a.organisation, a.posting_date, a.sale_date, p.seller, p.cash_point, p.till_session, a.payment_method, a.item,
        sign(a.turn)
) as s
inner join billig.organisation as o on s.organisation = o.organisation
left join billig.payment_method as m on s.payment_method = m.payment_method;

comment on view report.payment_by_method is
'What was paid with which means (payment_line), a row for each organisation, posting_date, sale_date, seller (null: the web), cash_point, till_session, payment_method and direction: rows sum over any of them. Money stands whole with the organisation that has it: whose cash point, or whose agreement on the web. What of it is for another''s tickets is BETWEEN, in both, and sums to 0; so the rows of an organisation sum to its rows of the log, and those of a method to payment_line, as in the vouchers. Ask by posting_date.';
comment on column report.payment_by_method.organisation_name is 'Organisation that has the money; of BETWEEN, in whose books it stands';
comment on column report.payment_by_method.posting_date is 'Local date that accounting has it on: the sale date, or the first day of a later period';
comment on column report.payment_by_method.sale_date is 'Local date the money moved';
comment on column report.payment_by_method.seller is 'Who took or gave the money; null: the web';
comment on column report.payment_by_method.cash_point is 'The cash point; null: on the web, or at no till';
comment on column report.payment_by_method.till_session is 'The till session it is in; null: none';
comment on column report.payment_by_method.payment_method is 'Name of the means of payment; ROUNDING: what cash was rounded by; BETWEEN: what other organisations owe (negative: are owed) for it; NONE: no money moved (free tickets, an even exchange)';
comment on column report.payment_by_method.is_cash is 'Whether it is cash: what lies in the drawer';
comment on column report.payment_by_method.direction is 'IN, OUT, or NONE where nothing moved. ROUNDING goes the way of its payment, its amount is of either sign';
comment on column report.payment_by_method.payments is 'Payments; one with two methods counts under both; 0 of BETWEEN';
comment on column report.payment_by_method.amount is 'NOK, positive in, negative out. Of NONE: not 0 only where organisations exchanged tickets with each other, and sums to 0 over them';
comment on column report.payment_by_method.cash_point_name is 'Name of the cash point, as it is now; null: no cash point';
