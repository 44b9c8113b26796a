"""`pybridge health` and `metrics`, and the guide that says how to run and to watch the jobs."""

import configparser
import json
import re
import shutil
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics import parser
from psycopg.types.json import Jsonb

from pybridge.cli import watch
from pybridge.jobs import health, metrics, scheduler
from pybridge.jobs import runner as jobs
from pybridge.paths import ROOT
from tests.conftest import Connection, DurableServerFactory
from tests.support import market
from tests.support.cli import Run
from tests.support.cli import run as pybridge
from tests.support.domain import call_in, make_event, one, rows, run, sell, wait_for
from tests.support.schedule import at, ran, since

__all__ = ["pybridge"]  # a fixture

GUIDE = (ROOT / "docs" / "scheduling.md").read_text("utf-8")


def all_well(db: Connection) -> None:
    """Each job that is due has just succeeded."""
    since(db, datetime.now(UTC) - timedelta(days=40))
    for row in rows(db, "select job, period from jobs.due()"):
        ran(db, row["job"], datetime.now(UTC), row["period"])


def wrong(db: Connection) -> dict[str, tuple[bool, int, int]]:
    """Of each job with which something is wrong: whether it is late, failing periods, failures in a row."""
    return {
        row["job"]: (row["late"], row["failing_periods"], row["consecutive_failures"])
        for row in health.jobs(db)
        if row["is_wrong"]
    }


def test_all_is_well_until_a_job_is_late_or_fails(db: Connection, pybridge: Run) -> None:
    all_well(db)
    well = pybridge(db, "health")
    assert (well.exit_code, well.stdout.splitlines()[-1]) == (0, "all is well")

    run(db, "update jobs.job_run set as_of = as_of - interval '9 minutes' where job = 'net_expiry'")
    assert wrong(db) == {}, "due, but within its grace"
    run(db, "update jobs.job_run set as_of = as_of - interval '3 minutes' where job = 'net_expiry'")
    assert wrong(db) == {"net_expiry": (True, 0, 0)}
    late = pybridge(db, "health")
    assert (late.exit_code, late.stdout.splitlines()[-1]) == (1, "late or failing: net_expiry")
    run(db, "update jobs.schedule set enabled = false where job = 'net_expiry'")
    assert pybridge(db, "health").exit_code == 0


def test_a_failure_shows_until_a_success(db: Connection, pybridge: Run) -> None:
    all_well(db)
    run(db, "update jobs.job_run set as_of = as_of - interval '6 minutes' where job = 'log_rollup'")
    for outcome in ("failed", "failed", None):
        ran(db, "log_rollup", datetime.now(UTC), outcome=outcome)
    assert wrong(db) == {"log_rollup": (False, 1, 3)}
    (row,) = [each for each in health.jobs(db) if each["job"] == "log_rollup"]
    assert row["last_state"] == "crashed"
    ran(db, "log_rollup", datetime.now(UTC), outcome="failed")
    run(db, "update jobs.job_run set error_message = 'no [disk] left' where outcome = 'failed'")
    failing = pybridge(db, "health")
    assert (failing.exit_code, "log_rollup: no [disk] left (XX000)" in failing.stdout) == (1, True)
    told = {each["job"]: each for each in json.loads(pybridge(db, "health", "--json").stdout)["jobs"]}
    assert (told["log_rollup"]["is_wrong"], told["net_expiry"]["is_wrong"]) == (True, False)
    ran(db, "log_rollup", datetime.now(UTC))
    assert wrong(db) == {}


def test_a_month_that_fails_shows_beside_one_that_succeeds(db: Connection) -> None:
    now = datetime.now(market.OSLO)
    month = now.date().replace(day=1)
    before = (month - timedelta(days=1)).replace(day=1)
    market.update(db, before, market.day(before, 1))
    market.close(db, before)
    all_well(db)
    earlier = min(market.day(month, 2), now - timedelta(minutes=5))  # also in the first hours of a month
    ran(db, "marketplace_verify", earlier, str(before), "failed")
    assert wrong(db) == {}, "it had succeeded"
    run(db, "delete from jobs.job_run where job = 'marketplace_verify' and outcome = 'succeeded'")
    ran(db, "marketplace_verify", datetime.now(UTC), str(month))
    assert wrong(db)["marketplace_verify"][1:] == (1, 0)


