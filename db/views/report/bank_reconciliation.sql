create or replace view report.bank_reconciliation as
select
    x.expected,
    x.day,
    r.road_name,
    m.payment_method_name as payment_method,
    x.cash_point,
    x.till_session,
    x.payment_attempt,
    x.goods,
    x.amount,
    case when a.match is not null then x.amount else 0 end as matched_amount,
    case when a.match is null then x.amount else 0 end as open_amount,
    x.fee as expected_fee,
    x.day + r.days_max as last_day,
    c.match,
    case
        when a.match is not null then 'MATCHED'
        when c.match is not null then 'SUGGESTED'
        when x.amount = 0 then 'NOTHING'
        when billig.local_time()::date > x.day + r.days_max then 'MISSING'
        else 'AWAITED'
    end as state,
    case when a.match is null and x.amount <> 0 then billig.local_time()::date - x.day else 0 end as age
from bank.expected as x
inner join bank.road as r on x.road = r.road
left join billig.payment_method as m on r.payment_method = m.payment_method
left join bank.expected_claim as c on x.expected = c.expected
left join bank.match_approval as a on c.match = a.match;

comment on view report.bank_reconciliation is
'What should have come to the bank, and whether it did (T12): a row an item (expected), NOK. state: MATCHED (approved), SUGGESTED, AWAITED, MISSING (last_day is over), NOTHING (there is nothing to come). matched_amount and open_amount sum to amount; amount less goods are cash differences, pay-ins and pay-outs. What a match was short of, or over by, stands in report.fee. road_name: how it reaches the bank; payment_method: null for the marketplace.';
comment on column report.bank_reconciliation.matched_amount is 'NOK of the item that a approved match accounts for';
comment on column report.bank_reconciliation.open_amount is 'NOK that no approved match accounts for';
comment on column report.bank_reconciliation.expected_fee is 'NOK that the acquirer is to keep back of amount';
comment on column report.bank_reconciliation.last_day is 'After this day it is missing';
comment on column report.bank_reconciliation.match is 'The match that has it; null: none';
comment on column report.bank_reconciliation.age is 'Days since day that it is open; 0: it is not';
