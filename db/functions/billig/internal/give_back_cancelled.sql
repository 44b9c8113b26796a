create or replace function billig.give_back_cancelled(
    p_change billig.event_change, p_purchases bigint[], p_tickets bigint[]
)
returns void
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
declare
    v_seller constant text := billig.seller_name(session_user);
    v_roads jsonb;
    r record;
begin
    select coalesce(jsonb_agg(to_jsonb(w)), '[]')
    into v_roads
    from (
        select b.ticket, b.purchase, b.road, sum(b.amount) as amount, b.is_used
        from billig.way_back(p_tickets, p_change.used_tickets) as b
        group by b.ticket, b.purchase, b.road, b.is_used
    ) as w;

    update billig.ticket as t
    set refunded = billig.local_time(), refunder = case when t.sale_channel = 'RESERVATION' then v_seller end
    from jsonb_to_recordset(v_roads) as w (ticket bigint, road text)
    where t.ticket = w.ticket and w.road = 'LET_GO';

    -- That used tickets were taken back is said of the purchases that have some, not of all.
    for r in
        select w.is_used, array_agg(w.ticket order by w.ticket) as tickets, array_agg(-w.amount order by w.ticket) as amounts
        from (
            select x.ticket, x.amount, bool_or(x.is_used) over (partition by x.purchase) as is_used
            from jsonb_to_recordset(v_roads)
                as x (ticket bigint, purchase bigint, road text, amount numeric, is_used boolean)
            where x.road = 'PROVIDER'
        ) as w
        group by w.is_used
        order by w.is_used
    loop
        perform billig.make_repayments(
            'REFUND', r.tickets, r.amounts, v_seller, null, 'FUNCTION', p_change.reason, r.is_used, null, null,
            array_fill(0::numeric, array[cardinality(r.tickets)])
        );
    end loop;

    update billig.cancelled_purchase as c
    set
        done_at = clock_timestamp(), done_by = session_user, refused_at = null, refusal = null,
        tickets_refunded = d.tickets_refunded, refunded_amount = d.refunded_amount, tickets_let_go = d.tickets_let_go,
        tickets_owed = d.tickets_owed, owed_amount = d.owed_amount, tickets_kept = d.tickets_kept,
        tickets_disputed = d.tickets_disputed
    from (
        select
            p.purchase,
            count(*) filter (where w.road = 'PROVIDER') as tickets_refunded,
            coalesce(sum(w.amount) filter (where w.road = 'PROVIDER'), 0) as refunded_amount,
            count(*) filter (where w.road = 'LET_GO') as tickets_let_go,
            count(*) filter (where w.road = 'STAND') as tickets_owed,
            coalesce(sum(w.amount) filter (where w.road = 'STAND'), 0) as owed_amount,
            count(*) filter (where w.road in ('KEPT', 'NOTHING')) as tickets_kept,
            count(*) filter (where w.road = 'DISPUTED') as tickets_disputed
        from unnest(p_purchases) as p (purchase)
        left join jsonb_to_recordset(v_roads) as w (purchase bigint, road text, amount numeric) on p.purchase = w.purchase
        group by p.purchase
    ) as d
    where c.event_change = p_change.event_change and c.purchase = d.purchase;
end;
$$;

comment on function billig.give_back_cancelled(billig.event_change, bigint[], bigint[]) is
'What becomes of the tickets of some purchases of a cancelled event, when they are locked: by the road that billig.way_back says, and the purchases are done (billig.cancelled_purchase). p_tickets: all live tickets of the event in them.';
