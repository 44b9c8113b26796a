"""What the deploy remembers of the triggers it loaded, and of all else that hangs on the project's tables, and how what
is in the database differs from that.

The comparison is a view of the database, so that consistency.trigger_guard finds between two deploys what the next
deploy would mend.
"""

from collections.abc import Iterable
from typing import Any

import psycopg

from pybridge.deploy.settings import PLAIN

# The views: all that the deploy defines and no file of db/ does.
VIEWS = {
    ("function", "deploy.present_triggers"),
    ("view", "deploy.present_trigger"),
    ("view", "deploy.trigger_problem"),
    ("function", "deploy.present_things"),
    ("view", "deploy.thing_problem"),
}

SETTINGS = "\n".join(f"set {name} = {value}" for name, value in PLAIN.items()).encode()

# Names are written without the schemas of the trigger's table and of its function, so that no search_path changes them.
OWN = b"""
create table if not exists deploy.guard_trigger (
    table_name text,
    trigger_name text,
    definition text not null,
    constraint guard_trigger_pkey primary key (table_name, trigger_name)
);
comment on table deploy.guard_trigger is
'The triggers of db/ as they stood when their file was last loaded, one row per trigger.'
' Only the owner can write here, who can also change a trigger: an owner who covers up can forge this record';
comment on column deploy.guard_trigger.table_name is 'The table or view, with its schema';
comment on column deploy.guard_trigger.trigger_name is 'The trigger';
comment on column deploy.guard_trigger.definition is
'Its function, and its definition as PostgreSQL writes it: moments, columns and conditions';
create table if not exists deploy.guard_function (
    function_name text constraint guard_function_pkey primary key,
    sha256 text not null
);
comment on table deploy.guard_function is
'The functions that triggers call, as they stood when their file was last loaded, one row per function.'
' Only the owner can write here';
comment on column deploy.guard_function.function_name is 'The function, with its schema';
comment on column deploy.guard_function.sha256 is 'SHA-256 of its definition as PostgreSQL writes it, hexadecimal';

create or replace function deploy.present_triggers()
returns table (
    table_name text, trigger_name text, is_always boolean, definition text, function_name text, sha256 text
)
language sql stable security definer
set search_path = pg_catalog, deploy, pg_temp
%SETTINGS%
as $$
select
    n.nspname || '.' || c.relname,
    t.tgname::text,
    -- a view's own trigger cannot be ALWAYS
    case when c.relkind = 'v' then t.tgenabled = 'O' else t.tgenabled = 'A' end,
    m.nspname || '.' || p.proname || ': '
    || replace(replace(pg_get_triggerdef(t.oid), n.nspname || '.', ''), m.nspname || '.', ''),
    m.nspname || '.' || p.proname,
    encode(sha256(convert_to(pg_get_functiondef(p.oid), 'UTF8')), 'hex')
from pg_trigger as t
inner join pg_class as c on t.tgrelid = c.oid
inner join pg_namespace as n on c.relnamespace = n.oid
inner join pg_proc as p on t.tgfoid = p.oid
inner join pg_namespace as m on p.pronamespace = m.oid
-- the project's tables: those of the owner of the record; a partition has its parent's triggers
where
    not t.tgisinternal
    and t.tgparentid = 0
    and c.relowner = (select v.relowner from pg_class as v where v.oid = 'deploy.guard_trigger'::regclass)
$$;
comment on function deploy.present_triggers() is
'What deploy.present_trigger shows. Written alike whatever the settings of who asks';

create or replace view deploy.present_trigger as
select table_name, trigger_name, is_always, definition, function_name, sha256
from deploy.present_triggers();
comment on view deploy.present_trigger is
'The triggers on the project''s tables and views as they stand now, one row per trigger';
comment on column deploy.present_trigger.table_name is 'The table or view, with its schema';
comment on column deploy.present_trigger.trigger_name is 'The trigger';
comment on column deploy.present_trigger.is_always is
'Whether it fires whatever session_replication_role is, or, on a view, as far as it can';
comment on column deploy.present_trigger.definition is 'As deploy.guard_trigger.definition';
comment on column deploy.present_trigger.function_name is 'The function that it calls, with its schema';
comment on column deploy.present_trigger.sha256 is 'As deploy.guard_function.sha256';

create or replace view deploy.trigger_problem as
select
    table_name,
    trigger_name,
    n.function_name,
    case
        when n.definition is null then 'missing'
        when g.definition is null then 'not deployed'
        when not n.is_always then 'not ALWAYS'
        else 'not what was deployed'
    end as problem
from deploy.guard_trigger as g
full join deploy.present_trigger as n using (table_name, trigger_name)
left join deploy.guard_function as f on n.function_name = f.function_name
where n.definition is distinct from g.definition or not n.is_always or n.sha256 is distinct from f.sha256;
comment on view deploy.trigger_problem is 'Triggers that are not as they were deployed, one row per trigger';
comment on column deploy.trigger_problem.table_name is 'The table or view, with its schema';
comment on column deploy.trigger_problem.trigger_name is 'The trigger';
comment on column deploy.trigger_problem.function_name is 'The function that it calls now; null: it is missing';
comment on column deploy.trigger_problem.problem is
'missing; not deployed: no deploy made it; not ALWAYS: switched off or ordinary;'
' not what was deployed: its definition or its function was replaced';
"""

