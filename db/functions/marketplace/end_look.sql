create or replace function marketplace.end_look(p_gateway_look bigint, p_objects jsonb)
returns table (gateway_id text, kind text, amount bigint, currency text, made_at timestamptz, is_by_hand boolean)
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_look marketplace.gateway_look;
begin
    select l.* into v_look from marketplace.gateway_look as l where l.gateway_look = p_gateway_look for update;
    if not found or v_look.ended_at is not null then
        raise exception 'no such look' using
            errcode = 'P0002',
            detail = format('Look %s, ended %s.', p_gateway_look, v_look.ended_at),
            hint = 'begin_look gave its number; it ends once.';
    end if;
    perform jobs.own_run(v_look.job_run);
    if jsonb_typeof(p_objects) is distinct from 'array' then
        raise exception 'what a gateway has is an array of objects' using
            errcode = '22023',
            detail = format('It is %s.', coalesce(jsonb_typeof(p_objects), 'null')),
            hint = 'As pybridge.payments.gateways.Found has them; an empty one where there is nothing.';
    end if;

    insert into marketplace.stray as s (
        gateway, gateway_id, kind, idempotency_key, profile, month, attempt_number, request_id, party, parent, batch, answer,
        error_code, decline_code, amount, currency, made_at, gateway_look
    )
    select distinct on (o.gateway_id)
        v_look.gateway, o.gateway_id, o.kind, o.idempotency_key,
        m.profile, m.month, m.attempt_number, m.request_id, o.party, o.parent, o.batch, o.answer, o.error_code, o.decline_code, o.amount, o.currency,
        o.made_at, p_gateway_look
    from jsonb_to_recordset(p_objects) as o (
        gateway_id text, kind text, idempotency_key text, ledger text, metadata jsonb, party text, parent text, batch text,
        answer text, error_code text, decline_code text, amount bigint, currency text, made_at timestamptz
    )
    cross join lateral marketplace.metadata_of(o.metadata) as m
    left join marketplace.payment_attempt as k on k.gateway = v_look.gateway and o.idempotency_key = k.idempotency_key
    left join marketplace.payment_attempt as i on i.gateway = v_look.gateway and o.gateway_id = i.gateway_id
    left join marketplace.payment_attempt as c
        on c.gateway = v_look.gateway and o.parent = c.gateway_id and c.kind = 'CHARGE'
    where
        i.payment_attempt is null
        and case
            when o.ledger = (select l.ledger::text from deploy.ledger as l) and o.idempotency_key is not null
                -- Sent, and not known yet as what: it is asked about. What was declined moved nothing.
                then k.payment_attempt is null or k.gateway_id is not null or k.sent = 0
                or k.state not in ('SUBMITTED', 'UNKNOWN', 'PROCESSING', 'REQUIRES_ACTION') and o.answer <> 'declined'
                -- A file that was sent says no more than that, whatever became of it.
                and (k.batch is null or k.batch is distinct from o.batch)
            else o.ledger is null and c.payment_attempt is not null and o.kind = 'REFUND' and (
                o.answer <> 'declined'
                or exists (
                    select from marketplace.stray as s
                    where s.gateway = v_look.gateway and s.gateway_id = o.gateway_id and s.resolution is null
                )
            )
        end
    order by o.gateway_id
    on conflict (gateway, gateway_id) do update
    set answer = excluded.answer, error_code = excluded.error_code, decline_code = excluded.decline_code
    where s.resolution is null;

    update marketplace.gateway_look as l
    set ended_at = clock_timestamp(), seen = jsonb_array_length(p_objects)
    where l.gateway_look = p_gateway_look;
    return query
    select s.gateway_id, s.kind, s.amount, s.currency, s.made_at, s.idempotency_key is null
    from marketplace.stray as s
    where s.gateway = v_look.gateway and s.resolution is null
    -- What this ledger decided fitted its charge then; what was made by hand beside it may be too much.
    order by
        array_position(array['CHARGE', 'REFUND', 'PAYOUT'], s.kind), s.idempotency_key is null, s.made_at, s.attempt_number, s.gateway_id;
end;
$$;

comment on function marketplace.end_look(bigint, jsonb) is
'What a gateway has: p_objects, one for each that was made since begin_look''s since, as pybridge.payments.gateways.Found has them. Those that bear this ledger''s name and that no attempt explains, and refunds made by hand of a charge that we know, are strays from now on; all that are open, in the order in which take_in can take them. No row: the run may send. is_by_hand: a refund that nobody asked us for. 22023; P0002 no such look; 23B69 its run has ended, or is another session''s.';
