create or replace function marketplace.distribute_clicks(p_shards int default 32)
returns bigint
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_workers int;
    v_calls text[];
    v_call text;
    v_function text;
    v_clicks bigint;
begin
    if p_shards is null or p_shards not between 2 and 1024 then
        raise exception 'clicks are spread over 2 to 1024 shards' using
            errcode = '22023',
            detail = format('%s shards.', coalesce(p_shards::text, 'null')),
            hint = 'Several for each worker, so that more workers can be added: 32. A change of one shard alone would be committed before the ledger.';
    elsif not exists (select from pg_extension as e where e.extname = 'citus') then
        raise exception 'there is no Citus here' using
            errcode = 'P0002',
            detail = format('Extension citus is not installed in database %s.', current_database()),
            hint = 'docs/howto/scale-out.md says what to install, and when it is worth it.';
    elsif not (select r.rolsuper from pg_roles as r where r.rolname = current_user) then
        raise exception 'only a superuser distributes the clicks' using
            errcode = '42501',
            detail = format('Role %s.', current_user),
            hint = 'Workers are given roles and functions: call it as the role that deploys.';
    end if;
    -- By EXECUTE: where there is no Citus, nothing below is known.
    execute format(
        'select count(*) from %s where noderole = ''primary'' and isactive and groupid > 0', to_regclass('pg_catalog.pg_dist_node')
    ) into v_workers;
    if v_workers = 0 then
        raise exception 'there is no worker' using
            errcode = 'P0002',
            detail = 'pg_dist_node has no active node but this one.',
            hint = 'Here, select citus_set_coordinator_host(''name'', port), and citus_add_node(''name'', port) of each worker.';
    end if;
    v_calls := array['set local citus.enable_ddl_propagation = on', 'set local citus.multi_shard_modify_mode = sequential'];
    if not marketplace.is_distributed() then
        v_calls := v_calls || array[
            -- The site's own INSERTs are judged where the click goes: each node has what judges them (policy ad_click_site).
            'set local citus.enable_unsafe_triggers = on',
            'select create_reference_table(''marketplace.click_window'')',
            'select create_reference_table(''deploy.test_clock'')',
            format(
                'select create_distributed_table(''marketplace.ad_click'', ''profile'', shard_count => %s, colocate_with => ''none'')',
                p_shards
            ),
            'select truncate_local_data_after_distributing_table(''marketplace.ad_click'')',
            'grant execute on function pg_catalog.recover_prepared_transactions() to pybridge_owner'
        ];
    end if;
    -- Also again, for a worker that was added and for what a deploy has changed. Functions by definer read and write clicks
    -- as their owner, who logs in there and nowhere else; what queries of clicks call is there too.
    v_calls := v_calls || 'alter role pybridge_owner login'::text;
    if not (select r.rolcanlogin from pg_roles as r where r.rolname = 'pybridge_owner') then
        v_calls := v_calls || array[
            'set local citus.enable_ddl_propagation = off',
            'alter role pybridge_owner nologin',
            'set local citus.enable_ddl_propagation = on'
        ];
    end if;
    foreach v_function in array array[
        'books.time_zone()', 'marketplace.month_of(timestamptz)', 'marketplace.next_month(date)', 'marketplace.day_begins(date)',
        'marketplace.publisher_share(numeric, numeric, bigint)', 'marketplace.oldest_click(timestamptz)',
        'marketplace.newest_click(timestamptz)', 'marketplace.takes_click_at(timestamptz)',
        'marketplace.is_advertisement_of(bigint, bigint)'
    ] loop
        v_calls := v_calls || format('select create_distributed_function(%L)', v_function);
        if marketplace.is_distributed() then
            v_calls := v_calls || pg_get_functiondef(v_function::regprocedure);
        end if;
    end loop;
    -- On a node it reads a reference table, whose copy is there. Here it stays as it was deployed.
    v_calls := v_calls || array[
        'alter function marketplace.takes_click_at(timestamptz) set citus.allow_nested_distributed_execution = on',
        'set local citus.enable_ddl_propagation = off',
        'alter function marketplace.takes_click_at(timestamptz) reset citus.allow_nested_distributed_execution',
        'set local citus.enable_ddl_propagation = on'
    ];
    foreach v_call in array v_calls loop
        execute v_call;
    end loop;
    select count(*) into v_clicks from marketplace.ad_click;
    return v_clicks;
end;
$$;

comment on function marketplace.distribute_clicks(int) is
'Spreads the clicks over the workers of a Citus cluster by their advertiser, in p_shards shards, once; how many clicks there are. Whoever writes clicks waits meanwhile. All else stays where it is. Called again it gives the workers what they lack: after a deploy, and after a worker was added. 22023; 42501 not a superuser; P0002 there is no Citus, or no worker.';