# Text that no search_path changes, nor another database's numbers of objects: it is in dumps. Partitions of the
# marketplace are a job's to make, and extensions bring their own.
THINGS = b"""
create table if not exists deploy.guard_thing (
    kind text,
    thing text,
    sha256 text not null,
    constraint guard_thing_pkey primary key (kind, thing)
);
comment on table deploy.guard_thing is
'What else hangs on the project''s tables, or reads them, as it stood when a deploy last made or loaded it.'
' Only the owner can write here';
comment on column deploy.guard_thing.kind is
'function, view, rule, policy, constraint, column, table: whether row-level security holds';
comment on column deploy.guard_thing.thing is
'Its name, with its schema; of what hangs on a table: the table, and its own name';
comment on column deploy.guard_thing.sha256 is 'SHA-256 of its definition as PostgreSQL writes it, hexadecimal';

create or replace function deploy.present_things()
returns table (kind text, thing text, sha256 text)
language sql stable security definer
set search_path = pg_catalog, deploy, pg_temp
%SETTINGS%
as $$
with room as (
    select n.oid, n.nspname
    from pg_namespace as n
    where n.nspname in ('books', 'billig', 'marketplace', 'bank', 'jobs', 'report', 'consistency', 'deploy')
),
relation as (
    select c.oid, c.relkind, c.relrowsecurity, c.relforcerowsecurity, c.reloptions, c.relowner,
        r.nspname || '.' || c.relname as name
    from pg_class as c
    join room as r on c.relnamespace = r.oid
    where c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition and c.relname not like '%yoyo%'
),
thing (kind, thing, definition) as (
    select 'function', p.oid::regprocedure::text,
        concat_ws(
            ' ', pg_get_userbyid(p.proowner), case when p.prokind in ('f', 'p') then pg_get_functiondef(p.oid) end
        )
    from pg_proc as p
    join room as r on p.pronamespace = r.oid
    where not exists (
        select from pg_depend as d
        where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype in ('e', 'i')
    )
    union all
    select 'view', name, concat_ws(' ', pg_get_userbyid(relowner), reloptions::text, pg_get_viewdef(oid))
    from relation
    where relkind in ('v', 'm')
    union all
    select 'table', name, concat_ws(' ', relkind, pg_get_userbyid(relowner), relrowsecurity, relforcerowsecurity)
    from relation
    where relkind in ('r', 'p', 'f')
    union all
    select 'rule', r.name || ' ' || w.rulename, w.ev_enabled::text || pg_get_ruledef(w.oid)
    from pg_rewrite as w
    join relation as r on w.ev_class = r.oid
    where w.rulename <> '_RETURN'
    union all
    select 'policy', r.name || ' ' || p.polname,
        concat_ws(
            ' ', p.polcmd, p.polpermissive,
            (select string_agg(pg_get_userbyid(o), ',' order by pg_get_userbyid(o)) from unnest(p.polroles) as o),
            pg_get_expr(p.polqual, r.oid), 'check', pg_get_expr(p.polwithcheck, r.oid)
        )
    from pg_policy as p
    join relation as r on p.polrelid = r.oid
    union all
    select 'constraint', r.name || ' ' || c.conname, concat_ws(' ', pg_get_constraintdef(c.oid), c.convalidated)
    from pg_constraint as c
    join relation as r on c.conrelid = r.oid
    where c.contype not in ('n', 't') and c.conparentid = 0
    union all
    select 'column', r.name || ' ' || a.attname,
        concat_ws(
            ' ', format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity::text, a.attgenerated::text,
            pg_get_expr(d.adbin, d.adrelid)
        )
    from pg_attribute as a
    join relation as r on a.attrelid = r.oid and r.relkind in ('r', 'p', 'f')
    left join pg_attrdef as d on a.attrelid = d.adrelid and a.attnum = d.adnum
    where a.attnum > 0 and not a.attisdropped
    union all
    select 'child', r.name || ' ' || i.inhrelid::regclass, ''
    from pg_inherits as i
    join relation as r on i.inhparent = r.oid and r.relkind <> 'p'
    union all
    select 'subscription', r.name || ' ' || s.srsubid, ''
    from pg_subscription_rel as s
    join relation as r on s.srrelid = r.oid
    union all
    select 'publication', t.schemaname || '.' || t.tablename || ' ' || t.pubname, ''
    from pg_publication_tables as t
    join relation as r on t.schemaname || '.' || t.tablename = r.name
)
select t.kind, t.thing, encode(sha256(convert_to(t.definition, 'UTF8')), 'hex')
from thing as t
$$;
comment on function deploy.present_things() is
'What hangs on the project''s tables, or reads them, as it stands now: functions, views, rules, policies, constraints,'
' columns, whether row-level security holds, and children, subscriptions and publications, of which'
' no deploy makes any.'
' Written alike whatever the settings of who asks';

create or replace view deploy.thing_problem as
select
    coalesce(n.kind, g.kind) as kind,
    coalesce(n.thing, g.thing) as thing,
    case
        when n.sha256 is null then 'missing'
        when g.sha256 is null then 'not deployed'
        else 'not what was deployed'
    end as problem
from deploy.guard_thing as g
full join deploy.present_things() as n on g.kind = n.kind and g.thing = n.thing
where n.sha256 is distinct from g.sha256;
comment on view deploy.thing_problem is 'What is not as it was deployed, triggers apart, one row each';
comment on column deploy.thing_problem.kind is 'As deploy.guard_thing.kind; and child, subscription, publication';
comment on column deploy.thing_problem.thing is 'As deploy.guard_thing.thing';
comment on column deploy.thing_problem.problem is
'missing; not deployed: no deploy made it; not what was deployed: it was replaced or changed';
"""

