create or replace view report.vat_by_project as
select
    o.organisation_name,
    s.sale_date,
    s.event_date,
    s.project,
    p.project_name,
    s.vat_code,
    s.vat_rate::numeric(5, 2) as vat_rate,
    s.tickets_sold,
    s.tickets_refunded,
    s.gross_amount::numeric(14, 2) as gross_amount,
    (s.gross_amount - s.vat_amount)::numeric(14, 2) as net_amount,
    s.vat_amount::numeric(14, 2) as vat_amount,
    s.posting_date,
    (select v.vat_code_name from books.vat_code as v where v.vat_code = s.vat_code) as vat_code_name
from (
    -- summed before it is unfolded into tickets and fees: a day has few kinds of rows, and many rows
    select
        d.organisation,
        d.sale_date,
        d.posting_date,
        d.event_date,
        d.project,
        c.vat_code,
        c.vat_rate,
        coalesce(sum(d.tickets_sold) filter (where c.component = 'TICKET'), 0)::bigint as tickets_sold,
        coalesce(sum(d.tickets_refunded) filter (where c.component = 'TICKET'), 0)::bigint as tickets_refunded,
        sum(c.gross_amount) as gross_amount,
        sum(c.vat_amount) as vat_amount
    from (
        select
            l.organisation,
            l.transaction_date as sale_date,
            l.posting_date,
            e.event_time::date as event_date,
            l.project,
            l.vat_code,
            l.vat_rate,
            l.fee_vat_code,
            l.fee_vat_rate,
            count(*) filter (where billig.is_sale(l.transaction_type)) as tickets_sold,
            count(*) filter (
                where billig.is_refund(l.transaction_type) and billig.frees_seat(l.transaction_type) -- a kept fee is none
            ) as tickets_refunded,
            sum(l.amount) as amount,
            sum(l.vat_amount) as vat_amount,
            sum(l.fee_amount) as fee_amount,
            sum(l.fee_vat_amount) as fee_vat_amount,
            bool_or(l.fee_amount <> 0) as has_fee
        from billig.posted_log as l
        left join billig.event as e on l.event = e.event
        where billig.moves_money(l.transaction_type)
        group by
            l.organisation, l.transaction_date, l.posting_date, e.event_time::date, l.project,
            l.vat_code, l.vat_rate, l.fee_vat_code, l.fee_vat_rate
    ) as d
    cross join lateral billig.components(
        d.vat_code, d.vat_rate, d.amount, d.vat_amount,
        d.fee_vat_code, d.fee_vat_rate, d.fee_amount, d.fee_vat_amount
    ) as c
    where c.component = 'TICKET' or d.has_fee
    group by d.organisation, d.sale_date, d.posting_date, d.event_date, d.project, c.vat_code, c.vat_rate
) as s
inner join billig.organisation as o on s.organisation = o.organisation
left join billig.project as p on s.project = p.project;

comment on view report.vat_by_project is
'Money by VAT code and UKE project (T11), a row for each organisation, sale date, posting date, event date, project, VAT code and rate; tickets and fees each under their own code. Sum over posting_date for a month: a closed one stays as it is. NOK, positive in; amounts are sums of the log''s lines, VAT is never recomputed. Only types that move money (IN, OUT, EITHER).';
comment on column report.vat_by_project.organisation_name is 'Organisation whose money it is, as sold';
comment on column report.vat_by_project.sale_date is 'Local date the money moved';
comment on column report.vat_by_project.event_date is 'Local date of the event';
comment on column report.vat_by_project.project is 'UKE project, as sold; null: none';
comment on column report.vat_by_project.project_name is 'Its name, as it is now; null: no project';
comment on column report.vat_by_project.vat_code is 'Norwegian standard VAT code';
comment on column report.vat_by_project.vat_rate is 'VAT rate, percent';
comment on column report.vat_by_project.tickets_sold is 'Tickets paid, free ones among them; a change of price group counts nowhere';
comment on column report.vat_by_project.tickets_refunded is 'Paid tickets refunded';
comment on column report.vat_by_project.gross_amount is 'NOK including VAT';
comment on column report.vat_by_project.net_amount is 'NOK without VAT: gross_amount less vat_amount';
comment on column report.vat_by_project.vat_amount is 'NOK of VAT in gross_amount, signed as it';
comment on column report.vat_by_project.posting_date is 'The day it counts on: sale_date, or later where it came too late for a closed period';
comment on column report.vat_by_project.vat_code_name is 'Norwegian name of the VAT code, as published';
