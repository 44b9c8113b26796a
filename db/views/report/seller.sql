create or replace view report.seller as
with recursive paid as (
    -- from each name on to the next by the index: there are few names, and many payments
    select min(p.seller::text) as seller
    from billig.payment as p
    where p.seller is not null
    union all
    select (
        select min(n.seller::text)
        from billig.payment as n
        where n.seller is not null and n.seller::text > s.seller
    )
    from paid as s
    where s.seller is not null
)

select s.seller
from paid as s
where s.seller is not null
union
select t.seller::text
from billig.till_session as t
union
select k.seller::text
from billig.seller as k
union
select r.rolname::text
from pg_roles as r
where
    r.rolcanlogin and not r.rolsuper
    and exists (
        select from unnest('{billig_seller,billig_legacy,billig_dev,billig_web,bookkeeper}'::name[]) as g (group_role)
        where pg_has_role(r.oid, g.group_role, 'member')
    );

comment on view report.seller is
'Names that sales and refunds stand under, or may: who took or gave money, opened a till, was named by a client, or may log in and sell, or refund. What they did is in report.seller_activity.';
comment on column report.seller.seller is 'The name, as it stands with what they did';
