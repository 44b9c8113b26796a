create or replace function marketplace.credit_withheld(p_payment_attempt bigint, p_amount bigint, p_reason text, p_now timestamptz)
returns void
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_charge marketplace.payment_attempt;
    v_left numeric;
    v_month record;
    v_credit numeric;
begin
    select a.* into v_charge from marketplace.payment_attempt as a where a.payment_attempt = p_payment_attempt;
    -- What its clicks that were taken back cost, as far as it was billed and not forgiven, less what went back by any road.
    select
        least(p_amount / 100.0, sum(m.owed - m.credited) - (
            v_charge.refunded + v_charge.disputed + v_charge.lost
            + marketplace.taken_beyond(p_payment_attempt) + marketplace.lost_beyond(p_payment_attempt)
        ) / 100.0)
    into v_left
    from (
        select t.credited, least(t.billed - t.forgiven, coalesce(sum(j.credited - j.amount), 0)) as owed
        from marketplace.transaction as t
        left join marketplace.adjustment as j on t.transaction = j.old_transaction and j.side = 'ADVERTISEMENT' and not j.is_said
        where t.taken_by = p_payment_attempt
        group by t.transaction
    ) as m;
    for v_month in
        select t.transaction, t.month, t.billed - t.forgiven - t.credited as open_amount
        from marketplace.transaction as t
        where t.taken_by = p_payment_attempt
        order by t.month desc, t.transaction desc
    loop
        v_credit := trunc(least(v_left, v_month.open_amount), 2);
        continue when v_credit is null or v_credit <= 0;
        v_left := v_left - v_credit;
        insert into marketplace.transaction (
            kind, month, profile, status, advertisement_amount, due_amount, carried_out, corrects, reason, request_id,
            created_at, closed_at
        )
        select
            'ADJUSTMENT', m.month, v_charge.profile, 'NEW', -v_credit, -v_credit, 0, v_month.transaction, p_reason,
            concat_ws(' ', 'withheld', v_charge.idempotency_key, (
                select count(*) + 1
                from marketplace.transaction as t
                where t.corrects = v_month.transaction and t.kind = 'ADJUSTMENT'
            ), to_char(v_month.month, 'YYYY-MM')), p_now, p_now
        from marketplace.month as m
        where m.closed_at is null;
    end loop;
end;
$$;

comment on function marketplace.credit_withheld(bigint, bigint, text, timestamptz) is
'p_amount øre came back to a charge that had gone another way: a dispute was won, or a refund did not go out. As far as clicks were taken back meanwhile without credit, since that was counted as given back, it is owed to their advertiser: by an ADJUSTMENT in the open month for each month whose clicks they are, cut off to whole øre, and no more is left of the charge by that. What a person said was given back elsewhere (adjustment.is_said) is not. For dispute_charge, lose_charge and unmake_refund, which hold the account.';
