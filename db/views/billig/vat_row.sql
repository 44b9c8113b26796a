create or replace view billig.vat_row as
select
    p.posting_date as vat_date,
    p.posting_date,
    p.transaction_log,
    p.ticket,
    p.organisation,
    p.project,
    p.event,
    p.transaction_type,
    u.component,
    coalesce(t.term, 'DELIVERY') as term,
    x.vat_code,
    x.vat_rate,
    u.gross_amount - x.vat_amount as net_amount,
    x.vat_amount,
    p.is_late
from billig.posted_log as p
cross join lateral billig.components(
    p.vat_code, p.vat_rate, p.amount, p.vat_amount, p.fee_vat_code, p.fee_vat_rate, p.fee_amount, p.fee_vat_amount
) as u
left join billig.term_span as t
    on
        p.event = t.event and u.vat_code = t.vat_code and p.posting_date >= t.first_day
        and (t.next_day is null or p.posting_date < t.next_day)
cross join lateral books.taxed(p.organisation, p.posting_date, u.vat_code, u.vat_rate, u.vat_amount) as x
where
    billig.moves_money(p.transaction_type)
    and (u.gross_amount <> 0 or u.vat_amount <> 0)
    and (coalesce(t.is_held, true) or t.term = 'SALE')
union all
select
    f.turn_date,
    p.posting_date,
    p.transaction_log,
    p.ticket,
    p.organisation,
    p.project,
    p.event,
    p.transaction_type,
    u.component,
    coalesce(t.term, 'DELIVERY'),
    x.vat_code,
    x.vat_rate,
    d.direction * (u.gross_amount - x.vat_amount),
    d.direction * x.vat_amount,
    p.is_late
from billig.event_turn as f
cross join lateral (select case when f.is_held then 1 else -1 end as direction) as d
inner join billig.ticket as k on f.event = k.event
cross join lateral (
    select p.*
    from billig.posted_log as p
    where p.ticket = k.ticket and p.posting_date < f.turn_date and billig.moves_money(p.transaction_type)
    offset 0 -- ticket by ticket, by the index: never joined with the whole log
) as p
cross join lateral billig.components(
    p.vat_code, p.vat_rate, p.amount, p.vat_amount, p.fee_vat_code, p.fee_vat_rate, p.fee_amount, p.fee_vat_amount
) as u
left join billig.term_span as t
    on
        p.event = t.event and u.vat_code = t.vat_code and p.posting_date >= t.first_day
        and (t.next_day is null or p.posting_date < t.next_day)
cross join lateral books.taxed(
    p.organisation, greatest(p.posting_date, f.held_date), u.vat_code, u.vat_rate, u.vat_amount
) as x
where (u.gross_amount <> 0 or u.vat_amount <> 0) and coalesce(t.term, 'DELIVERY') = 'DELIVERY';

comment on view billig.vat_row is
'What counts for VAT, row by row of the log, ticket and fee apart, and the day it counts on (vat_date): that of the row where VAT belongs to the sale (term SALE) or the event had been held, else the day on which the event is held; where it is cancelled or put off after that it is taken back on that day. NOK: sold positive, given back negative; net_amount is without VAT. VAT as books.taxed has it. Days to come are left out. Ask by vat_date.';
