-- Whose a website was: a move begins after what is charged, and after the one before it; undone once, else never changed.

create or replace function marketplace.website_move_keep()
returns trigger
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_until timestamptz;
begin
    if tg_op = 'UPDATE' and marketplace.erases(to_jsonb(old), to_jsonb(new)) then
        return new;
    end if;
    if tg_op = 'UPDATE' and (
        old.undone_at is not null or new.undone_at is null
        or (new.website_move, new.website, new.from_profile, new.profile, new.moved_from, new.reason, new.made_at, new.made_by)
        is distinct from
        (old.website_move, old.website, old.from_profile, old.profile, old.moved_from, old.reason, old.made_at, old.made_by)
    ) then
        raise exception 'a move is undone, and never changed' using
            errcode = '23B62',
            detail = format('Move %s of website %s.', old.website_move, old.website),
            hint = 'undo_website_move undoes it; move_website makes another.';
    end if;
    -- No update links clicks meanwhile; the website's row keeps two moves of it apart.
    select marketplace.linked_until(m.month) into v_until
    from marketplace.month as m
    where m.closed_at is null
    for update;
    perform from marketplace.website as w where w.website = new.website for no key update;
    if new.moved_from < v_until then
        raise exception 'clicks from then on are charged already' using
            errcode = '23B59',
            detail = format('Website %s, from %s; clicks until %s are.', new.website, new.moved_from, v_until),
            hint = case tg_op
                when 'INSERT' then format('select marketplace.move_website(%s, %s, %L); moves it from now on.',
                    new.website, new.profile, new.reason)
                else format('select marketplace.move_website(%s, %s, %L); moves it back from now on.',
                    new.website, new.from_profile, new.undo_reason)
            end;
    end if;
    if exists (
        select from marketplace.website_move as m
        where
            m.website = new.website and m.undone_at is null and m.website_move <> new.website_move
            and m.moved_from >= new.moved_from
    ) then
        raise exception 'the website was moved since' using
            errcode = '23B59',
            detail = format('Website %s, from %s.', new.website, new.moved_from),
            hint = format('select * from marketplace.website_move where website = %s; the last one is undone first.', new.website);
    end if;
    if tg_op = 'UPDATE' then
        return new;
    end if;
    if new.moved_from > greatest(new.made_at, v_until) then
        raise exception 'a website is moved when it is' using
            errcode = '22023',
            detail = format('Website %s, from %s; now is %s.', new.website, new.moved_from, new.made_at),
            hint = 'From now on, or from a moment since the last update; not in the future.';
    end if;
    select w.profile into new.from_profile from marketplace.website as w where w.website = new.website;
    if
        new.from_profile = new.profile
        or exists (select from marketplace.account_closing as k where k.profile = new.profile and k.reopened_at is null)
    then
        raise exception 'a website is moved to another, who has not left' using
            errcode = '23B59',
            detail = format('Website %s of profile %s, to profile %s.', new.website, new.from_profile, new.profile),
            hint = 'select * from marketplace.account_closing where reopened_at is null; shows who has left.';
    end if;
    return new;
end;
$$;

comment on function marketplace.website_move_keep() is
'A website is moved to another profile, who has not left, from after its last move, and from when no click is charged yet (23B59; 22023 in the future), and undone on the same terms, once; else a move never changes (23B62). Says whose it was.';

create or replace function marketplace.website_move_follow()
returns trigger
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
begin
    if tg_op = 'INSERT' or old.undone_at is null and new.undone_at is not null then
        update marketplace.website as w
        set profile = case tg_op when 'INSERT' then new.profile else new.from_profile end
        where w.website = new.website;
    end if;
    return null;
end;
$$;

comment on function marketplace.website_move_follow() is 'The website is whose its last move says.';

create or replace trigger website_move_keep
before insert or update on marketplace.website_move
for each row execute function marketplace.website_move_keep();
alter table marketplace.website_move enable always trigger website_move_keep;

create or replace trigger website_move_follow
after insert or update on marketplace.website_move
for each row execute function marketplace.website_move_follow();
alter table marketplace.website_move enable always trigger website_move_follow;

create or replace trigger website_move_delete
before delete or truncate on marketplace.website_move
for each statement execute function marketplace.record_keep();
alter table marketplace.website_move enable always trigger website_move_delete;
