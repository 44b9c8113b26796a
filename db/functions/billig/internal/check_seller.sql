create or replace function billig.check_seller(p_seller text)
returns text
language plpgsql
as $$
begin
    if coalesce(p_seller, '') = '' then
        raise exception 'a seller is needed' using
            errcode = '22023',
            detail = 'p_seller is null or empty.',
            hint = 'Pass the user name of the person who does this.';
    end if;
    if not pg_has_role(session_user, 'billig_seller', 'usage') then
        raise exception 'only sellers may do this' using
            errcode = '42501',
            detail = format('Role %I is not a member of billig_seller.', session_user),
            hint = 'Ask for membership of billig_seller.';
    end if;
    if not billig.acts_for(p_seller) then
        raise exception 'a seller acts in their own name' using
            errcode = '42501',
            detail = format('Logged in as %I, p_seller is %L.', session_user, p_seller),
            hint = 'Log in as that seller, or register the application in billig.service_role.';
    end if;
    return billig.seller_name(case when lower(p_seller) = lower(session_user) then session_user else p_seller end);
end;
$$;

comment on function billig.check_seller(text) is
'The name to store for p_seller (billig.seller_name), which must be the login role itself, unless that is a registered service or a superuser. 22023: none named; 42501: not allowed.';