def test_a_part_that_waits_for_the_rest_is_not_late(db: Connection) -> None:
    all_well(db)
    run(
        db,
        "update jobs.job_run set as_of = as_of - interval '3 days', started_at = started_at - interval '3 days'"
        " where job = 'consistency'",
    )
    now = datetime.now(UTC)
    assert wrong(db) == {"consistency": (True, 0, 0)}
    ran(db, "consistency", now, outcome="partial")
    assert wrong(db) == {}
    run(db, "delete from jobs.job_run where outcome = 'partial'")
    ran(db, "consistency", now - timedelta(hours=31), outcome="partial")
    assert wrong(db) == {"consistency": (True, 0, 0)}, "a day later it was due again, and that is over its grace"


def test_without_a_database_health_exits_3(pybridge: Run) -> None:
    assert pybridge("postgresql://nobody@127.0.0.1:1/nothing", "health").exit_code == 3
    assert pybridge("postgresql://nobody@127.0.0.1:1/nothing", "metrics").exit_code == 3


def read(text: str) -> list[Metric]:
    return list(parser.text_string_to_metric_families(text))  # type: ignore[no-untyped-call]


def test_what_is_no_openmetrics_would_be_found(db: Connection) -> None:
    """Positive control of the test below."""
    text = metrics.openmetrics(health.jobs(db), health.waiting(db), health.own_balance(db), health.balances(db))
    for broken in (text.removesuffix("# EOF\n"), text.replace('{job="', "{job=", 1), text.replace(" 0.0", " none", 1)):
        with pytest.raises(ValueError):
            read(broken)


def test_metrics_are_openmetrics(db: Connection, pybridge: Run) -> None:
    ended = datetime.now(UTC) - timedelta(minutes=30)
    since(db, datetime.now(UTC) - timedelta(days=2))
    ran(db, "log_rollup", ended)
    ran(db, "log_rollup", datetime.now(UTC), outcome="failed")
    printed = pybridge(db, "metrics")
    assert printed.exit_code == 0
    assert printed.stdout.endswith("\n# EOF\n")
    found = {family.name: family for family in read(printed.stdout)}
    assert set(found) == {f"pybridge_job_{name}" for name, *_ in metrics.METRICS} | {
        f"pybridge_{name}" for name, *_ in metrics.WAITS + metrics.SHORT + metrics.BALANCES
    }
    assert {family.type for family in found.values()} == {"gauge"}

    def value(name: str, job: str) -> float | None:
        samples = {sample.labels["job"]: sample.value for sample in found[f"pybridge_job_{name}"].samples}
        return samples.get(job)

    assert value("last_success_timestamp_seconds", "log_rollup") == pytest.approx(ended.timestamp(), abs=0.001)
    assert value("last_success_timestamp_seconds", "consistency") is None, "it never was"
    assert [value(name, "log_rollup") for name in ("consecutive_failures", "failing_periods", "enabled")] == [1, 1, 1]
    overdue = value("overdue_seconds", "log_rollup")
    assert overdue is not None
    assert 25 * 60 < overdue <= 31 * 60
    assert [value("late", job) for job in ("net_expiry", "log_rollup", "marketplace_close")] == [1, 0, 0]


def test_a_row_count_that_consistency_found_is_a_metric(db: Connection) -> None:
    run(db, "alter table billig.transaction_log disable trigger user")
    ended = jobs.run(db, "consistency")
    assert f'last_row_count{{job="consistency"}} {ended.row_count}.0' in metrics.openmetrics(
        health.jobs(db), health.waiting(db), health.own_balance(db), health.balances(db)
    )


def test_a_line_of_a_gateways_account_that_nothing_explains_is_told(db: Connection, pybridge: Run) -> None:
    all_well(db)
    number = call_in(db, "jobs", "begin_run", job="marketplace_execute")[0]["job_run"]
    entry = {"entry_id": "txn_1", "effect": "OTHER", "kind": "adjustment", "amount": 1250, "fee": 0, "currency": "NOK",
             "made_at": datetime.now(UTC).isoformat(), "about": None}  # fmt: skip
    recorded = {"gateway": "stripe", "job_run": number, "since": datetime.now(UTC) - timedelta(days=1), "pending": 0}
    call_in(db, "marketplace", "record_balance", **recorded, available=0, entries=Jsonb([]))
    assert pybridge(db, "health").stdout.splitlines()[-1] == "all is well"
    call_in(db, "marketplace", "record_balance", **recorded, available=1250, entries=Jsonb([entry]))
    call_in(db, "jobs", "finish_run", job_run=number, outcome="succeeded")
    told = pybridge(db, "health")
    assert told.exit_code == 1
    assert "stripe has NOK 12.50 more than our books say" in " ".join(told.stdout.split())
    found = {family.name: family.samples for family in read(pybridge(db, "metrics").stdout)}
    for name, value in (("difference_kroner", 12.5), ("open_entries", 1)):
        assert [(each.labels, each.value) for each in found[f"pybridge_gateway_{name}"]] == [
            ({"gateway": "stripe"}, value)
        ]


