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
-- By index, whatever the statistics: the tables may have been empty when they were last looked at.
set enable_seqscan = off
set enable_nestloop = on
set jit = off
as $$
declare
    r record;
begin
    select b.match, b.entries, b.expected, b.lines into r
    from (select distinct n.match from new_part as n) as d
    inner join bank.balance as b on d.match = b.match
    where b.entries <> b.expected + b.lines or b.parts = 0 or b.currency is not null
    order by b.match
    limit 1;
    if found then
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

create or replace trigger import_file_keep
before update or delete or truncate on bank.import_file
for each statement execute function bank.record_keep();
alter table bank.import_file enable always trigger import_file_keep;

create or replace trigger statement_keep
before update or delete or truncate on bank.statement
for each statement execute function bank.record_keep();
alter table bank.statement enable always trigger statement_keep;

create or replace trigger statement_entry_keep
before update or delete or truncate on bank.statement_entry
for each statement execute function bank.record_keep();
alter table bank.statement_entry enable always trigger statement_entry_keep;

create or replace trigger entry_keep
before update or delete or truncate on bank.entry
for each statement execute function bank.record_keep();
alter table bank.entry enable always trigger entry_keep;

create or replace trigger entry_detail_keep
before update or delete or truncate on bank.entry_detail
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

create or replace trigger released_entry_keep
before update or delete or truncate on bank.released_entry
for each statement execute function bank.record_keep();
alter table bank.released_entry enable always trigger released_entry_keep;

create or replace trigger released_expected_keep
before update or delete or truncate on bank.released_expected
for each statement execute function bank.record_keep();
alter table bank.released_expected enable always trigger released_expected_keep;

create or replace trigger payout_keep
before update or delete or truncate on bank.payout
for each statement execute function bank.record_keep();
alter table bank.payout enable always trigger payout_keep;

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
