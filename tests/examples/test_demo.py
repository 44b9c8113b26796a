"""The demo, small: it plays twice in a row and after an interruption, and only where it may."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from io import StringIO
from types import SimpleNamespace

import pytest
from psycopg import sql
from psycopg.types.json import Jsonb
from rich.console import Console

from examples.festival import play as demo
from pybridge.files import programme
from pybridge.jobs import runner as jobs
from pybridge.paths import ROOT
from tests.conftest import Connection
from tests.support import domain, receipts

SMALL = demo.Size(sellers=2, web_buyers=2, days=1, actions=12)


@pytest.fixture
def dsn(db: Connection) -> Iterator[str]:
    """Where the demo plays; its roles are the whole server's, and go afterwards."""
    yield db.info.dsn
    db.execute("reset session authorization")
    for role in demo.ROLES:
        db.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(role)))


def play(dsn: str, *, width: int = 100, size: demo.Size = SMALL, yes: bool = False) -> str:
    output = StringIO()
    demo.play(dsn, Console(file=output, width=width), size, yes_this_database=yes)
    return output.getvalue()


def test_the_programme_has_what_a_festival_has() -> None:
    rows = programme.read(demo.PROGRAMME)
    events = {str(each["external_id"]): each for each in rows}
    days = {str(each["event_time"])[:10] for each in rows}
    assert len(events) >= 120
    assert len({each["project"] for each in rows if each["project"]}) == 9
    assert (datetime.fromisoformat(max(days)) - datetime.fromisoformat(min(days))).days >= 20
    assert len([e for e in events.values() if e["project"] and e["vat_code"] not in ("", e["project_vat_code"])]) == 3
    assert {"Ordinær", "Student", "Medlem"} <= {str(each["price_group"]) for each in rows}
    assert any(each["ticket_fee"] for each in rows)
    assert any(each["price"] == "0" for each in rows)
    assert any(each["is_theater_ticket_group"] == "ja" for each in rows)


def test_nothing_in_the_programme_is_warned_of(db: Connection) -> None:
    found = db.execute(
        "select line, column_name, reason from billig.check_programme(%s)", [Jsonb(programme.read(demo.PROGRAMME))]
    )
    assert found.fetchall() == []


@pytest.mark.parametrize("year", [2024, 2026, 2027, 2035])
def test_the_programme_is_on_sale_whenever_the_demo_is_played(year: int) -> None:
    rows = programme.read(demo.PROGRAMME)
    now = datetime(year, 11, 22, 12)
    weeks = demo.shift_needed(rows, now)
    moved = programme.shifted(rows, weeks)
    assert max(str(each["sale_from"]) for each in moved) <= f"{now:%F %R}"
    assert min(str(each["sale_to"]) for each in moved) > f"{now + demo.LEAD:%F}"
    assert (weeks == 0) == (year == 2026)
    assert demo.shift_needed(moved, now) == 0


def test_in_a_database_that_is_others_too_the_demo_charges_nobodys_cards_and_gives_nobody_a_password(
    db: Connection, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    db.execute("insert into marketplace.profile (profile_name) values ('Somebody else')")
    monkeypatch.setitem(jobs.JOBS, "marketplace_execute", lambda *_: pytest.fail("it charges"))
    shown = play(dsn, yes=True)
    assert "1 other profiles than the demo's are in this marketplace" in " ".join(shown.split())
    assert domain.one(db, "select count(*) from jobs.job_run where job = 'marketplace_execute'") == 0
    assert "with the password" not in shown
    query = "select count(*) from pg_authid where rolname like 'demo%' and rolpassword is not null"
    assert domain.one(db, query) == 0


def test_the_demo_plays_again_after_an_interruption(db: Connection, dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(demo.Legacy, "turn", interrupted)
        with pytest.raises(KeyboardInterrupt):
            play(dsn)
    tickets = domain.one(db, "select count(*) from billig.ticket")
    shown = play(dsn)
    assert "132 events (0 new, 0 changed) in 9 projects" in shown
    assert "views are empty" in shown
    assert domain.one(db, "select count(*) from billig.ticket") > tickets
    _each_receipt_carries_what_it_must(db)


def _each_receipt_carries_what_it_must(db: Connection) -> None:
    """All that the demo sold and gave back, at stands and on the web. The control: a receipt that lost its places."""
    payments = domain.rows(db, "select payment, min(receipt_kind) as kind from billig.receipt group by payment")
    assert {row["kind"] for row in payments} >= {"SALE", "RETURN"}
    assert [lack for row in payments for lack in receipts.missing(db, row["payment"])] == []
    db.execute("alter table billig.receipt_line disable trigger user")
    db.execute("update billig.receipt_line set detail = 'nowhere' where section = 'LINE'")
    assert "each event's place" in str(receipts.missing(db, payments[0]["payment"]))


def test_the_demo_does_not_play_among_other_peoples_events(db: Connection, dsn: str) -> None:
    db.execute("insert into billig.event (event_name, event_time, organisation) values ('Ours', '2099-01-01', 1)")
    with pytest.raises(demo.DemoRefused):
        play(dsn)
    assert db.execute("select count(*) from billig.event").fetchone() == (1,)


def test_a_database_of_another_checkout_is_left_alone_and_its_folder_named(
    db: Connection, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    db.execute("delete from deploy.migration")
    monkeypatch.setenv("PYBRIDGE_DATA", "/srv/festival")
    monkeypatch.setattr(demo, "is_elsewhere", lambda: False)
    monkeypatch.setattr("examples.festival.play.server.up", lambda: SimpleNamespace(dsn=lambda: dsn))
    with pytest.raises(demo.DemoRefused, match="/srv/festival was made by another checkout") as refusal:
        demo.main(Console(file=StringIO()), size=SMALL)
    assert "pybridge down" in refusal.value.hint
    assert domain.one(db, "select count(*) from billig.ticket") == 0


def test_one_demo_at_a_time(db: Connection, dsn: str) -> None:
    with demo.alone(db), pytest.raises(demo.DemoRefused):
        play(dsn)


def test_it_does_not_touch_a_database_that_it_was_not_told_to(db: Connection, dsn: str) -> None:
    refused = subprocess.run(
        [sys.executable, "-m", "examples.festival"],
        env=os.environ | {"DATABASE_URL": dsn},
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert refused.returncode == 1
    assert "--yes-this-database" in refused.stderr
    assert db.execute("select count(*) from billig.event").fetchone() == (0,)
