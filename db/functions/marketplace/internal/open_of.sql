create or replace function marketplace.open_of(p_profile bigint)
returns table (place int, what text, hint text)
language plpgsql stable
set search_path = pg_catalog, marketplace, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    select 1, 'the account is open', format('select marketplace.close_account(%s, ''PAY'', ''why''); closes it.', p_profile)
    where not exists (
        select from marketplace.account_closing as k where k.profile = p_profile and k.reopened_at is null
    )
    union all
    select 2, 'clicks that no update has linked yet', 'select * from marketplace.update_transactions(); links them.'
    where exists (
        select 1 from marketplace.ad_click as c
        where
            p_profile in (c.profile, c.publisher) and c.advertisement_charge_transaction is null and c.excluded_at is null
            and c.publisher_share is not null
    )
    union all
    select
        3, format('NOK %s of transaction %s, which runs', t.net_amount + t.carried_in + t.offset_in, t.transaction),
        format('select * from marketplace.close_month(%L); settles it, when the month is over.', t.month)
    from marketplace.transaction as t
    where t.profile = p_profile and t.status = 'CURRENT' and trunc(t.net_amount + t.carried_in + t.offset_in, 2) <> 0
    union all
    select
        4, format('NOK %s of transaction %s', t.left_amount, t.transaction),
        format('select * from marketplace.why_not_paid(%s); says what it waits for; marketplace.settle ends it otherwise.', p_profile)
    from marketplace.transaction as t
    where t.profile = p_profile and t.status in ('NEW', 'FAILED')
    union all
    select
        5, format('attempt %s is %s%s', a.payment_attempt, a.state,
            case when a.alarm is not null then ', ' || a.alarm when a.disputed > 0 then ', in dispute' else '' end),
        format('select * from report.payment_attempt where payment_attempt = %s; says what it waits for.', a.payment_attempt)
    from marketplace.payment_attempt as a
    where
        a.profile = p_profile
        and (
            a.state in ('PREPARED', 'SUBMITTED', 'UNKNOWN', 'PROCESSING', 'REQUIRES_ACTION')
            or a.alarm is not null or a.disputed > 0
        )
    union all
    select
        6, format('%s of %s, which no attempt explains', s.gateway_id, s.gateway),
        format('pybridge payment reconcile takes it in; select marketplace.declare_foreign(%L, %L, ''why''); says that it is not ours.',
            s.gateway, s.gateway_id)
    from marketplace.stray as s
    where s.profile = p_profile and s.resolution is null
    order by 1;
end;
$$;

comment on function marketplace.open_of(bigint) is
'What money of a profile is open, so that the person cannot be erased yet, and what ends it, in the order in which it is ended. Below an øre is nothing.';
