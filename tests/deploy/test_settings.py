"""What a login has set changes no answer: not how dates are written, nor the zone, nor how numbers are."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql

from pybridge.deploy.catalogue import SCHEMAS
from pybridge.deploy.deployer import deploy, schema_fingerprint
from tests.conftest import Connection
from tests.support import market
from tests.support.domain import consistency, make_event, one, refund, rows, sell
from tests.support.house import MONTH, House

ODD = {
    "datestyle": "Postgres,DMY",
    "intervalstyle": "sql_standard",
    "timezone": "Pacific/Chatham",
    "extra_float_digits": "-15",
    "bytea_output": "escape",
    "lc_monetary": "C",
    # What the guard compares is text that PostgreSQL writes of definitions.
    "quote_all_identifiers": "on",
    "standard_conforming_strings": "off",
    "search_path": "report",
    "transform_null_equals": "on",
}
NOW = market.day(MONTH + timedelta(days=70))
# Functions that only answer, with what they are asked.
QUESTIONS: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("jobs.outlook(%s)", (NOW,)),
    ("jobs.due(%s)", (NOW,)),
    ("marketplace.due_date('CHARGE', %s)", (MONTH,)),
    ("marketplace.due_transactions(null, %s)", (NOW,)),
    ("marketplace.account(%s)", ("advertiser",)),
    ("marketplace.why_not_paid(%s)", ("advertiser",)),
    ("marketplace.past_transactions(%s)", ("advertiser",)),
    ("marketplace.waiting()", ()),
    ("marketplace.current_totals(%s)", ("advertiser",)),
    ("marketplace.click_series(%s, 'ADVERTISEMENT', %s, %s)", ("advertiser", MONTH, MONTH + timedelta(days=3))),
    ("marketplace.top_items(%s, 'ADVERTISEMENT', %s, %s)", ("advertiser", MONTH, MONTH + timedelta(days=3))),
    ("billig.x_report(1)", ()),
)


@pytest.fixture(scope="module")
def house(shared_db: Connection, tmp_path_factory: pytest.TempPathFactory) -> House:
    return House(shared_db, tmp_path_factory.mktemp("bank"))


@pytest.fixture
def sessions(house: House) -> Iterator[tuple[Connection, Connection]]:
    """One as it comes, and one with odd settings."""
    info = house.db.info
    options = " ".join(f"-c {name}={value}" for name, value in ODD.items())
    place: dict[str, Any] = {"host": info.host, "port": info.port, "dbname": info.dbname, "user": info.user}
    with psycopg.connect(**place) as plain, psycopg.connect(**place, options=options) as odd:
        yield plain, odd
        plain.rollback()
        odd.rollback()


def answer(session: Connection, question: sql.Composable, values: list[Any]) -> list[str]:
    """The rows, as they are before a client writes them: a moment is a moment, whatever the zone.

    Only when the transaction began is each session's own, and how long something has waited until then.
    """
    cursor = session.cursor(binary=True)
    began: datetime = cursor.execute("select now()").fetchall()[0][0]
    found = cursor.execute(sql.SQL("select * from {}").format(question), values).fetchall()
    names = [column.name for column in cursor.description or ()]

    def plain(name: str, value: Any) -> Any:
        if name == "waited" and value is not None:
            return began.timestamp() - value.total_seconds()
        if hasattr(value, "timestamp") and value.tzinfo:
            return "now" if value == began else value.timestamp()
        return value

    return sorted(repr([plain(*each) for each in zip(names, row, strict=True)]) for row in found)


def test_odd_settings_change_no_view(house: House, sessions: tuple[Connection, Connection]) -> None:
    views = rows(
        house.db,
        "select schemaname || '.' || viewname as view from pg_views where schemaname in ('report', 'consistency')",
    )
    assert len(views) > 60
    answered = 0
    for row in views:
        view = sql.Identifier(*row["view"].split("."))
        plain, odd = (answer(session, view, []) for session in sessions)
        assert plain == odd, row["view"]
        answered += bool(plain)
    assert answered > 20  # views without rows show nothing


@pytest.mark.parametrize(("question", "values"), QUESTIONS)
def test_odd_settings_change_no_answer(
    house: House, sessions: tuple[Connection, Connection], question: str, values: tuple[Any, ...]
) -> None:
    asked = [house.advertiser if value == "advertiser" else value for value in values]
    asked_of = []
    for session in sessions:
        asked_of.append(answer(session, sql.SQL(question), asked))
        session.rollback()
    plain, odd = asked_of
    assert plain == odd
    assert plain, question


def test_a_job_calls_its_period_the_same_whoever_runs_it(house: House, sessions: tuple[Connection, Connection]) -> None:
    _, odd = sessions
    query = "select distinct period from jobs.outlook() where period <> ''"
    periods = {row[0] for row in odd.execute(query)}
    assert periods
    assert all(period[4] == "-" for period in periods), periods  # 2026-10 or 2026-10-01
    # The control: unpinned, the function would answer as the login writes dates.
    odd.execute("alter function jobs.outlook reset datestyle")
    assert {row[0] for row in odd.execute(query)} != periods


def test_a_deploy_comes_to_the_same_whatever_its_role_has_set(bare_db: Connection, db: Connection) -> None:
    options = " ".join(f"-c {name}={value}" for name, value in ODD.items())
    with psycopg.connect(bare_db.info.dsn, options=options, autocommit=True) as odd:
        assert deploy(odd).migrations
        assert schema_fingerprint(odd) == schema_fingerprint(db)
        for session in (odd, bare_db):
            assert session.execute("select * from consistency.trigger_guard").fetchall() == []
            assert deploy(session).loaded == []
        shown = [session.execute("show quote_all_identifiers").fetchone() for session in (odd, bare_db)]
        assert shown == [("on",), ("off",)], "its own again"


ESCAPES = re.compile(r"\be'(?:[^'\\]|\\.|'')*'|--[^\n]*", re.I)  # E'...', and comments


def test_no_body_reads_otherwise_where_a_backslash_is_an_escape(shared_db: Connection) -> None:
    """A body is read by the settings of who calls it: with standard_conforming_strings off, '\\S' is an S."""
    query = "select p.oid::regproc::text as name, p.prosrc from pg_proc as p where p.prosqlbody is null"
    bodies = rows(shared_db, f"{query} and p.pronamespace::regnamespace::text = any (%s)", list(SCHEMAS))
    assert len(bodies) > 200
    assert [body["name"] for body in bodies if "\\" in ESCAPES.sub("", body["prosrc"])] == []
    assert any("\\" in body["prosrc"] for body in bodies), "the control: some write E'...'"


def test_who_has_odd_settings_sells_and_refunds_as_all_do(db: Connection) -> None:
    price_group = make_event(db).price_group
    options = " ".join(f"-c {name}={value}" for name, value in ODD.items())
    with psycopg.connect(db.info.dsn, options=options, autocommit=True) as odd:
        sale = sell(odd, price_group, 2)
        refund(odd, sale.tickets[:1], reason="because")
        query = "select count(*) from billig.reduce_price(%s, '{10}', p_seller => 'kari', p_reason => 'because')"
        assert one(odd, query, sale.tickets[1:]) == 1
    assert consistency(db) == {}
