"""`python -m bench.scale PORT,PORT,...`: clicks on one PostgreSQL and on a Citus cluster that you bring, in turn.

Both databases are on these servers, so that both sides have the same machine, settings and neighbours: one is the
coordinator's alone, the other is distributed. A ratio is plain / Citus: above 1, Citus is faster.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any

import psycopg
import typer
from psycopg import sql

from bench.clicks import DAYS, FILLED, FIRST, MONTH, PROBE, WEB
from bench.measure import Ratios, interleave
from bench.server import Connection, run_file
from pybridge.deploy import deploy

PLAIN, MANY = "scale_plain", "scale_many"
SHARDS = 32
OWNER = "pybridge_owner"


@dataclass
class Side:
    """A database with a month of clicks, and how far it is filled."""

    port: int
    dbname: str
    workers: tuple[int, ...]
    clicks: int = 0
    now: datetime = FIRST + timedelta(days=DAYS)

    def connect(self, user: str = "postgres", port: int = 0, dbname: str = "", options: str = "") -> Connection:
        return psycopg.connect(
            host="127.0.0.1", port=port or self.port, dbname=dbname or self.dbname, user=user, autocommit=True,
            options=options,
        )  # fmt: skip

    def make(self, clicks: int) -> None:
        begun = time.monotonic()
        alone = "-c citus.enable_ddl_propagation=off"
        for port in (self.port, *self.workers):
            with self.connect(port=port, dbname="postgres", options=alone) as connection:
                for statement in ("drop database if exists {} with (force)", "create database {}"):
                    connection.execute(sql.SQL(statement).format(sql.Identifier(self.dbname)))
            if self.workers:
                with self.connect(port=port, options=alone) as connection:
                    connection.execute("create extension citus")
        with self.connect() as connection:
            if self.workers:
                connection.execute("select citus_set_coordinator_host('127.0.0.1', %s)", [self.port])
                for port in self.workers:
                    connection.execute("select citus_add_node('127.0.0.1', %s)", [port])
        with self.connect() as connection:
            connection.autocommit = False
            deploy(connection)
            connection.execute("insert into deploy.test_clock default values")
            connection.commit()
        with self.connect(options=alone if self.workers else "") as connection:
            run_file(connection, "market.sql")
        with self.connect() as connection:
            if self.workers:
                connection.execute("select marketplace.distribute_clicks(%s)", [SHARDS])
            connection.execute("set citus.enable_ddl_propagation = off")
            connection.execute(f"alter role {OWNER} login".encode())
            connection.execute(f"grant all on public.plain_click to {OWNER}".encode())
        # On a cluster one user a transaction touches clicks.
        with self.connect(OWNER) as connection:
            run_file(connection, "market_clicks.sql", clicks=clicks, days=DAYS, probe=clicks // 3000)
        with self.connect() as connection:
            connection.execute("truncate public.plain_click")
        self.clicks = clicks
        self.settle()
        print(f"  {self.dbname}: {clicks:,} clicks in {time.monotonic() - begun:.0f} s", flush=True)

    def settle(self) -> None:
        with self.connect() as connection:
            connection.execute("vacuum analyze marketplace.ad_click")
            connection.execute("vacuum analyze marketplace.transaction, marketplace.transaction_subtotal")
        for port in (self.port, *self.workers):
            with self.connect(port=port) as connection:
                connection.execute("checkpoint")

    def load(self, number: int) -> float:
        """Seconds of COPY of the clicks of the next hours."""
        until = self.now + timedelta(hours=2)
        with self.connect() as connection:
            made = "select {} from public.made_clicks({}, {}, {}, {}, 0)"
            query = sql.SQL(made).format(
                sql.SQL(FILLED), self.clicks + 1, self.clicks + number, self.now.isoformat(), until.isoformat()
            )
            with connection.cursor().copy(sql.SQL("copy ({}) to stdout").format(query)) as out:
                data = [bytes(block) for block in out]
            begun = time.monotonic()
            with connection.cursor().copy(f"copy marketplace.ad_click ({FILLED}) from stdin".encode()) as into:
                for block in data:
                    into.write(block)
            elapsed = time.monotonic() - begun
        self.clicks, self.now = self.clicks + number, until
        return elapsed

    def asked(self, query: str, *arguments: Any) -> float:
        """Seconds of a call, of one who is logged in already and has asked once."""
        with self.connect(WEB) as connection:
            connection.execute("select marketplace.month_of(now())")
            begun = time.monotonic()
            connection.execute(query.encode(), arguments).fetchall()
            return time.monotonic() - begun

    def night(self) -> float:
        return self.asked("select * from marketplace.update_transactions(%s, %s)", MONTH, self.now)

    def verify(self) -> float:
        return self.asked("select * from marketplace.verify_month(%s)", MONTH)

    def recorded(self, number: int) -> float:
        """Seconds of one call, the fifth of a session."""
        ads = [1 + (i * 37) % 8000 for i in range(number)]
        sites = [1 + (i * 11) % 3000 for i in range(number)]
        with self.connect(WEB) as connection:
            for _ in range(5):
                begun = time.monotonic()
                connection.execute("select marketplace.record_clicks(%s, %s, %s)", [ads, sites, [self.now] * number])
                elapsed = time.monotonic() - begun
        self.clicks += 5 * number
        return elapsed

    def excluded(self, number: int) -> float:
        with self.connect() as connection:
            keys = connection.execute(
                "select array_agg(profile), array_agg(click_time), array_agg(ad_click) from ("
                " select profile, click_time, ad_click from marketplace.ad_click"
                " where click_time >= %s and advertisement_charge_transaction is not null limit %s) as c",
                [MONTH, number],
            ).fetchone()
        assert keys is not None
        return self.asked("select marketplace.exclude_clicks(%s, %s, %s, 'bot net', %s)", *keys, self.now)


def _asking(query: str, *arguments: Any) -> Callable[[Side], float]:
    return lambda side: side.asked(query, *arguments)


def _of(call: Callable[[Side, int], float], number: int) -> Callable[[Side], float]:
    return lambda side: call(side, number)


def main(
    ports: Annotated[str, typer.Argument(help="The coordinator's port and the workers', on 127.0.0.1.")],
    clicks: Annotated[int, typer.Option(min=10_000, help="Clicks of the month that is there.")] = 1_000_000,
    night: Annotated[int, typer.Option(min=1000, help="New clicks of a night.")] = 40_000,
    rounds: Annotated[int, typer.Option(min=1)] = 3,
) -> None:
    coordinator, *workers = (int(port) for port in ports.split(","))
    plain, many = Side(coordinator, PLAIN, ()), Side(coordinator, MANY, tuple(workers))
    with plain.connect(dbname="postgres") as connection:
        found = connection.execute("show server_version").fetchone()
        load = os.getloadavg()[0]
        print(f"PostgreSQL {found and found[0]}; {os.cpu_count()} cores, {len(workers)} workers; load {load:.1f}")
    for side in (plain, many):
        side.make(clicks)

    def compare(name: str, of: Callable[[Side], float], target: str = "none", times: int = rounds) -> None:
        print(interleave(name, "s", target, times, partial(of, plain), partial(of, many)), flush=True)

    compare(f"load: COPY of {night:,} clicks", _of(Side.load, night), times=1)
    found_nights: dict[str, list[float]] = {PLAIN: [], MANY: []}
    for turn in range(rounds):
        for side in (plain, many) if turn % 2 else (many, plain):
            if turn:
                side.load(night)
            side.settle()
            found_nights[side.dbname].append(side.night())
    print(
        Ratios(f"night of {night:,} on {clicks:,}", "s", found_nights[PLAIN], found_nights[MANY], ">= 1.40"), flush=True
    )
    compare(f"load: COPY of {5 * night:,} clicks", _of(Side.load, 5 * night), times=1)
    for side in (plain, many):
        side.settle()
    compare(f"night of {5 * night:,} on {clicks:,}", Side.night, ">= 1.40", times=1)
    for side in (plain, many):
        side.settle()
    compare(f"verify_month of {plain.clicks:,}", Side.verify, ">= 1.40")
    for kind in ("ADVERTISEMENT", "WEBSITE"):
        query = f"select sum(clicks) from marketplace.click_series(%s, '{kind}', %s, '2026-04-01')"
        compare(f"a profile's days, {kind}", _asking(query, PROBE, MONTH), times=5)
    for number in (1, 100, 1000, 10_000):
        target = ">= 0.33" if number >= 1000 else "none"
        compare(f"record_clicks of {number:,}", _of(Side.recorded, number), target, 5)
    for number in (1, 100):
        compare(f"exclude_clicks of {number:,}", _of(Side.excluded, number))
    print(f"load after: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    typer.run(main)
