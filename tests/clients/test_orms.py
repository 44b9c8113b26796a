"""Sites on Django and on Rails' ActiveRecord: models that name every column, whose rows are saved whole.

Django's models name the columns that a site knows; ActiveRecord reads all that are there, ours too, and saves them.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Connection, Database
from tests.support import market
from tests.support.domain import consistency, log_types, make_event, one, ticket_row
from tests.support.hall import environment, login_roles, money_of, sold

FOLDER = Path(__file__).parent
DEVELOPER, STAND, READER, MARKET = "orm_developer", "orm_stand", "orm_reader", "orm_market"
PROGRAMS = {
    "django": [sys.executable, str(FOLDER / "django_site.py")],
    "rails": ["ruby", str(FOLDER / "rails_site.rb")],
}
HAS_RAILS = (
    shutil.which("ruby") is not None
    and subprocess.call(["ruby", "-e", "require 'active_record'; require 'pg'"], stderr=subprocess.DEVNULL) == 0
)
DJANGO = pytest.param("django", id="django")
RAILS = pytest.param(
    "rails",
    id="rails",
    marks=pytest.mark.skipif(
        not HAS_RAILS, reason="ruby with ActiveRecord is missing: apt-get install ruby-activerecord ruby-pg"
    ),
)
on_each = pytest.mark.parametrize("orm", [DJANGO, RAILS])


class Site:
    """A site's program, running: it does one thing after the other, as whichever login role is named."""

    def __init__(self, orm: str, database: Database) -> None:
        self.program = subprocess.Popen(
            PROGRAMS[orm],
            env=environment(database, DEVELOPER),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def begin(self, *action: object) -> None:
        assert self.program.stdin is not None
        self.program.stdin.write(json.dumps([str(word) for word in action]) + "\n")
        self.program.stdin.flush()

    def answer(self) -> Any:
        assert self.program.stdout is not None
        line = self.program.stdout.readline()
        assert line, "it ended instead of answering"
        return json.loads(line)

    def __call__(self, *action: object) -> Any:
        """Does it; what it says."""
        self.begin(*action)
        return self.answer()

    def refused(self, *action: object) -> Any:
        """The SQLSTATE that it was refused with."""
        return self(*action)["state"]

    def end(self) -> None:
        self.program.communicate(timeout=60)


@pytest.fixture
def start(db: Connection, database: Database) -> Iterator[Callable[[str], Site]]:
    roles = {
        DEVELOPER: ["billig_dev"],
        STAND: ["billig_legacy"],
        READER: ["billig_site"],
        MARKET: ["marketplace_web"],
    }
    started: list[Site] = []

    def begin(orm: str) -> Site:
        started.append(Site(orm, database))
        return started[-1]

    with login_roles(db, roles):
        yield begin
        for site in started:
            site.end()


@on_each
def test_an_orm_creates_reads_saves_and_refunds_whole_rows(
    db: Connection, start: Callable[[str], Site], orm: str
) -> None:
    event = make_event(db, num=30, prices=[100], fee=10)
    db.execute("update billig.event set event_type = 'concert', external_id = 17 where event = %s", [event.event])
    site = start(orm)

    bought = site(DEVELOPER, "buy", event.price_group, 3, "kari@example.org")
    first, second, third = bought["tickets"]
    assert [log_types(db, ticket) for ticket in bought["tickets"]] == [["NET_SALE"]] * 3
    assert one(db, "select buyer from billig.purchase") == "e-mail kari@example.org"
    assert site.refused(STAND, "use", first) == "23B12"  # not paid yet
    assert site.refused(DEVELOPER, "buy", event.price_group, 7, "Kari@example.org") == "23B05"
    db.execute("select billig.confirm_net_payment(%s, 300, 'provider-1')", [bought["purchase"]])

    before = ticket_row(db, first)
    site(STAND, "touch", first)
    assert ticket_row(db, first) == before, "what was read is what is saved"
    assert site.refused(STAND, "refund", third, "", 3) == "23B09"
    site(STAND, "use", second)
    site(STAND, "refund", third, "kari", 3)
    assert site.refused(STAND, "refund", third, "ola", 3) in ("23B10", "23B22")
    assert log_types(db, first) == ["NET_SALE", "NET_PAID"]
    assert log_types(db, second) == ["NET_SALE", "NET_PAID", "TICKET_USED"]
    assert money_of(db, third)[1:] == [("NORMAL_REFUND", -100, "kari", 3)]
    assert sold(db, event.ticket_group) == (2, 2)
    assert site(STAND, "hand_over", "e1", event.price_group) == {"failed": 1}
    assert one(db, "select message from billig.payment_error") == "Declined by the bank"

    page = site(READER, "read", bought["purchase"])
    assert page["purchase"] == {
        "purchase": bought["purchase"], "owner_member_id": None, "owner_email": "kari@example.org",
    }  # fmt: skip
    assert [(t["ticket"], t["used"] is None, t["refunder"]) for t in page["tickets"]] == [
        (first, True, None), (second, False, None), (third, True, "kari"),
    ]  # fmt: skip
    assert ([int(price) for price in page["prices"]], page["left"], page["on_sale"]) == ([100] * 3, [28] * 3, 1)
    (shown,) = page["events"]
    assert (shown["event_type"], shown["external_id"], float(shown["ticket_fee"])) == ("concert", 17, 10)
    assert None not in (shown["sale_from"], shown["sale_to"], shown["hidden"])
    assert site.refused(READER, "touch", first) == "42501"
    assert site.refused(READER, "buy", event.price_group, 1, "a@example.org") == "42501"
    if orm == "django":
        market.partitions(db, one(db, "select (now() - interval '1 day')::date").replace(day=1), 2)
        made = site(MARKET, "advertise", "Kari")
        assert one(db, "select profile from marketplace.ad_click where ad_click = %s", made["click"]) == made["profile"]
    assert consistency(db) == {}


def test_orms_race_for_the_last_seats_and_each_is_sold_once(db: Connection, start: Callable[[str], Site]) -> None:
    event = make_event(db, num=25)
    sites = [start("django"), start("rails" if HAS_RAILS else "django"), start("django")]
    for site in sites:
        site.begin(DEVELOPER, "race", event.price_group, 60)
    answers = [site.answer() for site in sites]
    assert [each["state"] for each in answers] == ["23B01"] * 3
    tickets = [ticket for each in answers for ticket in each["tickets"]]
    assert len(tickets) == len(set(tickets)) == 25
    assert sold(db, event.ticket_group) == (25, 25)
    assert one(db, "select count(*) from billig.purchase") == 25, "who came too late left nothing behind"
    assert consistency(db) == {}
