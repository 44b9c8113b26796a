create or replace function marketplace.ensure_partitions(p_from date default current_date, p_months int default 3)
returns int
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
set timezone = 'UTC'
as $$
declare
    v_month date;
    v_name text;
    v_from timestamptz;
    v_to timestamptz;
    v_made int := 0;
begin
    perform books.check_day('p_from', p_from);
    if p_from is null or not isfinite(p_from) or p_months is null or p_months < 1 or p_months > 120 then
        raise exception 'partitions are made for 1 to 120 months, from a first day' using
            errcode = '22023',
            detail = format('From %s, %s months.', p_from, p_months),
            hint = 'For example ensure_partitions(''2026-02-01'', 3).';
    end if;
    for i in 0..p_months - 1 loop
        v_month := (date_trunc('month', p_from::timestamp) + make_interval(months => i))::date;
        v_name := marketplace.partition_name(v_month);
        continue when to_regclass('marketplace.' || v_name) is not null;
        -- One maker at a time; clicks go on being recorded until the new table is attached.
        lock table marketplace.ad_click in share update exclusive mode;
        continue when to_regclass('marketplace.' || v_name) is not null;

        -- Written as text below: in UTC and ISO, whatever the caller's session has. CST is two zones.
        v_from := marketplace.day_begins(v_month);
        v_to := marketplace.day_begins(marketplace.next_month(v_month));
        execute format('create table marketplace.%I (like marketplace.ad_click including all)', v_name);
        lock table marketplace.ad_click_default in access exclusive mode;
        execute format(
            'with moved as (delete from marketplace.ad_click_default where click_time >= %L and click_time < %L returning *)'
            ' insert into marketplace.%I select * from moved',
            v_from, v_to, v_name
        );
        execute format(
            'alter table marketplace.ad_click attach partition marketplace.%I for values from (%L) to (%L)',
            v_name, v_from, v_to
        );
        -- A partition asked by its own name has rights of its own: none, for nobody.
        execute format('comment on table marketplace.%I is %L', v_name, format('Clicks of %s', to_char(v_month, 'YYYY-MM')));
        v_made := v_made + 1;
    end loop;
    return v_made;
end;
$$;

comment on function marketplace.ensure_partitions(date, int) is
'Makes the partitions of ad_click for p_months months from that of p_from on, where they are missing, and moves the clicks there that had to go to the default one; how many it made. The job marketplace_partitions calls it, and record_clicks on demand. 22023.';
