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

from pybridge.client.bank import Bank
from pybridge.client.billig import Billig
from pybridge.client.jobs import DueRow, Jobs
from pybridge.client.marketplace import Marketplace
from pybridge.errors import NotFound, Refused
from pybridge.payments import execution
from pybridge.reports import consistency as check

Connection = psycopg.Connection[Any]

Did = tuple[int | None, str | None, str]
"""Rows done, what is amiss if anything, and the outcome: succeeded, partial or failed."""
Runner = Callable[[Connection, int, date | None, datetime | None], Did]
"""What a job does: takes the connection (in autocommit mode), its run, the period's day and now, which only a database
marked for tests takes; null is the server's clock."""
STOPPING: ContextVar[Callable[[], bool]] = ContextVar("STOPPING", default=lambda: False)
"""Asked by a job of many steps between two of them: whether whoever runs it was told to stop."""


def _done(rows: int) -> Did:
    return rows, None, "succeeded"


def _partitions(connection: Connection, _number: int, _period: date | None, now: datetime | None) -> Did:
    market = Marketplace(connection)
    return _done(market.ensure_partitions(from_=market.month_of(time=now or _row(connection, "select now()")[0])))


def _update(connection: Connection, _number: int, period: date | None, now: datetime | None) -> Did:
    (updated,) = Marketplace(connection).update_transactions(month=period, now=now)
    return _done(updated.new_clicks)


def _execute(connection: Connection, number: int, _period: date | None, now: datetime | None) -> Did:
    done = execution.execute(connection, number, now, stopping=STOPPING.get())
    return done.answered, done.amiss, done.outcome


def _cancellations(connection: Connection, _number: int, _period: date | None, _now: datetime | None) -> Did:
    """A hundred purchases of each event at a time, each its own transaction, until nothing moves."""
    done = 0
    while True:
        events = Billig(connection).continue_cancellations()
        moved = sum(each.purchases_done for each in events)
        done += moved
        if not moved or STOPPING.get()():
            break
    amiss = ", ".join(
        f"event {each.event}: {each.purchases_left} purchases left, {each.purchases_refused} refused"
        for each in events
        if each.purchases_left
    )
    return done, amiss or None, "partial" if amiss else "succeeded"


def _consistency(connection: Connection, _number: int, _period: date | None, _now: datetime | None) -> Did:
    broken = [each for each in check.run(connection) if each.broken]
    amiss = ", ".join(f"{each.view}: {each.broken}" for each in broken)
    return sum(each.broken for each in broken), amiss or None, "failed" if broken else "succeeded"


# What each job does. A statement, of one that adds up what a call gives, gives rows done and, where something is amiss,
# what; `month` may be null, which the database refuses.
JOBS: dict[str, LiteralString | Runner] = {
    "net_expiry": lambda connection, *_: _done(len(Billig(connection).expire_net_sales())),
    "reservation_expiry": lambda connection, *_: _done(len(Billig(connection).expire_reservations())),
    "log_rollup": lambda connection, *_: _done(Billig(connection).roll_up_log()),
    "confirmation_numbers": lambda connection, *_: _done(Billig(connection).number_confirmations()),
    "cancellations": _cancellations,
    "vat_change": lambda connection, *_: _done(sum(each.tickets for each in Billig(connection).change_vat())),
    "kept_names": lambda connection, _number, _period, now: _done(
        Billig(connection).erase_kept_names() + Marketplace(connection).erase_kept_names(now=now)
    ),
    "bank_texts": lambda connection, *_: _done(Bank(connection).erase_texts()),
    "marketplace_partitions": _partitions,
    "marketplace_update": _update,
    "marketplace_close": "select coalesce(sum(transactions), 0)::bigint, null"
    " from marketplace.close_month(p_month => %(month)s, p_now => %(now)s::timestamptz)",
    "marketplace_verify": "select count(*), case when count(*) > 0 then"
    " format('%%s discrepancies: %%s', count(*), string_agg(distinct problem, ', ')) end"
    " from marketplace.verify_month(p_month => %(month)s) where severity = 'ERROR'",
    "marketplace_execute": _execute,
    "consistency": _consistency,
}
# These begin with ending what a crash has cut in two, between the ledger and the clicks of another machine.
OF_CLICKS = frozenset(
    {"marketplace_partitions", "marketplace_update", "marketplace_close", "marketplace_verify", "consistency"}
)


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


