"""Runs what is due by the clock, one call to the database each, and says what became of it."""

import traceback
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, LiteralString

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row

from pybridge.errors import NotFound, from_database
from pybridge.payments import execution
from pybridge.reports import consistency as check

Connection = psycopg.Connection[Any]

Did = tuple[int | None, str | None, str]
"""Rows done, what is amiss if anything, and the outcome: succeeded, partial or failed."""
Runner = Callable[[Connection, int, date | None, datetime], Did]
"""A job that is more than one call: takes the connection (in autocommit mode), its run, the period's day and now."""
STOPPING: ContextVar[Callable[[], bool]] = ContextVar("STOPPING", default=lambda: False)
"""Asked by a job of many steps between two of them: whether whoever runs it was told to stop."""


def _execute(connection: Connection, number: int, _period: date | None, now: datetime) -> Did:
    done = execution.execute(connection, number, now, stopping=STOPPING.get())
    return done.answered, done.amiss, done.outcome


def _consistency(connection: Connection, _number: int, _period: date | None, _now: datetime) -> Did:
    broken = [each for each in check.run(connection) if each.broken]
    amiss = ", ".join(f"{each.view}: {each.broken}" for each in broken)
    return sum(each.broken for each in broken), amiss or None, "failed" if broken else "succeeded"


# What each job does. A statement gives rows done and, where something is amiss, what; `month` may be null.
JOBS: dict[str, LiteralString | Runner] = {
    "net_expiry": "select count(*), null from billig.expire_net_sales()",
    "reservation_expiry": "select count(*), null from billig.expire_reservations()",
    "log_rollup": "select billig.roll_up_log(), null",
    "marketplace_partitions": "select marketplace.ensure_partitions(marketplace.month_of(%(now)s))::bigint, null",
    "marketplace_update": "select new_clicks, null from marketplace.update_transactions(%(month)s, %(now)s)",
    "marketplace_close": "select coalesce(sum(transactions), 0)::bigint, null"
    " from marketplace.close_month(%(month)s, %(now)s)",
    "marketplace_verify": "select count(*), case when count(*) > 0 then"
    " format('%%s discrepancies: %%s', count(*), string_agg(distinct problem, ', ')) end"
    " from marketplace.verify_month(%(month)s) where severity = 'ERROR'",
    "marketplace_execute": _execute,
    "consistency": _consistency,
}


@dataclass(frozen=True)
class Run:
    """How a run ended; `outcome` is succeeded, partial, failed or skipped."""

    job_run: int
    job: str
    period: str
    outcome: str
    row_count: int | None = None
    error_code: str | None = None
    error_message: str | None = None


@dataclass(frozen=True)
class Due:
    """What is to be run, and since when; `state` says how the run before went."""

    job: str
    period: str
    due_since: datetime
    state: str


def run(connection: Connection, job: str, month: date | None = None, now: datetime | None = None) -> Run:
    """Run a job and record it; a refusal of the database is recorded and returned, not raised.

    The connection must be in autocommit mode: the run is seen while it works, and its locks are the session's.
    """
    _need_autocommit(connection)
    if job not in JOBS:
        raise NotFound(f"no such job: {job}", "Nothing was run.", f"There are {', '.join(JOBS)}.")
    period = "" if month is None else month.isoformat()
    number, outcome = _row(connection, "select job_run, outcome from jobs.begin_run(%s, %s, %s)", (job, period, now))
    if outcome is not None:
        return Run(number, job, period, outcome)
    return _work(connection, number, job, period, now or _row(connection, "select now()", ())[0])


def run_due(connection: Connection, job: str, period: str, now: datetime | None = None) -> Run | None:
    """Run a job for a period if it is due still, as `run` does; None: another session has it, or has done it."""
    _need_autocommit(connection)
    begin = "select job_run, as_of, statement_timeout from jobs.begin_due_run(%s, %s, %s)"
    begun = connection.execute(begin, (job, period, now)).fetchone()
    if begun is None:
        return None
    number, as_of, timeout = begun
    _set_timeout(connection, f"{timeout.total_seconds() * 1000:.0f}ms")
    return _work(connection, number, job, period, as_of)


def due(connection: Connection, now: datetime | None = None, jobs: list[str] | None = None) -> list[Due]:
    """What is to be run, in this order; of these jobs only. What this program cannot run is left out."""
    query = "select job, period, due_since, state from jobs.due(coalesce(%s, now())) where job = any (%s)"
    return [Due(*row) for row in connection.execute(query, (now, jobs or list(JOBS))).fetchall()]


def _need_autocommit(connection: Connection) -> None:
    if not connection.autocommit:
        raise ValueError("a job's run is several transactions: the connection must be in autocommit mode")


def _work(connection: Connection, number: int, job: str, period: str, now: datetime) -> Run:
    day = date.fromisoformat(period) if period else None
    try:
        rows, amiss, outcome = _did(connection, number, JOBS[job], day, now)
        ended = Run(number, job, period, outcome, rows, None, amiss)
    except psycopg.Error as error:
        if connection.broken:
            raise
        ended = Run(number, job, period, "failed", None, error.sqlstate, error.diag.message_primary or str(error))
    except Exception as error:  # a runner's own: the other jobs go on
        traceback.print_exc()
        ended = Run(number, job, period, "failed", None, None, f"{type(error).__name__}: {error}")
    _finish(connection, ended)
    return ended


def _did(connection: Connection, number: int, runner: LiteralString | Runner, day: date | None, now: datetime) -> Did:
    if callable(runner):
        return runner(connection, number, day, now)
    rows, amiss = _row(connection, runner, {"month": day, "now": now})
    return rows, amiss, "failed" if amiss else "succeeded"


def _finish(connection: Connection, ended: Run) -> None:
    finish = "select jobs.finish_run(%s, %s, %s, %s, %s)"
    values = (ended.job_run, ended.outcome, ended.row_count, ended.error_code, ended.error_message)
    for attempt in range(3):
        try:
            if connection.info.transaction_status != TransactionStatus.IDLE:
                connection.rollback()  # a runner failed within a transaction
            _set_timeout(connection, None)
            connection.execute(finish, values)
        except psycopg.errors.QueryCanceled:  # meant for the call, and came too late for it
            if attempt == 2:
                raise
        else:
            return


def _set_timeout(connection: Connection, timeout: str | None) -> None:
    if timeout is None:
        connection.execute("reset statement_timeout")
    else:
        connection.execute("select set_config('statement_timeout', %s, false)", (timeout,))


def _row(connection: Connection, query: LiteralString, arguments: Any) -> Any:
    try:
        (row,) = connection.execute(query, arguments).fetchall()
    except psycopg.Error as error:
        if query not in JOBS.values() and (ours := from_database(error)):
            raise ours from error
        raise
    return row


def last_runs(connection: Connection) -> list[dict[str, Any]]:
    """Each job, how its newest run ended, and when it runs next; null: nothing is planned."""
    query = """
        select
            j.job, j.job_note, h.last_job_run as job_run, h.last_period as period,
            h.last_started_at as started_at, h.last_state as state, h.next_at
        from jobs.job as j
        left join report.job_health as h on j.job = h.job
        order by j.job
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query).fetchall()


def log(connection: Connection, job: str | None = None, limit: int = 20) -> list[dict[str, Any]]:
    """The newest runs, newest first."""
    query = """
        select job_run, job, period, started_by, started_at, duration, state, row_count, error_code, error_message
        from report.job_run
        where %(job)s::text is null or job = %(job)s
        order by job_run desc
        limit %(limit)s
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, {"job": job, "limit": limit}).fetchall()
