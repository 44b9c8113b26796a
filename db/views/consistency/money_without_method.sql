create or replace view consistency.money_without_method as
select
    l.payment,
    l.ticket,
    l.amount + l.fee_amount as amount
from billig.transaction_log as l
where
    (l.amount <> 0 or l.fee_amount <> 0)
    and not exists (select from billig.payment_line as i where i.payment = l.payment)
    and (
        l.payment is null
        and (
            not billig.is_vat_change(l.transaction_type)
            -- out under one rate, in under another: no money
            or (
                select sum(s.amount + s.fee_amount)
                from billig.transaction_log as s
                where
                    s.ticket = l.ticket and s.transaction_time = l.transaction_time
                    and billig.is_vat_change(s.transaction_type)
            ) <> 0
        )
        or (select sum(s.amount + s.fee_amount) from billig.transaction_log as s where s.payment = l.payment) <> 0
    );

comment on view consistency.money_without_method is
'No money without a payment method: a log row that moves money names a payment with lines, save where the payment''s rows cancel out (an even exchange), and of a change of VAT, whose two rows do.';
