"""Everything of the project says in the catalogue what it is; the reference in docs/ is made from that."""

import re

from tests.conftest import Connection
from tests.support.domain import Row, rows

SCHEMAS = ["books", "billig", "marketplace", "bank", "jobs", "report", "consistency", "analysis", "deploy"]
YOYOS = "_yoyo_%"  # tables that are yoyo's, not the project's
STATES = re.compile(r"'(22023|23\d{3}|23B\d\d|42501|55P03|P0002)'")
UNIT = r"\bNOK\b|the account's currency"
REFUSAL_NUMBERS = re.compile(r"\bthen (-\d+)\b")


def names(found: list[Row]) -> list[str]:
    return [row["name"] for row in found]


def test_every_schema_has_a_comment(shared_db: Connection) -> None:
    query = """
        select nspname as name, obj_description(oid, 'pg_namespace') as comment
        from pg_namespace
        where nspname = any (%s)
    """
    found = rows(shared_db, query, SCHEMAS)
    assert len(found) == len(SCHEMAS)
    assert names([row for row in found if not row["comment"]]) == []


def test_every_table_and_view_has_a_comment(shared_db: Connection) -> None:
    query = """
        select format('%%s.%%s', relnamespace::regnamespace, relname) as name,
            obj_description(oid, 'pg_class') as comment
        from pg_class
        where relnamespace::regnamespace::text = any (%s) and relkind in ('r', 'p', 'v', 'm')
            and not relispartition and relname not like %s
    """
    found = rows(shared_db, query, SCHEMAS, YOYOS)
    assert len(found) > 40
    assert names([row for row in found if not row["comment"]]) == []


def test_every_column_of_a_table_has_a_comment(shared_db: Connection) -> None:
    query = """
        select format('%%s.%%s.%%s', c.relnamespace::regnamespace, c.relname, a.attname) as name,
            col_description(c.oid, a.attnum) as comment
        from pg_class as c
        inner join pg_attribute as a on c.oid = a.attrelid and a.attnum > 0 and not a.attisdropped
        where c.relnamespace::regnamespace::text = any (%s) and c.relkind in ('r', 'p')
            and not c.relispartition and c.relname not like %s
    """
    found = rows(shared_db, query, SCHEMAS, YOYOS)
    assert len(found) > 150
    assert names([row for row in found if not row["comment"]]) == []


def test_every_column_of_a_report_has_a_comment_of_its_own(shared_db: Connection) -> None:
    query = """
        select format('%s.%s', c.relname, a.attname) as name, col_description(c.oid, a.attnum) as comment
        from pg_class as c
        inner join pg_attribute as a on c.oid = a.attrelid and a.attnum > 0
        where c.relnamespace = 'report'::regnamespace and c.relkind = 'v'
    """
    found = rows(shared_db, query)
    assert len(found) > 500
    assert names([row for row in found if not row["comment"]]) == []
    amounts = [row for row in found if row["name"].endswith("_amount")]
    assert names([row for row in amounts if not re.search(UNIT, row["comment"])]) == [], "an amount has a unit"


def _functions(db: Connection) -> list[Row]:
    return rows(
        db,
        """
        select oid::regprocedure::text as name, obj_description(oid, 'pg_proc') as comment,
            coalesce(prosrc, '') || coalesce(pg_get_function_sqlbody(oid), '') as body
        from pg_proc
        where pronamespace::regnamespace::text = any (%s)
        order by 1
        """,
        SCHEMAS,
    )


def test_every_function_has_a_comment(shared_db: Connection) -> None:
    found = _functions(shared_db)
    assert len(found) > 50
    assert names([row for row in found if not row["comment"]]) == []


def test_every_function_says_which_sqlstates_it_raises(shared_db: Connection) -> None:
    refusals = {
        row["ticket_refusal"]: row["error_code"]
        for row in rows(shared_db, "select ticket_refusal, error_code from billig.ticket_refusal")
    }
    seen: set[str] = set()
    silent = []
    for function in _functions(shared_db):
        body = re.sub(r"--[^\n]*", "", function["body"])
        states = set(STATES.findall(body)) | {refusals[int(number)] for number in REFUSAL_NUMBERS.findall(body)}
        seen |= states
        silent += [f"{function['name']}: {state}" for state in sorted(states) if state not in function["comment"]]
    assert silent == []
    assert {"22023", "P0002", "42501", *refusals.values()} <= seen, "the search finds what is raised"


def test_every_role_has_a_comment(shared_db: Connection) -> None:
    query = """
        select rolname as name, shobj_description(oid, 'pg_authid') as comment
        from pg_roles
        where rolname ~ '^(billig|pybridge)_'
            or rolname in ('marketplace_web', 'marketplace_profile', 'bookkeeper', 'analyst', 'scheduler', 'auditor')
    """
    found = rows(shared_db, query)
    assert len(found) == 12
    assert names([row for row in found if not row["comment"]]) == []
