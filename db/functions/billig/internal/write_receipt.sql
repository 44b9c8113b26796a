create or replace function billig.write_receipt(p_payment bigint)
returns void
language sql
begin atomic
    insert into billig.receipt_line (
        payment, organisation, line, section, words, said, detail, refers_payment, quantity, unit_price, amount,
        vat_code, vat_rate, vat_amount
    )
    with vendor as (
        select v.organisation, v.has_vat, v.said from billig.receipt_seller(p_payment) as v
    ),

    component as (
        select
            c.organisation, c.rank, c.words, c.said, c.detail, c.amount, c.vat_code, c.vat_rate, c.vat_amount,
            c.is_ticket
        from billig.receipt_component(p_payment) as c
    ),

    -- what is given back or changed, and the payment that sold it; none: of before this system
    origin as (
        select distinct l.organisation, s.payment
        from billig.transaction_log as l
        left join billig.transaction_log as s
            on l.ticket = s.ticket and billig.is_sale(s.transaction_type) and s.payment is not null
        where l.payment = p_payment and not billig.is_sale(l.transaction_type)
    ),

    printed as (
        select
            1 as part, 'SELLER' as section, 0 as rank, '{}'::text[] as words,
            v.said, null as detail, null::bigint as refers_payment,
            count(*) filter (where c.is_ticket)::int as quantity, null::numeric as unit_price, sum(c.amount) as amount,
            null::smallint as vat_code, null::numeric as vat_rate, sum(c.vat_amount) as vat_amount, c.organisation
        from component as c
        inner join vendor as v on c.organisation = v.organisation
        group by c.organisation, v.said
        union all
        select distinct 2, 'BUYER', 0, '{BUYER}'::text[], null, null, null::bigint, null::int, null::numeric, null::numeric,
            null::smallint, null::numeric, null::numeric, l.organisation
        from billig.transaction_log as l
        inner join billig.purchase as b on l.purchase = b.purchase
        where l.payment = p_payment and b.owner_name is not null
        union all
        select 3, 'REFERS_TO', 0, case when o.payment is null then '{REFERS_TO,SOLD_BEFORE}' else '{REFERS_TO}' end::text[],
            null, null, o.payment, null, null, null, null, null, null, o.organisation
        from origin as o
        union all
        select
            4, 'LINE', c.rank, c.words, c.said, c.detail, null, count(*)::int, c.amount, sum(c.amount),
            c.vat_code, c.vat_rate, sum(c.vat_amount), c.organisation
        from component as c
        group by c.organisation, c.rank, c.words, c.said, c.detail, c.amount, c.vat_code, c.vat_rate
        union all
        select 5, 'TOTAL', 0, '{TOTAL}', null, null, null, count(*) filter (where c.is_ticket)::int, null, sum(c.amount),
            null, null, sum(c.vat_amount), c.organisation
        from component as c
        group by c.organisation
        union all
        select
            6, 'VAT', 0,
            case
                when not v.has_vat then '{NOT_REGISTERED}'
                when c.vat_rate <> 0 then '{VAT}'
                else array['VAT_' || c.vat_code]
            end,
            case when c.vat_rate <> 0 then trim_scale(c.vat_rate) || ' %' end,
            null, null, null, null, sum(c.amount), c.vat_code, c.vat_rate, sum(c.vat_amount), c.organisation
        from component as c
        inner join vendor as v on c.organisation = v.organisation
        group by c.organisation, c.vat_code, c.vat_rate, v.has_vat
        union all
        select
            case when m.is_rounding then 7 else 8 end, case when m.is_rounding then 'ROUNDING' else 'PAYMENT' end,
            m.payment_method, array[m.payment_method_name], null, null, null, null, null,
            case when m.is_rounding then -sum(i.amount) else sum(i.amount) end, null, null, null, v.organisation
        from billig.payment_line as i
        inner join billig.payment_method as m on i.payment_method = m.payment_method
        cross join vendor as v
        where i.payment = p_payment
        group by m.payment_method, m.payment_method_name, m.is_rounding, v.organisation
        having not (m.is_rounding and sum(i.amount) = 0)
    )

    select
        p_payment, p.organisation,
        row_number() over (
            partition by p.organisation
            order by p.part, p.rank, p.words, p.said, p.detail, p.refers_payment, p.unit_price desc, p.vat_rate, p.vat_code,
            p.amount desc
        ),
        p.section, p.words, p.said, p.detail, p.refers_payment, p.quantity, p.unit_price, p.amount,
        p.vat_code, p.vat_rate, p.vat_amount
    from printed as p;
end;

comment on function billig.write_receipt(bigint) is
'Writes down what the receipts of a payment say, as they are first printed (billig.receipt_line). Seller as books.organisation has it now for the payment''s day; where it is not in the VAT register, no VAT.';
