"""The small site on Django: a quarter on it, with each page's figures asked of the database by another road."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from lxml import html
from pytest_postgresql.executors import NoopExecutor

from examples.sandbox import Box
from pybridge.paths import ROOT
from tests.conftest import Connection, Database, ServerInfo
from tests.support import django_at
from tests.support.domain import consistency, login_role, one, rows

if TYPE_CHECKING:
    from examples.site.play import Person, Play

BALANCE = """
    select coalesce(sum(e.amount * (d.is_persons::int - c.is_persons::int)), 0)
    from marketplace.account_entry as e
    inner join marketplace.account_name as d on e.debit = d.account
    inner join marketplace.account_name as c on e.credit = c.account
    where e.profile = %s
"""
# What a transaction's clicks come to, by the clicks and corrections themselves.
OF_CLICKS = """
    select coalesce((
        select sum(c.price) from marketplace.ad_click as c where c.advertisement_charge_transaction = %(number)s
    ), 0) - coalesce((
        select sum(c.publisher_share) from marketplace.ad_click as c where c.website_payment_transaction = %(number)s
    ), 0) + coalesce((
        select sum(a.amount) from marketplace.adjustment as a where a.transaction = %(number)s
    ), 0) as net
"""
OWED = """
    select
        coalesce(sum(left_amount) filter (where status in ('NEW', 'FAILED')), 0)
        + coalesce(sum(net_amount + carried_in + offset_in) filter (where status = 'CURRENT'), 0)
    from marketplace.transaction where profile = %s
"""
MEANS = """
    select kind, coalesce(details ->> 'last_digits', '') as digits from marketplace.payment_means
    where profile = %s order by 1, 2
"""
# Clicks of a month that another month's transaction has.
LATER = """
    select count(*) filter (where c.profile = t.profile) + count(*) filter (where c.publisher = t.profile) as clicks
    from marketplace.ad_click as c
    inner join marketplace.transaction as o
        on o.transaction in (c.advertisement_charge_transaction, c.website_payment_transaction)
    inner join marketplace.transaction as t on t.transaction = %s and t.profile = o.profile and t.kind = 'MONTHLY'
    where marketplace.month_of(c.click_time) = t.month and o.month > t.month
"""
OPEN = """
    select transaction, left_amount from marketplace.transaction
    where profile = %s and status in ('NEW', 'FAILED') order by transaction
"""


@pytest.fixture
def play(db: Connection, database: Database, box: Box) -> Iterator["Play"]:
    with login_role(db, "marketplace_web") as name:
        django_at.point(database.host, database.port, database.name, name)
        from django.db import connection

        from examples.site.ledger import NOW
        from examples.site.play import Play

        yield Play(db, box)
        NOW.clear()
        connection.close()


def amount(element: Any, name: str = "data-amount") -> Decimal:
    return Decimal(element.get(name))


def figure(page: Any, name: str) -> Decimal:
    """As it is read, which is as it is."""
    (found,) = page.xpath(f"//*[@id='{name}']")
    assert Decimal(found.text.split()[-1]) == amount(found)
    return amount(found)


def agrees(play: "Play", person: "Person") -> dict[int, str]:
    """Each figure that a person is shown is the account's; why what is open is open."""
    page = html.fromstring(person.get("/account/"))
    balance = one(play.db, BALANCE, person.profile)
    assert figure(page, "balance") == balance
    lines = page.xpath("//*[@id='lines']//tr[@data-amount]")
    assert sum(map(amount, lines)) == balance
    assert [amount(each, "data-balance") for each in lines[:1]] in ([balance], [])
    found = rows(play.db, "select * from marketplace.transaction where profile = %s", person.profile)
    closed = {row["transaction"]: row for row in found if row["status"] != "CURRENT"}
    listed = page.xpath("//*[@id='statements']//tr[@data-transaction]")
    assert {int(each.get("data-transaction")) for each in listed} == closed.keys()
    for each in listed:
        row = closed[int(each.get("data-transaction"))]
        assert (amount(each, "data-due"), amount(each, "data-left")) == (row["due_amount"], row["left_amount"])
        statement = html.fromstring(person.get(f"/account/statement/{row['transaction']}/"))
        net = rows(play.db, OF_CLICKS.replace("%(number)s", str(row["transaction"])))[0]["net"]
        figures = {name: figure(statement, name) for name in ("total", "net", "due", "carried")}
        assert (figures["total"], figures["net"]) == (net, net), row
        assert statement.xpath("string(//*[@id='why']/@data-reason)") not in ("", "RUNNING"), row
        later = statement.xpath("//*[@id='later']//tr[@data-clicks]")
        assert sum(amount(each, "data-clicks") for each in later) == one(play.db, LATER, row["transaction"]), row
        assert figures["due"] + figures["carried"] == net + row["carried_in"] + row["offset_in"]
    for each in page.xpath("//*[@id='owed']"):
        assert amount(each) == one(play.db, OWED, person.profile)
    means = [(each.get("data-kind"), each.get("data-digits")) for each in page.xpath("//*[@id='means']/li[@data-kind]")]
    assert sorted(means) == [tuple(row.values()) for row in rows(play.db, MEANS, person.profile)]
    waits = page.xpath("//*[@class='waits'][@data-transaction]")
    said = {int(each.get("data-transaction")): amount(each) for each in waits}
    for row in rows(play.db, OPEN, person.profile):
        assert said[row["transaction"]] == row["left_amount"], row
    return {number: each.get("data-reason") for number, each in zip(said, waits, strict=True)}


