create or replace function marketplace.price_at(p_advertisement bigint, p_time timestamptz)
returns table (price numeric, valid_from timestamptz)
language sql stable parallel safe rows 1
begin atomic
    select p.price, p.valid_from
    from marketplace.advertisement_price as p
    where p.advertisement = p_advertisement and p.valid_from <= p_time
    order by p.valid_from desc
    limit 1;
end;

comment on function marketplace.price_at(bigint, timestamptz) is
'What a click on an advertisement costs at a time, NOK, and since when; no row before its first price. The one look-up by key: it disappears into the query that asks it, and reads one price, however many there were. Whoever asks for whole files or months reads marketplace.advertisement_tariff, which says the same of all times. Runs with its caller''s rights.';
