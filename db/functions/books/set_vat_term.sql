create or replace function books.set_vat_term(
    p_vat_code int, p_term text, p_source text, p_event_type text default null, p_valid_from date default null
)
returns date
language plpgsql security definer
set search_path = pg_catalog, books, pg_temp
as $$
declare
    v_valid_from constant date := coalesce(p_valid_from, billig.local_time(clock_timestamp())::date);
    v_type int;
    v_first_open date;
begin
    perform books.check_text('p_term', p_term, 'p_source', p_source, 'p_event_type', p_event_type);
    perform books.check_day('p_valid_from', p_valid_from);
    if p_term is null or p_term not in ('SALE', 'DELIVERY') or coalesce(p_source, '') = '' then
        raise exception 'VAT belongs to the term of the SALE or of the DELIVERY, for a reason' using
            errcode = '22023',
            detail = format('Term %L, source %L, valid from %s.', p_term, p_source, v_valid_from),
            hint = 'Say in p_source what it rests on: a paragraph, a letter, your accountant''s word.';
    end if;
    select t.event_type into v_type from billig.event_type as t where t.event_type_name = p_event_type;
    if (p_event_type is not null and v_type is null)
        or not exists (select from books.vat_code as v where v.vat_code = p_vat_code)
    then
        raise exception 'no such VAT code or type of event' using
            errcode = 'P0002',
            detail = format('VAT code %s, type of event %L.', coalesce(p_vat_code::text, 'null'), p_event_type),
            hint = format('Codes: %s. Types: %s.',
                (select string_agg(v.vat_code::text, ', ' order by v.vat_code) from books.vat_code as v),
                (select string_agg(t.event_type_name, ', ' order by t.event_type) from billig.event_type as t));
    end if;
    -- A period that is being closed waits for this, or this for it; what closed meanwhile must be seen.
    perform billig.need_read_committed();
    lock table books.accounting_period in share mode;
    v_first_open := books.first_open_day();
    if v_valid_from < v_first_open then
        raise exception 'the vouchers of a closed period stay as they are' using
            errcode = '22023',
            detail = format('Valid from %s; the first open day is %s.', v_valid_from, v_first_open),
            hint = 'Let it apply from an open day on.';
    end if;
    insert into books.vat_term as t (vat_code, event_type, valid_from, term, source)
    values (p_vat_code, v_type, v_valid_from, p_term, p_source)
    on conflict on constraint vat_term_key do update
    set term = excluded.term, source = excluded.source, set_by = session_user, set_at = clock_timestamp();
    return v_valid_from;
end;
$$;

comment on function books.set_vat_term(int, text, text, text, date) is
'Says which VAT term what is sold under a VAT code belongs to, of a type of event (by name; null: of any that has none of its own), from a day of sale on (today, if none is given): SALE, the day of the sale, where documents before delivery are allowed, or DELIVERY, the event''s day. p_source: what that rests on. What was sold before keeps its term. Returns the first day. 22023: another term, no source, or a day in a closed period; P0002: no such VAT code or type of event. May be null: p_event_type.';
