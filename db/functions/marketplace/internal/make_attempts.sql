create or replace function marketplace.make_attempts(p_kind text, p_given_back bigint, p_now timestamptz)
returns bigint
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_prepared bigint;
begin
    -- Accounts first, then purses: two at once would spend the same money. What is due is asked only then.
    perform marketplace.net_accounts(null, p_now);
    perform from marketplace.profile as p
    where p.profile in (select c.profile from marketplace.payment_candidate as c where c.kind = p_kind)
    order by p.profile
    for no key update;
    perform from marketplace.purse as p order by p.purse for update;
    with due as materialized (
        select d.*
        from marketplace.due_transactions(p_kind, p_now) as d
        where
            (p_given_back is null or d.transaction = p_given_back)
            and (d.hold is null
            -- Given back already, whatever became of the charge since.
            or d.kind = 'REFUND' and d.hold = 'ALARM' and p_given_back is not null and not exists (
                select from marketplace.payment_attempt as a
                where
                    a.transaction = d.transaction
                    and a.state in ('PREPARED', 'SUBMITTED', 'UNKNOWN', 'PROCESSING', 'REQUIRES_ACTION', 'SUCCEEDED')
            )
            -- Done already, out of what is there: who waits for the same purse waits behind it.
            or d.hold = 'FUND' and p_given_back is not null and exists (
                select from marketplace.purse as p
                where
                    p.available >= d.amount
                    and p.purse = coalesce(
                        (select c.purse from marketplace.payment_attempt as c where c.payment_attempt = d.refunds),
                        (select g.purse from marketplace.gateway as g where g.gateway = d.gateway)
                    )
            ))
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
        case when d.kind = 'REFUND' then jsonb_build_object('refunds', c.gateway_id) else m.details - 'last_digits' end
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

comment on function marketplace.make_attempts(text, bigint, timestamptz) is
'Does what prepare_attempts says. p_given_back: what a gateway has done already: its attempt alone is made, though others wait before it for the same purse, if that has so much; and of a REFUND though a person must look at the charge: what was done is booked. For prepare_attempts and take_in. May be null: p_given_back.';
