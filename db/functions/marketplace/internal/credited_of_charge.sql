create or replace function marketplace.credited_of_charge(p_amount bigint, p_billed numeric, p_credited numeric)
returns bigint
language sql immutable
set search_path = pg_catalog, marketplace, pg_temp
return ceil(100 * greatest(0, p_credited - greatest(0, coalesce(p_billed, 0) - p_amount / 100.0)))::bigint;

comment on function marketplace.credited_of_charge(bigint, numeric, numeric) is
'Øre of a charge of p_amount øre that corrections have credited. p_billed, p_credited: NOK, of its transaction. What was billed and never taken, being set off against earnings or other months, is credited first: it goes back as credit on the account. May be null: p_billed.';
