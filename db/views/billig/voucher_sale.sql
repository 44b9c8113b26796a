create or replace view billig.voucher_sale as
select
    d.posting_date,
    d.organisation,
    d.project,
    c.line_kind,
    x.vat_code,
    c.vat_rate,
    d.transaction_type,
    sum(c.amount) as amount,
    sum(c.vat_amount) as vat_amount,
    sum(c.paired) as paired,
    sum(c.prepaid) as prepaid
from (
    -- summed before it is unfolded: a day has few kinds of rows, and many rows
    select
        posting_date,
        organisation,
        project,
        event,
        transaction_type,
        vat_code,
        vat_rate,
        fee_vat_code,
        fee_vat_rate,
        sum(amount) as amount,
        sum(vat_amount) as vat_amount,
        sum(fee_amount) as fee_amount,
        sum(fee_vat_amount) as fee_vat_amount
    from billig.posted_log
    where billig.moves_money(transaction_type)
    group by
        posting_date, organisation, project, event, transaction_type, vat_code, vat_rate, fee_vat_code, fee_vat_rate
) as d
cross join lateral billig.components(
    d.vat_code, d.vat_rate, d.amount, d.vat_amount, d.fee_vat_code, d.fee_vat_rate, d.fee_amount, d.fee_vat_amount
) as u
cross join lateral billig.term_on(d.event, u.vat_code, d.posting_date) as t
cross join lateral books.taxed(d.organisation, d.posting_date, u.vat_code, u.vat_rate, u.vat_amount) as x
cross join lateral (
    select
        case u.component when 'TICKET' then 'REVENUE' else u.component end as line_kind,
        x.vat_rate,
        -(u.gross_amount - x.vat_amount) as amount,
        -x.vat_amount as vat_amount,
        case when t.is_held then 0 else -(u.gross_amount - x.vat_amount) end as paired,
        0 as prepaid
    where t.is_held or t.term = 'SALE'
    union all
    select
        'VAT',
        x.vat_rate,
        -x.vat_amount,
        0,
        0,
        0
    where t.is_held or t.term = 'SALE'
    union all
    select
        case u.component when 'TICKET' then 'REVENUE' else u.component end,
        null,
        0,
        0,
        0,
        -u.gross_amount
    where not t.is_held and t.term = 'DELIVERY'
) as c
where u.gross_amount <> 0 or u.vat_amount <> 0
group by d.posting_date, d.organisation, d.project, c.line_kind, x.vat_code, c.vat_rate, d.transaction_type;

comment on view billig.voucher_sale is
'What was sold and given back, by day, organisation and project, for lines of vouchers. amount: REVENUE and FEE without VAT, and VAT, that count on the day: of events held by then, and where VAT belongs to the sale. vat_amount: the VAT booked beside the line. paired: of that what is a liability until the event is held, without VAT, where the rule defers. prepaid: what counts when the event is held, with its VAT. NOK: debit positive, credit negative. VAT as books.taxed has it.';
