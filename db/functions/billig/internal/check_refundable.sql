create or replace function billig.check_refundable(
    p_tickets bigint[], p_kept numeric[], p_seller text, p_override_used boolean
)
returns void
language plpgsql stable
as $$
declare
    v_bad record;
begin
    select
        t.ticket, t.refunded is not null as is_refunded, t.paid is null as is_unpaid, k.kept > l.amount as is_too_much,
        l.amount, p_seller is null and t.sale_channel <> 'NET' as is_sellers
    into v_bad
    from billig.ticket as t
    inner join unnest(p_tickets, p_kept) as k (ticket, kept) on t.ticket = k.ticket
    cross join lateral billig.left_of(
        t.paid is not null, t.refunded is not null, t.price, t.reduced, t.charged_back, t.kept
    ) as l (amount)
    where
        t.refunded is not null or t.paid is null or k.kept > l.amount
        or (not p_override_used and billig.was_used(t.ticket, t.used))
        or (p_seller is null and t.sale_channel <> 'NET')
    order by t.ticket
    limit 1;
    if not found then
        return;
    elsif v_bad.is_refunded then
        perform billig.refuse_ticket(v_bad.ticket, '23B10', 'the ticket is refunded already', 'Nothing was changed.');
    elsif v_bad.is_unpaid then
        perform billig.refuse_ticket(v_bad.ticket, '23B12', 'the ticket is not paid',
            'Abort the web purchase, or cancel the reservation.');
    elsif v_bad.is_sellers then
        perform billig.refuse_ticket(v_bad.ticket, '23B09', 'only a seller refunds what was not sold on the web',
            'Pass p_seller.');
    elsif v_bad.is_too_much then
        perform billig.refuse_ticket(v_bad.ticket, '23B31', 'more would be kept than is left of the price',
            format('At most NOK %s.', v_bad.amount));
    end if;
    perform billig.refuse_ticket(v_bad.ticket, '23B11', 'the ticket is used',
        'Pass p_override_used and a reason, if it must be.');
end;
$$;

comment on function billig.check_refundable(bigint[], numeric[], text, boolean) is
'Refuses tickets that cannot be refunded, the first of them: 23B10 refunded already, 23B12 not paid, 23B09 not sold on the web and no seller, 23B31 more is kept than is left, 23B11 ever used.';
