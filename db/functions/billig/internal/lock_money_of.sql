create or replace function billig.lock_money_of(p_payment bigint, out tickets bigint[], out amounts numeric[])
language plpgsql
as $$
declare
    v_locked bigint[] := array[]::bigint[];
begin
    -- Until those that hold the money are those that are locked: an exchange may move it meanwhile.
    loop
        with recursive holder as (
            select l.ticket
            from billig.transaction_log as l
            where
                -- of a part payment the one that used it
                l.payment in (
                    select p_payment
                    union all
                    select u.used_payment from billig.part_payment as u where u.payment = p_payment
                )
                and billig.takes_money(l.transaction_type)
            union
            -- exchanged: what came in lies in the new tickets
            select l.ticket
            from holder as h
            inner join billig.ticket as t on h.ticket = t.ticket and t.refunded is not null and t.exchange is not null
            inner join billig.transaction_log as l on t.payment = l.payment and billig.takes_seat(l.transaction_type)
        )

        select array_agg(t.ticket order by t.ticket), array_agg(l.amount order by t.ticket)
        into tickets, amounts
        from holder as h
        inner join billig.ticket as t on h.ticket = t.ticket
        cross join lateral billig.left_of(
            t.paid is not null, t.refunded is not null, t.price, t.reduced, t.charged_back, t.kept
        ) as l (amount)
        where l.amount > 0;
        exit when coalesce(tickets, '{}') <@ v_locked;
        perform billig.lock_tickets(tickets);
        v_locked := tickets;
    end loop;
end;
$$;

comment on function billig.lock_money_of(bigint) is
'Locks the tickets in which the money of a payment lies now, exchanges followed, and says how much of its own is left in each, NOK. May be null: tickets, amounts (nothing is left).';
