create or replace view billig.posted_line as
select
    l.transaction_date as posting_date,
    l.transaction_date,
    l.payment,
    i.organisation,
    i.payment_method,
    i.amount
from billig.transaction_log as l
inner join lateral (
    select
        n.organisation,
        n.payment_method,
        n.amount
    from billig.payment_line as n
    where n.payment = l.payment
    offset 0 -- payment by payment, by the index: a day's or a month's are few of them all
) as i on true
where
    l.first_of_payment
    and not exists (
        select from billig.transaction_log as f
        where f.payment = l.payment and f.first_of_payment and f.transaction_log < l.transaction_log
    )
    and not exists (
        select from billig.late_payments() as t
        where t.payment = l.payment and t.organisation = i.organisation
    )
union all
select
    t.posting_date,
    t.transaction_date,
    t.payment,
    t.organisation,
    i.payment_method,
    i.amount
from billig.late_payments() as t
inner join billig.payment_line as i on t.payment = i.payment and t.organisation = i.organisation;

comment on view billig.posted_line is
'What was paid with which method (billig.payment_line), whole, in the books of the organisation that has the money, with the day it counts on there: that of the first log row of its payment, or the first day of a later period where that one''s close did not see it. NOK: in positive, out negative. Ask by posting_date.';
comment on column billig.posted_line.posting_date is 'The day it counts on';
comment on column billig.posted_line.transaction_date is 'Local date of the payment''s first log row';
comment on column billig.posted_line.payment is 'The payment';
comment on column billig.posted_line.organisation is 'Which has the money';
comment on column billig.posted_line.payment_method is 'The method';
comment on column billig.posted_line.amount is 'NOK: in positive, out negative';
