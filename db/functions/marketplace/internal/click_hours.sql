create or replace function marketplace.click_hours(p_hours text[])
returns table (hour text, begins timestamptz, is_whole boolean, is_hour boolean)
language sql stable
set search_path = pg_catalog, marketplace, pg_temp
begin atomic
    -- An hour is whole if no clock is put forward or back within it: its last moment is that long after its first.
    select m.hour, m.begins, m.begins + interval '59:59.999999' = m.ends, m.is_hour
    from (
        select
            h as hour, marketplace.click_moment(h || ':00') as begins,
            marketplace.click_moment(h || ':59:59.999999') as ends,
            marketplace.click_moment(h || ':00Z') is not null as is_hour
        from unnest(p_hours) as h
        offset 0
    ) as m;
end;

comment on function marketplace.click_hours(text[]) is
'Hours as a file of clicks writes them (2026-02-03 14): when each begins by local time, whether it is whole, and whether it is an hour at all, as one with an offset may be that no local one is. May be null: begins, is_whole.';
