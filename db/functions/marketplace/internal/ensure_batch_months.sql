create or replace function marketplace.ensure_batch_months(p_click_times timestamptz[])
returns void
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_first timestamptz;
    v_last timestamptz;
    v_months date[];
begin
    select min(t), max(t) into v_first, v_last from unnest(p_click_times) as t;
    -- Each month is looked for once, not once a click; of most batches there is one.
    with batch as materialized (
        select distinct marketplace.month_of(t) as month
        from unnest(
            case when marketplace.month_of(v_first) = marketplace.month_of(v_last) then array[v_last] else p_click_times end
        ) as t
    )

    select array_agg(b.month) into v_months
    from batch as b
    where
        b.month between marketplace.oldest_click(now())::date and (now() + interval '1 month')::date
        and to_regclass('marketplace.' || marketplace.partition_name(b.month)) is null;
    perform marketplace.ensure_partitions(m, 1) from unnest(v_months) as m;
end;
$$;

comment on function marketplace.ensure_batch_months(timestamptz[]) is
'Makes the partitions of these times'' months that are missing, of the last two years or the coming month. For record_clicks alone.';
