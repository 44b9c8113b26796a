create or replace function marketplace.publisher_share(p_price numeric, p_commission_rate numeric, p_website bigint)
returns numeric
language sql immutable parallel safe
return case when p_website is null then 0 else trunc(p_price * (1 - p_commission_rate), 6) end;

comment on function marketplace.publisher_share(numeric, numeric, bigint) is
'What the website''s owner has of a click''s price: NOK, six decimals, cut off; the marketplace keeps the rest. 0 where there is no website. p_commission_rate: 0 to 1. May be null: p_price, p_commission_rate, p_website, the result.';
