create or replace view consistency.era_is_current as
select
    e.era,
    e.system_identifier,
    c.system_identifier::text as cluster_identifier
from deploy.era as e
cross join pg_control_system() as c
where
    e.era = (select max(n.era) from deploy.era as n)
    and e.system_identifier::text <> c.system_identifier::text;

comment on view consistency.era_is_current is
'The newest era is this cluster''s. A row means that a dump was restored and not deployed yet: run pybridge deploy before anything is sold.';
