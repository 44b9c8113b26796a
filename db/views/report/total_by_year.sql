create or replace view report.total_by_year as
select
    o.organisation_name,
    s.posting_year,
    sum(s.tickets_sold)::bigint as tickets_sold,
    sum(s.tickets_refunded)::bigint as tickets_refunded,
    sum(s.gross_amount)::numeric(14, 2) as gross_amount,
    (sum(s.gross_amount) - sum(s.vat_amount))::numeric(14, 2) as net_amount,
    sum(s.vat_amount)::numeric(14, 2) as vat_amount
from (
    select
        t.organisation,
        extract(year from t.posting_date)::int as posting_year,
        coalesce(sum(t.log_rows) filter (where billig.is_sale(t.transaction_type)), 0) as tickets_sold,
        coalesce(sum(t.log_rows) filter (
            where billig.is_refund(t.transaction_type) and billig.frees_seat(t.transaction_type) -- a kept fee is none
        ), 0) as tickets_refunded,
        sum(t.amount) + sum(t.fee_amount) as gross_amount,
        sum(t.vat_amount) + sum(t.fee_vat_amount) as vat_amount
    from billig.posted_total as t
    group by t.organisation, t.posting_date
) as s
inner join billig.organisation as o on s.organisation = o.organisation
group by o.organisation_name, s.posting_year;

comment on view report.total_by_year is
'Everything that was ever sold, by year of posting_date, so that a closed year stays as it is. Exact to the last committed row, read from the roll-up of the log and the rows after it. NOK including fees, positive in; net_amount = gross_amount - vat_amount.';
comment on column report.total_by_year.organisation_name is 'Organisation whose money it is, as sold';
comment on column report.total_by_year.posting_year is 'Year of posting_date';
comment on column report.total_by_year.tickets_sold is 'Tickets paid, free ones among them';
comment on column report.total_by_year.tickets_refunded is 'Paid tickets refunded';
comment on column report.total_by_year.gross_amount is 'NOK including VAT and fees, positive in, negative out';
comment on column report.total_by_year.net_amount is 'NOK without VAT: gross_amount less vat_amount, signed as it';
comment on column report.total_by_year.vat_amount is 'NOK of VAT in gross_amount, signed as it';
