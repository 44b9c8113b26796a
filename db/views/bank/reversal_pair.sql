create or replace view bank.reversal_pair as
select
    l.reversal,
    l.entry,
    l.is_named,
    count(*) over (partition by l.reversal) = 1 and count(*) over (partition by l.entry) = 1
    -- what somebody took apart stays so
    and not exists (
        select from bank.match_entry as a
        inner join bank.match_entry as b on a.match = b.match and b.is_release and b.entry = l.entry
        where a.entry = l.reversal and a.is_release
    ) as is_only
from bank.reversal_reach as l
where l.is_open;

comment on view bank.reversal_pair is
'Which open entry an open one (reversal) may take back (bank.reversal_reach). is_only: neither can be anything else.';
