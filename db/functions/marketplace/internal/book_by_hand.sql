create or replace function marketplace.book_by_hand(
    p_kind text,
    p_profile bigint,
    p_amount numeric,
    p_reason text,
    p_request_id text,
    p_undoes bigint,
    p_now timestamptz
)
returns bigint
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_due numeric := case p_kind when 'GOODWILL' then -p_amount else p_amount end;
    v_month date;
    v_transaction marketplace.transaction;
    v_undone marketplace.transaction;
begin
    if
        coalesce(p_reason, '') = '' or coalesce(p_request_id, '') = '' or length(p_request_id) > 200
        or p_amount is null or p_amount = 0 or p_amount < 0 and p_kind <> 'BROUGHT' or p_amount <> trunc(p_amount, 2)
        or abs(p_amount) >= 1e12
    then
        raise exception 'what is booked by hand needs an amount, a reason and a request id' using
            errcode = '22023',
            detail = format('Profile %s, NOK %s, reason %L, request %L.', p_profile, p_amount, p_reason, p_request_id),
            hint = 'NOK above 0 (a balance that is brought over: not 0), at most two decimals. The request id, or document, at most 200 characters, is your own name of it.';
    end if;
    v_month := marketplace.lock_open_month(null, p_now);
    perform from marketplace.profile as p where p.profile = p_profile for no key update;
    if not found then
        raise exception 'no such profile' using
            errcode = 'P0002',
            detail = format('Profile %s.', p_profile),
            hint = 'Profiles are in marketplace.profile.';
    end if;
    select t.* into v_transaction
    from marketplace.transaction as t
    where
        t.profile = p_profile and t.kind = p_kind and t.request_id = p_request_id
        and t.corrects is not distinct from p_undoes;
    if found then
        if (v_transaction.due_amount, v_transaction.reason) is distinct from (v_due, p_reason::text) then
            raise exception 'the request id was used for another amount or reason' using
                errcode = '23B13',
                detail = format('Request %L: NOK %s, %L.', p_request_id, abs(v_transaction.due_amount), v_transaction.reason),
                hint = 'Another one needs another request id.';
        end if;
    end if;
    if p_kind = 'BROUGHT' and p_undoes is null then
        perform marketplace.check_brought(p_profile, v_transaction.transaction);
    end if;
    if v_transaction.transaction is not null then
        return v_transaction.transaction;
    end if;
    select t.* into v_undone from marketplace.transaction as t where t.transaction = p_undoes for no key update;
    insert into marketplace.transaction (
        kind, month, profile, status, advertisement_amount, due_amount, carried_out, minimum, corrects, reason, request_id,
        created_at, closed_at
    )
    values (
        p_kind, v_month, p_profile, 'NEW', v_due, v_due, 0,
        case
            when p_kind <> 'BROUGHT' then null
            when exists (
                select from marketplace.account_closing as c where c.profile = p_profile and c.reopened_at is null
            ) then 0
            else marketplace.minimum_of(case when v_due > 0 then 'CHARGE' else 'PAYOUT' end, v_month)
        end,
        p_undoes, p_reason, p_request_id, p_now, p_now
    )
    returning * into v_transaction;
    -- What is left of what it undoes meets it first, so that neither is charged or paid.
    if v_undone.status in ('NEW', 'FAILED') then
        update marketplace.payment_attempt as a
        set
            state = 'CANCELLED', event = 'cancelled', message = p_reason, is_released = true, changed_at = p_now,
            resolved_at = p_now, next_retry_at = null
        where a.transaction = p_undoes and a.state = 'PREPARED';
        insert into marketplace.set_off (profile, debt, claim, amount, made_at)
        values (
            p_profile,
            case when v_due > 0 then v_transaction.transaction else p_undoes end,
            case when v_due > 0 then p_undoes else v_transaction.transaction end,
            abs(v_undone.left_amount), p_now
        );
    end if;
    perform marketplace.net_accounts(array[p_profile], p_now);
    if p_kind = 'BROUGHT' then
        perform marketplace.roll_over_rest(v_month, array[p_profile], p_now);
    end if;
    return v_transaction.transaction;
end;
$$;

comment on function marketplace.book_by_hand(text, bigint, numeric, text, text, bigint, timestamptz) is
'Makes a GOODWILL or a FEE of p_amount NOK, or a BROUGHT of p_amount signed as it is due, due at once, and sets it off; p_undoes: what it takes back, whose rest it meets first. For give_goodwill, charge_fee, bring_balance and undo_by_hand. 22023; P0002; 23B13; 23B97. May be null: p_undoes.';
