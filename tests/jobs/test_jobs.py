"""`pybridge job`: each run is recorded, what the database refuses included."""

import json
from datetime import date, timedelta

import pytest

from pybridge.errors import NotFound
from pybridge.jobs import runner as jobs
from tests.conftest import Connect, Connection
from tests.support import market
from tests.support.cli import Run, run
from tests.support.domain import expect

__all__ = ["run"]  # a fixture

JANUARY = date(2026, 1, 1)


@pytest.fixture
def clicked(db: Connection) -> Connection:
    market.partitions(db, JANUARY, 2)
    market.clicks(db, market.advertisement(db, market.profile(db), 20), None, market.at(2026, 1, 5))
    return db


def test_a_month_is_run_job_by_job(clicked: Connection) -> None:
    now = market.at(2026, 2, 1)
    early = jobs.run(clicked, "marketplace_close", JANUARY, market.at(2026, 1, 31))
    assert (early.outcome, early.error_code) == ("failed", "23B61")
    for job, rows in (("marketplace_update", 1), ("marketplace_close", 1), ("marketplace_verify", 0)):
        ended = jobs.run(clicked, job, JANUARY, now)
        assert (ended.outcome, ended.row_count, ended.error_message) == ("succeeded", rows, None), job
    clicked.execute("delete from marketplace.ad_click")
    wrong = jobs.run(clicked, "marketplace_verify", JANUARY)
    assert (wrong.outcome, wrong.row_count) == ("failed", 2)
    assert wrong.error_message == "2 discrepancies: ADVERTISEMENT_AMOUNT, ADVERTISEMENT_CLICKS"
    assert jobs.run(clicked, "marketplace_partitions").outcome == "succeeded"
    states = [row["state"] for row in jobs.log(clicked)]
    assert states == ["succeeded", "failed", "succeeded", "succeeded", "succeeded", "failed"]
    last = {row["job"]: row["state"] for row in jobs.last_runs(clicked) if row["state"]}
    assert last == {
        "marketplace_close": "succeeded",
        "marketplace_partitions": "succeeded",
        "marketplace_update": "succeeded",
        "marketplace_verify": "failed",
    }
    with pytest.raises(NotFound):
        jobs.run(clicked, "no such job")


def test_every_job_has_its_call(db: Connection) -> None:
    planned = db.execute("select job from jobs.schedule where enabled").fetchall()
    assert {job for (job,) in planned} == set(jobs.JOBS)
    assert set(jobs.JOBS) == {row["job"] for row in jobs.last_runs(db)}


def test_the_list_says_when_each_runs_next(db: Connection) -> None:
    following = {row["job"]: row["next_at"] for row in jobs.last_runs(db)}
    assert {job for job, moment in following.items() if moment is None} == {
        *("marketplace_close", "marketplace_verify"),  # no month is open yet
    }
    db.execute("select marketplace.update_transactions('2026-01-01', '2026-01-05')")
    following = {row["job"]: row["next_at"] for row in jobs.last_runs(db)}
    assert following["marketplace_close"] == market.at(2026, 2, 1, 1)


def test_a_second_run_at_once_is_skipped(clicked: Connection, connect: Connect) -> None:
    connect().execute("select jobs.begin_run('marketplace_update', '2026-01-01')")
    assert jobs.run(clicked, "marketplace_update", JANUARY).outcome == "skipped"
    with pytest.raises(ValueError, match="autocommit"):
        jobs.run(connect(autocommit=False), "marketplace_update")


def test_a_run_has_taken_the_time_since_its_start_until_it_ends(db: Connection, connect: Connect) -> None:
    def took(number: int) -> tuple[str, timedelta | None]:
        (found,) = (each for each in jobs.log(db) if each["job_run"] == number)
        return found["state"], found["duration"]

    worker, other = connect(), connect()
    ((number, _),) = worker.execute("select * from jobs.begin_run('consistency')").fetchall()
    db.execute("update jobs.job_run set started_at = started_at - interval '1 hour'")
    state, duration = took(number)
    assert state == "running"
    assert duration is not None
    assert timedelta(hours=1) < duration < timedelta(hours=1, minutes=1)

    worker.execute("select jobs.finish_run(%s, 'succeeded')", (number,))
    state, ended = took(number)
    assert state == "succeeded"
    assert ended is not None
    assert ended >= duration
    assert took(number) == (state, ended)

    ((crashed, _),) = other.execute("select * from jobs.begin_run('consistency')").fetchall()
    db.execute("select pg_terminate_backend(%s, 5000)", (other.info.backend_pid,))
    assert took(crashed) == ("crashed", None)
    db.execute("select * from jobs.begin_run('consistency')")
    assert took(crashed) == ("failed", None), "nobody knows when, not even once it was found"


def test_the_command_line_runs_lists_and_shows(clicked: Connection, run: Run) -> None:
    done = run(clicked, "job", "run", "marketplace_update", "--month", "2026-01", "--now", "2026-01-06", "--json")
    assert (done.exit_code, json.loads(done.stdout)["row_count"]) == (0, 1)
    refused = run(clicked, "job", "run", "marketplace_close", "--month", "2026-01", "--now", "2026-01-06")
    assert refused.exit_code == 1
    assert "the month is not over (23B61)" in refused.stderr
    assert run(clicked, "job", "run", "nothing").exit_code == 1
    assert run(clicked, "job", "run", "marketplace_update", "--month", "2026").exit_code == 2
    assert "marketplace_partitions" in run(clicked, "job", "list").stdout
    assert "23B61" in run(clicked, "job", "log", "marketplace_close").stdout
    assert json.loads(run(clicked, "job", "log", "--json", "--limit", "1").stdout)[0]["state"] == "failed"


@pytest.mark.parametrize("period", ["2026-1-01", "2026-02-30", "2026-13-01", "2026-01", "1999-12-31", "today", "%"])
def test_a_period_is_a_day_or_none_by_every_door(db: Connection, period: str) -> None:
    with expect("22023"):
        db.execute("select * from jobs.begin_run('net_expiry', %s)", [period])
    row = "insert into jobs.job_run (job, period, finished_at, outcome) values ('net_expiry', %s, now(), 'skipped')"
    with expect("23514", native=True):
        db.execute(row, [period])
    for good in ("", "2028-02-29"):
        db.execute(row, [good])
        assert db.execute("select outcome from jobs.begin_run('net_expiry', %s)", [good]).fetchall() == [(None,)]