# --- The guide ------------------------------------------------------------------------------------------------------


def unit() -> str:
    (found,) = re.findall(r"```ini\n(.*?)```", GUIDE, re.DOTALL)
    return str(found)


def test_the_guide_names_every_job_with_its_time_and_its_line_for_cron(shared_db: Connection) -> None:
    for row in rows(shared_db, "select * from jobs.schedule"):
        (when,) = re.findall(rf"^\| `{row['job']}` \| ([^|]*) \|", GUIDE, re.MULTILINE)
        if row["at_time"]:
            assert f"{row['at_time']:%H:%M}" in when
            assert (row["month_day"] is None) or when.startswith(f"the {row['month_day']}")
        else:
            minutes = row["every"].total_seconds() / 60
            assert when == ("every minute" if minutes == 1 else f"every {minutes:.0f} minutes")
        assert re.search(rf"^[\d*/ ]+ pybridge (job run|schedule --once --jobs) {row['job']}$", GUIDE, re.MULTILINE)
    for name, *_ in metrics.METRICS:
        assert f"`pybridge_job_{name}`" in GUIDE


def test_the_unit_gives_a_call_time_to_end() -> None:
    parsed = configparser.ConfigParser(interpolation=None)
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read_string(unit())
    service = parsed["Service"]
    assert service["Restart"] == "on-failure"
    # One second more for each cancel that is sent, and the five that one may take.
    assert float(service["TimeoutStopSec"]) >= 2 * scheduler.STOP_AFTER + 5
    assert service["ExecStart"].endswith("pybridge schedule")


needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="allowed: no systemd here; the unit is read as a file of settings"
)


def complaints(folder: Path, text: str) -> list[str]:
    file = folder / "pybridge.service"
    file.write_text(
        text.replace("/opt/pybridge/.venv/bin/pybridge", sys.executable.replace(" ", r"\x20")).replace(
            "User=pybridge", "User=root"
        )
    )
    answer = subprocess.run(["systemd-analyze", "verify", str(file)], capture_output=True, text=True)
    return [line for line in answer.stderr.splitlines() if file.name in line]


@needs_systemd
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    assert complaints(tmp_path, unit()) == []
    assert complaints(tmp_path, unit().replace("PrivateTmp=", "PrivateTemp=")) != [], "a positive control"


def test_the_views_row_is_as_old_as_it_says(db: Connection) -> None:
    number = call_in(db, "jobs", "begin_run", job="log_rollup")[0]["job_run"]
    assert one(db, "select last_state from report.job_health where job = 'log_rollup'") == "running"
    call_in(db, "jobs", "finish_run", job_run=number, outcome="succeeded", row_count=4)
    (row,) = rows(db, "select * from report.job_health where job = 'log_rollup'")
    assert (row["last_state"], row["last_row_count"]) == ("succeeded", 4)
    assert timedelta() <= row["last_success_age"] < timedelta(minutes=1)
    assert row["next_at"] > row["last_success_at"] - timedelta(minutes=1)
    assert row["due_since"] is None
    assert at(2026, 1, 1) < row["last_success_started_at"] <= row["last_success_at"]


def test_a_prepared_transaction_that_holds_others_up_is_named(durable_server: DurableServerFactory) -> None:
    """It has no session that a time-out would end; by default a server takes none."""
    server = durable_server()
    with server.connect() as db:
        sale = sell(db, make_event(db).price_group)
        db.execute("begin")
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
            db.execute("prepare transaction 'old'")
        db.execute("rollback")
        db.execute("alter system set max_prepared_transactions = 2")
    server.restart()
    change = f"update billig.ticket set used = now() where ticket = {sale.tickets[0]}".encode()
    with server.connect() as db, server.connect() as waiting:
        for statement in (b"begin", change, b"prepare transaction 'old'"):
            db.execute(statement)
        thread = threading.Thread(target=lambda: waiting.execute(change))
        thread.start()
        wait_for(db, waiting.info.backend_pid)
        (told,) = health.blockers(db)
        assert (told["pid"], told["state"], told["waiting"], told["login_role"]) == (0, "prepared", 1, None)
        assert "pg_prepared_xacts" in watch._blocks(told)
        db.execute("rollback prepared 'old'")
        thread.join(20)
        assert health.blockers(db) == []
