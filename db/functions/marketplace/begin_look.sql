create or replace function marketplace.begin_look(
    p_gateway text, p_job_run bigint, p_is_live boolean, p_now timestamptz default null
)
returns table (gateway_look bigint, since timestamptz, ledger uuid)
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_now constant timestamptz := least(jobs.server_time(p_now), clock_timestamp());
begin
    perform books.check_text('p_gateway', p_gateway);
    perform jobs.own_run(p_job_run);
    if p_is_live is null or not exists (select from marketplace.gateway as g where g.gateway = p_gateway) then
        raise exception 'a look is at a gateway, with a live key or not' using
            errcode = '22023',
            detail = format('Gateway %L, live: %s.', p_gateway, p_is_live),
            hint = 'Gateways are in marketplace.gateway.';
    end if;
    if p_is_live and exists (select from deploy.test_clock) then
        raise exception 'a live key is not for a database for tests' using
            errcode = '23B79',
            detail = format('Gateway %s; %s.', p_gateway, (
                select format('marked by %s at %s', t.marked_by, t.marked_at) from deploy.test_clock as t
            )),
            hint = 'Use the gateway''s test key; a database that was marked once never takes another.';
    end if;
    return query
    insert into marketplace.gateway_look (gateway, job_run, is_live, since, begun_at)
    select
        p_gateway, p_job_run, p_is_live,
        -- Since the last look; or since the ledger was made, or its first month opened. Clocks may differ, and a call may last.
        least(coalesce(max(o.begun_at), n.made_at), max(f.opened_at), v_now) - interval '1 hour',
        v_now
    from deploy.ledger as n
    left join lateral (
        select l.begun_at
        from marketplace.gateway_look as l
        where l.gateway = p_gateway and l.ended_at is not null
        order by l.begun_at desc
        limit 1
    ) as o on true
    left join marketplace.month as f on f.is_first and o.begun_at is null
    group by n.made_at
    returning gateway_look, since, (select n.ledger from deploy.ledger as n);
end;
$$;

comment on function marketplace.begin_look(text, bigint, boolean, timestamptz) is
'Begins a run''s look at what a gateway has: ask it for all that was made since, and tell end_look. p_is_live: whether the key that it is opened with moves real money. ledger: the name that our objects bear in their metadata. Commit before the gateway is asked. 22023; P0002 no such run; 23B69 it has ended, or is another session''s; 23B79 a live key, and this database is for tests.';
