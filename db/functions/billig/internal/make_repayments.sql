create or replace function billig.make_repayments(
    p_kind text, p_tickets bigint[], p_amounts numeric[], p_seller text, p_cash_point int, p_made_by text, p_reason text,
    p_override_used boolean, p_by text[], p_by_amounts numeric[], p_kept numeric[] default null
)
returns bigint[]
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
    v_till constant int := billig.till_cash_point(p_seller, p_cash_point);
    v_cash constant text := (select m.payment_method_name from billig.payment_method as m where m.is_cash);
    v_tickets bigint[];
    v_sources bigint[];
    v_methods smallint[];
    v_amounts numeric[];
    v_of_ticket bigint[];
    v_of_payment bigint[];
    v_of_cash_point int[];
    v_needs_till boolean;
begin
    select array_agg(w.key), array_agg(w.gives_back), array_agg(w.payment_method), array_agg(w.amount)
    into v_tickets, v_sources, v_methods, v_amounts
    from billig.paid_with(p_tickets, p_tickets, p_amounts) as w
    where w.amount <> 0;

    with part as (
        select
            t.ticket, t.purchase, min(r.gives_back) as gives_back,
            coalesce(
                bool_and(billig.is_web_payment(s.payment, s.seller, s.cash_point)) filter (where r.ticket is not null),
                t.sale_channel = 'NET'
            ) as is_web
        from billig.ticket as t
        left join unnest(v_tickets, v_sources) as r (ticket, gives_back) on t.ticket = r.ticket
        left join billig.payment as s on r.gives_back = s.payment
        where t.ticket = any (p_tickets)
        group by t.ticket, t.purchase, t.sale_channel
    ),

    head as materialized (
        select
            nextval('billig.payment_payment_seq') as payment, h.purchase, h.gives_back, h.is_web,
            case
                -- the provider pays back, whoever asks for it; cash comes out of a drawer
                when p_cash_point is null and h.is_web and not coalesce(v_cash = any (p_by), false) then null
                else v_till
            end as cash_point,
            h.tickets
        from (
            select p.purchase, p.gives_back, bool_and(p.is_web) as is_web, array_agg(p.ticket) as tickets
            from part as p
            group by p.purchase, p.gives_back
            order by p.purchase, p.gives_back
        ) as h
    ),

    made as (
        insert into billig.payment (payment, kind, purchase, seller, cash_point, made_by, reason, override_used)
        select h.payment, p_kind, h.purchase, p_seller, h.cash_point, p_made_by, p_reason, p_override_used
        from head as h
        order by h.payment
    )

    select
        array_agg(t), array_agg(h.payment), array_agg(h.cash_point),
        bool_or(h.cash_point is null and not (h.is_web and not coalesce(v_cash = any (p_by), false)))
    into v_of_ticket, v_of_payment, v_of_cash_point, v_needs_till
    from head as h
    cross join unnest(h.tickets) as t;
    if v_needs_till and p_seller is not null then
        perform billig.need_till(p_seller);
    end if;
    -- Tickets, then capacity, then what is left of payments: legacy writes lock in this order, too.
    if p_kind = 'REFUND' then
        update billig.ticket as t
        set
            refunded = billig.local_time(), refunder = p_seller, point_of_refund = r.cash_point, payment = r.payment,
            kept = k.amount
        from unnest(p_tickets, p_kept) as k (ticket, amount)
        inner join unnest(v_of_ticket, v_of_payment, v_of_cash_point) as r (ticket, payment, cash_point) on k.ticket = r.ticket
        where t.ticket = k.ticket;
    else
        update billig.ticket as t
        set reduced = t.reduced - k.amount, payment = r.payment
        from unnest(p_tickets, p_amounts) as k (ticket, amount)
        inner join unnest(v_of_ticket, v_of_payment) as r (ticket, payment) on k.ticket = r.ticket
        where t.ticket = k.ticket;
    end if;
    perform billig.repay(
        array(
            select t.payment
            from unnest(v_tickets) with ordinality as r (ticket, position)
            inner join unnest(v_of_ticket, v_of_payment) as t (ticket, payment) on r.ticket = t.ticket
            order by r.position
        ),
        v_sources, v_methods, v_amounts, p_by, p_by_amounts
    );
    return array(select distinct p from unnest(v_of_payment) as p);
end;
$$;

comment on function billig.make_repayments(text, bigint[], numeric[], text, int, text, text, boolean, text[], numeric[], numeric[]) is
'Refunds tickets (p_kind REFUND; p_kept: NOK of each that is kept) or reduces their price (REDUCTION), when they are locked and checked, and pays them back; returns the payments: one for each purchase and payment that is given back, or that is the first of several in which a ticket''s money lies. p_amounts: negative NOK per ticket. Where: p_cash_point; null: the seller''s open till session, save for what was paid on the web and does not go back in cash, which is the provider''s. p_by, p_by_amounts: as billig.repay. 23B26 no till session is open.';
