"""What is due, as if the schedule had been made at some moment, and runs of jobs that were."""

from datetime import UTC, datetime

from tests.conftest import Connection
from tests.support import market
from tests.support.domain import call_in, run

Waiting = tuple[str, str, datetime, str]
"""A job, its period, since when it is due, and how its run before went."""


def at(*parts: int) -> datetime:
    """A moment by local time, kept as UTC: Python reckons and compares local ones by the clock on the wall."""
    return market.at(*parts).astimezone(UTC)


def due(db: Connection, now: datetime, *names: str) -> list[Waiting]:
    found = call_in(db, "jobs", "due", now=now)
    return [
        (row["job"], row["period"], row["due_since"].astimezone(UTC), row["state"])
        for row in found
        if not names or row["job"] in names
    ]


def jobs_due(db: Connection, now: datetime, *names: str) -> list[tuple[str, str]]:
    return [(job, period) for job, period, *_ in due(db, now, *names)]


def since(db: Connection, moment: datetime) -> None:
    """As if the schedule had been made then."""
    run(db, "update jobs.schedule set since = %s", moment)


def ran(db: Connection, job: str, when: datetime, period: str = "", outcome: str | None = "succeeded") -> None:
    """A run that took no time; of no outcome: it crashed. What crashed before is found out."""
    code = "XX000" if outcome == "failed" else None
    run(
        db,
        "update jobs.job_run set outcome = 'failed', finished_at = started_at, error_code = '57P01'"
        " where job = %s and period = %s and outcome is null",
        job,
        period,
    )
    run(
        db,
        "insert into jobs.job_run"
        " (job, period, as_of, started_at, finished_at, outcome, error_code, backend_started_at)"
        " values (%s, %s, %s, %s, %s, %s, %s, 'epoch')",
        *(job, period, when, when, None if outcome is None else when, outcome, code),
    )
