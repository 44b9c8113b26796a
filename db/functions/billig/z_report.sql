create or replace function billig.z_report(p_cash_point int, p_seller text default null, p_request_id text default null)
returns table (
    z_number int, place smallint, item text, item_key text, seller text, number bigint, amount numeric, vat_rate numeric,
    vat_amount numeric
)
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_now constant timestamp := billig.local_time(clock_timestamp());
    v_answer jsonb;
    v_last billig.z_report;
    v_number int;
    v_date date;
    v_open billig.till_session;
begin
    perform books.check_text('p_seller', p_seller, 'p_request_id', p_request_id);
    if not pg_has_role(session_user, 'bookkeeper', 'usage') then
        p_seller := coalesce(p_seller, session_user);
        p_seller := billig.check_seller(p_seller);
    end if;
    perform billig.need_read_committed();
    if p_request_id is not null then
        v_answer := books.begin_request('billig.z_report', p_request_id, jsonb_build_object(
            'p_cash_point', p_cash_point, 'p_seller', p_seller
        ));
        v_number := (v_answer ->> 0)::int;
    end if;

    if v_number is null then
        if not pg_has_role(session_user, 'bookkeeper', 'usage') and not exists (
            select from billig.till_session as s
            where s.cash_point = p_cash_point and s.seller = p_seller and s.z_number is null
        ) then
            raise exception 'only a seller who has sold there makes a Z report' using
                errcode = '42501',
                detail = format('Seller %L has no session at cash point %s since its last Z report.', p_seller, p_cash_point),
                hint = 'Ask a seller who has, or a bookkeeper, to make it. An X report can be made at any time.';
        end if;

        -- One at a time, and no session is opened meanwhile.
        perform from billig.cash_point as c where c.cash_point = p_cash_point for no key update;
        if not found then
            raise exception 'no such cash point' using
                errcode = 'P0002',
                detail = format('Cash point %s.', p_cash_point),
                hint = 'Cash points stand in billig.cash_point.';
        end if;
        select s.* into v_open
        from billig.till_session as s
        where s.cash_point = p_cash_point and s.closed_at is null
        order by s.till_session
        limit 1;
        if found then
            raise exception 'a till session is still open' using
                errcode = '23B29',
                detail = format('Session %s of seller %L at cash point %s, opened %s.',
                    v_open.till_session, v_open.seller, p_cash_point,
                    date_trunc('second', billig.local_time(v_open.opened_at))),
                hint = 'A Z report is made when all sessions there are closed.';
        end if;

        select z.* into v_last
        from billig.z_report as z
        where z.cash_point = p_cash_point
        order by z.z_number desc
        limit 1;
        v_date := greatest(
            v_last.business_date + 1,
            (
                select coalesce(max(billig.local_time(s.opened_at)), v_now)::date
                from billig.till_session as s
                where s.cash_point = p_cash_point and s.z_number is null
            )
        );
        if v_date > v_now::date then
            raise exception 'today''s Z report has been made already' using
                errcode = '23B30',
                detail = format('Cash point %s: the next report would be for %s; the last one is number %s, for %s.',
                    p_cash_point, v_date, coalesce(v_last.z_number, 0), coalesce(v_last.business_date::text, 'no day')),
                hint = 'One per day: what came after it is in tomorrow''s. An X report can be made at any time.';
        end if;

        v_number := coalesce(v_last.z_number, 0) + 1;
        insert into billig.z_report
            (cash_point, z_number, business_date, seller, sales, returns, previous_grand_sales, previous_grand_returns)
        select
            p_cash_point, v_number, v_date, p_seller,
            coalesce(sum(l.amount), 0), coalesce(sum(l.amount) filter (where l.item = 'RETURNS'), 0),
            coalesce(v_last.grand_total_sales, 0), coalesce(v_last.grand_total_returns, 0)
        from billig.till_report_line as l
        where l.cash_point = p_cash_point and l.z_number = 0 and l.item in ('TOTAL_CASH_SALES', 'RETURNS');
        insert into billig.z_report_line
            (cash_point, z_number, seller, item, item_key, number, amount, vat_rate, vat_amount)
        select l.cash_point, v_number, l.seller, l.item, l.item_key, l.number, l.amount, l.vat_rate, l.vat_amount
        from billig.till_report_line as l
        where l.cash_point = p_cash_point and l.z_number = 0;
        update billig.till_session as s
        set z_number = v_number
        where s.cash_point = p_cash_point and s.z_number is null;
        if p_request_id is not null then
            perform books.end_request('billig.z_report', p_request_id, to_jsonb(array[v_number]));
        end if;
    end if;
    return query
    select r.z_number, r.place, r.item, r.item_key, r.seller, r.number, r.amount, r.vat_rate, r.vat_amount
    from billig.till_report as r
    where r.cash_point = p_cash_point and r.z_number = v_number
    order by r.seller nulls first, r.place, r.item_key;
end;
$$;

comment on function billig.z_report(int, text, text) is
'Makes the Z report of a cash point (kassasystemforskrifta § 2-8-3): numbered without a gap, once a day, of all sessions closed since the one before; kept for good. Returns its items as x_report does. Made by a seller who has a session in it (p_seller, by default the login role), or by a bookkeeper. P0002 no such cash point; 23B13; 23B29 a session is open there; 23B30 today''s is made; 25000 not at read committed; 42501. May be null: seller, vat_rate, vat_amount.';
