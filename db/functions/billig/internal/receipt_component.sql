create or replace function billig.receipt_component(p_payment bigint)
returns table (
    organisation int, rank int, words text[], said text, detail text, amount numeric,
    vat_code smallint, vat_rate numeric, vat_amount numeric, is_ticket boolean
)
language sql stable
begin atomic
    select
        l.organisation,
        case c.component when 'TICKET' then 1 else 2 end as rank,
        array_remove(array[
            case when billig.is_reduction(l.transaction_type) then 'REDUCTION' end,
            case when billig.is_fee_kept(l.transaction_type) then 'FEE_KEPT' end,
            case c.component when 'FEE' then 'FEE' end
        ], null) as words,
        concat_ws(
            ', ', coalesce(n.event_name, e.event_name),
            case c.component when 'TICKET' then coalesce(n.price_group_name, g.price_group_name) end
        ) as said,
        case c.component
            when 'TICKET' then concat_ws(', ', to_char(e.event_time, 'DD.MM.YYYY HH24:MI'), nullif(e.event_location, ''))
        end as detail,
        c.gross_amount as amount,
        case when v.has_vat then c.vat_code end as vat_code,
        case when v.has_vat then c.vat_rate end as vat_rate,
        case when v.has_vat then c.vat_amount else 0 end as vat_amount,
        c.component = 'TICKET' and not billig.is_fee_kept(l.transaction_type) as is_ticket
    from billig.transaction_log as l
    inner join billig.receipt_seller(p_payment) as v on l.organisation = v.organisation
    inner join billig.event as e on l.event = e.event
    inner join billig.price_group as g on l.price_group = g.price_group
    left join billig.sold_name as n on l.sold_name = n.sold_name
    cross join lateral billig.components(
        l.vat_code, l.vat_rate, l.amount, l.vat_amount,
        l.fee_vat_code, l.fee_vat_rate, l.fee_amount, l.fee_vat_amount
    ) as c
    where l.payment = p_payment -- a ticket that cost nothing is shown; that nothing of it was kept is not
        and (c.gross_amount <> 0 or c.component = 'TICKET' and not billig.is_fee_kept(l.transaction_type));
end;

comment on function billig.receipt_component(bigint) is
'What the receipts of a payment are for: one row per ticket and per fee that moved, NOK including VAT, negative for money back. words stand before said, the names that it was sold under; detail: day and place of the event; VAT code and rate null, and no VAT, where the seller is not registered. May be null: detail, vat_code, vat_rate.';
