create or replace function bank.record_disputes()
returns table (payout_id text, line bigint, dispute_reference text, amount numeric, outcome text)
language plpgsql security definer
set search_path = pg_catalog, bank, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_line record;
begin
    for v_line in
        select p.payout_id, l.line, l.refs, l.gross, l.fee
        from bank.open_payout as p
        inner join bank.payout_line as l on p.payout = l.payout and l.kind = 'DISPUTE'
        where not exists (
            select from billig.payment as c
            where
                c.provider_reference = l.refs[1] and c.kind = 'CHARGEBACK'
                and (l.gross < 0 or exists (select from billig.payment as w where w.disputed_payment = c.payment))
        ) and not exists (select from billig.owed_back as o where o.settled_reference = l.refs[1] and l.gross < 0)
        order by p.paid_on, p.payout, l.line
    loop
        payout_id := v_line.payout_id;
        line := v_line.line;
        dispute_reference := v_line.refs[1];
        amount := v_line.gross;
        begin
            if v_line.gross > 0 then
                perform billig.record_chargeback_won(dispute_reference);
            else
                perform bank.record_dispute(dispute_reference, v_line.refs[2:], -v_line.gross, greatest(v_line.fee, 0));
            end if;
            outcome := 'RECORDED';
        exception when raise_exception or sqlstate '22023' or sqlstate 'P0002' or sqlstate '23B12' or sqlstate '23B38' or sqlstate '23B19' or sqlstate '23B31' then
            outcome := sqlerrm; -- a person's
        end;
        return next;
    end loop;
end;
$$;

comment on function bank.record_disputes() is
'Records the disputes of ticket payments that payout reports tell of (lines of kind DISPUTE, of payouts that are not matched) and nobody has recorded: taken (billig.record_chargeback) where amount, NOK, is negative, else won (billig.record_chargeback_won). One row per line: outcome is RECORDED, or why not (22023, P0002, 23B12, 23B19, 23B31 or 23B38 of those functions), which is for a person. Nothing comes when called again. 42501.';
