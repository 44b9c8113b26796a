"""The web console: the database lets people in and says what they see; the console keeps nothing that it need not."""

import contextlib
import gc
import http.client
import logging
import re
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
import waitress
from flask import Flask
from flask.testing import FlaskClient
from lxml import html
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from typer.testing import CliRunner
from werkzeug.test import TestResponse

from pybridge.cli.main import app
from pybridge.database import ELSEWHERE
from pybridge.local import server
from pybridge.web import console, pages, serving, sessions
from tests.conftest import Connection
from tests.support import market, passwords
from tests.support.domain import login_role, make_cash_point, make_event, one, run, sell

MONTH = date(2031, 5, 1)
LOCAL = "http://127.0.0.1"


@dataclass
class Hall:
    """A console of the shared database, and people with passwords. The clock is the test's."""

    db: Connection
    people: dict[str, tuple[str, str]]
    conninfo: str
    now: float = 0.0
    consoles: list[Flask] = field(default_factory=list)

    def console(self) -> Flask:
        made = console.create_app(self.conninfo, hosts=["127.0.0.1"], lang="en", clock=lambda: self.now)
        self.consoles.append(made)
        return made

    def browser(self, made: Flask | None = None) -> "Browser":
        return Browser((made or self.console()).test_client())

    def inside(self, who: str, made: Flask | None = None) -> "Browser":
        browser = self.browser(made)
        assert browser.log_in(*self.people[who]).status_code == 303
        return browser

    def connections(self, who: str) -> int:
        found = one(
            self.db,
            "select count(*) from pg_stat_activity where application_name = 'pybridge serve' and usename = %s",
            self.people[who][0],
        )
        return int(found)

    def comes_to(self, who: str, count: int) -> bool:
        """Whether so many are left, soon: a connection that was closed is seen for a moment longer."""
        for _ in range(200):
            if self.connections(who) == count:
                return True
            run(self.db, "select pg_sleep(0.01)")
        return False

    def wait_for_connections(self, who: str, count: int) -> None:
        """A closed connection is the server's until it has noticed."""
        for _ in range(200):
            if self.connections(who) == count:
                break
            run(self.db, "select pg_sleep(0.01)")
        assert self.connections(who) == count

    def end_connections(self, who: str) -> None:
        run(
            self.db,
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
            " where application_name = 'pybridge serve' and usename = %s",
            self.people[who][0],
        )

    def close(self) -> None:
        for made in self.consoles:
            made.extensions["pybridge"].end_all()


@dataclass
class Browser:
    """Keeps cookies and fills forms in, as a browser does."""

    client: FlaskClient

    def get(self, path: str, **more: object) -> TestResponse:
        return self.client.get(path, base_url=LOCAL, **more)

    def token(self, path: str) -> str:
        found = re.search(r'name="token" value="(\w+)"', self.get(path).text)
        assert found
        return found[1]

    def log_in(self, role: str, password: str) -> TestResponse:
        data = {"token": self.token("/login"), "role": role, "password": password}
        return self.client.post("/login", base_url=LOCAL, data=data)

    def log_out(self) -> TestResponse:
        return self.client.post("/logout", base_url=LOCAL, data={"token": self.token("/")})

    @property
    def id(self) -> str:
        cookie = self.client.get_cookie(console.SESSION, domain="127.0.0.1")
        return cookie.value if cookie else ""


@pytest.fixture(scope="module")
def people(shared_db: Connection) -> Iterator[tuple[Connection, dict[str, tuple[str, str]]]]:
    db = shared_db
    with ExitStack() as stack:
        asking = stack.enter_context(passwords.asked_for(db))
        groups = {
            "analyst": ["analyst"],
            "bookkeeper": ["bookkeeper"],
            "seller": ["billig_seller"],
            "advertiser": ["marketplace_profile"],
            "publisher": ["marketplace_profile"],
        }
        found = {who: stack.enter_context(passwords.role(db, asking, *of)) for who, of in groups.items()}
        _trade(db, found)
        yield db, found
        run(db, "update marketplace.profile set login_role = null where login_role is not null")


