create or replace function jobs.finish_run(
    p_job_run bigint,
    p_outcome text,
    p_row_count bigint default null,
    p_error_code text default null,
    p_error_message text default null
)
returns void
language plpgsql security definer
set search_path = pg_catalog, jobs, pg_temp
set datestyle = 'ISO, MDY'
as $$
begin
    perform books.check_text('p_outcome', p_outcome, 'p_error_code', p_error_code);
    if
        p_outcome is null or p_outcome not in ('succeeded', 'partial', 'failed')
        or (p_outcome = 'succeeded' and (p_error_code is not null or p_error_message is not null))
    then
        raise exception 'a run ends as succeeded, partial or failed' using
            errcode = '22023',
            detail = format('Outcome %L, error %L.', p_outcome, p_error_code),
            hint = 'succeeded (without an error), partial or failed.';
    end if;
    perform jobs.own_run(p_job_run);
    update jobs.job_run as r
    set
        finished_at = clock_timestamp(), outcome = p_outcome,
        row_count = p_row_count, error_code = p_error_code, error_message = p_error_message
    where r.job_run = p_job_run;
end;
$$;

comment on function jobs.finish_run(bigint, text, bigint, text, text) is
'Ends a run: succeeded, partial or failed, with the number of rows and, of what went wrong, SQLSTATE and message. 22023; P0002 no such run; 23B69 it has ended, or is another session''s.';
