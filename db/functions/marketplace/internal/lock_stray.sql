create or replace function marketplace.lock_stray(p_gateway text, p_gateway_id text)
returns marketplace.stray
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_stray marketplace.stray;
begin
    select s.* into v_stray
    from marketplace.stray as s
    where s.gateway = p_gateway and s.gateway_id = p_gateway_id
    for update;
    if not found then
        raise exception 'no such stray' using
            errcode = 'P0002',
            detail = format('%s of %s.', p_gateway_id, p_gateway),
            hint = 'They are in marketplace.stray: what a gateway has and no attempt explains.';
    end if;
    if v_stray.resolution is not null then
        raise exception 'the stray is resolved' using
            errcode = '23B75',
            detail = format('%s of %s: %s by %s.', p_gateway_id, p_gateway, v_stray.resolution, v_stray.resolved_by),
            hint = 'It is resolved once.';
    end if;
    return v_stray;
end;
$$;

comment on function marketplace.lock_stray(text, text) is 'An open stray, locked. P0002 no such stray; 23B75 it is resolved.';
