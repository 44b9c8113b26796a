create or replace function marketplace.verify_profile(p_profile bigint)
returns table (severity text, problem text, transaction bigint, payment_attempt bigint, expected numeric, found numeric, detail text)
language plpgsql stable security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_now constant timestamptz := now();
    v_today constant date := (v_now at time zone books.time_zone())::date;
begin
    if not marketplace.sees_all() then
        raise exception 'only a role that sees all may verify an account' using
            errcode = '42501',
            detail = format('Login role %s: row-level security hides clicks and transactions from it.', session_user),
            hint = 'Log in as a member of scheduler, bookkeeper or auditor; a profile''s own role asks marketplace.account.';
    end if;
    perform marketplace.check_profile(p_profile);
    return query
    select 'ERROR', 'ACCOUNT', null::bigint, null::bigint, c.expected, c.found, format('NOK %s, as it should be and as it is', c.what)
    from marketplace.account_check as c
    where c.profile = p_profile

    union all
    select
        'ERROR', 'PAID_WHILE_OWING', a.transaction, a.payment_attempt, 0, marketplace.debt_of(p_profile),
        'NOK that the profile owes, and a payout to it waits to be sent'
    from marketplace.payment_attempt as a
    where
        a.profile = p_profile and a.kind = 'PAYOUT' and a.state = 'PREPARED' and marketplace.debt_of(p_profile) > 0

    union all
    select
        'ERROR', 'GIVEN_BACK_TWICE', a.transaction, a.payment_attempt, a.amount / 100.0,
        (a.refunded + a.disputed + a.lost + a.credited) / 100.0, 'NOK charged, and given back by all roads'
    from marketplace.payment_attempt as a
    where a.profile = p_profile and a.refunded + a.disputed + a.lost + a.credited > a.amount

    union all
    select
        'INFO', 'NOT_SET_OFF', n.transaction, n.prepared, null, n.amount,
        'NOK: the profile owes and is owed; the next run of marketplace_execute sets it off'
    from marketplace.nettable_amount as n
    where
        n.profile = p_profile
        and exists (
            select from marketplace.nettable_amount as o where o.profile = p_profile and sign(o.amount) <> sign(n.amount)
        )

    union all
    select
        'INFO', coalesce(marketplace.hold_of(c, v_today, v_now), 'DUE'), c.transaction, null, null,
        c.amount / 100.0 * case when c.kind = 'CHARGE' then 1 else -1 end,
        format('NOK to be settled by a %s, due on %s', c.kind, c.due_on)
    from marketplace.payment_candidate as c
    where c.profile = p_profile

    union all
    select
        'INFO', 'DISPUTED', a.transaction, a.payment_attempt, null, a.disputed / 100.0,
        'NOK of a charge that the gateway took back: no purse has it'
    from marketplace.payment_attempt as a
    where a.profile = p_profile and a.disputed > 0
    order by 1, 2, 3, 4;
end;
$$;

comment on function marketplace.verify_profile(bigint) is
'Whether a person''s account agrees with their transactions, attempts and what was set off, all months together (M9): one row for each discrepancy, severity ERROR; and severity INFO for what is open: due or held and why (as due_transactions), not set off yet, in dispute. NOK, above 0 the profile owes us. 42501 the login role does not see all; P0002 no such profile. May be null: transaction, payment_attempt, expected.';
