create or replace view marketplace.website_owner as
select
    w.website,
    w.profile,
    coalesce(l.moved_from, '-infinity') as valid_from,
    'infinity'::timestamptz as valid_to
from marketplace.website as w
left join (
    select m.website, max(m.moved_from) as moved_from
    from marketplace.website_move as m
    where m.undone_at is null
    group by m.website
) as l on w.website = l.website
union all
select
    m.website,
    m.from_profile,
    lag(m.moved_from, 1, '-infinity') over (partition by m.website order by m.moved_from),
    m.moved_from
from marketplace.website_move as m
where m.undone_at is null;

comment on view marketplace.website_owner is
'Whose a website was, and who earns its clicks of that time, from valid_from until before valid_to; owner_at says the same of one moment. Internal: runs with its owner''s rights.';
