create or replace function billig.till_cash_point(p_seller text, p_cash_point int)
returns int
language plpgsql stable
as $$
begin
    if p_cash_point is null then
        return (select s.cash_point from billig.till_session as s where s.seller = p_seller and s.closed_at is null);
    end if;
    if not exists (select from billig.cash_point where cash_point = p_cash_point) then
        raise exception 'no such cash point' using
            errcode = 'P0002',
            detail = format('Cash point %s.', p_cash_point),
            hint = 'Register it first: billig.register_cash_point, or pybridge till stand.';
    end if;
    return p_cash_point;
end;
$$;

comment on function billig.till_cash_point(text, int) is
'Where a seller does something: the cash point named, else that of the seller''s open till session, else null. P0002: the cash point is not registered.';
