"""The demo's marketplace: three months of clicks, the nights between them, the closes, and an error that is found.
Each month is charged and paid after its close: see demo_payment.

Months are told to the jobs, not waited for: each nightly update and each close is run as of its own night.
"""

import contextlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.rows import dict_row
from rich.console import Console

from pybridge.client import Client
from pybridge.formats import OSLO, kroner
from pybridge.jobs import runner as jobs

from . import payment as demo_payment
from .show import heading, number, table

Connection = psycopg.Connection[Any]
Row = dict[str, Any]

MONTHS = 3
NIGHTS = (7, 14, 21, 28)  # of each month; the demo skips the others
CLICKS = 1200  # before each night
ADVERTISERS = ("Kaffebrenneriet", "Sykkelkjøkkenet", "Trondheim Bryggeri", "Bokhandelen", "Fjellsport", "Platebaren")
PUBLISHERS = ("under-dusken.no", "studentradioen.no", "samfundet.no", "matprat-gløs.no", "gløshaugen.info")
BOTH = ("Konsertguiden", "Hyblene", "Dragvoll Torg")


@dataclass(frozen=True)
class Market:
    """Who advertises, and where: advertisements and websites by number."""

    advertisements: list[int]
    websites: list[int]


def play(connection: Connection, console: Console, now: datetime | None = None, *, is_own: bool = False) -> None:
    """Three months of the marketplace, as far as they were not played yet; and what is in its books.

    They are played in minutes, which only a database for tests lets anybody do. `is_own`: it is the demo's, to be one.
    """
    now = now or datetime.now(OSLO)
    people = _own(connection)
    begun = _rows(connection, "select month from marketplace.month limit 1")
    if not _is_for_tests(connection, console, mark=is_own and (not begun or is_alone(connection))):
        return
    found: list[Row] = []
    if not begun or (people and not demo_payment.others_than(connection, people) and _left(connection, people, now)):
        if not people:
            _people(connection, random.Random("marketplace"))
            people = _own(connection)
        with demo_payment.sandboxed(connection, console, people) as payments:
            with console.status("Playing three months of the marketplace"):
                found = _play(connection, now, payments)
            done = "closed, verified, charged and paid" if payments else "closed and verified"
            console.print(f"\n[green]✓[/] Marketplace played: {MONTHS} months, {done}")
            _show(connection, console, found)
            demo_payment.show(connection, console, people, payments)
    else:
        _show(connection, console, found)
        demo_payment.show(connection, console, people, None)


def _own(connection: Connection) -> dict[int, str]:
    """The demo's people, by number; none where they are not all there, each once: it is somebody else's marketplace."""
    names = [*ADVERTISERS, *PUBLISHERS, *BOTH]
    query = "select profile, profile_name from marketplace.profile where profile_name = any (%s) order by profile"
    found = {each["profile"]: each["profile_name"] for each in _rows(connection, query, names)}
    return found if sorted(found.values()) == sorted(names) else {}


def _is_for_tests(connection: Connection, console: Console, *, mark: bool) -> bool:
    """Whether other times than the server's are taken here; where the demo may, it sees to that, for good."""
    if _rows(connection, "select from deploy.test_clock"):
        return True
    if not mark:
        console.print(
            "\n[yellow]The marketplace is not played: its months pass in minutes here, and time is the server's.[/]"
        )
        console.print(
            "Only a database that is marked for tests, for good, takes another; a superuser marks it:\n"
            "    insert into deploy.test_clock default values",
            highlight=False,
        )
        return False
    connection.execute("insert into deploy.test_clock default values")
    console.print("\n[green]✓[/] Database marked for tests, for good: its months pass in minutes")
    return True


def is_alone(connection: Connection) -> bool:
    """Whether there is nobody in the marketplace but the demo's people."""
    people = _own(connection)
    return bool(people) and not demo_payment.others_than(connection, people)


def _left(connection: Connection, people: dict[int, str], now: datetime) -> bool:
    """Whether an interrupted demo, or one without a sandbox, left something to do."""
    (left,) = _rows(
        connection,
        """
        select exists (select from marketplace.month where closed_at is null and month < marketplace.month_of(%s))
        or exists (
            select from marketplace.transaction where status = 'NEW' and kind = 'MONTHLY' and profile = any (%s)
        ) as is_left
        """,
        now,
        list(people),
    )
    return bool(left["is_left"])


def _rows(connection: Connection, query: str, *parameters: object) -> list[Row]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode(), parameters or None).fetchall()


