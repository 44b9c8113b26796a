create or replace function marketplace.declare_foreign(
    p_gateway text, p_gateway_id text, p_reason text, p_now timestamptz default null
)
returns void
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
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
    update marketplace.stray as s
    set resolution = 'FOREIGN', reason = p_reason, resolved_at = p_now, resolved_by = session_user
    where s.gateway = p_gateway and s.gateway_id = p_gateway_id;
end;
$$;

comment on function marketplace.declare_foreign(text, text, text, timestamptz) is
'A person says that a stray is not this ledger''s, and why: it stops nothing any more. What it paid is paid again if this ledger owes it: of a payment of ours, say take_in. 22023; P0002 no such stray; 23B75 it is resolved.';
