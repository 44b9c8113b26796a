-- as: deployer
-- The group of the roles that profiles log in with; 0010-marketplace names it in its policies.
do $$
begin
    if not exists (select from pg_roles where rolname = 'marketplace_profile') then
        begin
            create role marketplace_profile nologin;
            comment on role marketplace_profile is
            'Profiles of the marketplace that log in to the database themselves, each with a role of its own: see only what is theirs';
        exception
            when duplicate_object or unique_violation then null;
        end;
    end if;
end;
$$;
