create or replace function marketplace.lose_charge(
    p_attempt marketplace.payment_attempt, p_lost bigint, p_goes_on boolean, p_code text, p_reason text, p_now timestamptz
)
returns void
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_taken_beyond constant bigint := marketplace.taken_beyond(p_attempt.payment_attempt);
    v_lost_beyond constant bigint := greatest(0, p_lost - p_attempt.disputed);
    -- What is not lost was won, and is there again; of several disputes the others go on.
    v_kept constant bigint := case when p_goes_on then greatest(0, p_attempt.disputed - p_lost) else 0 end;
    v_beyond constant bigint := case when p_goes_on then v_lost_beyond else v_taken_beyond end;
begin
    -- Where a refund was asked for as well, and has not gone out, a person says whether it shall: it would be the second time.
    update marketplace.payment_attempt as a
    set
        disputed = v_kept, lost = a.lost + p_lost - v_lost_beyond, event = 'lost', decline_code = coalesce(p_code, a.decline_code),
        message = left(p_reason, 500), changed_at = p_now,
        alarm = case
            when v_kept + v_taken_beyond > v_beyond then a.alarm
            when v_lost_beyond > 0 and exists (
                select from marketplace.transaction as t
                where t.corrects = a.transaction and t.kind = 'REFUND' and t.status in ('NEW', 'FAILED')
            ) then 'given_back'
        end
    where a.payment_attempt = p_attempt.payment_attempt;
    insert into marketplace.purse_movement (purse, kind, amount, payment_attempt, reason, moved_at)
    select p_attempt.purse, x.kind, x.amount, p_attempt.payment_attempt, p_reason, p_now
    from (values (1, 'WITHDRAWN', v_beyond), (2, 'LOST', -v_lost_beyond)) as x (place, kind, amount)
    where x.amount <> 0
    order by x.place;
    perform marketplace.credit_withheld(
        p_attempt.payment_attempt, greatest(0, p_attempt.disputed - p_lost) - v_kept, 'the rest of the dispute was won', p_now
    );
end;
$$;

comment on function marketplace.lose_charge(marketplace.payment_attempt, bigint, boolean, text, text, timestamptz) is
'p_lost øre of what is in dispute of a charge are lost, those of the charge first. p_goes_on: the rest is still in dispute; else it was won, and is in the purse again; what was not credited of its clicks because of it is credited (credit_withheld). For book_loss and dispute_charge, which hold the attempt. May be null: p_code.';
