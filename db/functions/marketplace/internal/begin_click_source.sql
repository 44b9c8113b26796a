create or replace function marketplace.begin_click_source(p_source text, p_content_sha256 bytea, p_clicks bigint)
returns bigint
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_first marketplace.click_source;
begin
    insert into marketplace.click_source (source, content_sha256, clicks)
    values (p_source, p_content_sha256, p_clicks)
    on conflict do nothing;
    if found then
        return null;
    end if;
    select * into v_first from marketplace.click_source as s where s.source = p_source;
    if v_first.content_sha256 <> p_content_sha256 then
        raise exception 'a source of this name held other clicks' using
            errcode = '23B13',
            detail = format('Source %L, %s clicks, recorded %s.', p_source, v_first.clicks, v_first.recorded_at),
            hint = 'Other clicks need another name.';
    end if;
    return v_first.clicks;
end;
$$;

comment on function marketplace.begin_click_source(text, bytea, bigint) is
'Names a batch of clicks, so that the same one sent again records nothing more. Null: the name is new; else how many clicks it had. 23B13: the source held other clicks. May be null: the result.';
