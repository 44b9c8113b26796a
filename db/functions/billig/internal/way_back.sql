create or replace function billig.way_back(p_tickets bigint[], p_used_tickets text)
returns table (
    ticket bigint, purchase bigint, road text, payment_method smallint, amount numeric, is_used boolean
)
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
    v_tickets bigint[];
    v_amounts numeric[];
begin
    select array_agg(t.ticket), array_agg(l.amount)
    into v_tickets, v_amounts
    from billig.ticket as t
    cross join lateral billig.left_of(
        t.paid is not null, t.refunded is not null, t.price, t.reduced, t.charged_back, t.kept
    ) as l (amount)
    where t.ticket = any (p_tickets) and t.refunded is null and l.amount > 0;
    return query
    with part as materialized (
        select w.key as ticket, w.payment_method, w.amount, billig.is_web_payment(s.payment, s.seller, s.cash_point) as is_web
        from billig.paid_with(v_tickets, v_tickets, v_amounts) as w
        left join billig.payment as s on w.gives_back = s.payment
        where w.amount <> 0
    ),

    money as (
        select
            p.ticket, p.payment_method, sum(p.amount) as amount,
            bool_and(bool_and(p.is_web)) over (partition by p.ticket) as is_web
        from part as p
        group by p.ticket, p.payment_method
    )

    select
        t.ticket, t.purchase,
        case
            when t.paid is null then 'LET_GO'
            when p_used_tickets = 'KEEP' and u.is_used then 'KEPT'
            when t.charged_back > 0 then 'DISPUTED'
            when coalesce(m.is_web, t.sale_channel = 'NET') then 'PROVIDER'
            when m.ticket is null then 'NOTHING'
            else 'STAND'
        end,
        m.payment_method, coalesce(m.amount, case when t.paid is null then t.price else 0 end), u.is_used
    from billig.ticket as t
    cross join lateral (select billig.was_used(t.ticket, t.used) as is_used) as u
    left join money as m on t.ticket = m.ticket
    where t.ticket = any (p_tickets) and t.refunded is null;
end;
$$;

comment on function billig.way_back(bigint[], text) is
'By which road the money of live tickets of a cancelled event goes back, a row for each ticket and method that its money came by. road: PROVIDER, all of it was paid on the web, or nothing was paid for a web ticket; STAND, some of it lies with a stand, which pays all of it back; LET_GO, it is not paid (amount: what it would cost); KEPT, it was used and p_used_tickets is KEEP; DISPUTED, its buyer has gone to their bank; NOTHING, it cost nothing at a stand. amount: NOK that is left of it, including the fee. May be null: payment_method.';
