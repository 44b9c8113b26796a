"""`pybridge schedule`: it runs what is due, stops when told, and outlives what it depends on."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pybridge.jobs import runner as jobs
from pybridge.jobs.runner import Did
from pybridge.jobs.scheduler import Scheduler
from pybridge.paths import ROOT
from tests.conftest import Connect, Connection, DurableServerFactory
from tests.support import market
from tests.support.cli import Run, url
from tests.support.cli import run as pybridge
from tests.support.domain import login_role, one, rows, run, wait_for
from tests.support.schedule import at, due, since
from tests.support.waits import impatient

__all__ = ["pybridge"]  # a fixture

JANUARY = date(2026, 1, 1)
EVERY_SECOND = "update jobs.schedule set every = '1 second', retry_after = '1 second' where job = 'log_rollup'"


@pytest.fixture
def planned(db: Connection, monkeypatch: pytest.MonkeyPatch) -> Connection:
    """A database whose schedule is two days old: everything without a month is due."""
    monkeypatch.setenv("DATABASE_URL", url(db))
    since(db, datetime.now(UTC) - timedelta(days=2))
    return db


def states(db: Connection, job: str) -> list[tuple[str, str | None]]:
    found = rows(db, "select state, error_code from report.job_run where job = %s order by job_run", job)
    return [(row["state"], row["error_code"]) for row in found]


# --- What it runs ---------------------------------------------------------------------------------------------------


def test_once_runs_all_that_is_due_and_then_nothing(planned: Connection, capsys: pytest.CaptureFixture[str]) -> None:
    everything = ["net_expiry", "reservation_expiry", "log_rollup", "confirmation_numbers", "cancellations"]
    everything += ["marketplace_partitions", "marketplace_update", "marketplace_execute", "vat_change"]
    everything += ["kept_names", "bank_texts", "consistency"]
    now = datetime.now(UTC)
    for expected in (everything, []):
        assert Scheduler(list(jobs.JOBS)).once(now)
        said = capsys.readouterr().out.splitlines()
        assert [line.split()[2].rstrip(":") for line in said] == expected


def test_months_that_nobody_closed_are_closed_and_verified_in_one_go(planned: Connection) -> None:
    market.partitions(planned, JANUARY, 4)
    profile = market.profile(planned)
    market.clicks(planned, market.advertisement(planned, profile, 20), None, market.at(2026, 1, 5))
    market.update(planned, JANUARY, at(2026, 1, 6))
    assert Scheduler(["marketplace_close", "marketplace_verify"]).once(at(2026, 4, 2))
    found = rows(planned, "select job, period, outcome from jobs.job_run order by job_run")
    assert [(row["job"].removeprefix("marketplace_"), row["period"][5:7]) for row in found] == [
        ("close", "01"),
        *(("close", "02"), ("verify", "01")),
        *(("close", "03"), ("verify", "02")),
        ("verify", "03"),
    ]
    assert {row["outcome"] for row in found} == {"succeeded"}
    assert market.transaction(planned, profile, JANUARY)["closed_at"] == at(2026, 4, 2)


def test_a_run_that_fails_is_told_and_the_others_go_on(
    planned: Connection, pybridge: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(jobs.JOBS, "net_expiry", "select 1 / 0, null")
    monkeypatch.setitem(jobs.JOBS, "log_rollup", "select 3::bigint, 'three are amiss'")
    failed = pybridge(planned, "schedule", "--once", "--json", "--jobs", "net_expiry, log_rollup,reservation_expiry")
    assert failed.exit_code == 1
    told = [json.loads(line) for line in failed.stdout.splitlines()]
    # On a slow machine, where minutes go by, what succeeded may be due again.
    assert list(dict.fromkeys((line["job"], line["outcome"], line["error_code"]) for line in told)) == [
        ("net_expiry", "failed", "22012"),
        ("reservation_expiry", "succeeded", None),
        ("log_rollup", "failed", None),
    ]
    assert (told[2]["row_count"], told[2]["error_message"]) == (3, "three are amiss")
    again = pybridge(planned, "schedule", "--once", "--jobs", "net_expiry,log_rollup")
    assert (again.exit_code, again.stdout) == (0, ""), "it waits before it tries again"


def test_a_job_may_be_a_function_and_do_a_part(planned: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[date | None, datetime]] = []

    def half(connection: psycopg.Connection[Any], _number: int, period: date | None, now: datetime) -> Did:
        given.append((period, now))
        with connection.transaction():
            connection.execute("select 1")
        return 7, "two of nine declined", "partial"

    run(planned, "insert into jobs.job (job, job_note) values ('monthly', 'a test')")
    run(
        planned,
        "insert into jobs.schedule (job, job_order, period_kind, at_time, month_day, retry_after, grace,"
        " statement_timeout, partial_after)"
        " values ('monthly', 85, 'month', '06:00', 1, '1 hour', '1 hour', '1 hour', '1 day')",
    )
    monkeypatch.setitem(jobs.JOBS, "monthly", half)
    market.update(planned, JANUARY, at(2026, 1, 6))
    market.close(planned, JANUARY)
    now = at(2026, 2, 3)
    assert Scheduler(["monthly"]).once(now) is False
    assert given == [(JANUARY, now)]
    (row,) = rows(planned, "select outcome, row_count, error_message from jobs.job_run")
    assert row == {"outcome": "partial", "row_count": 7, "error_message": "two of nine declined"}
    assert due(planned, now + timedelta(hours=23), "monthly") == []
    (waiting,) = due(planned, now + timedelta(hours=25), "monthly")
    assert waiting == ("monthly", "2026-01-01", at(2026, 2, 1, 6), "partial")


def test_a_function_that_breaks_is_recorded_and_leaves_no_transaction_open(
    planned: Connection, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(connection: psycopg.Connection[Any], _number: int, _period: date | None, _now: datetime) -> Did:
        connection.execute("begin")
        connection.execute("update jobs.schedule set enabled = false")
        raise ValueError("no such gateway")

    monkeypatch.setitem(jobs.JOBS, "log_rollup", broken)
    session = connect()
    ended = jobs.run_due(session, "log_rollup", "")
    assert ended is not None
    assert (ended.outcome, ended.error_message) == ("failed", "ValueError: no such gateway")
    assert states(planned, "log_rollup") == [("failed", None)]
    assert one(planned, "select enabled from jobs.schedule where job = 'log_rollup'") is True


def test_a_call_takes_no_longer_than_its_schedule_says(
    planned: Connection, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(jobs.JOBS, "log_rollup", "select 1, pg_sleep(600)::text")
    run(planned, "update jobs.schedule set statement_timeout = '100 ms' where job = 'log_rollup'")
    session = connect()
    ended = jobs.run_due(session, "log_rollup", "")
    assert ended is not None
    assert (ended.outcome, ended.error_code) == ("failed", "57014")
    assert one(session, "show statement_timeout") == "0"


def test_consistency_fails_with_the_names_of_the_views(planned: Connection) -> None:
    assert jobs.run(planned, "consistency").outcome == "succeeded"
    run(planned, "alter table billig.transaction_log disable trigger user")
    failed = jobs.run(planned, "consistency")
    assert failed.outcome == "failed"
    assert failed.row_count == one(planned, "select count(*) from consistency.trigger_guard")
    assert failed.error_message == f"trigger_guard: {failed.row_count}"


@pytest.mark.parametrize(
    "arguments", [("--jobs", "nothing"), ("--now", "2026-02-01"), ("--once", "--stop-after", "-1")]
)
def test_what_is_typed_wrongly_runs_nothing(planned: Connection, pybridge: Run, arguments: tuple[str, ...]) -> None:
    assert pybridge(planned, "schedule", *arguments).exit_code == 2
    assert one(planned, "select count(*) from jobs.job_run") == 0


def test_the_scheduler_may_run_everything_and_a_seller_nothing(planned: Connection, pybridge: Run) -> None:
    market.partitions(planned, JANUARY, 2)
    market.clicks(planned, market.advertisement(planned, market.profile(planned), 20), None, market.at(2026, 1, 5))
    market.update(planned, JANUARY, at(2026, 1, 6))
    with login_role(planned, "scheduler") as name:
        done = pybridge(url(planned, name), "schedule", "--once")
        assert done.exit_code == 0, done.output
        for command in (["job", "list"], ["job", "log"], ["health"], ["metrics"]):
            assert pybridge(url(planned, name), *command).exit_code == 0, command
    ran = {row["job"] for row in rows(planned, "select job from jobs.job_run where outcome = 'succeeded'")}
    assert ran == set(jobs.JOBS)
    with login_role(planned, "billig_seller") as name:
        refused = pybridge(url(planned, name), "schedule", "--once")
        assert refused.exit_code == 1
        assert "permission denied" in refused.stderr


# --- As a process ---------------------------------------------------------------------------------------------------


class Process:
    """`pybridge schedule`, and the lines that it logs."""

    def __init__(self, where: str, log: Path, *arguments: str) -> None:
        self.log = log
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pybridge", "schedule", "--json", *arguments],
                cwd=ROOT,
                env={**os.environ, "DATABASE_URL": where},
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    def lines(self, event: str) -> list[dict[str, Any]]:
        text = self.log.read_text()
        found = [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
        return [line for line in found if line["event"] == event]

    def until(self, is_so: Callable[[], bool]) -> None:
        until = time.monotonic() + 60
        while not is_so():
            assert self.process.poll() is None, f"it ended: {self.log.read_text()}"
            assert time.monotonic() < until, f"it does not come: {self.log.read_text()}"
            time.sleep(0.02)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=30)


Start = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Process] = []

    def start(where: str, *arguments: str) -> Process:
        started.append(Process(where, tmp_path / f"log{len(started)}", *arguments))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.process.kill()
            each.process.wait()


def succeeded(db: Connection) -> int:
    return int(one(db, "select count(*) from jobs.job_run where outcome = 'succeeded'"))


@contextmanager
def month_held(db: Connection, connect: Connect) -> Iterator[Connection]:
    """Somebody holds the open month, so that an update waits; until commit."""
    market.update(db, None, datetime.now(UTC) - timedelta(days=2))
    holder = connect(autocommit=False)
    holder.execute("select from marketplace.month for update")
    yield holder
    holder.rollback()


def at_work(db: Connection) -> int:
    """The backend of the scheduler, once its call waits for the lock."""
    sessions = "select pid from pg_stat_activity where datname = current_database() and application_name = %s"
    until = time.monotonic() + 60
    while not (found := rows(db, f"{sessions} and query like '%%update_transactions%%'", "pybridge schedule")):
        assert time.monotonic() < until, "it does not run"
        time.sleep(0.02)
    pid = int(found[0]["pid"])
    wait_for(db, pid)
    return pid


def test_told_to_stop_in_a_call_that_does_not_end_it_cancels_it(
    planned: Connection, connect: Connect, start: Start
) -> None:
    with month_held(planned, connect):
        process = start(url(planned), "--jobs", "marketplace_update,consistency", "--stop-after", "0.2")
        at_work(planned)
        assert process.stop() == 0
        assert states(planned, "marketplace_update") == [("failed", "57014")]
    (line,) = process.lines("run")
    assert (line["job"], line["outcome"], line["error_code"]) == ("marketplace_update", "failed", "57014")
    assert process.lines("stopped")
    assert states(planned, "consistency") == [], "it began nothing more"


def test_told_to_stop_it_lets_a_call_end_that_ends_in_time(planned: Connection, connect: Connect, start: Start) -> None:
    with month_held(planned, connect) as holder:
        process = start(url(planned), "--jobs", "marketplace_update,consistency", "--stop-after", "60")
        at_work(planned)
        process.process.send_signal(signal.SIGTERM)
        holder.rollback()
        assert process.process.wait(timeout=30) == 0
    assert states(planned, "marketplace_update") == [("succeeded", None)]
    assert states(planned, "consistency") == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_while_it_waits_it_stops(planned: Connection, start: Start, number: int) -> None:
    process = start(url(planned), "--jobs", "log_rollup")
    process.until(lambda: succeeded(planned) == 1)
    assert process.stop(number) == 0
    assert states(planned, "log_rollup") == [("succeeded", None)]


def test_a_killed_scheduler_leaves_a_crashed_run_which_is_due_again(
    planned: Connection, connect: Connect, start: Start
) -> None:
    with month_held(planned, connect):
        process = start(url(planned), "--jobs", "marketplace_update")
        pid = at_work(planned)
        assert states(planned, "marketplace_update") == [("running", None)]
        assert process.stop(signal.SIGKILL) == -signal.SIGKILL
        # Its call would wait for ever: the server notices that nobody listens.
        until = time.monotonic() + 30
        while rows(planned, "select pid from pg_stat_activity where pid = %s", pid):
            assert time.monotonic() < until, "its call outlives it"
            time.sleep(0.05)
        assert states(planned, "marketplace_update") == [("crashed", None)]
        (waiting,) = due(planned, datetime.now(UTC), "marketplace_update")
        assert waiting[3] == "crashed"
    process = start(url(planned), "--once", "--jobs", "marketplace_update")
    assert process.process.wait(timeout=30) == 0
    assert states(planned, "marketplace_update") == [("failed", "57P01"), ("succeeded", None)]


def test_two_schedulers_do_each_job_once(planned: Connection, start: Start) -> None:
    planned.execute(EVERY_SECOND)
    both = [start(url(planned), "--jobs", "log_rollup,consistency") for _ in range(2)]
    for process in both:
        process.until(lambda: succeeded(planned) >= 8)
    assert [process.stop() for process in both] == [0, 0]
    twice = """
        select count(*) from jobs.job_run as r where r.outcome = 'succeeded'
        group by r.job, case when r.job = 'log_rollup' then date_trunc('second', r.as_of) end
        having count(*) > 1
    """
    assert rows(planned, twice) == []
    assert states(planned, "consistency") == [("succeeded", None)]
    assert {row["outcome"] for row in rows(planned, "select outcome from jobs.job_run")} == {"succeeded"}
    assert sum(len(process.lines("run")) for process in both) == succeeded(planned)


def test_it_waits_for_a_database_that_went_away(durable_server: DurableServerFactory, start: Start) -> None:
    server = durable_server()
    where = f"postgresql://postgres@127.0.0.1:{server.port}/postgres"
    with server.connect() as db:
        since(db, datetime.now(UTC) - timedelta(days=2))
        db.execute(EVERY_SECOND)
        process = start(where, "--jobs", "log_rollup")
        process.until(lambda: succeeded(db) >= 1)
    server.kill9()
    process.until(lambda: len(process.lines("no database")) >= 2)
    server.restart()
    with server.connect() as db:
        before = succeeded(db)
        process.until(lambda: succeeded(db) > before)
    assert len(process.lines("connected")) == 2
    assert all(line["error"] and "\n" not in line["error"] for line in process.lines("no database"))
    assert process.stop() == 0


def test_it_waits_where_a_lock_is_not_got_in_time(
    planned: Connection, connect: Connect, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    holder = connect(autocommit=False)
    holder.execute("lock table jobs.schedule in access exclusive mode")
    scheduler = Scheduler(["log_rollup"])

    def sleep(_seconds: float) -> None:
        holder.rollback()
        scheduler.stopping = states(planned, "log_rollup") != []

    monkeypatch.setattr(scheduler, "_sleep", sleep)
    with impatient(planned):
        scheduler.forever()
    told = capsys.readouterr().out
    assert "no database, error canceling statement due to lock timeout (55P03)" in told
    assert "log_rollup: succeeded" in told


def test_without_a_database_once_says_so_and_ends(start: Start) -> None:
    process = start("postgresql://nobody@127.0.0.1:1/nothing", "--once")
    assert process.process.wait(timeout=60) == 3


def test_told_to_stop_while_the_database_does_not_answer_it_stops(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        process = start(f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/nothing", "--stop-after", "0.2")
        silent.settimeout(60)
        connection, _ = silent.accept()  # it is connecting, and waits for a word
        with connection:
            assert process.stop() == 0
    assert process.lines("stopped")
