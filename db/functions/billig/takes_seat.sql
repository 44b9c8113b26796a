create or replace function billig.takes_seat(p_type smallint)
returns boolean
language sql immutable parallel safe
return p_type in (1, 4, 7);

comment on function billig.takes_seat(smallint) is
'Of a log row''s type: A new ticket holds a seat from now on (transaction_type.seats 1): NORMAL_SALE, NET_SALE, RESERVATION_SALE.';
