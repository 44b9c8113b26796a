"""The reference in docs/reference/, written from the catalogue's COMMENTs, so that it says what the database says."""

import re
from pathlib import Path
from typing import Any

import jinja2
import psycopg
from psycopg.rows import dict_row

from pybridge.paths import ROOT

FOLDER = ROOT / "docs" / "reference"
INDEX = "README.md"

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
# A foreign key: `child` names the row of `parent`, which may be another schema's. Key columns alone are drawn.
FOREIGN_KEYS = """
select
    c.relname as child,
    case when p.relnamespace = c.relnamespace then '' else p.relnamespace::regnamespace || '.' end || p.relname
    as parent,
    k.columns,
    k.is_nullable,
    exists (
        select from pg_index as i
        where i.indrelid = c.oid and i.indisunique and i.indpred is null
            and (select array_agg(x order by x) from unnest(i.indkey) as x)
            <@ (select array_agg(y order by y) from unnest(f.conkey) as y)
    ) as is_unique
from pg_constraint as f
inner join pg_class as c on f.conrelid = c.oid
inner join pg_class as p on f.confrelid = p.oid
cross join lateral (
    select string_agg(a.attname, ', ' order by o.place) as columns, bool_or(not a.attnotnull) as is_nullable
    from unnest(f.conkey) with ordinality as o (attnum, place)
    inner join pg_attribute as a on a.attrelid = c.oid and o.attnum = a.attnum
) as k
where f.contype = 'f' and f.conparentid = 0 and c.relnamespace = %s::regnamespace and not c.relispartition
order by c.relname, k.columns, parent
"""
KEY_COLUMNS = """
select
    c.relname as name, a.attname as column,
    translate(format_type(a.atttypid, null), ' .', '__') as type,
    concat_ws(
        ', ',
        case when bool_or(k.contype = 'p') then 'PK' end,
        case when bool_or(k.contype = 'f') then 'FK' end
    ) as keys
from pg_class as c
inner join pg_constraint as k on c.oid = k.conrelid and k.contype in ('p', 'f')
inner join pg_attribute as a on a.attrelid = c.oid and a.attnum = any (k.conkey)
where c.relnamespace = %s::regnamespace and not c.relispartition
group by c.oid, c.relname, a.attname, a.attnum, a.atttypid
order by c.relname, a.attnum
"""
# Where one diagram would be too large to read: what each is of, and the tables whose keys it shows, first come first.
THEMES = {
    "billig": {
        "The programme": r"event.*|project|ticket_group.*|price_group|sale_channel|cash_point",
        "Sales": r"ticket|payment.*|owed_back.*|receipt.*",
        "Tills": r"till_.*|z_report.*",
        "Disputes and cancelled events": r"dispute.*|cancelled_.*",
        "The roll-up of the log": r".*",
    },
    "marketplace": {
        "Charging and paying": r"payment_.*|gateway.*|balance_.*|purse.*|stray|decline_.*|retry_rule|means_status",
        "Months and accounts": r"transaction.*|month|update_run|late_click|account_entry|set_off|settlement.*",
        "People, and what they advertise and show": r".*",
    },
    "bank": {
        "Statements, and what is expected": r"statement.*|entry.*|expected.*|route",
        "Matches": r".*",
    },
}
ROLES = """
select r.rolname as name, shobj_description(r.oid, 'pg_authid') as comment
from pg_roles as r
where shobj_description(r.oid, 'pg_authid') is not null and r.rolname !~ '^pg_'
order by r.rolname
"""
SHOWN = ["billig", "marketplace", "bank", "books", "jobs", "report", "consistency", "deploy"]


def render(conn: psycopg.Connection[Any]) -> dict[str, str]:
    """The reference of a deployed database, as Markdown, by file: the index, and a page per schema."""
    with conn.cursor(row_factory=dict_row) as cur:
        schemas = cur.execute(SCHEMAS, (SHOWN, SHOWN)).fetchall()
        if missing := set(SHOWN) - {schema["name"] for schema in schemas}:
            raise LookupError(f"the database has no schema {', '.join(sorted(missing))}: was it deployed?")
        for schema in schemas:
            schema["relations"] = cur.execute(RELATIONS, (schema["name"],)).fetchall()
            for relation in schema["relations"]:
                columns = cur.execute(COLUMNS, (relation["oid"],)).fetchall()
                # A NOT NULL constraint is not part of a view, whose columns would all seem to be null.
                for column in columns:
                    if relation["kind"] == "View":
                        column["type"] = column["type"].removesuffix(", null")
                    column["comment"] = column["comment"].replace("|", "\\|")
                relation["columns"] = columns
            schema["diagrams"] = diagrams(
                schema["name"],
                cur.execute(FOREIGN_KEYS, (schema["name"],)).fetchall(),
                cur.execute(KEY_COLUMNS, (schema["name"],)).fetchall(),
            )
            schema["functions"] = cur.execute(FUNCTIONS, (schema["name"],)).fetchall()
        roles = cur.execute(ROLES).fetchall()
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=False, undefined=jinja2.StrictUndefined
    )
    index = environment.get_template("reference_index.md.j2").render(schemas=schemas, roles=roles)
    page = environment.get_template("reference_schema.md.j2")
    texts = {INDEX: index} | {f"{schema['name']}.md": page.render(schema=schema) for schema in schemas}
    return {name: text.rstrip() + "\n" for name, text in texts.items()}


def diagrams(schema: str, foreign_keys: list[dict[str, Any]], columns: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Mermaid's entity diagrams of a schema: each foreign key is in one of them, where its own table is."""
    drawn = []
    left = foreign_keys
    for title, tables in THEMES.get(schema, {"": ".*"}).items():
        here = [key for key in left if re.fullmatch(tables, key["child"])]
        left = [key for key in left if key not in here]
        if here:
            drawn.append({"title": title, "text": _diagram(here, columns)})
    return drawn


def _diagram(foreign_keys: list[dict[str, Any]], columns: list[dict[str, Any]]) -> str:
    lines = ["erDiagram"]
    for key in foreign_keys:
        parent = "|o" if key["is_nullable"] else "||"
        child = "o|" if key["is_unique"] else "o{"
        lines.append(f'    {_entity(key["parent"])} {parent}--{child} {_entity(key["child"])} : "{key["columns"]}"')
    for name in sorted({key["child"] for key in foreign_keys}):
        lines.append(f"    {_entity(name)} {{")
        lines += [f"        {each['type']} {each['column']} {each['keys']}" for each in columns if each["name"] == name]
        lines.append("    }")
    return "\n".join(lines)


def _entity(name: str) -> str:
    return f'"{name}"' if "." in name else name
