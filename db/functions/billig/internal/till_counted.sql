create or replace function billig.till_counted(p_till_session bigint)
returns table (till_session bigint, payment_method text, expected numeric, counted numeric, difference numeric)
language sql stable
begin atomic
    select c.till_session, m.payment_method_name, c.expected, c.counted, c.difference
    from billig.till_count as c
    inner join billig.payment_method as m on c.payment_method = m.payment_method
    where c.till_session = p_till_session
    order by m.payment_method;
end;

comment on function billig.till_counted(bigint) is 'What till_close answers: what was expected and counted, NOK, by means of payment.';
