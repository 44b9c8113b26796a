create or replace function marketplace.day_begins(p_day date)
returns timestamptz
language sql immutable parallel safe
return p_day::timestamp at time zone books.time_zone();

comment on function marketplace.day_begins(date) is
'The moment at which a local day, or the month whose first it is, begins. A month is half-open: from its first''s beginning to the next one''s.';
