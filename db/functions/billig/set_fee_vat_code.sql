create or replace function billig.set_fee_vat_code(p_event int, p_vat_code int, p_source text)
returns int
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
as $$
begin
    perform books.check_text('p_source', p_source);
    if
        (p_vat_code is null) <> (coalesce(p_source, '') !~ '[^[:space:]]')
        or p_vat_code is not null and not exists (select from books.vat_code as v where v.vat_code = p_vat_code)
    then
        raise exception 'a VAT code of a fee is one of the codes, with its source' using
            errcode = '22023',
            detail = format('VAT code %s, source %L.', coalesce(p_vat_code::text, 'null'), p_source),
            hint = format(
                'Say in p_source what it rests on: a ruling, a letter, a paragraph. Codes: %s; null, without a source: that of the ticket.',
                (select string_agg(v.vat_code::text, ', ' order by v.vat_code) from books.vat_code as v)
            );
    end if;
    update billig.event as e
    set ticket_fee_vat_code = p_vat_code, ticket_fee_vat_source = nullif(btrim(p_source), '')
    where e.event = p_event;
    if not found then
        raise exception 'no such event' using
            errcode = 'P0002',
            detail = format('Event %s.', coalesce(p_event::text, 'null')),
            hint = 'Events stand in billig.event.';
    end if;
    return p_event;
end;
$$;

comment on function billig.set_fee_vat_code(int, int, text) is
'Sets the VAT code of an event''s fee, and what that rests on (p_source): a ruling, a letter, a paragraph. p_vat_code null, and no source: that of the ticket, as for every event at first. Holds for what is sold from now on, and for changes of price group; tickets that are sold keep theirs. Returns the event. 22023: no such code, a code without a source, or a source without a code; P0002 no such event.';
