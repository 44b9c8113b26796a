create or replace view billig.voucher_payment as
select
    l.posting_date,
    l.organisation,
    case when m.is_rounding then 'ROUNDING' when m.is_held then 'OWED_BACK' else 'PAYMENT' end as line_kind,
    l.payment_method,
    sum(l.amount) as amount
from billig.posted_line as l
inner join billig.payment_method as m on l.payment_method = m.payment_method
group by l.posting_date, l.organisation, m.is_rounding, m.is_held, l.payment_method
union all
select
    b.posting_date,
    b.organisation,
    'TRANSFER',
    null,
    sum(b.amount)
from billig.posted_between as b
group by b.posting_date, b.organisation;

comment on view billig.voucher_payment is
'Payments by day and organisation, as lines of vouchers: money whole where it is, and TRANSFER, what stands between organisations of it. What part payments pay (HELD) was owed back until then (OWED_BACK). NOK: debit (in) positive, credit (out) negative.';
