create or replace function billig.payment_answer(p_payment bigint)
returns jsonb
language sql stable
begin atomic
    select coalesce(
        jsonb_agg(
            jsonb_build_object('payment', l.payment, 'ticket', l.ticket, 'amount', l.amount + l.fee_amount)
            order by l.ticket
        ),
        '[]'::jsonb
    )
    from billig.transaction_log as l
    where l.payment = p_payment;
end;

comment on function billig.payment_answer(bigint) is
'What a function that moves money answers: payment, ticket and signed amount (NOK including fee) of each log row of the payment.';
