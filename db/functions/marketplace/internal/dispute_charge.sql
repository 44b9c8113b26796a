create or replace function marketplace.dispute_charge(
    p_attempt marketplace.payment_attempt, p_answer text, p_amount bigint, p_currency text, p_code text,
    p_message text, p_dispute text, p_now timestamptz
)
returns text
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_sign constant int := case when p_answer = 'returned' then 1 else -1 end;
    v_beyond constant bigint := marketplace.taken_beyond(p_attempt.payment_attempt);
    v_open constant bigint := p_attempt.disputed + v_beyond;
    -- What is this one's of it: others go on, and what of this one was booked as lost is not in dispute any more.
    v_mine constant bigint := (
        select greatest(
            0, v_open - coalesce(sum(o.amount) filter (where o.dispute <> p_dispute), 0),
            least(v_open, coalesce(sum(o.amount) filter (where o.dispute = p_dispute), 0))
        )
        from marketplace.open_dispute(p_attempt.payment_attempt) as o
    );
    v_amount bigint := p_amount;
    v_disputed bigint := 0;
    v_of_beyond bigint;
    v_lost bigint := 0;
    v_lost_beyond bigint := 0;
begin
    -- Of another currency nobody knows how much it is: all is gone, and nothing is back until a person has said so.
    if p_currency <> p_attempt.currency then
        v_amount := case when p_answer = 'returned' then p_attempt.amount else 0 end;
    end if;
    -- The same once more: that dispute has said so; or, where no dispute is named, so much is in dispute already.
    if exists (
        select from marketplace.gateway_event as e
        where
            e.payment_attempt = p_attempt.payment_attempt and e.dispute = p_dispute and e.answer = p_answer
            and e.outcome in ('ALARM', 'APPLIED')
    ) then
        return 'NOTHING_NEW';
    elsif p_answer = 'lost' then
        -- Which one, the gateway says; what it has in others stays in dispute. What a person booked before is booked.
        select least(coalesce(v_amount, r.taken), r.taken, v_mine) into v_amount
        from (
            select max(coalesce(e.amount, p_attempt.amount)) as taken
            from marketplace.gateway_event as e
            where
                e.payment_attempt = p_attempt.payment_attempt and e.dispute = p_dispute and e.answer = 'returned'
                and e.outcome in ('ALARM', 'APPLIED')
        ) as r;
        if v_amount is null or v_amount <= 0 then
            return 'NOTHING_NEW';
        end if;
        perform marketplace.lose_charge(p_attempt, v_amount, true, p_code, coalesce(p_message, 'lost: ' || p_dispute), p_now);
        return 'APPLIED';
    elsif p_answer = 'returned' then
        v_amount := coalesce(v_amount, p_attempt.amount);
        if p_dispute is null and p_attempt.disputed > 0 and v_amount = v_open then
            return 'NOTHING_NEW';
        end if;
        v_disputed := least(v_amount, p_attempt.left_amount);
        v_of_beyond := v_amount - v_disputed;
    else
        v_amount := greatest(
            least(coalesce(v_amount, v_mine), v_mine),
            marketplace.won_late(p_attempt.payment_attempt, p_dispute, v_amount, v_open)
        );
        v_disputed := least(v_amount, p_attempt.disputed, v_mine);
        v_of_beyond := least(v_amount - v_disputed, v_beyond, v_mine - v_disputed);
        v_lost := least(v_amount - v_disputed - v_of_beyond, p_attempt.lost);
        v_lost_beyond := v_amount - v_disputed - v_of_beyond - v_lost;
    end if;
    if v_amount = 0 then
        return 'NOTHING_NEW';
    end if;
    update marketplace.payment_attempt as a
    set
        disputed = a.disputed + v_sign * v_disputed,
        lost = a.lost - v_lost,
        event = case when p_answer = 'returned' then 'disputed' else 'reinstated' end,
        alarm = case
            when p_answer = 'returned' then 'disputed'
            when a.alarm = 'disputed' and v_disputed + v_of_beyond = v_open then null
            else a.alarm
        end,
        decline_code = p_code, message = left(p_message, 500), changed_at = p_now
    where a.payment_attempt = p_attempt.payment_attempt;
    insert into marketplace.purse_movement (purse, kind, amount, payment_attempt, reason, moved_at)
    select
        p_attempt.purse, x.kind, x.amount, p_attempt.payment_attempt,
        format('attempt %s: %s beyond what was left of the charge', p_attempt.payment_attempt, p_answer), p_now
    from (values ('WITHDRAWN', -v_sign * v_of_beyond), ('LOST', v_lost_beyond)) as x (kind, amount)
    where x.amount <> 0;
    if p_answer = 'reinstated' then
        perform marketplace.credit_withheld(
            p_attempt.payment_attempt, v_disputed + v_lost, concat_ws(' ', 'the dispute was won', p_dispute), p_now
        );
    end if;
    return case when p_answer = 'returned' then 'ALARM' else 'APPLIED' end;
end;
$$;

comment on function marketplace.dispute_charge(marketplace.payment_attempt, text, bigint, text, text, text, text, timestamptz) is
'A gateway took a charge back that had succeeded (p_answer returned), gave it back to us (reinstated), or decided that a dispute is lost (lost: which, p_dispute says; the others go on): p_amount øre; null: the whole charge, or all that is in dispute. p_dispute: which, in the gateway''s words: two of the same amount are two. The purse has it no more from that moment, or again; what was booked as lost, too, if that dispute was won after all. What is taken beyond what was left of the charge is of the purse alone. What was not credited of its clicks because of a dispute that is won is credited then (credit_withheld). ALARM, APPLIED or NOTHING_NEW. May be null: p_amount, p_currency, p_code, p_message, p_dispute.';
