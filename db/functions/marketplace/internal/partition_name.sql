create or replace function marketplace.partition_name(p_month date)
returns text
language sql immutable parallel safe
return 'ad_click_' || to_char(p_month::timestamp, 'YYYY_MM');

comment on function marketplace.partition_name(date) is 'Name of the table that holds a month''s clicks.';
