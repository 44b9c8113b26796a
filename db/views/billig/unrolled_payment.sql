create or replace view billig.unrolled_payment as
select
    u.payment,
    i.organisation,
    u.transaction_date,
    case
        when u.transaction_date <= (select max(c.last_day) from books.accounting_period as c)
            then books.posting_date(i.organisation, u.transaction_date, u.era, u.xact_id)
        else u.transaction_date
    end as posting_date,
    u.era,
    u.xact_id
from billig.unrolled_log as u
inner join lateral (
    select distinct l.organisation
    from billig.payment_line as l
    where l.payment = u.payment
) as i on true
where
    u.first_of_payment
    and not exists (
        select from billig.transaction_log as f
        where f.payment = u.payment and f.first_of_payment and f.transaction_log < u.transaction_log
    );

comment on view billig.unrolled_payment is
'The money of payments in the tail of the log, by the organisations that have it, and the day it counts on in their books: unrolled_log for money.';
