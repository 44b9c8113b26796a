create or replace view report.bank_statement_gap as
with recursive chain as materialized (
    select * from bank.statement_chain
),

accepted as materialized (
    select
        g.account,
        g.statement,
        s.statement_id,
        s.sequence_number,
        g.from_day,
        g.to_day,
        g.opening_balance,
        g.closing_balance
    from bank.accepted_gap as g
    inner join bank.statement as s on g.statement = s.statement
    where g.explained_by is null
),

followed as (
    -- what goes on where another ended has that one before it
    select distinct on (c.statement)
        c.*,
        o.statement as previous_statement,
        o.sequence_number as previous_number,
        o.closing_balance as previous_balance
    from chain as c
    inner join chain as o on c.account = o.account and c.opening_balance = o.closing_balance
    where
        not c.is_head and o.statement <> c.statement
        and o.from_day <= c.from_day and o.to_day <= c.to_day
    order by
        c.statement asc, o.sequence_number = c.sequence_number - 1 desc nulls last,
        o.to_day desc, o.from_day desc, o.sequence_number desc, o.statement desc
),

-- what goes on from none, the last that ended before
broken as (
    select
        c.*,
        p.statement as previous_statement,
        p.sequence_number as previous_number,
        p.closing_balance as previous_balance
    from chain as c
    cross join lateral (
        select
            o.statement,
            o.sequence_number,
            o.closing_balance
        from chain as o
        where o.account = c.account and o.segment < c.segment
        order by o.to_day desc, o.from_day desc, o.sequence_number desc, o.statement desc
        limit 1
    ) as p
    where c.is_head
),

-- from what goes on from none back over statements whose gap somebody accepted
bridge as (
    select
        b.account,
        b.statement,
        b.previous_balance as goal,
        b.opening_balance as balance,
        b.from_day,
        null::bigint as last_gap
    from broken as b
    union
    select
        b.account,
        b.statement,
        b.goal,
        a.opening_balance,
        a.from_day,
        coalesce(b.last_gap, a.statement)
    from bridge as b
    inner join accepted as a
        on b.account = a.account and a.to_day <= b.from_day
        and (b.balance = a.closing_balance or a.closing_balance is null)
),

gap as (
    select
        b.account,
        b.statement,
        b.statement_id,
        b.sequence_number,
        b.from_day,
        b.to_day,
        b.opening_balance,
        b.previous_statement,
        b.previous_number,
        b.previous_balance,
        (
            select max(r.last_gap) from bridge as r
            where r.statement = b.statement and (r.balance = r.goal or r.balance is null)
        ) as accepted_gap
    from broken as b
    union all
    select
        f.account,
        f.statement,
        f.statement_id,
        f.sequence_number,
        f.from_day,
        f.to_day,
        f.opening_balance,
        f.previous_statement,
        f.previous_number,
        f.previous_balance,
        null
    from followed as f
    inner join bank.statement as s on f.statement = s.statement
    inner join bank.import_file as i on s.import_file = i.import_file
    inner join bank.statement as q on f.previous_statement = q.statement
    inner join bank.import_file as j on q.import_file = j.import_file
    where
        f.sequence_number not in (f.previous_number, f.previous_number + 1, 1) -- pages; and numbers begin anew with the year
        and i.format = j.format -- and with another format
    union all
    -- and what has a gap and begins where nothing ended
    select
        a.account,
        a.statement,
        a.statement_id,
        a.sequence_number,
        a.from_day,
        a.to_day,
        a.opening_balance,
        p.statement,
        p.sequence_number,
        p.closing_balance,
        null
    from accepted as a
    cross join lateral (
        select
            s.statement,
            s.sequence_number,
            s.closing_balance
        from bank.statement as s
        where
            s.account = a.account and s.kind = 'STATEMENT' and s.statement <> a.statement
            and s.from_day <= a.from_day and s.to_day <= a.to_day and s.closing_balance is not null
        order by s.to_day desc, s.from_day desc, s.sequence_number desc, s.statement desc
        limit 1
    ) as p
    where
        not exists (
            select from bank.statement as s
            where
                s.account = a.account and s.kind = 'STATEMENT' and s.statement <> a.statement
                and s.from_day <= a.to_day and s.to_day >= a.from_day - 10
                and (
                    a.opening_balance in (s.opening_balance, s.closing_balance)
                    or exists (
                        select from bank.statement_entry as l
                        where l.statement = s.statement and l.balance = a.opening_balance
                    )
                )
        )
)

select
    a.account_name,
    g.statement,
    g.statement_id,
    g.sequence_number,
    g.from_day,
    g.to_day,
    g.previous_statement,
    g.previous_number,
    g.previous_balance::numeric(16, 2) as previous_balance,
    g.opening_balance::numeric(16, 2) as opening_balance,
    (g.opening_balance - g.previous_balance)::numeric(16, 2) as missing_amount,
    g.accepted_gap
from gap as g
inner join bank.account as a on g.account = a.account;

comment on view report.bank_statement_gap is
'Statements that do not go on where the one before ended: a number is left out, or the balance is another (missing_amount, in the account''s currency). previous_statement, previous_number, previous_balance: of the one before. Statements within others (a day''s in a month''s) leave no gap. accepted_gap: what is between is told of by one that was loaded with a gap (report.bank_accepted_gap); null: by none, and it is missing.';
comment on column report.bank_statement_gap.account_name is 'Name of the bank account';
comment on column report.bank_statement_gap.statement is 'The statement that does not follow on';
comment on column report.bank_statement_gap.statement_id is 'The bank''s name for it';
comment on column report.bank_statement_gap.sequence_number is 'The bank''s number of it; null: none';
comment on column report.bank_statement_gap.from_day is 'First day it is about';
comment on column report.bank_statement_gap.to_day is 'Last day it is about';
comment on column report.bank_statement_gap.previous_statement is 'The statement before it';
comment on column report.bank_statement_gap.previous_number is 'The bank''s number of the one before; null: none';
comment on column report.bank_statement_gap.previous_balance is 'Closing balance of the one before, in the account''s currency';
comment on column report.bank_statement_gap.opening_balance is 'Opening balance of this one, in the account''s currency';
comment on column report.bank_statement_gap.missing_amount is 'opening_balance less previous_balance, in the account''s currency: what moved between the two';
comment on column report.bank_statement_gap.accepted_gap is
'The statement with an accepted gap that tells of what is between, of several the last; null: none does';
