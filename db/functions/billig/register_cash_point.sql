create or replace function billig.register_cash_point(
    p_cash_point int, p_name text, p_place text default null, p_payment_method text default 'CASH',
    p_session_required boolean default null, p_organisation int default null
)
returns int
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_method smallint;
    v_organisation int;
begin
    perform books.check_text('p_name', p_name, 'p_place', p_place, 'p_payment_method', p_payment_method);
    select payment_method into v_method
    from billig.payment_method
    where payment_method_name = p_payment_method and not is_rounding and not is_held;
    if v_method is null or p_cash_point is null or coalesce(p_name, '') = '' then
        raise exception 'a cash point needs a number, a name and a known payment method' using
            errcode = '22023',
            detail = format('Number %s, name %L, payment method %L.', p_cash_point, p_name, p_payment_method),
            hint = 'Payment methods stand in billig.payment_method.';
    end if;
    v_organisation := coalesce(
        p_organisation, (select c.organisation from billig.cash_point as c where c.cash_point = p_cash_point)
    );
    if not exists (select from billig.organisation as o where o.organisation = v_organisation) then
        raise exception 'a cash point belongs to an organisation' using
            errcode = '22023',
            detail = format('Cash point %s, organisation %L.', p_cash_point, v_organisation),
            hint = 'Name one of billig.organisation: what lies in its drawers is in that one''s books.';
    end if;
    insert into billig.cash_point as c (
        cash_point, cash_point_name, place, payment_method, session_required, organisation
    )
    values (p_cash_point, p_name, nullif(p_place, ''), v_method, coalesce(p_session_required, true), v_organisation)
    on conflict (cash_point) do update
    set
        organisation = excluded.organisation,
        cash_point_name = excluded.cash_point_name, place = excluded.place, payment_method = excluded.payment_method,
        session_required = coalesce(p_session_required, c.session_required), is_registered = true;
    return p_cash_point;
end;
$$;

comment on function billig.register_cash_point(int, text, text, text, boolean, int) is
'Registers a stand, or changes its name, place and own payment method, whether functions take money there in an open till session only (p_session_required; null: as it was, true for a new one), and whose it is (p_organisation; null: as it was): what lies in its drawers and what its terminals take is in that organisation''s books, of sessions and payments from then on. 22023: no number, no name, no such method, no such organisation, or none for a new one.';
