create or replace view report.vat_by_project as
select
    o.organisation_name,
    s.sale_date,
    s.event_date,
    s.project,
    p.project_name,
    s.vat_code,
    s.vat_rate,
    s.tickets_sold,
    s.tickets_refunded,
    s.gross_amount,
    s.gross_amount - s.vat_amount as net_amount,
    s.vat_amount
from (
    select
        l.organisation,
        l.transaction_date as sale_date,
        e.event_time::date as event_date,
        l.project,
        c.vat_code,
        c.vat_rate,
        count(*) filter (where c.is_ticket and l.transaction_type in (1, 6, 8)) as tickets_sold,
        count(*) filter (where c.is_ticket and l.transaction_type in (2, 11)) as tickets_refunded,
        sum(c.gross_amount) as gross_amount,
        sum(c.vat_amount) as vat_amount
    from billig.transaction_log as l
    inner join billig.event as e on l.event = e.event
    cross join lateral (
        values
        (true, l.vat_code, l.vat_rate, l.amount, l.vat_amount),
        (false, l.fee_vat_code, l.fee_vat_rate, l.fee_amount, l.fee_vat_amount)
    ) as c (is_ticket, vat_code, vat_rate, gross_amount, vat_amount)
    where l.transaction_type in (1, 2, 3, 6, 8, 11) and (c.is_ticket or c.gross_amount <> 0)
    group by l.organisation, l.transaction_date, e.event_time::date, l.project, c.vat_code, c.vat_rate
) as s
inner join billig.organisation as o on s.organisation = o.organisation
left join billig.project as p on s.project = p.project;

comment on view report.vat_by_project is
'Money by VAT code and UKE project (T11), a row for each organisation, sale date, event date, project, VAT code and rate; tickets and fees each under their own code. Sum over dates for a month. NOK, positive in; amounts are sums of the log''s lines, VAT is never recomputed. Only types that move money (IN, OUT, EITHER).';
comment on column report.vat_by_project.sale_date is 'Local date the money moved';
comment on column report.vat_by_project.event_date is 'Local date of the event';
comment on column report.vat_by_project.tickets_sold is 'Tickets paid, free ones among them; a change of price group counts nowhere';
comment on column report.vat_by_project.tickets_refunded is 'Paid tickets refunded';
comment on column report.vat_by_project.gross_amount is 'NOK including VAT';
comment on column report.vat_by_project.net_amount is 'NOK without VAT: gross_amount less vat_amount';
