create or replace view consistency.vat as
select
    s.transaction_log,
    s.ticket,
    s.vat_amount,
    x.vat_amount as expected_vat_amount,
    s.fee_vat_amount,
    x.fee_vat_amount as expected_fee_vat_amount
from (
    select
        l.transaction_log,
        l.ticket,
        l.amount,
        l.vat_code,
        l.vat_rate,
        l.vat_amount,
        l.fee_amount,
        l.fee_vat_code,
        l.fee_vat_rate,
        l.fee_vat_amount,
        sum(l.amount) over w as amount_after,
        sum(l.fee_amount) over w as fee_after,
        lag((l.vat_code, l.vat_rate)) over w as before,
        lag((l.fee_vat_code, l.fee_vat_rate)) over w as fee_before
    from billig.transaction_log as l
    where billig.moves_money(l.transaction_type)
    window w as (partition by l.ticket order by l.transaction_log)
) as s
cross join lateral (
    values (
        books.vat_of(s.amount_after, s.vat_rate) - books.vat_of(s.amount_after - s.amount, s.vat_rate),
        books.vat_of(s.fee_after, s.fee_vat_rate) - books.vat_of(s.fee_after - s.fee_amount, s.fee_vat_rate)
    )
) as x (vat_amount, fee_vat_amount)
where
    (s.vat_amount, s.fee_vat_amount) <> (x.vat_amount, x.fee_vat_amount)
    or (s.amount_after <> s.amount and s.before <> (s.vat_code, s.vat_rate))
    or (s.fee_after <> s.fee_amount and s.fee_before <> (s.fee_vat_code, s.fee_vat_rate));

comment on view consistency.vat is
'VAT is right to the øre, of the ticket''s part and of the fee: gross * rate / (100 + rate) of what lies in the ticket after a row, less that of what lay there before it, all at the row''s own rate. What lay there before has that code and rate: a row that mixes rates is here. So a ticket''s rows always sum to the VAT of what is left of it. Rows are in the order of the log.';
