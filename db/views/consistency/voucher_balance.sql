create or replace view consistency.voucher_balance as
select
    b.posting_date,
    b.organisation,
    b.project,
    null::smallint as payment_method,
    case
        when sum(b.balance) <> 0 then 'debits and credits differ'
        when sum(b.booked) <> 0 then 'the log has another amount'
        else 'the log has another VAT'
    end as problem,
    case
        when sum(b.balance) <> 0 then sum(b.balance)
        when sum(b.booked) <> 0 then sum(b.booked)
        else sum(b.vat)
    end as difference
from (
    select
        posting_date,
        organisation,
        project,
        sum(amount) as balance,
        coalesce(sum(amount) filter (where line_kind in ('REVENUE', 'FEE', 'PREPAID', 'VAT')), 0) as booked,
        coalesce(sum(amount) filter (where line_kind = 'VAT'), 0) as vat
    from report.voucher_line
    group by posting_date, organisation, project
    union all
    select
        posting_date,
        organisation,
        project,
        0,
        sum(amount + fee_amount),
        sum(vat_amount + fee_vat_amount)
    from billig.posted_log
    group by posting_date, organisation, project
) as b
group by b.posting_date, b.organisation, b.project
having sum(b.balance) <> 0 or sum(b.booked) <> 0 or sum(b.vat) <> 0
union all
select
    null,
    null,
    null,
    b.payment_method,
    'the payments have another amount',
    sum(b.amount)
from (
    select
        payment_method,
        amount
    from billig.voucher_payment
    where line_kind <> 'TRANSFER'
    union all
    select
        payment_method,
        -amount
    from billig.payment_line
) as b
group by b.payment_method
having sum(b.amount) <> 0;

comment on view consistency.voucher_balance is
'Each voucher''s debits equal its credits; its ticket lines sum to the log''s rows of the day, organisation and project, VAT too; and the payments of all vouchers sum to billig.payment_line, by method (posting_date null). difference: NOK in vouchers more than there should be, debit positive. It means that a payment and its log rows disagree, see consistency.payment_balance, or that a view of the vouchers is wrong.';
