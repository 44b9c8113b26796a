create or replace view billig.voucher_close as
select
    p.last_day::date as posting_date,
    p.organisation,
    c.line_kind,
    t.payment_method,
    sum(c.sign * t.amount) as amount
from books.accounting_period as p
inner join billig.voucher_till as t
    on p.organisation = t.organisation and t.posting_date between p.first_day and p.last_day
cross join lateral (values ('CASH_DIFFERENCE', -1), ('CASH_CLOSED', 1)) as c (line_kind, sign)
where t.line_kind = 'CASH_DIFFERENCE'
group by p.last_day, p.organisation, c.line_kind, t.payment_method;

comment on view billig.voucher_close is
'What is booked because a period was closed, on its last day: the differences of its till sessions become costs, so that their account is empty. NOK: debit positive, credit negative.';
