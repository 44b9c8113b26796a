create or replace function marketplace.erase_kept_names(p_now timestamptz default null)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_rows bigint;
begin
    p_now := jobs.server_time(p_now);
    delete from marketplace.kept_name as k where k.kept_until < (p_now at time zone books.time_zone())::date;
    get diagnostics v_rows = row_count;
    return v_rows;
end;
$$;

comment on function marketplace.erase_kept_names(timestamptz) is
'Takes away the names of people who were erased before (marketplace.erase_profile) that no document has to say any more; how many. Run by the job kept_names.';
