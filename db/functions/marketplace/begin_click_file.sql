create or replace function marketplace.begin_click_file(p_source text, p_content_sha256 bytea)
returns table (source text, clicks bigint, recorded_at timestamptz)
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_table text;
begin
    perform books.check_text('p_source', p_source);
    if p_source is null or p_source = '' or p_content_sha256 is null or length(p_content_sha256) <> 32 then
        raise exception 'a file of clicks needs a name, and the SHA-256 of its content' using
            errcode = '22023',
            detail = format('Name %L.', p_source),
            hint = 'For example its file name, and 32 bytes.';
    end if;
    -- Two loads of one content: the second waits here for the first, before it copies anything.
    perform from marketplace.turn as t where t.turn = 'FILE ' || encode(substring(p_content_sha256 for 1), 'hex') for update;
    return query
    select s.source::text, s.clicks, s.recorded_at
    from marketplace.click_source as s
    where s.is_file and s.content_sha256 = p_content_sha256;
    if found then
        return;
    end if;
    perform marketplace.check_click_source(p_source);

    -- Made here, so that they are the owner's: load_clicks would run whatever a view of the caller's did.
    foreach v_table in array array['click_file_line', 'click_file_problem'] loop
        execute format('create temporary table %I (like marketplace.%I) on commit drop', v_table, v_table);
        execute format('grant select, insert on pg_temp.%I to %I', v_table, session_user);
    end loop;
end;
$$;

comment on function marketplace.begin_click_file(text, bytea) is
'Begins to load a file of clicks: makes the temporary table click_file_line, empty, for the caller to COPY the file''s lines into and then call load_clicks, in the same transaction. Returns a row, and makes no table, where that content was loaded before, under whatever name; waits for a load of the same content. 22023; 55P03 that takes long; 23B13 the name belongs to other clicks.';
