"""Who is logged in to the console: the database's own connections, and how many guesses one has."""

import math
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import psycopg

IDLE = 15 * 60  # seconds without a page after which a session ends
LONGEST = 12 * 3600  # seconds after which it ends in any case: a changed password cannot be noticed otherwise
MOST_SESSIONS, MOST_OF_ROLE = 40, 4
MOST_AT_ONCE = 4  # requests of one role, of the eight that the server takes on: one alone does not keep the others out
STATEMENT_TIMEOUT = 30  # seconds
MIGHTY = "select rolsuper or rolbypassrls or not rolcanlogin from pg_catalog.pg_roles where rolname = session_user"
MOST_GUESSED = 10_000  # who guessed at whom, remembered


class Rate(NamedTuple):
    """How many guesses one has at once, and how many seconds it takes until one has another."""

    free: int
    seconds: float


# Of a role from one address; of a role from everywhere, but from browsers that have logged in as it; of such a browser.
# A guess comes back by itself, so that nobody keeps a role shut by asking now and then.
OF_PAIR, OF_ROLE, OF_BROWSER = Rate(5, 60), Rate(20, 10), Rate(5, 60)

Clock = Callable[[], float]


class NotLetIn(Exception):
    """No session comes of a log-in; `reason` is the template's word for why."""

    def __init__(self, reason: str, status: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


@dataclass
class Session:
    """Somebody who is logged in: the connection, and one request at a time."""

    role: str
    connection: psycopg.Connection[Any] = field(repr=False)
    used: float
    begun: float
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)


class Sessions:
    """Who is logged in, by random id. The database ends an idle connection by itself; here it is only forgotten."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._open: dict[str, Session] = {}
        self._turns: dict[str, threading.BoundedSemaphore] = {}  # by role: those that have logged in, and so are few

    def add(self, role: str, connection: psycopg.Connection[Any]) -> str:
        """A new id. A role's oldest session makes room for its newest; other roles' never do."""
        with self._lock:
            self._sweep()
            own = [name for name, each in self._open.items() if each.role == role]
            own.sort(key=lambda name: self._open[name].used)
            for name in own[: max(0, len(own) - MOST_OF_ROLE + 1)]:
                self._open.pop(name).connection.close()
            if len(self._open) >= MOST_SESSIONS:
                connection.close()
                raise NotLetIn("full", 503)
            name = secrets.token_urlsafe(32)
            self._open[name] = Session(role, connection, self._clock(), self._clock())
            return name

    def find(self, name: str) -> Session | None:
        with self._lock:
            self._sweep()
            session = self._open.get(name)
            if session:
                session.used = self._clock()
            return session

    def turns(self, role: str) -> threading.BoundedSemaphore:
        with self._lock:
            return self._turns.setdefault(role, threading.BoundedSemaphore(MOST_AT_ONCE))

    def end(self, name: str) -> None:
        with self._lock:
            session = self._open.pop(name, None)
        if session:
            session.connection.close()

    def end_all(self) -> None:
        with self._lock:
            names = list(self._open)
        for name in names:
            self.end(name)

    def _sweep(self) -> None:
        now = self._clock()
        over = [name for name, each in self._open.items() if now - each.used > IDLE or now - each.begun > LONGEST]
        for name in over:
            self._open.pop(name).connection.close()


class Guesses:
    """Failed log-ins. An attempt counts as failed until it succeeds, so that many at once do not bypass it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._used: OrderedDict[str, tuple[float, float]] = OrderedDict()  # how many guesses are used up, and when

    def attempt(self, names: Mapping[str, Rate]) -> int:
        """0: go on; else how many seconds to wait first. `names`: whose guesses it takes one of each."""
        now = self._clock()
        with self._lock:
            used = {name: self._used_by(name, rate, now) for name, rate in names.items()}
            wait = max((used[name] + 1 - rate.free) * rate.seconds for name, rate in names.items())
            if wait > 0:
                return math.ceil(wait)
            for name in names:
                self._used.pop(name, None)
                self._used[name] = (used[name] + 1, now)
            while len(self._used) > MOST_GUESSED:
                self._used.popitem(last=False)
        return 0

    def succeeded(self, names: Mapping[str, Rate]) -> None:
        """This attempt was no guess; those that others made stay."""
        now = self._clock()
        with self._lock:
            for name, rate in names.items():
                used = max(0.0, self._used_by(name, rate, now) - 1)
                self._used.pop(name, None)
                if used:
                    self._used[name] = (used, now)

    def _used_by(self, name: str, rate: Rate, now: float) -> float:
        used, then = self._used.get(name, (0.0, now))
        return max(0.0, used - (now - then) / rate.seconds)


def log_in(conninfo: str, role: str, password: str) -> psycopg.Connection[Any]:
    """A connection that the database gave for this password, and for nothing else: no file, certificate or trust."""
    if not role or not password or "\x00" in role + password:
        raise NotLetIn("wrong", 403)  # an empty password would send libpq looking for another
    settings = {
        "statement_timeout": STATEMENT_TIMEOUT * 1000,
        "idle_in_transaction_session_timeout": STATEMENT_TIMEOUT * 1000,
        "idle_session_timeout": (IDLE + 60) * 1000,
        "default_transaction_read_only": "on",
    }
    try:
        connection: psycopg.Connection[Any] = psycopg.connect(
            conninfo,
            user=role,
            password=password,
            passfile="/dev/null",
            sslcertmode="disable",
            gssencmode="disable",
            require_auth="scram-sha-256,none",  # never the password itself; "none" is told apart below
            connect_timeout=5,
            options=" ".join(f"-c {name}={value}" for name, value in settings.items()),
            application_name="pybridge serve",
            autocommit=True,
        )
    except UnicodeError:
        raise NotLetIn("wrong", 403) from None
    except psycopg.OperationalError as error:
        asked = error.pgconn is not None and error.pgconn.used_password
        raise NotLetIn(*(("wrong", 403) if asked else ("down", 503))) from None
    try:
        if not connection.pgconn.used_password:
            raise NotLetIn("untrue", 403)
        if connection.execute(MIGHTY).fetchone() != (False,):
            raise NotLetIn("mighty", 403)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def reading(sessions: Sessions, session: Session) -> Iterator[psycopg.Connection[Any]]:
    """The session's connection, in one snapshot and reading only; QueryCanceled where it is too busy."""
    turns = sessions.turns(session.role)
    if not turns.acquire(blocking=False):
        raise psycopg.errors.QueryCanceled
    try:
        if not session.lock.acquire(timeout=STATEMENT_TIMEOUT):
            raise psycopg.errors.QueryCanceled
        try:
            # Asked again for each page: the role may have been altered or dropped since.
            if session.connection.execute(MIGHTY).fetchone() != (False,):
                session.connection.close()
                raise psycopg.OperationalError
            with session.connection.transaction(force_rollback=True):
                session.connection.execute("set transaction isolation level repeatable read read only")
                yield session.connection
        finally:
            session.lock.release()
    finally:
        turns.release()
