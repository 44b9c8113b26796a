create or replace function marketplace.find_key(p_idempotency_key text, p_kind text, p_profile bigint, p_attempt_number int)
returns table (transaction bigint, attempt_number int)
language sql stable
set search_path = pg_catalog, marketplace, pg_temp
begin atomic
    select t.transaction, n.number
    from marketplace.transaction as t
    -- A bank's file has the key and nothing else: then each that is open is tried, with the next twenty attempts.
    cross join lateral (
        select coalesce(max(a.attempt_number), 0) as number
        from marketplace.payment_attempt as a
        where a.transaction = t.transaction and a.kind = p_kind
    ) as l
    cross join generate_series(coalesce(p_attempt_number, 1), coalesce(p_attempt_number, l.number + 20)) as n (number)
    cross join lateral marketplace.attempt_key(t.transaction, p_kind, n.number) as k
    where
        t.status in ('NEW', 'FAILED') and (p_profile is null or t.profile = p_profile)
        and k.idempotency_key = p_idempotency_key
    limit 1;
end;

comment on function marketplace.find_key(text, text, bigint, int) is
'Which transaction that is to be charged or paid, and which attempt at it, has this key; p_profile and p_attempt_number, where they are known, say where to look. No row: none. For take_in alone. May be null: p_profile, p_attempt_number.';
