create or replace function jobs.take_turn(p_job text)
returns void
language plpgsql
set search_path = pg_catalog, jobs, pg_temp
as $$
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'ask what is due in a transaction at isolation level read committed' using
            errcode = '25000',
            detail = format('This one is %s, and may not see the run before.', current_setting('transaction_isolation')),
            hint = 'Begin it with ISOLATION LEVEL READ COMMITTED.';
    end if;
    perform from jobs.job as j where j.job = p_job for no key update;
    if not found then
        raise exception 'no such job' using
            errcode = 'P0002',
            detail = format('Job %L.', p_job),
            hint = 'Jobs are in jobs.job.';
    end if;
    -- Who is alive is asked anew: a transaction sees sessions as they were when it first asked.
    perform pg_stat_clear_snapshot();
end;
$$;

comment on function jobs.take_turn(text) is
'Locks the job''s row until commit, so that one session at a time looks at its runs and begins one. 25000 not READ COMMITTED; P0002 no such job; 55P03 the caller''s lock_timeout.';
