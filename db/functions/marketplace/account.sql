create or replace function marketplace.account(p_profile bigint, p_from date default null, p_until date default null)
returns table (
    entry_date date, kind text, amount numeric, balance numeric, transaction bigint, month date, other_transaction bigint,
    other_month date, payment_attempt bigint, explanation text
)
language plpgsql stable security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
begin
    perform books.check_day('p_from', p_from);
    perform books.check_day('p_until', p_until);
    perform marketplace.check_profile(p_profile);
    if p_from > p_until then
        raise exception 'the account is of days that follow each other' using
            errcode = '22023',
            detail = format('From %s until %s.', p_from, p_until),
            hint = 'Both are local dates, and count; null: from the beginning, until now.';
    end if;
    return query
    with entry as (
        select
            e.account_entry, (e.entered_at at time zone books.time_zone())::date as entry_date, e.entered_at, e.kind,
            e.amount * ((d.is_persons)::int - (c.is_persons)::int) as amount, e.amount as nok,
            e.transaction, e.other_transaction, e.payment_attempt
        from marketplace.account_entry as e
        inner join marketplace.account_name as d on e.debit = d.account
        inner join marketplace.account_name as c on e.credit = c.account
        where e.profile = p_profile
    ),

    line as (
        select
            x.account_entry, x.entry_date, x.entered_at, x.kind, x.amount, x.nok, x.transaction, x.other_transaction,
            x.payment_attempt
        from entry as x
        where
            (x.amount <> 0 or x.kind = 'OFFSET')
            and (p_from is null or x.entry_date >= p_from) and (p_until is null or x.entry_date <= p_until)
        union all
        select
            0, p_from, '-infinity', 'OPENING', coalesce(sum(x.amount), 0), null, null, null, null
        from entry as x
        where x.entry_date < p_from
        having p_from is not null
    )

    select
        l.entry_date, l.kind, l.amount,
        sum(l.amount) over (order by l.entered_at, l.account_entry rows unbounded preceding),
        l.transaction, t.month, l.other_transaction, o.month, l.payment_attempt,
        case l.kind
            when 'OPENING' then 'Before this day'
            when 'MONTH' then 'What the month came to'
            when 'CORRECTION' then format('Owed again: %s', t.reason)
            when 'REFUND' then format('To be given back: %s', t.reason)
            when 'CALLED_BACK' then 'The refund was called off: its money went back by another road'
            when 'OFFSET' then format('NOK %s of %s set off against %s', l.nok, to_char(t.month, 'YYYY-MM'), to_char(o.month, 'YYYY-MM'))
            when 'CHARGED' then 'Charged'
            when 'PAID' then case t.kind when 'REFUND' then 'Given back' else 'Paid' end
            when 'CAME_BACK' then 'Came back'
            when 'BY_HAND' then format('By us: %s', t.reason)
            when 'BROUGHT' then format('Brought over, document %s: %s', t.request_id, t.reason)
            when 'PAID_OUTSIDE' then 'Paid to us by another road'
            when 'FORGIVEN' then 'Let go'
            when 'DONATED' then 'Given to us'
            when 'UNDONE' then 'What was settled is owed again'
        end
    from line as l
    left join marketplace.transaction as t on l.transaction = t.transaction
    left join marketplace.transaction as o on l.other_transaction = o.transaction
    order by l.entered_at, l.account_entry;
end;
$$;

comment on function marketplace.account(bigint, date, date) is
'A profile''s account, by local dates p_from to p_until, both included: an OPENING balance where p_from is given, then each entry and the balance after it, in order. NOK, whole øre: above 0 the profile owes us, below 0 we owe it. Closed months, corrections, refunds, the balance brought over, what was given, asked or settled by hand, what was set off (amount 0 between two closed months), charged, paid; what the running month comes to is not there yet (current_totals). 22023; 42501 another''s; P0002 no such profile. May be null: entry_date, transaction, month, other_transaction, other_month, payment_attempt.';
