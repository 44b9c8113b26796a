create or replace view consistency.vat as
select
    l.transaction_log,
    l.ticket,
    l.vat_amount,
    books.vat_of(l.amount, l.vat_rate) as expected_vat_amount,
    l.fee_vat_amount,
    books.vat_of(l.fee_amount, l.fee_vat_rate) as expected_fee_vat_amount
from billig.transaction_log as l
where
    not (billig.is_price_change(l.transaction_type) and billig.moves_money(l.transaction_type))
    and (
        l.vat_amount <> books.vat_of(l.amount, l.vat_rate)
        or l.fee_vat_amount <> books.vat_of(l.fee_amount, l.fee_vat_rate)
    )
union all
select
    null,
    t.ticket,
    sum(l.vat_amount),
    case when t.paid is not null and t.refunded is null then books.vat_of(t.price, t.vat_rate) else 0 end,
    sum(l.fee_vat_amount),
    case when t.paid is not null and t.refunded is null then books.vat_of(t.fee, t.fee_vat_rate) else 0 end
from billig.ticket as t
inner join billig.transaction_log as l on t.ticket = l.ticket
group by t.ticket, t.paid, t.refunded, t.price, t.vat_rate, t.fee, t.fee_vat_rate
having
    sum(l.vat_amount)
    <> case when t.paid is not null and t.refunded is null then books.vat_of(t.price, t.vat_rate) else 0 end
    or sum(l.fee_vat_amount)
    <> case when t.paid is not null and t.refunded is null then books.vat_of(t.fee, t.fee_vat_rate) else 0 end;

comment on view consistency.vat is
'VAT is right to the øre: of each log row gross * rate / (100 + rate); and of each ticket all its rows together leave the VAT of what it costs now, or nothing once refunded (a change of price group logs a difference, so it is checked there).';
