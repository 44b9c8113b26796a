create or replace function marketplace.code_of(
    p_status text, p_ended text, p_kind text, p_hold text, p_state text, p_cause text, p_due_on date, p_is_ours boolean,
    p_is_anew boolean
)
returns text
language sql immutable
set search_path = pg_catalog, marketplace, pg_temp
return case
    when p_status = 'CURRENT' then 'RUNNING'
    when p_status = 'CALLED_OFF' then 'REFUND_CALLED_OFF'
    when p_status in ('ROLLED_OVER', 'EXECUTED') then p_ended
    -- From here on it is open, and hold_of has decided.
    when p_hold = 'ALARM' then 'LOOKED_AT'
    when p_hold = 'UNDER_WAY' then case p_state
        when 'PREPARED' then 'BEING_SENT'
        when 'UNKNOWN' then 'NOT_ANSWERED'
        when 'HANDED_OVER' then 'NOT_FETCHED'
        when 'REQUIRES_ACTION' then 'REQUIRES_ACTION'
        else 'UNDER_WAY'
    end
    when p_hold = 'NOT_DUE' and p_due_on is null then 'NO_DAY'
    when p_hold in ('HELD', 'OWES', 'RETURNED', 'REJECTED', 'RESTRICTED') then p_hold
    when p_hold = 'CANCELLED' then 'CALLED_OFF'
    when p_hold = 'NO_MEANS' then case p_kind when 'PAYOUT' then 'NO_ACCOUNT' else 'NO_CARD' end
    when p_hold = 'BALANCE' then 'WAITS_FOR_US'
    when p_hold = 'RETRY_LATER' then case p_kind when 'CHARGE' then 'DECLINED_TRIED_AGAIN' else 'NOT_TAKEN_TRIED_AGAIN' end
    when p_hold in ('EXHAUSTED', 'DECLINED') then case
        when p_kind = 'REFUND' then 'REFUND_NOT_TAKEN'
        when p_kind = 'PAYOUT' then case p_cause when 'ACCOUNT' then 'ACCOUNT_NOT_TAKEN' else 'PAYOUT_NOT_TAKEN' end
        when p_hold = 'EXHAUSTED' then 'DECLINED_TOO_OFTEN'
        when p_cause = 'UNCONFIRMED' then 'NOT_CONFIRMED'
        when p_cause = 'CANCELLED' then 'CALLED_OFF_THERE'
        when p_cause = 'OURS' then 'CHARGE_NOT_TAKEN'
        else 'CARD_DECLINED'
    end
    -- Its day is not here yet, or the next run takes it.
    when p_hold is null and p_is_ours and not p_is_anew then 'WAITS_FOR_US'
    when p_hold is null and p_state = 'DECLINED_SOFT' and not p_is_anew then case p_kind
        when 'CHARGE' then 'DECLINED_TRIED_AGAIN' else 'NOT_TAKEN_TRIED_AGAIN'
    end
    when p_hold is null or p_hold in ('NOT_DUE', 'FUND') then case p_kind
        when 'CHARGE' then 'WAITS_TO_BE_CHARGED'
        when 'REFUND' then case p_ended when 'GIVEN_BACK_THERE' then p_ended else 'WAITS_TO_BE_GIVEN_BACK' end
        else 'WAITS_FOR_CHARGES'
    end
end;

comment on function marketplace.code_of(text, text, text, text, text, text, date, boolean, boolean) is
'What comes next of a transaction, as a code of marketplace.next_step: of p_status; p_ended, what became of it, where it is over, or was done by hand at the gateway; and where it is open, of the hold that hold_of has found, refined by the last attempt''s state (HANDED_OVER: in a file that the bank has said nothing of) and the cause of its decline (ACCOUNT, OURS, CANCELLED at the gateway, UNCONFIRMED by its holder). p_is_anew: another means was set since, or a person has released it. It decides nothing: what is done is what hold_of says. May be null: p_ended, p_kind, p_hold, p_state, p_cause, p_due_on, p_is_ours, p_is_anew.';
