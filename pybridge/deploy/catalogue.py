"""What PostgreSQL's catalogue says of the project's schemas: its objects, what stands on them, and how they look."""

from typing import Any

import psycopg
from psycopg.rows import tuple_row

from pybridge.deploy.settings import CLEAN

# Every room of the house save `analysis`, where people keep what is theirs.
SCHEMAS = ("books", "billig", "marketplace", "bank", "jobs", "report", "consistency", "deploy")

# pg_identify_object gives each object a type and a name that never depend on who looks, or on a search_path.
# Left out: partitions of the marketplace (jobs make them), what belongs to an extension, yoyo's lock table (its own
# command makes it), and what comes with another object (row types, the functions of a range, foreign keys' copies).
OBJECTS = """
with room as (
    select oid, nspname from pg_namespace where nspname = any(%(schemas)s)
),
relation as (
    select c.oid, c.relkind
    from pg_class as c
    join room as n on n.oid = c.relnamespace
    left join pg_index as i on i.indexrelid = c.oid
    left join pg_class as t on t.oid = i.indrelid
    where
        not (n.nspname = 'marketplace' and (c.relispartition or coalesce(t.relispartition, false)))
        and not (n.nspname = 'deploy' and c.relname in ('yoyo_lock', 'yoyo_lock_pkey'))
),
object (classid, objid, objsubid) as (
    select 'pg_class'::regclass, oid, 0 from relation
    union all
    select 'pg_class'::regclass, a.attrelid, a.attnum
    from pg_attribute as a
    join relation as r on r.oid = a.attrelid
    where r.relkind in ('r', 'p', 'f', 'c') and a.attnum > 0 and not a.attisdropped
    union all
    select 'pg_constraint'::regclass, oid, 0
    from pg_constraint
    where
        connamespace in (select oid from room) and contype not in ('n', 't') and conparentid = 0
        and (conrelid = 0 or conrelid in (select oid from relation))
    union all
    select 'pg_proc'::regclass, p.oid, 0
    from pg_proc as p
    where
        p.pronamespace in (select oid from room)
        and not exists (
            select from pg_depend as d
            where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'i'
        )
    union all
    select 'pg_type'::regclass, oid, 0
    from pg_type
    where typnamespace in (select oid from room) and typtype in ('d', 'e', 'r')
    union all
    select 'pg_trigger'::regclass, oid, 0
    from pg_trigger
    where not tgisinternal and tgrelid in (select oid from relation)
    union all
    select 'pg_rewrite'::regclass, oid, 0
    from pg_rewrite
    where rulename <> '_RETURN' and ev_class in (select oid from relation)
    union all
    select 'pg_policy'::regclass, oid, 0 from pg_policy where polrelid in (select oid from relation)
    union all
    select 'pg_statistic_ext'::regclass, oid, 0 from pg_statistic_ext where stxnamespace in (select oid from room)
)
select i.type, i.identity
from object as o
cross join lateral pg_identify_object(o.classid, o.objid, o.objsubid) as i
where not exists (
    select from pg_depend as d
    where d.classid = o.classid and d.objid = o.objid and d.objsubid = 0 and d.deptype = 'e'
)
order by i.type, i.identity
"""

# What would keep a view or function from being dropped. What goes with it by itself (its row type, its rule, its
# INSTEAD OF triggers, its column defaults) depends on it as 'a' or 'i', and is not listed.
DEPENDENTS = """
with target (classid, objid) as (
    select %(classid)s::regclass::oid, %(objid)s::oid
    union all
    select 'pg_type'::regclass::oid, unnest(array[t.oid, t.typarray])
    from pg_type as t
    where %(classid)s::regclass = 'pg_class'::regclass and t.typrelid = %(objid)s::oid
)
select distinct i.type, i.identity, x.classid::regclass::text, x.objid
from target as t
join pg_depend as d on d.refclassid = t.classid and d.refobjid = t.objid and d.deptype = 'n'
left join pg_rewrite as r on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid and r.rulename = '_RETURN'
cross join lateral (
    select
        case when r.oid is null then d.classid else 'pg_class'::regclass::oid end as classid,
        coalesce(r.ev_class, d.objid) as objid,
        case when r.oid is null then d.objsubid else 0 end as objsubid
) as x
cross join lateral pg_identify_object(x.classid, x.objid, x.objsubid) as i
where x.objid <> %(objid)s::oid
order by i.identity
"""

