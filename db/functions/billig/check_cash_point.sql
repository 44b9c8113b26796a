create or replace function billig.check_cash_point(p_cash_point int)
returns void
language plpgsql stable
as $$
begin
    if p_cash_point is not null and not exists (select from billig.cash_point where cash_point = p_cash_point) then
        raise exception 'no such cash point' using
            errcode = 'P0002',
            detail = format('Cash point %s.', p_cash_point),
            hint = 'Register it: select billig.register_cash_point(number, name, place).';
    end if;
end;
$$;

comment on function billig.check_cash_point(int) is 'P0002: the cash point is not registered. Null is none.';
