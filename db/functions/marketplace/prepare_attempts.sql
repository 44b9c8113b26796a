create or replace function marketplace.prepare_attempts(p_kind text, p_now timestamptz default null)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_prepared bigint;
begin
    perform books.check_text('p_kind', p_kind);
    p_now := jobs.server_time(p_now);
    if p_kind is null or p_kind not in ('CHARGE', 'PAYOUT', 'REFUND') then
        raise exception 'attempts are prepared kind by kind' using
            errcode = '22023',
            detail = format('Kind %s.', p_kind),
            hint = 'CHARGE, PAYOUT or REFUND.';
    end if;
    -- Accounts first, then purses: two at once would spend the same money. What is due is asked only then.
    perform marketplace.net_accounts(null, p_now);
    perform from marketplace.profile as p
    where p.profile in (select c.profile from marketplace.payment_candidate as c where c.kind = p_kind)
    order by p.profile
    for no key update;
    perform from marketplace.purse as p order by p.purse for update;
    with due as materialized (
        select d.* from marketplace.due_transactions(p_kind, p_now) as d where d.hold is null
    ),

    reopened as (
        update marketplace.transaction as t
        set status = 'NEW'
        from due as d
        where t.transaction = d.transaction and t.status = 'FAILED'
    )

    insert into marketplace.payment_attempt (
        transaction, profile, kind, attempt_number, amount, gateway, payment_means, refunds, idempotency_key, request,
        prepared_at, changed_at
    )
    select
        d.transaction, d.profile, d.kind, d.attempt_number, d.amount, d.gateway, d.payment_means, d.refunds,
        k.idempotency_key,
        case when d.kind = 'REFUND' then jsonb_build_object('refunds', c.gateway_id) else m.details end
        || jsonb_build_object(
            'description', format('websuggest %s', to_char(d.month, 'YYYY-MM')),
            'metadata', k.metadata
        )
        || case
            when d.kind = 'PAYOUT' then jsonb_build_object(
                'transfer_group', k.idempotency_key,
                'execution_date', marketplace.bank_day((p_now at time zone books.time_zone())::date, 'NEXT')
            )
            else '{}'
        end,
        p_now, p_now
    from due as d
    inner join marketplace.payment_means as m on d.payment_means = m.payment_means
    left join marketplace.payment_attempt as c on d.refunds = c.payment_attempt
    cross join lateral marketplace.attempt_key(d.transaction, d.kind, d.attempt_number) as k
    order by d.due_on, d.transaction;
    get diagnostics v_prepared = row_count;
    return v_prepared;
end;
$$;

comment on function marketplace.prepare_attempts(text, timestamptz) is
'Makes an attempt, PREPARED, with its request frozen and a key of its own, made of what a restored ledger has again (attempt_key), for each transaction of this kind that due_transactions says is due now, after what profiles owe was set against what they are owed, their accounts locked; how many. Commit before anything is sent. 22023.';
