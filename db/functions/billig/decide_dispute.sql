create or replace function billig.decide_dispute(
    p_dispute_reference text, p_verdict text, p_decided_on date default null, p_reason text default null
)
returns table (payment bigint, status text, decided_on date)
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_today constant date := billig.local_time()::date;
    v_payment bigint;
    v_status text;
begin
    perform books.check_text('p_dispute_reference', p_dispute_reference, 'p_verdict', p_verdict, 'p_reason', p_reason);
    perform books.check_day('p_decided_on', p_decided_on);
    if
        p_verdict is null or p_verdict not in ('LOST', 'ACCEPTED', 'OPEN') or p_decided_on > v_today
        or p_verdict = 'OPEN' and coalesce(p_reason, '') !~ '[^[:space:]]'
    then
        raise exception 'a dispute is lost or accepted by today, or open again for a reason' using
            errcode = '22023',
            detail = format('Verdict %L, decided on %s, reason %L.', p_verdict, coalesce(p_decided_on::text, 'today'), p_reason),
            hint = 'p_verdict is LOST, ACCEPTED, or OPEN with a p_reason; that it was won is billig.record_chargeback_won.';
    end if;
    perform billig.need_read_committed(); -- else the other's verdict is not seen
    select c.payment into v_payment
    from billig.payment as c
    where c.provider_reference = p_dispute_reference and c.kind = 'CHARGEBACK'
    for no key update; -- record_chargeback_won locks it, too
    if not found then
        raise exception 'no such chargeback' using
            errcode = 'P0002',
            detail = format('Dispute %L.', p_dispute_reference),
            hint = case
                when
                    exists (select from billig.dispute_loss as l where l.dispute_reference = p_dispute_reference)
                    or exists (select from billig.owed_back as o where o.settled_reference = p_dispute_reference)
                    then 'It took nothing of tickets, and counts as lost; if it was won: billig.record_chargeback_won.'
                else 'Record it first: billig.record_chargeback.'
            end;
    end if;
    select s.status into v_status from billig.dispute_state as s where s.payment = v_payment;
    if v_status <> p_verdict and (v_status = 'WON' or 'OPEN' not in (v_status, p_verdict)) then
        raise exception 'the dispute is decided otherwise' using
            errcode = '23B32',
            detail = format('Dispute %L is %s.', p_dispute_reference, v_status),
            hint = case v_status
                when 'WON' then 'What was won stays so; another dispute of the same payment has a reference of its own.'
                else format(
                    'If that was wrong, take it back first: select * from billig.decide_dispute(%L, ''OPEN'', p_reason => ''why'')',
                    p_dispute_reference
                )
            end;
    elsif v_status <> p_verdict then -- else it is said twice: the first word counts
        insert into billig.dispute_verdict (payment, verdict, decided_on, reason)
        values (v_payment, p_verdict, coalesce(p_decided_on, v_today), nullif(p_reason, ''));
    end if;
    return query
    select s.payment, s.status, s.decided_on
    from billig.dispute_state as s
    where s.payment = v_payment;
end;
$$;

comment on function billig.decide_dispute(text, text, date, text) is
'Says how a dispute was decided against us: p_verdict LOST, or ACCEPTED where we do not contest it, on p_decided_on (local, not to come; null: today); OPEN takes that back, for a p_reason. It moves no money and writes no voucher: what the provider took is given back in the books since the chargeback; from now on its tickets let nobody in, whatever p_lets_in said. The same again changes nothing. What is lost may be won after all: billig.record_chargeback_won. Returns how it stands: decided_on is null while it is OPEN. 22023; 25000 not at read committed; P0002 no such chargeback; 23B32 it is decided otherwise; 42501. May be null: decided_on.';
