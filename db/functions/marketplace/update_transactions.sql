create or replace function marketplace.update_transactions(p_month date default null, p_now timestamptz default null)
returns table (month date, update_run bigint, new_clicks bigint, late_clicks bigint, transactions bigint)
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_month date;
    v_run bigint;
begin
    perform books.check_day('p_month', p_month);
    p_now := jobs.server_time(p_now);
    v_month := marketplace.lock_open_month(
        coalesce(p_month, case when not exists (select from marketplace.month) then marketplace.month_of(p_now) end), p_now
    );
    v_run := marketplace.link_clicks(
        v_month, 'UPDATE', least(p_now, marketplace.day_begins(marketplace.next_month(v_month))), p_now
    );
    return query
    select * from marketplace.run_figures(v_run);
end;
$$;

comment on function marketplace.update_transactions(date, timestamptz) is
'The nightly update (M5): links the new clicks of the open month until p_now, and late ones of closed months, to CURRENT transactions of both sides, creating them where there are none. p_month: which month is meant, refused if it is not the open one; null: the open one, or the first ever. One transaction, idempotent, safe when run twice at once; costs what is new. 22023; 23B60 the month is closed; 23B61 it is not open yet.';
