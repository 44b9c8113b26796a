create or replace function marketplace.waits_too_long(p_attempt marketplace.payment_attempt, p_now timestamptz)
returns boolean
language sql stable
set search_path = pg_catalog, marketplace, pg_temp
begin atomic
    select coalesce((
        select s.waiting_since + w.term < p_now
        from marketplace.standing(array[(p_attempt).transaction], p_now) as s
        inner join marketplace.waiting_term as w on s.code = w.code
        where (p_attempt).state in ('UNKNOWN', 'PROCESSING', 'REQUIRES_ACTION') and s.hold = 'UNDER_WAY'
    ), false);
end;

comment on function marketplace.waits_too_long(marketplace.payment_attempt, timestamptz) is
'Whether an attempt that was sent has gone without an end for longer than its term (marketplace.waiting_term), so that a person may say what became of it.';
