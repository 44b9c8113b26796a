create or replace function marketplace.oldest_click(p_now timestamptz)
returns timestamptz
language sql stable parallel safe
return p_now - interval '2 years';

comment on function marketplace.oldest_click(timestamptz) is
'How old a click may be that is recorded late, and how long what it was called in a file is remembered: two years.';
