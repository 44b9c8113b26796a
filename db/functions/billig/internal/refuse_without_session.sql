create or replace function billig.refuse_without_session(p_seller text)
returns void
language plpgsql
as $$
begin
    raise exception 'no till session is open' using
        errcode = '23B26',
        detail = format('Seller %L.', p_seller),
        hint = 'Open one first: billig.till_open, or pybridge till open.';
end;
$$;

comment on function billig.refuse_without_session(text) is 'Raises 23B26: the seller has no open till session.';
