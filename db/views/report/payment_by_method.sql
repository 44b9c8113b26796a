create or replace view report.payment_by_method as
select
    o.organisation_name,
    s.posting_date,
    s.sale_date,
    s.seller,
    s.cash_point,
    s.till_session,
    coalesce(m.payment_method_name, 'NONE') as payment_method,
    coalesce(m.is_cash, false) as is_cash,
    s.direction,
    s.payments,
    s.amount::numeric(14, 2) as amount
from (
    select
        a.organisation,
        u.posting_date,
        u.sale_date,
        p.seller,
        p.cash_point,
        p.till_session,
        a.payment_method,
        case
            when a.payment_method is null or u.turn = 0 then 'NONE'
            when u.turn > 0 then 'IN'
            else 'OUT'
        end as direction,
        sum(a.payments)::bigint as payments,
        sum(a.amount) as amount
    from (
        -- a payment's lines, each with what the lines up to it come to
        select
            d.payment,
            d.posting_date,
            d.sale_date,
            d.organisation,
            i.payment_method,
            i.amount as line_amount,
            -- the rounding goes the way of its payment, whichever way it rounds
            case
                when i.payment_method = (select r.payment_method from billig.payment_method as r where r.is_rounding)
                    then sum(i.amount) over w
                else i.amount
            end as turn,
            sum(i.amount) over (w order by i.payment_method) as line_upto,
            row_number() over (w order by i.payment_method) as line_place,
            coalesce(sum(i.amount) over w, 0) as total,
            d.organisation = d.last_organisation and d.amount = coalesce(sum(i.amount) over w, 0) as is_whole
        from (
            select
                l.payment,
                l.posting_date,
                l.transaction_date as sale_date,
                min(l.organisation) as organisation,
                max(l.organisation) as last_organisation,
                sum(l.amount + l.fee_amount) as amount
            from billig.posted_log as l
            where l.payment is not null
            group by l.payment, l.posting_date, l.transaction_date
        ) as d
        -- fences (offset 0): one by one, since joins would rather read all payments there ever were
        left join lateral (
            select n.payment_method, n.amount
            from billig.payment_line as n
            where n.payment = d.payment
            offset 0
        ) as i on true
        window w as (partition by d.payment, d.posting_date, d.sale_date)
    ) as u
    inner join lateral (
        select b.seller, b.cash_point, b.till_session
        from billig.payment as b
        where b.payment = u.payment
        offset 0
    ) as p on true
    -- Only where a payment spans organisations, or midnight: what each part of it comes to, and the parts up to it.
    left join lateral (
        select
            c.organisation,
            c.posting_date,
            c.transaction_date,
            c.amount,
            sum(c.amount) over (order by c.posting_date, c.transaction_date, c.organisation) as upto,
            row_number() over (order by c.posting_date, c.transaction_date, c.organisation) as place
        from (
            select
                l.organisation,
                l.posting_date,
                l.transaction_date,
                sum(l.amount + l.fee_amount) as amount
            from billig.posted_log as l
            where l.payment = u.payment and not u.is_whole
            group by l.organisation, l.posting_date, l.transaction_date
        ) as c
    ) as x on u.posting_date = x.posting_date and u.sale_date = x.transaction_date
    cross join lateral (
        select
            u.organisation,
            u.payment_method,
            1 as payments,
            coalesce(u.line_amount, 0) as amount
        where u.is_whole
        union all
        -- Each part has its share of each line. They add up to the øre both ways, and those of a refund are those of its
        -- sale with the other sign.
        select
            x.organisation,
            u.payment_method,
            (x.place = 1)::int,
            billig.share_of(x.upto, u.line_upto, u.line_amount, u.total)
            - billig.share_of(x.upto - x.amount, u.line_upto, u.line_amount, u.total)
        where not u.is_whole and u.total <> 0
        union all
        -- nothing moved in all, or lines that cancel out: the first part has the lines,
        select
            x.organisation,
            u.payment_method,
            1,
            u.line_amount
        where not u.is_whole and u.total = 0 and x.place = 1 and u.payment_method is not null
        union all
        -- and what the parts owe each other stands beside them
        select
            x.organisation,
            null,
            (x.place = 1 and u.payment_method is null)::int,
            x.amount
        where not u.is_whole and u.total = 0 and u.line_place = 1
    ) as a
    group by
        a.organisation, u.posting_date, u.sale_date, p.seller, p.cash_point, p.till_session, a.payment_method,
        case
            when a.payment_method is null or u.turn = 0 then 'NONE'
            when u.turn > 0 then 'IN'
            else 'OUT'
        end
) as s
inner join billig.organisation as o on s.organisation = o.organisation
left join billig.payment_method as m on s.payment_method = m.payment_method;

comment on view report.payment_by_method is
'What was paid with which means (payment_line), a row for each organisation, posting_date, sale_date, seller (null: the web), cash_point, till_session, payment_method and direction: rows sum over any of them. Where a payment is for tickets of several organisations each has its share of each line, in proportion to its own tickets, to the øre; so the rows of an organisation sum to its rows of the log, and those of a method to payment_line. Ask by posting_date.';
comment on column report.payment_by_method.organisation_name is 'Organisation whose money it is, as sold';
comment on column report.payment_by_method.posting_date is 'Local date that accounting has it on: the sale date, or the first day of a later period';
comment on column report.payment_by_method.sale_date is 'Local date the money moved';
comment on column report.payment_by_method.seller is 'Who took or gave the money; null: the web';
comment on column report.payment_by_method.cash_point is 'The cash point; null: on the web, or at no till';
comment on column report.payment_by_method.till_session is 'The till session it is in; null: none';
comment on column report.payment_by_method.payment_method is 'Name of the means of payment; ROUNDING: what cash was rounded by; NONE: no money moved (free tickets, an even exchange)';
comment on column report.payment_by_method.is_cash is 'Whether it is cash: what lies in the drawer';
comment on column report.payment_by_method.direction is 'IN, OUT, or NONE where nothing moved. ROUNDING goes the way of its payment, its amount is of either sign';
comment on column report.payment_by_method.payments is 'Payments; one with two methods counts under both, one of several organisations under the first of them alone';
comment on column report.payment_by_method.amount is 'NOK, positive in, negative out. Of NONE: not 0 only where organisations exchanged tickets with each other, and sums to 0 over them';
