create or replace function billig.channel_of(p_transaction_type smallint)
returns text
language sql immutable parallel safe
return case p_transaction_type
    when 1 then 'STAND'
    when 4 then 'NET'
    when 5 then 'NET'
    when 6 then 'NET'
    when 7 then 'RESERVATION'
    when 8 then 'RESERVATION'
    when 9 then 'RESERVATION'
    when 10 then 'RESERVATION'
    when 11 then 'NET'
    when 12 then 'RESERVATION'
end;

comment on function billig.channel_of(smallint) is
'Of a log row''s type: The channel that its ticket was sold on, where the type says it (transaction_type.sale_channel). May be null: the result.';
