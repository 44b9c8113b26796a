create or replace view consistency.payment_balance as
select
    coalesce(i.payment, l.payment) as payment,
    coalesce(i.amount, 0) as line_amount,
    coalesce(l.amount, 0) as log_amount
from (
    select payment, sum(amount) as amount
    from billig.payment_line
    group by payment
) as i
full join (
    select payment, sum(amount + fee_amount) as amount
    from billig.transaction_log
    where payment is not null
    group by payment
) as l on i.payment = l.payment
where coalesce(i.amount, 0) <> coalesce(l.amount, 0);

comment on view consistency.payment_balance is
'The log rows of a payment sum to its lines (NOK). Checked at commit too (23B14); a row means that the check was off.';
