create or replace function jobs.lock_of(p_job text, p_period text)
returns bigint
language sql immutable parallel safe
return hashtextextended('jobs ' || p_job || ' ' || p_period, 0);

comment on function jobs.lock_of(text, text) is
'Key of the advisory lock of a job and period, or of ''run'' and the number of a run.';
