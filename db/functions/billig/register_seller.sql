create or replace function billig.register_seller(p_seller text)
returns void
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
as $$
begin
    perform books.check_text('p_seller', p_seller);
    if coalesce(p_seller, '') = '' then
        raise exception 'a seller is needed' using
            errcode = '22023',
            detail = 'p_seller is null or empty.',
            hint = 'Pass the user name, as it is to be stored.';
    end if;
    if exists (select from pg_roles as r where lower(r.rolname) = lower(p_seller) and not r.rolcanlogin) then
        raise exception 'a role that cannot log in sells nothing' using
            errcode = '22023',
            detail = format('Role %I is a group, or may not log in.', p_seller),
            hint = 'Name the person: by their login role, which needs no registering, or by another name.';
    end if;
    insert into billig.seller as s (seller, registered_at, registered_by)
    values (p_seller, clock_timestamp(), session_user)
    on conflict (lower(seller)) do update
    set seller = excluded.seller, registered_at = clock_timestamp(), registered_by = session_user;
end;
$$;

comment on function billig.register_seller(text) is
'Registers somebody who sells or refunds under a legacy name or through a service: from now on the name is stored as it is written here, whatever case a client writes. Login roles need it not. 22023: no name, or that of a role that cannot log in.';
