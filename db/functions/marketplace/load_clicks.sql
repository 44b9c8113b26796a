create or replace function marketplace.load_clicks(
    p_source text, p_content_sha256 bytea, p_now timestamptz default null
)
returns table (source text, clicks bigint, rejected bigint, recorded_at timestamptz, is_new boolean)
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_tables int;
    v_lines bigint;
begin
    perform books.check_text('p_source', p_source);
    p_now := jobs.server_time(p_now);
    select count(*) into v_tables
    from pg_class as c
    where
        c.relnamespace = pg_my_temp_schema() and c.relname in ('click_file_line', 'click_file_problem')
        and c.relkind = 'r' and c.relowner = current_user::regrole;
    if
        v_tables <> 2 or p_source is null or p_source = ''
        or p_content_sha256 is null or length(p_content_sha256) <> 32
    then
        raise exception 'a file of clicks is loaded after begin_click_file, in its transaction' using
            errcode = '22023',
            detail = format('Name %L.', p_source),
            hint = 'begin_click_file, COPY into click_file_line, load_clicks; then commit.';
    end if;

    insert into marketplace.click_source as s (source, content_sha256, clicks, is_file)
    values (p_source, p_content_sha256, 0, true)
    on conflict do nothing
    returning s.recorded_at into recorded_at;
    if not found then
        return query
        select s.source::text, s.clicks, 0::bigint, s.recorded_at, false
        from marketplace.click_source as s
        where s.is_file and s.content_sha256 = p_content_sha256;
        if not found then
            perform marketplace.check_click_source(p_source);
        end if;
        return;
    end if;

    select t.lines, t.clicks into v_lines, clicks from marketplace.take_click_lines(p_source, p_now) as t;
    source := p_source;
    rejected := v_lines - clicks;
    is_new := clicks > 0;
    if is_new then
        update marketplace.click_source as s set clicks = load_clicks.clicks where s.source = p_source;
    else
        delete from marketplace.click_source as s where s.source = p_source;
    end if;
    return next;
end;
$$;

comment on function marketplace.load_clicks(text, bytea, timestamptz) is
'Loads what is in the temporary table click_file_line (begin_click_file): every proper line becomes a click, with publisher, price and commission as they were at its time; of every other one, what is wrong is written to the temporary table click_file_problem. p_source: the file''s name, which its clicks bear; p_content_sha256: of its content, loaded once. is_new is false where it had been loaded before, and where no line was proper: then nothing was loaded. Clicks are from the last two years until a day from p_now (marketplace.click_window). 22023; 23B13 the name belongs to other clicks; 42501 prices are the bookkeeper''s and the scheduler''s to say.';
