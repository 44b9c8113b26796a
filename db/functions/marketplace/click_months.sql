create or replace function marketplace.click_months()
returns table (month date, clicks bigint)
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
as $$
#variable_conflict use_column
begin
    if not marketplace.sees_all() then
        raise exception 'only a role that sees all clicks may count them' using
            errcode = '42501',
            detail = format('Login role %s.', session_user),
            hint = 'Log in as a member of scheduler, bookkeeper or auditor.';
    end if;
    return query
    select marketplace.month_of(c.click_time), count(*)
    from marketplace.ad_click as c
    group by 1
    order by 1;
end;
$$;

comment on function marketplace.click_months() is
'How many clicks each month has, whatever became of them. Reads all that there are. 42501 the login role does not see all clicks.';
