create or replace view report.project_day as
select
    o.organisation_name,
    s.posting_date,
    s.sale_date,
    s.project,
    p.project_name,
    s.sale_channel,
    s.tickets_sold,
    s.tickets_refunded,
    s.tickets_changed,
    s.sold_amount::numeric(14, 2) as sold_amount,
    s.refunded_amount::numeric(14, 2) as refunded_amount,
    s.changed_amount::numeric(14, 2) as changed_amount,
    s.gross_amount::numeric(14, 2) as gross_amount,
    (s.gross_amount - s.vat_amount)::numeric(14, 2) as net_amount,
    s.vat_amount::numeric(14, 2) as vat_amount
from (
    select
        d.organisation,
        d.posting_date,
        d.sale_date,
        d.project,
        d.sale_channel,
        count(*) filter (where d.kind = 'SALE') as tickets_sold,
        count(*) filter (where d.kind = 'REFUND' and d.seats < 0) as tickets_refunded,
        count(*) filter (where d.kind = 'CHANGE' and not d.is_second_row) as tickets_changed,
        coalesce(sum(d.amount) filter (where d.kind = 'SALE'), 0) as sold_amount,
        coalesce(sum(d.amount) filter (where d.kind = 'REFUND'), 0) as refunded_amount,
        coalesce(sum(d.amount) filter (where d.kind = 'CHANGE'), 0) as changed_amount,
        sum(d.amount) as gross_amount,
        sum(d.vat_amount) as vat_amount
    from (
        select
            l.organisation,
            l.posting_date,
            l.transaction_date as sale_date,
            l.project,
            y.kind,
            y.seats,
            l.is_second_row,
            coalesce(
                billig.channel_of(l.transaction_type),
                (select t.sale_channel from billig.ticket as t where t.ticket = l.ticket)
            ) as sale_channel,
            l.amount + l.fee_amount as amount,
            l.vat_amount + l.fee_vat_amount as vat_amount
        from billig.posted_log as l
        left join billig.transaction_type as y on l.transaction_type = y.transaction_type
        where billig.moves_money(l.transaction_type)
    ) as d
    group by d.organisation, d.posting_date, d.sale_date, d.project, d.sale_channel
) as s
inner join billig.organisation as o on s.organisation = o.organisation
left join billig.project as p on s.project = p.project;

comment on view report.project_day is
'A project''s day: a row for each organisation, posting_date, sale_date, project (null: none) and sale_channel. NOK including fees, positive in, negative out: gross_amount = sold_amount + refunded_amount + changed_amount = net_amount + vat_amount. An exchange is a refund and a sale. Rows sum over any column; ask by posting_date.';
comment on column report.project_day.organisation_name is 'Organisation whose money it is, as sold';
comment on column report.project_day.posting_date is 'Local date that accounting has it on: the sale date, or the first day of a later period';
comment on column report.project_day.sale_date is 'Local date the money moved';
comment on column report.project_day.project is 'UKE project, as sold; null: none';
comment on column report.project_day.project_name is 'Its name, as it is now; null: no project';
comment on column report.project_day.sale_channel is 'How the ticket was sold: STAND, NET or RESERVATION; its refund, wherever that is, stands under the same';
comment on column report.project_day.tickets_sold is 'Tickets paid, free ones among them';
comment on column report.project_day.tickets_refunded is 'Paid tickets refunded';
comment on column report.project_day.tickets_changed is 'Changes of paid tickets: of price group, price reductions, chargebacks, VAT rates';
comment on column report.project_day.sold_amount is 'NOK including VAT and fees of what was sold, 0 or more';
comment on column report.project_day.refunded_amount is 'NOK including VAT and fees given back, 0 or less';
comment on column report.project_day.changed_amount is 'NOK by which tickets became dearer (positive) or cheaper (negative) while they lived: changes of price group, price reductions, chargebacks';
comment on column report.project_day.gross_amount is 'NOK including VAT and fees, positive in, negative out';
comment on column report.project_day.net_amount is 'NOK without VAT: gross_amount less vat_amount, signed as it';
comment on column report.project_day.vat_amount is 'NOK of VAT, signed as the gross';
