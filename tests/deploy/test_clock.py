"""Time that guards money is the server's: whoever writes says another only in a database marked for tests."""

import psycopg
import pytest
from psycopg import sql

from tests.conftest import Connect, Connection
from tests.support.clock import unmark
from tests.support.domain import expect, one, rows

READERS = {"jobs.due", "jobs.outlook"}  # volatile for the locks that they look at


@pytest.fixture
def real(db: Connection) -> Connection:
    """A database that nobody has marked, as every real one."""
    unmark(db)
    return db


def with_p_now(db: Connection) -> list[tuple[str, str, bool]]:
    """Each function that a client may call and that takes p_now: its name, a call of it, and whether it writes."""
    query = """
        select n.nspname || '.' || p.proname as name, p.provolatile = 'v' as writes,
            array_agg(a.name order by a.number) as names,
            array_agg(format_type(a.type, null) order by a.number) as types
        from pg_proc as p
        inner join pg_namespace as n on p.pronamespace = n.oid
        cross join lateral unnest(p.proargnames[:p.pronargs], p.proargtypes::oid[])
            with ordinality as a (name, type, number)
        where n.nspname in ('books', 'billig', 'jobs', 'marketplace', 'bank', 'deploy') and p.prosecdef
        group by n.nspname, p.proname, p.oid, p.provolatile
        having bool_or(a.name = 'p_now')
        order by 1
    """
    found = []
    for row in rows(db, query):
        arguments = ", ".join(
            f"{name} => {'now() + interval $$1 day$$' if name == 'p_now' else f'null::{kind}'}"
            for name, kind in zip(row["names"], row["types"], strict=True)
        )
        found.append((row["name"], f"select * from {row['name']}({arguments})", row["writes"]))
    return found


def test_what_writes_refuses_another_time_than_the_servers_and_what_reads_does_not(real: Connection) -> None:
    calls = with_p_now(real)
    writers = {name for name, _, writes in calls if writes} - READERS
    assert len(writers) >= 20
    for name, call, _ in calls:
        if name in writers:
            with expect("23B78"):
                real.execute(call.encode())
        else:
            with real.transaction():
                real.execute("set transaction read only")  # it looks ahead, and that is all
                real.execute(call.encode())


def sqlstate_of(db: Connection, call: str) -> str | None:
    try:
        db.execute(call.encode())
    except psycopg.Error as error:
        return error.sqlstate
    return None


def test_marked_the_same_calls_come_further(db: Connection) -> None:
    """The control: without the mark's guard, each goes on to what else may be wrong with it."""
    for _, call, writes in with_p_now(db):
        if writes:
            assert sqlstate_of(db, call) != "23B78"


def test_a_month_does_not_close_before_it_is_over_by_the_servers_clock(real: Connection) -> None:
    one(real, "select marketplace.ensure_partitions((now() - interval '1 month')::date, 4)")
    month = one(real, "select marketplace.month_of(now())")
    real.execute("select marketplace.update_transactions(%s)", (month,))
    with expect("23B78"):
        real.execute("select marketplace.close_month(%s, '2099-01-01 02:00')", (month,))
    with expect("23B61"):
        real.execute("select marketplace.close_month(%s)", (month,))


@pytest.mark.parametrize("role", ["pybridge_owner", "scheduler"])
def test_only_a_superuser_marks_a_database(real: Connection, connect: Connect, role: str) -> None:
    """Not the owner either: whoever deploys may act as it."""
    real.execute(sql.SQL("create role clock_deployer login in role {}").format(sql.Identifier(role)))
    try:
        with connect("clock_deployer") as deployer, pytest.raises(psycopg.errors.InsufficientPrivilege):
            deployer.execute("insert into deploy.test_clock default values")
    finally:
        real.execute("drop owned by clock_deployer")
        real.execute("drop role clock_deployer")
    assert one(real, "select count(*) from deploy.test_clock") == 0


@pytest.mark.parametrize(
    "change",
    [
        "delete from deploy.test_clock",
        "truncate deploy.test_clock",
        "update deploy.test_clock set marked_by = 'nobody'",
    ],
)
def test_a_database_stays_marked(db: Connection, change: str) -> None:
    with expect("42501"):
        db.execute(change.encode())
    with expect("42501"):
        db.execute(b"set session_replication_role = replica; " + change.encode())


def test_whoever_takes_the_guard_away_is_found(real: Connection) -> None:
    """The control: with its trigger off, any owner marks; the nightly check says that it is off."""
    real.execute("alter table deploy.test_clock disable trigger test_clock_keep")
    real.execute("set role pybridge_owner")
    real.execute("insert into deploy.test_clock default values")
    real.execute("reset role")
    (found,) = rows(real, "select trigger_name, problem from consistency.trigger_guard")
    assert found == {"trigger_name": "test_clock_keep", "problem": "not ALWAYS"}
