create or replace function billig.is_price_change(p_type smallint)
returns boolean
language sql immutable parallel safe
return p_type in (3, 10);

comment on function billig.is_price_change(smallint) is
'Of a log row''s type: A ticket changed price group: NORMAL_CHANGE (it was paid), RESERVATION_CHANGE.';
