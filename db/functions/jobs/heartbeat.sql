create or replace function jobs.heartbeat(p_job_run bigint, p_row_count bigint default null)
returns void
language plpgsql security definer
set search_path = pg_catalog, jobs, pg_temp
as $$
begin
    perform jobs.own_run(p_job_run);
    update jobs.job_run as r
    set heartbeat_at = clock_timestamp(), row_count = coalesce(p_row_count, r.row_count)
    where r.job_run = p_job_run;
end;
$$;

comment on function jobs.heartbeat(bigint, bigint) is
'Says that a run lives, and how many rows it has done. P0002 no such run; 23B69 it has ended, or is another session''s.';
