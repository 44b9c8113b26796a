create or replace function marketplace.why_not_paid(p_profile bigint)
returns table (transaction bigint, month date, reason text, amount numeric, minimum numeric, explanation text)
language plpgsql stable security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_today constant date := (now() at time zone books.time_zone())::date;
begin
    perform marketplace.check_profile(p_profile);
    return query
    select
        t.transaction, t.month, x.reason,
        coalesce(
            case x.reason
                when 'SET_OFF' then t.offset_amount when 'SETTLED' then t.settled else t.left_amount + t.carried_out
            end,
            t.net_amount + t.carried_in + t.offset_in
        ),
        t.minimum,
        case x.reason
            when 'RUNNING' then 'The month is running; it is settled when it is over'
            when 'BELOW_MINIMUM' then format('Below the minimum of NOK %s: it went to the next month', t.minimum)
            when 'NOTHING_DUE' then 'Clicks cost and earned the same, or nothing'
            when 'SET_OFF' then 'Was set off against other months: the account says which'
            when 'SETTLED' then 'Was settled otherwise: the account says how, and why'
            when 'HELD' then 'Payouts are held while we look at something; a word with us is wanted'
            when 'DISPUTED' then 'The bank has asked for the charge back; we look at it'
            when 'TAKEN_BACK' then 'The bank has given the charge back to its card'
            when 'LOOKED_AT' then 'What the bank, or the gateway, said of it does not agree; we look at it'
            when 'UNDER_WAY' then 'Is under way; the bank, or the card''s issuer, has not said more'
            when 'REQUIRES_ACTION' then 'The card''s issuer asks its holder to confirm it'
            when 'OWES' then 'Waits for what is owed to us, of which a charge is under way or looked at'
            when 'NO_MEANS_OF_PAYMENT' then 'There is no card or account to use'
            when 'RETURNED' then 'The bank sent it back; another account, or a word with us, is wanted'
            when 'REJECTED' then 'Was not taken as we asked for it; we look at it, unless another card or account is set'
            when 'CALLED_OFF' then 'Was called off by us; a word with us is wanted'
            when 'DECLINED_TRIED_AGAIN' then format('Was declined; is tried again from %s on',
                to_char(c.next_retry_at at time zone books.time_zone(), 'YYYY-MM-DD'))
            when 'WAITS_FOR_US' then 'Our own account has not enough for it just now; it comes as soon as it has, and nothing need be done'
            when 'FAILED' then 'Was declined; another card or account, or a word with us, is wanted'
            when 'WAITS_TO_BE_CHARGED' then format('Is charged from %s on', c.due_on)
            when 'WAITS_TO_BE_GIVEN_BACK' then 'Is given back to the card by the next run'
            when 'WAITS_FOR_CHARGES' then format('Is paid from %s on, when the charges have come in', c.due_on)
        end
    from marketplace.transaction as t
    left join marketplace.payment_candidate as c on t.transaction = c.transaction
    left join lateral (
        select a.disputed, a.lost
        from marketplace.payment_attempt as a
        where a.transaction = t.transaction and a.kind = 'CHARGE' and a.state = 'SUCCEEDED'
    ) as d on true
    cross join lateral (
        select case
            when t.status = 'CURRENT' then 'RUNNING'
            when t.status = 'ROLLED_OVER' then 'BELOW_MINIMUM'
            when d.disputed > 0 then 'DISPUTED'
            when d.lost > 0 then 'TAKEN_BACK'
            when t.status = 'EXECUTED' and t.due_amount = 0 then 'NOTHING_DUE'
            when t.status = 'EXECUTED' and t.settled <> 0 then 'SETTLED'
            when t.status = 'EXECUTED' then 'SET_OFF'
            when t.status = 'FAILED' and c.last_state is null then 'FAILED'
            when c.last_state = 'REQUIRES_ACTION' and not c.has_alarm then 'REQUIRES_ACTION'
            else case marketplace.hold_of(c, v_today, now())
                when 'ALARM' then 'LOOKED_AT'
                when 'UNDER_WAY' then 'UNDER_WAY'
                when 'HELD' then 'HELD'
                when 'OWES' then 'OWES'
                when 'NO_MEANS' then 'NO_MEANS_OF_PAYMENT'
                when 'RETURNED' then 'RETURNED'
                when 'REJECTED' then 'REJECTED'
                when 'CANCELLED' then 'CALLED_OFF'
                when 'RETRY_LATER' then 'DECLINED_TRIED_AGAIN'
                when 'BALANCE' then 'WAITS_FOR_US'
                when 'DECLINED' then 'FAILED'
                when 'EXHAUSTED' then 'FAILED'
                else case
                    when c.is_ours then 'WAITS_FOR_US'
                    when c.last_state = 'DECLINED_SOFT' and not c.is_new_means then 'DECLINED_TRIED_AGAIN'
                    else case c.kind
                        when 'CHARGE' then 'WAITS_TO_BE_CHARGED'
                        when 'REFUND' then 'WAITS_TO_BE_GIVEN_BACK'
                        else 'WAITS_FOR_CHARGES'
                    end
                end
            end
        end as reason
    ) as x
    where
        t.profile = p_profile
        and t.status <> 'CALLED_OFF'
        and (t.status <> 'EXECUTED' or t.left_amount = 0 or d.disputed > 0 or d.lost > 0)
    order by t.month desc, t.transaction desc;
end;
$$;

comment on function marketplace.why_not_paid(bigint) is
'Why nothing was charged or paid for a profile''s months (M8), newest first, by the same rule as due_transactions: RUNNING, BELOW_MINIMUM, NOTHING_DUE, SET_OFF against other months, SETTLED by a person''s decision, HELD payouts, WAITS_TO_BE_CHARGED, WAITS_TO_BE_GIVEN_BACK, WAITS_FOR_CHARGES, UNDER_WAY, REQUIRES_ACTION of the card''s holder, OWES: a charge of the profile comes first, DECLINED_TRIED_AGAIN, WAITS_FOR_US: our own account has not enough, NO_MEANS_OF_PAYMENT, RETURNED by the bank, REJECTED, CALLED_OFF, LOOKED_AT by us, or FAILED; and of what was charged: DISPUTED, or TAKEN_BACK by the bank. amount: NOK, above 0 the profile owes us; what is left, of SET_OFF and SETTLED what was. 42501 another''s; P0002 no such profile. May be null: minimum.';
