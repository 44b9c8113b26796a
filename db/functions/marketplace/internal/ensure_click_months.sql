create or replace function marketplace.ensure_click_months(p_hours text[], p_from timestamptz, p_until timestamptz)
returns void
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_month date;
begin
    -- A month as it is written; the hours that belong to another one by their offset are moved afterwards.
    for v_month in
        select to_date(m.month, 'YYYY-MM')
        from (select distinct left(h, 7) as month from unnest(p_hours) as h) as m
        where m.month ~ '^20[0-9]{2}-(0[1-9]|1[0-2])$'
    loop
        continue when
            v_month not between marketplace.month_of(p_from) and marketplace.month_of(p_until)
            or to_regclass('marketplace.' || marketplace.partition_name(v_month)) is not null;
        perform marketplace.ensure_partitions(v_month, 1);
    end loop;
end;
$$;

comment on function marketplace.ensure_click_months(text[], timestamptz, timestamptz) is
'Makes the partitions that are missing for hours as a file of clicks writes them (2026-02-03 14), between two moments. For take_click_lines alone.';
