create or replace view report.missing_deposit as
select
    x.expected,
    x.day,
    x.last_day,
    x.road_name,
    x.cash_point,
    x.goods,
    x.amount,
    x.net,
    least(coalesce(c.candidates, 0), 2) as candidates,
    billig.local_time()::date - x.last_day as days_late,
    case
        when billig.local_time()::date <= x.last_day then 'NOT DUE'
        when billig.local_time()::date - x.last_day <= 7 then '1-7'
        when billig.local_time()::date - x.last_day <= 30 then '8-30'
        when billig.local_time()::date - x.last_day <= 90 then '31-90'
        else 'OVER 90'
    end as age_group
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
'What should come to the bank and is in no match, NOK: age_group NOT DUE is not late yet, the others are days after last_day. candidates: how many entries might be it, 2: two or more; net: amount less the expected fee; days_late: negative while it is not due; road_name: how it reaches the bank.';
