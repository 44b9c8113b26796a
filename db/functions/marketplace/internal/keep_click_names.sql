create or replace function marketplace.keep_click_names(p_now timestamptz)
returns void
language plpgsql
-- click_file_line and click_file_problem are the temporary ones, as in take_click_lines.
set search_path = pg_catalog, pg_temp, marketplace
set plan_cache_mode = force_custom_plan
set enable_nestloop = off
set jit = off
as $$
declare
    v_named bigint;
    v_kept bigint;
begin
    select count(*) into v_named
    from click_file_line as l
    where l.click_id <> '' and not exists (select from click_file_problem as p where p.line = l.line);
    insert into marketplace.click_name (click_time, advertisement, click_id)
    select marketplace.click_moment(l.click_time), l.advertisement::bigint, l.click_id
    from click_file_line as l
    where l.click_id <> '' and not exists (select from click_file_problem as p where p.line = l.line)
    order by 1
    on conflict do nothing;
    get diagnostics v_kept = row_count;
    if v_kept < v_named then
        raise exception 'a click of the file came by another road meanwhile' using
            errcode = '55P03',
            detail = format('%s lines bear names, %s of them new.', v_named, v_kept),
            hint = 'Nothing was loaded: load the file again, which then rejects those lines.';
    end if;
    -- What is older than a file may be is no longer asked for. A p_now of the future lets nothing be forgotten.
    delete from marketplace.click_name as n where n.click_time < (select marketplace.oldest_click(least(p_now, now())));
end;
$$;

comment on function marketplace.keep_click_names(timestamptz) is
'Keeps what the lines of click_file_line that became clicks are called, so that no other file brings them again; forgets names more than two years old, whose clicks no file may hold. For take_click_lines alone. 55P03 one of them came by another road meanwhile.';
