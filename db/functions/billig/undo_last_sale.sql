create or replace function billig.undo_last_sale(
    p_seller text, p_reason text default 'sale undone', p_request_id text default null
)
returns table (payment bigint, ticket bigint, amount numeric)
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_sale billig.payment;
    v_answer jsonb;
begin
    perform books.check_text('p_seller', p_seller, 'p_reason', p_reason, 'p_request_id', p_request_id);
    p_seller := billig.check_seller(p_seller);
    if p_request_id is not null then
        v_answer := books.begin_request('billig.undo_last_sale', p_request_id, jsonb_build_object(
            'p_seller', p_seller, 'p_reason', p_reason
        ));
        if v_answer is not null then
            return query
            select * from jsonb_to_recordset(v_answer) as r (payment bigint, ticket bigint, amount numeric);
            return;
        end if;
    end if;

    select p.* into v_sale
    from billig.payment as p
    where p.seller = p_seller and p.kind = 'SALE'
    order by p.payment desc
    limit 1;
    if v_sale.payment is null or exists (
        select from billig.transaction_log as l
        inner join billig.transaction_log as later on l.ticket = later.ticket
        where
            l.payment = v_sale.payment
            and later.payment <> v_sale.payment
            and later.transaction_log > l.transaction_log
    ) then
        raise exception 'there is no sale to undo' using
            errcode = '23B18',
            detail = coalesce(
                format('Tickets of the last sale, payment %s, were refunded or changed since.', v_sale.payment),
                format('Seller %L has sold nothing.', p_seller)
            ),
            hint = 'Refund tickets by number instead.';
    end if;

    v_answer := (
        select jsonb_agg(to_jsonb(r))
        from billig.refund(
            array(select l.ticket from billig.transaction_log as l where l.payment = v_sale.payment),
            p_seller,
            -- out of the drawer that the seller has now; else where it was sold
            case when billig.till_cash_point(p_seller, null) is null then v_sale.cash_point end,
            p_reason => p_reason
        ) as r
    );
    if p_request_id is not null then
        perform books.end_request('billig.undo_last_sale', p_request_id, v_answer);
    end if;
    return query
    select * from jsonb_to_recordset(v_answer) as r (payment bigint, ticket bigint, amount numeric);
end;
$$;

comment on function billig.undo_last_sale(text, text, text) is
'Refunds the whole last sale of a seller, by the methods it was paid with, at the seller''s open till, else at the sale''s cash point, with a reason: one row per ticket. 23B18: nothing sold, or undone, refunded or changed since; 23B11 used; 23B13; 42501.';
