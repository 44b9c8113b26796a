create or replace function marketplace.time_zone()
returns text
language sql immutable parallel safe
return 'Europe/Oslo';

comment on function marketplace.time_zone() is 'The zone that months and days are in: the one place that names it.';
