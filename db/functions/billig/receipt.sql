create or replace function billig.receipt(
    p_payment bigint default null, p_purchase bigint default null, p_ticket bigint default null,
    p_language text default 'nb', p_key uuid default null
)
returns table (
    payment bigint, organisation int, receipt_kind text, receipt_number int, transaction_number int, print_number int,
    is_copy boolean, payment_time timestamp, seller text, cash_point int, section text, line int, description text,
    detail text, quantity int, unit_price numeric, amount numeric, vat_code smallint, vat_rate numeric, vat_amount numeric
)
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_payment billig.payment;
    v_print int;
    v_may boolean;
begin
    perform billig.check_language(p_language);
    if num_nonnulls(p_payment, p_purchase, p_ticket) <> 1 then
        raise exception 'which receipt is not clear' using
            errcode = '22023',
            detail = format('Payment %s, purchase %s, ticket %s.', coalesce(p_payment::text, '-'),
                coalesce(p_purchase::text, '-'), coalesce(p_ticket::text, '-')),
            hint = 'Name one of the three.';
    end if;
    select p.* into v_payment
    from billig.payment as p
    where
        p.payment = coalesce(
            p_payment,
            (
                select min(s.payment)
                from billig.payment as s
                inner join billig.receipt as r on s.payment = r.payment
                where s.purchase = p_purchase and s.kind = 'SALE'
            ),
            (
                select max(l.payment)
                from billig.transaction_log as l
                inner join billig.receipt as r on l.payment = r.payment and l.organisation = r.organisation
                where l.ticket = p_ticket
            )
        )
        -- none: it took back what was disputed, or money that came too late and bought nothing, or is not committed
        and exists (select from billig.receipt as r where r.payment = p.payment)
    for no key update;
    v_may := billig.may_print(v_payment, p_key);
    if v_payment.payment is null or (not v_may and p_key is not null) or exists (select from billig.own_payment as o where o.payment = v_payment.payment) then
        raise exception 'no such receipt' using
            errcode = 'P0002',
            detail = format('Payment %s, purchase %s, ticket %s.', coalesce(p_payment::text, '-'),
                coalesce(p_purchase::text, '-'), coalesce(p_ticket::text, '-')),
            hint = 'There is one once it is paid and committed; a chargeback has none. A wrong p_key finds none either.';
    end if;
    if not v_may then
        raise exception 'this receipt is not for this login' using
            errcode = '42501',
            detail = format('Payment %s: seller %s, cash point %s.', v_payment.payment,
                coalesce(v_payment.seller, '-'), coalesce(v_payment.cash_point::text, '-')),
            hint = 'Pass p_key, which create_purchase gave, or open a till session at its cash point. A bookkeeper may print any.';
    end if;

    insert into billig.receipt_print (payment, print_number, printed_by)
    select v_payment.payment, coalesce(max(r.print_number), 0) + 1, session_user
    from billig.receipt_print as r
    where r.payment = v_payment.payment
    returning print_number into v_print;
    if v_print = 1 then
        perform billig.write_receipt(v_payment.payment);
    end if;
    perform billig.number_receipts(array(
        select v_payment.payment
        union
        select n.refers_payment from billig.receipt_line as n
        where n.payment = v_payment.payment and n.refers_payment is not null
    ));

    return query
    select
        t.payment, t.organisation, t.receipt_kind, t.receipt_number, t.transaction_number, v_print, v_print > 1,
        t.payment_time, t.seller, t.cash_point, t.section, t.line, t.description, t.detail, t.quantity, t.unit_price,
        t.amount, t.vat_code, t.vat_rate, t.vat_amount
    from billig.receipt_rows(v_payment.payment, v_print > 1, p_language) as t
    order by t.line;
end;
$$;

comment on function billig.receipt(bigint, bigint, bigint, text, uuid) is
'Prints the receipts of a payment, of a purchase''s first sale, or of the last payment of a ticket (name one): one receipt per organisation whose tickets it is for, as rows to print in order, in bokmål (nb) or English (en). section HEADING (by receipt_kind: SALE, RETURN or BOTH; where no cash point was, that of a confirmation), COPY (a copy has it), SELLER (legal name, NO and number, MVA and Foretaksregisteret where it is so, address; or the organisation''s name where nothing is registered; quantity of tickets, amount), NUMBER, DATE, CASH_POINT and SERVED_BY (description says each), BUYER (where named), REFERS_TO (the receipts of what is given back or changed), LINE (tickets and fees: quantity, unit_price, amount; detail: day and place of the event), TOTAL (quantity: the tickets), VAT (by code and rate: amount is gross; one row without VAT where the seller is not registered for it), TOGETHER (the payment''s other receipts, with their totals: what follows is for all of them), ROUNDING (of cash: what is handed over less what it is for), PAYMENT (by means: totals and ROUNDING together). receipt_number: among those of its kind of the cash point, or else of the organisation; transaction_number: among all. NOK, negative for money back; times local. Whose it is: a seller prints what they took or gave, and all of the cash point where their till session is open (a registered service: of any seller); legacy roles what a legacy write did; a bookkeeper all; anybody else, the web as well, with p_key, the key of a purchase in it. Each call counts as a print: print_number 1 is the original, later ones are copies and say what it said. 22023: none or several named, or another language; P0002: nothing paid, or not committed yet, or another key; 42501: somebody else''s, and no key. May be null: seller, cash_point, detail, quantity, unit_price, amount, vat_code, vat_rate, vat_amount.';
