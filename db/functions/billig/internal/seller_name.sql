create or replace function billig.seller_name(p_name text)
returns text
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
declare
    v_known billig.seller;
    v_login text;
begin
    if p_name is null or exists (select from pg_roles as r where r.rolname = p_name and r.rolcanlogin) then
        return p_name; -- a login role is itself; a group of them is nobody
    end if;
    select * into v_known from billig.seller as s where lower(s.seller) = lower(p_name);
    if v_known.registered_at is not null then
        return v_known.seller;
    end if;
    -- Not registered, or not here yet: a login role in another case, perhaps.
    select r.rolname into v_login from pg_roles as r where lower(r.rolname) = lower(p_name) and r.rolcanlogin order by r.rolname limit 1;
    if v_login is not null then
        return v_login;
    end if;
    if v_known.seller is null then
        insert into billig.seller (seller) values (p_name) on conflict do nothing;
        select * into v_known from billig.seller as s where lower(s.seller) = lower(p_name);
    end if;
    return v_known.seller;
end;
$$;

comment on function billig.seller_name(text) is
'What to store for somebody who sells or refunds: a login role by its own name, else the name as billig.seller has it, whatever case it is given in. A name that is neither is added there, as not registered; whoever names it at the same time waits for that. May be null: p_name, the result.';
