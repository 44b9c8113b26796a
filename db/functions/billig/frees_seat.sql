create or replace function billig.frees_seat(p_type smallint)
returns boolean
language sql immutable parallel safe
return p_type in (2, 5, 9, 11, 12);

comment on function billig.frees_seat(smallint) is
'Of a log row''s type: A ticket gives its seat back (transaction_type.seats -1), paid or not: refunds, cancellations and time-outs.';
