create or replace view report.bank_balance as
select
    o.organisation_name,
    a.account_name,
    d.day,
    c.closing_balance::numeric(16, 2) as statement_balance,
    s.opening_balance::numeric(16, 2) as opening_balance,
    d.booked_amount::numeric(16, 2) as booked_amount,
    d.other_amount::numeric(16, 2) as other_amount,
    d.open_amount::numeric(16, 2) as open_amount,
    (
        c.closing_balance - s.opening_balance - d.booked_amount - d.other_amount - d.open_amount
    )::numeric(16, 2) as difference_amount
from (
    select
        m.account,
        m.day,
        sum(sum(m.booked)) over w as booked_amount,
        sum(sum(m.other)) over w as other_amount,
        sum(sum(m.told - m.booked - m.other)) over w as open_amount
    from (
        select
            account,
            booked_on as day,
            amount as told,
            0 as booked,
            0 as other
        from bank.entry
        union all
        select
            account,
            to_day,
            0,
            0,
            0
        from bank.statement
        where kind = 'STATEMENT'
        union all
        select
            e.account,
            p.posting_date,
            0,
            case when p.is_undo then -c.amount else c.amount end,
            0
        from bank.match_posting as p
        inner join bank.match_entry as c on p.match = c.match and not c.is_release
        inner join bank.entry as e on c.entry = e.entry
        inner join bank.account as b on e.account = b.account and p.organisation = b.organisation
        union all
        select
            p.account,
            p.posting_date,
            0,
            case when p.is_undo then l.amount else -l.amount end,
            case when p.is_undo then -l.amount else l.amount end
        from bank.match_posting as p
        inner join bank.match_line as l on p.match = l.match and l.kind = 'NOT_OURS'
        where p.has_lines and p.account is not null
        union all
        -- of the marketplace, which has no vouchers
        select
            e.account,
            e.booked_on,
            0,
            0,
            c.amount
        from bank.match_approval as v
        inner join bank.match_entry as c on v.match = c.match and not c.is_release
        inner join bank.entry as e on c.entry = e.entry
        where
            not exists (select from bank.match_posting as p where p.match = v.match)
            and not exists (select from bank.match_undo as u where u.match = v.match)
    ) as m
    group by m.account, m.day
    window w as (partition by m.account order by m.day)
) as d
inner join bank.account as a on d.account = a.account
inner join billig.organisation as o on a.organisation = o.organisation
left join (
    select distinct on (account)
        account,
        opening_balance
    from bank.statement_chain
    where is_head
    order by account, segment
) as s on d.account = s.account
left join (
    select distinct on (account, to_day)
        account,
        to_day,
        closing_balance
    from bank.statement_chain
    order by account, to_day, ends_day desc, from_day desc, sequence_number desc nulls last, page desc nulls last, statement desc
) as c on d.account = c.account and d.day = c.to_day;

comment on view report.bank_balance is
'The bank by its statements and by the books, a row per account and day on which either says something; the account''s currency, in positive. Statement balance = opening + booked + other + open + difference. The books agree with the bank where open and difference are 0; what is in other the accounts must have from elsewhere.';
comment on column report.bank_balance.organisation_name is 'Organisation whose account it is';
comment on column report.bank_balance.account_name is 'Name of the bank account';
comment on column report.bank_balance.day is 'The day: figures are of its end';
comment on column report.bank_balance.statement_balance is 'Closing balance of the statement that ends on the day; null: none does';
comment on column report.bank_balance.opening_balance is 'Balance before the first statement; null: no statement says a balance';
comment on column report.bank_balance.booked_amount is
'In the account''s currency, posted in vouchers up to the day, by approved matches: line kind BANK of report.voucher_line';
comment on column report.bank_balance.other_amount is
'In the account''s currency: entries up to the day that are for no tickets, by approved matches: not ours, and the marketplace''s. They stand in no voucher';
comment on column report.bank_balance.open_amount is 'In the account''s currency: entries up to the day that no approved match has, or that count later in the books';
comment on column report.bank_balance.difference_amount is
'In the account''s currency: statement balance less opening balance and all entries up to the day: a statement is missing, or something is told of twice. Where the last statement of the day ends before its other entries, it is also what those came to: the next statement takes it back. null: no statement ends on the day';
