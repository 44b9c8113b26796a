create or replace view bank.text_match as
with hit as materialized (
    select distinct
        e.entry,
        e.amount,
        x.expected,
        x.net,
        x.fee,
        x.reference
    from bank.open_entry as e
    cross join lateral regexp_split_to_table(e.entry_text, '[^[:alnum:]_-]+') as w (word)
    -- a fence (offset 0): word by word, by the index, since a join would read all items
    cross join lateral (
        select
            o.expected,
            o.net,
            o.fee,
            o.reference
        from bank.open_expected as o
        where
            ltrim(o.reference, '0') = bank.reference_key(w.word) and o.reference <> '' and o.account = e.account
            and sign(o.amount) = sign(e.amount)
        offset 0
    ) as x
    where
        e.currency = 'NOK' and e.entry_text ~ '[0-9]' and length(w.word) >= 4 and w.word ~ '[0-9]'
        and not exists (select from bank.entry_detail as d where d.entry = e.entry)
),

counted as (
    select
        h.*,
        count(*) over (partition by h.entry) as items,
        count(*) over (partition by h.expected) as entries
    from hit as h
)

select
    r.rule,
    array[c.entry] as entries,
    array[c.expected] as expected,
    c.fee,
    0::numeric as difference,
    format('Its text has %s, which names an item of its amount, and no other', c.reference) as reason
from counted as c
inner join bank.match_rule as r on r.rule = 'TEXT' and r.enabled
where
    c.items = 1 and c.entries = 1 and c.amount = c.net
    -- what somebody took apart is named all the same
    and not exists (
        select from bank.undone_pair as u
        where u.entry = c.entry and u.expected = c.expected
    )
    -- an entry that takes another back is no sale's money
    and not exists (
        select from bank.entry as e
        inner join bank.expected as x on c.expected = x.expected
        where e.entry = c.entry and e.is_reversal and not x.is_return
    );

comment on view bank.text_match is
'What rule TEXT would suggest: entries whose text has, as a word, the reference of one open item of its amount, less fee, that no other entry''s has. A word counts from four characters on, one of them a digit. Shape as bank.reference_match.';
