create or replace function billig.align_ticket(p_tickets bigint[], p_prices numeric[], p_rates numeric[])
returns void
language sql
set enable_nestloop = on
begin atomic
    update billig.ticket as t
    set price = m.price, vat_rate = m.vat_rate
    from unnest(p_tickets, p_prices, p_rates) as m (ticket, price, vat_rate)
    where t.ticket = m.ticket and (m.price <> t.price or m.vat_rate <> t.vat_rate);
end;

comment on function billig.align_ticket(bigint[], numeric[], numeric[]) is
'The ticket takes over what the log row of its new price group says it costs. Called by the log''s trigger alone, which refuses any other such change.';
