"""A house whose every name is hostile, and how the tables on its pages are read."""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from lxml import html
from psycopg import sql

from pybridge.web import pages
from tests.conftest import Connection
from tests.support import banking, market
from tests.support.domain import (
    MIDDLE_RATE,
    SAMFUNDET,
    call,
    close_till,
    make_cash_point,
    make_event,
    make_project,
    net_paid,
    one,
    open_till,
    refund,
    reserve,
    run,
    sell,
)

HOSTILE = "<img src=x onerror=alert(1)></title></style><svg onload=alert(2)>\"'&{{7*7}}"
MONTH = date(2031, 5, 1)


class House:
    """A day at a till, an event on the web, a month of the marketplace and some of the bank; every name is hostile."""

    def __init__(self, db: Connection, folder: Path) -> None:
        self.db = db
        self.rendered: dict[tuple[str, str, tuple[tuple[str, str], ...]], str] = {}
        self.seller = f"kari {HOSTILE}"
        make_cash_point(db, 1)
        run(db, "update billig.cash_point set cash_point_name = %s", f"luka {HOSTILE}")
        self.revue = make_event(db, prices=(410, 310), fee=10, project=make_project(db, project=11))
        self.food = make_event(db, prices=(101,), organisation=SAMFUNDET, project_vat_code=None, vat_code=MIDDLE_RATE)
        run(db, "update billig.event set event_name = %s || event", f"event {HOSTILE}")
        run(db, "update billig.project set project_name = %s", f"project {HOSTILE}")
        self.session = open_till(db, self.seller, 1, 1000)
        sold = sell(db, self.revue.price_group, 2, seller=self.seller, cash_point=1, methods=["CARD"])
        sell(db, self.food.price_group, seller=self.seller, cash_point=1)
        refund(db, sold.tickets[:1], seller=self.seller, cash_point=1, payment_methods=["CASH"], reason="no card")
        close_till(db, 712, self.seller, note=f"note {HOSTILE}")
        call(db, "z_report", cash_point=1)
        net_paid(db, self.revue.price_groups[1])
        reserve(db, self.revue.price_group, 2)
        self.today: date = one(db, "select billig.local_time()::date")
        self._marketplace()
        self._bank(folder)
        run(
            db,
            "insert into jobs.job_run (job, started_by, outcome, finished_at, error_code, error_message)"
            " values ('marketplace_verify', 'scheduler', 'failed', now(), 'X', %s)",
            f"error {HOSTILE}",
        )

    def _marketplace(self) -> None:
        db = self.db
        market.partitions(db, MONTH, 3)
        market.set_rate(db, "0.3")
        market.set_minimum(db, 0, 0)
        self.advertiser, self.publisher = market.profile(db), market.profile(db)
        self.shop = market.advertisement(db, self.advertiser, "1.234567")
        self.page = market.website(db, self.publisher)
        for table in ("profile", "advertisement", "website"):
            query = sql.SQL("update marketplace.{} set {} = %s || {}").format(
                *map(sql.Identifier, (table, f"{table}_name", table))
            )
            run(db, query, f"{table} {HOSTILE}")
        clicked = market.clicks(db, self.shop, self.page, *(market.day(MONTH, hour) for hour in range(1, 8)))
        market.clicks(db, self.shop, None, market.day(MONTH + timedelta(days=9)))
        market.close(db, MONTH)
        second = market.next_month(MONTH)
        market.clicks(db, self.shop, self.page, market.day(second, 5), market.day(second, 7))
        market.adjust(db, clicked[0], f"reason {HOSTILE}", market.day(second, 6))
        market.close(db, second)

    def _bank(self, folder: Path) -> None:
        db = self.db
        route = banking.route(db, "DAY", "CARD")
        run(db, "update bank.account set account_name = %s", f"account {HOSTILE}")
        run(db, "update bank.route set route_name = %s", f"route {HOSTILE}")
        banking.expected(db, route, (banking.days_ago(40), "1234.50"), (banking.days_ago(1), 99))
        banking.booked(db, folder, (banking.days_ago(3), "77.25", ""))

    def html(self, name: str, values: Mapping[str, str] | None = None, lang: str = "nb") -> html.HtmlElement:
        return html.document_fromstring(self.text(name, values, lang))

    def text(self, name: str, values: Mapping[str, str] | None = None, lang: str = "nb") -> str:
        """Rendered once: nothing here changes what they show."""
        key = (name, lang, tuple((values or {}).items()))
        if key not in self.rendered:
            self.rendered[key] = self.render(name, values or {}, lang)
        return self.rendered[key]

    def render(self, name: str, values: Mapping[str, str], lang: str = "nb") -> str:
        return pages.render(self.db, name, values, lang=lang, link=lambda page, asked: f"{page}.html")

    @property
    def asked(self) -> list[tuple[str, dict[str, str]]]:
        """Every page as it is, and in the ways that show more."""
        return [
            *((name, {}) for name in pages.PAGES),
            ("settlement", {"seller": self.seller}),
            ("settlement", {"session": str(self.session)}),
            ("event-sales", {"event": str(self.revue.event)}),
            ("statement", {"profile": str(self.advertiser), "month": "2031-06"}),
            ("statement", {"profile": str(self.publisher), "month": "2031-05-01"}),
            ("clicks", {"from": "2031-05-01", "to": "2031-05-31"}),
        ]


def number(text: str) -> Decimal:
    return Decimal(re.sub(r"[^\d,-]", "", text.replace("\u2212", "-")).replace(",", "."))


def table(document: html.HtmlElement, caption: str) -> html.HtmlElement:
    return next(each for each in document.iter("table") if each.findtext("caption/span").startswith(caption))


def totals(document: html.HtmlElement, caption: str) -> dict[str, Decimal]:
    """What stands below the columns; of one row, that row."""
    found = table(document, caption)
    heads = [each.text_content() for each in found.xpath("./thead/tr/th")]
    feet = found.xpath("./tfoot/tr/*") or found.xpath("./tbody/tr[1]/*")
    return {
        head: number(foot.text_content())
        for head, foot in zip(heads, feet, strict=True)
        if "n" in foot.classes and foot.text_content()
    }
