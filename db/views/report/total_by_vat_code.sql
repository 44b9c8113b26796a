create or replace view report.total_by_vat_code as
select
    o.organisation_name,
    s.vat_code,
    s.vat_rate::numeric(5, 2) as vat_rate,
    s.tickets_sold,
    s.tickets_refunded,
    s.gross_amount::numeric(14, 2) as gross_amount,
    (s.gross_amount - s.vat_amount)::numeric(14, 2) as net_amount,
    s.vat_amount::numeric(14, 2) as vat_amount,
    (select v.vat_code_name from books.vat_code as v where v.vat_code = s.vat_code) as vat_code_name
from (
    select
        d.organisation,
        c.vat_code,
        c.vat_rate,
        coalesce(sum(d.tickets_sold) filter (where c.component = 'TICKET'), 0)::bigint as tickets_sold,
        coalesce(sum(d.tickets_refunded) filter (where c.component = 'TICKET'), 0)::bigint as tickets_refunded,
        sum(c.gross_amount) as gross_amount,
        sum(c.vat_amount) as vat_amount
    from (
        select
            t.organisation,
            t.vat_code,
            t.vat_rate,
            t.fee_vat_code,
            t.fee_vat_rate,
            coalesce(sum(t.log_rows) filter (where billig.is_sale(t.transaction_type)), 0) as tickets_sold,
            coalesce(sum(t.log_rows) filter (
                where billig.is_refund(t.transaction_type) and billig.frees_seat(t.transaction_type) -- a kept fee is none
            ), 0) as tickets_refunded,
            sum(t.amount) as amount,
            sum(t.vat_amount) as vat_amount,
            sum(t.fee_amount) as fee_amount,
            sum(t.fee_vat_amount) as fee_vat_amount,
            sum(t.fee_rows) > 0 as has_fee
        from billig.posted_total as t
        where billig.moves_money(t.transaction_type)
        group by t.organisation, t.vat_code, t.vat_rate, t.fee_vat_code, t.fee_vat_rate
    ) as d
    cross join lateral billig.components(
        d.vat_code, d.vat_rate, d.amount, d.vat_amount,
        d.fee_vat_code, d.fee_vat_rate, d.fee_amount, d.fee_vat_amount
    ) as c
    where c.component = 'TICKET' or d.has_fee
    group by d.organisation, c.vat_code, c.vat_rate
) as s
inner join billig.organisation as o on s.organisation = o.organisation;

comment on view report.total_by_vat_code is
'Everything that was ever sold, by VAT code and rate; tickets and fees each under their own code. Exact to the last committed row, read from the roll-up of the log and the rows after it. NOK, positive in; net_amount = gross_amount - vat_amount, and VAT is the sum of the log''s lines. Only types that move money.';
comment on column report.total_by_vat_code.organisation_name is 'Organisation whose money it is, as sold';
comment on column report.total_by_vat_code.vat_code is 'Norwegian standard VAT code';
comment on column report.total_by_vat_code.vat_rate is 'VAT rate, percent';
comment on column report.total_by_vat_code.tickets_sold is 'Tickets paid, free ones among them; fees count nowhere';
comment on column report.total_by_vat_code.tickets_refunded is 'Paid tickets refunded';
comment on column report.total_by_vat_code.gross_amount is 'NOK including VAT, positive in, negative out; a fee stands under its own VAT code';
comment on column report.total_by_vat_code.net_amount is 'NOK without VAT: gross_amount less vat_amount, signed as it';
comment on column report.total_by_vat_code.vat_amount is 'NOK of VAT in gross_amount, signed as it';
comment on column report.total_by_vat_code.vat_code_name is 'Norwegian name of the VAT code, as published';
