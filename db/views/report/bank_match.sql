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
    e.amount::numeric(14, 2) as entry_amount,
    x.amount::numeric(14, 2) as item_amount,
    (e.amount - x.amount)::numeric(14, 2) as difference
from bank.match as m
left join bank.match_approval as a on m.match = a.match
left join bank.match_undo as u on m.match = u.match
cross join lateral (
    select
        count(*) as entry_count,
        coalesce(sum(c.amount), 0) as amount
    from bank.match_entry as c
    where c.match = m.match and not c.is_release
) as e
cross join lateral (
    select
        count(*) as item_count,
        coalesce(sum(c.amount), 0) as amount
    from bank.match_expected as c
    where c.match = m.match and not c.is_release
) as x;

comment on view report.bank_match is
'Every match that there ever was, by which rule, why, and who: state SUGGESTED, APPROVED or UNDONE (undo_reason). entry_amount and item_amount, NOK, of what it has of its entry_count entries and item_count items; difference is explained by report.fee.';
comment on column report.bank_match.match is 'Number of the match';
comment on column report.bank_match.rule is 'The rule that made the match';
comment on column report.bank_match.reason is 'Why these belong together, in words';
comment on column report.bank_match.made_at is 'When it was made';
comment on column report.bank_match.made_by is 'Role that made it';
comment on column report.bank_match.approved_at is 'When it was approved; null: it was not';
comment on column report.bank_match.approved_by is 'Role that approved it; null: none did';
comment on column report.bank_match.undone_at is 'When it was taken apart; null: it holds';
comment on column report.bank_match.undone_by is 'Role that took it apart; null: none did';
comment on column report.bank_match.undo_reason is 'Why it was taken apart; null: it holds';
comment on column report.bank_match.state is 'SUGGESTED, APPROVED or UNDONE';
comment on column report.bank_match.entry_count is 'How many of the bank''s entries it has';
comment on column report.bank_match.item_count is 'How many expected items it has';
comment on column report.bank_match.entry_amount is 'NOK that it has of its entries, positive in, negative out';
comment on column report.bank_match.item_amount is 'NOK that it has of its items, positive to come, negative to go';
comment on column report.bank_match.difference is 'NOK: entry_amount less item_amount; below 0, less came than was expected. report.fee explains it';
