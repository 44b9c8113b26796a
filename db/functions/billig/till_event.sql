create or replace function billig.till_event(
    p_seller text, p_event_type text, p_amount numeric default 0, p_reason text default null,
    p_item_key text default '', p_request_id text default null
)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_answer jsonb;
    v_session bigint;
    v_event bigint;
begin
    perform books.check_text(
        'p_seller', p_seller, 'p_event_type', p_event_type, 'p_reason', p_reason, 'p_item_key', p_item_key,
        'p_request_id', p_request_id
    );
    p_seller := billig.check_seller(p_seller);
    if
        (case p_event_type
            when 'DRAWER_OPENING' then p_amount is distinct from 0
            when 'PAY_IN' then not coalesce(p_amount > 0 and p_amount = trunc(p_amount) and p_amount < 1e6, false)
            when 'OVERDRAW' then not coalesce(p_amount > 0 and p_amount = trunc(p_amount) and p_amount < 1e6, false)
            when 'PAY_OUT' then not coalesce(p_amount > 0 and p_amount = trunc(p_amount) and p_amount < 1e6, false)
            when 'PRICE_LOOKUP' then not coalesce(p_amount >= 0 and p_amount < 1e6, false)
            when 'CORRECTED_LINE' then not coalesce(p_amount >= 0 and p_amount < 1e6, false)
            else true
        end)
        or (p_event_type in ('PAY_IN', 'PAY_OUT', 'OVERDRAW') and coalesce(p_reason, '') !~ '[^[:space:]]')
        or length(p_item_key) > 100
    then
        raise exception 'there is no such till event, or not with such an amount or reason' using
            errcode = '22023',
            detail = format('Type %L, amount %s, reason %L.', p_event_type, p_amount, p_reason),
            hint = 'DRAWER_OPENING without an amount; PAY_IN, PAY_OUT and OVERDRAW with positive whole NOK and a reason; PRICE_LOOKUP and CORRECTED_LINE with the price, and at most 100 characters of p_item_key; all below NOK 1,000,000.';
    end if;
    if p_request_id is not null then
        v_answer := books.begin_request('billig.till_event', p_request_id, jsonb_build_object(
            'p_seller', p_seller, 'p_event_type', p_event_type, 'p_amount', p_amount, 'p_reason', p_reason,
            'p_item_key', p_item_key
        ));
        if v_answer is not null then
            return (v_answer ->> 0)::bigint;
        end if;
    end if;

    perform books.begin_posting();
    select s.till_session into v_session
    from billig.till_session as s
    where s.seller = p_seller and s.closed_at is null
    for share;
    if not found then
        perform billig.refuse_without_session(p_seller);
    end if;
    insert into billig.till_event (till_session, event_type, amount, item_key, reason)
    values (
        v_session, p_event_type, case when p_event_type = 'PAY_OUT' then -p_amount else p_amount end,
        coalesce(p_item_key, ''), nullif(p_reason, '')
    )
    returning till_event into v_event;

    if p_request_id is not null then
        perform books.end_request('billig.till_event', p_request_id, to_jsonb(array[v_event]));
    end if;
    return v_event;
end;
$$;

comment on function billig.till_event(text, text, numeric, text, text, text) is
'Writes down what happens at the seller''s till besides sales and refunds: DRAWER_OPENING (without a sale), PAY_IN and PAY_OUT (p_amount positive, whole NOK of cash; p_reason needed), OVERDRAW (there is more cash than was written down: so much more may be taken out; p_reason needed), PRICE_LOOKUP and CORRECTED_LINE (p_amount the price, p_item_key the client''s word for the group or the kind). Returns its number. 22023; 23B13; 23B26 no session is open; 23B90 more than the drawer can hold; 42501.';
