-- What banks wrote of people is the only thing of theirs that changes: it goes, once, when it need not be kept any more.

create or replace function bank.text_keep()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, bank, pg_temp
as $$
declare
    v_left jsonb := to_jsonb(old);
    v_until date;
begin
    -- What is left of a row that is erased: any other change is none.
    if tg_table_name = 'statement' then
        v_left := v_left || '{"more": null}';
        v_until := books.kept_until((v_left ->> 'to_day')::date);
    else
        v_left := v_left || jsonb_build_object(
            'more', bank.nameless(v_left -> 'more'),
            case tg_table_name when 'entry' then 'entry_text' else 'detail_text' end, ''
        );
        v_until := bank.entry_kept_until((v_left ->> 'entry')::bigint);
    end if;
    -- has_place is reckoned after this; what it is reckoned from is compared.
    if to_jsonb(new) - 'has_place' <> v_left - 'has_place' then
        raise exception 'rows of %.% are never changed', tg_table_schema, tg_table_name using
            errcode = '23B84',
            detail = 'UPDATE was tried, of more than its texts.',
            hint = 'Texts alone are erased, by bank.erase_texts, when they need not be kept any more.';
    elsif v_until >= billig.local_time(clock_timestamp())::date then
        raise exception 'texts of %.% are still to be kept', tg_table_schema, tg_table_name using
            errcode = '23B98',
            detail = format('Until %s (books.retention).', v_until),
            hint = 'The job bank_texts erases them after that.';
    end if;
    return new;
end;
$$;

comment on function bank.text_keep() is
'Refuses to change an entry, a payment in it or a statement (23B84), but for its texts, which are erased when they need not be kept any more; before, that is refused, too (23B98).';

create or replace trigger entry_text
before update on bank.entry
for each row execute function bank.text_keep();
alter table bank.entry enable always trigger entry_text;

create or replace trigger entry_detail_text
before update on bank.entry_detail
for each row execute function bank.text_keep();
alter table bank.entry_detail enable always trigger entry_detail_text;

create or replace trigger statement_text
before update on bank.statement
for each row execute function bank.text_keep();
alter table bank.statement enable always trigger statement_text;
