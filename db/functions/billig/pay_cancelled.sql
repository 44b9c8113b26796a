create or replace function billig.pay_cancelled(
    p_purchase bigint,
    p_seller text,
    p_cash_point int default null,
    p_payment_methods text[] default null,
    p_payment_amounts numeric[] default null,
    p_request_id text default null
)
returns table (payment bigint, ticket bigint, amount numeric)
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_answer jsonb;
    v_tickets bigint[];
    v_is_used boolean;
    v_reason text;
begin
    perform books.check_text('p_seller', p_seller, 'p_request_id', p_request_id);
    p_payment_methods := books.list('p_payment_methods', p_payment_methods);
    p_payment_amounts := books.list('p_payment_amounts', p_payment_amounts);
    p_seller := billig.check_seller(p_seller);
    if p_request_id is not null then
        v_answer := books.begin_request('billig.pay_cancelled', p_request_id, jsonb_build_object(
            'p_purchase', p_purchase, 'p_seller', p_seller, 'p_cash_point', p_cash_point,
            'p_payment_methods', p_payment_methods, 'p_payment_amounts', p_payment_amounts
        ));
    end if;
    if v_answer is null then
        perform billig.lock_purchase(p_purchase);
        select array_agg(distinct w.ticket), bool_or(w.is_used), min(k.reason)
        into v_tickets, v_is_used, v_reason
        from (
            select t.event, array_agg(t.ticket) as tickets
            from billig.ticket as t
            where t.purchase = p_purchase and t.refunded is null and billig.is_cancelled(t.event)
            group by t.event
        ) as c
        cross join lateral billig.cancellation_of(c.event) as k
        cross join lateral billig.way_back(c.tickets, k.used_tickets) as w
        where w.road = 'STAND';
        if v_tickets is null then
            raise exception 'no stand owes anything for the purchase' using
                errcode = '23B37',
                detail = format('Purchase %s.', p_purchase),
                hint = 'billig.cancelled_tickets says what is left of it, and who pays that back.';
        end if;
        select coalesce(jsonb_agg(to_jsonb(r) order by r.ticket), '[]')
        into v_answer
        from billig.refund(
            v_tickets, p_seller, p_cash_point, p_payment_methods, p_payment_amounts, v_reason, v_is_used
        ) as r;
        if p_request_id is not null then
            perform books.end_request('billig.pay_cancelled', p_request_id, v_answer);
        end if;
    end if;
    return query
    select * from jsonb_to_recordset(v_answer) as r (payment bigint, ticket bigint, amount numeric);
end;
$$;

comment on function billig.pay_cancelled(bigint, text, int, text[], numeric[], text) is
'Pays back at a stand what is owed of a purchase for cancelled events: all its tickets whose money lies with stands (road STAND of billig.cancelled_tickets), as billig.refund does, used ones too where the cancellation says so. In the seller''s till session: it leaves the drawer, and stands in X and Z as a return, with a receipt. One row per ticket, amount negative NOK. Each krone by the means it came; p_payment_methods {CASH} pays out in cash what a terminal took, and what was paid on the web of the same tickets. 22023; P0002 no such purchase; 23B06; 23B13; 23B26 no till session is open; 23B31; 23B37 no stand owes anything for it; 23B90 the drawer cannot hold so much; 42501.';
