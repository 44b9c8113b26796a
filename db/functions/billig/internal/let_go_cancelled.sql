create or replace function billig.let_go_cancelled(p_purchase bigint)
returns void
language sql
begin atomic
    update billig.ticket as t
    set refunded = billig.local_time()
    where
        t.purchase = p_purchase and t.sale_channel = 'NET' and t.paid is null and t.refunded is null
        and billig.is_cancelled(t.event);
end;

comment on function billig.let_go_cancelled(bigint) is
'Lets a purchase''s unpaid web tickets of cancelled events go (NET_TIMEOUT), as billig.refund_cancelled does in its turn: the money that is just coming for them is owed back.';
