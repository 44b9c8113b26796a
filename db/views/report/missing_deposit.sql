create or replace view report.missing_deposit as
select
    x.expected,
    x.day,
    x.last_day,
    x.route_name,
    x.cash_point,
    x.goods,
    x.amount::numeric(14, 2) as amount,
    x.net::numeric(14, 2) as net,
    least(coalesce(c.candidates, 0), 2) as candidates,
    billig.local_time()::date - x.last_day as days_late,
    case
        when billig.local_time()::date <= x.last_day then 'NOT DUE'
        when billig.local_time()::date - x.last_day <= 7 then '1-7'
        when billig.local_time()::date - x.last_day <= 30 then '8-30'
        when billig.local_time()::date - x.last_day <= 90 then '31-90'
        else 'OVER 90'
    end as age_group,
    (select h.cash_point_name from billig.cash_point as h where h.cash_point = x.cash_point) as cash_point_name
from bank.open_expected as x
left join (
    select
        m.expected,
        count(*) as candidates
    from bank.candidate as k
    cross join lateral unnest(k.expected) as m (expected)
    group by m.expected
    having bool_or(k.is_free)
) as c on x.expected = c.expected;

comment on view report.missing_deposit is
'What should come to the bank and is in no match, or of which a part is left, NOK: age_group NOT DUE is not late yet, the others are days after last_day. candidates: how many entries might be it, 2: two or more; net: amount less the expected fee; days_late: negative while it is not due; route_name: how it reaches the bank.';
comment on column report.missing_deposit.expected is 'The item that is to come to the bank (report.bank_item)';
comment on column report.missing_deposit.day is 'Local day of the goods; of a till session, that of its close';
comment on column report.missing_deposit.last_day is 'After this day it is missing';
comment on column report.missing_deposit.route_name is 'How it reaches the bank';
comment on column report.missing_deposit.cash_point is 'The cash point; null: on the web, or at no till';
comment on column report.missing_deposit.goods is 'NOK that its payments were for, positive in, negative out';
comment on column report.missing_deposit.amount is 'NOK still to come before fees, positive in, negative out';
comment on column report.missing_deposit.net is 'NOK to come after the expected fee: amount less that fee';
comment on column report.missing_deposit.candidates is 'How many entries might be it; 2: two or more';
comment on column report.missing_deposit.days_late is 'Days since last_day; negative while it is not due';
comment on column report.missing_deposit.age_group is 'NOT DUE: not late yet; else the range that days_late lies in';
comment on column report.missing_deposit.cash_point_name is 'Name of the cash point, as it is now; null: on the web, or at no till';
