create or replace view bank.reversed_match as
with reach as materialized (
    select
        r.reversal,
        r.entry,
        r.match,
        r.is_open,
        r.is_named
    from bank.reversal_reach as r
),

likely as materialized (
    select
        r.reversal,
        r.entry,
        r.match,
        r.is_named
    from reach as r
    -- an open one comes first
    where not r.is_open and r.reversal not in (select o.reversal from reach as o where o.is_open)
)

select
    l.reversal,
    l.entry,
    l.match,
    m.rule,
    l.is_named,
    -- a rule's match of this entry alone, where nothing else can be meant: what a person matched, a person undoes
    l.is_named and m.rule <> 'PERSON'
    and count(*) over (partition by l.reversal) = 1 and count(*) over (partition by l.entry) = 1
    and (select count(*) from bank.match_entry as c where c.match = l.match) = 1 as is_undone_by_rule
from likely as l
inner join bank.match as m on l.match = m.match;

comment on view bank.reversed_match is
'Matches of a deposit with items, which an open entry (reversal) may take back, where it may take back no open one (bank.reversal_reach). is_named: they share a reference; else no other is named. is_undone_by_rule: rule REVERSAL undoes the match, and pairs the two.';
