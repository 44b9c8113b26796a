create or replace function marketplace.hold_of(
    p_candidate marketplace.payment_candidate,
    p_today date,
    p_now timestamptz
)
returns text
language sql immutable
set search_path = pg_catalog, marketplace, pg_temp
return case
    when (p_candidate).has_alarm then 'ALARM'
    when (p_candidate).is_live then 'UNDER_WAY'
    when (p_candidate).due_on is null then 'NOT_DUE'
    -- Known before its day, and said before it: there is time to mend it.
    when (p_candidate).is_held then 'HELD'
    when (p_candidate).payment_means is null then 'NO_MEANS'
    when (p_candidate).is_restricted then 'RESTRICTED'
    when (p_candidate).due_on > p_today then 'NOT_DUE'
    when (p_candidate).is_debtors then 'OWES'
    when (p_candidate).has_returned then 'RETURNED'
    when (p_candidate).last_state is null or (p_candidate).is_released then null
    when (p_candidate).last_state = 'CANCELLED' then 'CANCELLED'
    when (p_candidate).last_state = 'REJECTED' and not (p_candidate).is_new_means then 'REJECTED'
    when (p_candidate).is_new_means then null
    when (p_candidate).last_state = 'DECLINED_HARD' then 'DECLINED'
    when (p_candidate).next_retry_at is null then 'EXHAUSTED'
    when (p_candidate).next_retry_at > p_now then case when (p_candidate).is_ours then 'BALANCE' else 'RETRY_LATER' end
end;

comment on function marketplace.hold_of(marketplace.payment_candidate, date, timestamptz) is
'Why a transaction is not charged or paid now; null: it is. See due_transactions. What the fund covers is not asked here.';
