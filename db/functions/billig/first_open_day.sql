create or replace function billig.first_open_day(p_organisation int default null)
returns date
language sql stable
return '-infinity'::date;

comment on function billig.first_open_day(int) is
'The first day that lies in no closed period of an organisation, or of none where it is null: what changes vouchers (rules, the date of an event) applies from then on.';
