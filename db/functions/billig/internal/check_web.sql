create or replace function billig.check_web()
returns void
language plpgsql stable
as $$
begin
    if not pg_has_role(session_user, 'billig_web', 'usage') then
        raise exception 'only the web may do this without a seller' using
            errcode = '42501',
            detail = format('Role %I is not a member of billig_web.', session_user),
            hint = 'Pass p_seller, or log in as the web.';
    end if;
end;
$$;

comment on function billig.check_web() is 'Refuses (42501) any role that is not a member of billig_web: what is done with no seller is the web''s.';