# The statements that make somebody's own view again, as it is.
RECREATE = """
with v as (
    select
        c.oid, c.relacl, c.relowner, c.reloptions,
        quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    where c.oid = %(objid)s::oid
),
grants as (
    select null::name as attname, a.* from v cross join lateral aclexplode(v.relacl) as a
    union all
    select b.attname, a.*
    from v
    join pg_attribute as b on b.attrelid = v.oid
    cross join lateral aclexplode(b.attacl) as a
),
statement (place, text) as (
    select
        1,
        'create view ' || name || coalesce(' with (' || array_to_string(reloptions, ', ') || ')', '')
        || ' as ' || pg_get_viewdef(oid)
    from v
    union all
    select 2, 'alter view ' || v.name || ' alter column ' || quote_ident(a.attname)
        || ' set default ' || pg_get_expr(d.adbin, d.adrelid)
    from v
    join pg_attrdef as d on d.adrelid = v.oid
    join pg_attribute as a on a.attrelid = v.oid and a.attnum = d.adnum
    union all
    select 3, 'alter view ' || name || ' owner to ' || quote_ident(pg_get_userbyid(relowner)) from v
    union all
    select
        4,
        'grant ' || g.privilege_type || coalesce(' (' || quote_ident(g.attname) || ')', '') || ' on ' || v.name
        || ' to ' || case g.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(g.grantee)) end
        || case when g.is_grantable then ' with grant option' else '' end
    from v
    cross join grants as g
    union all
    select
        5,
        case
            when d.objsubid = 0 then 'comment on view ' || v.name
            else 'comment on column ' || v.name || '.' || quote_ident(a.attname)
        end || ' is ' || quote_literal(d.description)
    from v
    join pg_description as d on d.classoid = 'pg_class'::regclass and d.objoid = v.oid
    left join pg_attribute as a on a.attrelid = v.oid and a.attnum = d.objsubid
)
select text from statement order by place
"""

HAS_TRIGGERS = """
select
    exists (select from pg_trigger where tgrelid = %s::oid)
    or exists (select from pg_rewrite where ev_class = %s::oid and rulename <> '_RETURN')
"""

# The object that a file of db/views or db/functions is named for.
NAMED = """
select i.type, i.identity, 'pg_class', c.oid
from pg_class as c
join pg_namespace as n on n.oid = c.relnamespace
cross join lateral pg_identify_object('pg_class'::regclass, c.oid, 0) as i
where %(kind)s = 'views' and n.nspname || '.' || c.relname = %(name)s
union all
select i.type, i.identity, 'pg_proc', p.oid
from pg_proc as p
join pg_namespace as n on n.oid = p.pronamespace
cross join lateral pg_identify_object('pg_proc'::regclass, p.oid, 0) as i
where %(kind)s = 'functions' and n.nspname || '.' || p.proname = %(name)s
"""

# What may stand after a schema and a dot in a body.
NAMES = """
select n.nspname || '.' || x.name
from pg_namespace as n
join (
    select relnamespace, relname from pg_class
    union all
    select pronamespace, proname from pg_proc
    union all
    select typnamespace, typname from pg_type
) as x (namespace, name) on x.namespace = n.oid
where n.nspname = any(%(schemas)s)
"""

# Functions with a body to check, and the search_path that each one sets.
BODIES = """
select
    p.oid, p.oid::regprocedure::text, l.lanname, p.prosrc,
    coalesce(
        (
            select substr(c.setting, length('search_path=') + 1)
            from unnest(p.proconfig) as c (setting)
            where c.setting like 'search\\_path=%%'
        ),
        ''
    )
from pg_proc as p
join pg_namespace as n on n.oid = p.pronamespace
join pg_language as l on l.oid = p.prolang
where n.nspname = any(%(schemas)s) and l.lanname in ('plpgsql', 'sql')
order by 2
"""

