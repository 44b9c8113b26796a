create or replace view billig.voucher_sale as
select
    d.posting_date,
    d.organisation,
    d.project,
    c.line_kind,
    u.vat_code,
    d.transaction_type,
    coalesce(s.is_held, true) as is_held,
    -sum(c.net_amount) as amount,
    -sum(c.vat_amount) as vat_amount
from (
    -- summed before it is unfolded: a day has few kinds of rows, and many rows
    select
        posting_date,
        organisation,
        project,
        event,
        transaction_type,
        vat_code,
        fee_vat_code,
        sum(amount) as amount,
        sum(vat_amount) as vat_amount,
        sum(fee_amount) as fee_amount,
        sum(fee_vat_amount) as fee_vat_amount
    from billig.posted_log
    where billig.moves_money(transaction_type)
    group by posting_date, organisation, project, event, transaction_type, vat_code, fee_vat_code
) as d
left join lateral (
    select e.event_date <= d.posting_date as is_held
    from billig.event_date as e
    where e.event = d.event and e.known_on <= d.posting_date
    order by e.known_on desc
    limit 1
) as s on true
cross join lateral billig.components(
    d.vat_code, null, d.amount, d.vat_amount, d.fee_vat_code, null, d.fee_amount, d.fee_vat_amount
) as u
cross join lateral (
    values
    (case u.component when 'TICKET' then 'REVENUE' else u.component end, u.gross_amount - u.vat_amount, u.vat_amount),
    ('VAT', u.vat_amount, 0)
) as c (line_kind, net_amount, vat_amount)
where c.net_amount <> 0 or c.vat_amount <> 0
group by d.posting_date, d.organisation, d.project, c.line_kind, u.vat_code, d.transaction_type, coalesce(s.is_held, true);

comment on view billig.voucher_sale is
'What was sold and given back, by day, organisation and project, as lines of vouchers: REVENUE and FEE without VAT, and VAT. NOK: debit positive, credit negative; vat_amount: the VAT booked beside the line, same sign. is_held: the event''s day had come at the end of the posting date.';
