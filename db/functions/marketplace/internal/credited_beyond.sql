create or replace function marketplace.credited_beyond(p_billed numeric, p_taken numeric, p_credited numeric)
returns numeric
language sql immutable
set search_path = pg_catalog, marketplace, pg_temp
return greatest(0, p_credited - (p_billed - p_taken));

comment on function marketplace.credited_beyond(numeric, numeric, numeric) is
'NOK of a month that a charge has taken and corrections have credited since. What was billed and never taken, being set off against earnings or other months, is credited first: it goes back as credit on the account, and is not of the charge.';
