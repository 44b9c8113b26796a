create or replace view report.total_by_project as
select
    o.organisation_name,
    s.project,
    p.project_name,
    s.tickets_sold,
    s.tickets_refunded,
    s.gross_amount::numeric(14, 2) as gross_amount,
    (s.gross_amount - s.vat_amount)::numeric(14, 2) as net_amount,
    s.vat_amount::numeric(14, 2) as vat_amount
from (
    select
        t.organisation,
        t.project,
        coalesce(sum(t.log_rows) filter (where billig.is_sale(t.transaction_type)), 0)::bigint as tickets_sold,
        coalesce(sum(t.log_rows) filter (
            where billig.is_refund(t.transaction_type) and billig.frees_seat(t.transaction_type) -- a kept fee is none
        ), 0)::bigint as tickets_refunded,
        sum(t.amount) + sum(t.fee_amount) as gross_amount,
        sum(t.vat_amount) + sum(t.fee_vat_amount) as vat_amount
    from billig.posted_total as t
    group by t.organisation, t.project
) as s
inner join billig.organisation as o on s.organisation = o.organisation
left join billig.project as p on s.project = p.project;

comment on view report.total_by_project is
'Everything that was ever sold, by UKE project: exact to the last committed row, read from the roll-up of the log and the rows after it. NOK including fees, positive in; net_amount = gross_amount - vat_amount.';
comment on column report.total_by_project.organisation_name is 'Organisation whose money it is, as sold';
comment on column report.total_by_project.project is 'UKE project, as sold; null: none';
comment on column report.total_by_project.project_name is 'Its name, as it is now; null: no project';
comment on column report.total_by_project.tickets_sold is 'Tickets paid, free ones among them';
comment on column report.total_by_project.tickets_refunded is 'Paid tickets refunded';
comment on column report.total_by_project.gross_amount is 'NOK including VAT and fees, positive in, negative out';
comment on column report.total_by_project.net_amount is 'NOK without VAT: gross_amount less vat_amount, signed as it';
comment on column report.total_by_project.vat_amount is 'NOK of VAT in gross_amount, signed as it';
