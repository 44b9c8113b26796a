create or replace function marketplace.check_looked(
    p_gateway text, p_job_run bigint, p_sends boolean default true
)
returns void
language plpgsql stable
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_strays text;
begin
    -- A database marked for tests moves no real money (23B79): there a script may send what no program looks after.
    if not exists (
        select from marketplace.gateway_look as l
        where l.job_run = p_job_run and l.gateway = p_gateway and l.ended_at is not null
    ) and (
        not exists (select from deploy.test_clock)
        or exists (select from marketplace.gateway_look as l where l.gateway = p_gateway)
    ) then
        raise exception 'the gateway was not asked what it has of ours' using
            errcode = '23B68',
            detail = format('Gateway %s, run %s.', p_gateway, p_job_run),
            hint = 'begin_look, ask it for what was made since, end_look: only then is anything sent.';
    end if;
    if not p_sends then
        return;
    end if;
    select string_agg(format('%s %s', lower(s.kind), s.gateway_id), ', ' order by s.made_at, s.gateway_id) into v_strays
    from (
        select s.kind, s.gateway_id, s.made_at from marketplace.stray as s
        where s.gateway = p_gateway and s.resolution is null
        order by s.made_at, s.gateway_id
        limit 10
    ) as s;
    if v_strays is not null then
        raise exception 'the gateway has what this ledger does not know' using
            errcode = '23B68',
            detail = format('Gateway %s: %s.', p_gateway, v_strays),
            hint = 'pybridge payment reconcile takes it in; declare_foreign says that it is not ours.';
    end if;
end;
$$;

comment on function marketplace.check_looked(text, bigint, boolean) is
'Refuses to send anything (23B68) before this run has looked what the gateway has, and while it has anything that no attempt explains; p_sends false: nothing is sent, and the look alone is asked for. In a database marked for tests, the look is asked for only once anybody has looked at that gateway.';
