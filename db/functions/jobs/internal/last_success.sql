create or replace function jobs.last_success(p_job text, p_period text)
returns timestamptz
language sql stable
begin atomic
    select max(r.as_of)
    from jobs.job_run as r
    where r.job = p_job and r.period = p_period and r.outcome = 'succeeded';
end;

comment on function jobs.last_success(text, text) is 'Until when a job has been done for a period; null: never.';
