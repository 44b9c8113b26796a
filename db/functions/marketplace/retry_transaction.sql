create or replace function marketplace.retry_transaction(p_transaction bigint, p_reason text, p_now timestamptz default null)
returns void
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_attempt marketplace.payment_attempt;
begin
    perform books.check_text('p_reason', p_reason);
    p_now := jobs.server_time(p_now);
    -- Of a payment that came back, the attempt that did; else the last one of its own.
    select a.* into v_attempt
    from marketplace.transaction as t
    inner join marketplace.payment_attempt as a on a.transaction in (t.transaction, t.corrects)
    where
        t.transaction = p_transaction and t.status in ('NEW', 'FAILED')
        and (a.transaction = t.transaction or a.came_back > 0)
    order by a.transaction = t.transaction desc, a.attempt_number desc
    limit 1;
    if found then
        v_attempt := marketplace.lock_attempt(v_attempt.payment_attempt, p_reason);
    end if;
    if
        v_attempt.state is null
        or not (v_attempt.state in ('DECLINED_SOFT', 'DECLINED_HARD', 'REJECTED', 'CANCELLED') or v_attempt.came_back > 0)
    then
        raise exception 'no attempt of this transaction waits to be tried again' using
            errcode = '23B75',
            detail = format('Transaction %s: its last attempt is %s.', p_transaction, coalesce(v_attempt.state, 'none')),
            hint = 'select * from marketplace.due_transactions() says what it waits for.';
    end if;
    update marketplace.payment_attempt as a
    set
        is_released = true, event = 'released', message = p_reason, changed_at = p_now
    where a.payment_attempt = v_attempt.payment_attempt;
    update marketplace.transaction as t set status = 'NEW' where t.transaction = p_transaction and t.status = 'FAILED';
end;
$$;

comment on function marketplace.retry_transaction(bigint, text, timestamptz) is
'A person says that a transaction whose last attempt was declined, rejected or cancelled, or whose payment came back, may be tried once more with the current means of payment. 22023; P0002; 23B75 it does not wait for that.';
