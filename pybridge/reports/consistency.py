"""The consistency views: each returns a row for each broken invariant, else none."""

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from pybridge.errors import NotFound

VIEWS = """
select c.relname as name, coalesce(obj_description(c.oid, 'pg_class'), '') as explanation
from pg_class as c
where c.relnamespace = to_regnamespace('consistency') and c.relkind = 'v'
order by c.relname
"""


@dataclass(frozen=True)
class Finding:
    """What one consistency view returned; `rows` has at most as many as were asked for."""

    view: str
    explanation: str
    broken: int
    rows: list[dict[str, Any]]


def run(connection: psycopg.Connection[Any], limit: int = 20) -> list[Finding]:
    """Every consistency view, read in one snapshot; where there are none, all is not well.

    Several machines have no snapshot in common: there what the views compare is held still instead.
    """
    with connection.transaction():
        connection.execute("set transaction read only")
        if not connection.execute(VIEWS).fetchall():
            detail = "Schema consistency holds no views, so nothing was checked."
            raise NotFound("there are no consistency views", detail, "Run: pybridge deploy")
        if connection.execute("select marketplace.hold_clicks()").fetchone() == (True,):
            return _findings(connection, limit)
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read read only")
        return _findings(connection, limit)


def _findings(connection: psycopg.Connection[Any], limit: int) -> list[Finding]:
    findings = []
    with connection.cursor(row_factory=dict_row) as cursor:
        for view in cursor.execute(VIEWS).fetchall():
            rows = cursor.execute(sql.SQL("table {}").format(sql.Identifier("consistency", view["name"]))).fetchall()
            findings.append(Finding(view["name"], view["explanation"], len(rows), rows[:limit]))
    return findings
