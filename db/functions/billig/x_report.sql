create or replace function billig.x_report(p_cash_point int, p_seller text default null, p_reason text default null)
returns table (
    place smallint, item text, item_key text, seller text, number bigint, amount numeric, vat_rate numeric,
    vat_amount numeric
)
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
begin
    perform books.check_text('p_seller', p_seller, 'p_reason', p_reason);
    if not pg_has_role(session_user, 'bookkeeper', 'usage') then
        p_seller := coalesce(p_seller, session_user);
        p_seller := billig.check_seller(p_seller);
    end if;
    if p_cash_point is null then
        raise exception 'no such cash point' using
            errcode = 'P0002',
            detail = 'Cash point null.',
            hint = 'Cash points stand in billig.cash_point.';
    end if;
    perform billig.till_cash_point(null, p_cash_point);
    insert into billig.x_report (cash_point, seller, till_session, reason)
    values (
        p_cash_point, nullif(p_seller, ''),
        (
            select s.till_session
            from billig.till_session as s
            where s.cash_point = p_cash_point and s.seller = p_seller and s.closed_at is null
        ),
        nullif(p_reason, '')
    );
    return query
    select r.place, r.item, r.item_key, r.seller, r.number, r.amount, r.vat_rate, r.vat_amount
    from billig.till_report as r
    where r.cash_point = p_cash_point and r.z_number = 0
    order by r.seller nulls first, r.place, r.item_key;
end;
$$;

comment on function billig.x_report(int, text, text) is
'The X report of a cash point, live (kassasystemforskrifta § 2-8-2): every item since its last Z report, first of the whole cash point (seller null; 0 where there is nothing), then of each operator. What the items count and their signs: billig.till_report_item. That it was made is written down (billig.x_report): by p_seller, by default the login role, why, p_reason. 22023; P0002: no such cash point; 42501. May be null: seller, vat_rate, vat_amount.';
