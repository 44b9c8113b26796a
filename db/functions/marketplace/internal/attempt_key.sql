create or replace function marketplace.attempt_key(p_transaction bigint, p_kind text, p_attempt_number int)
returns table (idempotency_key text, metadata jsonb)
language sql stable
set search_path = pg_catalog, marketplace, pg_temp
begin atomic
    -- Nothing that a restored ledger might give to another: no number of a transaction or of an attempt. The month of what
    -- is corrected, since the open one may be another when it is asked for again.
    select
        left(encode(sha256(convert_to(
            concat_ws(
                e'\n', l.ledger, t.profile, to_char(m.month, 'YYYY-MM'), p_kind, p_attempt_number, coalesce(t.request_id, ''),
                case when t.kind = 'BROUGHT' then t.kind end  -- a document may be called as somebody called a fee
            ),
            'UTF8'
        )), 'hex'), 32),
        jsonb_strip_nulls(jsonb_build_object(
            'ledger', l.ledger::text, 'profile', t.profile::text, 'month', to_char(m.month, 'YYYY-MM'), 'kind', p_kind,
            'attempt_number', p_attempt_number::text, 'request_id', t.request_id
        ))
    from marketplace.transaction as t
    left join marketplace.transaction as o on t.corrects = o.transaction
    cross join lateral (select coalesce(o.month, t.month) as month) as m
    cross join deploy.ledger as l
    where t.transaction = p_transaction;
end;

comment on function marketplace.attempt_key(bigint, text, int) is
'The key that a gateway is given with an attempt, and the metadata that say the same in words: the ledger, profile, month (of what it corrects), kind, number of the attempt and request id. A ledger that was restored makes the same key again for the same payment, and for no other. 32 hexadecimal digits of SHA-256: a bank''s EndToEndId holds 35.';
