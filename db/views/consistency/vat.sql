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
-- a change of price group: what the ticket's rows come to after it, less what they came to before, all at its own rate
select
    l.transaction_log,
    l.ticket,
    l.vat_amount,
    x.vat_amount,
    l.fee_vat_amount,
    x.fee_vat_amount
from billig.transaction_log as l
cross join lateral (
    select
        coalesce(sum(g.amount), 0) as amount,
        coalesce(sum(g.fee_amount), 0) as fee_amount,
        (array_agg(g.vat_code order by g.transaction_log desc))[1] as vat_code,
        (array_agg(g.vat_rate order by g.transaction_log desc))[1] as vat_rate,
        (array_agg(g.fee_vat_code order by g.transaction_log desc))[1] as fee_vat_code,
        (array_agg(g.fee_vat_rate order by g.transaction_log desc))[1] as fee_vat_rate
    from billig.transaction_log as g
    where
        g.ticket = l.ticket
        and g.transaction_log < l.transaction_log
        and billig.moves_money(g.transaction_type)
) as b
cross join lateral (
    values (
        books.vat_of(b.amount + l.amount, l.vat_rate) - books.vat_of(b.amount, l.vat_rate),
        books.vat_of(b.fee_amount + l.fee_amount, l.fee_vat_rate) - books.vat_of(b.fee_amount, l.fee_vat_rate)
    )
) as x (vat_amount, fee_vat_amount)
where
    billig.is_price_change(l.transaction_type)
    and billig.moves_money(l.transaction_type)
    and (
        (l.vat_amount, l.fee_vat_amount) <> (x.vat_amount, x.fee_vat_amount)
        or (b.amount <> 0 and (b.vat_code, b.vat_rate) <> (l.vat_code, l.vat_rate))
        or (b.fee_amount <> 0 and (b.fee_vat_code, b.fee_vat_rate) <> (l.fee_vat_code, l.fee_vat_rate))
    )
union all
select
    null,
    t.ticket,
    sum(l.vat_amount),
    case when t.paid is not null and t.refunded is null then books.vat_of(t.price - t.fee, t.vat_rate) else 0 end,
    sum(l.fee_vat_amount),
    case when t.paid is not null and t.refunded is null then books.vat_of(t.fee, t.fee_vat_rate) else 0 end
from billig.ticket as t
inner join billig.transaction_log as l on t.ticket = l.ticket
group by t.ticket, t.paid, t.refunded, t.price, t.vat_rate, t.fee, t.fee_vat_rate
having
    sum(l.vat_amount)
    <> case when t.paid is not null and t.refunded is null then books.vat_of(t.price - t.fee, t.vat_rate) else 0 end
    or sum(l.fee_vat_amount)
    <> case when t.paid is not null and t.refunded is null then books.vat_of(t.fee, t.fee_vat_rate) else 0 end;

comment on view consistency.vat is
'VAT is right to the øre, of the ticket''s part and of the fee: of each log row gross * rate / (100 + rate); of a change of price group, which logs a difference, as the ticket''s rows come to before and after it, at one rate: a row that mixes rates is here; and of each ticket all its rows together leave the VAT of what it costs now, or nothing once refunded.';
