create or replace function marketplace.check_may_price()
returns void
language plpgsql stable
set search_path = pg_catalog, marketplace, pg_temp
as $$
begin
    if
        not pg_has_role(session_user, 'bookkeeper', 'usage')
        and not pg_has_role(session_user, 'scheduler', 'usage')
    then
        raise exception 'this role may not say what a click costs' using
            errcode = '42501',
            detail = format('%s may not set prices.', session_user),
            hint = 'Leave the column price out: clicks cost what the advertisement does. Members of bookkeeper and scheduler may.';
    end if;
end;
$$;

comment on function marketplace.check_may_price() is
'Refuses prices in a file of clicks to all but the bookkeeper and the scheduler (42501).';
