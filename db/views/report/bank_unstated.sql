create or replace view report.bank_unstated as
select
    e.entry,
    a.account_name,
    e.booked_on,
    e.amount,
    a.currency,
    s.kind as told_by,
    s.statement_id as told_in,
    c.statement
from bank.entry as e
inner join bank.account as a on e.account = a.account
inner join bank.statement as s on e.statement = s.statement
inner join lateral (
    select max(t.statement) as statement
    from bank.statement as t
    where t.account = e.account and t.kind = 'STATEMENT' and t.gap_reason is null and e.booked_on between t.from_day and t.to_day
) as c on c.statement is not null
where
    (s.kind <> 'STATEMENT' or s.gap_reason is not null)
    and not exists (
        select from bank.statement_entry as l
        inner join bank.statement as t on l.statement = t.statement
        where l.entry = e.entry and t.kind = 'STATEMENT' and t.gap_reason is null
    );

comment on view report.bank_unstated is
'What exports, notifications and statements with a gap alone tell of, on days that whole statements tell of, too: the bank booked it on another day, a statement is missing, or two that look alike were told of in such a way that nobody can tell which is which. Of a day whose last statement is there nothing should stand here; else strike it off as not ours (ignore).';
comment on column report.bank_unstated.entry is 'The entry';
comment on column report.bank_unstated.account_name is 'Name of the bank account';
comment on column report.bank_unstated.booked_on is 'Day on which it was booked, as the first that told of it says';
comment on column report.bank_unstated.amount is 'In the account''s currency, positive in, negative out';
comment on column report.bank_unstated.currency is 'Currency of the account';
comment on column report.bank_unstated.told_by is 'What first told of it: EXPORT, NOTIFICATION, or STATEMENT: one with a gap';
comment on column report.bank_unstated.told_in is 'The bank''s name for that';
comment on column report.bank_unstated.statement is 'A whole statement that tells of the day, and not of the entry';
