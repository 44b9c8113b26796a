"""Random months of clicks against a little Python that recomputes everything from scratch, to the micro-unit."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Connection
from tests.support import market
from tests.support.domain import Row, consistency, one, rows, run

FIRST = date(2028, 2, 1)  # a leap year; summer time begins in the month after
MICRO, ORE, NOTHING = Decimal("0.000001"), Decimal("0.01"), Decimal(0)
PRICES = ("0", "0.000001", "0.333333", "1", "2.5", "19.999999")
RATES = ("0", "0.3", "0.123457", "0.999999", "1")
MINIMA = ("0", "0.01", "3", "25")
Change = Callable[[], object]


@dataclass
class Click:
    """A click, what was copied into it, and what became of it."""

    row: Row
    ad: int
    site: int | None
    time: datetime
    price: Decimal | None = None
    rate: Decimal | None = None
    share: Decimal | None = None
    linked: date | None = None
    excluded: bool = False
    adjusted: date | None = None

    def key(self) -> tuple[int, datetime, int]:
        return self.row["profile"], self.row["click_time"], self.row["ad_click"]


@dataclass
class Closed:
    """How a person's month ended, and what is left of it after what was set off."""

    status: str
    due: Decimal
    carried_out: Decimal
    least: Decimal = NOTHING
    left: Decimal = NOTHING


