"""The web console: the pages in a browser, for anyone who logs in as a role of the database.

Who may see what is the database's to say. The server opens a connection as the role with the password that was typed;
what is kept is the open connection, under a random id in a cookie. There is no other authorisation here.
"""

import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import flask
import psycopg
from psycopg.rows import dict_row
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from pybridge import errors
from pybridge.reports import receipts
from pybridge.web import pages
from pybridge.web.pages.words import Words
from pybridge.web.sessions import (
    OF_BROWSER,
    OF_PAIR,
    OF_ROLE,
    Clock,
    Guesses,
    NotLetIn,
    Rate,
    Session,
    Sessions,
    log_in,
    reading,
)

SESSION, FORM, BROWSER = "pybridge_session", "pybridge_form", "pybridge_browser"  # cookies
KNOWN_FOR = 90 * 24 * 3600  # seconds: a browser that has logged in as a role
MOST_BODY = 16 * 1024  # bytes of a form
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


def create_app(conninfo: str, *, hosts: list[str], lang: str = "nb", clock: Clock = time.monotonic) -> flask.Flask:
    """The console for the database of `conninfo`, under the host names given and no others."""
    app = flask.Flask(__name__, static_folder=None, template_folder=None)
    app.config.update(TRUSTED_HOSTS=hosts, MAX_CONTENT_LENGTH=MOST_BODY)
    console = Console(conninfo, lang, clock)
    app.extensions["pybridge"] = console.sessions
    app.add_url_rule("/login", view_func=console.login_form, methods=["GET"])
    app.add_url_rule("/login", view_func=console.login, methods=["POST"])
    app.add_url_rule("/logout", view_func=console.logout, methods=["POST"])
    app.add_url_rule("/", view_func=console.index, methods=["GET"])
    app.add_url_rule("/page/<page>", view_func=console.page, methods=["GET"])
    app.add_url_rule("/receipt", view_func=console.receipt, methods=["GET"])
    app.register_error_handler(Exception, console.failed)
    app.after_request(_guard)
    return app


