create or replace function billig.receipt_rows(p_payment bigint, p_is_copy boolean, p_language text)
returns table (
    payment bigint, organisation int, receipt_kind text, receipt_number int, transaction_number int,
    payment_time timestamp, seller text, cash_point int, section text, line int, description text,
    detail text, quantity int, unit_price numeric, amount numeric, vat_code smallint, vat_rate numeric, vat_amount numeric
)
language sql stable
begin atomic
    select
        d.payment, d.organisation, d.receipt_kind, d.receipt_number, d.transaction_number,
        date_trunc('second', billig.local_time(p.payment_time)), p.seller, p.cash_point,
        t.section, (row_number() over (order by d.organisation, t.part, t.line))::int, t.description, t.detail, t.quantity,
        t.unit_price, t.amount, t.vat_code, t.vat_rate, t.vat_amount
    from billig.receipt as d
    inner join billig.payment as p on d.payment = p.payment
    cross join lateral billig.receipt_text(d, p_is_copy, p_language) as t
    where d.payment = p_payment;
end;

comment on function billig.receipt_rows(bigint, boolean, text) is
'The rows of a payment''s receipts, as billig.receipt returns them, once they were written down.';
