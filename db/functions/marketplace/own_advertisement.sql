create or replace function marketplace.own_advertisement()
returns table (
    advertisement bigint, advertisement_name text, valid_from timestamptz, price numeric
)
language sql stable security definer
set search_path = pg_catalog, marketplace, pg_temp
begin atomic
    select a.advertisement, a.advertisement_name::text, r.valid_from, r.price
    from marketplace.advertisement as a
    left join marketplace.advertisement_tariff as r on a.advertisement = r.advertisement
    where a.profile = (select marketplace.own_profile());
end;

comment on function marketplace.own_advertisement() is
'A profile''s own advertisements, a row for each price and from when on it holds; one without a price has one row. The profile is who logged in (marketplace.own_profile); of any other, nothing. NOK per click. May be null: valid_from, price.';
