create or replace function marketplace.month_of(p_time timestamptz)
returns date
language sql immutable parallel safe
return date_trunc('month', p_time at time zone books.time_zone())::date;

comment on function marketplace.month_of(timestamptz) is 'The first of the local month that a moment lies in.';
