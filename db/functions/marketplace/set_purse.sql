create or replace function marketplace.set_purse(p_gateway text, p_purse text)
returns void
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
begin
    perform books.check_text('p_gateway', p_gateway, 'p_purse', p_purse);
    if p_purse is null or p_purse !~ '^[a-z0-9][a-z0-9 _-]{0,39}$' then
        raise exception 'a purse needs a name' using
            errcode = '22023',
            detail = format('Purse %L.', p_purse),
            hint = 'At most 40 of a to z, 0 to 9, space, _ and -, the first a letter or digit.';
    end if;
    perform from marketplace.gateway as g where g.gateway = p_gateway for update;
    if not found then
        raise exception 'no such gateway' using
            errcode = 'P0002',
            detail = format('Gateway %L.', p_gateway),
            hint = 'They are in marketplace.gateway.';
    end if;
    insert into marketplace.purse (purse) values (p_purse) on conflict (purse) do nothing;
    update marketplace.gateway as g set purse = p_purse where g.gateway = p_gateway;
end;
$$;

comment on function marketplace.set_purse(text, text) is
'From now on a gateway''s charges come into this purse, and its payouts leave it; a new one is made. What is there already is moved by transfer; attempts that exist keep theirs. 22023; P0002 no such gateway.';
