"""The scheduler asks the database what is due, runs it, and asks again (docs/decisions/0011-scheduler.md)."""

import json
import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import psycopg

from pybridge import errors
from pybridge.database import connect
from pybridge.formats import OSLO
from pybridge.jobs import runner as jobs

STOP_AFTER = 10.0
"""Seconds that a call may still take when the scheduler is told to stop. docs/scheduling.md's unit waits longer."""
LONGEST_SLEEP = 30.0  # what is changed in jobs.schedule is seen by then
SHORTEST_SLEEP = 0.5
LONGEST_WAIT = 30.0  # between two attempts to reach the database
SLICE = 0.2  # a signal does not end a sleep, so none is longer
LOST = (psycopg.OperationalError, psycopg.InterfaceError, errors.Busy, errors.Deadlock)

NEXT = """
    select extract(epoch from min(o.ready_at) - clock_timestamp())::float8
    from jobs.outlook(p_now => clock_timestamp()) as o
    where o.state <> 'running' and o.job = any (%s)
"""
# The second: if this program is killed, its call ends soon after, and lets its locks go.
SESSION = """
    select
        set_config('application_name', 'pybridge schedule', false),
        set_config('client_connection_check_interval', '5s', false)
"""


@dataclass
class Scheduler:
    """Runs what is due, one job after the other, on one connection. Several may run at once, on several machines."""

    names: list[str]
    stop_after: float = STOP_AFTER
    as_json: bool = False
    stopping: bool = False
    connecting: bool = False
    connection: psycopg.Connection[Any] | None = None
    done: set[tuple[str, str, datetime]] = field(default_factory=set)

    def once(self, now: datetime | None) -> bool:
        """Run until nothing more is due, nothing twice; whether all went well."""
        well = True
        with closing(self._connect()) as connection:
            while ended := self._round(connection, now, skip=self.done):
                well = well and all(each.outcome == "succeeded" for each in ended)
        return well

    def forever(self) -> None:
        """Run until a signal says to stop. A lost database is waited for."""
        wait = 1.0
        while not self.stopping:
            try:
                with closing(self._connect()) as connection:
                    self._say("connected")
                    while not self.stopping:
                        self._round(connection, None)
                        wait = 1.0
                        self._sleep(self._until_next(connection))
            except LOST as error:
                if not self.stopping:
                    message = " ".join(str(error).split())
                    self._say("no database", error=message, retry_seconds=wait)
                    self._sleep(wait)
                    wait = min(2 * wait, LONGEST_WAIT)
            finally:
                self.connection = None
        self._say("stopped")

    @contextmanager
    def signals(self) -> Iterator[None]:
        """SIGTERM and SIGINT stop it after the call that runs; one that takes longer than `stop_after` is cancelled."""
        handlers = {signal.SIGTERM: self._stop, signal.SIGINT: self._stop, signal.SIGALRM: self._cancel}
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        token = jobs.STOPPING.set(lambda: self.stopping)
        try:
            yield
        finally:
            jobs.STOPPING.reset(token)
            signal.setitimer(signal.ITIMER_REAL, 0)
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, *_: object) -> None:
        if not self.stopping:
            self.stopping = True
            # Again each second: a runner may be between two statements when the first one comes.
            signal.setitimer(signal.ITIMER_REAL, max(self.stop_after, 0.001), 1.0)

    def _cancel(self, *_: object) -> None:
        if self.connecting:
            raise psycopg.OperationalError("told to stop")  # whoever is asked may never answer
        if self.connection is not None and not self.connection.closed:
            with suppress(psycopg.Error):
                self.connection.cancel_safe(timeout=5)

    def _connect(self) -> psycopg.Connection[Any]:
        self.connecting = True
        try:
            self.connection = connect(deployed=True)
        finally:
            self.connecting = False
        self.connection.execute(SESSION)
        return self.connection

    def _round(
        self,
        connection: psycopg.Connection[Any],
        now: datetime | None,
        skip: set[tuple[str, str, datetime]] | None = None,
    ) -> list[jobs.Run]:
        """Each that is due, once: so a job that is always due keeps no other waiting for ever."""
        ended = []
        for each in jobs.due(connection, now, self.names):
            if self.stopping:
                break
            if skip is not None:
                key = (each.job, each.period, each.due_since)
                if key in skip:
                    continue
                skip.add(key)
            begun = time.monotonic()
            run = jobs.run_due(connection, each.job, each.period, now)
            if run is not None:
                self._say_run(run, time.monotonic() - begun)
                ended.append(run)
        return ended

    def _until_next(self, connection: psycopg.Connection[Any]) -> float:
        row = connection.execute(NEXT, (self.names,)).fetchone()
        seconds = LONGEST_SLEEP if row is None or row[0] is None else float(row[0])
        return min(max(seconds, SHORTEST_SLEEP), LONGEST_SLEEP)

    def _sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self.stopping and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, SLICE))

    def _say_run(self, run: jobs.Run, seconds: float) -> None:
        if self.as_json:
            self._say("run", **asdict(run), seconds=round(seconds, 3))
            return
        rows = "" if run.row_count is None else f", {run.row_count} rows"
        code = f" ({run.error_code})" if run.error_code else ""
        error = f": {run.error_message}{code}" if run.error_message else ""
        self._say(f"{run.job} {run.period}".rstrip() + f": {run.outcome}{rows}, {seconds:.1f} s{error}")

    def _say(self, event: str, **details: object) -> None:
        now = datetime.now(OSLO)
        if self.as_json:
            print(json.dumps({"time": now.isoformat(), "event": event, **details}, ensure_ascii=False), flush=True)
        else:
            more = "".join(f", {name} {value}" for name, value in details.items())
            print(f"{now:%Y-%m-%d %H:%M:%S} {event}{more}", flush=True)
