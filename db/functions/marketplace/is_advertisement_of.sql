create or replace function marketplace.is_advertisement_of(p_advertisement bigint, p_profile bigint)
returns boolean
language plpgsql stable parallel safe security definer
set search_path = pg_catalog, marketplace, pg_temp
-- As text, which nothing follows: each node that has clicks has this function, and not the advertisements. There it takes
-- the click; it is never charged, since an update fills none on what is another's, and verify_month says so.
as $$
begin
    if to_regclass('marketplace.advertisement') is null then
        return true; -- by a statement of its own: the other could not even be read
    end if;
    return exists (
        select from marketplace.advertisement as a where a.advertisement = p_advertisement and a.profile = p_profile
    );
end;
$$;

comment on function marketplace.is_advertisement_of(bigint, bigint) is
'Whether an advertisement is this profile''s: the policy ad_click_site asks it of the site''s own INSERTs, since nobody pays for clicks on what is another''s.';