def run(connection: Connection, job: str, month: date | None = None, now: datetime | None = None) -> Run:
    """Run a job and record it; a refusal of the database is recorded and returned, not raised.

    The connection must be in autocommit mode: the run is seen while it works, and its locks are the session's.
    """
    _need_autocommit(connection)
    if job not in JOBS:
        raise NotFound(f"no such job: {job}", "Nothing was run.", f"There are {', '.join(JOBS)}.")
    period = "" if month is None else month.isoformat()
    (begun,) = Jobs(connection).begin_run(job=job, period=period, now=now)
    if begun.outcome is not None:
        return Run(begun.job_run, job, period, begun.outcome)
    return _work(connection, begun.job_run, job, period, now)


def run_due(connection: Connection, job: str, period: str, now: datetime | None = None) -> Run | None:
    """Run a job for a period if it is still due, as `run` does; None: another session has it, or has done it."""
    _need_autocommit(connection)
    for begun in Jobs(connection).begin_due_run(job=job, period=period, now=now):
        _set_timeout(connection, f"{begun.statement_timeout.total_seconds() * 1000:.0f}ms")
        return _work(connection, begun.job_run, job, period, now)
    return None


def due(connection: Connection, now: datetime | None = None, jobs: list[str] | None = None) -> list[DueRow]:
    """What is to be run, in this order; of these jobs only. What this program cannot run is left out."""
    return [row for row in Jobs(connection).due(now=now) if row.job in (jobs or JOBS)]


def _need_autocommit(connection: Connection) -> None:
    if not connection.autocommit:
        raise ValueError("a job's run is several transactions: the connection must be in autocommit mode")


def _work(connection: Connection, number: int, job: str, period: str, now: datetime | None) -> Run:
    day = date.fromisoformat(period) if period else None
    try:
        if job in OF_CLICKS:
            Marketplace(connection).recover_clicks()
        rows, amiss, outcome = _did(connection, number, JOBS[job], day, now)
        ended = Run(number, job, period, outcome, rows, None, amiss)
    except Refused as refusal:
        ended = Run(number, job, period, "failed", None, refusal.sqlstate, refusal.message)
    except psycopg.Error as error:
        if connection.broken:
            raise
        ended = Run(number, job, period, "failed", None, error.sqlstate, error.diag.message_primary or str(error))
    except Exception as error:  # a runner's own: the other jobs go on
        traceback.print_exc()
        ended = Run(number, job, period, "failed", None, None, f"{type(error).__name__}: {error}")
    _finish(connection, ended)
    return ended


def _did(
    connection: Connection, number: int, runner: LiteralString | Runner, day: date | None, now: datetime | None
) -> Did:
    if callable(runner):
        return runner(connection, number, day, now)
    rows, amiss = _row(connection, runner, {"month": day, "now": now})
    return rows, amiss, "failed" if amiss else "succeeded"


def _finish(connection: Connection, ended: Run) -> None:
    for attempt in range(3):
        try:
            if connection.info.transaction_status != TransactionStatus.IDLE:
                connection.rollback()  # a runner failed within a transaction
            _set_timeout(connection, None)
            Jobs(connection).finish_run(
                job_run=ended.job_run,
                outcome=ended.outcome,
                row_count=ended.row_count,
                error_code=ended.error_code,
                error_message=ended.error_message,
            )
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


def _row(connection: Connection, query: LiteralString, arguments: dict[str, object] | None = None) -> Any:
    (row,) = connection.execute(query, arguments).fetchall()
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
