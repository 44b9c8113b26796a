create or replace function billig.show_receipt(p_payment bigint, p_language text default 'nb')
returns table (
    payment bigint, organisation int, receipt_kind text, receipt_number int, transaction_number int,
    payment_time timestamp, seller text, cash_point int, section text, line int, description text,
    detail text, quantity int, unit_price numeric, amount numeric, vat_code smallint, vat_rate numeric, vat_amount numeric
)
language plpgsql stable security definer
set search_path = pg_catalog, billig, pg_temp
as $$
#variable_conflict use_column
begin
    perform billig.check_language(p_language);
    if not exists (select from billig.receipt_print as r where r.payment = p_payment) then
        raise exception 'no receipt of it was printed' using
            errcode = 'P0002',
            detail = format('Payment %s.', coalesce(p_payment::text, '-')),
            hint = 'billig.receipt prints it; report.unprinted_receipt lists those that never were.';
    end if;
    return query
    select
        t.payment, t.organisation, t.receipt_kind, t.receipt_number, t.transaction_number,
        t.payment_time, t.seller, t.cash_point, t.section, t.line, t.description, t.detail, t.quantity, t.unit_price,
        t.amount, t.vat_code, t.vat_rate, t.vat_amount
    from billig.receipt_rows(p_payment, true, p_language) as t
    order by t.line;
end;
$$;

comment on function billig.show_receipt(bigint, text) is
'What the printed receipts of a payment say, for the office: rows as of billig.receipt, marked as a copy. It prints nothing and counts nothing. 22023: another language; P0002: none was printed. May be null: seller, cash_point, detail, quantity, unit_price, amount, vat_code, vat_rate, vat_amount.';
