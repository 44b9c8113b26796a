"""The reference in docs/, written from the catalogue's COMMENTs, so that it cannot say other than the database."""

from typing import Any

import jinja2
import psycopg
from psycopg.rows import dict_row

SCHEMAS = """
select n.nspname as name, obj_description(n.oid) as comment
from pg_namespace as n
where n.nspname = any (%s)
order by array_position(%s, n.nspname::text)
"""
RELATIONS = """
select
    c.oid,
    c.relname as name,
    case c.relkind when 'v' then 'View' else 'Table' end as kind,
    coalesce(obj_description(c.oid, 'pg_class'), '') as comment
from pg_class as c
where c.relnamespace = %s::regnamespace and c.relkind in ('r', 'p', 'v') and not c.relispartition
order by c.relname
"""
COLUMNS = """
select
    a.attname as name,
    format_type(a.atttypid, a.atttypmod) || case when a.attnotnull then '' else ', null' end as type,
    coalesce(col_description(a.attrelid, a.attnum), '') as comment
from pg_attribute as a
where a.attrelid = %s and a.attnum > 0 and not a.attisdropped
order by a.attnum
"""
FUNCTIONS = """
select
    p.proname as name,
    pg_get_function_arguments(p.oid) as arguments,
    pg_get_function_result(p.oid) as result,
    coalesce(obj_description(p.oid, 'pg_proc'), '') as comment,
    (
        select string_agg(format('`%%s`', r.rolname), ', ' order by r.rolname)
        from aclexplode(p.proacl) as x
        inner join pg_roles as r on x.grantee = r.oid
        where x.privilege_type = 'EXECUTE' and x.grantee <> p.proowner
    ) as roles
from pg_proc as p
where p.pronamespace = %s::regnamespace and p.prorettype <> 'trigger'::regtype
order by p.proname
"""
ROLES = """
select r.rolname as name, shobj_description(r.oid, 'pg_authid') as comment
from pg_roles as r
where shobj_description(r.oid, 'pg_authid') is not null and r.rolname !~ '^pg_'
order by r.rolname
"""
SHOWN = ["billig", "marketplace", "bank", "jobs", "report", "consistency", "deploy"]


def render(conn: psycopg.Connection[Any]) -> str:
    """The reference of a deployed database, as Markdown."""
    with conn.cursor(row_factory=dict_row) as cur:
        schemas = cur.execute(SCHEMAS, (SHOWN, SHOWN)).fetchall()
        for schema in schemas:
            schema["relations"] = cur.execute(RELATIONS, (schema["name"],)).fetchall()
            for relation in schema["relations"]:
                columns = cur.execute(COLUMNS, (relation["oid"],)).fetchall()
                # A NOT NULL constraint is no part of a view, whose columns would all seem to be null.
                for column in columns:
                    if relation["kind"] == "View":
                        column["type"] = column["type"].removesuffix(", null")
                    column["comment"] = column["comment"].replace("|", "\\|")
                relation["columns"] = columns
            schema["functions"] = cur.execute(FUNCTIONS, (schema["name"],)).fetchall()
        roles = cur.execute(ROLES).fetchall()
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("pybridge"), autoescape=False, undefined=jinja2.StrictUndefined
    )
    return environment.get_template("reference.md.j2").render(schemas=schemas, roles=roles).rstrip() + "\n"
