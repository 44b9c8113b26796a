create or replace view consistency.marketplace_website as
with moved as materialized (
    select o.website, o.profile, o.valid_from, o.valid_to
    from marketplace.website_owner as o
    where o.website in (select m.website from marketplace.website_move as m)
),

paid as (
    select k.website, k.publisher, k.click_time
    from marketplace.paid_clicks(array(select distinct o.website from moved as o)) as k
),

last_move as (
    select distinct on (m.website) m.website, m.profile, m.from_profile, m.undone_at
    from marketplace.website_move as m
    order by m.website, (m.undone_at is null) desc, case when m.undone_at is null then m.moved_from end desc, m.website_move
)

select
    'paid to another than whose it was' as problem,
    p.website,
    o.profile as expected_profile,
    p.publisher as found_profile,
    count(*) as clicks
from paid as p
inner join moved as o on p.website = o.website and p.click_time >= o.valid_from and p.click_time < o.valid_to
where p.publisher <> o.profile
group by p.website, o.profile, p.publisher
union all
select
    'not whose its last move says',
    w.website,
    case when l.undone_at is null then l.profile else l.from_profile end,
    w.profile,
    0
from last_move as l
inner join marketplace.website as w on l.website = w.website
where w.profile <> case when l.undone_at is null then l.profile else l.from_profile end
union all
select
    'moved from another than whose it was',
    m.website,
    m.was,
    m.from_profile,
    0
from (
    select
        x.website,
        x.from_profile,
        lag(x.profile) over (partition by x.website order by x.moved_from) as was
    from marketplace.website_move as x
    where x.undone_at is null
) as m
where m.was <> m.from_profile;

comment on view consistency.marketplace_website is
'A website is whose its last move says, each move is from whom the one before gave it to, and its clicks were paid to whose it was at their time.';
