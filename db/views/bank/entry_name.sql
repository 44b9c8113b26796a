create or replace view bank.entry_name as
select
    r.entry,
    r.detail,
    r.kind,
    r.reference_key as name,
    r.amount
from bank.entry_reference as r
where r.reference_key <> ''
union all
select
    e.entry,
    0 as detail,
    'TEXT' as kind,
    k.name,
    null as amount
from bank.entry as e
cross join lateral unnest(bank.text_keys(e.entry_text)) as k (name)
where e.entry_text ~ '[0-9]'
union all
select
    d.entry,
    d.detail,
    'TEXT' as kind,
    k.name,
    null as amount
from bank.entry_detail as d
cross join lateral unnest(bank.text_keys(d.detail_text)) as k (name)
where d.detail_text ~ '[0-9]';

comment on view bank.entry_name is
'All that an entry (detail 0), or a payment in it, may name, as bank.reference_key has it: its references, by kind, and what its text may name (TEXT). amount: how much of it is for that, NOK; null: does not say.';