Things = set[tuple[str, str]]  # as File.defines has them


def prepare(cur: psycopg.Cursor[Any]) -> None:
    """Make the tables and views where they are not."""
    for statements in (OWN, THINGS):
        cur.execute(statements.replace(b"%SETTINGS%", SETTINGS), prepare=False)


def broken(cur: psycopg.Cursor[Any]) -> Things:
    """Triggers and their functions that are not as they were deployed: their files are to be loaded again."""
    found = cur.execute("select table_name, trigger_name, function_name from deploy.trigger_problem").fetchall()
    triggers = {("trigger", f"{trigger} on {table}") for table, trigger, _ in found}
    changed = {
        ("view" if kind == "view" else "function", thing.split("(")[0])
        for kind, thing in cur.execute(
            "select kind, thing from deploy.thing_problem where kind in ('function', 'view')"
        )
    }
    return triggers | changed | {("function", function) for _, _, function in found if function}


def changed_things(cur: psycopg.Cursor[Any]) -> list[tuple[str, str]]:
    """What loading files does not mend, and the deploy must not take for its own work: policies, constraints, ...

    Asked first of all, while the view is that of the deploy before, which wrote what it compares with.
    """
    found = cur.execute("select to_regclass('deploy.thing_problem') is not null").fetchone()
    if found != (True,):
        return []
    return cur.execute(
        "select kind, thing from deploy.thing_problem"
        " where kind not in ('function', 'view') and exists (select from deploy.guard_thing)"
    ).fetchall()


def record_things(cur: psycopg.Cursor[Any], wrong_before: list[tuple[str, str]]) -> None:
    """Remember all as it stands, now that files are loaded, but for what was found changed before anything was done."""
    kinds, things = [kind for kind, _ in wrong_before], [thing for _, thing in wrong_before]
    cur.execute(
        "with wrong as (select * from unnest(%(kinds)s::text[], %(things)s::text[]) as w (kind, thing)),"
        " now_there as materialized (select kind, thing, sha256 from deploy.present_things()),"
        " gone as ("
        " delete from deploy.guard_thing as g"
        " where not exists (select from now_there as n where n.kind = g.kind and n.thing = g.thing)"
        " and not exists (select from wrong as w where w.kind = g.kind and w.thing = g.thing))"
        " insert into deploy.guard_thing as g (kind, thing, sha256)"
        " select n.kind, n.thing, n.sha256 from now_there as n"
        " where n.kind not in ('child', 'subscription', 'publication')"
        " and not exists (select from wrong as w where w.kind = n.kind and w.thing = n.thing)"
        " on conflict (kind, thing) do update set sha256 = excluded.sha256 where g.sha256 <> excluded.sha256",
        {"kinds": kinds, "things": things},
    )


def record(cur: psycopg.Cursor[Any], loaded: Things, all_things: Iterable[tuple[str, str]]) -> None:
    """Remember what was loaded just now as it stands, and forget what no file defines."""
    names = {"loaded": [name for _, name in loaded], "all": [name for _, name in all_things]}
    cur.execute(
        "insert into deploy.guard_trigger (table_name, trigger_name, definition)"
        " select table_name, trigger_name, definition from deploy.present_trigger"
        " where trigger_name || ' on ' || table_name = any(%(loaded)s)"
        " on conflict (table_name, trigger_name) do update set definition = excluded.definition",
        names,
    )
    cur.execute(
        "insert into deploy.guard_function (function_name, sha256)"
        " select distinct function_name, sha256 from deploy.present_trigger"
        " where function_name = any(%(loaded)s)"
        " or function_name not in (select f.function_name from deploy.guard_function as f)"  # called for the first time
        " on conflict (function_name) do update set sha256 = excluded.sha256",
        names,
    )
    cur.execute("delete from deploy.guard_trigger where trigger_name || ' on ' || table_name <> all(%(all)s)", names)
    cur.execute("delete from deploy.guard_function where function_name <> all(%(all)s)", names)
