"""`pybridge deploy`, `check`, `up` and `down`: what they say they did, and that nothing is taken for all well."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.conftest import Connection
from tests.support import domain
from tests.support.cli import Run, run, url

__all__ = ["run"]  # a fixture


def test_deploy_says_what_it_did_and_what_it_found_done(db: Connection, run: Run) -> None:
    said = run(db, "deploy")
    assert said.exit_code == 0, said.output
    lines = said.stdout.splitlines()
    assert lines[0].startswith("migrations: 0 applied, ")
    assert lines[1].startswith("files of db/: 0 loaded, ")
    assert lines[2].startswith("done in ")
    did = json.loads(run(db, "deploy", "--json").stdout)
    assert (did["migrations"], did["loaded"], did["recreated"]) == ([], [], [])
    assert min(did["applied_before"], did["unchanged"], did["seconds"]) > 0


def test_an_analysts_view_in_the_way_is_replaced_by_the_option_that_the_hint_names(db: Connection, run: Run) -> None:
    """A column that the view has and no file defines is in the way: the view cannot be replaced."""
    (definition,) = db.execute("select pg_get_viewdef('consistency.oversold'::regclass)").fetchone() or ("",)
    db.execute("drop view consistency.oversold")
    widened = f"create view consistency.oversold as select x.*, 1 as more from ({definition.rstrip(';')}) as x"
    db.execute(widened.encode())
    db.execute("alter view consistency.oversold owner to pybridge_owner")
    db.execute("create view analysis.mine as select 1 as one from consistency.oversold")
    db.execute("update deploy.repeatable_object set sha256 = '' where path = 'db/views/consistency/oversold.sql'")
    refused = run(db, "deploy")
    assert refused.exit_code == 1
    assert "--replace-analysis" in refused.stderr
    done = run(db, "deploy", "--replace-analysis")
    assert done.exit_code == 0, done.output
    assert "dropped and made again: analysis.mine" in done.stdout


def test_deploy_names_whom_it_waits_for_and_gives_up(db: Connection, run: Run) -> None:
    with psycopg.connect(url(db), application_name="backup") as other:
        other.execute("select from deploy.ledger for update")
        blocker = f"process {other.info.backend_pid} (postgres, backup)"
        refused = run(db, "deploy", "--wait", "1")
    said = " ".join(refused.stderr.split())
    assert refused.exit_code == 1
    assert f"Waiting up to 1 s for {blocker}." in said
    assert f"it was locked for 1 s by {blocker}" in said
    assert "--wait SECONDS" in said


@pytest.mark.parametrize("asked", [["-d", "postgres"], ["postgres"]])
def test_psql_opens_another_database_of_the_same_server(db: Connection, asked: list[str]) -> None:
    query = "select current_database(), inet_server_port()"
    said = subprocess.run(
        [sys.executable, "-m", "pybridge", "psql", *asked, "-XAtc", query],
        env={**os.environ, "DATABASE_URL": url(db)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == f"postgres|{db.info.port}\n"


def test_a_database_without_consistency_views_is_not_all_well(db: Connection, run: Run) -> None:
    domain.run(db, "drop schema consistency cascade")
    refused = run(db, "check")
    assert refused.exit_code == 1
    assert "there are no consistency views (P0002)" in refused.stderr
    job = run(db, "job", "run", "consistency")
    assert job.exit_code == 1
    assert "no consistency views" in job.output


def test_a_database_that_schedules_no_job_is_not_all_well(db: Connection, run: Run) -> None:
    domain.run(db, "delete from jobs.schedule")
    for command in ("health", "metrics"):
        refused = run(db, command)
        assert refused.exit_code == 1
        assert "no job is scheduled" in refused.stderr


def test_a_list_of_jobs_that_names_none_is_refused(db: Connection, run: Run) -> None:
    refused = run(db, "schedule", "--once", "--jobs", ",")
    assert refused.exit_code == 2
    assert "no job is named" in refused.stderr


def test_a_role_that_sees_no_report_is_told_so(db: Connection, run: Run) -> None:
    domain.run(db, "drop schema report cascade")
    refused = run(db, "report", "list")
    assert refused.exit_code == 1
    assert "no view of schema report" in refused.stderr


def test_down_says_whose_server_it_is(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYBRIDGE_DATA", str(tmp_path / "nothing"))
    done = run("", "down")
    assert done.stdout == "was not running\n"
    assert done.stderr == f"Its data lies in {tmp_path / 'nothing'}.\n"
