-- Everything of the bank is written once, and a match balances from the statement that makes it.

create or replace function bank.record_keep()
returns trigger
language plpgsql
set search_path = pg_catalog, bank, pg_temp
as $$
begin
    raise exception 'rows of %.% are never changed', tg_table_schema, tg_table_name using
        errcode = '23B84',
        detail = format('%s was tried.', tg_op),
        hint = 'A match is undone by undo_match; what is expected late is an item of its own.';
end;
$$;

comment on function bank.record_keep() is 'Refuses to change or delete what is written once (23B84).';

create or replace function bank.match_balance()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, bank, pg_temp
set enable_seqscan = off
set enable_nestloop = on
set jit = off
as $$
declare
    r record;
begin
    -- Few by index, many all at once, whatever the statistics: after a large load that was rolled back they say that the
    -- tables are empty, and each match would be looked for among all the dead rows.
    if (select count(*) > 100 from new_part) then
        perform set_config('enable_seqscan', 'on', true), set_config('enable_nestloop', 'off', true);
    end if;
    execute $query$
        with part as materialized (
            select distinct n.match from new_part as n
        ),

        sum as (
            select
                o.match,
                coalesce(sum(o.amount) filter (where o.kind = 'ENTRY'), 0) as entries,
                coalesce(sum(o.amount) filter (where o.kind = 'ITEM'), 0) as expected,
                coalesce(sum(o.amount) filter (where o.kind = 'LINE'), 0) as lines,
                count(*) filter (where o.kind in ('ENTRY', 'ITEM')) as parts,
                max(o.currency) as currency
            from (
                select p.match, 'ENTRY' as kind, c.amount, nullif(a.currency, 'NOK') as currency
                from part as p
                inner join bank.match_entry as c on p.match = c.match and not c.is_release
                inner join bank.entry as e on c.entry = e.entry
                inner join bank.account as a on e.account = a.account
                union all
                select p.match, 'ITEM', c.amount, null
                from part as p
                inner join bank.match_expected as c on p.match = c.match and not c.is_release
                union all
                select p.match, 'LINE', l.amount, null
                from part as p
                inner join bank.match_line as l on p.match = l.match
                union all
                select p.match, '', 0, null
                from part as p
            ) as o
            group by o.match
        )

        select b.match, b.entries, b.expected, b.lines
        from sum as b
        where b.entries <> b.expected + b.lines or b.parts = 0 or b.currency is not null
        order by b.match
        limit 1
    $query$
    into r;
    if r.match is not null then
        raise exception 'the match does not balance' using
            errcode = '23B83',
            detail = format('Entries are NOK %s, items %s, lines %s.', r.entries, r.expected, r.lines),
            hint = 'Entries = items + lines: explain what differs by lines. Only accounts in NOK are matched.';
    end if;
    return null;
end;
$$;

comment on function bank.match_balance() is
'Refuses matches whose entries are not their items and lines, or that have neither (23B83).';

create or replace function bank.withdrawal_free()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, bank, pg_temp
as $$
declare
    r record;
begin
    -- A match holds its payout FOR KEY SHARE, by its foreign key: one that is being made is waited for, and waits.
    if tg_table_name = 'payout_withdrawal' then
        perform from bank.payout as p
        where p.payout in (select n.payout from new_part as n)
        order by p.payout
        for update;
    end if;
    select p.payout, p.payout_id, m.match into r
    from (select distinct n.payout from new_part as n where n.payout is not null) as n
    inner join bank.payout_withdrawal as w on n.payout = w.payout
    inner join bank.payout as p on n.payout = p.payout
    inner join bank.match as m on n.payout = m.payout
    where not exists (select from bank.match_undo as u where u.match = m.match)
    order by p.payout, m.match
    limit 1;
    if found then
        raise exception 'payout % is matched, and cannot be withdrawn', r.payout_id using
            errcode = '23B82',
            detail = format('Payout %s, match %s.', r.payout, r.match),
            hint = 'Undo the match first, with undo_match.';
    end if;
    return null;
end;
$$;

comment on function bank.withdrawal_free() is
'Refuses that a payout is withdrawn and in a match that holds (23B82), whichever came first.';

