create or replace function billig.first_open_day()
returns date
language sql stable
return '-infinity'::date;

comment on function billig.first_open_day() is
'The first day that lies in no closed period: what changes vouchers (rules, the date of an event) applies from then on.';
