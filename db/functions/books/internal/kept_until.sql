create or replace function books.kept_until(p_day date)
returns date
language sql immutable parallel safe
return make_date(extract(year from p_day)::int + 5, 12, 31);

comment on function books.kept_until(date) is
'The last day on which what documents an entry of a day has to be kept: five years after the end of the accounting year (bokføringsloven § 13), which is taken to be the calendar year.';
