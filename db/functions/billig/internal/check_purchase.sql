create or replace function billig.check_purchase(
    p_sale_channel text, p_seller text, p_cash_point int, p_is_paid boolean, p_has_buyer boolean
)
returns void
language plpgsql immutable
as $$
begin
    if p_sale_channel = 'NET' and (p_seller is not null or p_cash_point is not null) then
        raise exception 'a web sale has no seller and no cash point' using
            errcode = '22023',
            detail = format('p_seller is %L, p_cash_point is %L.', p_seller, p_cash_point),
            hint = 'Leave both null, or sell on channel STAND.';
    end if;
    if coalesce(p_sale_channel, '') not in ('STAND', 'NET', 'RESERVATION') then
        raise exception 'no such sale channel' using
            errcode = '22023',
            detail = format('Channel %L.', p_sale_channel),
            hint = 'STAND, NET or RESERVATION.';
    end if;
    if p_sale_channel <> 'STAND' and p_is_paid then
        raise exception 'web sales and reservations are paid later' using
            errcode = '22023',
            detail = format('Channel %s with a payment.', p_sale_channel),
            hint = 'Call confirm_net_payment or pay_reservation.';
    end if;
    if p_seller is null and not p_has_buyer then
        raise exception 'a buyer is needed' using
            errcode = '22023',
            detail = 'None of p_owner_member_id, p_owner_email and p_card is given.',
            hint = 'Tickets bought with no seller are fetched by their buyer.';
    end if;
end;
$$;

comment on function billig.check_purchase(text, text, int, boolean, boolean) is
'Refuses a purchase whose channel, seller, payment and buyer do not fit together (22023). May be null: p_seller, p_cash_point.';
