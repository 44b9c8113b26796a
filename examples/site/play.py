"""A quarter on the site: three people click through its pages; a bookkeeper, the jobs and a gateway do their part.

Each stage is yielded when it is over, so that whoever plays it may look at the pages.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg
from django.http import HttpResponse
from django.test import Client as Browser
from psycopg.rows import dict_row

from examples.site.ledger import NOW
from pybridge.client import Client
from pybridge.formats import OSLO
from pybridge.payments import gateways
from pybridge.payments.execution import execute, receive

if TYPE_CHECKING:
    from examples.sandbox import Box

JANUARY, FEBRUARY, MARCH, APRIL = (date(2026, month, 1) for month in (1, 2, 3, 4))
GATEWAY = "stripe"
DIGITS = {
    "insufficient_funds": "9995",
    "authentication_required": "3184",
    "visa": "4242",
}  # of Stripe's cards for tests


@dataclass
class Person:
    """Somebody with a browser, who has signed up."""

    name: str
    browser: Browser = field(default_factory=lambda: Browser(HTTP_HOST="localhost"))
    profile: int = 0

    def get(self, path: str) -> str:
        return self._page(self.browser.get(path), 200)

    def post(self, path: str, **form: object) -> None:
        self._page(self.browser.post(path, form), 302)

    @staticmethod
    def _page(answer: HttpResponse, expected: int) -> str:
        page: str = answer.content.decode()
        if answer.status_code != expected:
            raise RuntimeError(f"{answer.status_code} instead of {expected}: {page}")
        return page


class Play:
    """`db`: a superuser's connection, for the bookkeeper's decisions and the jobs, in a database marked for tests."""

    def __init__(self, db: psycopg.Connection[Any], box: "Box") -> None:
        self.db, self.box, self.client = db, box, Client(db)
        self.gateway = gateways.open_gateway(GATEWAY, box.environment)
        self.heard = 0
        self.kari, self.ola, self.per = (Person(name) for name in ("Kari", "Ola", "Per"))
        self.people = [self.kari, self.ola, self.per]

    def quarter(self) -> Iterator[str]:
        kari, ola, per, market = self.kari, self.ola, self.per, self.client.marketplace
        self.at(JANUARY, 2)
        market.ensure_partitions(from_=JANUARY, months=4)
        for each in self.people:
            each.post("/", name=each.name)
            each.profile = each.browser.session["profile"]
        yield "signed up"

        kari.post("/account/campaign/", name="Skis", price="25.00")
        per.post("/account/campaign/", name="Waffles", price="10.00")
        for each in (ola, per):
            each.post("/account/website/", name=f"{each.name.lower()}.example")
            each.post("/account/means/payout/", destination=self.box.account())
        self.card(kari, "insufficient_funds")
        self.card(per, "visa")
        self.month(JANUARY, [(kari, ola, 20), (per, ola, 8), (kari, per, 12)])
        yield "January is closed"

        self.run(FEBRUARY, 2)
        yield "Kari's card is declined"

        self.at(FEBRUARY, 3)
        self.card(kari, "authentication_required")
        self.run(FEBRUARY, 5)
        yield "her new card wants to be confirmed"

        self.box.settle(shown(kari.get("/account/"), "confirm"))  # with her bank, by 3-D Secure
        self.hear()
        self.card(kari, "visa")
        yield "it is confirmed, and charged"

        self.at(FEBRUARY, 10)
        market.hold_payouts(profile=per.profile, reason="clicks on his own site", now=self.now)
        self.run(FEBRUARY, 16)
        yield "Per's payout is held, Ola is paid"

        fraud = self.clicks(kari, per, JANUARY)[:2]
        market.adjust_clicks(**fraud_of(fraud), reason="his own clicks", now=self.now)
        market.release_payouts(profile=per.profile, reason="corrected", now=self.now)
        yield "two clicks are corrected"

        self.click(kari, ola, JANUARY, 1)  # heard of too late for January, which is closed
        self.click(kari, ola, FEBRUARY, 10)
        self.click(kari, per, FEBRUARY, 6)
        self.at(FEBRUARY, 27)
        market.exclude_clicks(**fraud_of(self.clicks(kari, per, FEBRUARY)), reason="his own clicks", now=self.now)
        self.month(FEBRUARY, [])
        self.run(MARCH, 2)
        yield "February is closed and charged, without fraud"

        self.dispute("charge.dispute.funds_withdrawn", kari, MARCH, 4)
        yield "Kari's bank disputes a charge"

        self.dispute("charge.dispute.funds_reinstated", kari, MARCH, 12)
        self.run(MARCH, 16)
        yield "the dispute is won"

        self.at(MARCH, 20)
        ola.post("/account/leave/", reason="moving abroad")
        self.month(MARCH, [(kari, ola, 3)])
        self.run(APRIL, 1)
        self.run(APRIL, 15)
        yield "Ola has left, and has the rest"

    # --- What people and jobs do --------------------------------------------------------------------------------------

    def at(self, month: date, day: int, hour: int = 6) -> None:
        self.now = datetime(month.year, month.month, day, hour, tzinfo=OSLO)
        NOW["now"] = self.now
        self.box.clock(self.now)

    def card(self, person: Person, behaviour: str) -> None:
        made = self.box.customer(behaviour, person.name)
        told = {"customer": made.id, "payment_method": made.payment_method, "last_digits": DIGITS[behaviour]}
        person.post("/account/means/charge/", **told)

    def click(self, advertiser: Person, publisher: Person, month: date, count: int) -> None:
        (ad,) = self.row("select advertisement from marketplace.advertisement where profile = %s", advertiser.profile)
        (site,) = self.row("select website from marketplace.website where profile = %s", publisher.profile)
        for n in range(count):
            self.at(month, 3 + n, 12)
            answer = Browser(HTTP_HOST="localhost").get(f"/click/{ad}/{site}/")
            assert answer.status_code == 302, answer.content

    def month(self, first: date, clicked: list[tuple[Person, Person, int]]) -> None:
        """Its clicks; then the nightly update, and the close in the first night of the next month."""
        for advertiser, publisher, count in clicked:
            self.click(advertiser, publisher, first, count)
        self.at(first, 28)
        self.client.marketplace.update_transactions(month=first, now=self.now)
        self.at(date(first.year, first.month + 1, 1), 1, 1)
        self.client.marketplace.close_month(month=first, now=self.now)

    def run(self, month: date, day: int) -> None:
        """The job that charges and pays."""
        self.at(month, day)
        (begun,) = self.client.jobs.begin_run(job="marketplace_execute", now=self.now)
        done = execute(self.db, begun.job_run, self.now, self._open)
        self.client.jobs.finish_run(job_run=begun.job_run, outcome=done.outcome, row_count=done.answered)
        self.hear()

    def _open(self, name: str) -> gateways.Gateway:
        if name != GATEWAY:
            raise gateways.NotConfigured(f"there is no gateway {name!r} here")
        return self.gateway

    def hear(self) -> None:
        signed = self.box.events()
        for each in signed[self.heard :]:
            receive(self.db, GATEWAY, self.gateway.read_events(each.payload, each.signature), self.now)
        self.heard = len(signed)

    def dispute(self, kind: str, person: Person, month: date, day: int) -> None:
        self.at(month, day)
        charge = self.charge(person)
        about = {"id": "dp_1", "object": "dispute", "amount": charge["amount"], "currency": "nok", "metadata": {}}
        self.box.emit(kind, about | {"reason": "fraudulent", "payment_intent": charge["gateway_id"]})
        self.hear()

    def charge(self, person: Person) -> Any:
        """The newest of their charges that the gateway knows."""
        with self.db.cursor(row_factory=dict_row) as cursor:
            query = (
                "select gateway_id, amount from marketplace.payment_attempt where profile = %s and kind = 'CHARGE'"
                " and gateway_id is not null order by payment_attempt desc limit 1"
            )
            return cursor.execute(query, [person.profile]).fetchone()

    def clicks(self, advertiser: Person, publisher: Person, month: date) -> list[tuple[int, datetime, int]]:
        query = (
            "select profile, click_time, ad_click from marketplace.ad_click where profile = %s and website in ("
            "select website from marketplace.website where profile = %s) and click_time >= %s order by click_time"
        )
        return self.db.execute(query, [advertiser.profile, publisher.profile, month]).fetchall()

    def row(self, query: str, *arguments: object) -> Any:
        return self.db.execute(query.encode(), arguments).fetchone()


def fraud_of(clicks: list[tuple[int, datetime, int]]) -> dict[str, Any]:
    profiles, times, numbers = zip(*clicks, strict=True)
    return {"profiles": list(profiles), "click_times": list(times), "ad_clicks": list(numbers)}


def balance(page: str) -> Decimal:
    """What an account's page says in its first line."""
    return Decimal(shown(page.split('id="balance"')[1], "amount"))


def shown(page: str, name: str) -> str:
    """The first that a page has of this: what a script in a browser would read."""
    return page.split(f' data-{name}="')[1].split('"')[0]
