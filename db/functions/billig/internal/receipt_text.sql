create or replace function billig.receipt_text(p_receipt billig.receipt, p_is_copy boolean, p_language text)
returns table (
    part int, line int, section text, description text, detail text, quantity int, unit_price numeric, amount numeric,
    vat_code smallint, vat_rate numeric, vat_amount numeric
)
language sql stable
begin atomic
    with text as (
        select w.word, w.said from billig.receipt_word as w where w.language = p_language
    ),

    document as (
        select
            r.payment, r.organisation, r.receipt_number, x.said as kind, concat_ws(' ', x.said, r.receipt_number) as heading,
            p.payment_time, p.cash_point, p.seller
        from billig.receipt as r
        inner join billig.payment as p on r.payment = p.payment
        inner join text as x
            on x.word = case when p.cash_point is null then 'CONFIRMATION_' else 'RECEIPT_' end || r.receipt_kind
        where
            r.payment = (p_receipt).payment
            or (r.payment, r.organisation) in (
                select n.refers_payment, n.organisation
                from billig.receipt_line as n
                where n.payment = (p_receipt).payment and n.organisation = (p_receipt).organisation
            )
    )

    select
        1, 1, 'HEADING', d.kind, null, null::int, null::numeric, null::numeric,
        null::smallint, null::numeric, null::numeric
    from document as d
    where d.payment = (p_receipt).payment and d.organisation = (p_receipt).organisation
    union all
    select 1, 2, 'COPY', x.said, null, null, null, null, null, null, null
    from text as x
    where p_is_copy and x.word = 'COPY'
    union all
    select 3, a.line, a.word, concat_ws(' ', x.said, a.said), null, null, null, null, null, null, null
    from document as d
    cross join lateral (
        values
        (1, 'NUMBER', d.receipt_number::text),
        (2, 'DATE', to_char(billig.local_time(d.payment_time), 'DD.MM.YYYY HH24:MI:SS')),
        (3, 'CASH_POINT', d.cash_point::text),
        (4, 'SERVED_BY', d.seller)
    ) as a (line, word, said)
    inner join text as x on a.word = x.word
    where a.said is not null and d.payment = (p_receipt).payment and d.organisation = (p_receipt).organisation
    union all
    select
        case n.section
            when 'SELLER' then 2
            when 'BUYER' then 4
            when 'REFERS_TO' then 5
            when 'LINE' then 6
            when 'TOTAL' then 7
            when 'VAT' then 8
            else 10
        end,
        n.line, n.section,
        concat_ws(
            case n.section when 'LINE' then ', ' else ' ' end,
            (
                select
                    string_agg(
                        coalesce(x.said, u.word), case n.section when 'LINE' then ', ' else ' ' end order by u.place
                    )
                from unnest(n.words) with ordinality as u (word, place)
                left join text as x on u.word = x.word
            ),
            n.said,
            case when n.section = 'BUYER' then coalesce(
                (
                    select string_agg(distinct b.owner_name, ', ')
                    from billig.transaction_log as l
                    inner join billig.purchase as b on l.purchase = b.purchase
                    where l.payment = n.payment and l.organisation = n.organisation
                ),
                (select x.said from text as x where x.word = 'ERASED')
            ) end,
            (
                select concat_ws(
                    ', ', d.heading, (select x.said from text as x where x.word = 'CASH_POINT') || ' ' || d.cash_point,
                    to_char(billig.local_time(d.payment_time), 'DD.MM.YYYY HH24:MI')
                )
                from document as d
                where d.payment = n.refers_payment and d.organisation = n.organisation
            )
        ),
        n.detail, n.quantity, n.unit_price, n.amount, n.vat_code, n.vat_rate, n.vat_amount
    from billig.receipt_line as n
    where n.payment = (p_receipt).payment and n.organisation = (p_receipt).organisation
    union all
    select
        9, n.organisation, 'TOGETHER', concat_ws(' ', x.said, d.heading || ',', s.said),
        null, null, null, n.amount, null, null, null
    from billig.receipt_line as n
    inner join billig.receipt_line as s on n.payment = s.payment and n.organisation = s.organisation and s.section = 'SELLER'
    inner join document as d on n.payment = d.payment and n.organisation = d.organisation
    inner join text as x on x.word = 'TOGETHER'
    where n.payment = (p_receipt).payment and n.organisation <> (p_receipt).organisation and n.section = 'TOTAL';
end;

comment on function billig.receipt_text(billig.receipt, boolean, text) is
'What a receipt says, in a language: what was written down when it was first printed, with its heading, number and words. The buyer''s name is read from the purchase, where it may have been erased.';