create or replace function bank.match_post()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, bank, pg_temp
set enable_seqscan = off
set enable_nestloop = on
set jit = off
as $$
declare
    v_undo constant boolean := tg_table_name = 'match_undo';
begin
    if not exists (select from new_part) then
        return null;
    end if;
    -- No period closes until this has committed: which day is open is settled now, for good.
    perform books.begin_posting();
    insert into bank.match_posting (match, is_undo, organisation, posting_date, account, has_lines)
    select
        w.match, v_undo, w.organisation,
        greatest(
            coalesce(max(w.booked_on) over (partition by w.match), billig.local_time(clock_timestamp())::date),
            books.first_open_day(w.organisation)
        ),
        w.account,
        row_number() over (partition by w.match order by w.account nulls last, w.organisation) = 1
    from (
        select
            o.match, o.organisation,
            (array_agg(o.account order by o.entry) filter (where o.account is not null))[1] as account,
            max(o.booked_on) as booked_on
        from (
            select n.match, a.organisation, a.account, e.entry, e.booked_on
            from new_part as n
            inner join bank.match_entry as c on n.match = c.match and not c.is_release
            inner join bank.entry as e on c.entry = e.entry
            inner join bank.account as a on e.account = a.account
            union all
            select n.match, r.organisation, null, null, null
            from new_part as n
            inner join bank.match_expected as c on n.match = c.match and not c.is_release
            inner join bank.expected as x on c.expected = x.expected
            inner join bank.route as r on x.route = r.route
        ) as o
        where
            (not v_undo or exists (select from bank.match_approval as a where a.match = o.match))
            and not exists (
                select
                from bank.match_expected as c
                inner join bank.expected as x on c.expected = x.expected
                inner join bank.route as r on x.route = r.route
                where c.match = o.match and r.payment_method is null
            )
        group by o.match, o.organisation
    ) as w;
    return null;
end;
$$;

comment on function bank.match_post() is
'Settles on which day an approved match counts in the books, or one that is undone no longer does (bank.match_posting). No period closes until that has committed. 23B45: the clock is behind a closed period.';

create or replace trigger turn_keep
before update or delete or truncate on bank.turn
for each statement execute function bank.record_keep();
alter table bank.turn enable always trigger turn_keep;

create or replace trigger import_file_keep
before update or delete or truncate on bank.import_file
for each statement execute function bank.record_keep();
alter table bank.import_file enable always trigger import_file_keep;

create or replace trigger statement_keep
before delete or truncate on bank.statement
for each statement execute function bank.record_keep();
alter table bank.statement enable always trigger statement_keep;

create or replace trigger statement_entry_keep
before update or delete or truncate on bank.statement_entry
for each statement execute function bank.record_keep();
alter table bank.statement_entry enable always trigger statement_entry_keep;

create or replace trigger entry_keep
before delete or truncate on bank.entry
for each statement execute function bank.record_keep();
alter table bank.entry enable always trigger entry_keep;

create or replace trigger entry_detail_keep
before delete or truncate on bank.entry_detail
for each statement execute function bank.record_keep();
alter table bank.entry_detail enable always trigger entry_detail_keep;

create or replace function bank.reference_entry()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, bank, pg_temp
as $$
declare
    v_entry bigint;
begin
    select r.entry into v_entry
    from (select distinct n.entry from new_reference as n) as r
    where not exists (select from bank.entry as e where e.entry = r.entry)
    limit 1;
    if found then
        raise exception 'a reference of no entry' using
            errcode = '23503',
            detail = format('Entry %s.', v_entry),
            hint = 'References are loaded with their entries, by load_import.';
    end if;
    return null;
end;
$$;

comment on function bank.reference_entry() is
'Refuses references of an entry that is not there (23503); entries never go away.';

create or replace trigger entry_reference_entry
after insert on bank.entry_reference
referencing new table as new_reference
for each statement execute function bank.reference_entry();
alter table bank.entry_reference enable always trigger entry_reference_entry;

create or replace trigger entry_reference_keep
before update or delete or truncate on bank.entry_reference
for each statement execute function bank.record_keep();
alter table bank.entry_reference enable always trigger entry_reference_keep;

create or replace trigger import_left_out_keep
before update or delete or truncate on bank.import_left_out
for each statement execute function bank.record_keep();
alter table bank.import_left_out enable always trigger import_left_out_keep;

