create or replace view consistency.voucher_balance as
select
    b.posting_date,
    b.organisation,
    null::int as project,
    null::smallint as payment_method,
    'debits and credits differ' as problem,
    sum(b.amount) as difference
from report.voucher_line as b
group by b.posting_date, b.organisation
having sum(b.amount) <> 0
union all
select
    b.posting_date,
    b.organisation,
    b.project,
    null,
    'the log has another amount',
    sum(b.amount)
from (
    select
        posting_date,
        organisation,
        project,
        amount
    from report.voucher_line
    where line_kind in ('REVENUE', 'FEE', 'PREPAID', 'RELEASE', 'VAT')
    union all
    select
        posting_date,
        organisation,
        project,
        amount + fee_amount
    from billig.posted_log
) as b
group by b.posting_date, b.organisation, b.project
having sum(b.amount) <> 0
union all
select
    b.posting_date,
    b.organisation,
    b.project,
    null,
    'the return has another VAT, or another base',
    case when sum(b.vat_amount) <> 0 then sum(b.vat_amount) else sum(b.net_amount) end
from (
    select
        posting_date,
        organisation,
        project,
        vat_code,
        vat_rate,
        case when line_kind = 'VAT' then 0 else amount end as net_amount,
        case when line_kind = 'VAT' then amount else 0 end as vat_amount
    from report.voucher_line
    where line_kind in ('REVENUE', 'FEE', 'VAT')
    union all
    select
        vat_date,
        organisation,
        project,
        vat_code,
        vat_rate,
        net_amount,
        vat_amount
    from billig.vat_row
) as b
group by b.posting_date, b.organisation, b.project, b.vat_code, b.vat_rate
having sum(b.vat_amount) <> 0 or sum(b.net_amount) <> 0
union all
select
    null,
    b.organisation,
    null,
    b.payment_method,
    'the payments have another amount',
    sum(b.amount)
from (
    select
        organisation,
        payment_method,
        amount
    from billig.voucher_payment
    where line_kind <> 'TRANSFER'
    union all
    select
        organisation,
        payment_method,
        -amount
    from billig.payment_line
) as b
group by b.organisation, b.payment_method
having sum(b.amount) <> 0;

comment on view consistency.voucher_balance is
'Each voucher''s debits equal its credits; its ticket lines, what is prepaid too, sum to the log''s rows of the day, organisation and project; those that count for VAT are the return''s (billig.vat_row), by code and rate; and the payments of all vouchers sum to billig.payment_line, by organisation and method (posting_date null). difference: NOK in vouchers more than there should be, debit positive. It means that a payment and its log rows disagree, see consistency.payment_balance, or that a view of the vouchers is wrong.';
