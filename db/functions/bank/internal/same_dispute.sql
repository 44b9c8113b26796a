create or replace function bank.same_dispute(p_names text[], p_amount numeric, p_of_entry boolean)
returns text
language sql stable
begin atomic
    select min(c.provider_reference)::text
    from (
        select k.provider_reference
        from billig.payment as p
        inner join billig.payment as k on p.payment = k.disputed_payment and k.kind = 'CHARGEBACK'
        where
            p.provider_reference = any(p_names)
            and (not p_of_entry or k.provider_reference like 'BANK-ENTRY-%')
            and (select -sum(i.amount) from billig.payment_line as i where i.payment = k.payment) = p_amount
        union all
        select l.refs[1]
        from bank.payout_line as l
        where
            not p_of_entry and l.kind = 'DISPUTE' and l.gross = -p_amount and l.refs[2:] && p_names
            and not exists (select from bank.payout_withdrawal as w where w.payout = l.payout)
    ) as c;
end;

comment on function bank.same_dispute(text[], numeric, boolean) is
'The dispute that one of p_amount, positive NOK, of a payment known by one of p_names may be: of the same payment and amount, recorded, or in a payout''s report that was not withdrawn; where p_of_entry one that an entry of the bank told of alone (bank.dispute_name). null: none. For record_disputes alone.';
