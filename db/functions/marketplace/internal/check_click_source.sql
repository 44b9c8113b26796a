create or replace function marketplace.check_click_source(p_source text)
returns void
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_first marketplace.click_source;
begin
    select * into v_first from marketplace.click_source as s where s.source = p_source;
    if found then
        raise exception 'a source of this name held other clicks' using
            errcode = '23B13',
            detail = format('Source %L, %s clicks, recorded %s.', p_source, v_first.clicks, v_first.recorded_at),
            hint = 'If this is the same file, corrected: load only the lines that were rejected. Other clicks need another name.';
    end if;
end;
$$;

comment on function marketplace.check_click_source(text) is 'Refuses a file''s name that clicks were recorded under before: 23B13.';
