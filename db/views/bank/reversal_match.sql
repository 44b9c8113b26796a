create or replace view bank.reversal_match as
select
    r.rule,
    array[p.entry, p.reversal] as entries,
    '{}'::bigint [] as expected,
    0::numeric as fee,
    0::numeric as difference,
    format(
        'Entry %s takes entry %s back, %s', p.reversal, p.entry,
        case when p.is_named then 'which bears the same reference' else 'and no other can be it' end
    ) as reason
from bank.reversal_pair as p
inner join bank.match_rule as r on r.enabled and r.rule = case when p.is_named then 'REVERSAL' else 'TAKEN_BACK' end
where p.is_only;

comment on view bank.reversal_match is
'What rules REVERSAL and TAKEN_BACK would match: an entry, and the one that takes it back. Shape as bank.reference_match.';
