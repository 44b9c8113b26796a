create or replace function billig.late_rows()
returns table (transaction_log bigint, organisation int, transaction_date date, posting_date date)
language plpgsql stable parallel safe security definer
rows 10
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_last date;
begin
    select max(p.last_day) into v_last from books.accounting_period as p;
    if v_last is null then
        return;
    end if;
    return query
    select r.transaction_log, r.organisation, r.transaction_date, r.posting_date
    from billig.late_row as r
    union all
    select u.transaction_log, u.organisation, u.transaction_date, u.posting_date
    from billig.unrolled_log as u
    where
        -- + 0: by the tail's own index alone, since nearly all of the log is as old as this
        u.transaction_date + 0 <= v_last
        and u.posting_date > u.transaction_date;
end;
$$;

comment on function billig.late_rows() is
'Log rows that came too late for the closed period they are dated in, and the day they count on instead: those of the batches, kept, and those of the tail, looked for. What billig.posted_log asks; a function, since in a view the planner would expect many rows of it, and plan the reports anew around them.';
