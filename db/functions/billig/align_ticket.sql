create or replace function billig.align_ticket(
    p_tickets bigint[], p_payments bigint[], p_prices numeric[], p_rates numeric[]
)
returns void
language sql
set enable_nestloop = on
begin atomic
    update billig.ticket as t
    set
        payment = coalesce(m.payment, t.payment),
        price = coalesce(m.price, t.price),
        vat_rate = coalesce(m.vat_rate, t.vat_rate)
    from unnest(p_tickets, p_payments, p_prices, p_rates) as m (ticket, payment, price, vat_rate)
    where
        t.ticket = m.ticket
        and (
            m.payment is distinct from t.payment
            or m.price is distinct from t.price
            or m.vat_rate is distinct from t.vat_rate
        );
end;

comment on function billig.align_ticket(bigint[], bigint[], numeric[], numeric[]) is
'The ticket takes over what its new log row says: the payment made for a legacy write, the price of a new price group. Called by the log''s triggers alone, which refuse any other such change.';
