create or replace function billig.till_status(p_cash_point int default null)
returns table (
    till_session bigint, cash_point int, cash_point_name text, drawer int, seller text, opened_at timestamptz,
    opening_float numeric, receipts bigint, payment_method text, expected numeric
)
language sql stable security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
begin atomic
    select
        s.till_session, s.cash_point, c.cash_point_name, s.drawer, s.seller, s.opened_at, s.opening_float,
        (select count(*) from billig.payment as p where p.till_session = s.till_session),
        m.payment_method_name, x.expected
    from billig.till_session as s
    inner join billig.cash_point as c on s.cash_point = c.cash_point
    inner join billig.till_expected as x on s.till_session = x.till_session
    inner join billig.payment_method as m on x.payment_method = m.payment_method
    where s.closed_at is null and (p_cash_point is null or s.cash_point = p_cash_point)
    order by s.cash_point, s.drawer, m.payment_method;
end;

comment on function billig.till_status(int) is
'The open till sessions (of a cash point): a row for each means of payment, with what should be there now, NOK, of cash the float included. receipts: payments so far.';
