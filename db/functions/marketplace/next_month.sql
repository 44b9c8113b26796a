create or replace function marketplace.next_month(p_month date)
returns date
language sql immutable parallel safe
return (p_month + interval '1 month')::date;

comment on function marketplace.next_month(date) is 'The first of the month after that one''s.';
