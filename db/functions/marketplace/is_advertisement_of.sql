create or replace function marketplace.is_advertisement_of(p_advertisement bigint, p_profile bigint)
returns boolean
language sql stable parallel safe security definer
set search_path = pg_catalog, marketplace, pg_temp
return exists (
    select from marketplace.advertisement as a where a.advertisement = p_advertisement and a.profile = p_profile
);

comment on function marketplace.is_advertisement_of(bigint, bigint) is
'Whether an advertisement is this profile''s: the policy ad_click_site asks it of the site''s own INSERTs, since nobody pays for clicks on what is another''s.';
