create or replace function bank.record_dispute(p_dispute_reference text, p_names text[], p_amount numeric, p_fee numeric)
returns void
language plpgsql
as $$
declare
    v_payment bigint;
    v_reference text;
    v_owed billig.owed_back;
    v_left numeric;
begin
    select p.payment, p.provider_reference into v_payment, v_reference
    from billig.payment as p
    where p.provider_reference = any (p_names) and p.kind = 'SALE'
    order by p.payment
    limit 1;
    if not found then
        raise exception 'no payment of tickets has that name' using
            errcode = 'P0002',
            detail = format('Dispute %L of %s.', p_dispute_reference, array_to_string(p_names, ', ')),
            hint = 'It may be of a charge of the marketplace, or of a payment that nobody confirmed: billig.confirm_net_payment.';
    end if;
    -- What of the payment bought nothing is paid back by the dispute, where that takes more than its tickets hold.
    select o.* into v_owed
    from billig.owed_back as o
    inner join billig.owed_state as s on o.owed_back = s.owed_back and s.state in ('OWED', 'HELD')
    where o.provider_reference = v_reference;
    select coalesce(sum(c.amount), 0) into v_left from billig.chargeable as c where c.payment = v_payment;
    if p_amount > v_left and p_amount between v_owed.amount and v_owed.amount + v_left then
        perform billig.settle_owed_back(v_owed.owed_back, p_dispute_reference);
        p_amount := p_amount - v_owed.amount;
    end if;
    if p_amount > 0 then
        perform billig.record_chargeback(p_dispute_reference, p_payment => v_payment, p_amount => p_amount, p_fee => p_fee);
    end if;
end;
$$;

comment on function bank.record_dispute(text, text[], numeric, numeric) is
'Records one dispute that a payout''s report tells of: p_names are what its payment may be known by, p_amount and p_fee positive NOK. P0002: no payment of tickets has such a name; else refusals as of billig.record_chargeback and billig.settle_owed_back. For record_disputes alone.';
