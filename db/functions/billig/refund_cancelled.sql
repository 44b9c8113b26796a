create or replace function billig.refund_cancelled(p_event int, p_purchases int default 100)
returns table (
    purchases_done bigint, purchases_left bigint, tickets_refunded bigint, refunded_amount numeric, tickets_let_go bigint,
    tickets_owed bigint, owed_amount numeric, tickets_kept bigint, tickets_disputed bigint, purchases_refused bigint
)
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_change billig.event_change;
    v_purchases bigint[];
    v_tickets bigint[];
    v_purchase bigint;
begin
    perform books.check_count('p_purchases', p_purchases);
    perform billig.need_read_committed();
    v_change := billig.cancellation_of(p_event);
    -- Nobody is waited for: what somebody else has in hand is left for a later call. Purchases, then tickets, as all do.
    v_purchases := array(
        select c.purchase
        from billig.cancelled_purchase as c
        inner join billig.purchase as p on c.purchase = p.purchase
        where c.event_change = v_change.event_change and c.done_at is null
        order by c.refused_at nulls first, c.purchase
        limit p_purchases
        for no key update skip locked
    );
    v_tickets := array(
        select t.ticket
        from billig.ticket as t
        where t.purchase = any (v_purchases) and t.event = p_event and t.refunded is null
        order by t.ticket
        for no key update skip locked
    );
    v_purchases := array(
        select u.purchase from unnest(v_purchases) as u (purchase)
        except
        select t.purchase
        from billig.ticket as t
        where
            t.purchase = any (v_purchases) and t.event = p_event and t.refunded is null
            and t.ticket <> all (v_tickets)
    );
    begin
        perform billig.give_back_cancelled(v_change, v_purchases, array(
            select t.ticket from billig.ticket as t where t.ticket = any (v_tickets) and t.purchase = any (v_purchases)
        ));
    exception when integrity_constraint_violation then
        -- One that is refused does not hold the others up: each by itself.
        foreach v_purchase in array v_purchases
        loop
            begin
                perform billig.give_back_cancelled(v_change, array[v_purchase], array(
                    select t.ticket from billig.ticket as t where t.ticket = any (v_tickets) and t.purchase = v_purchase
                ));
            exception when integrity_constraint_violation then
                update billig.cancelled_purchase as c
                set refused_at = clock_timestamp(), refusal = format('%s (%s)', sqlerrm, sqlstate)
                where c.event_change = v_change.event_change and c.purchase = v_purchase;
            end;
        end loop;
    end;
    return query
    select
        count(*) filter (where c.done_at is not null), (
            select count(*)
            from billig.cancelled_purchase as o
            where o.event_change = v_change.event_change and o.done_at is null
        ),
        coalesce(sum(c.tickets_refunded), 0), coalesce(sum(c.refunded_amount), 0), coalesce(sum(c.tickets_let_go), 0),
        coalesce(sum(c.tickets_owed), 0), coalesce(sum(c.owed_amount), 0), coalesce(sum(c.tickets_kept), 0),
        coalesce(sum(c.tickets_disputed), 0), (
            select count(*)
            from billig.cancelled_purchase as o
            where o.event_change = v_change.event_change and o.done_at is null and o.refused_at is not null
        )
    from billig.cancelled_purchase as c
    where c.event_change = v_change.event_change and c.purchase = any (v_purchases);
end;
$$;

comment on function billig.refund_cancelled(int, int) is
'Gives back what was sold of a cancelled event, p_purchases purchases at a time, each once: call it until purchases_left is 0, or purchases_done is, which means that somebody else has what is left in hand: wait, and go on. A purchase that meets a refusal is left, and the others go on: purchases_refused of purchases_left, and billig.preview_cancel says what stands in the way; they are tried once more after all others. It may be stopped anywhere and called again, and by several at once. All that was paid on the web goes back by its provider, under the reference that took it, fee and all; unpaid tickets are let go; what lies with a stand, by whatever means, becomes owed back and is paid by billig.pay_cancelled in a till session; tickets in dispute are left. Returns what this call did: tickets, and NOK, positive. tickets_kept: used, where the cancellation says KEEP, or free tickets of a stand. 22023; 25000 not at read committed; P0002 no such event; 23B35 it is not cancelled.';
