create or replace function billig.receipt(p_payment bigint default null, p_purchase bigint default null)
returns table (
    receipt_number bigint, print_number int, is_copy boolean, payment_time timestamp, seller text, cash_point int,
    section text, line int, description text, quantity int, unit_price numeric, amount numeric,
    vat_rate numeric, vat_amount numeric, organisation int
)
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_payment billig.payment;
    v_print int;
    v_version int;
begin
    select p.* into v_payment
    from billig.payment as p
    where
        (p.payment = p_payment or (p_payment is null and p.purchase = p_purchase and p.kind = 'SALE'))
        and p.disputed_payment is null -- what a provider takes back is between it and the buyer
        -- money that came too late and is owed back has a payment, and bought nothing
        and exists (select from billig.transaction_log as l where l.payment = p.payment)
    order by p.payment
    limit 1
    for no key update;
    if not found then
        raise exception 'no such receipt' using
            errcode = 'P0002',
            detail = format('Payment %s, purchase %s.', coalesce(p_payment::text, '-'), coalesce(p_purchase::text, '-')),
            hint = 'A purchase has a receipt once it is paid; a chargeback has none.';
    end if;

    -- A copy says of its sellers what the original said, whatever was registered since.
    insert into billig.receipt_print (payment, print_number, printed_by, organisation_version)
    select
        v_payment.payment, coalesce(max(r.print_number), 0) + 1, session_user,
        case count(*) when 0 then (select max(o.organisation_version) from books.organisation as o)
            else min(r.organisation_version) end
    from billig.receipt_print as r
    where r.payment = v_payment.payment
    returning print_number, coalesce(organisation_version, 0) into v_print, v_version;

    return query
    with component as (
        select
            case c.component when 'TICKET' then 1 else 2 end as rank,
            concat_ws(
                ', ',
                case when billig.is_reduction(l.transaction_type) then 'Price reduction' end,
                case when billig.is_fee_kept(l.transaction_type) then 'Kept of the refund' end,
                case c.component when 'FEE' then 'Fee' end,
                coalesce(n.event_name, e.event_name),
                case c.component when 'TICKET' then coalesce(n.price_group_name, g.price_group_name) end
            ) as description,
            c.gross_amount as amount, c.vat_rate, c.vat_amount,
            c.component = 'TICKET' and not billig.is_fee_kept(l.transaction_type) as is_ticket, l.organisation
        from billig.transaction_log as l
        inner join billig.event as e on l.event = e.event
        inner join billig.price_group as g on l.price_group = g.price_group
        left join billig.sold_name as n on l.sold_name = n.sold_name
        cross join lateral billig.components(
            l.vat_code, l.vat_rate, l.amount, l.vat_amount,
            l.fee_vat_code, l.fee_vat_rate, l.fee_amount, l.fee_vat_amount
        ) as c
        where l.payment = v_payment.payment -- a ticket that cost nothing is shown; that nothing of it was kept is not
            and (c.gross_amount <> 0 or c.component = 'TICKET' and not billig.is_fee_kept(l.transaction_type))
    ),

    vendor as (
        select
            o.organisation, o.organisation_name, count(*) over () > 1 as is_one_of_several,
            concat_ws(
                ', ', r.legal_name,
                'NO ' || r.organisation_number || case when r.is_vat_registered then ' MVA' else '' end,
                case when r.is_in_business_register then 'Foretaksregisteret' end, r.address
            ) as registered
        from billig.organisation as o
        left join books.organisation_on(billig.local_time(v_payment.payment_time)::date, v_version) as r
            on o.organisation = r.organisation
        where o.organisation in (select c.organisation from component as c)
    ),

    printed as (
        select
            1 as part, 'SELLER' as section, 0 as rank, coalesce(nullif(v.registered, ''), v.organisation_name) as description,
            count(*) filter (where c.is_ticket)::int as quantity, null::numeric as unit_price,
            sum(c.amount) as amount, null::numeric as vat_rate, sum(c.vat_amount) as vat_amount, c.organisation
        from component as c
        inner join vendor as v on c.organisation = v.organisation
        group by c.organisation, v.registered, v.organisation_name
        union all
        select
            1, 'LINE', c.rank, c.description, count(*)::int, c.amount, sum(c.amount), c.vat_rate, sum(c.vat_amount), c.organisation
        from component as c
        group by c.organisation, c.rank, c.description, c.amount, c.vat_rate
        union all
        select 2, 'TOTAL', 0, 'Total', count(*) filter (where c.is_ticket)::int, null,
            sum(c.amount), null, sum(c.vat_amount), null
        from component as c
        union all
        select
            3, 'VAT', 0,
            'VAT ' || c.vat_rate || ' %' || case when v.is_one_of_several then ', ' || v.organisation_name else '' end,
            null, null, sum(c.amount), c.vat_rate, sum(c.vat_amount), c.organisation
        from component as c
        inner join vendor as v on c.organisation = v.organisation
        group by c.organisation, c.vat_rate, v.organisation_name, v.is_one_of_several
        union all
        select
            case when m.is_rounding then 4 else 5 end, case when m.is_rounding then 'ROUNDING' else 'PAYMENT' end, 0,
            case when m.is_rounding then 'Rounding' else m.payment_method_name end, null, null,
            case when m.is_rounding then -i.amount else i.amount end, null, null, null
        from billig.payment_line as i
        inner join billig.payment_method as m on i.payment_method = m.payment_method
        where i.payment = v_payment.payment and not (m.is_rounding and i.amount = 0)
    )

    select
        v_payment.payment, v_print, v_print > 1, date_trunc('second', billig.local_time(v_payment.payment_time)),
        v_payment.seller::text, v_payment.cash_point,
        p.section,
        row_number() over (
            order by p.part, p.organisation, p.rank, p.description, p.unit_price desc, p.vat_rate, p.amount desc
        )::int,
        p.description, p.quantity, p.unit_price, p.amount, p.vat_rate, p.vat_amount, p.organisation
    from printed as p
    order by 8;
end;
$$;

comment on function billig.receipt(bigint, bigint) is
'The receipt of a payment (sale, refund, exchange, change or price reduction; its number is the receipt''s; a chargeback has none), or of a purchase''s first sale, as rows to print in order, with the names that the tickets were sold under: section SELLER (of each organisation before its lines: its legal name, NO and its number, MVA and Foretaksregisteret where it is so, its address, as books.organisation had them for the payment''s day when the original was printed, or else its name alone; quantity of tickets and amount: its part of the total), LINE (tickets and fees: quantity, unit_price, amount; where a part of the price is given back or kept, the line says so), TOTAL (quantity: the tickets), VAT (by organisation and rate: amount is gross), ROUNDING (of cash: what is handed over less what it is for), PAYMENT (by method: TOTAL and ROUNDING together). organisation: whose row it is; null: all of theirs. NOK, negative for money back; times local. Each call counts as a print: print_number 1 is the original, later ones have is_copy. P0002: nothing paid. May be null: seller, cash_point, quantity, unit_price, vat_rate, vat_amount, organisation.';
