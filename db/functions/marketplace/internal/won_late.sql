create or replace function marketplace.won_late(p_payment_attempt bigint, p_dispute text, p_amount bigint, p_open bigint)
returns bigint
language sql stable
set search_path = pg_catalog, marketplace, pg_temp
begin atomic
    -- By its own word the gateway still has what it took in other disputes, and what it keeps of this one.
    with said as (
        select
            e.dispute,
            max(coalesce(e.amount, a.amount)) filter (where e.answer = 'returned') as taken,
            bool_or(e.answer = 'reinstated') as is_won
        from marketplace.gateway_event as e
        inner join marketplace.payment_attempt as a on e.payment_attempt = a.payment_attempt
        where
            e.payment_attempt = p_payment_attempt and e.dispute is not null and e.answer in ('returned', 'reinstated')
        group by e.dispute
    )

    select greatest(0, least(
        p_amount,
        p_open + a.lost + marketplace.lost_beyond(a.payment_attempt) - (
            select sum(case when s.dispute = p_dispute then s.taken - p_amount when s.is_won then 0 else s.taken end)
            from said as s
            where s.taken is not null
        )
    ))
    from marketplace.payment_attempt as a
    where
        a.payment_attempt = p_payment_attempt
        and exists (select from said as s where s.dispute = p_dispute and s.taken is not null);
end;

comment on function marketplace.won_late(bigint, text, bigint, bigint) is
'Øre that a dispute gives us again which was booked as lost, in part or whole, before it was won: what we hold to be gone, p_open of it still in dispute, less what the gateway has by its own word. Null: nothing is known of such a dispute. For dispute_charge alone. May be null: p_dispute, p_amount, the result.';
