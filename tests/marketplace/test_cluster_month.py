"""Months on a cluster are months on one machine: the same calls leave the same rows, each of them.

The clicks are some thousand, by a fixed formula; what comes late, is excluded, paused, moved, taken back, rolled over,
charged, refused and paid is all there, in several months.
"""

import itertools
import json
import random
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from psycopg import sql

from pybridge.deploy import deploy
from tests.conftest import Connection, mark_for_tests
from tests.support import cluster, market, payments, servers
from tests.support.domain import Row, rows
from tests.support.market import at, call
from tests.support.payments import Scripted, executed, means

DRAWN = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")  # keys that are drawn by lot
pytestmark = pytest.mark.skipif(not cluster.PORTS, reason="allowed: it compares a cluster that you bring with a server")

JANUARY, FEBRUARY, MARCH = (date(2026, month, 1) for month in (1, 2, 3))


@pytest.fixture
def plain() -> Iterator[Connection]:
    """A server of its own, of the same version."""
    with servers.temporary(cluster.VERSION) as server:
        with server.connect(autocommit=False) as deploying:
            deploy(deploying)
            mark_for_tests(deploying)
        with server.connect() as connection:
            yield connection


def play(db: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter of a small marketplace."""
    monkeypatch.setattr(market, "_numbers", itertools.count(1))
    monkeypatch.setattr(payments, "_numbers", itertools.count(1))
    db.execute("set timezone = 'Europe/Oslo'")
    chance = random.Random(24)
    market.set_rate(db, "0.3")
    market.set_minimum(db, 320, 250)
    market.partitions(db, JANUARY, 6)
    people = [market.profile(db) for _ in range(16)]
    ads = [market.advertisement(db, each, price) for each in people[:9] for price in ("0.37", "2.500001", "11")]
    sites = [market.website(db, each) for each in people[5:]]
    for each in people:
        means(db, each, "CHARGE")
        means(db, each, "PAYOUT")
    market.set_price(db, ads[0], "0.99", at(2026, 2, 10))
    market.set_rate(db, "0.4", date(2026, 3, 1))

    for month in (JANUARY, FEBRUARY, MARCH):
        recorded = [batch(db, chance, ads, sites, month, number) for number in range(4)]
        unpriced(db, ads, sites, month)
        if month == FEBRUARY:
            call(db, "pause_clicks", reason="a complaint", advertisement=ads[4], now=at(2026, 2, 3))
            call(db, "move_website", website=sites[2], profile=people[0], reason="sold",
                 **{"from": at(2026, 2, 14), "now": at(2026, 2, 20)})  # fmt: skip
        market.update(db, None, market.day(month.replace(day=17)))
        market.exclude(db, chance.sample(recorded[0], 9), "a robot", market.day(month.replace(day=18)))
        market.update(db, None, market.day(month.replace(day=28)))
        market.close(db, month)
        # Of a month that is closed: new ones are late, old ones are taken back.
        batch(db, chance, ads, sites, month, 9)
        then = market.day(market.next_month(month).replace(day=2), 6)
        market.update(db, None, then)
        charges = [
            row["transaction"]
            for row in rows(
                db, "select transaction from marketplace.transaction where month = %s and kind = 'MONTHLY'", month
            )
        ]
        linked = (
            "select * from marketplace.ad_click where advertisement_charge_transaction = any (%s) order by ad_click"
        )
        settled = rows(db, linked, charges)
        for click in chance.sample(settled, 5):
            market.adjust(db, click, "charged back", then)
        gateway = Scripted("stripe")
        gateway.will("declined", "processing")
        for hours in (0, 30, 14 * 24, 20 * 24):
            executed(db, gateway, then + timedelta(hours=hours))


def batch(
    db: Connection, chance: random.Random, ads: list[int], sites: list[int], month: date, number: int
) -> list[Row]:
    """Clicks of a month, some on no website, under a name; sent twice."""
    size = 160
    times = [market.day(month) + timedelta(minutes=chance.randrange(27 * 1440)) for _ in range(size)]
    asked: dict[str, Any] = {
        "advertisements": [chance.choice(ads) for _ in range(size)],
        "websites": [chance.choice([*sites, None]) for _ in range(size)],
        "click_times": times, "source": f"{month} {number}",
    }  # fmt: skip
    for _ in range(2):
        call(db, "record_clicks", **asked)
    return rows(db, "select * from marketplace.ad_click where source = %s order by ad_click", asked["source"])


def unpriced(db: Connection, ads: list[int], sites: list[int], month: date) -> None:
    for day in range(3, 12):
        market.raw_click(db, ads[day], sites[day % len(sites)], market.day(month.replace(day=day), 5))


def contents(db: Connection) -> dict[str, list[str]]:
    """Every row of every table of the marketplace; who is logged in, and the server's own clock, by a word."""
    db.execute("set timezone = 'UTC'")
    began = datetime.now(market.OSLO) - timedelta(hours=3)
    tables = rows(
        db,
        "select c.relname as name from pg_class as c where c.relnamespace = 'marketplace'::regnamespace"
        " and c.relkind in ('r', 'p') and not c.relispartition order by 1",
    )

    def plain_value(value: Any) -> Any:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)  # 0 or 0.0: how many decimals are written says nothing
        if value == db.info.user:
            return "me"
        if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT", value) and datetime.fromisoformat(value) > began:
            return "now"
        return value

    found = {}
    for table in tables:
        every = sql.SQL("select to_jsonb(x) as row from marketplace.{} as x").format(sql.Identifier(table["name"]))
        values = [
            # Flags are numbered as they are found, and nothing names their numbers.
            {name: plain_value(value) for name, value in each["row"].items() if name != "click_flag"}
            for each in rows(db, every)
        ]
        found[table["name"]] = sorted(DRAWN.sub("", json.dumps(each, sort_keys=True, default=str)) for each in values)
    return found


def test_months_on_a_cluster_are_months_on_one_machine(
    plain: Connection, db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in (plain, db):
        play(each, monkeypatch)
        for month in (JANUARY, FEBRUARY, MARCH):
            assert market.errors(each, month) == []
    on_one, on_many = contents(plain), contents(db)
    assert on_one.keys() == on_many.keys()
    assert {name: rows for name, rows in on_many.items() if rows != on_one[name]} == {}
    happened = {
        "late": len(on_one["late_click"]) > 100,
        "excluded": sum('"excluded_at": null' not in row for row in on_one["ad_click"]) > 20,
        "adjusted": len(on_one["adjustment"]) > 20,
        **{
            status: any(status in row for row in on_one["transaction"])
            for status in ("ROLLED_OVER", "EXECUTED", "FAILED")
        },
        **{kind: any(kind in row for row in on_one["payment_attempt"]) for kind in ("CHARGE", "PAYOUT")},
    }
    assert all(happened.values()), happened
