create or replace function marketplace.why_not_paid(p_profile bigint)
returns table (transaction bigint, month date, reason text, amount numeric, minimum numeric, explanation text)
language plpgsql stable
set search_path = pg_catalog, marketplace, pg_temp
as $$
#variable_conflict use_column
begin
    perform marketplace.check_profile(p_profile);
    return query
    select
        t.transaction, t.month, x.reason, coalesce(t.due_amount + t.carried_out, t.net_amount + t.carried_in), t.minimum,
        case x.reason
            when 'RUNNING' then 'The month is running; it is settled when it is over'
            when 'BELOW_MINIMUM' then format('Below the minimum of NOK %s: it went to the next month', t.minimum)
            when 'NOTHING_DUE' then 'Clicks cost and earned the same, or nothing'
            when 'UNDER_WAY' then 'Is under way; the bank, or the card''s issuer, has not said more'
            when 'REQUIRES_ACTION' then 'The card''s issuer asks its holder to confirm it'
            when 'NO_MEANS_OF_PAYMENT' then 'There is no card or account to use'
            when 'DECLINED_TRIED_AGAIN' then format('Was declined; is tried again from %s on',
                to_char(a.next_retry_at at time zone books.time_zone(), 'YYYY-MM-DD'))
            when 'WAITS_TO_BE_CHARGED' then 'Is charged in the beginning of the month after'
            when 'WAITS_FOR_CHARGES' then 'Is paid in the middle of the month after, when the charges have come in'
            when 'FAILED' then 'Was declined; another card or account, or a word with us, is wanted'
        end
    from marketplace.transaction as t
    left join lateral (
        select l.state, l.next_retry_at
        from marketplace.payment_attempt as l
        where l.transaction = t.transaction
        order by l.attempt_number desc
        limit 1
    ) as a on true
    cross join lateral (
        select case
            when t.status = 'CURRENT' then 'RUNNING'
            when t.status = 'ROLLED_OVER' then 'BELOW_MINIMUM'
            when t.status = 'EXECUTED' then 'NOTHING_DUE'
            when a.state = 'REQUIRES_ACTION' then 'REQUIRES_ACTION'
            when a.state in ('PREPARED', 'SUBMITTED', 'UNKNOWN', 'PROCESSING') then 'UNDER_WAY'
            when t.kind <> 'REFUND' and not exists (
                select from marketplace.payment_means as m
                where
                    m.profile = t.profile and m.ended_at is null
                    and m.kind = case when t.due_amount > 0 then 'CHARGE' else 'PAYOUT' end
            ) then 'NO_MEANS_OF_PAYMENT'
            when t.status = 'FAILED' then 'FAILED'
            when a.state = 'DECLINED_SOFT' then 'DECLINED_TRIED_AGAIN'
            when t.due_amount > 0 then 'WAITS_TO_BE_CHARGED'
            else 'WAITS_FOR_CHARGES'
        end as reason
    ) as x
    where t.profile = p_profile and (t.status <> 'EXECUTED' or t.due_amount = 0)
    order by t.month desc, t.transaction desc;
end;
$$;

comment on function marketplace.why_not_paid(bigint) is
'Why nothing was charged or paid for a profile''s months (M8), newest first: RUNNING, BELOW_MINIMUM, NOTHING_DUE, WAITS_TO_BE_CHARGED, WAITS_FOR_CHARGES, UNDER_WAY, REQUIRES_ACTION of the card''s holder, DECLINED_TRIED_AGAIN, NO_MEANS_OF_PAYMENT or FAILED. amount: NOK, above 0 the profile owes us. 42501 another''s; P0002 no such profile. May be null: minimum.';
