create or replace function billig.register_cash_point(
    p_cash_point int, p_name text, p_place text default null, p_payment_method text default 'CASH',
    p_session_required boolean default null
)
returns int
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
declare
    v_method smallint;
begin
    select payment_method into v_method
    from billig.payment_method
    where payment_method_name = p_payment_method and not is_rounding;
    if v_method is null or p_cash_point is null or coalesce(p_name, '') = '' then
        raise exception 'a cash point needs a number, a name and a known payment method' using
            errcode = '22023',
            detail = format('Number %s, name %L, payment method %L.', p_cash_point, p_name, p_payment_method),
            hint = 'Payment methods stand in billig.payment_method.';
    end if;
    insert into billig.cash_point as c (cash_point, cash_point_name, place, payment_method, session_required)
    values (p_cash_point, p_name, p_place, v_method, coalesce(p_session_required, true))
    on conflict (cash_point) do update
    set
        cash_point_name = excluded.cash_point_name, place = excluded.place, payment_method = excluded.payment_method,
        session_required = coalesce(p_session_required, c.session_required);
    return p_cash_point;
end;
$$;

comment on function billig.register_cash_point(int, text, text, text, boolean) is
'Registers a stand, or changes its name, place and own payment method, and whether functions take money there in an open till session only (p_session_required; null: as it was, true for a new one). 22023: no number, no name or no such method.';
