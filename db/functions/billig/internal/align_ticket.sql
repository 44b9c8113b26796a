create or replace function billig.align_ticket(p_tickets bigint[])
returns void
language sql
set enable_nestloop = on
begin atomic
    update billig.ticket as t
    set
        price = l.price, fee = l.fee, vat_rate = l.vat_rate, fee_vat_code = l.fee_vat_code,
        fee_vat_rate = l.fee_vat_rate, sold_name = l.sold_name
    from unnest(p_tickets) as m (ticket)
    cross join lateral (
        select g.price, g.fee, g.vat_rate, g.fee_vat_code, g.fee_vat_rate, g.sold_name
        from billig.transaction_log as g
        where g.ticket = m.ticket
        order by g.transaction_log + 0 desc -- by the index on ticket, never back through the whole log
        limit 1
    ) as l
    where
        t.ticket = m.ticket
        and (t.price, t.fee, t.vat_rate, t.fee_vat_code, t.fee_vat_rate, t.sold_name)
        is distinct from (l.price, l.fee, l.vat_rate, l.fee_vat_code, l.fee_vat_rate, l.sold_name);
end;

comment on function billig.align_ticket(bigint[]) is
'The tickets take over price, fee, rates, the fee''s VAT code and the names from their newest log rows, those of their new price group. Called by the log''s trigger alone, which refuses any other such change.';
