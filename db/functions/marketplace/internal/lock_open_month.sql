create or replace function marketplace.lock_open_month(p_month date, p_now timestamptz)
returns date
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_open date;
begin
    if not isfinite(p_month) or p_month <> date_trunc('month', p_month::timestamp)::date then
        raise exception 'a month is named by its first day' using
            errcode = '22023',
            detail = format('Month %s.', p_month),
            hint = 'For example 2026-02-01.';
    end if;
    if not marketplace.sees_all() then
        raise exception 'only a role that sees all of a month may run it' using
            errcode = '42501',
            detail = format('Login role %s: row-level security hides clicks and transactions from it.', session_user),
            hint = 'Log in as a member of scheduler, bookkeeper or marketplace_web.';
    end if;
    -- One at a time. Whoever waited sees what the other did, since each statement looks anew; at a higher isolation
    -- level it fails to serialize, because every run updates the row.
    update marketplace.month as m set updated_at = p_now where m.closed_at is null returning m.month into v_open;
    if not found then
        -- Closed by whom this one waited for: the next one is open.
        if exists (select from marketplace.month) then
            return marketplace.lock_open_month(p_month, p_now);
        end if;
        -- The first ever, opened for good: by who names it, and not before it begins.
        if p_month is null or p_month > marketplace.month_of(p_now) then
            raise exception 'the month is not open yet' using
                errcode = '23B61',
                detail = format('Month %s; none is open. Now is %s.', p_month, p_now),
                hint = 'The first update opens the first month, once it has begun: see marketplace.update_transactions.';
        end if;
        -- A second one that begins at once waits here.
        insert into marketplace.month (month, is_first, opened_at, updated_at)
        values (p_month, true, p_now, p_now)
        on conflict do nothing
        returning month into v_open;
        if not found then
            return marketplace.lock_open_month(p_month, p_now);
        end if;
    end if;
    if p_month < v_open then
        raise exception 'the month is closed' using
            errcode = '23B60',
            detail = format('Month %s; the open one is %s.', p_month, v_open),
            hint = 'What comes now joins the open month.';
    elsif p_month > v_open then
        raise exception 'the month is not open yet' using
            errcode = '23B61',
            detail = format('Month %s; the open one is %s.', p_month, v_open),
            hint = format('Close %s first, when it is over: select * from marketplace.close_month(%L).', v_open, v_open);
    end if;
    return v_open;
end;
$$;

comment on function marketplace.lock_open_month(date, timestamptz) is
'The open month, locked until the transaction ends. Null: whichever is open. The first call ever that names one opens it. 22023 no month; 23B60 it is closed; 23B61 an earlier one is still open, or it has not begun; 42501 the login role does not see all clicks.';