def _trade(db: Connection, found: dict[str, tuple[str, str]]) -> None:
    """A sale, and a closed month between two profiles that have roles of their own."""
    make_cash_point(db, 1)
    sell(db, make_event(db).price_group, seller="kari", cash_point=1)
    market.partitions(db, MONTH, 2)
    market.set_rate(db, "0.3")
    market.set_minimum(db, 0, 0)
    advertiser, publisher = market.profile(db), market.profile(db)
    for who, profile in (("advertiser", advertiser), ("publisher", publisher)):
        run(
            db,
            "update marketplace.profile set profile_name = %s, login_role = %s where profile = %s",
            f"The {who}'s name",
            found[who][0],
            profile,
        )
    market.clicks(db, market.advertisement(db, advertiser, 2), market.website(db, publisher), market.day(MONTH, 3))
    market.close(db, MONTH)


@pytest.fixture
def hall(people: tuple[Connection, dict[str, tuple[str, str]]]) -> Iterator[Hall]:
    db, found = people
    info = db.info
    made = Hall(db, found, make_conninfo(host="127.0.0.1", port=info.port, dbname=info.dbname))
    yield made
    made.close()


# --- Who gets in ----------------------------------------------------------------------------------------------------


def test_a_page_wants_a_log_in_and_shows_it_after(hall: Hall) -> None:
    browser = hall.browser()
    for path in ("/", "/page/vat-project", "/page/nothing"):
        answer = browser.get(path)
        assert (answer.status_code, answer.location.split("?")[0]) == (303, "/login")
    role, password = hall.people["analyst"]
    assert browser.log_in(role, password).location.startswith("/?")
    assert role in browser.get("/").text
    page = browser.get("/page/vat-project")
    assert page.status_code == 200
    assert "/?lang=en" in page.text


@pytest.mark.parametrize("wrong", ["", "wrong", "\0", "x" * 1000, "å\ud800"])
def test_a_wrong_password_lets_nobody_in_whether_the_role_exists_or_not(hall: Hall, wrong: str) -> None:
    answers = []
    for role in (hall.people["analyst"][0], "nobody_of_this_name"):
        browser = hall.browser()
        data = {"token": browser.token("/login"), "role": role}
        body = browser.client.post(
            "/login", base_url=LOCAL, data=data | {"password": wrong.encode("utf-8", "surrogatepass").decode("latin-1")}
        )
        assert not browser.id
        answers.append((body.status_code, re.sub(r'value="\w+"', "", body.text)))
    assert answers[0] == answers[1]
    assert answers[0][0] in (403, 400)


def test_a_role_that_the_database_asks_for_no_password_is_refused(hall: Hall) -> None:
    with login_role(hall.db, "analyst") as trusted:
        psycopg.connect(hall.conninfo, user=trusted).close()  # the server would let anybody in as it
        answer = hall.browser().log_in(trusted, "anything")
    assert answer.status_code == 403
    assert "asked for no password" in answer.text


@pytest.mark.parametrize("method", ["password", "md5"])
def test_a_password_is_not_sent_where_the_server_wants_to_see_it(hall: Hall, method: str) -> None:
    with ExitStack() as stack:
        asking = stack.enter_context(passwords.asked_for(hall.db, method))
        role, password = stack.enter_context(passwords.role(hall.db, asking, "analyst"))
        psycopg.connect(hall.conninfo, user=role, password=password).close()
        answer = hall.browser().log_in(role, password)
    assert answer.status_code == (503 if method == "password" else 303)  # md5 is SCRAM where the password is kept so


@pytest.mark.parametrize("might", ["superuser", "bypassrls"])
def test_a_role_above_row_security_is_refused(hall: Hall, might: str) -> None:
    with ExitStack() as stack:
        asking = stack.enter_context(passwords.asked_for(hall.db))
        role, password = stack.enter_context(passwords.role(hall.db, asking))
        run(hall.db, f"alter role {role} {might}")
        browser = hall.browser()
        answer = browser.log_in(role, password)
        assert answer.status_code == 403
        assert "row-level security" in answer.text
        assert not browser.id