def monthly(play: "Play", month: int) -> int:
    """Kari's statement of this month."""
    query = "select transaction from marketplace.transaction where profile = %s and month = %s and kind = 'MONTHLY'"
    return int(one(play.db, query, play.kari.profile, f"2026-{month:02}-01"))


def test_each_page_of_a_quarter_shows_what_the_account_has(play: "Play") -> None:
    reasons: dict[str, list[list[str]]] = {}
    for stage in play.quarter():
        reasons[stage] = [sorted(agrees(play, each).values()) for each in play.people]
        asked = [html.fromstring(each.get("/account/")).xpath("//*[@data-confirm]") for each in play.people]
        if stage == "her new card wants to be confirmed":
            ((action,), *others) = asked
            assert (amount(action), others) == (play.charge(play.kari)["amount"] / Decimal(100), [[], []])
            assert action.get("data-secret").startswith(action.get("data-confirm")), "what Stripe's script asks for"
        else:
            assert asked == [[], [], []], stage
    late = html.fromstring(play.kari.get(f"/account/statement/{monthly(play, 2)}/")).xpath("//*[@data-what='LATE']")
    assert [(amount(each, "data-clicks"), amount(each)) for each in late] == [(Decimal(1), Decimal(25))]
    kari, per = ({stage: said[place] for stage, said in reasons.items()} for place in (0, 2))
    assert kari["Kari's card is declined"] == ["DECLINED_TRIED_AGAIN"]
    assert kari["her new card wants to be confirmed"] == ["REQUIRES_ACTION"]
    assert kari["it is confirmed, and charged"] == []
    assert per["Per's payout is held, Ola is paid"] == ["HELD"]
    assert kari["Kari's bank disputes a charge"] == ["DISPUTED"]
    assert kari["the dispute is won"] == []
    assert one(play.db, BALANCE, play.ola.profile) == 0, "who has left has had the rest, however little"
    ledger, moved = (
        play.box.ledger(),
        "select coalesce(sum(amount), 0) from marketplace.payment_attempt where kind = %s",
    )
    for kind, there in (("CHARGE", ledger.charges), ("PAYOUT", ledger.transfers), ("REFUND", ledger.refunds)):
        assert one(play.db, moved + " and state = 'SUCCEEDED'", kind) == sum(each.amount for each in there), kind
    assert consistency(play.db) == {}


