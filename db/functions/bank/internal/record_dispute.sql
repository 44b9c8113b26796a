create or replace function bank.record_dispute(p_dispute_reference text, p_names text[], p_amount numeric, p_fee numeric, p_may_lose boolean)
returns void
language plpgsql
as $$
declare
    v_payment bigint;
    v_reference text;
    v_owed billig.owed_back;
    v_left numeric;
    v_open numeric;
    v_loss numeric;
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
    -- A dispute of it that is being won brings its money back first.
    perform from billig.payment as c
    where c.disputed_payment = v_payment and c.kind = 'CHARGEBACK'
    order by c.payment
    for no key update;
    -- What of the payment bought nothing is paid back by the dispute, where that takes more than its tickets hold.
    select o.* into v_owed
    from billig.owed_back as o
    inner join billig.owed_state as s on o.owed_back = s.owed_back and s.state in ('OWED', 'HELD')
    where o.provider_reference = v_reference;
    select coalesce(sum(c.amount), 0) into v_left from billig.chargeable as c where c.payment = v_payment;
    v_open := v_left + coalesce(v_owed.amount, 0);
    -- What is more than there is has gone back by another road, and is lost; but all disputes that were not won take no
    -- more than was charged: what is more than that comes after one that was won, of which nobody has told.
    if p_may_lose and p_amount > v_open and p_amount <= (
        select sum(c.amount) - coalesce((
            select sum(l.amount)
            from billig.dispute_loss as l
            where l.disputed_payment = v_payment and l.won_at is null
        ), 0) + coalesce((
            select sum(i.amount)
            from billig.payment as k
            inner join billig.payment_line as i on k.payment = i.payment
            where
                k.disputed_payment = v_payment and k.kind = 'CHARGEBACK'
                and not exists (
                    select from billig.payment as w where w.disputed_payment = k.payment and w.kind = 'CHARGEBACK_WON'
                )
        ), 0)
        from billig.charged_by as c
        where c.payment = v_payment
    ) then
        v_loss := p_amount - v_open;
        perform billig.lose_disputed(p_dispute_reference, v_payment, v_loss, case when v_left > 0 then 0 else p_fee end);
        p_amount := v_open;
    end if;
    if p_amount > v_left and p_amount between v_owed.amount and v_owed.amount + v_left then
        perform billig.settle_owed_back(v_owed.owed_back, p_dispute_reference);
        p_amount := p_amount - v_owed.amount;
    end if;
    if p_amount > 0 then
        perform billig.record_chargeback(p_dispute_reference, p_payment => v_payment, p_amount => p_amount, p_fee => p_fee);
    end if;
end;
$$;

comment on function bank.record_dispute(text, text[], numeric, numeric, boolean) is
'Records one dispute that a payout''s report tells of: p_names are what its payment may be known by, p_amount and p_fee positive NOK. It pays back what of the payment is owed, where it takes more than its tickets hold; what is more than both is a loss, up to what was charged less what disputes hold that were not won, where p_may_lose (billig.dispute_loss): an entry of the bank that takes so much may be the repayment itself. P0002: no payment of tickets has such a name; else refusals as of billig.record_chargeback and billig.settle_owed_back. For record_disputes alone.';