def test_a_password_of_the_environment_is_not_used(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    role, password = hall.people["analyst"]
    monkeypatch.setenv("PGPASSWORD", password)
    assert hall.browser().log_in(role, "").status_code == 403
    assert hall.browser().log_in(role, "wrong").status_code == 403


def test_the_embedded_server_is_reached_over_tcp_and_without_its_owners_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("DATABASE_URL", *ELSEWHERE):
        monkeypatch.delenv(name, raising=False)
    running = server.Server(Path("/data"), 1, 5432, Path("/run"))
    monkeypatch.setattr(server, "up", lambda: running)
    assert conninfo_to_dict(serving.address()) == {
        "host": "127.0.0.1",
        "port": "5432",
        "dbname": server.DATABASE,
    }
    assert re.search(r"^host\s+all\s+all\s+127\.0\.0\.1/32\s+scram-sha-256$", server.HBA, re.MULTILINE)
    assert "trust" not in server.HBA


# --- What they see --------------------------------------------------------------------------------------------------


def test_the_database_says_what_a_role_sees(hall: Hall) -> None:
    def seen(who: str) -> set[str]:
        browser = hall.inside(who)
        answers = {name: browser.get(f"/page/{name}").status_code for name in pages.PAGES}
        assert set(answers.values()) <= {200, 403}
        return {name for name, status in answers.items() if status == 200}

    assert seen("analyst") == pages.PAGES.keys() - {"consistency"}
    assert seen("bookkeeper") >= {"bank", "statement", "vat-project", "consistency"}
    assert seen("seller") == set()


def test_the_office_sees_a_receipt_as_it_was_printed_and_prints_none(hall: Hall) -> None:
    payment = int(one(hall.db, "select min(payment) from billig.payment where cash_point = 1"))
    office = hall.inside("bookkeeper")
    prints = "select count(*) from billig.receipt_print where payment = %s"
    if not one(hall.db, prints, payment):
        assert office.get(f"/receipt?payment={payment}").status_code == 404
        hall.db.execute("select from billig.receipt(%s)", [payment])
    before = one(hall.db, prints, payment)
    for paper, size in (("80mm", "80mm 297mm"), ("a4", "A4")):
        page = office.get(f"/receipt?payment={payment}&paper={paper}&lang=nb")
        assert page.status_code == 200
        assert f"@page {{ size: {size};" in page.text
        assert "Salgskvittering" in page.text
        assert "KOPI" in page.text
    assert one(hall.db, prints, payment) == before
    for path, status in (("payment=404", 404), ("payment=x", 400), ("", 400), (f"payment={payment}&paper=a5", 400)):
        assert office.get(f"/receipt?{path}").status_code == status
    assert hall.inside("analyst").get(f"/receipt?payment={payment}").status_code == 403
    assert 'action="/receipt"' in office.get("/").text


def test_what_is_refused_is_said_and_the_session_goes_on(hall: Hall) -> None:
    browser = hall.inside("analyst")
    answer = browser.get("/page/consistency")
    assert answer.status_code == 403
    assert "permission denied" in answer.text
    assert hall.people["analyst"][0] in answer.text
    assert browser.get("/page/jobs").status_code == 200


def test_a_profile_sees_no_statement_of_another(hall: Hall) -> None:
    month = f"{MONTH:%Y-%m}"
    ids = {
        who: one(hall.db, "select profile from marketplace.profile where login_role = %s", hall.people[who][0])
        for who in ("advertiser", "publisher")
    }
    due = {"advertiser": ">2.00<", "publisher": "1.40<"}  # a click of 2 kroner, of which we keep 30 %
    for who, other in (("advertiser", "publisher"), ("publisher", "advertiser")):
        browser = hall.inside(who)
        for path in ("own-statement", f"own-statement?month={month}"):
            own = browser.get(f"/page/{path}")
            assert own.status_code == 200
            assert due[who] in own.text
            assert f"The {other}" not in own.text
        listed = html.document_fromstring(browser.get("/page/own-statement").text)
        assert len(listed.xpath("//tbody/tr")) == 1
        for profile in ids.values():
            answer = browser.get(f"/page/statement?profile={profile}&month={month}")
            assert answer.status_code == 403
            assert "s name" not in answer.text
    name = sql.Identifier(hall.people["publisher"][0])
    grant = "grant usage on schema report to {0}; grant select on all tables in schema report to {0}"
    run(hall.db, sql.SQL(grant).format(name))  # were they ever to read reports, rows would still be their own
    try:
        browser = hall.inside("publisher")
        for profile in ids.values():
            answer = browser.get(f"/page/statement?profile={profile}&month={month}")
            assert "<table" not in answer.text
    finally:
        run(hall.db, sql.SQL(grant.replace("grant ", "revoke ").replace(" to ", " from ")).format(name))
    staff = hall.inside("bookkeeper").get(f"/page/statement?profile={ids['publisher']}&month={month}")
    assert "The publisher" in staff.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/page/nothing", 404),
        ("/page/jobs?x=1", 400),
        ("/page/settlement?from=now", 400),
        ("/page/jobs?job=nothing", 404),
        ("/nowhere", 404),
    ],
)
def test_what_is_no_page_is_refused(hall: Hall, path: str, status: int) -> None:
    answer = hall.inside("analyst").get(path)
    assert answer.status_code == status
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_page_reads_and_is_of_one_snapshot(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    def look(connection: Connection, *_: object, **__: object) -> str:
        shown = ("transaction_isolation", "transaction_read_only", "statement_timeout")
        return " ".join(str(one(connection, f"show {each}")) for each in shown)

    monkeypatch.setattr(pages, "render", look)
    assert hall.inside("analyst").get("/page/jobs").text == "repeatable read on 30s"


def test_a_page_that_takes_too_long_is_given_up(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(connection: Connection, *_: object, **__: object) -> str:
        run(connection, "set local statement_timeout = 1")
        run(connection, "select pg_sleep(30)")
        return ""

    browser = hall.inside("analyst")
    with monkeypatch.context() as patched:
        patched.setattr(pages, "render", slow)
        assert browser.get("/page/jobs").status_code == 503
    assert browser.get("/page/jobs").status_code == 200


def test_requests_of_one_session_wait_for_each_other(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, most = [0], [0]

    def look(connection: Connection, *_: object, **__: object) -> str:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        run(connection, "select pg_sleep(0.02)")
        inside[0] -= 1
        return ""

    made = hall.console()
    browser = hall.inside("analyst", made)
    monkeypatch.setattr(pages, "render", look)
    cookie = {"Cookie": f"{console.SESSION}={browser.id}"}
    statuses: list[int] = []

    def ask() -> None:
        client = made.test_client(use_cookies=False)
        statuses.append(client.get("/page/jobs", base_url=LOCAL, headers=cookie).status_code)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (statuses, most) == ([200] * 4, [1])


def test_a_role_with_many_requests_leaves_room_for_others(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, done = threading.Event(), threading.Event()

    def slow(*_: object, **__: object) -> str:
        begun.set()
        done.wait(30)
        return ""

    monkeypatch.setattr(sessions, "MOST_AT_ONCE", 1)
    made = hall.console()
    first, second, other = hall.inside("analyst", made), hall.inside("analyst", made), hall.inside("bookkeeper", made)
    with monkeypatch.context() as patched:
        patched.setattr(pages, "render", slow)
        waiting = threading.Thread(target=first.get, args=("/page/jobs",))
        waiting.start()
        try:
            assert begun.wait(30)
            assert second.get("/").status_code == 503
            assert other.get("/").status_code == 200
        finally:
            done.set()
            waiting.join()
    assert second.get("/").status_code == 200


def test_an_error_of_ours_says_nothing_of_itself(
    hall: Hall, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> str:
        raise RuntimeError("innermost")

    monkeypatch.setattr(pages, "render", broken)
    answer = hall.inside("analyst").get("/page/jobs")
    assert answer.status_code == 500
    assert "innermost" not in answer.text
    assert "innermost" in caplog.text


def test_the_language_is_asked_for(hall: Hall) -> None:
    browser = hall.browser()
    assert "Log in" in browser.get("/login").text
    assert "Logg inn" in browser.get("/login", headers={"Accept-Language": "nb-NO"}).text
    assert "Logg inn" in browser.get("/login?lang=nb", headers={"Accept-Language": "en"}).text
    assert browser.get("/login?lang=../x").status_code == 200


# --- Sessions -------------------------------------------------------------------------------------------------------


def test_the_cookie_holds_an_id_alone_and_a_log_in_makes_a_new_one(hall: Hall) -> None:
    made = hall.console()
    browser = hall.browser(made)
    browser.client.set_cookie(console.SESSION, "planted", domain="127.0.0.1")
    answer = browser.log_in(*hall.people["analyst"])
    first = browser.id
    assert first not in ("planted", "")
    (cookie,) = [each for each in answer.headers.getlist("Set-Cookie") if each.startswith(f"{console.SESSION}=")]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    browser.log_in(*hall.people["analyst"])
    assert browser.id != first
    old = hall.browser(made)
    old.client.set_cookie(console.SESSION, first, domain="127.0.0.1")
    assert old.get("/").status_code == 303
    assert hall.comes_to("analyst", 1)


def test_the_cookie_is_for_tls_where_there_is_tls(hall: Hall) -> None:
    client = hall.console().test_client()
    answer = client.get("/login", base_url="https://127.0.0.1")
    assert "Secure" in answer.headers["Set-Cookie"]


def test_the_page_that_was_asked_for_is_the_one_after_the_log_in(hall: Hall) -> None:
    browser = hall.browser()
    asked = browser.get("/page/event-sales?from=2031-05-01&to=2031-05-07&lang=en")
    form = browser.get(asked.location)
    token, to = (
        html.document_fromstring(form.text).xpath(f"string(//input[@name='{name}']/@value)") for name in ("token", "to")
    )
    role, password = hall.people["analyst"]
    data = {"token": token, "role": role, "to": to}
    wrong = browser.client.post("/login?lang=en", base_url=LOCAL, data=data | {"password": "wrong"})
    token, to = (
        html.document_fromstring(wrong.text).xpath(f"string(//input[@name='{name}']/@value)")
        for name in ("token", "to")
    )
    data = {"token": token, "role": role, "to": to}
    answer = browser.client.post("/login?lang=nb", base_url=LOCAL, data=data | {"password": password})
    assert answer.location == "/page/event-sales?from=2031-05-01&to=2031-05-07&lang=nb"
    assert browser.get(answer.location).status_code == 200
    assert browser.get("/login?to=/page/jobs%3Fjob%3Dx&lang=en").text.count("to=/page/jobs%3Fjob%3Dx") == 2, (
        "by language"
    )


@pytest.mark.parametrize(
    "to",
    ["//evil.example/page/jobs", "https://evil.example/page/jobs", "/page/../logout", "/\\\\evil.example",
     "/page/nothing", "javascript:alert(1)", "http://[/page/jobs", "/page/jobs\r\nSet-Cookie: a=b"],
)  # fmt: skip
def test_a_log_in_leads_to_no_other_place(hall: Hall, to: str) -> None:
    browser = hall.browser()
    role, password = hall.people["analyst"]
    data = {"token": browser.token("/login"), "role": role, "password": password, "to": to}
    answer = browser.client.post("/login", base_url=LOCAL, data=data)
    assert answer.location == "/?lang=en"
    assert "a=b" not in str(answer.headers)


def test_log_out_closes_the_connection(hall: Hall) -> None:
    browser = hall.inside("analyst")
    kept = browser.id
    assert browser.log_out().location.startswith("/login")
    browser.client.set_cookie(console.SESSION, kept, domain="127.0.0.1")
    assert browser.get("/").status_code == 303
    assert hall.comes_to("analyst", 0)


def test_a_session_ends_by_itself(hall: Hall) -> None:
    browser = hall.inside("analyst")
    hall.now += sessions.IDLE
    assert browser.get("/").status_code == 200
    hall.now += sessions.IDLE + 1
    assert browser.get("/").status_code == 303


def test_a_session_does_not_last_for_ever(hall: Hall) -> None:
    browser = hall.inside("analyst")
    for _ in range(sessions.LONGEST // sessions.IDLE):
        hall.now += sessions.IDLE
        assert browser.get("/").status_code == 200
    hall.now += 1
    assert browser.get("/").status_code == 303


@pytest.mark.parametrize("change", ["superuser", "bypassrls", "nologin"])
def test_a_session_ends_when_its_role_would_not_be_let_in_any_more(hall: Hall, change: str) -> None:
    browser = hall.inside("analyst")
    role = hall.people["analyst"][0]
    assert browser.get("/page/jobs").status_code == 200
    run(hall.db, f"alter role {role} {change}")
    try:
        answer = browser.get("/page/jobs")
        assert (answer.status_code, answer.location.split("?")[0]) == (303, "/login")
    finally:
        run(hall.db, f"alter role {role} nosuperuser nobypassrls login")
    assert browser.get("/page/jobs").status_code == 303


def test_the_database_ends_an_idle_connection_too(hall: Hall) -> None:
    made = hall.console()
    hall.inside("analyst", made)
    (session,) = made.extensions["pybridge"]._open.values()
    assert one(session.connection, "show idle_session_timeout") == "16min"


def test_a_dead_connection_sends_one_back_to_the_log_in(hall: Hall) -> None:
    browser = hall.inside("analyst")
    hall.end_connections("analyst")
    answer = browser.get("/page/jobs")
    assert answer.status_code == 303
    assert "has ended" in browser.get(answer.location).text
    assert browser.log_in(*hall.people["analyst"]).status_code == 303
    assert browser.get("/page/jobs").status_code == 200


def test_sessions_are_limited(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    made = hall.console()
    browsers = [hall.inside("analyst", made) for _ in range(sessions.MOST_OF_ROLE + 1)]
    assert [each.get("/").status_code for each in browsers] == [303, *([200] * sessions.MOST_OF_ROLE)]
    monkeypatch.setattr(sessions, "MOST_SESSIONS", sessions.MOST_OF_ROLE)
    answer = hall.browser(made).log_in(*hall.people["seller"])
    assert answer.status_code == 503


# --- Against guessing and forgery -----------------------------------------------------------------------------------


def test_who_guesses_waits_and_has_another_guess_a_minute_later(hall: Hall) -> None:
    made = hall.console()
    role, password = hall.people["analyst"]
    for _ in range(sessions.OF_PAIR.free):
        assert hall.browser(made).log_in(role, "wrong").status_code == 403
    answer = hall.browser(made).log_in(role, password)  # the right one does not help: it would tell that it is right
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "60")
    assert hall.inside("seller", made).id  # others come in
    hall.now += 60
    assert hall.browser(made).log_in(role, "wrong").status_code == 403
    assert hall.browser(made).log_in(role, "wrong").status_code == 429
    hall.now += 60
    assert hall.browser(made).log_in(role, password).status_code == 303


def test_twenty_wrong_guesses_from_one_address_keep_nobody_else_out(hall: Hall) -> None:
    """Behind a proxy all have one address; and one request an hour keeps no role shut."""
    made = hall.console()
    role, password = hall.people["analyst"]
    for number in range(50):
        assert hall.browser(made).log_in(f"nobody{number}", "wrong").status_code == 403
    assert hall.browser(made).log_in(role, password).status_code == 303
    for _ in range(sessions.OF_PAIR.free):
        hall.browser(made).log_in(role, "wrong")
    assert hall.browser(made).log_in(role, "wrong").status_code == 429, "the control"
    for _ in range(5):
        hall.now += 3600
        assert hall.browser(made).log_in(role, "wrong").status_code == 403
        assert hall.browser(made).log_in(role, password).status_code == 303


def test_a_browser_that_has_logged_in_as_a_role_is_not_kept_out_by_who_guesses_at_it(hall: Hall) -> None:
    made = hall.console()
    role, password = hall.people["analyst"]
    known = hall.browser(made)
    assert known.log_in(role, password).status_code == 303
    known.log_out()
    other, _ = hall.people["seller"]
    for number in range(sessions.OF_ROLE.free + 5):  # from everywhere
        guessing = hall.browser(made)
        guessing.client.environ_base["REMOTE_ADDR"] = f"10.0.0.{number}"
        last = guessing.log_in(role, "wrong").status_code
    assert last == 429
    assert hall.browser(made).log_in(role, password).status_code == 429, "who has not logged in before waits"
    assert known.log_in(role, password).status_code == 303
    for _ in range(sessions.OF_BROWSER.free):
        assert known.log_in(role, "wrong").status_code == 403
    assert known.log_in(role, "wrong").status_code == 429, "it has no more guesses than others"
    for _ in range(sessions.OF_PAIR.free):
        assert known.log_in(other, "wrong").status_code == 403
    assert known.log_in(other, "wrong").status_code == 429, "nor is it known to any other role"


@pytest.mark.parametrize("forged", ["", "x", "x.y", "x." + "0" * 64, "å.å"])
def test_a_browser_does_not_say_by_itself_that_it_is_known(hall: Hall, forged: str) -> None:
    made = hall.console()
    role, _ = hall.people["analyst"]
    for number in range(sessions.OF_PAIR.free + 1):
        browser = hall.browser(made)
        browser.client.set_cookie(console.BROWSER, forged + str(number) if "." not in forged else forged)
        last = browser.log_in(role, "wrong").status_code
    assert last == 429


def test_a_name_that_is_cut_is_the_same_name(hall: Hall) -> None:
    made = hall.console()
    for number in range(sessions.OF_PAIR.free):
        hall.browser(made).log_in("x" * 63 + str(number), "wrong")
    assert hall.browser(made).log_in("x" * 63, "wrong").status_code == 429


def test_many_at_once_are_no_way_around() -> None:
    guesses = sessions.Guesses(lambda: 0.0)
    assert [guesses.attempt({"role": sessions.Rate(5, 30)}) for _ in range(7)] == [0] * 5 + [30, 30]


def test_names_that_were_guessed_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MOST_GUESSED", 10)
    guesses = sessions.Guesses(lambda: 0.0)
    for number in range(100):
        guesses.attempt({f"role {number}": sessions.OF_PAIR})
    assert len(guesses._used) == 10


@pytest.mark.parametrize(
    ("proxy", "seen"), [(None, "127.0.0.1"), ("10.9.9.9", "127.0.0.1"), ("127.0.0.1", "192.0.2.7")]
)
def test_a_forwarded_address_is_believed_of_the_proxy_that_was_named_alone(proxy: str | None, seen: str) -> None:
    told: list[str] = []

    def answer(environ: dict[str, Any], start: Any) -> list[bytes]:
        told.append(environ["REMOTE_ADDR"])
        start("200 OK", [])
        return [b""]

    listening = waitress.create_server(answer, host="127.0.0.1", port=0, threads=1, **serving.behind(proxy))

    def serve() -> None:
        with contextlib.suppress(OSError):  # its socket is closed under it
            listening.run()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        asked = http.client.HTTPConnection("127.0.0.1", listening.effective_port, timeout=10)
        asked.request("GET", "/", headers={"X-Forwarded-For": "192.0.2.7", "Connection": "close"})
        assert asked.getresponse().status == 200
        asked.close()
    finally:
        listening.close()
    assert told == [seen]


@pytest.mark.parametrize("forged", [{}, {"token": ""}, {"token": "0" * 64}, {"token": "å"}])
def test_a_form_that_is_not_ours_is_refused(hall: Hall, forged: dict[str, str]) -> None:
    role, password = hall.people["analyst"]
    browser = hall.browser()
    browser.get("/login")
    answer = browser.client.post("/login", base_url=LOCAL, data=forged | {"role": role, "password": password})
    assert (answer.status_code, browser.id) == (400, "")
    inside = hall.inside("analyst")
    assert inside.client.post("/logout", base_url=LOCAL, data=forged).status_code == 400
    assert inside.get("/").status_code == 200


def test_a_token_of_another_is_refused(hall: Hall) -> None:
    made = hall.console()
    mine, theirs = hall.browser(made), hall.browser(made)
    role, password = hall.people["analyst"]
    mine.get("/login")
    data = {"token": theirs.token("/login"), "role": role, "password": password}
    assert mine.client.post("/login", base_url=LOCAL, data=data).status_code == 400


def test_another_host_name_is_refused(hall: Hall) -> None:
    client = hall.console().test_client()
    for host in ("evil.example", "127.0.0.1.evil.example", "localhost"):
        answer = client.get("/login", base_url=f"http://{host}")
        assert answer.status_code == 400, host
        assert "form" not in answer.text


def test_every_answer_has_its_headers(hall: Hall) -> None:
    browser = hall.inside("analyst")
    for path in ("/", "/login", "/page/jobs", "/page/consistency", "/nowhere"):
        headers = browser.get(path).headers
        for name, value in console.HEADERS.items():
            assert headers[name] == value
    assert "script" not in console.HEADERS["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in console.HEADERS["Content-Security-Policy"]


def test_the_password_stays_nowhere_in_python(
    hall: Hall, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    role, password = hall.people["bookkeeper"]
    made = hall.console()
    browser = hall.inside("bookkeeper", made)
    hall.browser(made).log_in(role, password + "!")
    browser.get("/page/jobs")
    assert password not in caplog.text + "".join(capfd.readouterr())
    (session,) = made.extensions["pybridge"]._open.values()
    assert password not in repr(session)
    gc.collect()
    # Looked for in what the console holds; hall.people, this frame and libpq itself have it.
    seen: set[int] = set()
    waiting: list[object] = [made.extensions["pybridge"], session.__dict__, made.config]
    while waiting:
        each = waiting.pop()
        if id(each) in seen or isinstance(each, type) or type(each).__name__ in ("module", "function", "frame"):
            continue
        seen.add(id(each))
        if isinstance(each, str | bytes):
            assert password not in (each if isinstance(each, str) else each.decode("latin-1"))
        waiting.extend(gc.get_referents(each))
    assert len(seen) > 50


# --- The command ----------------------------------------------------------------------------------------------------


def test_an_address_that_others_reach_is_refused() -> None:
    answer = CliRunner().invoke(app, ["serve", "--host", "0.0.0.0"])
    assert answer.exit_code == 1
    assert "--allow-remote" in answer.output


def test_a_proxy_that_is_no_address_is_refused_since_none_would_be_believed() -> None:
    answer = CliRunner().invoke(app, ["serve", "--proxy", "proxy.example.org"])
    assert answer.exit_code == 1
    assert "is no address" in answer.output


def test_the_command_serves(hall: Hall) -> None:
    info = hall.db.info
    url = f"postgresql://somebody:else@127.0.0.1:{info.port}/{info.dbname}"
    with subprocess.Popen(
        [sys.executable, "-m", "pybridge", "serve", "--port", "0", "--lang", "en"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": "/usr/bin:/bin", "DATABASE_URL": url},
    ) as process:
        try:
            assert process.stdout
            where = process.stdout.readline().strip()
            assert where.startswith("http://127.0.0.1:")
            with urllib.request.urlopen(f"{where}login", timeout=10) as answer:
                assert "Log in" in answer.read().decode()
                assert "Server" not in answer.headers
            stranger = urllib.request.Request(f"{where}login", headers={"Host": "evil.example"})
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(stranger, timeout=10)
            assert refused.value.code == 400
            refused.value.close()
            # More than a form is refused as it is announced, not kept on disk first.
            port = int(where.rstrip("/").rsplit(":", 1)[1])
            with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
                plain.sendall(b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000000\r\n\r\n")
                assert b" 413 " in plain.recv(100)
        finally:
            process.terminate()
            process.communicate(timeout=10)
