create or replace function marketplace.open_dispute(p_payment_attempt bigint)
returns table (dispute text, amount bigint)
language sql stable
set search_path = pg_catalog, marketplace, pg_temp
begin atomic
    -- Of another currency nobody knows how much it is: all is gone.
    select e.dispute, max(case when e.currency <> a.currency then a.amount else coalesce(e.amount, a.amount) end)
    from marketplace.gateway_event as e
    inner join marketplace.payment_attempt as a on e.payment_attempt = a.payment_attempt
    where
        e.payment_attempt = p_payment_attempt and e.dispute is not null and e.answer = 'returned'
        and e.outcome in ('ALARM', 'APPLIED')
        and not exists (
            select from marketplace.gateway_event as d
            where
                d.payment_attempt = p_payment_attempt and d.dispute = e.dispute
                and d.answer in ('reinstated', 'lost') and (d.occurred_at < e.occurred_at) is not true
        )
    group by e.dispute;
end;

comment on function marketplace.open_dispute(bigint) is
'The disputes of a charge that the gateway has named and not decided, and øre that it took in each.';
