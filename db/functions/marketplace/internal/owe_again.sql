create or replace function marketplace.owe_again(p_payment_attempt bigint, p_amount bigint, p_now timestamptz)
returns bigint
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_transaction bigint;
begin
    insert into marketplace.transaction (
        kind, month, profile, status, website_amount, due_amount, carried_out, corrects, reason, request_id,
        created_at, closed_at
    )
    select
        'ADJUSTMENT', m.month, a.profile, 'NEW', -p_amount / 100.0, -p_amount / 100.0, 0, a.transaction,
        format('attempt %s came back: %s', a.payment_attempt, coalesce(a.decline_code, a.error_code, 'no reason given')),
        concat_ws(' ', 'returned', a.idempotency_key, case when p_amount < a.amount then a.came_back end), p_now, p_now
    from marketplace.payment_attempt as a
    cross join marketplace.month as m
    where a.payment_attempt = p_payment_attempt and m.closed_at is null
    returning transaction into v_transaction;
    return v_transaction;
end;
$$;

comment on function marketplace.owe_again(bigint, bigint, timestamptz) is
'A payout, or a refund, that had succeeded came back, p_amount øre of it: that is owed again, by an ADJUSTMENT in the open month that names it. The old one stays EXECUTED. Paid when the profile has another means to be paid to, or a person says retry_transaction.';
