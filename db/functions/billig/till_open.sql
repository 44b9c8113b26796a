create or replace function billig.till_open(
    p_seller text, p_cash_point int, p_opening_float numeric default 0, p_drawer int default 1, p_request_id text default null
)
returns table (till_session bigint, cash_point int, drawer int, seller text, opened_at timestamptz, opening_float numeric)
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_answer jsonb;
    v_session billig.till_session;
    v_open billig.till_session;
begin
    perform books.check_text('p_seller', p_seller, 'p_request_id', p_request_id);
    p_seller := billig.check_seller(p_seller);
    if p_cash_point is null or coalesce(p_drawer, 0) <= 0 or p_opening_float is null or p_opening_float < 0 or p_opening_float <> trunc(p_opening_float)
        or p_opening_float >= 1e9
    then
        raise exception 'a till needs a cash point, a drawer from 1 up, and a float in whole kroner' using
            errcode = '22023',
            detail = format('Cash point %s, drawer %s, float %s.', p_cash_point, p_drawer, p_opening_float),
            hint = 'Cash is counted in whole kroner; an empty drawer has a float of 0.';
    end if;
    if p_request_id is not null then
        v_answer := books.begin_request('billig.till_open', p_request_id, jsonb_build_object(
            'p_seller', p_seller, 'p_cash_point', p_cash_point, 'p_opening_float', p_opening_float,
            'p_drawer', p_drawer
        ));
        if v_answer is not null then
            return query
            select s.till_session, s.cash_point, s.drawer, s.seller::text, s.opened_at, s.opening_float
            from billig.till_session as s
            where s.till_session = (v_answer ->> 0)::bigint;
            return;
        end if;
    end if;

    perform books.begin_posting();
    -- Not while a Z report is made there.
    perform billig.till_cash_point(p_seller, p_cash_point);
    perform from billig.cash_point as c where c.cash_point = p_cash_point for share;
    insert into billig.till_session (cash_point, drawer, seller, opening_float)
    values (p_cash_point, p_drawer, p_seller, p_opening_float)
    on conflict do nothing
    returning * into v_session;
    if not found then
        select s.* into v_open
        from billig.till_session as s
        where
            s.closed_at is null
            and (s.seller = p_seller or (s.cash_point = p_cash_point and s.drawer = p_drawer))
        order by s.seller = p_seller desc
        limit 1;
        raise exception 'a till session is open already' using
            errcode = '23B27',
            detail = format('Session %s of seller %L, at cash point %s, drawer %s.',
                v_open.till_session, v_open.seller, v_open.cash_point, v_open.drawer),
            hint = case
                when v_open.seller = p_seller then 'Close it first: a seller stands at one till at a time.'
                else 'Let its seller close it, or take another drawer.'
            end;
    end if;

    if p_request_id is not null then
        perform books.end_request('billig.till_open', p_request_id, to_jsonb(array[v_session.till_session]));
    end if;
    return query
    select v_session.till_session, v_session.cash_point, v_session.drawer, v_session.seller::text, v_session.opened_at,
        v_session.opening_float;
end;
$$;

comment on function billig.till_open(text, int, numeric, int, text) is
'Opens a till session (T10): from now on what the seller does at the cash point belongs to it. p_opening_float: cash in the drawer, whole NOK. p_drawer: where several sellers have a drawer each. 22023; P0002 no such cash point; 23B13; 23B27 the drawer or the seller has an open session; 42501.';