# What plpgsql_check finds in the statements of bodies; trigger functions are looked at with each of their triggers.
PLPGSQL_CHECK = """
select p.oid::regprocedure::text, c.lineno, c.message
from pg_proc as p
join pg_namespace as n on n.oid = p.pronamespace
join pg_language as l on l.oid = p.prolang
left join pg_trigger as t on t.tgfoid = p.oid and not t.tgisinternal
cross join lateral {}.plpgsql_check_function_tb(
    p.oid, coalesce(t.tgrelid, 0), fatal_errors => false, other_warnings => false, extra_warnings => false,
    oldtable => t.tgoldtable, newtable => t.tgnewtable
) as c
where
    n.nspname = any(%s) and l.lanname = 'plpgsql' and c.level = 'error'
    and (t.oid is not null or p.prorettype <> 'trigger'::regtype)
order by 1, 2
"""

# A textual dump: two databases are alike if these lines are. Partitions are a job's business and are left out.
FINGERPRINT = """
with room as (
    select * from pg_namespace where nspname = any(%(schemas)s)
),
relation as (
    select c.*, n.nspname || '.' || c.relname as name
    from pg_class as c
    join room as n on n.oid = c.relnamespace
    where not c.relispartition and c.relname not in ('yoyo_lock', 'yoyo_lock_pkey')
),
acl (owner, name, item) as (
    select r.relowner, 'relation ' || r.name, a.item
    from relation as r
    cross join lateral unnest(coalesce(r.relacl, acldefault(
        case r.relkind when 'S' then 's'::"char" else 'r'::"char" end, r.relowner
    ))) as a (item)
    where r.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
    union all
    select r.relowner, 'column ' || r.name || '.' || b.attname, a.item
    from relation as r
    join pg_attribute as b on b.attrelid = r.oid and not b.attisdropped
    cross join lateral unnest(b.attacl) as a (item)
    union all
    select p.proowner, 'function ' || p.oid::regprocedure, a.item
    from pg_proc as p
    join room as n on n.oid = p.pronamespace
    cross join lateral unnest(coalesce(p.proacl, acldefault('f', p.proowner))) as a (item)
    union all
    select n.nspowner, 'schema ' || n.nspname, a.item
    from room as n
    cross join lateral unnest(coalesce(n.nspacl, acldefault('n', n.nspowner))) as a (item)
    union all
    select t.typowner, 'type ' || t.oid::regtype, a.item
    from pg_type as t
    join room as n on n.oid = t.typnamespace
    cross join lateral unnest(coalesce(t.typacl, acldefault('T', t.typowner))) as a (item)
    where t.typtype in ('d', 'e', 'r')
),
line (text) as (
    select concat_ws(
        ' ', 'relation', r.name, r.relkind, r.relpersistence, r.reloptions::text, 'rls', r.relrowsecurity,
        r.relforcerowsecurity, 'identity', r.relreplident, pg_get_partkeydef(r.oid)
    )
    from relation as r
    union all
    select concat_ws(
        ' ', 'column', r.name, row_number() over (partition by r.oid order by a.attnum), a.attname,
        format_type(a.atttypid, a.atttypmod), case when a.attnotnull then 'not null' end,
        'identity' || nullif(a.attidentity::text, ''), 'generated' || nullif(a.attgenerated::text, ''),
        'default ' || pg_get_expr(d.adbin, d.adrelid), nullif(a.attcollation, 0)::regcollation
    )
    from relation as r
    join pg_attribute as a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef as d on d.adrelid = r.oid and d.adnum = a.attnum
    where r.relkind in ('r', 'p', 'v', 'm', 'f', 'c')
    union all
    select 'constraint ' || coalesce(r.name, t.oid::regtype::text) || ' ' || c.conname || ' '
        || pg_get_constraintdef(c.oid) || ' ' || c.convalidated
    from pg_constraint as c
    left join relation as r on r.oid = c.conrelid
    left join pg_type as t on t.oid = c.contypid
    where c.connamespace in (select oid from room) and (r.oid is not null or t.oid is not null) and c.conparentid = 0
    union all
    select 'index ' || pg_get_indexdef(r.oid) || ' ' || i.indisvalid
    from relation as r
    join pg_index as i on i.indexrelid = r.oid and i.indrelid in (select oid from relation)
    union all
    select concat_ws(
        ' ', 'sequence', r.name, s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache,
        s.seqcycle
    )
    from relation as r
    join pg_sequence as s on s.seqrelid = r.oid
    union all
    select 'view ' || r.name || ' ' || pg_get_viewdef(r.oid) from relation as r where r.relkind in ('v', 'm')
    union all
    select 'trigger ' || pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text
    from pg_trigger as t
    join relation as r on r.oid = t.tgrelid
    where not t.tgisinternal
    union all
    select 'rule ' || pg_get_ruledef(w.oid) || ' ' || w.ev_enabled::text
    from pg_rewrite as w
    join relation as r on r.oid = w.ev_class
    where w.rulename <> '_RETURN'
    union all
    select concat_ws(
        ' ', 'policy', r.name, p.polname, p.polcmd, p.polpermissive, p.polroles::regrole[]::text,
        pg_get_expr(p.polqual, r.oid), pg_get_expr(p.polwithcheck, r.oid)
    )
    from pg_policy as p
    join relation as r on r.oid = p.polrelid
    union all
    select 'function ' || p.oid::regprocedure || ' '
        || case when p.prokind in ('f', 'p') then pg_get_functiondef(p.oid) else '' end
    from pg_proc as p
    join room as n on n.oid = p.pronamespace
    union all
    select concat_ws(
        ' ', 'type', t.oid::regtype, nullif(t.typbasetype, 0)::regtype, t.typnotnull, t.typdefault,
        (select string_agg(e.enumlabel, ',' order by e.enumsortorder) from pg_enum as e where e.enumtypid = t.oid)
    )
    from pg_type as t
    join room as n on n.oid = t.typnamespace
    where t.typtype in ('d', 'e', 'r')
    union all
    select 'statistics ' || pg_get_statisticsobjdef(s.oid)
    from pg_statistic_ext as s
    where s.stxnamespace in (select oid from room)
    union all
    select 'acl ' || name || ' ' || string_agg(item::text, ' ' order by item::text)
        || ' of ' || pg_get_userbyid(owner)
    from acl
    group by owner, name
    union all
    select concat_ws(
        ' ', 'default acl', n.nspname, d.defaclobjtype, pg_get_userbyid(d.defaclrole), d.defaclacl::text
    )
    from pg_default_acl as d
    join room as n on n.oid = d.defaclnamespace
    union all
    select 'comment ' || i.type || ' ' || i.identity || ' ' || d.description
    from pg_description as d
    cross join lateral pg_identify_object(d.classoid, d.objoid, d.objsubid) as i
    where i.schema in (select nspname from room) or (i.type = 'schema' and i.name in (select nspname from room))
        or (i.schema is null and d.classoid in ('pg_trigger'::regclass, 'pg_constraint'::regclass))
)
select text from line order by text collate "C"
"""


def objects(cur: psycopg.Cursor[Any]) -> set[tuple[str, str]]:
    """All objects in the project's schemas: (type, identity), as PostgreSQL names them."""
    return set(cur.execute(OBJECTS, {"schemas": list(SCHEMAS)}).fetchall())


def schema_fingerprint(conn: psycopg.Connection[Any]) -> list[str]:
    """Everything about the project's schemas that a file decides, one line each, for comparing two databases."""
    # Rolled back, so that the caller's settings stay: names are written in full only with an empty search_path.
    with conn.transaction(force_rollback=True), conn.cursor(row_factory=tuple_row) as cur:
        cur.execute(CLEAN)
        return [text for (text,) in cur.execute(FINGERPRINT, {"schemas": [*SCHEMAS, "analysis"]})]
