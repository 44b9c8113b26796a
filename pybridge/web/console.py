"""The web console: the pages in a browser, for whoever logs in as a role of the database.

Who may see what is the database's to say. The server opens a connection as the role with the password that was typed;
what is kept is the open connection, under a random id in a cookie. There is no other authorisation here.
"""

import hmac
import math
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import flask
import psycopg
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from pybridge import errors
from pybridge.web import pages
from pybridge.web.pages.words import Words

SESSION, FORM = "pybridge_session", "pybridge_form"  # cookies
IDLE = 15 * 60  # seconds without a page after which a session ends
LONGEST = 12 * 3600  # seconds after which it ends in any case: a changed password cannot be noticed otherwise
MOST_SESSIONS, MOST_OF_ROLE = 40, 4
MOST_AT_ONCE = 4  # requests of one role, of the eight that the server takes on: one alone does not keep the others out
STATEMENT_TIMEOUT = 30  # seconds
FREE_OF_ROLE, FREE_OF_ADDRESS = 5, 20  # failures before one waits; on loopback everybody has one address
FIRST_WAIT, LONGEST_WAIT = 30, 3600  # seconds
MOST_BODY = 16 * 1024  # bytes of a form
MIGHTY = "select rolsuper or rolbypassrls or not rolcanlogin from pg_catalog.pg_roles where rolname = session_user"
MOST_GUESSED = 10_000  # names and addresses that are remembered
NAMES = {"nb": "Norsk", "en": "English"}
HEADERS = {
    # Styles stand in the pages, and in the elements of charts; scripts stand nowhere.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

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
    """Failed log-ins. An attempt counts as failed until it succeeds, so that many at once are no way around."""

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


def create_app(conninfo: str, *, hosts: list[str], lang: str = "nb", clock: Clock = time.monotonic) -> flask.Flask:
    """The console for the database of `conninfo`, under the host names given and no others."""
    app = flask.Flask(__name__, static_folder=None, template_folder=None)
    app.config.update(TRUSTED_HOSTS=hosts, MAX_CONTENT_LENGTH=MOST_BODY)
    sessions, guesses, key = Sessions(clock), Guesses(clock), secrets.token_bytes(32)
    app.extensions["pybridge"] = sessions

    def language() -> str:
        asked = flask.request.args.get("lang", "")
        if asked in pages.LANGUAGES:
            return asked
        return flask.request.accept_languages.best_match(pages.LANGUAGES) or lang

    def show(template: str, status: int, title: str, **values: Any) -> flask.Response:
        spoken = language()
        values = {
            "lang": spoken,
            "title": Words(spoken)(title),
            "lead": "",
            "about": [],
            "wide": False,
            "home": "",
        } | values
        text = pages.environment(spoken).get_template(template).render(languages=list(NAMES.items()), **values)
        return flask.Response(text, status)

    def token(purpose: str, cookie: str) -> str:
        return hmac.digest(key, f"{purpose}:{cookie}".encode(), "sha256").hex()

    def is_ours(purpose: str, cookie: str) -> bool:
        given = flask.request.form.get("token", "").encode()
        return bool(cookie) and hmac.compare_digest(given, token(purpose, cookie).encode())

    def keep(response: Response, name: str, value: str) -> None:
        response.set_cookie(name, value, httponly=True, samesite="Strict", secure=flask.request.is_secure, path="/")

    def ask(said: str = "", status: int = 200, seconds: int = 0) -> flask.Response:
        cookie = secrets.token_urlsafe(32)
        response = show("login.html.j2", status, "Log in", said=said, seconds=seconds, token=token("login", cookie))
        keep(response, FORM, cookie)
        if seconds:
            response.headers["Retry-After"] = str(seconds)
        return response

    def go(path: str, **values: str) -> Response:
        return flask.redirect(f"{path}?{urlencode(values | {'lang': language()})}", 303)

    @contextmanager
    def reading(session: Session) -> Iterator[psycopg.Connection[Any]]:
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

    def refuse(session: Session, status: int, *said: str | None) -> flask.Response:
        return show(
            "refusal.html.j2", status, "", code=status, role=session.role, said=[*filter(None, said)],
            home=f"/?lang={language()}",
        )  # fmt: skip

    @app.get("/login")
    def login_form() -> flask.Response:
        said = next((each for each in ("out", "lost") if each in flask.request.args), "")
        return ask(said)

    @app.post("/login")
    def login() -> Response:
        if not is_ours("login", flask.request.cookies.get(FORM, "")):
            return ask("stale", 400)
        role, password = flask.request.form.get("role", ""), flask.request.form.get("password", "")
        # PostgreSQL reads 63 bytes of a name: what comes after is another spelling of the same
        own = f"role {role.encode('utf-8', 'replace')[:63]!r}"
        names = {own: FREE_OF_ROLE, f"address {flask.request.remote_addr}": FREE_OF_ADDRESS}
        wait = guesses.attempt(names)
        if wait:
            return ask("wait", 429, wait)
        try:
            connection = log_in(conninfo, role, password)
            guesses.succeeded(own, names)
            name = sessions.add(role, connection)
        except NotLetIn as error:
            return ask(error.reason, error.status)
        sessions.end(flask.request.cookies.get(SESSION, ""))
        response = go("/")
        keep(response, SESSION, name)
        response.delete_cookie(FORM)
        return response

    @app.post("/logout")
    def logout() -> Response:
        name = flask.request.cookies.get(SESSION, "")
        if not is_ours("session", name):
            return ask("stale", 400)
        sessions.end(name)
        response = go("/login", out="")
        response.delete_cookie(SESSION)
        return response

    def as_reader(make: Callable[[Session, str], flask.Response]) -> Response:
        """What a session asks for, or why not. A connection that has ended sends one back to the log-in."""
        name = flask.request.cookies.get(SESSION, "")
        session = sessions.find(name)
        if session is None:
            return go("/login")
        try:
            return make(session, name)
        except errors.Refused as error:
            status = {"P0002": 404, "42501": 403, "22023": 400}.get(error.sqlstate, 409)
            return refuse(session, status, error.message, error.detail, error.hint)
        except psycopg.Error as error:
            if session.connection.closed:
                sessions.end(name)
                return go("/login", lost="")
            if isinstance(error, psycopg.errors.QueryCanceled):
                return refuse(session, 503)
            ours = errors.from_database(error)
            if ours is None:
                raise
            status = 403 if ours.sqlstate == "42501" else 409
            return refuse(session, status, ours.message, ours.detail, ours.hint)

    def link(page: str, values: Mapping[str, str]) -> str:
        path = "/" if page == "index" else f"/page/{page}"
        return f"{path}?{urlencode({**values, 'lang': language()})}"

    @app.get("/")
    def index() -> Response:
        def make(session: Session, name: str) -> flask.Response:
            words = Words(language())
            with reading(session):
                pass  # whether the connection still is there
            groups: dict[str, list[dict[str, Any]]] = {}
            for page in pages.PAGES.values():
                fields = [
                    (key, words(each.title), "date" if each.type == "day" else each.type)
                    for key, each in page.parameters.items()
                ]
                entry = {
                    "name": page.name,
                    "title": words(page.title),
                    "lead": words(page.lead),
                    "href": link(page.name, {}),
                    "fields": fields,
                }
                groups.setdefault(words(page.group), []).append(entry)
            return show(
                "console.html.j2", 200, "Reports", role=session.role, token=token("session", name),
                groups=list(groups.items()),
            )  # fmt: skip

        return as_reader(make)

    @app.get("/page/<page>")
    def page(page: str) -> Response:
        def make(session: Session, name: str) -> flask.Response:
            values = {key: value for key, value in flask.request.args.items() if key != "lang"}
            with reading(session) as connection:
                return flask.Response(pages.render(connection, page, values, lang=language(), link=link))

        return as_reader(make)

    @app.errorhandler(Exception)
    def failed(error: Exception) -> Response:
        if isinstance(error, HTTPException):
            return flask.Response(f"{error.code} {error.name}\n", error.code, mimetype="text/plain")
        app.logger.exception("a page failed")
        return show("refusal.html.j2", 500, "", code=500, role="", said=[])

    @app.after_request
    def guard(response: flask.Response) -> flask.Response:
        response.headers.update(HEADERS)
        return response

    return app
