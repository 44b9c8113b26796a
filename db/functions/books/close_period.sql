create or replace function books.close_period(
    p_organisation int, p_first_day date, p_last_day date, p_note text default null
)
returns table (accounting_period int, closed_at timestamptz, log_rows bigint, gross_amount numeric, vat_amount numeric)
language plpgsql security definer
set search_path = pg_catalog, books, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_era constant int := billig.current_era();
    v_last date;
    v_closed books.accounting_period;
begin
    perform books.check_text('p_note', p_note);
    perform books.check_day('p_first_day', p_first_day);
    perform books.check_day('p_last_day', p_last_day);
    if p_first_day is null or p_last_day is null or not isfinite(p_first_day) or not isfinite(p_last_day)
        or p_first_day > p_last_day
    then
        raise exception 'a period needs a first and a last day' using
            errcode = '22023',
            detail = format('From %L to %L.', p_first_day, p_last_day),
            hint = 'Pass both, in order.';
    end if;
    if not exists (select from billig.organisation as o where o.organisation = p_organisation) then
        raise exception 'no such organisation' using
            errcode = 'P0002',
            detail = format('Organisation %L.', p_organisation),
            hint = 'Organisations are in billig.organisation.';
    end if;
    -- The close's snapshot must be newer than the lock below, and must not hold rows of its own transaction.
    if current_setting('transaction_isolation') <> 'read committed' or pg_current_xact_id_if_assigned() is not null then
        raise exception 'a period is closed in a transaction of its own' using
            errcode = '23B43',
            detail = format('This one is %s%s.', current_setting('transaction_isolation'),
                case when pg_current_xact_id_if_assigned() is not null then ', and has written already' else '' end),
            hint = 'Commit first, then close the period, in READ COMMITTED.';
    end if;
    if p_last_day >= billig.local_time(clock_timestamp())::date then
        raise exception 'the period has not ended' using
            errcode = '23B40',
            detail = format('Its last day is %s; today is %s.', p_last_day, billig.local_time(clock_timestamp())::date),
            hint = 'Close it when its last day is over.';
    end if;

    -- No roll-up and no other close meanwhile: which rows are late is settled by one of them at a time.
    lock table billig.rollup_batch in share row exclusive mode;
    -- Tills that are being closed, and events that are being moved, have vouchers of their day: not behind their back. It
    -- does not wait for them, or the next of them would wait for it.
    begin
        lock table books.accounting_period in row exclusive mode nowait;
    exception
        when lock_not_available then
            raise exception 'something that vouchers depend on is being changed' using
                errcode = '55P03',
                detail = 'A till is being closed, an event moved, a rule changed, or money owed back recorded.',
                hint = 'Try again in a moment.';
    end;

    select max(p.last_day) into v_last
    from books.accounting_period as p
    where p.organisation = p_organisation;
    if p_first_day <= v_last then
        raise exception 'days of the period are closed already' using
            errcode = '23B41',
            detail = format('From %s to %s was asked for; everything up to %s is closed.', p_first_day, p_last_day, v_last),
            hint = format('The next period begins on %s.', v_last + 1);
    end if;
    if p_first_day > v_last + 1 then
        raise exception 'the period leaves a gap after the last one closed' using
            errcode = '23B42',
            detail = format('It begins on %s; the last one ended on %s.', p_first_day, v_last),
            hint = format('Begin on %s, or close the days in between first.', v_last + 1);
    end if;
    if v_last is null and (exists (
        select from billig.transaction_log as l
        where l.organisation = p_organisation and l.transaction_date < p_first_day
    ) or exists (
        select from billig.posted_line as l
        where l.organisation = p_organisation and l.posting_date < p_first_day
    )) then
        raise exception 'the first period leaves days before it that could never be closed' using
            errcode = '23B42',
            detail = format('It begins on %s, and there are tickets or money of it before that day.', p_first_day),
            hint = 'Begin on the day of the first row, or earlier.';
    end if;

    -- One statement, one snapshot: what it sees is the period, for ever.
    insert into books.accounting_period (
        organisation, first_day, last_day, note, era, snapshot, log_rows, gross_amount, vat_amount, voucher_debit
    )
    select
        p_organisation, p_first_day, p_last_day, nullif(p_note, ''), v_era, pg_current_snapshot(),
        count(*), coalesce(sum(l.amount + l.fee_amount), 0), coalesce(sum(l.vat_amount + l.fee_vat_amount), 0),
        (
            select coalesce(sum(v.debit), 0)
            from books.voucher_line as v
            where
                v.organisation = p_organisation
                and v.posting_date >= p_first_day and v.posting_date <= p_last_day
                and not v.is_close -- the voucher that this close makes
        )
    from billig.posted_log as l
    where l.organisation = p_organisation and l.posting_date >= p_first_day and l.posting_date <= p_last_day
    returning * into v_closed;
    if exists (
        select from books.voucher_line as v
        where
            v.organisation = p_organisation
            and v.posting_date >= p_first_day and v.posting_date <= p_last_day
            and v.is_suspense
    ) then
        raise exception 'lines of the period have no account' using
            errcode = '23B46',
            detail = format('Organisation %s, %s to %s: see consistency.voucher_rule.', p_organisation, p_first_day, p_last_day),
            hint = 'Add a rule with books.set_voucher_rule; once the period is closed it is too late.';
    end if;

    -- So that the tail, where late rows are looked for, is short.
    perform billig.roll_up_log();
    return query
    select v_closed.accounting_period, v_closed.closed_at, v_closed.log_rows, v_closed.gross_amount, v_closed.vat_amount;
end;
$$;

comment on function books.close_period(int, date, date, text) is
'Closes a period of an organisation: from now on a report over it, by posting_date, returns the same figures for ever. Rows of transactions that are open meanwhile count on the first open day (report.late_transaction). Returns the close''s key, its time and its control totals (NOK), which are kept in books.accounting_period. 22023: no period; P0002: no such organisation; 23B40: it has not ended; 23B41: closed already; 23B42: it leaves a hole after the last one, or rows before the first; 23B43: not in a transaction of its own; 23B46: lines of its vouchers have no account; 55P03: a till is being closed or an event moved at this moment; 23B44: a restored dump that was not deployed yet.';
