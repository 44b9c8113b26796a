create or replace function marketplace.refund_by_hand(
    p_gateway text, p_gateway_id text, p_parent text, p_answer text, p_amount bigint, p_currency text, p_error_code text,
    p_decline_code text, p_made_at timestamptz, p_now timestamptz
)
returns boolean
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_charge marketplace.payment_attempt;
begin
    -- Seen before: what became of it since.
    update marketplace.stray as s
    set answer = p_answer, error_code = p_error_code, decline_code = p_decline_code
    where s.gateway = p_gateway and s.gateway_id = p_gateway_id and s.resolution is null and s.answer <> p_answer;
    select a.* into v_charge
    from marketplace.payment_attempt as a
    where a.gateway = p_gateway and a.gateway_id = p_parent and a.kind = 'CHARGE' and a.state = 'SUCCEEDED';
    if
        found and p_gateway_id is not null and p_amount > 0 and p_currency is not null
        and p_answer in ('succeeded', 'processing', 'requires_action')
    then
        insert into marketplace.stray (
            gateway, gateway_id, kind, parent, answer, error_code, decline_code, amount, currency, made_at
        )
        values (
            p_gateway, p_gateway_id, 'REFUND', p_parent, p_answer, p_error_code, p_decline_code, p_amount, p_currency, p_made_at
        )
        on conflict (gateway, gateway_id) do nothing;
        -- It counts against the charge from now on, under the name that take_in looks for. Where not so much is left, a person looks;
        -- and a refund of our own that is not taken in yet goes first (check_own_first).
        if
            found and p_currency = v_charge.currency and p_amount <= v_charge.left_amount
            and not exists (
                select from marketplace.stray as s
                where
                    s.gateway = p_gateway and s.parent = p_parent and s.kind = 'REFUND' and s.idempotency_key is not null
                    and s.resolution is null
            )
        then
            perform marketplace.refund_transaction(
                v_charge.transaction, format('%s has it: %s', p_gateway, p_gateway_id), p_amount / 100.0, p_gateway_id, p_now
            );
        end if;
    end if;
    return exists (
        select from marketplace.stray as s
        where s.gateway = p_gateway and s.gateway_id = p_gateway_id and s.resolution is null
    );
end;
$$;

comment on function marketplace.refund_by_hand(text, text, text, text, bigint, text, text, text, timestamptz, timestamptz) is
'A gateway told of a refund that bears no ledger''s name, of what it calls p_parent: where that is a charge of ours, somebody made it by hand. It is a stray, which the next run takes in before it sends anything, and counts against the charge from now on, so that the same money is not refunded once more, unless a refund of our own of that charge is to be taken in first; whether one is open. For record_event alone. May be null: p_gateway_id, p_amount, p_currency, p_error_code, p_decline_code.';
