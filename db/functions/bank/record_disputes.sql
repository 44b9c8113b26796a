create or replace function bank.record_disputes()
returns table (payout_id text, line bigint, dispute_reference text, amount numeric, outcome text)
language plpgsql security definer
set search_path = pg_catalog, bank, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_line record;
    v_part record;
    v_same text;
begin
    perform billig.need_read_committed();
    -- One at a time: the same dispute may be in a report and in an entry.
    perform from bank.turn as t where t.turn = 'MATCH' for update;
    for v_line in
        select p.payout_id, l.line, l.refs, l.gross, l.fee
        from bank.open_payout as p
        inner join bank.payout_line as l on p.payout = l.payout and l.kind = 'DISPUTE'
        left join billig.payment as c on l.refs[1] = c.provider_reference and c.kind = 'CHARGEBACK'
        left join lateral (
            select bool_or(n.owed_back is null) as is_paid -- and is not owed again
            from billig.owed_back as o
            left join billig.owed_back as n on o.owed_back = n.reopens
            where o.settled_reference = l.refs[1]
        ) as o on true
        left join billig.dispute_loss as d on l.refs[1] = d.dispute_reference
        where case
            when l.gross < 0 then c.payment is null and o.is_paid is null and d.dispute_loss is null
            else
                c.payment is null and o.is_paid is null and d.dispute_loss is null
                or o.is_paid or d.dispute_loss is not null and d.won_at is null
                or c.payment is not null and not exists (
                    select from billig.payment as w where w.disputed_payment = c.payment and w.kind = 'CHARGEBACK_WON'
                )
        end
        order by p.paid_on, p.payout, l.line
    loop
        payout_id := v_line.payout_id;
        line := v_line.line;
        dispute_reference := v_line.refs[1];
        amount := v_line.gross;
        v_same := case when v_line.gross < 0 then bank.same_dispute(v_line.refs[2:], -v_line.gross, true) end;
        begin
            if v_same is not null then
                raise exception 'it may be dispute %, of that payment and amount', v_same;
            elsif v_line.gross > 0 then
                perform billig.record_chargeback_won(dispute_reference);
            else
                perform bank.record_dispute(dispute_reference, v_line.refs[2:], -v_line.gross, greatest(v_line.fee, 0), true);
            end if;
            outcome := 'RECORDED';
        exception when raise_exception or sqlstate '22023' or sqlstate 'P0002' or sqlstate '23B12' or sqlstate '23B38' or sqlstate '23B19' or sqlstate '23B31' or sqlstate '23B39' then
            outcome := sqlerrm; -- a person's
        end;
        return next;
    end loop;
    for v_part in
        select d.* from bank.disputed_parts() as d
        where d.recorded is null
    loop
        payout_id := null;
        line := null;
        dispute_reference := v_part.dispute_reference;
        amount := -v_part.amount;
        v_same := bank.same_dispute(v_part.named, v_part.amount, false);
        begin
            if v_part.amount is null then
                raise exception 'the bank does not say how much of the entry it is';
            elsif cardinality(v_part.named) > 1 then
                raise exception 'it names several payments: %', array_to_string(v_part.named, ', ');
            elsif v_same is not null then
                raise exception 'it may be dispute %, of that payment and amount', v_same;
            end if;
            perform bank.record_dispute(dispute_reference, v_part.named, v_part.amount, v_part.fee, false);
            outcome := 'RECORDED';
        exception when raise_exception or sqlstate '22023' or sqlstate 'P0002' or sqlstate '23B12' or sqlstate '23B38' or sqlstate '23B19' or sqlstate '23B31' then
            outcome := sqlerrm; -- a person's
        end;
        return next;
    end loop;
end;
$$;

comment on function bank.record_disputes() is
'Records the disputes of ticket payments that payout reports tell of (lines of kind DISPUTE, of payouts that are not matched), or open entries of the bank (outgoing, of ISO code PMNT/MCRD/UPCT, unpaid card transaction, that name one payment), and nobody has recorded: taken (billig.record_chargeback) where amount, NOK, is negative, else won (billig.record_chargeback_won). One row per line or entry, or payment in it: of an entry payout_id and line are null, and dispute_reference is BANK-ENTRY-, its number, and -D and its place where it is one of several. outcome is RECORDED, or why not (22023, P0002, 23B12, 23B19, 23B31, 23B38 or 23B39 of those functions; an entry names several payments; it may be a dispute that the other told of, or that is recorded otherwise: same payment, same amount), which is for a person. Nothing comes when called again, but what is a person''s. 25000 not at read committed; 42501. May be null: payout_id, line, amount.';
