create or replace view report.bank_match as
select
    m.match,
    m.rule,
    m.reason,
    m.made_at,
    m.made_by,
    a.approved_at,
    a.approved_by,
    u.undone_at,
    u.undone_by,
    u.reason as undo_reason,
    case when u.match is not null then 'UNDONE' when a.match is not null then 'APPROVED' else 'SUGGESTED' end as state,
    e.entry_count,
    x.item_count,
    e.amount as entry_amount,
    x.amount as item_amount,
    e.amount - x.amount as difference
from bank.match as m
left join bank.match_approval as a on m.match = a.match
left join bank.match_undo as u on m.match = u.match
cross join lateral (
    select
        count(*) as entry_count,
        coalesce(sum(b.amount), 0) as amount
    from bank.match_entry as c
    inner join bank.entry as b on c.entry = b.entry
    where c.match = m.match
) as e
cross join lateral (
    select
        count(*) as item_count,
        coalesce(sum(b.amount), 0) as amount
    from bank.match_expected as c
    inner join bank.expected as b on c.expected = b.expected
    where c.match = m.match
) as x;

comment on view report.bank_match is
'Every match that there ever was, by which rule, why, and who: state SUGGESTED, APPROVED or UNDONE (undo_reason). entry_amount and item_amount, NOK, of its entry_count entries and item_count items; difference is explained by report.fee.';
