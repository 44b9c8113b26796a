create or replace view billig.posted_between as
select
    g.posting_date,
    g.transaction_date,
    g.payment,
    g.organisation,
    g.amount
from (
    select
        s.posting_date,
        s.transaction_date,
        s.payment,
        s.organisation,
        sum(s.amount) as amount,
        sum(sum(s.amount)) over (partition by s.posting_date, s.payment) as day_amount
    from (
        select
            posting_date,
            transaction_date,
            payment,
            organisation,
            amount + fee_amount as amount
        from billig.posted_log
        where payment is not null and (amount <> 0 or fee_amount <> 0)
        union all
        select
            posting_date,
            transaction_date,
            payment,
            organisation,
            -amount
        from billig.posted_line
    ) as s
    group by s.posting_date, s.transaction_date, s.payment, s.organisation
) as g
where
    g.amount <> 0
    -- Around midnight, or where periods close differently, a payment's parts are of several days. One whose lines and
    -- rows do not agree at all (consistency.payment_balance) is not evened out: it must show.
    and (
        g.day_amount = 0
        or (
            select coalesce(sum(l.amount + l.fee_amount), 0)
            from billig.transaction_log as l
            where l.payment = g.payment
        ) = (
            select coalesce(sum(i.amount), 0)
            from billig.payment_line as i
            where i.payment = g.payment
        )
    );

comment on view billig.posted_between is
'What stands between organisations of each payment: what an organisation''s tickets came to less the money of it that the organisation has. Positive where the tickets are, negative where the money lies; the parts of a payment sum to 0, so that what tickets brought, less this, is the money in each organisation''s hands. Of a payment around midnight it also evens out its days. NOK; ask by posting_date.';
comment on column billig.posted_between.posting_date is 'The day it counts on, in the organisation''s books';
comment on column billig.posted_between.transaction_date is 'Local date of the rows';
comment on column billig.posted_between.payment is 'The payment';
comment on column billig.posted_between.organisation is 'In whose books';
comment on column billig.posted_between.amount is 'NOK: the others owe it that; negative: it owes them';
