create or replace function books.kept_until(p_day date)
returns date
language sql stable parallel safe
return (
    select make_date(extract(year from p_day)::int + r.years, 12, 31)
    from books.retention as r
    where r.kind = 'DOCUMENT'
);

comment on function books.kept_until(date) is
'The last day on which what documents an entry of a day has to be kept: so many years after the end of the accounting year as books.retention has it (five: bokføringsloven § 13); that is taken to be the calendar year.';
