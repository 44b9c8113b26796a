create or replace function billig.roll_up_log()
returns bigint
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_era constant int := billig.current_era();
    v_snapshot pg_snapshot;
    v_before xid8;
    v_rows bigint;
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'the log is rolled up in a transaction at isolation level read committed' using
            errcode = '23B43',
            detail = format('This one is %s, and may not see the batch before.', current_setting('transaction_isolation')),
            hint = 'Begin it with ISOLATION LEVEL READ COMMITTED.';
    end if;

    -- One at a time, and no close meanwhile. Who waits here sees the other's batch in the statements that follow.
    lock table billig.rollup_batch in share row exclusive mode;

    -- All transactions before the oldest that is open have ended: whatever they wrote is seen by the next statement.
    v_snapshot := pg_current_snapshot();
    v_before := pg_snapshot_xmin(v_snapshot);

    with sum_of as materialized (
        select
            u.organisation, u.posting_date, u.transaction_date, u.project, u.transaction_type,
            u.vat_code, u.vat_rate, u.fee_vat_code, u.fee_vat_rate,
            count(*) as log_rows,
            count(*) filter (where u.fee_amount <> 0) as fee_rows,
            sum(u.amount) as amount,
            sum(u.vat_amount) as vat_amount,
            sum(u.fee_amount) as fee_amount,
            sum(u.fee_vat_amount) as fee_vat_amount
        from billig.unrolled_log as u
        where u.era < v_era or (u.era = v_era and u.xact_id < v_before)
        group by
            u.organisation, u.posting_date, u.transaction_date, u.project, u.transaction_type,
            u.vat_code, u.vat_rate, u.fee_vat_code, u.fee_vat_rate
    ),

    batch as (
        insert into billig.rollup_batch (
            from_era, from_xact_id, era, before_xact_id, snapshot, log_rows, late_rows
        )
        select
            coalesce(b.era, 0), coalesce(b.before_xact_id, '0'::xid8), v_era, v_before, v_snapshot,
            s.log_rows, s.late_rows
        from (
            select sum(log_rows) as log_rows, sum(log_rows) filter (where posting_date > transaction_date) as late
            from sum_of
        ) as t
        cross join lateral (select t.log_rows, coalesce(t.late, 0) as late_rows) as s
        left join (
            select era, before_xact_id from billig.rollup_batch order by rollup_batch desc limit 1
        ) as b on true
        where s.log_rows > 0
        returning rollup_batch, log_rows
    ),

    late as (
        insert into billig.late_row (transaction_log, organisation, transaction_date, posting_date, rollup_batch)
        select u.transaction_log, u.organisation, u.transaction_date, u.posting_date, b.rollup_batch
        from batch as b
        cross join billig.unrolled_log as u
        where
            exists (select from sum_of as s where s.posting_date > s.transaction_date)
            and (u.era < v_era or (u.era = v_era and u.xact_id < v_before))
            and u.posting_date > u.transaction_date
    ),

    -- of what the last batch reaches to; hardly ever any
    late_money as (
        insert into billig.late_payment (payment, organisation, transaction_date, posting_date, rollup_batch)
        select u.payment, u.organisation, u.transaction_date, u.posting_date, b.rollup_batch
        from batch as b
        cross join billig.unrolled_payment as u
        where
            exists (
                select from sum_of as s
                where s.transaction_date <= (select max(p.last_day) from books.accounting_period as p)
            )
            and (u.era < v_era or (u.era = v_era and u.xact_id < v_before))
            and u.posting_date > u.transaction_date
    ),

    added as (
        insert into billig.rollup as r (
            organisation, posting_date, transaction_date, project, transaction_type,
            vat_code, vat_rate, fee_vat_code, fee_vat_rate,
            log_rows, fee_rows, amount, vat_amount, fee_amount, fee_vat_amount, rollup_batch
        )
        select
            s.organisation, s.posting_date, s.transaction_date, s.project, s.transaction_type,
            s.vat_code, s.vat_rate, s.fee_vat_code, s.fee_vat_rate,
            s.log_rows, s.fee_rows, s.amount, s.vat_amount, s.fee_amount, s.fee_vat_amount, b.rollup_batch
        from sum_of as s
        cross join batch as b
        order by s.posting_date, s.organisation, s.project
        on conflict on constraint rollup_key do update
        set
            log_rows = r.log_rows + excluded.log_rows,
            fee_rows = r.fee_rows + excluded.fee_rows,
            amount = r.amount + excluded.amount,
            vat_amount = r.vat_amount + excluded.vat_amount,
            fee_amount = r.fee_amount + excluded.fee_amount,
            fee_vat_amount = r.fee_vat_amount + excluded.fee_vat_amount,
            rollup_batch = excluded.rollup_batch
    )

    select b.log_rows into v_rows from batch as b;
    return coalesce(v_rows, 0);
end;
$$;

comment on function billig.roll_up_log() is
'Adds the log rows of all transactions that have ended, and that no older one is still open beside, to billig.rollup, as one batch; returns how many. Its cost goes with the new rows. Call it every few minutes: totals are exact all the same, the rest of the log is read live. Two at once wait for each other; killed, it did nothing. 23B43: not READ COMMITTED; 23B44: a restored dump that was not deployed yet.';
