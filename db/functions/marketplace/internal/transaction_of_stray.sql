create or replace function marketplace.transaction_of_stray(p_stray marketplace.stray, p_now timestamptz)
returns table (transaction bigint, attempt_number int)
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
#variable_conflict use_column
declare
    -- Who gave back, there or here: it is asked for once, by this name.
    v_request_id constant text := coalesce(p_stray.request_id, p_stray.gateway_id);
    v_transaction bigint;
    v_is_new boolean;
    v_last marketplace.payment_attempt;
begin
    if p_stray.kind = 'REFUND' then
        select coalesce(r.transaction, c.transaction), r.transaction is null into v_transaction, v_is_new
        from marketplace.payment_attempt as c
        left join marketplace.transaction as r
            on c.transaction = r.corrects and r.kind = 'REFUND' and r.request_id = v_request_id
        where c.gateway = p_stray.gateway and c.gateway_id = p_stray.parent and c.kind = 'CHARGE';
        if v_is_new then
            v_transaction := marketplace.refund_transaction(
                v_transaction, format('%s has it: %s', p_stray.gateway, p_stray.gateway_id), p_stray.amount / 100.0, v_request_id, p_now
            );
        end if;
    else
        select f.transaction, f.attempt_number into v_transaction, p_stray.attempt_number
        from marketplace.find_key(p_stray.idempotency_key, p_stray.kind, p_stray.profile, p_stray.attempt_number) as f;
    end if;
    if v_transaction is null then
        raise exception 'this ledger has no transaction for that' using
            errcode = '23B68',
            detail = format('%s %s of %s: profile %s, month %s%s.', lower(p_stray.kind), p_stray.gateway_id, p_stray.gateway,
                coalesce(p_stray.profile::text, 'not said'), coalesce(to_char(p_stray.month, 'YYYY-MM'), 'not said'),
                coalesce(', charge ' || p_stray.parent, '') || coalesce(', request ' || p_stray.request_id, '')),
            hint = case p_stray.kind
                when 'PAYOUT'
                    then 'Close the month if it is open. Of what was paid, and is set off here meanwhile: declare_foreign, charge_fee it to who has it, and book_fee it of the purse.'
                else 'Take in the charge that a refund gives back first; close the month if it is open; or say declare_foreign.'
            end;
    end if;
    -- The attempt before it was declined, and this ledger would still wait: it did not, then.
    select a.* into v_last
    from marketplace.payment_attempt as a
    where a.transaction = v_transaction and a.kind = p_stray.kind
    order by a.attempt_number desc
    limit 1;
    if v_last.attempt_number = p_stray.attempt_number - 1 and v_last.state in ('DECLINED_SOFT', 'DECLINED_HARD', 'REJECTED', 'CANCELLED') then
        perform marketplace.retry_transaction(
            v_transaction, format('%s has the attempt after it: %s', p_stray.gateway, p_stray.gateway_id), p_now
        );
    end if;
    return query select v_transaction, p_stray.attempt_number;
end;
$$;

comment on function marketplace.transaction_of_stray(marketplace.stray, timestamptz) is
'The transaction that a stray is of, and the attempt, ready for it: found by the key; a refund of a charge that we know is asked for, unless it was. For take_in alone. 23B68 there is none; 23B72 more than is left of the charge. May be null: attempt_number.';
