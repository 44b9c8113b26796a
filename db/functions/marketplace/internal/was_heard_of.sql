create or replace function marketplace.was_heard_of(p_payment_attempt bigint)
returns boolean
language sql stable
set search_path = pg_catalog, marketplace, pg_temp
begin atomic
    -- Each call has one answer, or a crash; what is more was said unasked.
    select
        count(*) filter (where e.event not in ('prepared', 'claimed', 'sent_again', 'alarm_cleared', 'released', 'contradicted', 'taken_in'))
        > count(*) filter (where e.event in ('claimed', 'sent_again'))
    from marketplace.payment_attempt_event as e
    where e.payment_attempt = p_payment_attempt;
end;

comment on function marketplace.was_heard_of(bigint) is
'Whether the gateway has said anything of an attempt by itself, beside what it answered when it was asked: a bank answers a file that it has fetched.';
