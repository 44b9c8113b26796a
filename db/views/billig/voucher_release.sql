create or replace view billig.voucher_release as
select
    d.posting_date,
    d.sold_on,
    d.organisation,
    d.project,
    c.line_kind,
    c.vat_code,
    c.vat_rate,
    d.transaction_type,
    c.amount,
    c.vat_amount,
    c.paired,
    c.prepaid
from (
    select
        f.turn_date as posting_date,
        f.event,
        case when f.is_held then 1 else -1 end as direction,
        f.held_date,
        l.posting_date as sold_on,
        l.organisation,
        l.project,
        l.transaction_type,
        l.vat_code,
        l.vat_rate,
        l.fee_vat_code,
        l.fee_vat_rate,
        sum(l.amount) as amount,
        sum(l.vat_amount) as vat_amount,
        sum(l.fee_amount) as fee_amount,
        sum(l.fee_vat_amount) as fee_vat_amount
    from billig.event_turn as f
    inner join billig.ticket as t on f.event = t.event
    cross join lateral (
        select
            p.posting_date,
            p.organisation,
            p.project,
            p.transaction_type,
            p.vat_code,
            p.vat_rate,
            p.fee_vat_code,
            p.fee_vat_rate,
            p.amount,
            p.vat_amount,
            p.fee_amount,
            p.fee_vat_amount
        from billig.posted_log as p
        where
            p.ticket = t.ticket
            and p.posting_date < f.turn_date
            and billig.moves_money(p.transaction_type)
        offset 0 -- ticket by ticket, by the index: never joined with the whole log
    ) as l
    group by
        f.turn_date, f.event, f.is_held, f.held_date, l.posting_date, l.organisation, l.project, l.transaction_type,
        l.vat_code, l.vat_rate, l.fee_vat_code, l.fee_vat_rate
) as d
cross join lateral billig.components(
    d.vat_code, d.vat_rate, d.amount, d.vat_amount, d.fee_vat_code, d.fee_vat_rate, d.fee_amount, d.fee_vat_amount
) as u
cross join lateral billig.term_on(d.event, u.vat_code, d.sold_on) as t
-- as it was booked when it was sold, and as it counts when the event is held
cross join lateral books.taxed(d.organisation, d.sold_on, u.vat_code, u.vat_rate, u.vat_amount) as b
cross join lateral books.taxed(
    d.organisation, greatest(d.sold_on, d.held_date), u.vat_code, u.vat_rate, u.vat_amount
) as x
cross join lateral (
    select
        case u.component when 'TICKET' then 'REVENUE' else u.component end as line_kind,
        b.vat_code,
        null::numeric as vat_rate,
        0 as amount,
        0 as vat_amount,
        case when t.term = 'SALE' then d.direction * (u.gross_amount - b.vat_amount) else 0 end as paired,
        case when t.term = 'SALE' then 0 else d.direction * u.gross_amount end as prepaid
    union all
    select
        case u.component when 'TICKET' then 'REVENUE' else u.component end,
        x.vat_code,
        x.vat_rate,
        -d.direction * (u.gross_amount - x.vat_amount),
        -d.direction * x.vat_amount,
        0,
        0
    where t.term = 'DELIVERY'
    union all
    select
        'VAT',
        x.vat_code,
        x.vat_rate,
        -d.direction * x.vat_amount,
        0,
        0,
        0
    where t.term = 'DELIVERY'
) as c
where u.gross_amount <> 0 or u.vat_amount <> 0;

comment on view billig.voucher_release is
'What was sold and given back before the day (posting_date) on which an event was held, or was cancelled or put off after that, for lines of vouchers of that day, by the rules of the day it was sold on (sold_on). paired: what is no liability any more, without VAT, where VAT belonged to the sale and the rule defers. prepaid: the same with its VAT, where VAT belongs to the delivery; amount and vat_amount: the revenue, fees and VAT that count for it now. The other way round where it is held no more. Days to come are left out. NOK: debit positive, credit negative.';
