"""Nobody holds up the rest: no advisory locks, bounded waits, no right to lock a table, logins with time-outs."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from pybridge.deploy import bounds, deploy
from pybridge.paths import ROOT
from tests.conftest import Connect, Connection
from tests.support.domain import (
    call_in,
    expect,
    log_rows,
    login_role,
    make_event,
    one,
    raw_purchase,
    rows,
    run,
    sell,
    wait_for,
)

GROUPS = (
    *("billig_seller", "billig_web", "billig_legacy", "billig_dev", "billig_site", "marketplace_web"),
    *("marketplace_profile", "bookkeeper", "analyst", "scheduler", "auditor"),
)
ADVISORY = re.compile(r"advisory[a-z_]*lock", re.I)


# --- No lock that anybody can take ----------------------------------------------------------------------------------


def test_no_function_takes_an_advisory_lock(shared_db: Connection) -> None:
    bodies = rows(
        shared_db,
        """
        select p.oid::regprocedure::text as name, pg_get_functiondef(p.oid) as body from pg_proc as p
        where p.pronamespace::regnamespace::text
            in ('books', 'billig', 'marketplace', 'bank', 'jobs', 'report', 'consistency', 'deploy')
            and p.prokind = 'f'
        """,
    )
    assert len(bodies) > 300
    assert [row["name"] for row in bodies if ADVISORY.search(row["body"])] == []
    assert ADVISORY.search("perform pg_advisory_xact_lock(1)"), "the control"


def test_no_file_of_pybridge_takes_one() -> None:
    files = [path for folder in ("db", "migrations", "pybridge") for path in Path(ROOT, folder).rglob("*.*")]
    texts = {path: path.read_text("utf-8") for path in files if path.suffix in (".py", ".sql")}
    assert len(texts) > 500
    assert [str(path) for path, text in texts.items() if ADVISORY.search(text)] == []


@pytest.mark.parametrize("table", ["billig.turn", "marketplace.turn", "bank.turn"])
def test_no_login_locks_a_turn_but_by_what_it_is_for(shared_db: Connection, table: str) -> None:
    for group in GROUPS:
        with logged_in(shared_db, group) as stranger, pytest.raises(psycopg.errors.InsufficientPrivilege):
            stranger.execute(f"select from {table} for key share".encode())


def test_a_client_that_chooses_a_large_key_waits_for_another_by_a_row(connect: Connect, db: Connection) -> None:
    event = make_event(db)
    first, second = connect(autocommit=False), connect()
    raw_purchase(first, purchase=1_000_000)
    thread = threading.Thread(target=lambda: raw_purchase(second, purchase=1_000_001 + 5000))
    thread.start()
    wait_for(db, second.info.backend_pid)
    first.commit()
    thread.join(20)
    assert one(db, "select pg_sequence_last_value('billig.purchase_purchase_seq')") == 1_005_001
    assert event.event


# --- Waits are bounded ----------------------------------------------------------------------------------------------


def test_every_function_that_may_wait_has_the_one_lock_timeout(shared_db: Connection) -> None:
    waiting = "p.prosecdef and p.provolatile = 'v' and p.prokind = 'f'"
    found = rows(
        shared_db,
        """
        select s as setting, count(*) as functions from pg_proc as p
        cross join unnest(p.proconfig) as s
        where s like 'lock_timeout=%' and p.pronamespace::regnamespace::text <> 'pg_catalog'
        group by s
        """,
    )
    assert [row["setting"] for row in found] == [f"lock_timeout={bounds.LOCK_TIMEOUT}"], "one number"
    without = rows(
        shared_db,
        sql.SQL(
            """
            select p.oid::regprocedure::text as name from pg_proc as p
            where {}
                and p.pronamespace::regnamespace::text in ('books', 'billig', 'marketplace', 'bank', 'jobs', 'report')
                and not coalesce(p.proconfig::text like '%%lock_timeout%%', false)
            """
        ).format(sql.SQL(waiting)),
    )
    assert without == []
    assert found[0]["functions"] > 100
    for path in Path(ROOT, "db").rglob("*.sql"):
        if path.name not in ("login_setting.sql",):
            assert not re.search(r"^set lock_timeout", path.read_text("utf-8"), re.M), f"{path}: a second home"


def test_a_function_that_is_loaded_again_is_bounded_again(shared_db: Connection) -> None:
    with shared_db.transaction(force_rollback=True):
        shared_db.execute("alter function billig.roll_up_log() reset lock_timeout")
        told = rows(shared_db, "select trigger_name, problem from consistency.trigger_guard")
        assert told == [{"trigger_name": "function", "problem": "not what was deployed"}]


def test_who_waits_for_a_turn_is_told_so_in_the_end(db: Connection, connect: Connect) -> None:
    db.execute("alter function billig.import_programme(jsonb) set lock_timeout = '200ms'")
    holder = connect(autocommit=False)
    run(holder, "select billig.import_programme('[]')")
    waiting = connect()
    waiting.execute("set lock_timeout = 0")  # a client that would wait for ever
    began = time.monotonic()
    with expect("55P03", native=True):
        run(waiting, "select billig.import_programme('[]')")
    assert time.monotonic() - began < 5
    holder.rollback()
    run(waiting, "select billig.import_programme('[]')")


# --- What a deploy says of the database -----------------------------------------------------------------------------


def idle_setting(db: Connection) -> list[str]:
    return [
        row["setting"]
        for row in rows(
            db,
            """
            select c as setting from pg_db_role_setting as s
            inner join pg_database as d on s.setdatabase = d.oid
            cross join unnest(s.setconfig) as c
            where d.datname = current_database() and s.setrole = 0
            """,
        )
    ]


def test_idle_transactions_end_by_themselves_where_nobody_decided_otherwise(bare_db: Connection) -> None:
    assert deploy(bare_db).left_open == []
    assert idle_setting(bare_db) == ["idle_in_transaction_session_timeout=1min"]
    bare_db.execute("alter database bare set idle_in_transaction_session_timeout = '7min'")
    assert deploy(bare_db).left_open == []
    assert idle_setting(bare_db) == ["idle_in_transaction_session_timeout=7min"], "the operator's own stays"
    bare_db.execute("alter database bare reset idle_in_transaction_session_timeout")
    # Who may deploy and is neither owner of the database nor a superuser is told what is left to do.
    with login_role(bare_db) as name:
        bare_db.execute(sql.SQL("grant pybridge_owner to {}").format(sql.Identifier(name)))
        bare_db.execute("grant execute on function lo_create(oid) to public")
        with psycopg.connect(bare_db.info.dsn, user=name) as deployer:
            left = deploy(deployer).left_open
        assert len(left) == 2
        for statement in left:
            bare_db.execute(statement.encode())
        with psycopg.connect(bare_db.info.dsn, user=name) as deployer:
            assert deploy(deployer).left_open == []


def test_a_deploy_mends_what_has_a_file_and_takes_no_other_change_for_its_own(db: Connection) -> None:
    told = "select trigger_name, problem from consistency.trigger_guard"
    db.execute(
        "create or replace function books.vat_of(p_gross numeric, p_rate numeric) returns numeric"
        " language sql immutable parallel safe return 0"
    )
    db.execute("alter table marketplace.transaction no force row level security")
    assert len(rows(db, told)) == 2
    assert deploy(db).loaded == ["db/functions/books/vat_of.sql"]
    assert one(db, "select books.vat_of(125, 25)") == 25
    for _ in range(2):
        assert rows(db, told) == [{"trigger_name": "table", "problem": "not what was deployed"}]
        deploy(db)
    db.execute("alter table marketplace.transaction force row level security")
    assert rows(db, told) == []


# --- Nobody locks a table -------------------------------------------------------------------------------------------


@contextmanager
def logged_in(db: Connection, *groups: str) -> Iterator[Connection]:
    with (
        login_role(db, *groups) as name,
        psycopg.connect(db.info.dsn, user=name, autocommit=True) as connection,
    ):
        yield connection


def locks(db: Connection, stranger: Connection) -> list[str]:
    """Relations that it can lock so that nobody writes them, or reads them."""
    found = []
    for row in rows(
        db,
        """
        select format('%I.%I', n.nspname, c.relname) as name from pg_class as c
        inner join pg_namespace as n on c.relnamespace = n.oid
        where c.relkind in ('r', 'p', 'v')
            and n.nspname in ('books', 'billig', 'marketplace', 'bank', 'jobs', 'report', 'consistency', 'deploy')
        """,
    ):
        for mode in ("share", "access exclusive"):
            with stranger.transaction(force_rollback=True):
                try:
                    with stranger.transaction():
                        stranger.execute(f"lock table {row['name']} in {mode} mode nowait".encode())
                    found.append(row["name"])
                except psycopg.errors.InsufficientPrivilege:
                    pass
    return found


@pytest.mark.parametrize("group", GROUPS)
def test_no_login_locks_a_table(shared_db: Connection, group: str) -> None:
    with logged_in(shared_db, group) as stranger:
        assert locks(shared_db, stranger) == []


def test_who_may_update_a_table_as_such_could(db: Connection) -> None:
    """Positive control: the right by table, and not column by column."""
    db.execute("grant update on billig.ticket to billig_legacy")
    with logged_in(db, "billig_legacy") as stranger:
        assert set(locks(db, stranger)) == {"billig.ticket"}


@pytest.mark.parametrize("group", GROUPS)
def test_no_login_fills_the_disk_with_large_objects(shared_db: Connection, group: str) -> None:
    with logged_in(shared_db, group) as stranger:
        for statement in ("lo_create(0)", "lo_creat(-1)", "lo_from_bytea(0, 'x')"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                stranger.execute(f"select {statement}".encode())
    with shared_db.transaction(force_rollback=True):
        assert one(shared_db, "select lo_create(0)") > 0, "the control: who may"


# --- Logins, and who holds others up --------------------------------------------------------------------------------


def test_a_login_is_made_with_its_bounds_and_one_made_otherwise_is_found(db: Connection, connect: Connect) -> None:
    run(db, "select deploy.create_login('billig_legacy', 'bounds_perl')")
    try:
        with login_role(db, "billig_legacy") as other:
            told = "select login_role, unset from report.login where group_role = 'billig_legacy' order by 1"
            assert rows(db, told) == [
                {"login_role": "bounds_perl", "unset": []},
                {
                    "login_role": other,
                    "unset": ["idle_in_transaction_session_timeout", "lock_timeout", "statement_timeout"],
                },
            ]
            run(db, "select deploy.create_login('billig_legacy', %s)", other)  # the remedy, as health tells it
            assert [row["unset"] for row in rows(db, told)] == [[], []]
        perl = connect("bounds_perl")
        shown = {name: one(perl, "select current_setting(%s)", name) for name in ("lock_timeout", "statement_timeout")}
        assert shown == {"lock_timeout": "10s", "statement_timeout": "1min"}
        perl.close()
        for arguments, sqlstate in (
            (("nobody", "x"), "P0002"), (("billig_legacy", None), "22023"), (("billig_legacy", "a b"), "22023"),
            (("billig_legacy", "auditor"), "22023"), (("pybridge_owner", "x"), "P0002"),
            (("billig_legacy", "pg_perl"), "22023"), (("billig_legacy", "public"), "22023"),
            (("billig_legacy", 'a"b'), "22023"), (("billig_legacy", "x" * 64), "22023"),
            (("billig_legacy", "a\n"), "22023"),
            (("billig_legacy", db.info.user), "22023"),
        ):  # fmt: skip
            with expect(sqlstate):
                run(db, "select deploy.create_login(%s, %s)", *arguments)
    finally:
        db.execute("drop role bounds_perl")


def test_every_group_says_what_its_logins_begin_with(shared_db: Connection) -> None:
    found = rows(shared_db, "select group_role, count(*) as settings from deploy.login_setting group by 1")
    assert {row["group_role"]: row["settings"] for row in found} == dict.fromkeys(GROUPS, 3)


def test_who_holds_others_up_is_named_with_the_table(db: Connection, connect: Connect) -> None:
    event = make_event(db)
    sale = sell(db, event.price_group)
    with login_role(db, "billig_legacy") as name:
        holder = connect(name, autocommit=False, application_name="old perl")
        holder.execute("select from billig.ticket for update")
        waiting = connect()
        thread = threading.Thread(
            target=lambda: run(waiting, "update billig.ticket set used = now() where ticket = %s", sale.tickets[0])
        )
        assert rows(db, "select * from report.blocker") == []
        thread.start()
        wait_for(db, waiting.info.backend_pid)
        (told,) = rows(db, "select * from report.blocker")
        assert (told["pid"], told["login_role"], told["application_name"]) == (
            holder.info.backend_pid,
            name,
            "old perl",
        )
        assert (told["state"], told["waiting"], told["tables"]) == ("idle in transaction", 1, ["billig.ticket"])
        assert told["open_for"] >= told["waited"]
        holder.rollback()
        thread.join(20)
        holder.close()
    assert log_rows(db, sale.tickets[0])[-1]["transaction_type"] == 13


# --- Runs -----------------------------------------------------------------------------------------------------------


def test_a_session_that_a_pool_keeps_idle_counts_as_gone_after_a_while(db: Connection, connect: Connect) -> None:
    worker = connect()
    number = one(worker, "select job_run from jobs.begin_run('log_rollup')")
    asked = """
        select jobs.is_alive(r.backend_pid, r.backend_started_at) as by_now,
            jobs.is_alive(r.backend_pid, r.backend_started_at, '10 ms') as later
        from jobs.job_run as r where r.job_run = %s
    """
    time.sleep(0.1)
    assert rows(db, asked, number) == [{"by_now": True, "later": False}]
    worker.autocommit = False
    worker.execute("select 1")  # at work: in a transaction
    time.sleep(0.1)
    assert rows(db, asked, number) == [{"by_now": True, "later": True}]


def test_who_keeps_the_books_does_not_say_that_they_were_checked(db: Connection, connect: Connect) -> None:
    with login_role(db, "bookkeeper") as name, login_role(db, "scheduler") as machine:
        keeper = connect(name)
        for job in ("consistency", "marketplace_verify"):
            with expect("42501"):
                call_in(keeper, "jobs", "begin_run", job=job)
        number = call_in(keeper, "jobs", "begin_run", job="log_rollup")[0]["job_run"]
        run(keeper, "select jobs.finish_run(%s, 'succeeded')", number)
        number = call_in(connect(machine), "jobs", "begin_run", job="consistency")[0]["job_run"]
        with expect("23B69"):
            run(keeper, "select jobs.finish_run(%s, 'succeeded')", number)


def test_a_roll_up_and_a_close_are_held_back_by_no_run(db: Connection, connect: Connect) -> None:
    """A run is committed when it has begun: it holds no snapshot, and rows that come after it are taken."""
    event = make_event(db)
    begun = connect()
    call_in(begun, "jobs", "begin_run", job="marketplace_update")
    sell(db, event.price_group)
    last = "select count(*) from billig.unrolled_log"
    run(db, "select billig.roll_up_log()")
    assert one(db, last) == 0
    long = connect(autocommit=False)  # the control: an open transaction does hold it back
    long.execute("select pg_current_xact_id()")
    sell(db, event.price_group)
    run(db, "select billig.roll_up_log()")
    assert one(db, last) > 0
    long.rollback()
    run(db, "select billig.roll_up_log()")
    assert one(db, last) == 0
