create or replace function billig.local_time(p_time timestamptz default now())
returns timestamp
language sql stable parallel safe
return p_time at time zone books.time_zone();

comment on function billig.local_time(timestamptz) is
'A moment as local time without zone, as the legacy columns of event and ticket hold it.';
