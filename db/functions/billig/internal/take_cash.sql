create or replace function billig.take_cash(p_till_session bigint)
returns void
language plpgsql
as $$
declare
    v_drawer billig.till_drawer;
    v_session billig.till_session;
begin
    insert into billig.till_drawer as d (till_session)
    values (p_till_session)
    on conflict on constraint till_drawer_pkey do update set cash = d.cash;
    -- Locked, then counted, in a statement of its own: it sees what whoever held the lock has committed.
    update billig.till_drawer as d
    set
        cash = x.expected,
        overdraw = (
            select coalesce(sum(v.amount), 0)
            from billig.till_event as v
            where v.till_session = p_till_session and v.event_type = 'OVERDRAW'
        )
    from billig.till_expected as x
    inner join billig.payment_method as m on x.payment_method = m.payment_method and m.is_cash
    where d.till_session = p_till_session and x.till_session = p_till_session
    returning d.* into v_drawer;
    if v_drawer.cash + v_drawer.overdraw < 0 then
        select s.* into v_session from billig.till_session as s where s.till_session = p_till_session;
        raise exception 'the drawer cannot hold so much cash' using
            errcode = '23B90',
            detail = format('Session %s of seller %L at cash point %s: NOK %s would be left in the drawer; it may be overdrawn by NOK %s.',
                p_till_session, v_session.seller, v_session.cash_point, v_drawer.cash, v_drawer.overdraw),
            hint = 'Count it. Put cash in first (till_event PAY_IN) or pay by another method; if there is more in it than was written down, say how much more, and why: till_event OVERDRAW.';
    end if;
end;
$$;

comment on function billig.take_cash(bigint) is
'Asked when cash has been taken out of the drawer of a session: 23B90 where it cannot have held so much (its float and all that went in and out, and what OVERDRAW events say). Locks the drawer (billig.till_drawer) to the end of the transaction.';