class Console:
    """What the routes answer, and what they share: who is logged in, who guesses, and the key that signs forms."""

    def __init__(self, conninfo: str, lang: str, clock: Clock) -> None:
        self.conninfo, self.lang = conninfo, lang
        self.sessions, self.guesses = Sessions(clock), Guesses(clock)
        self._key = secrets.token_bytes(32)

    # --- Logging in and out

    def login_form(self) -> flask.Response:
        said = next((each for each in ("out", "lost") if each in flask.request.args), "")
        return self._ask(said)

    def login(self) -> Response:
        if not self._is_ours("login", flask.request.cookies.get(FORM, "")):
            return self._ask("stale", 400)
        role, password = flask.request.form.get("role", ""), flask.request.form.get("password", "")
        # PostgreSQL reads 63 bytes of a name: what comes after is another spelling of the same
        own = repr(role.encode("utf-8", "replace")[:63])
        names = self._whose_guess(own)
        wait = self.guesses.attempt(names)
        if wait:
            return self._ask("wait", 429, wait)
        try:
            connection = log_in(self.conninfo, role, password)
            self.guesses.succeeded(names)
            name = self.sessions.add(role, connection)
        except NotLetIn as error:
            return self._ask(error.reason, error.status)
        self.sessions.end(flask.request.cookies.get(SESSION, ""))
        path, values = _wanted(flask.request.form.get("to", "")) or ("/", {})
        response = self._go(path, **values)
        _keep(response, SESSION, name)
        known = secrets.token_urlsafe(16)
        _keep(response, BROWSER, f"{known}.{self._token('browser', known + own)}", KNOWN_FOR)
        response.delete_cookie(FORM)
        return response

    def _whose_guess(self, own: str) -> dict[str, Rate]:
        """What an attempt at a role counts for. A browser that has logged in as it has guesses of its own.

        So whoever guesses at a role, from however many addresses, does not keep out who works as it; and behind a
        proxy, where all have one address, whoever guesses at one role keeps nobody out of another.
        """
        known, _, token = flask.request.cookies.get(BROWSER, "").partition(".")
        if known and hmac.compare_digest(token.encode(), self._token("browser", known + own).encode()):
            return {f"browser {known} {own}": OF_BROWSER}
        return {f"role {own} from {flask.request.remote_addr}": OF_PAIR, f"role {own}": OF_ROLE}

    def logout(self) -> Response:
        name = flask.request.cookies.get(SESSION, "")
        if not self._is_ours("session", name):
            return self._ask("stale", 400)
        self.sessions.end(name)
        response = self._go("/login", out="")
        response.delete_cookie(SESSION)
        return response

    # --- Pages

    def index(self) -> Response:
        return self._as_reader(self._index)

    def page(self, page: str) -> Response:
        def make(session: Session, _name: str) -> flask.Response:
            values = {key: value for key, value in flask.request.args.items() if key != "lang"}
            with reading(self.sessions, session) as connection:
                return flask.Response(pages.render(connection, page, values, lang=self._language(), link=self._link))

        return self._as_reader(make)

    def receipt(self) -> Response:
        """A receipt as it was printed, on paper of its own; whoever shows it prints a copy, and counts none."""

        def make(session: Session, _name: str) -> flask.Response:
            asked = pages.Parameter("", "number").read("payment", flask.request.args.get("payment", ""))
            paper = receipts.PAPERS.get(flask.request.args.get("paper", "a4"))
            if asked is None or paper is None:
                raise errors.BadArgument("which receipt is not clear", "No payment, or no such paper.", "80mm or a4.")
            lang = self._language()
            query = "select * from billig.show_receipt(p_payment => %s, p_language => %s)"
            with errors.translated(), reading(self.sessions, session) as connection:
                rows = connection.cursor(row_factory=dict_row).execute(query, [asked, lang]).fetchall()
                return flask.Response(receipts.to_html(receipts.laid_out(connection, rows, lang), paper))

        return self._as_reader(make)

    def failed(self, error: Exception) -> Response:
        if isinstance(error, HTTPException):
            return flask.Response(f"{error.code} {error.name}\n", error.code, mimetype="text/plain")
        flask.current_app.logger.exception("a page failed")
        return self._show("refusal.html.j2", 500, "", code=500, role="", said=[])

    def _index(self, session: Session, name: str) -> flask.Response:
        words = Words(self._language())
        with reading(self.sessions, session):
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
                "href": self._link(page.name, {}),
                "fields": fields,
            }
            groups.setdefault(words(page.group), []).append(entry)
        return self._show(
            "console.html.j2", 200, "Reports", role=session.role, token=self._token("session", name),
            groups=list(groups.items()),
        )  # fmt: skip

    def _as_reader(self, make: Callable[[Session, str], flask.Response]) -> Response:
        """What a session asks for, or why not. A connection that has ended sends one back to the log-in."""
        name = flask.request.cookies.get(SESSION, "")
        session = self.sessions.find(name)
        if session is None:
            return self._go("/login", **_asked())
        try:
            return make(session, name)
        except errors.Refused as error:
            status = {"P0002": 404, "42501": 403, "22023": 400}.get(error.sqlstate, 409)
            return self._refuse(session, status, error.message, error.detail, error.hint)
        except psycopg.Error as error:
            if session.connection.closed:
                self.sessions.end(name)
                return self._go("/login", lost="", **_asked())
            if isinstance(error, psycopg.errors.QueryCanceled):
                return self._refuse(session, 503)
            ours = errors.from_database(error)
            if ours is None:
                raise
            status = 403 if ours.sqlstate == "42501" else 409
            return self._refuse(session, status, ours.message, ours.detail, ours.hint)

    # --- What answers are made of

    def _language(self) -> str:
        asked = flask.request.args.get("lang", "")
        if asked in pages.LANGUAGES:
            return asked
        return flask.request.accept_languages.best_match(pages.LANGUAGES) or self.lang

    def _show(self, template: str, status: int, title: str, **values: Any) -> flask.Response:
        spoken = self._language()
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

    def _ask(self, said: str = "", status: int = 200, seconds: int = 0) -> flask.Response:
        cookie = secrets.token_urlsafe(32)
        token = self._token("login", cookie)
        wanted = _wanted(flask.request.values.get("to", ""))
        to = f"{wanted[0]}?{urlencode(wanted[1])}" if wanted else ""
        response = self._show("login.html.j2", status, "Log in", said=said, seconds=seconds, token=token, to=to)
        _keep(response, FORM, cookie)
        if seconds:
            response.headers["Retry-After"] = str(seconds)
        return response

    def _refuse(self, session: Session, status: int, *said: str | None) -> flask.Response:
        return self._show(
            "refusal.html.j2", status, "", code=status, role=session.role, said=[*filter(None, said)],
            home=f"/?lang={self._language()}",
        )  # fmt: skip

    def _go(self, path: str, **values: str) -> Response:
        return flask.redirect(f"{path}?{urlencode(values | {'lang': self._language()})}", 303)

    def _link(self, page: str, values: Mapping[str, str]) -> str:
        path = "/" if page == "index" else f"/page/{page}"
        return f"{path}?{urlencode({**values, 'lang': self._language()})}"

    def _token(self, purpose: str, cookie: str) -> str:
        return hmac.digest(self._key, f"{purpose}:{cookie}".encode(), "sha256").hex()

    def _is_ours(self, purpose: str, cookie: str) -> bool:
        given = flask.request.form.get("token", "").encode()
        return bool(cookie) and hmac.compare_digest(given, self._token(purpose, cookie).encode())


def _asked() -> dict[str, str]:
    """For the log-in: the page that is asked for without a session."""
    return {"to": flask.request.full_path} if _wanted(flask.request.full_path) else {}


def _wanted(address: str) -> tuple[str, dict[str, str]] | None:
    """The page, and what it was asked, that somebody came for before the log-in; None of what is no page here."""
    try:
        parts = urlsplit(address)
        values = dict(parse_qsl(parts.query))
    except ValueError:
        return None
    ours = {f"/page/{name}" for name in pages.PAGES}
    if parts.scheme or parts.netloc or parts.path not in ours:
        return None
    return parts.path, {name: value for name, value in values.items() if name != "lang"}


def _keep(response: Response, name: str, value: str, seconds: int | None = None) -> None:
    response.set_cookie(
        name, value, max_age=seconds, httponly=True, samesite="Strict", secure=flask.request.is_secure, path="/"
    )


def _guard(response: flask.Response) -> flask.Response:
    response.headers.update(HEADERS)
    return response
