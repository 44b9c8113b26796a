create or replace function marketplace.check_click_names(p_names text[], p_clickers text[], p_clicks bigint)
returns void
language plpgsql immutable
set search_path = pg_catalog, marketplace, pg_temp
as $$
begin
    if
        p_names is not null and (
            cardinality(p_names) <> p_clicks
            or exists (select from unnest(p_names) as n (name) where btrim(n.name) = '' or length(n.name) > 200)
            or (select count(n.name) <> count(distinct n.name) from unnest(p_names) as n (name))
        )
    then
        raise exception 'each click has a name of its own, or none' using
            errcode = '22023',
            detail = format('%s clicks, p_click_names has %s.', p_clicks, cardinality(p_names)),
            hint = 'As many names as clicks, each once, at most 200 characters; null: that one has none.';
    end if;
    if
        p_clickers is not null and (
            cardinality(p_clickers) <> p_clicks
            or exists (select from unnest(p_clickers) as k (clicker) where k.clicker !~ '^[0-9a-f]{16,128}$')
        )
    then
        raise exception 'who clicked is told as a hash' using
            errcode = '22023',
            detail = format('%s clicks, p_clickers has %s.', p_clicks, cardinality(p_clickers)),
            hint = 'As many as clicks, each 16 to 128 hexadecimal digits in lower case, such as encode(sha256(...), ''hex''); null: not told. No addresses.';
    end if;
end;
$$;

comment on function marketplace.check_click_names(text[], text[], bigint) is
'Refuses (22023) names of clicks that are not each one''s own, and clickers that are no hashes. For record_clicks alone. May be null: p_names, p_names[], p_clickers, p_clickers[].';
