create or replace function billig.till_close(
    p_seller text,
    p_payment_methods text[] default null,
    p_counted numeric[] default null,
    p_denominations int[] default null,
    p_pieces int[] default null,
    p_note text default null,
    p_till_session bigint default null,
    p_request_id text default null
)
returns table (till_session bigint, payment_method text, expected numeric, counted numeric, difference numeric)
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_answer jsonb;
    v_session billig.till_session;
    v_cash constant text := (select m.payment_method_name from billig.payment_method as m where m.is_cash);
    v_in_notes constant numeric := (
        select sum(d.denomination * d.pieces::numeric)
        from unnest(p_denominations, p_pieces) as d (denomination, pieces)
    );
    v_methods text[];
    v_counted numeric[];
    v_differs text;
begin
    perform books.check_text('p_seller', p_seller, 'p_note', p_note, 'p_request_id', p_request_id);
    v_methods := coalesce(books.list('p_payment_methods', p_payment_methods), '{}');
    v_counted := coalesce(books.list('p_counted', p_counted, true), '{}');
    p_denominations := books.list('p_denominations', p_denominations);
    p_pieces := books.list('p_pieces', p_pieces);
    -- A bookkeeper closes what was left open; everybody else their own.
    if p_till_session is null or not pg_has_role(session_user, 'bookkeeper', 'usage') then
        p_seller := billig.check_seller(p_seller);
    end if;
    perform billig.need_read_committed();
    if p_request_id is not null then
        v_answer := books.begin_request('billig.till_close', p_request_id, jsonb_build_object(
            'p_seller', p_seller, 'p_payment_methods', p_payment_methods, 'p_counted', p_counted,
            'p_denominations', p_denominations, 'p_pieces', p_pieces, 'p_note', p_note,
            'p_till_session', p_till_session
        ));
        if v_answer is not null then
            return query
            select * from billig.till_counted((v_answer ->> 0)::bigint);
            return;
        end if;
    end if;

    perform books.begin_posting();

    -- Waits for the sales in flight; from here on there are no new ones.
    select s.* into v_session
    from billig.till_session as s
    where s.seller = p_seller and s.closed_at is null and (p_till_session is null or s.till_session = p_till_session)
    for update;
    if not found then
        perform billig.refuse_without_session(p_seller);
    end if;

    if v_in_notes is not null and not (v_cash = any (v_methods)) then
        v_methods := v_methods || v_cash;
        v_counted := v_counted || v_in_notes;
    end if;
    if
        cardinality(v_methods) <> cardinality(v_counted)
        or cardinality(p_denominations) is distinct from cardinality(p_pieces)
        or not (v_cash = any (v_methods))
        or (select count(*) <> count(distinct d) from unnest(p_denominations) as d)
        or exists (select from unnest(p_pieces) as n where n is null or n < 0)
        or exists (
            select from unnest(p_denominations) as d
            where d is null or not (d = any ('{1,5,10,20,50,100,200,500,1000}'::int[]))
        )
        or v_in_notes <> v_counted[array_position(v_methods, v_cash)]
        or exists (
            select from unnest(v_methods, v_counted) as c (method, counted)
            left join billig.payment_method as m on c.method = m.payment_method_name and not m.is_rounding and not m.is_held
            where
                m.payment_method is null or c.counted is null or abs(c.counted) >= 1e9
                or c.counted <> case when m.is_cash then billig.round_cash(c.counted) else round(c.counted, 2) end
                or (m.is_cash and c.counted < 0)
        )
        or (select count(*) <> count(distinct x) from unnest(v_methods) as x)
    then
        raise exception 'what was counted is not clear' using
            errcode = '22023',
            detail = format('Methods %s, counted %s; denominations %s, pieces %s, NOK %s in all.',
                v_methods, v_counted, p_denominations, p_pieces, v_in_notes),
            hint = format('Give one amount per method, %s among them in whole kroner; or denominations (1 to 1000) and pieces.', v_cash);
    end if;

    select string_agg(format('%s: NOK %s expected, %s counted', e.payment_method_name, e.expected, e.counted), '; ')
    into v_differs
    from (
        select m.payment_method_name, coalesce(x.expected, 0) as expected, c.counted
        from unnest(v_methods, v_counted) as c (method, counted)
        inner join billig.payment_method as m on c.method = m.payment_method_name
        left join billig.till_expected as x
            on m.payment_method = x.payment_method and x.till_session = v_session.till_session
        order by m.payment_method
    ) as e
    where e.expected <> e.counted;
    if v_differs is not null and coalesce(p_note, '') = '' then
        raise exception 'a difference needs a note' using
            errcode = '23B28',
            detail = v_differs,
            hint = 'Count again, or say in a note (p_note, --note) what is known of it: the difference is kept with it.';
    end if;

    insert into billig.till_count (till_session, payment_method, expected, counted, note)
    select
        v_session.till_session, m.payment_method, coalesce(x.expected, 0), c.counted,
        case when c.counted <> coalesce(x.expected, 0) then p_note end
    from billig.payment_method as m
    left join billig.till_expected as x
        on m.payment_method = x.payment_method and x.till_session = v_session.till_session
    left join unnest(v_methods, v_counted) as c (method, counted) on m.payment_method_name = c.method
    where x.expected is not null or c.method is not null;
    insert into billig.till_denomination (till_session, denomination, pieces)
    select v_session.till_session, d.denomination, d.pieces
    from unnest(p_denominations, p_pieces) as d (denomination, pieces);
    update billig.till_session as s
    set closed_at = clock_timestamp(), closed_by = session_user
    where s.till_session = v_session.till_session;

    if p_request_id is not null then
        perform books.end_request('billig.till_close', p_request_id, to_jsonb(array[v_session.till_session]));
    end if;
    return query
    select * from billig.till_counted(v_session.till_session);
end;
$$;

comment on function billig.till_close(text, text[], numeric[], int[], int[], text, bigint, text) is
'Counts and closes the seller''s till session: one row per means of payment, NOK; difference is counted less expected, null where it was not counted. Cash is counted always: in p_payment_methods and p_counted, whole NOK, or by p_denominations and p_pieces; what the terminals say may stand beside it. A difference needs p_note. Sales in flight are waited for; later ones are refused, or in the next session. p_till_session: which one is meant; a bookkeeper closes another''s so. 22023; 23B13; 23B26 none is open; 23B28 a difference without a note; 25000 not at read committed; 42501. May be null: counted, difference.';
