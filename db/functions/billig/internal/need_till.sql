create or replace function billig.need_till(p_seller text)
returns void
language plpgsql stable
as $$
begin
    if exists (
        select from billig.till_session as s
        inner join billig.cash_point as c on s.cash_point = c.cash_point
        where s.seller = p_seller and c.session_required
    ) then
        perform billig.refuse_without_session(p_seller);
    end if;
end;
$$;

comment on function billig.need_till(text) is
'Refuses (23B26) money that a seller takes or gives at no cash point, if they have sold at a till that asks for sessions: it would be in nobody''s drawer.';
