create or replace view billig.voucher_release as
select
    d.posting_date,
    d.sold_on,
    d.organisation,
    d.project,
    case c.component when 'TICKET' then 'REVENUE' else c.component end as line_kind,
    c.vat_code,
    d.transaction_type,
    d.is_held,
    -(c.gross_amount - c.vat_amount) as amount
from (
    select
        f.turn_date as posting_date,
        f.is_held,
        l.posting_date as sold_on,
        l.organisation,
        l.project,
        l.transaction_type,
        l.vat_code,
        l.fee_vat_code,
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
            p.fee_vat_code,
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
        f.turn_date, f.is_held, l.posting_date, l.organisation, l.project, l.transaction_type, l.vat_code,
        l.fee_vat_code
) as d
cross join lateral billig.components(
    d.vat_code, null, d.amount, d.vat_amount, d.fee_vat_code, null, d.fee_amount, d.fee_vat_amount
) as c
where c.gross_amount <> c.vat_amount;

comment on view billig.voucher_release is
'What was sold and given back before the day (posting_date) on which an event was held, or put off after that: what moves between liability and revenue then, where the rule of the day it was sold on (sold_on) defers. Days to come are left out. NOK, as it was booked on sold_on: credit negative.';
