create or replace view marketplace.own_advertisement as
select
    o.advertisement,
    o.advertisement_name,
    o.valid_from,
    o.price
from marketplace.own_advertisement() as o;

comment on view marketplace.own_advertisement is
'A profile''s own advertisements, a row for each price and from when on it holds; one without a price has one row. The profile is who logged in (marketplace.own_profile); of any other, nothing. NOK per click. May be null: valid_from, price. The function of the same name shows it, with the rights of the owner: EXPLAIN of a table would count what a policy hides.';
