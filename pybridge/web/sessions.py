"""Who is logged in to the console: the database's own connections, and how many guesses one has."""

import math
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg

IDLE = 15 * 60  # seconds without a page after which a session ends
LONGEST = 12 * 3600  # seconds after which it ends in any case: a changed password cannot be noticed otherwise
MOST_SESSIONS, MOST_OF_ROLE = 40, 4
MOST_AT_ONCE = 4  # requests of one role, of the eight that the server takes on: one alone does not keep the others out
STATEMENT_TIMEOUT = 30  # seconds
FREE_OF_ROLE, FREE_OF_ADDRESS = 5, 20  # failures before one waits; on loopback everybody has one address
FIRST_WAIT, LONGEST_WAIT = 30, 3600  # seconds
MIGHTY = "select rolsuper or rolbypassrls or not rolcanlogin from pg_catalog.pg_roles where rolname = session_user"
MOST_GUESSED = 10_000  # names and addresses that are remembered

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
        self._failed: OrderedDict[str, tuple[int, float]] = OrderedDict()  # how many, and until when one waits

    def attempt(self, free: Mapping[str, int]) -> int:
        """0: go on; else how many seconds to wait first. `free`: how many failures each of these names has free."""
        now = self._clock()
        with self._lock:
            wait = max(self._failed.get(name, (0, 0.0))[1] - now for name in free)
            if wait > 0:
                return math.ceil(wait)
            for name, allowed in free.items():
                count, until = self._failed.pop(name, (0, 0.0))
                count = 1 if count and now - until > LONGEST_WAIT else count + 1
                over = count - allowed
                wait = min(FIRST_WAIT * 2.0 ** min(over, 20), LONGEST_WAIT) if over >= 0 else 0
                self._failed[name] = (count, now + wait)
            while len(self._failed) > MOST_GUESSED:
                self._failed.popitem(last=False)
        return 0

    def succeeded(self, own: str, names: Mapping[str, int]) -> None:
        """Nothing failed under the name `own`, and this attempt under none; others' failures from here stay."""
        with self._lock:
            for name in names:
                count, _ = self._failed.pop(name, (0, 0.0))
                if name != own and count > 1:
                    self._failed[name] = (count - 1, self._clock())


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
