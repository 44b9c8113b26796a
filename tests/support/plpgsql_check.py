"""`python -m tests.support.plpgsql_check`: deploy on Debian's PostgreSQL 15 and check every PL/pgSQL function's body.

CREATE FUNCTION looks at little more than syntax; this finds columns that do not exist, wrong types, unused variables
and injection. Trigger functions are checked once for each trigger that calls them, with its transition tables.
"""

import os
import sys
from typing import Any

import psycopg

from pybridge.deploy import deploy
from tests.support import servers

VERSION = "15"
SCHEMAS = ("books", "billig", "marketplace", "bank", "jobs", "report", "consistency", "deploy")

# Findings that are meant: (schema.function, SQLSTATE, the beginning of the message), each with its reason beside it.
ALLOWED: frozenset[tuple[str, str, str]] = frozenset()

FUNCTIONS = """
    SELECT p.oid::regprocedure::text, p.oid, 0::oid, NULL::name, NULL::name
      FROM pg_proc p
      JOIN pg_language l ON l.oid = p.prolang
      JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE l.lanname = 'plpgsql'
       AND n.nspname = ANY (%(schemas)s)
       AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
    UNION ALL
    SELECT DISTINCT p.oid::regprocedure || ' on ' || t.tgrelid::regclass,
           p.oid, t.tgrelid, t.tgoldtable, t.tgnewtable
      FROM pg_trigger t
      JOIN pg_proc p ON p.oid = t.tgfoid
      JOIN pg_language l ON l.oid = p.prolang
      JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE l.lanname = 'plpgsql'
       AND NOT t.tgisinternal
       AND n.nspname = ANY (%(schemas)s)
     ORDER BY 1
"""

ORPHANS = """
    SELECT p.oid::regprocedure::text
      FROM pg_proc p
      JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE p.prorettype = 'trigger'::regtype
       AND n.nspname = ANY (%(schemas)s)
       AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgfoid = p.oid)
     ORDER BY 1
"""

FINDINGS = """
    SELECT lineno, statement, sqlstate, message, detail, hint, level
      FROM plpgsql_check_function_tb(
               funcoid => %(function)s::oid::regprocedure,
               relid => %(relation)s::oid::regclass,
               oldtable => %(oldtable)s,
               newtable => %(newtable)s,
               extra_warnings => true,
               performance_warnings => false,
               security_warnings => true)
"""


def findings(connection: psycopg.Connection[Any]) -> tuple[int, list[str]]:
    """How many checks were made, and a line for each finding that is not allowed."""
    lines = [
        f"{name}: a trigger function that no trigger calls"
        for (name,) in connection.execute(ORPHANS, {"schemas": list(SCHEMAS)})
    ]
    checks = connection.execute(FUNCTIONS, {"schemas": list(SCHEMAS)}).fetchall()
    for name, function, relation, oldtable, newtable in checks:
        arguments = {"function": function, "relation": relation, "oldtable": oldtable, "newtable": newtable}
        for lineno, statement, state, message, detail, hint, level in connection.execute(FINDINGS, arguments):
            if any(name.startswith(a + "(") and state == b and message.startswith(c) for a, b, c in ALLOWED):
                continue
            more = " ".join(part for part in (detail, hint) if part)
            lines.append(f"{name}:{lineno}: {level} {state} at {statement}: {message} {more}".rstrip())
    return len(checks), lines


def unavailable(reason: str) -> int:
    """On a developer's machine the check may be missing; in CI that is a failure."""
    print(f"plpgsql_check: not run, {reason}", file=sys.stderr)
    return 1 if os.environ.get("CI") else 0


def main() -> int:
    """Exit 1 if anything was found."""
    try:
        servers.check(VERSION)
    except servers.MissingVersion as missing:
        return unavailable(str(missing))
    with servers.temporary(VERSION) as server:
        with server.connect() as connection:
            available = connection.execute(
                "SELECT FROM pg_available_extensions WHERE name = 'plpgsql_check'"
            ).fetchone()
        if available is None:
            return unavailable(f"Debian's package postgresql-{VERSION}-plpgsql-check is not installed")
        with server.connect(autocommit=False) as connection:
            deploy(connection)
        with server.connect() as connection:
            connection.execute("CREATE EXTENSION plpgsql_check")
            checked, lines = findings(connection)
    print("\n".join([*lines, f"plpgsql_check: {checked} function bodies, {len(lines)} findings"]))
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
