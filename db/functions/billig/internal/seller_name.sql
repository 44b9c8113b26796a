create or replace function billig.seller_name(p_name text)
returns text
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
declare
    v_login constant boolean := p_name = session_user;
    v_known billig.seller;
    v_name text;
begin
    select * into v_known from billig.seller as s where lower(s.seller) = lower(p_name);
    if found and (not v_login or v_known.seller = p_name) then
        return v_known.seller;
    end if;
    if found then -- a login role is named as itself, whatever others called it before
        if v_known.registered_at is null then
            update billig.seller as s
            set seller = p_name, registered_at = clock_timestamp(), registered_by = session_user
            where s.seller = v_known.seller;
        end if;
        return p_name;
    end if;

    select r.rolname into v_name
    from pg_roles as r
    where lower(r.rolname) = lower(p_name) and r.rolcanlogin
    order by r.rolname = p_name desc, r.rolname
    limit 1;
    insert into billig.seller (seller, registered_at, registered_by)
    values (
        coalesce(v_name, p_name), case when v_name is not null then clock_timestamp() end,
        case when v_name is not null then session_user end
    )
    on conflict do nothing;
    return (select s.seller from billig.seller as s where lower(s.seller) = lower(p_name));
end;
$$;

comment on function billig.seller_name(text) is
'What to store for somebody who sells or refunds: the name as billig.seller has it, whatever its case; a login role is named as itself. A name that is not there yet is added, registered if it is a login role''s.';
