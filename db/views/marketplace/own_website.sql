create or replace view marketplace.own_website as
select
    o.website,
    o.website_name
from marketplace.own_website() as o;

comment on view marketplace.own_website is
'A profile''s own websites. The profile is who logged in (marketplace.own_profile); of any other, nothing. The function of the same name shows it, with the rights of the owner: EXPLAIN of a table would count what a policy hides.';
