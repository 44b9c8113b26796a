create or replace function marketplace.alarm_of(p_transaction bigint)
returns table (payment_attempt bigint, raised_at timestamptz)
language sql stable
set search_path = pg_catalog, marketplace, pg_temp
begin atomic
    select a.payment_attempt, coalesce(min(e.happened_at), a.doubted_at, a.changed_at) as raised_at
    from marketplace.transaction as t
    inner join marketplace.payment_attempt as a on a.transaction in (t.transaction, t.corrects)
    left join marketplace.payment_attempt_event as e
        on
            a.payment_attempt = e.payment_attempt and split_part(e.note, ' ', 1) = a.alarm
            and not exists (
                select
                from marketplace.payment_attempt_event as c
                where
                    c.payment_attempt = e.payment_attempt and c.event = 'alarm_cleared'
                    and c.payment_attempt_event > e.payment_attempt_event
            )
    where t.transaction = p_transaction and (a.alarm is not null or a.doubted_at is not null)
    group by a.payment_attempt, a.alarm, a.doubted_at, a.changed_at
    order by a.alarm is null, a.payment_attempt
    limit 1;
end;

comment on function marketplace.alarm_of(bigint) is
'The attempt with an alarm that a person must look at before this transaction goes on, or in doubt, of which the next run asks the gateway; its own or that of what it corrects, and since when; no row: none.';
