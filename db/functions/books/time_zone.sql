create or replace function books.time_zone()
returns text
language sql immutable parallel safe
return 'Europe/Oslo';

comment on function books.time_zone() is
'The zone that days, months and local times are in, whoever asks: the one place that names it.';
