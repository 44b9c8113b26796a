-- Whose an advertisement is stays: clicks copy it, and it is part of their key. A website is moved by its moves. Who a profile logs in as is
-- the database's owner's to say.

create or replace function marketplace.owner_keep()
returns trigger
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
begin
    raise exception 'what has clicks keeps its key and its owner' using
        errcode = '23B20',
        detail = format('%s: %s to %s.', tg_table_name, to_jsonb(old), to_jsonb(new)),
        hint = 'Make another one, of the other profile.';
end;
$$;

comment on function marketplace.owner_keep() is
'Refuses (23B20) another key for a profile, and another key or owner for an advertisement, of whoever saves the row.';

create or replace function marketplace.website_keep()
returns trigger
language plpgsql security definer -- the site, which saves whole rows, reads no moves
set search_path = pg_catalog, marketplace, pg_temp
as $$
begin
    -- The last move that stands says whose it is; where none does, the first one says whose it was.
    if new.website <> old.website or new.profile is distinct from coalesce(
        (
            select m.profile from marketplace.website_move as m
            where m.website = old.website and m.undone_at is null
            order by m.moved_from desc
            limit 1
        ),
        (
            select m.from_profile from marketplace.website_move as m
            where m.website = old.website
            order by m.website_move
            limit 1
        )
    ) then
        raise exception 'a website keeps its key, and its owner until it is moved' using
            errcode = '23B20',
            detail = format('Website %s of profile %s to %s of %s.', old.website, old.profile, new.website, new.profile),
            hint = 'marketplace.move_website moves it, from a moment on, for the bookkeeper.';
    end if;
    return new;
end;
$$;

comment on function marketplace.website_keep() is
'Refuses (23B20) another key for a website, and another owner than its moves say (marketplace.website_move), of whoever saves the row.';

create or replace function marketplace.login_role_keep()
returns trigger
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
begin
    if not pg_has_role(current_user, 'pybridge_owner', 'usage') then
        raise exception 'who a profile logs in as is not for the site to say' using
            errcode = '42501',
            detail = format('Profile %s, login_role %L.', new.profile, new.login_role),
            hint = 'Leave login_role as it is, null in a new profile; the database''s owner sets it.';
    end if;
    return new;
end;
$$;

comment on function marketplace.login_role_keep() is
'Refuses (42501) a login role of a profile from everybody but the database''s owner: who saves a whole row saves it as it is.';

create or replace trigger profile_keep
before update on marketplace.profile
for each row when (old.profile <> new.profile)
execute function marketplace.owner_keep();
alter table marketplace.profile enable always trigger profile_keep;

create or replace trigger profile_login_role_insert
before insert on marketplace.profile
for each row when (new.login_role is not null)
execute function marketplace.login_role_keep();
alter table marketplace.profile enable always trigger profile_login_role_insert;

create or replace trigger profile_login_role_update
before update on marketplace.profile
for each row when (old.login_role is distinct from new.login_role)
execute function marketplace.login_role_keep();
alter table marketplace.profile enable always trigger profile_login_role_update;

create or replace trigger advertisement_keep
before update on marketplace.advertisement
for each row when (old.advertisement <> new.advertisement or old.profile <> new.profile)
execute function marketplace.owner_keep();
alter table marketplace.advertisement enable always trigger advertisement_keep;

create or replace trigger website_keep
before update on marketplace.website
for each row when (old.website <> new.website or old.profile <> new.profile)
execute function marketplace.website_keep();
alter table marketplace.website enable always trigger website_keep;
