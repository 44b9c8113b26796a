"""What the deploy remembers of the triggers it loaded, and how what is in the database differs from that.

The comparison is a view of the database, so that consistency.trigger_guard finds between two deploys what the next
deploy would mend.
"""

from collections.abc import Iterable
from typing import Any

import psycopg

# The views: all that the deploy defines and no file of db/ does.
VIEWS = {("view", "deploy.present_trigger"), ("view", "deploy.trigger_problem")}

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

create or replace view deploy.present_trigger as
select
    n.nspname || '.' || c.relname as table_name,
    t.tgname::text as trigger_name,
    -- a view's own trigger cannot be ALWAYS
    case when c.relkind = 'v' then t.tgenabled = 'O' else t.tgenabled = 'A' end as is_always,
    m.nspname || '.' || p.proname || ': '
    || replace(replace(pg_get_triggerdef(t.oid), n.nspname || '.', ''), m.nspname || '.', '') as definition,
    m.nspname || '.' || p.proname as function_name,
    encode(sha256(convert_to(pg_get_functiondef(p.oid), 'UTF8')), 'hex') as sha256
from pg_trigger as t
inner join pg_class as c on t.tgrelid = c.oid
inner join pg_namespace as n on c.relnamespace = n.oid
inner join pg_proc as p on t.tgfoid = p.oid
inner join pg_namespace as m on p.pronamespace = m.oid
-- the project's tables: those of the owner of this view; a partition has its parent's triggers
where
    not t.tgisinternal
    and t.tgparentid = 0
    and c.relowner = (select v.relowner from pg_class as v where v.oid = 'deploy.guard_trigger'::regclass);
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

Things = set[tuple[str, str]]  # as File.defines has them


def prepare(cur: psycopg.Cursor[Any]) -> None:
    """Make the tables and views where they are not."""
    cur.execute(OWN, prepare=False)


def broken(cur: psycopg.Cursor[Any]) -> Things:
    """Triggers and their functions that are not as they were deployed: their files are to be loaded again."""
    found = cur.execute("select table_name, trigger_name, function_name from deploy.trigger_problem").fetchall()
    triggers = {("trigger", f"{trigger} on {table}") for table, trigger, _ in found}
    return triggers | {("function", function) for _, _, function in found if function}


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
