-- Which row a changed ticket gets in the log: the second part of the table of changes. Numbers stand here with their
-- names; those below 0 are refusals, of billig.ticket_refusal.

create or replace function billig.ticket_log_update()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set plan_cache_mode = force_generic_plan
set jit = off
set enable_nestloop = off
set work_mem = '64MB'
as $$
declare
    v_now constant timestamptz := clock_timestamp();
    v_today constant date := billig.local_time(v_now)::date;
    v_login constant text := session_user;
    v_kept boolean;
    v_tickets bigint[];
    v_payments bigint[];
    v_refused bigint[];
begin
    if tg_relid <> 'billig.ticket'::regclass then
        raise exception 'the transaction log is of tickets' using
            errcode = '23B07',
            detail = format('%s on %I.%I.', tg_op, tg_table_schema, tg_table_name),
            hint = 'Change the ticket: its triggers log it.';
    end if;
    -- Longer than other functions: the table of changes is one CASE in one statement over the transition tables; in parts,
    -- whole rows would be carried from one to the next, for every ticket.
    -- The plan is kept for the session and must hold for one row as for a million: old and new are hashed,
    -- never looped (enable_nestloop); what is looked up for single rows stands in scalar subqueries.
    -- A refused change is a negative type, of billig.ticket_refusal: raised after the statement, for a short message.

    -- Money moved by a write that left payment as it was: legacy. One payment per purchase and transaction.
    -- (intersect hashes, and nulls are alike to it; a join on "is not distinct from" loops)
    v_kept := exists (select payment from new_ticket intersect select payment from old_ticket);
    if v_kept then
        select array_agg(m.ticket), array_agg(m.payment)
        into v_tickets, v_payments
        from (
            select
                array_agg(n.ticket) as tickets, array_agg(n.purchase) as purchases,
                array_agg(case
                    when o.refunded is distinct from n.refunded then 'REFUND'
                    when o.paid is distinct from n.paid then 'SALE'
                    when o.reduced <> n.reduced then 'REDUCTION'
                    else 'CHANGE'
                end) as kinds,
                array_agg(case
                    when o.refunded is distinct from n.refunded then n.refunder
                    when n.sale_channel = 'NET' and o.paid is distinct from n.paid then null
                    else v_login
                end) as sellers,
                array_agg(case when o.refunded is distinct from n.refunded then n.point_of_refund end) as cash_points,
                array_agg(n.sale_channel) as channels,
                array_agg(case
                    when o.refunded is distinct from n.refunded then n.kept - billig.left_of(
                        o.paid is not null, o.refunded is not null, o.price, o.reduced, o.charged_back, o.kept
                    )
                    when o.paid is distinct from n.paid then n.price
                    when o.reduced <> n.reduced then o.reduced - n.reduced
                    else (select f.price from billig.offer as f where f.price_group = n.price_group) - o.price
                end) as amounts
            from old_ticket as o
            inner join new_ticket as n on o.ticket = n.ticket
            where
                n.payment is not distinct from o.payment
                and (
                    (o.paid is not null and o.refunded is null and n.refunded is not null)
                    or (o.paid is null and n.paid is not null)
                    -- what is refused below moves nothing
                    or (
                        o.paid is not null and o.refunded is null
                        and (
                            o.reduced <> n.reduced
                            or o.price_group <> n.price_group and o.charged_back = 0
                            and (select f.price from billig.offer as f where f.price_group = n.price_group) >= n.reduced
                        )
                    )
                )
        ) as a
        cross join billig.make_payments(
            a.tickets, a.purchases, a.kinds, a.sellers, a.cash_points, a.channels, a.amounts
        ) as m
        where a.tickets is not null;
    end if;

    with named as materialized (
        -- the tickets that take part in a payment now: the first of them has the payment checked at commit
        select t.payment, min(t.ticket) as first_ticket
        from (
            select n.payment, n.ticket
            from new_ticket as n
            where not v_kept -- so all of them changed theirs
            union all
            select m.payment, m.ticket
            from unnest(v_tickets, v_payments) as m (ticket, payment)
            union all
            (
                select n.payment, n.ticket
                from new_ticket as n
                where v_kept
                except
                select o.payment, o.ticket
                from old_ticket as o
                where v_kept
            )
        ) as t
        group by t.payment
    ),

    payment as materialized (
        select
            p.payment, p.kind, p.seller, p.cash_point, p.exchange, p.made_by, p.override_used,
            n.first_ticket
        from (
            select * from billig.open_payment as q
            where q.payment = any (array(select d.payment from named as d))
        ) as p
        inner join named as n on p.payment = n.payment
    ),

    logged as (
        insert into billig.transaction_log (
            transaction_time, transaction_date, ticket, purchase, payment, exchange, related_ticket,
            xact_id, era, login_role, transaction_type, seller, cash_point, override_used, first_of_payment,
            price_group, ticket_group, event, organisation, project, sold_name,
            price, fee, amount, vat_code, vat_rate, vat_amount, fee_amount, fee_vat_code, fee_vat_rate, fee_vat_amount
        )
        select
            v_now, v_today, d.ticket, d.purchase, d.payment, d.exchange, d.replaced_by,
            pg_current_xact_id(), (select max(era) from deploy.era), v_login,
            case
                when d.is_second and billig.is_refund(d.transaction_type::smallint)
                    then 16 -- FEE_KEPT
                else d.transaction_type
            end,
            d.seller, d.cash_point, d.override_used,
            d.first_of_payment and not d.is_second, -- of two rows the first
            case when d.is_out then d.old_price_group else d.price_group end,
            d.ticket_group, d.event, d.organisation, d.project,
            case when d.is_out then d.old_sold_name else d.sold_name end,
            case when d.is_out then d.old_price else d.price end,
            case when d.is_out then d.old_fee else d.fee end,
            d.ticket_after - d.ticket_before,
            d.vat_code,
            case when d.is_out then d.old_vat_rate else d.vat_rate end,
            books.vat_of(d.ticket_after, d.vat_rate) - books.vat_of(d.ticket_before, d.old_vat_rate),
            d.fee_after - d.fee_before,
            case when d.is_out then d.old_fee_vat_code else d.fee_vat_code end,
            case when d.is_out then d.old_fee_vat_rate else d.fee_vat_rate end,
            books.vat_of(d.fee_after, d.fee_vat_rate) - books.vat_of(d.fee_before, d.old_fee_vat_rate)
        from (
            -- What lies in the ticket before the row and after it, the ticket's part and the fee's.
            select
                w.ticket, w.purchase, w.payment, w.exchange, w.replaced_by, w.transaction_type, w.seller, w.cash_point,
                w.override_used, w.first_of_payment,
                w.price_group, w.ticket_group, w.event, w.organisation, w.project, w.vat_code,
                w.price, w.fee, w.sold_name, w.vat_rate, w.fee_vat_code, w.fee_vat_rate,
                w.old_price_group, w.old_price, w.old_fee, w.old_sold_name, w.old_vat_rate, w.old_fee_vat_code,
                w.old_fee_vat_rate,
                w.leg = 'OUT' as is_out,
                w.leg = 'IN' as is_second,
                case when w.leg in ('BOTH', 'OUT') then w.left_before - billig.fee_in(w.left_before, w.old_fee) else 0 end
                    as ticket_before,
                case when w.leg in ('BOTH', 'OUT') then billig.fee_in(w.left_before, w.old_fee) else 0 end as fee_before,
                case when w.leg in ('BOTH', 'IN') then w.left_after - billig.fee_in(w.left_after, w.fee) else 0 end
                    as ticket_after,
                case when w.leg in ('BOTH', 'IN') then billig.fee_in(w.left_after, w.fee) else 0 end as fee_after
            from (
                select
                    c.ticket, c.purchase, c.payment, c.exchange, c.replaced_by, c.transaction_type, c.seller,
                    c.cash_point, c.override_used, c.first_of_payment,
                    c.price_group, c.ticket_group, c.event, c.organisation, c.project, c.vat_code,
                    coalesce((c.offer).price, c.old_price) as price,
                    coalesce((c.offer).fee, c.old_fee) as fee,
                    coalesce((c.offer).sold_name, c.old_sold_name) as sold_name,
                    coalesce((c.offer).vat_rate, c.vat_rate) as vat_rate,
                    coalesce((c.offer).fee_vat_code, c.old_fee_vat_code) as fee_vat_code,
                    coalesce((c.offer).fee_vat_rate, c.fee_vat_rate) as fee_vat_rate,
                    c.old_price_group, c.old_price, c.old_fee, c.old_vat_rate, c.old_fee_vat_code, c.old_fee_vat_rate,
                    c.old_sold_name,
                    c.left_before,
                    -- of a change of price group: the new price, less what was given back of the old
                    c.left_after
                    + case when y.money = 'EITHER' then coalesce((c.offer).price, c.old_price) - c.old_price else 0 end
                        as left_after,
                    -- Two rows, the old out and the new in, in this order: where a rate or the fee's code is another than
                    -- before, or the difference would stand under the new one; and where a part of a refund is kept.
                    unnest(case
                        when coalesce(y.money, 'ZERO') = 'ZERO' then '{NONE}'
                        when y.money = 'MOVED' and c.left_before = 0 then '{NONE}'
                        when y.money = 'MOVED' then '{OUT,IN}'
                        when y.money = 'OUT' and y.seats <> 0 and c.left_after <> 0 then '{OUT,IN}'
                        when y.money = 'EITHER' and (c.old_vat_rate, c.old_fee_vat_code, c.old_fee_vat_rate)
                            <> ((c.offer).vat_rate, (c.offer).fee_vat_code, (c.offer).fee_vat_rate) then '{OUT,IN}'
                        else '{BOTH}'
                    end::text[]) as leg
                from (
                    select
                        n.ticket, n.purchase, p.payment, n.price_group, n.ticket_group, n.event, n.organisation, n.project,
                        n.vat_code,
                        case when t.t_refunded then n.exchange end as exchange,
                        n.replaced_by,
                        n.vat_rate, n.fee_vat_rate,
                        -- what it was sold as: the same in old and new, or the change is refused (-6); save the rates
                        n.price as old_price, n.fee as old_fee, coalesce(o.vat_rate, n.vat_rate) as old_vat_rate,
                        n.fee_vat_code as old_fee_vat_code, coalesce(o.fee_vat_rate, n.fee_vat_rate) as old_fee_vat_rate,
                        n.sold_name as old_sold_name,
                        billig.left_of(
                            o.paid is not null, o.refunded is not null, o.price, o.reduced, o.charged_back, o.kept
                        ) as left_before,
                        billig.left_of(
                            n.paid is not null, n.refunded is not null, n.price, n.reduced, n.charged_back, n.kept
                        ) as left_after,
                        o.price_group as old_price_group,
                        case
                            when t.t_price_group
                                then (select f from billig.offer as f where f.price_group = n.price_group)
                        end as offer,
                        case
                            when t.t_refunded then nullif(n.refunder, '')
                            when p.payment is not null then p.seller
                            when t.t_unused then (
                                select r.seller
                                from billig.reentry as r
                                where r.ticket = n.ticket
                                order by r.reentry desc
                                limit 1
                            )
                            else v_login
                        end as seller,
                        case when t.t_refunded then n.point_of_refund else p.cash_point end as cash_point,
                        t.t_refunded and coalesce(p.override_used, false) and billig.was_used(n.ticket, n.used) as override_used,
                        coalesce(n.ticket = p.first_ticket, false) as first_of_payment,
                        case
                            when o.ticket is null then -5
                            when
                                n.purchase <> o.purchase
                                or n.ticket_group <> o.ticket_group
                                or n.event <> o.event
                                or n.organisation <> o.organisation
                                or n.project is distinct from o.project
                                or n.sale_channel <> o.sale_channel
                                or n.seller is distinct from o.seller
                                or n.cash_point is distinct from o.cash_point
                                or n.replaces is distinct from o.replaces
                                or n.price <> o.price
                                or n.fee <> o.fee
                                or n.vat_code <> o.vat_code
                                or n.fee_vat_code <> o.fee_vat_code
                                or n.sold_name is distinct from o.sold_name
                                or t.t_vat and not ( -- to the rates of the day of delivery, as they are known now
                                    select
                                        n.vat_rate = books.rate_on(n.vat_code, e.event_time::date)
                                        and n.fee_vat_rate = books.rate_on(n.fee_vat_code, e.event_time::date)
                                    from billig.event as e
                                    where e.event = n.event
                                )
                                then -6
                            when
                                (o.refunded is not null and n.refunded is null)
                                or (o.paid is not null and n.paid is distinct from o.paid)
                                or (o.used is not null and n.used <> o.used)
                                or (t.t_unused and ( -- more often than unuse_ticket did, in this very transaction
                                    select count(*)
                                    from billig.transaction_log as l
                                    where
                                        l.ticket = n.ticket
                                        and l.xact_id = pg_current_xact_id()
                                        and l.transaction_time >= now()
                                        and billig.is_unuse(l.transaction_type)
                                ) >= (
                                    select count(*)
                                    from billig.reentry as r
                                    where
                                        r.ticket = n.ticket
                                        and r.xact_id = pg_current_xact_id()
                                        and r.reentry_time >= now()
                                ))
                                then -7
                            when o.refunded is not null and not t.t_charged_back then -8
                            when
                                t.t_paid::int + t.t_refunded::int + t.t_price_group::int + t.t_used::int + t.t_unused::int
                                + t.t_card::int + t.t_reduced::int + t.t_charged_back::int + t.t_vat::int > 1
                                then -9
                            when
                                not t.t_refunded
                                and n.kept - o.kept
                                <> case when o.refunded is null then 0 else o.charged_back - n.charged_back end
                                then -20
                            when
                                t.t_charged_back
                                and coalesce(p.kind, '') <> case
                                    when n.charged_back > o.charged_back then 'CHARGEBACK' else 'CHARGEBACK_WON'
                                end
                                then -21
                            when n.reduced < o.reduced or t.t_reduced and o.paid is null then -22
                            when
                                n.charged_back > 0 and (
                                    t.t_price_group
                                    or t.t_refunded and n.exchange is distinct from o.exchange
                                    or t.t_used and n.reduced + n.charged_back = n.price and exists (
                                        select from billig.open_dispute as d where d.ticket = n.ticket and not d.lets_in
                                    )
                                )
                                then -23
                            when
                                not t.t_refunded
                                and (
                                    n.refunder is distinct from o.refunder
                                    or n.point_of_refund is distinct from o.point_of_refund
                                    or n.exchange is distinct from o.exchange
                                    or n.replaced_by is distinct from o.replaced_by
                                )
                                then -10
                            when n.payment is distinct from o.payment and p.payment is null then -11
                            when n.exchange is distinct from o.exchange and n.exchange is distinct from p.exchange
                                then -12
                            when (t.t_paid or t.t_price_group) and billig.is_cancelled(n.event) then -25
                            when t.t_paid and n.sale_channel = 'NET' then 6 -- NET_PAID
                            when t.t_paid then 8 -- RESERVATION_PAID
                            when t.t_refunded and o.paid is null and n.sale_channel = 'NET' then 5 -- NET_TIMEOUT
                            when t.t_refunded and o.paid is null and coalesce(n.refunder, '') = '' then 12 -- RESERVATION_TIMEOUT
                            when t.t_refunded and o.paid is null then 9 -- RESERVATION_REFUND
                            when
                                t.t_refunded and not coalesce(p.override_used, false)
                                and billig.was_used(n.ticket, n.used)
                                then -13
                            when t.t_refunded and coalesce(n.refunder, '') = '' and (coalesce(p.made_by, '') <> 'WEB' or n.point_of_refund is not null)
                                then -14
                            when t.t_refunded and n.point_of_refund is null and n.sale_channel = 'NET' then 11 -- NET_REFUND
                            when t.t_refunded then 2 -- NORMAL_REFUND
                            when
                                t.t_price_group
                                and not exists (
                                    select from billig.offer as f
                                    where f.price_group = n.price_group
                                        and f.vat_code = n.vat_code
                                        and f.vat_rate is not null
                                        and f.fee_vat_rate is not null
                                        and f.project is not distinct from n.project
                                )
                                then -15
                            when
                                t.t_price_group
                                and n.reduced > 0
                                and (select f.price from billig.offer as f where f.price_group = n.price_group) < n.reduced
                                then -24
                            when t.t_price_group and o.paid is not null then 3 -- NORMAL_CHANGE
                            when t.t_price_group and n.sale_channel = 'RESERVATION' then 10 -- RESERVATION_CHANGE
                            when t.t_price_group then -16
                            when t.t_used and o.paid is null then -17
                            when t.t_used then 13 -- TICKET_USED
                            when t.t_unused then 15 -- TICKET_UNUSED
                            when
                                t.t_card and n.on_card
                                and not (
                                    select g.can_be_put_on_card
                                    from billig.price_group as g
                                    where g.price_group = n.price_group
                                )
                                then -18
                            when t.t_card then 14 -- CARD_CHANGE
                            when t.t_reduced then 17 -- PRICE_REDUCTION
                            when t.t_charged_back and n.charged_back > o.charged_back then 18 -- CHARGEBACK
                            when t.t_charged_back then 19 -- CHARGEBACK_WON
                            when t.t_vat then 20 -- VAT_CHANGE
                            else -19
                        end as transaction_type
                    from new_ticket as n
                    left join old_ticket as o on n.ticket = o.ticket
                    left join unnest(v_tickets, v_payments) as m (ticket, payment) on n.ticket = m.ticket
                    left join payment as p
                        on coalesce(m.payment, case when n.payment is distinct from o.payment then n.payment end) = p.payment
                    cross join lateral (
                        select
                            o.paid is null and n.paid is not null as t_paid,
                            o.refunded is null and n.refunded is not null as t_refunded,
                            o.price_group <> n.price_group as t_price_group,
                            o.used is null and n.used is not null as t_used,
                            o.used is not null and n.used is null as t_unused,
                            o.on_card <> n.on_card as t_card,
                            o.reduced <> n.reduced as t_reduced,
                            o.charged_back <> n.charged_back as t_charged_back,
                            o.vat_rate <> n.vat_rate or o.fee_vat_rate <> n.fee_vat_rate as t_vat
                    ) as t
                    where
                        o.ticket is null
                        or t.t_refunded or t.t_paid or t.t_price_group or t.t_used or t.t_unused or t.t_card
                        -- column by column: whole rows would be built, and carried through the join, for every ticket
                        or (
                            o.purchase, o.ticket_group, o.event, o.organisation, o.project, o.sale_channel, o.seller,
                            o.cash_point, o.replaces, o.vat_code, o.paid, o.refunded,
                            o.used, o.refunder, o.point_of_refund, o.payment, o.exchange, o.replaced_by,
                            o.reduced, o.charged_back, o.kept
                        ) is distinct from (
                            n.purchase, n.ticket_group, n.event, n.organisation, n.project, n.sale_channel, n.seller,
                            n.cash_point, n.replaces, n.vat_code, n.paid, n.refunded,
                            n.used, n.refunder, n.point_of_refund, n.payment, n.exchange, n.replaced_by,
                            n.reduced, n.charged_back, n.kept
                        )
                        or (
                            (o.price, o.fee, o.vat_rate, o.fee_vat_code, o.fee_vat_rate, o.sold_name)
                            is distinct from (n.price, n.fee, n.vat_rate, n.fee_vat_code, n.fee_vat_rate, n.sold_name)
                            -- align_ticket: the ticket takes over what its newest row, of this transaction, says
                            and not coalesce((
                                select
                                    l.xact_id = pg_current_xact_id()
                                    and (l.price, l.fee, l.vat_rate, l.fee_vat_code, l.fee_vat_rate, l.sold_name)
                                    is not distinct from
                                    (n.price, n.fee, n.vat_rate, n.fee_vat_code, n.fee_vat_rate, n.sold_name)
                                from billig.transaction_log as l
                                where l.ticket = n.ticket
                                order by l.transaction_log + 0 desc -- by the index on ticket, never back through the whole log
                                limit 1
                            ), false)
                        )
                    offset 0 -- a fence: pulled up, the type and the offer would be worked out anew wherever they are named
                ) as c
                left join billig.transaction_type as y on c.transaction_type = y.transaction_type -- a refusal has none
            ) as w
        ) as d
        returning ticket, transaction_type
    )

    select array_agg(distinct ticket), min(array[transaction_type, ticket]) filter (where transaction_type < 0)
    into v_tickets, v_refused
    from logged
    where billig.is_price_change(transaction_type) or transaction_type < 0;
    if v_refused is not null then
        perform billig.refuse_change(v_refused[2], v_refused[1]::smallint);
    end if;

    if v_tickets is not null then
        perform billig.align_ticket(v_tickets);
    end if;
    return null;
end;
$$;

comment on function billig.ticket_log_update() is
'Logs every change of a ticket, one row each, or refuses it (T1, T6 to T9): the type follows from the change. What a row moves is what lies in the ticket after it less what lay there before (billig.left_of, billig.fee_in). Two rows, the old out and the new in: a paid change of price group where a VAT rate or the fee''s VAT code is another than before, VAT_CHANGE, and a refund of which a part is kept. 23B06 payment of another transaction; 23B07 of another table; 23B08 a change of what was sold; 23B09 refunded by nobody; 23B10 refunded already; 23B11 used; 23B12 not in a state for it; 23B22 goes back; 23B23 two changes at once; 23B31 more given back than there is; 23B34 a ticket of a cancelled event is paid, or changes price group.';

create or replace trigger ticket_2_log_update
after update on billig.ticket
referencing old table as old_ticket new table as new_ticket
for each statement execute function billig.ticket_log_update();
alter table billig.ticket enable always trigger ticket_2_log_update;
