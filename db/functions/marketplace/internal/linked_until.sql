create or replace function marketplace.linked_until(p_month date)
returns timestamptz
language sql stable
set search_path = pg_catalog, marketplace, pg_temp
return greatest(
    marketplace.day_begins(p_month),
    (select max(r.run_time) from marketplace.update_run as r where r.month = p_month and r.kind = 'UPDATE')
);

comment on function marketplace.linked_until(date) is
'Until when clicks may be linked to transactions already, the open month being p_month: those of before are charged and paid as they stand.';
