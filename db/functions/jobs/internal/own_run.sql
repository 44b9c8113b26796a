create or replace function jobs.own_run(p_job_run bigint)
returns jobs.job_run
language plpgsql
set search_path = pg_catalog, jobs, pg_temp
as $$
declare
    v_run jobs.job_run;
begin
    select r.* into v_run from jobs.job_run as r where r.job_run = p_job_run for update;
    if not found then
        raise exception 'no such run' using
            errcode = 'P0002',
            detail = format('Run %s.', p_job_run),
            hint = 'jobs.begin_run gave its number.';
    end if;
    if
        v_run.outcome is not null or v_run.backend_pid <> pg_backend_pid()
        or not jobs.is_alive(v_run.backend_pid, v_run.backend_started_at)
    then
        raise exception 'the run has ended, or is another session''s' using
            errcode = '23B69',
            detail = format('Run %s of %s: outcome %s, process %s.', p_job_run, v_run.job, v_run.outcome, v_run.backend_pid),
            hint = 'The session that began a run ends it, once.';
    end if;
    return v_run;
end;
$$;

comment on function jobs.own_run(bigint) is 'The run, locked, if this session began it and it has not ended. P0002; 23B69.';
