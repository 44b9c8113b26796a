create or replace function marketplace.declare_foreign(
    p_gateway text, p_gateway_id text, p_reason text, p_now timestamptz default null
)
returns void
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_refund bigint;
begin
    perform books.check_text('p_gateway', p_gateway, 'p_gateway_id', p_gateway_id, 'p_reason', p_reason);
    p_now := jobs.server_time(p_now);
    if btrim(coalesce(p_reason, '')) = '' then
        raise exception 'a reason is needed' using
            errcode = '22023',
            detail = format('%s of %s.', p_gateway_id, p_gateway),
            hint = 'Say in p_reason why this is not ours.';
    end if;
    perform marketplace.lock_stray(p_gateway, p_gateway_id);
    select r.transaction into v_refund
    from marketplace.stray as s
    inner join marketplace.payment_attempt as c on s.gateway = c.gateway and s.parent = c.gateway_id and c.kind = 'CHARGE'
    inner join marketplace.transaction as r on c.transaction = r.corrects and r.kind = 'REFUND' and s.gateway_id = r.request_id
    where s.gateway = p_gateway and s.gateway_id = p_gateway_id and r.status in ('NEW', 'FAILED');
    if found then
        raise exception 'the refund counts against its charge already' using
            errcode = '23B75',
            detail = format('%s of %s is transaction %s, which would be sent once more.', p_gateway_id, p_gateway, v_refund),
            hint = format('pybridge payment reconcile %s takes it in.', p_gateway);
    end if;
    update marketplace.stray as s
    set resolution = 'FOREIGN', reason = p_reason, resolved_at = p_now, resolved_by = session_user
    where s.gateway = p_gateway and s.gateway_id = p_gateway_id;
end;
$$;

comment on function marketplace.declare_foreign(text, text, text, timestamptz) is
'A person says that a stray is not this ledger''s, and why: it stops nothing any more. What it paid is paid again if this ledger owes it: of a payment of ours, say take_in. 22023; P0002 no such stray; 23B75 it is resolved, or a refund made by hand that counts against its charge.';
