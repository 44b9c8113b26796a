create or replace function billig.payment_answer(p_payments bigint[])
returns jsonb
language sql stable
begin atomic
    select coalesce(
        jsonb_agg(
            jsonb_build_object('payment', l.payment, 'ticket', l.ticket, 'amount', l.amount)
            order by l.ticket
        ),
        '[]'::jsonb
    )
    from (
        select g.payment, g.ticket, sum(g.amount + g.fee_amount) as amount
        from billig.transaction_log as g
        where g.payment = any (p_payments)
        group by g.payment, g.ticket
    ) as l;
end;

comment on function billig.payment_answer(bigint[]) is
'What a function that moves money answers: payment, ticket and signed amount (NOK including fee), one row per ticket of the payments.';
