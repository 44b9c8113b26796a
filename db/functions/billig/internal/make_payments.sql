create or replace function billig.make_payments(
    p_tickets bigint[], p_purchases bigint[], p_kinds text[], p_sellers text[], p_cash_points int[],
    p_channels text[], p_amounts numeric[]
)
returns table (ticket bigint, payment bigint)
language plpgsql
set plan_cache_mode = auto
set enable_nestloop = on
as $$
#variable_conflict use_column
declare
    v_tickets bigint[];
    v_payments bigint[];
    v_channels text[];
    v_amounts numeric[];
begin
    -- Not planned for each call: the setting would reach the checks of foreign keys, and plan each of them anew.

    -- A stand that nobody registered must not lose the money that went over its counter; it is the first ticket's owner's.
    insert into billig.cash_point (cash_point, cash_point_name, is_registered, organisation)
    select distinct on (c.cash_point) c.cash_point, 'Cash point ' || c.cash_point, false, t.organisation
    from unnest(p_tickets, p_cash_points) as c (ticket, cash_point) inner join billig.ticket as t on c.ticket = t.ticket
    where c.cash_point is not null and c.cash_point not in (select k.cash_point from billig.cash_point as k)
    order by c.cash_point, c.ticket
    on conflict do nothing;

    insert into billig.payment (kind, purchase, seller, cash_point, made_by)
    select distinct m.kind, m.purchase, m.seller, m.cash_point, 'TRIGGER'
    from unnest(p_purchases, p_kinds, p_sellers, p_cash_points) as m (purchase, kind, seller, cash_point)
    where not exists (
        select from billig.open_payment as p
        where
            p.purchase = m.purchase
            and p.made_by = 'TRIGGER'
            and p.kind = m.kind
            and p.seller is not distinct from m.seller
            and p.cash_point is not distinct from m.cash_point
            and p.till_session is not distinct from (
                select s.till_session
                from billig.till_session as s
                where s.seller = m.seller and s.cash_point = m.cash_point and s.closed_at is null
            )
    );

    select array_agg(m.ticket), array_agg(p.payment), array_agg(m.channel), array_agg(m.amount)
    into v_tickets, v_payments, v_channels, v_amounts
    from unnest(p_tickets, p_purchases, p_kinds, p_sellers, p_cash_points, p_channels, p_amounts)
        as m (ticket, purchase, kind, seller, cash_point, channel, amount)
    inner join billig.open_payment as p
        on
            m.purchase = p.purchase
            and p.made_by = 'TRIGGER'
            and m.kind = p.kind
            and m.seller is not distinct from p.seller
            and m.cash_point is not distinct from p.cash_point
            and p.till_session is not distinct from (
                select s.till_session
                from billig.till_session as s
                where s.seller = m.seller and s.cash_point = m.cash_point and s.closed_at is null
            );

    -- What comes in: of a sale by the stand's method, or its channel's, of a dearer price group by those that were paid with.
    with line as (
        select w.key as payment, w.payment_method, w.amount
        from (
            select
                array_agg(s.ticket) as tickets, array_agg(s.payment) as payments, array_agg(s.part) as amounts
            from billig.shared_gain(v_tickets, v_payments, v_amounts, 1) as s
            inner join billig.payment as p on s.payment = p.payment and p.kind <> 'SALE'
        ) as a
        cross join billig.paid_with(a.tickets, a.payments, a.amounts) as w
        where a.tickets is not null
        union all
        select n.payment, coalesce(c.payment_method, s.payment_method) as method, sum(n.amount)
        from unnest(v_payments, v_channels, v_amounts) as n (payment, channel, amount)
        inner join billig.payment as p on n.payment = p.payment and p.kind = 'SALE'
        inner join billig.sale_channel as s on n.channel = s.sale_channel
        left join billig.cash_point as c on p.cash_point = c.cash_point
        group by n.payment, method
    ),

    -- with the lines that an earlier statement of this transaction wrote; the rounding counts as cash
    due as (
        select i.payment, i.payment_method, sum(i.amount) as amount
        from (
            select l.payment, l.payment_method, l.amount
            from line as l
            union all
            select l.payment, case when m.is_rounding then c.payment_method else m.payment_method end, l.amount
            from (select distinct n.payment from line as n) as p
            inner join billig.payment_line as l on p.payment = l.payment and l.gives_back is null
            inner join billig.payment_method as m on l.payment_method = m.payment_method
            inner join billig.payment_method as c on c.is_cash
        ) as i
        where i.amount <> 0
        group by i.payment, i.payment_method
    )

    insert into billig.payment_line as l (payment, payment_method, amount)
    select w.payment, w.payment_method, w.amount
    from (
        select d.payment, d.payment_method, case when m.is_cash then billig.round_cash(d.amount) else d.amount end as amount
        from due as d
        inner join billig.payment_method as m on d.payment_method = m.payment_method
        union all
        select d.payment, r.payment_method, d.amount - billig.round_cash(d.amount)
        from due as d
        inner join billig.payment_method as m on d.payment_method = m.payment_method
        inner join billig.payment_method as r on r.is_rounding
        where
            m.is_cash
            and (
                d.amount <> billig.round_cash(d.amount)
                or exists (
                    select from billig.payment_line as x
                    where x.payment = d.payment and x.payment_method = r.payment_method and x.gives_back is null
                )
            )
    ) as w
    on conflict on constraint payment_line_pkey do update set amount = excluded.amount;

    perform billig.repay_legacy(v_tickets, v_payments, v_amounts);
    return query
    select n.ticket, n.payment
    from unnest(v_tickets, v_payments) as n (ticket, payment);
end;
$$;

comment on function billig.make_payments(bigint[], bigint[], text[], text[], int[], text[], numeric[]) is
'Makes the payments of legacy writes that move money and name none: one per purchase and transaction (and kind, seller, stand, till session), its lines by the stand''s own method, or the sale channel''s, of what goes back by the payments and methods that are given back (billig.repay); a stand whose own method is cash pays out in cash what a stand took. p_amounts: signed NOK per ticket. Called by the log''s triggers alone.';
