create or replace function billig.refuse_without_session(p_seller text)
returns void
language plpgsql
as $$
begin
    raise exception 'no till session is open' using
        errcode = '23B26',
        detail = format('Seller %L.', p_seller),
        hint = 'Open one: select * from billig.till_open(p_seller, p_cash_point, p_opening_float).';
end;
$$;

comment on function billig.refuse_without_session(text) is 'Raises 23B26: the seller has no open till session.';
