create or replace function billig.owe_back(
    p_purchase bigint, p_provider_reference text, p_payment_method text, p_amount numeric, p_kind text, p_tickets bigint[]
)
returns void
language plpgsql
as $$
declare
    v_owed_back bigint;
begin
    perform books.begin_posting();
    insert into billig.owed_back (
        purchase, named_purchase, provider_reference, payment_method, amount, kind, recorded_at
    )
    select
        case when p_kind <> 'UNKNOWN' then p_purchase end, case when p_kind = 'UNKNOWN' then p_purchase end,
        p_provider_reference, m.payment_method, p_amount, p_kind, clock_timestamp()
    from billig.payment_method as m
    where m.payment_method_name = p_payment_method
    returning owed_back into v_owed_back;
    insert into billig.owed_back_part (owed_back, ticket, organisation, project, event, amount)
    select v_owed_back, s.ticket, s.organisation, s.project, s.event, s.amount
    from (
        select
            w.ticket, w.organisation, w.project, w.event,
            books.share_of(p_amount, sum(w.weight) over (order by w.ticket), w.weight, sum(w.weight) over ()) as amount
        from (
            select
                t.ticket, t.organisation, t.project, t.event,
                case when max(t.price) over () = 0 then 1 else t.price end as weight -- all of them free: one like the other
            from billig.ticket as t
            where t.ticket = any (p_tickets)
        ) as w
    ) as s
    where s.amount > 0;
end;
$$;

comment on function billig.owe_back(bigint, text, text, numeric, text, bigint[]) is
'Records web money that bought nothing as owed to the buyer: p_amount (NOK) whole, p_kind as billig.owed_back.kind, and what of it is for which of p_tickets, in proportion to their prices. 23B45: the clock is behind a closed period.';
