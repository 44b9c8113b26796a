-- What a click cost is not the site's to say afterwards: a price that began in the past would be that of clicks that were
-- made, and are not filled yet.

create or replace function marketplace.advertisement_price_site()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
as $$
begin
    if pg_has_role(session_user, 'pybridge_owner', 'usage') or exists (select from deploy.test_clock) then
        return new;
    end if;
    if new.valid_from < now() - interval '1 minute' then
        raise exception 'a price does not begin in the past' using
            errcode = '42501',
            detail = format('Advertisement %s, from %s.', new.advertisement, new.valid_from),
            hint = 'Leave valid_from out: the price begins now. What was clicked before keeps the price of its moment.';
    end if;
    new.valid_from := now();
    return new;
end;
$$;

comment on function marketplace.advertisement_price_site() is
'Refuses (42501) a price that the site lets begin in the past. What is up to a minute old, as clocks differ, begins now. A database marked for tests takes any.';

create or replace trigger advertisement_price_site
before insert on marketplace.advertisement_price
for each row when (current_user <> 'pybridge_owner' and new.valid_from < now())
execute function marketplace.advertisement_price_site();
alter table marketplace.advertisement_price enable always trigger advertisement_price_site;