create or replace trigger expected_keep
before update or delete or truncate on bank.expected
for each statement execute function bank.record_keep();
alter table bank.expected enable always trigger expected_keep;

create or replace trigger expected_line_keep
before update or delete or truncate on bank.expected_line
for each statement execute function bank.record_keep();
alter table bank.expected_line enable always trigger expected_line_keep;

create or replace trigger expected_owed_keep
before update or delete or truncate on bank.expected_owed
for each statement execute function bank.record_keep();
alter table bank.expected_owed enable always trigger expected_owed_keep;

create or replace trigger expected_loss_keep
before update or delete or truncate on bank.expected_loss
for each statement execute function bank.record_keep();
alter table bank.expected_loss enable always trigger expected_loss_keep;

create or replace trigger match_keep
before update or delete or truncate on bank.match
for each statement execute function bank.record_keep();
alter table bank.match enable always trigger match_keep;

create or replace trigger match_entry_keep
before update or delete or truncate on bank.match_entry
for each statement execute function bank.record_keep();
alter table bank.match_entry enable always trigger match_entry_keep;

create or replace trigger match_expected_keep
before update or delete or truncate on bank.match_expected
for each statement execute function bank.record_keep();
alter table bank.match_expected enable always trigger match_expected_keep;

create or replace trigger match_line_keep
before update or delete or truncate on bank.match_line
for each statement execute function bank.record_keep();
alter table bank.match_line enable always trigger match_line_keep;

create or replace trigger match_approval_keep
before update or delete or truncate on bank.match_approval
for each statement execute function bank.record_keep();
alter table bank.match_approval enable always trigger match_approval_keep;

create or replace trigger match_undo_keep
before update or delete or truncate on bank.match_undo
for each statement execute function bank.record_keep();
alter table bank.match_undo enable always trigger match_undo_keep;

create or replace trigger payout_keep
before update or delete or truncate on bank.payout
for each statement execute function bank.record_keep();
alter table bank.payout enable always trigger payout_keep;

create or replace trigger payout_withdrawal_keep
before update or delete or truncate on bank.payout_withdrawal
for each statement execute function bank.record_keep();
alter table bank.payout_withdrawal enable always trigger payout_withdrawal_keep;

create or replace trigger payout_withdrawal_free
after insert on bank.payout_withdrawal
referencing new table as new_part
for each statement execute function bank.withdrawal_free();
alter table bank.payout_withdrawal enable always trigger payout_withdrawal_free;

create or replace trigger match_payout
after insert on bank.match
referencing new table as new_part
for each statement execute function bank.withdrawal_free();
alter table bank.match enable always trigger match_payout;

create or replace trigger payout_line_keep
before update or delete or truncate on bank.payout_line
for each statement execute function bank.record_keep();
alter table bank.payout_line enable always trigger payout_line_keep;

create or replace trigger match_balance
after insert on bank.match
referencing new table as new_part
for each statement execute function bank.match_balance();
alter table bank.match enable always trigger match_balance;

create or replace trigger match_entry_balance
after insert on bank.match_entry
referencing new table as new_part
for each statement execute function bank.match_balance();
alter table bank.match_entry enable always trigger match_entry_balance;

create or replace trigger match_expected_balance
after insert on bank.match_expected
referencing new table as new_part
for each statement execute function bank.match_balance();
alter table bank.match_expected enable always trigger match_expected_balance;

create or replace trigger match_line_balance
after insert on bank.match_line
referencing new table as new_part
for each statement execute function bank.match_balance();
alter table bank.match_line enable always trigger match_line_balance;

create or replace trigger match_approval_post
after insert on bank.match_approval
referencing new table as new_part
for each statement execute function bank.match_post();
alter table bank.match_approval enable always trigger match_approval_post;

create or replace trigger match_undo_post
after insert on bank.match_undo
referencing new table as new_part
for each statement execute function bank.match_post();
alter table bank.match_undo enable always trigger match_undo_post;

create or replace trigger match_posting_keep
before update or delete or truncate on bank.match_posting
for each statement execute function bank.record_keep();
alter table bank.match_posting enable always trigger match_posting_keep;
