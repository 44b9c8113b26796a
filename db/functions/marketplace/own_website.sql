create or replace function marketplace.own_website()
returns table (
    website bigint, website_name text
)
language sql stable security definer
set search_path = pg_catalog, marketplace, pg_temp
begin atomic
    select w.website, w.website_name::text
    from marketplace.website as w
    where w.profile = (select marketplace.own_profile());
end;

comment on function marketplace.own_website() is
'A profile''s own websites. The profile is who logged in (marketplace.own_profile); of any other, nothing.';
