create or replace function marketplace.tell_odd_lines()
returns void
language plpgsql
-- click_file_line and click_file_problem are the temporary ones, as in take_click_lines.
set search_path = pg_catalog, pg_temp, marketplace
as $$
begin
    insert into click_file_problem (line, column_name, value, reason)
    select l.line, coalesce(l.fault_column, ''), left(l.fault_value, 100), l.fault
    from click_file_line as l
    where l.fault is not null
    union all
    select d.line, 'click_id', left(d.click_id, 100), format('stands on line %s already', d.first_line)
    from (
        select l.line, l.click_id, min(l.line) over (partition by l.click_id) as first_line
        from click_file_line as l
        where l.click_id <> '' and l.fault is null
    ) as d
    where d.line > d.first_line;
end;
$$;

comment on function marketplace.tell_odd_lines() is
'Says in the temporary table click_file_problem which lines of click_file_line were faulty as they were read, and which bear a click_id that stands above. For take_click_lines alone.';
