create or replace function marketplace.check_earlier(p_newest date)
returns void
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_first marketplace.month;
begin
    -- No month is opened or closed until this is committed.
    lock table marketplace.month in share mode;
    select m.* into v_first from marketplace.month as m where m.is_first;
    if v_first.closed_at is not null or p_newest > v_first.month or p_newest > marketplace.month_of(now()) then
        raise exception 'history is of before this marketplace, and brought before it closes a month' using
            errcode = '23B96',
            detail = format('History of %s; the first month is %s, %s.', p_newest, coalesce(v_first.month::text, 'not open yet'),
                case when v_first.closed_at is null then 'not closed' else format('closed %s', v_first.closed_at) end),
            hint = 'Clicks that nobody has charged are no history: record_clicks, or pybridge clicks load.';
    end if;
end;
$$;

comment on function marketplace.check_earlier(date) is
'Takes history only until the first month of this marketplace is closed, and of that month or earlier ones (23B96); p_newest: the newest month of it, null where there is nothing. Waits for a close that is under way, and makes one wait. For the triggers of earlier_click and earlier_charge. May be null: p_newest.';