@dataclass
class Year:
    """Three people with an advertisement and a website each, and what has happened."""

    db: Connection
    people: list[int]
    ads: dict[int, int]  # and whose it is
    sites: dict[int, int]
    prices: dict[int, dict[datetime, Decimal]]
    rates: dict[date, Decimal]
    minima: dict[tuple[str, date], Decimal] = field(default_factory=dict)
    open: date = FIRST
    clicks: list[Click] = field(default_factory=list)
    there: set[tuple[int, date]] = field(default_factory=set)  # (person, month) that have a transaction
    closed: dict[tuple[int, date], Closed] = field(default_factory=dict)
    offset_in: dict[tuple[int, date], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    changes: int = 0

    # --- what may happen; `n` chooses ---

    def records(self, n: int) -> None:
        self.comes(n, market.clicks)

    def inserts_plainly(self, n: int) -> None:
        self.comes(n, lambda db, ad, site, time: [market.raw_click(db, ad, site, time)])

    def comes(self, n: int, how: Callable[[Connection, int, int | None, datetime], list[Row]]) -> None:
        """A click between forty days before the open month and ten days after it."""
        ad = list(self.ads)[n % 3]
        site = [*self.sites, None][n // 3 % 4]
        begins = market.day(self.open)
        time = begins + timedelta(seconds=n * 7919 % (80 * 86400) - 40 * 86400)
        if n % 10 == 0:  # on the edges
            ends = market.day(market.next_month(self.open))
            time = (begins, ends)[n // 10 % 2] - timedelta(microseconds=n // 20 % 2)
        (row,) = how(self.db, ad, site, time)
        click = Click(row, ad, site, time)
        if row["price"] is not None:
            self.fill(click)
        self.clicks.append(click)

    def prices_change(self, n: int) -> None:
        """From any moment on, the past included: clicks that have their price keep it."""
        self.changes += 1
        ad, price = list(self.ads)[n % 3], Decimal(PRICES[n // 3 % len(PRICES)])
        since = market.day(self.open) + timedelta(days=n % 60 - 30, microseconds=self.changes)
        market.set_price(self.db, ad, price, since)
        self.prices[ad][since] = price

    def the_rate_changes(self, n: int) -> None:
        since, rate = self.open + timedelta(days=n % 60 - 30), RATES[n // 60 % len(RATES)]
        market.set_rate(self.db, rate, since)
        self.rates[since] = Decimal(rate)

    def minima_change(self, n: int) -> None:
        charge, payout = MINIMA[n % 4], MINIMA[n // 4 % 4]
        market.set_minimum(self.db, charge, payout, self.open)
        self.minima["CHARGE", self.open], self.minima["PAYOUT", self.open] = Decimal(charge), Decimal(payout)

    def updates(self, n: int) -> None:
        now = market.day(self.open) + timedelta(days=n % 40, hours=n % 24)
        answer = market.update(self.db, self.open if n % 2 else None, now)
        linked = self.link(min(now, market.day(market.next_month(self.open))))
        begins = market.day(self.open)
        assert answer["new_clicks"] == len(linked)
        assert answer["late_clicks"] == sum(click.time < begins for click in linked)

    def is_killed(self, n: int) -> None:
        """An update, or a close, that does not come to its end."""
        ends = market.day(market.next_month(self.open))
        with self.db.transaction(force_rollback=True):
            if n % 2:
                market.update(self.db, self.open, ends)
            else:
                market.close(self.db, self.open, ends)

    def closes(self, n: int) -> None:
        ends = market.day(market.next_month(self.open))
        assert self.refusal(lambda: market.close(self.db, self.open, ends - timedelta(seconds=1))) == "23B61"
        market.close(self.db, self.open, ends + timedelta(hours=n % 100))
        self.link(ends)
        month, self.open = self.open, market.next_month(self.open)
        for person, total in self.totals(month).items():
            amount = sum(total, NOTHING) + self.carried_in(person, month) + self.offset_in[person, month]
            due = amount.quantize(ORE, ROUND_DOWN)
            direction = "CHARGE" if amount >= 0 else "PAYOUT"
            least = self.minima[direction, max(since for which, since in self.minima if which == direction)]
            if amount == 0:
                end = Closed("EXECUTED", NOTHING, NOTHING)
            elif due == 0 or abs(due) < least:
                end = Closed("ROLLED_OVER", NOTHING, amount)
            else:
                end = Closed("NEW", due, amount - due, least, due)
            self.closed[person, month] = end
            if end.carried_out:
                self.there.add((person, self.open))
        self.nets(self.people)

    def excludes(self, n: int) -> None:
        chosen = self.clicks[n % 7 :: 11] if self.clicks else []
        settled = any(click.linked and click.linked != self.open for click in chosen)
        refused = self.refusal(lambda: market.exclude(self.db, [click.row for click in chosen]))
        assert refused == ("23B63" if settled else None)
        if not settled:
            for click in chosen:
                click.excluded, click.linked = True, None

    def adjusts(self, n: int) -> None:
        if not self.clicks:
            return
        click = self.clicks[n % len(self.clicks)]
        expected = "23B65" if click.adjusted else None
        if click.linked in (None, self.open):
            expected = "23B64"
        assert self.refusal(lambda: market.adjust(self.db, click.row)) == expected
        if expected is None:
            click.adjusted = self.open
            self.there |= {(person, self.open) for person in self.parties(click)}
            self.nets(self.parties(click))

    def refusal(self, work: Change) -> str | None:
        try:
            with self.db.transaction():
                work()
        except psycopg.Error as error:
            return error.sqlstate
        return None

    # --- the model ---

    def fill(self, click: Click) -> None:
        prices = self.prices[click.ad]
        click.price = prices[max(since for since in prices if since <= click.time)]
        day = click.time.astimezone(market.OSLO).date()
        click.rate = self.rates[max(since for since in self.rates if since <= day)]
        click.share = NOTHING
        if click.site is not None:
            click.share = (click.price * (1 - click.rate)).quantize(MICRO, ROUND_DOWN)

    def parties(self, click: Click) -> list[int]:
        return [self.ads[click.ad], *([] if click.site is None else [self.sites[click.site]])]

    def link(self, until: datetime) -> list[Click]:
        found = [click for click in self.clicks if not click.linked and not click.excluded and click.time < until]
        for click in found:
            if click.share is None:
                self.fill(click)
            click.linked = self.open
            self.there |= {(person, self.open) for person in self.parties(click)}
        return found

    def totals(self, month: date) -> dict[int, tuple[Decimal, Decimal]]:
        """What each person's advertisements cost and websites earn in a month, from nothing but the clicks."""
        cost: dict[int, Decimal] = defaultdict(Decimal)
        for click in self.clicks:
            sign = (click.linked == month) - (click.adjusted == month)
            if sign:
                assert click.price is not None
                assert click.share is not None
                cost[self.ads[click.ad]] += sign * click.price
        earned: dict[int, Decimal] = defaultdict(Decimal)
        for click in self.clicks:
            sign = (click.linked == month) - (click.adjusted == month)
            if sign and click.site is not None and click.share is not None:
                earned[self.sites[click.site]] -= sign * click.share
        return {person: (cost[person], earned[person]) for person in self.people if (person, month) in self.there}

    def corrected(self, person: int) -> Decimal:
        """What corrections in the open month come to."""
        found = NOTHING
        for click in self.clicks:
            if click.adjusted == self.open:
                found -= (click.price or NOTHING) if self.ads[click.ad] == person else NOTHING
                if click.site is not None and self.sites[click.site] == person:
                    found += click.share or NOTHING
        return found

    def nets(self, people: list[int]) -> None:
        """What a person owes is set against what they are owed, the oldest first."""
        for person in set(people):
            closed = {month: end for (whose, month), end in self.closed.items() if whose == person}
            amounts = {month: end.left for month, end in sorted(closed.items())}
            running = self.carried_in(person, self.open) + self.corrected(person) + self.offset_in[person, self.open]
            amounts[self.open] = running.quantize(ORE, ROUND_DOWN)
            debts = [month for month, amount in amounts.items() if amount > 0]
            claims = [month for month, amount in amounts.items() if amount < 0]
            if not debts or not claims:
                continue
            while debts and claims:
                amount = min(amounts[debts[0]], -amounts[claims[0]])
                for month, taken in ((debts[0], amount), (claims[0], -amount)):
                    self.takes(person, month, taken)
                    amounts[month] -= taken
                debts, claims = debts[not amounts[debts[0]] :], claims[not amounts[claims[0]] :]
            for month, end in closed.items():
                if end.left != end.due and 0 < abs(end.left) < end.least:
                    self.offset_in[person, self.open] += end.left
                    self.there.add((person, self.open))
                    self.takes(person, month, end.left)

    def takes(self, person: int, month: date, amount: Decimal) -> None:
        if month == self.open:
            self.offset_in[person, month] -= amount
            return
        end = self.closed[person, month]
        end.left -= amount
        end.status = end.status if end.left else "EXECUTED"

    def carried_in(self, person: int, month: date) -> Decimal:
        before = (month - timedelta(days=1)).replace(day=1)
        end = self.closed.get((person, before))
        return end.carried_out if end else NOTHING

    # --- what must hold ---

    def holds(self) -> None:
        said = {
            (row["profile"], row["month"]): (
                row["advertisement_amount"], row["website_amount"], row["carried_in"], row["status"], row["due_amount"],
                row["carried_out"], row["offset_in"], row["left_amount"],
            )
            for row in rows(self.db, "select * from marketplace.transaction")
        }  # fmt: skip
        expected = {}
        for month in sorted({month for _, month in self.there}):
            for person, (cost, earned) in self.totals(month).items():
                end = self.closed.get((person, month))
                expected[person, month] = (
                    cost, earned, self.carried_in(person, month),
                    *((end.status, end.due, end.carried_out) if end else ("CURRENT", None, None)),
                    self.offset_in[person, month], end.left if end else None,
                )  # fmt: skip
        assert said == expected

    def holds_in_the_end(self) -> None:
        market.update(self.db, self.open, market.day(market.next_month(self.open)))
        self.link(market.day(market.next_month(self.open)))
        self.holds()
        columns = "profile, click_time, ad_click, price, commission_rate, publisher_share"
        copied = {
            (row["profile"], row["click_time"], row["ad_click"]): (
                row["price"], row["commission_rate"], row["publisher_share"]
            )
            for row in rows(self.db, f"select {columns} from marketplace.ad_click")
        }  # fmt: skip
        assert copied == {click.key(): (click.price, click.rate, click.share) for click in self.clicks}
        # Nothing is lost: what was due and what is carried on is what all clicks are worth.
        ends = self.closed.values()
        moved = sum((end.left for end in ends), NOTHING)
        carried = sum((self.carried_in(person, self.open) for person in self.people), NOTHING)
        clicked = sum(
            (sum(total, NOTHING) for month in {m for _, m in self.closed} for total in self.totals(month).values()),
            NOTHING,
        )
        assert moved + carried + sum((self.offset_in[person, self.open] for person in self.people), NOTHING) == clicked
        month = FIRST
        while month <= self.open:
            assert market.errors(self.db, month) == []
            month = market.next_month(month)
        assert consistency(self.db) == {}


@pytest.fixture(scope="module")
def db(shared_db: Connection) -> Connection:
    market.partitions(shared_db, date(2027, 12, 1), 24)
    return shared_db


@contextmanager
def year(db: Connection) -> Iterator[Year]:
    """A year of its own, which is undone."""
    with db.transaction(force_rollback=True):
        people = [market.profile(db) for _ in range(3)]
        since, far = market.at(2000, 1, 1), date(2000, 1, 1)
        found = Year(
            db,
            people,
            {market.advertisement(db, person, "1.5", since): person for person in people},
            {market.website(db, person): person for person in people},
            {},
            {far: Decimal("0.3")},
            {("CHARGE", far): Decimal(10), ("PAYOUT", far): Decimal(100)},
        )
        found.prices = {ad: {since: Decimal("1.5")} for ad in found.ads}
        market.update(db, FIRST, market.day(FIRST))
        yield found


STEPS = (
    *(Year.records,) * 5,
    *(Year.inserts_plainly,) * 3,
    *(Year.updates,) * 2,
    *(Year.closes,) * 2,
    *(Year.adjusts,) * 2,
    Year.excludes,
    Year.prices_change,
    Year.the_rate_changes,
    Year.minima_change,
    Year.is_killed,
)
Step = tuple[Callable[[Year, int], None], int]


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 100_000)), min_size=10, max_size=50))
def test_every_month_is_what_a_model_says_whatever_is_done(db: Connection, steps: list[Step]) -> None:
    with year(db) as found:
        assert one(db, "select count(*) from marketplace.month") == 1
        for step, n in steps:
            step(found, n)
            found.holds()
        found.holds_in_the_end()


def test_the_model_is_not_content_with_anything(db: Connection) -> None:
    """Positive control: a micro-unit astray is seen."""
    with year(db) as found:
        for n in range(0, 100, 7):
            found.records(n)
        found.updates(39)
        found.holds()
        run(
            db, "update marketplace.transaction set website_amount = website_amount - 0.000001 where website_amount < 0"
        )
        with pytest.raises(AssertionError):
            found.holds()
