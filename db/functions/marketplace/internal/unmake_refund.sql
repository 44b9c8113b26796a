create or replace function marketplace.unmake_refund(p_transaction bigint, p_reason text, p_now timestamptz)
returns void
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_charge bigint;
    v_purse text;
    v_amount bigint;
    v_disputed bigint;
    v_lost bigint;
    v_left bigint;
    v_stray record;
begin
    select c.payment_attempt, c.purse, (-r.due_amount * 100)::bigint, marketplace.lost_beyond(c.payment_attempt)
    into v_charge, v_purse, v_amount, v_left
    from marketplace.transaction as r
    inner join marketplace.payment_attempt as c on r.corrects = c.transaction and c.kind = 'CHARGE' and c.state = 'SUCCEEDED'
    where r.transaction = p_transaction
    for update of c;
    -- What was taken, or lost, beyond the charge is of the charge again, as far as this refund held its place.
    v_disputed := least(v_amount, marketplace.taken_beyond(v_charge));
    v_lost := least(v_amount - v_disputed, v_left);
    insert into marketplace.purse_movement (purse, kind, amount, payment_attempt, reason, moved_at)
    select v_purse, x.kind, x.amount, v_charge, p_reason, p_now
    from (values (1, 'WITHDRAWN', v_disputed), (2, 'LOST', v_lost)) as x (place, kind, amount)
    where x.amount > 0
    order by x.place;
    update marketplace.payment_attempt as a
    set
        refunded = a.refunded - v_amount, disputed = a.disputed + v_disputed, lost = a.lost + v_lost, event = 'refund_called_off',
        message = left(p_reason, 500), changed_at = p_now,
        alarm = case
            when a.alarm is distinct from 'given_back' or v_left > v_lost and exists (
                select from marketplace.transaction as t
                where
                    t.corrects = a.transaction and t.kind = 'REFUND' and t.status in ('NEW', 'FAILED')
                    and t.transaction <> p_transaction
            ) then a.alarm
        end
    where a.payment_attempt = v_charge;
    update marketplace.transaction as t set status = 'CALLED_OFF' where t.transaction = p_transaction;
    -- What somebody gave back there by hand, and found no room before, has its place first, as when it is heard of.
    for v_stray in
        select s.*
        from marketplace.payment_attempt as c
        inner join marketplace.stray as s on c.gateway = s.gateway and c.gateway_id = s.parent and c.currency = s.currency
        where
            c.payment_attempt = v_charge and s.kind = 'REFUND' and s.resolution is null and s.request_id is null
            and s.answer in ('succeeded', 'processing', 'requires_action')
            and not exists (
                select from marketplace.transaction as t
                where t.corrects = c.transaction and t.kind = 'REFUND' and t.request_id = s.gateway_id
            )
        order by s.made_at, s.gateway_id
    loop
        perform marketplace.refund_transaction(
            c.transaction, format('%s has it: %s', v_stray.gateway, v_stray.gateway_id), v_stray.amount / 100.0, v_stray.gateway_id, p_now
        )
        from marketplace.payment_attempt as c
        where c.payment_attempt = v_charge and v_stray.amount <= c.left_amount;
    end loop;
    perform marketplace.credit_withheld(v_charge, v_amount - v_disputed - v_lost, p_reason, p_now);
end;
$$;

comment on function marketplace.unmake_refund(bigint, text, timestamptz) is
'A refund that did not go out is CALLED_OFF for good, and of its charge so much more is left; or in dispute, or lost, where the bank took it meanwhile. What was given back by hand at the gateway, and had no room beside it, counts from now on; what its clicks were to have by it beside that is credited (credit_withheld). An alarm given_back of the charge is cleared once no refund of what is lost waits any more. For call_off_refund and record_answer, which hold the account.';
