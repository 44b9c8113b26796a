"""What must stay unknown (tests/deploy/rights.toml): each column, by each role it is kept from, tried in six ways."""

import tomllib
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.conftest import Connection
from tests.support.domain import login_role, make_event, one, raw_purchase, rows, run

UNKNOWN = tomllib.loads(Path(__file__).with_name("rights.toml").read_text("utf-8"))["unknown"]
Way = Callable[[Connection, str, str, str], bool]
"""Whether it shows something of a column: connection, schema, table, column."""


def shows(connection: Connection, statement: str) -> bool:
    """Whether the statement is allowed at all; what is refused must be so for want of a right."""
    try:
        with connection.transaction(force_rollback=True):
            if statement.startswith("copy"):
                with connection.cursor().copy(statement.encode()) as copy:
                    list(copy)
            else:
                connection.execute(statement.encode())
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True


def statistics(connection: Connection, schema: str, table: str, column: str) -> bool:
    query = "select 1 as told from pg_stats where (schemaname, tablename, attname) = (%s, %s, %s)"
    return rows(connection, query, schema, table, column) != []


WAYS: dict[str, Way] = {
    "asked": lambda c, s, t, k: shows(c, f"select {k} from {s}.{t}"),
    "planned": lambda c, s, t, k: shows(c, f"explain select {k} from {s}.{t}"),
    "guessed": lambda c, s, t, k: shows(c, f"select 1 from {s}.{t} where {k}::text > 'm'"),
    "copied": lambda c, s, t, k: shows(c, f"copy (select {k} from {s}.{t}) to stdout"),
    "as a row": lambda c, s, t, k: shows(c, f"select x::text from {s}.{t} as x"),
    "by a view of one's own": lambda c, s, t, k: shows(
        c, f"create temporary view mine as select {k} from {s}.{t}; select * from pg_temp.mine"
    ),
    "by statistics": statistics,
}


@pytest.fixture(scope="module")
def db(shared_db: Connection) -> Connection:
    make_event(shared_db)
    purchase = raw_purchase(shared_db)
    run(shared_db, "update billig.purchase set owner_email = 'kari@example.com' where purchase = %s", purchase)
    shared_db.execute("analyze billig.purchase")
    return shared_db


@pytest.mark.parametrize("unknown", UNKNOWN, ids=[each["what"] for each in UNKNOWN])
def test_what_must_stay_unknown_stays_so(db: Connection, unknown: dict[str, list[str]]) -> None:
    assert unknown["columns"]
    for role in unknown["to"]:
        with login_role(db, role) as name, psycopg.connect(db.info.dsn, user=name, autocommit=True) as stranger:
            for column in unknown["columns"]:
                for way, tried in WAYS.items():
                    assert not tried(stranger, *column.split(".")), f"{role} learns {column}, {way}"


@pytest.mark.parametrize("way", WAYS)
def test_each_way_leads_there_where_it_may(db: Connection, way: str) -> None:
    """Positive control."""
    assert one(db, "select rolsuper from pg_roles where rolname = current_user")
    assert WAYS[way](db, "billig", "purchase", "owner_email")
