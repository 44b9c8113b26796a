create or replace function billig.repay_legacy(p_tickets bigint[], p_payments bigint[], p_amounts numeric[])
returns void
language plpgsql
set plan_cache_mode = auto
as $$
begin
    -- By the payment that took it; at a stand that pays out in cash, what a stand took so.
    perform billig.repay(
        array_agg(w.key), array_agg(w.gives_back), array_agg(w.payment_method), array_agg(w.amount),
        p_by_methods => array_agg(case
            when m.is_cash and not billig.is_web_payment(o.payment, o.seller, o.cash_point) then m.payment_method
            else w.payment_method
        end)
    )
    from (
        select array_agg(s.ticket) as tickets, array_agg(s.payment) as payments, array_agg(s.part) as amounts
        from billig.shared_gain(p_tickets, p_payments, p_amounts, -1) as s
    ) as a
    cross join billig.paid_with(a.tickets, a.payments, a.amounts) as w
    inner join billig.payment as p on w.key = p.payment
    left join billig.cash_point as c on p.cash_point = c.cash_point
    left join billig.payment_method as m on c.payment_method = m.payment_method
    left join billig.payment as o on w.gives_back = o.payment
    where a.tickets is not null and w.amount <> 0
    having count(*) > 0;
end;
$$;

comment on function billig.repay_legacy(bigint[], bigint[], numeric[]) is
'Writes the lines of what legacy writes give back (signed NOK per ticket, of the payments that make_payments made): by the payments and methods that took the money, whatever stand is named; a stand whose own method is cash pays out in cash what a stand took. What was paid on the web is the provider''s to give back.';
