create or replace view report.total_by_project as
select
    o.organisation_name,
    s.project,
    p.project_name,
    s.tickets_sold,
    s.tickets_refunded,
    s.gross_amount,
    s.gross_amount - s.vat_amount as net_amount,
    s.vat_amount
from (
    select
        t.organisation,
        t.project,
        coalesce(sum(t.log_rows) filter (where billig.is_sale(t.transaction_type)), 0)::bigint as tickets_sold,
        coalesce(sum(t.log_rows) filter (where billig.is_refund(t.transaction_type)), 0)::bigint as tickets_refunded,
        sum(t.amount) + sum(t.fee_amount) as gross_amount,
        sum(t.vat_amount) + sum(t.fee_vat_amount) as vat_amount
    from billig.posted_total as t
    group by t.organisation, t.project
) as s
inner join billig.organisation as o on s.organisation = o.organisation
left join billig.project as p on s.project = p.project;

comment on view report.total_by_project is
'Everything that was ever sold, by UKE project: exact to the last committed row, read from the roll-up of the log and the rows after it. NOK including fees, positive in; net_amount = gross_amount - vat_amount.';
comment on column report.total_by_project.tickets_sold is 'Tickets paid, free ones among them';
comment on column report.total_by_project.tickets_refunded is 'Paid tickets refunded';