def test_nobody_is_shown_anothers_account(play: "Play") -> None:
    stages = play.quarter()
    while next(stages) != "January is closed":
        pass
    (theirs,) = rows(play.db, "select transaction from marketplace.transaction where profile = %s and kind = 'MONTHLY'"
                     " and status = 'NEW'", play.kari.profile)  # fmt: skip
    path = f"/account/statement/{theirs['transaction']}/"
    assert play.ola.browser.get(path).status_code == 404
    play.ola.browser.cookies.clear()
    assert play.ola.browser.get(path).headers["Location"] == "/"
    answer = play.kari.browser.post("/account/website/", {"name": "a\u200bb"})
    assert (answer.status_code, b"23514" in answer.content) == (409, True), "what the database refuses, the page says"


def test_the_sites_role_does_what_the_site_does_and_no_more(play: "Play") -> None:
    """Beside its own inserts and calls: no price of a click, no other's decision, no amount, no reading of cards."""
    from django.db import DatabaseError, connection, transaction

    from examples.site.ledger import call
    from examples.site.models import Advertisement, Click, Price, Profile

    next(play.quarter())
    kari = Profile.objects.get(pk=play.kari.profile)
    ad = Advertisement.objects.create(profile=kari, advertisement_name="Skis")
    price = Price.objects.create(advertisement=ad, price="1.5", valid_from=play.now)
    clicked = Click.objects.create(profile=kari, advertisement=ad, click_time=play.now)
    ad.save()
    kari.save()
    Click.objects.bulk_create([Click(profile=kari, advertisement=ad, click_time=play.now) for _ in range(3)])
    assert Click.objects.count() == 4

    def sql(statement: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)

    refused: list[Callable[[], object]] = [
        lambda: Price.objects.filter(pk=price.pk).update(price=1),
        lambda: Click.objects.filter(pk=clicked.pk).update(website=None),
        lambda: Click.objects.filter(pk=clicked.pk).delete(),
        lambda: sql("insert into ad_click (profile, advertisement, price) values (1, 1, 0)"),
        lambda: sql("update profile set login_role = 'site' where profile = 1"),
        lambda: sql("update transaction set reason = 'x'"),
        lambda: sql("select details from payment_means"),
        lambda: sql("select * from account_entry, payout_hold"),
        lambda: sql("insert into month (month, opened_at) values ('2026-01-01', now())"),
        lambda: call("give_goodwill", profile=kari.pk, amount=1, reason="x", request_id="x"),
        lambda: call("charge_fee", profile=kari.pk, amount=1, reason="x", request_id="x"),
        lambda: call("hold_payouts", profile=kari.pk, reason="x"),
        lambda: call("close_month", month="2026-01-01"),
        lambda: call("bring_balance", profile=kari.pk, amount=1, document="x", reason="x"),
    ]
    for attempt in refused:
        with pytest.raises(DatabaseError) as caught, transaction.atomic():
            attempt()
        assert getattr(caught.value.__cause__, "sqlstate", None) == "42501", attempt


def test_djangos_test_runner_deploys(server: ServerInfo, template: NoopExecutor, tmp_path: Path) -> None:
    """Here into a copy of what was deployed before, which is quicker."""
    (tmp_path / "mine.py").write_text(
        "from examples.site.settings import *\n"
        f"DATABASES['default']['TEST'] = {{'TEMPLATE': {template.template_dbname!r}}}\n"
    )
    (tmp_path / "test_mine.py").write_text(
        "from django.db import connection\nfrom django.test import TestCase\nfrom examples.site.models import Profile\n"
        "class Mine(TestCase):\n    def test_it(self):\n        made = Profile.objects.create(profile_name='Kari')\n"
        "        self.assertEqual(made.pk, 1)\n        with connection.cursor() as cursor:\n"
        "            cursor.execute('select session_user')\n"
        "            self.assertEqual(cursor.fetchone()[0], 'site_tests')\n"
    )
    told = {"PGHOST": server.host, "PGPORT": str(server.port), "PGDATABASE": "site", "SITE_USER": server.user}
    told |= {"DJANGO_SETTINGS_MODULE": "mine", "SITE_SECRET_KEY": "x", "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
    done = subprocess.run(
        [sys.executable, "-m", "django", "test", str(tmp_path)],
        env=os.environ | told, capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.search(r"Ran 1 test in .*\n\nOK", done.stderr)
