create or replace view report.seller_vat_project as
select
    o.organisation_name,
    s.posting_date,
    s.sale_date,
    s.seller,
    s.cash_point,
    s.till_session,
    s.kind,
    s.project,
    p.project_name,
    s.vat_code,
    s.vat_rate::numeric(5, 2) as vat_rate,
    s.tickets,
    s.gross_amount::numeric(14, 2) as gross_amount,
    (s.gross_amount - s.vat_amount)::numeric(14, 2) as net_amount,
    s.vat_amount::numeric(14, 2) as vat_amount,
    (select h.cash_point_name from billig.cash_point as h where h.cash_point = s.cash_point) as cash_point_name,
    (select v.vat_code_name from books.vat_code as v where v.vat_code = s.vat_code) as vat_code_name
from (
    select
        d.organisation,
        d.posting_date,
        d.sale_date,
        d.seller,
        d.cash_point,
        d.till_session,
        d.kind,
        d.project,
        c.vat_code,
        c.vat_rate,
        coalesce(sum(d.tickets) filter (where c.component = 'TICKET'), 0)::bigint as tickets,
        sum(c.gross_amount) as gross_amount,
        sum(c.vat_amount) as vat_amount
    from (
        -- summed before it is unfolded into tickets and fees: a day has few kinds of rows, and many rows
        select
            l.organisation,
            l.posting_date,
            l.transaction_date as sale_date,
            case when p.payment is null then l.seller else p.seller end as seller,
            case when p.payment is null then l.cash_point else p.cash_point end as cash_point,
            p.till_session,
            y.kind,
            l.project,
            l.vat_code,
            l.vat_rate,
            l.fee_vat_code,
            l.fee_vat_rate,
            count(*) filter (where not billig.is_fee_kept(l.transaction_type)) as tickets,
            sum(l.amount) as amount,
            sum(l.vat_amount) as vat_amount,
            sum(l.fee_amount) as fee_amount,
            sum(l.fee_vat_amount) as fee_vat_amount,
            bool_or(l.fee_amount <> 0) as has_fee
        from billig.posted_log as l
        left join billig.transaction_type as y on l.transaction_type = y.transaction_type
        left join lateral (
            -- a fence: one by one, since a join would rather read all payments there ever were
            select b.payment, b.seller, b.cash_point, b.till_session
            from billig.payment as b
            where b.payment = l.payment
            offset 0
        ) as p on true
        where billig.moves_money(l.transaction_type)
        group by
            l.organisation, l.posting_date, l.transaction_date,
            case when p.payment is null then l.seller else p.seller end,
            case when p.payment is null then l.cash_point else p.cash_point end,
            p.till_session, y.kind, l.project, l.vat_code, l.vat_rate, l.fee_vat_code, l.fee_vat_rate
    ) as d
    cross join lateral billig.components(
        d.vat_code, d.vat_rate, d.amount, d.vat_amount,
        d.fee_vat_code, d.fee_vat_rate, d.fee_amount, d.fee_vat_amount
    ) as c
    where c.component = 'TICKET' or d.has_fee
    group by
        d.organisation, d.posting_date, d.sale_date, d.seller, d.cash_point, d.till_session, d.kind, d.project,
        c.vat_code, c.vat_rate
) as s
inner join billig.organisation as o on s.organisation = o.organisation
left join billig.project as p on s.project = p.project;

comment on view report.seller_vat_project is
'A seller''s transactions by VAT code and UKE project (T11), sales, refunds and changes of price group apart: a row for each organisation, posting_date, sale_date, seller (null: the web), cash_point, till_session, kind, project, VAT code and rate; rows sum over any of them. Tickets and fees stand each under their own code. NOK, positive in, negative out; gross_amount = net_amount + vat_amount, sums of the log''s lines. An exchange is a refund and a sale. Ask by posting_date.';
comment on column report.seller_vat_project.organisation_name is 'Organisation whose money it is, as sold';
comment on column report.seller_vat_project.posting_date is 'Local date that accounting has it on: the sale date, or the first day of a later period';
comment on column report.seller_vat_project.sale_date is 'Local date the money moved';
comment on column report.seller_vat_project.seller is 'Who took or gave the money, whoever sold the ticket; null: the web';
comment on column report.seller_vat_project.cash_point is 'The cash point; null: on the web, or at no till';
comment on column report.seller_vat_project.till_session is 'The till session it is in; null: none';
comment on column report.seller_vat_project.kind is 'SALE, REFUND or CHANGE (of price group)';
comment on column report.seller_vat_project.project is 'UKE project, as sold; null: none';
comment on column report.seller_vat_project.project_name is 'Its name, as it is now; null: no project';
comment on column report.seller_vat_project.vat_code is 'Norwegian standard VAT code';
comment on column report.seller_vat_project.vat_rate is 'VAT rate, percent';
comment on column report.seller_vat_project.tickets is 'Tickets sold, refunded or changed, free ones among them; a fee is not a ticket. A change at other VAT rates counts twice, as an exchange does: where it goes out and where it comes in';
comment on column report.seller_vat_project.gross_amount is 'NOK including VAT, positive in, negative out; a fee is in a row of its own VAT code';
comment on column report.seller_vat_project.net_amount is 'NOK without VAT: gross_amount less vat_amount, signed as it';
comment on column report.seller_vat_project.vat_amount is 'NOK of VAT, signed as the gross';
comment on column report.seller_vat_project.cash_point_name is 'Name of the cash point, as it is now; null: no cash point';
comment on column report.seller_vat_project.vat_code_name is 'Norwegian name of the VAT code, as published';
