create or replace function jobs.moment(p_day date, p_time time)
returns timestamptz
language sql immutable parallel safe
return (p_day + p_time) at time zone books.time_zone();

comment on function jobs.moment(date, time) is
'The one moment of a local time on a local day: the later one where it comes twice, an hour later by the clock where it is left out.';
