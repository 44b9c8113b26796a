create or replace function marketplace.refuse_named_clicks()
returns void
language plpgsql
-- click_file_line and click_file_problem are the temporary ones, as in take_click_lines.
set search_path = pg_catalog, pg_temp, marketplace
set plan_cache_mode = force_custom_plan
set enable_nestloop = off
set jit = off
as $$
begin
    -- Of two files at once that share a click, the second waits, and then sees it. Readers do not wait, nor does the site.
    perform from marketplace.turn as t where t.turn = 'NAMES' for update;
    insert into click_file_problem (line, column_name, value, reason)
    select l.line, 'click_id', left(l.click_id, 100), 'longer than 200 characters'
    from click_file_line as l
    where length(l.click_id) > 200 and l.fault is null
    union all
    select k.line, 'click_id', left(k.click_id, 100), 'this click was loaded before, from another file'
    from (
        select
            l.line, l.click_id, marketplace.click_moment(l.click_time) as click_time,
            case
                when l.advertisement ~ '^[0-9]+$' and length(l.advertisement) <= 18 then l.advertisement::bigint
            end as advertisement
        from click_file_line as l
        where l.click_id <> '' and l.fault is null
        offset 0
    ) as k
    inner join marketplace.click_name as n
        on k.click_time = n.click_time and k.advertisement = n.advertisement and k.click_id = n.click_id;
end;
$$;

comment on function marketplace.refuse_named_clicks() is
'Says in click_file_problem which lines of click_file_line are clicks that another file brought: of the same click_id, advertisement and time. For take_click_lines alone; until its transaction ends, no other file that names its clicks is loaded.';
