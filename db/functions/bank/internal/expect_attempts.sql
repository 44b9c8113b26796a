create or replace function bank.expect_attempts(p_until date)
returns void
language plpgsql
set search_path = pg_catalog, bank, pg_temp
as $$
begin
    -- The marketplace's: what succeeded, and what came back. Øre there, NOK here.
    insert into bank.expected (route, day, payment_attempt, is_return, reference, goods, amount, fee)
    select
        r.route, x.day, a.payment_attempt, x.is_return, coalesce(a.gateway_id, a.idempotency_key), x.amount, x.amount,
        case when x.is_return then 0 else round(x.amount * r.fee_rate, 2) end
    from bank.route as r
    inner join marketplace.payment_attempt as a on r.gateway = a.gateway
    cross join lateral (
        select
            false as is_return,
            billig.local_time(a.resolved_at)::date as day,
            a.amount / 100.0 * case a.kind when 'CHARGE' then 1 else -1 end as amount
        union all
        select true, billig.local_time(a.returned_at)::date, a.amount / 100.0
        where a.returned_at is not null
    ) as x
    where
        r.source = 'ATTEMPT' and a.state = 'SUCCEEDED' and x.day between coalesce(r.since, '-infinity') and p_until
        and not exists (
            select from bank.expected as e where e.payment_attempt = a.payment_attempt and e.is_return = x.is_return
        )
    order by a.payment_attempt;
end;
$$;

comment on function bank.expect_attempts(date) is
'Expects what the marketplace charged and paid out until a day, and what came back, one row each. For expect alone.';
