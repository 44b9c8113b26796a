create or replace function marketplace.lock_attempt(p_payment_attempt bigint, p_reason text)
returns marketplace.payment_attempt
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_attempt marketplace.payment_attempt;
begin
    if btrim(coalesce(p_reason, '')) = '' then
        raise exception 'a reason is needed' using
            errcode = '22023',
            detail = format('Attempt %s.', p_payment_attempt),
            hint = 'Say in p_reason why; it stays with the attempt.';
    end if;
    -- The account first, then the transaction, then the attempt: everybody locks in this order.
    perform from marketplace.profile as p
    where p.profile = (select a.profile from marketplace.payment_attempt as a where a.payment_attempt = p_payment_attempt)
    for no key update;
    perform from marketplace.transaction as t
    where t.transaction = (select a.transaction from marketplace.payment_attempt as a where a.payment_attempt = p_payment_attempt)
    for no key update;
    select a.* into v_attempt from marketplace.payment_attempt as a where a.payment_attempt = p_payment_attempt for update;
    if not found then
        raise exception 'no such attempt' using
            errcode = 'P0002',
            detail = format('Attempt %s.', p_payment_attempt),
            hint = 'They are in report.payment_attempt.';
    end if;
    return v_attempt;
end;
$$;

comment on function marketplace.lock_attempt(bigint, text) is
'The attempt, its account, its transaction and itself locked, for what a person decides for a reason. 22023; P0002 no such attempt.';