def _first_of(month: datetime, later: int = 0) -> datetime:
    """Midnight of the first of a month, so many months later."""
    number = month.year * 12 + month.month - 1 + later
    return datetime(number // 12, number % 12 + 1, 1, tzinfo=OSLO)


def _play(connection: Connection, now: datetime, payments: demo_payment.Payments | None) -> list[Row]:
    """Plays, from where it was left; returns what verification found of the planted error."""
    found: list[Row] = []
    market = _market(connection)
    closed = _rows(connection, "select month, closed_at from marketplace.month order by month")
    for each in closed if payments else []:
        if payments and each["closed_at"]:
            payments.month(each["month"])
    since = closed[-1]["month"] if closed else None
    first = _first_of(now, -MONTHS) if since is None else datetime(since.year, since.month, 1, tzinfo=OSLO)
    while first <= now:
        end = _first_of(first, 1)
        rng = random.Random(f"marketplace {first:%Y-%m}")
        if not _has_clicks(connection, market, first, end):
            _nights(connection, market, rng, first, min(end, now))
        elif since is None:  # interrupted before its first night
            _run(connection, "marketplace_update", min(first + timedelta(days=NIGHTS[0]), now))
        if end <= now:
            _exclude(connection, market, first, end)
            _run(connection, "marketplace_close", end + timedelta(hours=4), first)
            _run(connection, "marketplace_verify", end + timedelta(hours=5), first)
            if first == _first_of(now, 1 - MONTHS):
                found = _plant(connection, market, first, end)
            # a click that lay in a web server's queue for some days
            _clicks(connection, market, rng, end - timedelta(days=2), end - timedelta(days=1), 3)
            if payments:
                payments.month(first.date())
        else:
            _run(connection, "marketplace_update", now)
        first = end
    return found


def _nights(connection: Connection, market: Market, rng: random.Random, first: datetime, end: datetime) -> None:
    """A month's clicks, and the nightly updates between them."""
    since = first
    for night in [*(first + timedelta(days=day, hours=3) for day in NIGHTS), end]:
        until = min(night, end)
        if until <= since:
            return
        _clicks(connection, market, rng, since, until)
        if until < end:
            _run(connection, "marketplace_update", until)
        since = until


def _has_clicks(connection: Connection, market: Market, first: datetime, end: datetime) -> bool:
    query = (
        "select from marketplace.ad_click"
        " where advertisement = any (%s) and click_time >= %s and click_time < %s limit 1"
    )
    return bool(_rows(connection, query, market.advertisements, first, end))


def _people(connection: Connection, rng: random.Random) -> None:
    """Who advertises, and where; all of them or none, so that an interrupted demo leaves no part."""
    with connection.transaction():
        profiles = _rows(
            connection,
            "insert into marketplace.profile (profile_name) select unnest(%s::text[]) returning profile, profile_name",
            [*ADVERTISERS, *PUBLISHERS, *BOTH],
        )
        for each in profiles:
            if each["profile_name"] not in PUBLISHERS:
                for number in range(rng.choice((1, 2, 3))):
                    (made,) = _rows(
                        connection,
                        "insert into marketplace.advertisement (profile, advertisement_name) values (%s, %s)"
                        " returning advertisement",
                        each["profile"],
                        f"{each['profile_name']} {number + 1}",
                    )
                    connection.execute(
                        "insert into marketplace.advertisement_price (advertisement, valid_from, price)"
                        " values (%s, '2000-01-01', %s)",
                        [made["advertisement"], Decimal(rng.randrange(500_000, 6_500_000)) / 1_000_000],
                    )
            if each["profile_name"] not in ADVERTISERS:
                connection.execute(
                    "insert into marketplace.website (profile, website_name) values (%s, %s)",
                    [each["profile"], each["profile_name"]],
                )


def _market(connection: Connection) -> Market:
    everybody = list(_own(connection))

    def numbers(kind: str) -> list[int]:
        query = f"select {kind} as number from marketplace.{kind} where profile = any (%s) order by {kind}"
        return [each["number"] for each in _rows(connection, query, everybody)]

    return Market(numbers("advertisement"), numbers("website"))


def _clicks(
    connection: Connection, market: Market, rng: random.Random, since: datetime, until: datetime, count: int = CLICKS
) -> None:
    seconds = (until - since).total_seconds()
    Client(connection).marketplace.record_clicks(
        advertisements=rng.choices(market.advertisements, weights=range(1, len(market.advertisements) + 1), k=count),
        websites=rng.choices(market.websites, weights=range(1, len(market.websites) + 1), k=count),
        click_times=[since + timedelta(seconds=rng.random() * seconds) for _ in range(count)],
    )


def _exclude(connection: Connection, market: Market, first: datetime, end: datetime) -> None:
    """Five clicks that a robot made."""
    clicks = _rows(
        connection,
        "select profile, click_time, ad_click from marketplace.ad_click"
        " where advertisement = any (%s) and click_time >= %s and click_time < %s order by ad_click limit 5",
        market.advertisements,
        first,
        end,
    )
    Client(connection).marketplace.exclude_clicks(
        profiles=[each["profile"] for each in clicks],
        click_times=[each["click_time"] for each in clicks],
        ad_clicks=[each["ad_click"] for each in clicks],
        reason="the same robot",
        now=end,
    )


def _plant(connection: Connection, market: Market, first: datetime, end: datetime) -> list[Row]:
    """Somebody with the owner's password changes a settled click; verification says so; it is put back."""
    (click,) = _rows(
        connection,
        "select profile, click_time, ad_click from marketplace.ad_click"
        " where advertisement = any (%s) and click_time >= %s and click_time < %s"
        " and advertisement_charge_transaction is not null order by ad_click limit 1",
        market.advertisements,
        first,
        end,
    )
    key = [click["profile"], click["click_time"], click["ad_click"]]
    planted = (
        "update marketplace.ad_click set price = price + {0},"
        " publisher_share = case when website is null then 0 else trunc((price + {0}) * (1 - commission_rate), 6) end"
        " where (profile, click_time, ad_click) = (%s, %s, %s)"
    )
    with _put_back(connection, planted, key):
        _run(connection, "marketplace_verify", end + timedelta(hours=6), first)
        found = Client(connection).marketplace.verify_month(month=first.date())
    _run(connection, "marketplace_verify", end + timedelta(hours=7), first)
    shown = ("problem", "expected", "found", "detail")
    return [{name: getattr(each, name) for name in shown} for each in found if each.severity == "ERROR"]


@contextlib.contextmanager
def _put_back(connection: Connection, planted: str, key: list[Any]) -> Iterator[None]:
    """The error is there within this block, however it ends."""
    connection.execute(planted.format(1).encode(), key)
    try:
        yield
    finally:
        connection.execute(planted.format(-1).encode(), key)


def _run(connection: Connection, job: str, now: datetime, month: datetime | None = None) -> None:
    jobs.run(connection, job, None if month is None else month.date(), now)


# --- What it shows --------------------------------------------------------------------------------------------------


def _table(console: Console, rows: list[Row], right: tuple[str, ...]) -> None:
    names = {name: name.replace("_", " ") for name in rows[0]}
    drawn = table(*names.values(), right=[names[name] for name in right], whole=("month", "problem"))
    for row in rows:
        drawn.add_row(*(_cell(cell) for cell in row.values()))
    console.print(drawn)


def _cell(value: object) -> str:
    if isinstance(value, Decimal):
        return kroner(value)
    return number(value) if isinstance(value, int) else str(value or "")


def _show(connection: Connection, console: Console, found: list[Row]) -> None:
    heading(console, "The marketplace's months", "From report.marketplace_transaction; NOK; above 0, they owe us.")
    months = _rows(
        connection,
        """
        select
            to_char(month, 'YYYY-MM') as month, status, count(*) as people, sum(advertisement_clicks) as clicks,
            sum(advertisement_amount) as charged, sum(website_amount) as earned,
            sum(due_amount) filter (where due_amount > 0) as to_charge,
            sum(due_amount) filter (where due_amount < 0) as to_pay
        from report.marketplace_transaction
        where kind = 'MONTHLY'
        group by report.marketplace_transaction.month, status
        order by report.marketplace_transaction.month, status
        """,
    )
    for row in months:
        row["clicks"] = int(row["clicks"])
    _table(console, months, ("people", "clicks", "charged", "earned", "to_charge", "to_pay"))
    name = BOTH[0]
    person = _rows(
        connection,
        """
        select
            to_char(month, 'YYYY-MM') as month, status, carried_in, advertisement_amount as charged,
            website_amount as earned, due_amount as due, carried_out
        from report.marketplace_transaction as t
        where profile_name = %s and kind = 'MONTHLY'
        order by t.month
        """,
        name,
    )
    if person:
        heading(console, f"One person's transactions: {name}", "They advertise and have a website; one row per month.")
        _table(console, person, ("carried_in", "charged", "earned", "due", "carried_out"))
    if found:
        heading(
            console,
            "A planted error",
            "The price of a settled click was changed by hand; marketplace.verify_month found it, and it was put back.",
        )
        _table(console, found, ("expected", "found"))
