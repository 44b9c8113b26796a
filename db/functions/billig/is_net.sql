create or replace function billig.is_net(p_type smallint)
returns boolean
language sql immutable parallel safe
return p_type in (4, 5, 6, 11);

comment on function billig.is_net(smallint) is
'Of a log row''s type: It happens on the web alone (transaction_type.sale_channel NET).';
