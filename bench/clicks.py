"""A month of clicks, a short one and a long one: loading, the nightly update, verification, a profile's days."""

import itertools
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from bench.measure import Ratios, interleave
from bench.server import PLAIN, Bench, Connection, run_file
from bench.sizes import Sizes
from pybridge.files import click_loading
from pybridge.formats import OSLO

MONTH = "2026-03-01"
FIRST = datetime(2026, 3, 1, tzinfo=OSLO)
DAYS = 20  # that the clicks of the beginning lie in; each later load has a day or an hour of its own
WEB = "bench_web"
PROBE = 4000  # a profile with as many clicks in either month
PARTS = 10  # that a night's clicks are loaded in, in the one way and the other in turn
FILLED = "profile, click_time, advertisement, website, publisher, price, commission_rate, publisher_share"
BARE_CLICK = "profile, click_time, advertisement, website"
BARE = (
    "select count(*), sum(price), sum(publisher_share) from marketplace.ad_click"
    " where click_time >= '2026-03-01' and click_time < '2026-04-01'"
)
GROUPED = (
    "select profile, publisher, count(*), sum(price), sum(publisher_share) from marketplace.ad_click"
    " where click_time >= '2026-03-01' and click_time < '2026-04-01' group by grouping sets ((profile), (publisher))"
)


# As many clicks of the next month as of this one are to be corrected, of the same advertisements.
CORRECTED = """
    create table to_correct as
    select profile, click_time, ad_click, %(month)s::date as month from (
        select * from marketplace.ad_click where click_time >= %(month)s and website is not null
        order by click_time, ad_click limit %(number)s
    ) as c
"""
CORRECTED_NEXT = """
    with made as (
        insert into marketplace.ad_click
            (profile, click_time, advertisement, website, publisher, price, commission_rate, publisher_share)
        select
            c.profile, c.click_time + interval '31 days', c.advertisement, c.website, c.publisher, c.price,
            c.commission_rate, c.publisher_share
        from marketplace.ad_click as c
        inner join to_correct as k on c.profile = k.profile and c.click_time = k.click_time and c.ad_click = k.ad_click
        where c.click_time >= %(month)s
        returning profile, click_time, ad_click
    )
    insert into to_correct select m.profile, m.click_time, m.ad_click, '2026-04-01' from made as m
"""


@dataclass
class Month:
    """One of the two months: a database, and how far it is filled."""

    bench: Bench
    dbname: str
    sizes: Sizes
    clicks: int = 0
    now: datetime = FIRST + timedelta(days=DAYS)
    load: dict[str, list[float]] = field(default_factory=dict)

    def connect(self, user: str | None = None) -> Connection:
        return self.bench.connect(self.dbname, **({"user": user} if user else {}))

    def make(self, clicks: int) -> None:
        begun = time.monotonic()
        self.bench.clone(self.dbname, PLAIN)
        with self.connect() as connection:
            run_file(connection, "market.sql")
            run_file(connection, "market_clicks.sql", clicks=clicks, days=DAYS, probe=clicks // self.sizes.probe)
            connection.execute("vacuum analyze")
            connection.execute("checkpoint")
        self.clicks = clicks
        print(f"  made a month of {clicks:,} clicks in {time.monotonic() - begun:.0f} s", flush=True)

    def settle(self) -> None:
        """What autovacuum would have done since the last update; the statistics know nothing of the clicks to come."""
        with self.connect() as connection:
            connection.execute("vacuum analyze marketplace.ad_click")
            connection.execute("vacuum analyze public.plain_click")
            connection.execute("checkpoint")

    def more(self, clicks: int, *, ways: tuple[str, ...], parts: int, lasting: timedelta) -> None:
        """Load clicks of the next hours into both tables, in these ways in turn, and keep what each part took."""
        self.settle()
        until = self.now + lasting
        with self.connect() as connection, self.connect(WEB) as web:
            for part in range(parts):
                connection.execute("drop table if exists part")
                connection.execute(
                    "create temporary table part as select * from public.made_clicks(%s, %s, %s, %s, 0)",
                    [
                        self.clicks + 1,
                        self.clicks + clicks // parts,
                        self.now + lasting * part / parts,
                        self.now + lasting * (part + 1) / parts,
                    ],
                )
                self.clicks += clicks // parts
                way = ways[part % len(ways)]
                if way == "file":  # whole seconds, as such files have; in the plain table too
                    connection.execute("update part set click_time = date_trunc('second', click_time)")
                connection.execute("checkpoint")
                pairs = [
                    ("ours", partial(self._in_way, connection, web, way)),
                    ("plain", partial(_copied, connection, "public.plain_click", FILLED)),
                ]
                if part // len(ways) % 2:
                    pairs.reverse()
                for side, run in pairs:
                    self.load.setdefault(f"{way}, {side}", []).append(run())
        self.now = until

    def _in_way(self, connection: Connection, web: Connection, way: str) -> float:
        if way == "record_clicks":
            return _recorded(connection, web, self.sizes.click_batch)
        if way == "file":
            return _loaded(connection, web)
        return _copied(connection, "marketplace.ad_click", FILLED if way == "filled" else BARE_CLICK)

    def night(self, expected: int) -> float:
        """Seconds of the nightly update."""
        with self.connect(WEB) as connection:
            connection.execute(f"set timezone = '{OSLO.key}'")
            begun = time.monotonic()
            row = connection.execute(
                "select new_clicks from marketplace.update_transactions(%s, %s)", [MONTH, self.now]
            ).fetchone()
            elapsed = time.monotonic() - begun
        if row != (expected,):
            raise RuntimeError(f"the update linked {row}, not {expected}")
        return elapsed

    def night_by_hand(self, expected: int) -> float:
        with self.connect() as connection:
            before = _unlinked(connection)
            begun = time.monotonic()
            run_file(connection, "market_link_by_hand.sql", until=self.now)
            elapsed = time.monotonic() - begun
            if (before, _unlinked(connection)) != (expected, 0):
                raise RuntimeError(f"the plain update had {before} rows, not {expected}")
        return elapsed

    def verify(self) -> float:
        with self.connect(WEB) as connection:
            begun = time.monotonic()
            found = connection.execute("select * from marketplace.verify_month(%s)", [MONTH]).fetchall()
            elapsed = time.monotonic() - begun
        if found:
            raise RuntimeError(f"verification found {found[:3]}")
        return elapsed

    def timed(self, query: str) -> float:
        with self.connect(WEB) as connection:
            begun = time.monotonic()
            connection.execute(query).fetchall()
            return time.monotonic() - begun

    def close(self, corrected: int) -> None:
        """Close the month, and link so many clicks of the next: the ones are taken back, the others out."""
        with self.connect() as connection:
            connection.execute("select marketplace.ensure_partitions(%s, 3)", [MONTH])
            connection.execute("select * from marketplace.close_month(%s, '2026-04-01 01:00+02')", [MONTH])
            connection.execute(CORRECTED, {"month": MONTH, "number": corrected})
            connection.execute(CORRECTED_NEXT, {"month": MONTH})
            connection.execute("select * from marketplace.update_transactions(null, '2026-04-30 12:00+02')")
            connection.execute("vacuum analyze")
            connection.execute("checkpoint")

    def corrected(self, function: str, turn: int, number: int) -> float:
        """Seconds of one call for so many clicks: of the closed month, or of the open one."""
        of = MONTH if function == "adjust_clicks" else "2026-04-01"
        keys = "array_agg(profile), array_agg(click_time), array_agg(ad_click)"
        with self.connect() as connection:
            named = connection.execute(
                f"select {keys} from (select * from to_correct where month = %s offset %s limit %s) as c".encode(),
                [of, turn * number, number],
            ).fetchone()
            assert named is not None
            begun = time.monotonic()
            connection.execute(
                f"select * from marketplace.{function}(%s, %s, %s, 'bot net', p_now => '2026-04-30 13:00+02')".encode(),
                named,
            ).fetchall()
            return time.monotonic() - begun

    def series(self, side: str) -> float:
        """Milliseconds of a profile's days; read once before."""
        query = "select sum(clicks) from marketplace.click_series(%s, %s, %s, '2026-04-01')"
        with self.connect(WEB) as connection:
            row = connection.execute(query, [PROBE, side, MONTH]).fetchone()
            if row is None or row[0] != self.sizes.probe:
                raise RuntimeError(f"the profile has {row} clicks")
            begun = time.monotonic()
            connection.execute(query, [PROBE, side, MONTH])
            return (time.monotonic() - begun) * 1000


def clicks(bench: Bench, sizes: Sizes) -> Iterator[Ratios]:
    """The long month begins smaller, so that the middle one of its nights ends with the clicks that were asked for."""
    rounds = sizes.heavy_rounds
    short, long = Month(bench, "clicks_short", sizes), Month(bench, "clicks_long", sizes)
    night = sizes.long_month // 10
    few = night // 10
    short.make(sizes.short_month)
    long.make(sizes.long_month - night * (rounds // 2 + 1))

    nights: dict[str, list[float]] = {"ours": [], "plain": []}
    for turn in range(rounds):
        long.more(night, ways=("record_clicks", "filled"), parts=PARTS, lasting=timedelta(days=1))
        _night(long, night, turn, nights)
    for way, name in (
        ("record_clicks", f"record_clicks, {sizes.click_batch:,} a call"),
        ("filled", "COPY into ad_click"),
    ):
        name = f"load: {name} / COPY into a plain table, {night // PARTS:,} clicks"
        yield _ratios(name, "s", "<= 1.50", long.load, way)
    yield _ratios(f"nightly update of {night:,} new clicks / plain", "s", "<= 1.50", nights)

    long.load.clear()
    nights = {"ours": [], "plain": []}
    long.more(night, ways=("unfilled",), parts=PARTS, lasting=timedelta(days=1))
    _night(long, night, 0, nights)
    yield _ratios(f"load: COPY of {night // PARTS:,} clicks without price / with", "s", "none", long.load, "unfilled")
    yield _ratios(f"nightly update of {night:,} new clicks without price / plain", "s", "none", nights)

    grown: dict[str, dict[str, list[float]]] = {}
    for turn in range(rounds):
        for month in (short, long):
            month.more(few, ways=("filled",), parts=1, lasting=timedelta(hours=12))
        for month in (short, long) if turn % 2 else (long, short):
            _night(month, few, turn, grown.setdefault(month.dbname, {"ours": [], "plain": []}))
    for side in ("ours", "plain"):
        pair = {"ours": grown[long.dbname][side], "plain": grown[short.dbname][side]}
        name = f"nightly update of {few:,} new clicks, {side}, {long.clicks:,} clicks / {short.clicks:,}"
        yield _ratios(name, "s", "flat" if side == "ours" else "none", pair)
    name = f"nightly update of {few:,} new clicks / plain, {long.clicks:,} clicks"
    yield _ratios(name, "s", "<= 1.50", grown[long.dbname])

    for month in (short, long):
        month.settle()
    for month in (short, long):
        of = f"of {month.clicks:,} clicks"
        for name, query in (("one bare scan", BARE), ("a scan grouped by both sides", GROUPED)):
            month.verify()
            name = f"verify_month / {name}, {of}"
            yield interleave(name, "s", "<= 2.00", rounds, month.verify, partial(month.timed, query))
    for side in ("ADVERTISEMENT", "WEBSITE"):
        yield interleave(
            f"a profile's days, {side}, {sizes.probe:,} of {long.clicks:,} clicks / of {short.clicks:,}",
            "ms",
            "<= 1.30",
            rounds,
            partial(long.series, side),
            partial(short.series, side),
        )
    long.load.clear()
    long.more(night * rounds, ways=("file",), parts=rounds, lasting=timedelta(days=1))
    yield _ratios(f"load: pybridge clicks load of {night:,} lines / COPY", "s", "<= 1.50", long.load, "file")

    batch = sizes.click_batch
    short.close(batch * rounds)
    turns = {"adjust_clicks": itertools.count(), "exclude_clicks": itertools.count()}
    yield interleave(
        f"adjust_clicks of {batch:,} / exclude_clicks",
        "s",
        "<= 3.00",
        rounds,
        *(partial(_corrected, short, function, turn, batch) for function, turn in turns.items()),
    )


def _corrected(month: Month, function: str, turns: Iterator[int], batch: int) -> float:
    return month.corrected(function, next(turns), batch)


def _night(month: Month, expected: int, turn: int, times: dict[str, list[float]]) -> None:
    sides = [("ours", month.night), ("plain", month.night_by_hand)]
    for side, run in sides if turn % 2 == 0 else reversed(sides):
        with month.connect() as connection:
            connection.execute("checkpoint")
        times[side].append(run(expected))


def _ratios(name: str, unit: str, target: str, times: dict[str, list[float]], way: str | None = None) -> Ratios:
    ours, plain = (times[f"{way}, {side}" if way else side] for side in ("ours", "plain"))
    return Ratios(name, unit, ours, plain, target)


def _copied(connection: Connection, table: str, columns: str) -> float:
    """Seconds of COPY of the part at hand; its text is made before."""
    cursor = connection.cursor()
    with cursor.copy(f"copy (select {columns} from part order by n) to stdout".encode()) as out:
        data = [bytes(block) for block in out]
    begun = time.monotonic()
    with cursor.copy(f"copy {table} ({columns}) from stdin".encode()) as into:
        for block in data:
            into.write(block)
    return time.monotonic() - begun


def _recorded(connection: Connection, web: Connection, batch_size: int) -> float:
    """Seconds of record_clicks of the part at hand; its arrays are made before."""
    batches = connection.execute(
        "select array_agg(advertisement order by n)::text, array_agg(website order by n)::text,"
        " array_agg(click_time order by n)::text from part group by (n - (select min(n) from part)) / %s order by 1",
        [batch_size],
    ).fetchall()
    begun = time.monotonic()
    for batch in batches:
        web.execute("select marketplace.record_clicks(%s::bigint[], %s::bigint[], %s::timestamptz[])", batch)
    return time.monotonic() - begun


def _loaded(connection: Connection, web: Connection) -> float:
    """Seconds of what `pybridge clicks load` does with a file of the part at hand, which is written before."""
    query = (
        "copy (select to_char(click_time at time zone books.time_zone(), 'YYYY-MM-DD HH24:MI:SS') as click_time,"
        " advertisement, website from part order by n) to stdout (format csv, header)"
    )
    row = connection.execute("select count(*), max(click_time), max(n) from part").fetchone()
    assert row is not None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"until-{row[2]}.csv"
        with path.open("wb") as file, connection.cursor().copy(query.encode()) as out:
            for block in out:
                file.write(block)
        begun = time.monotonic()
        done = click_loading.load(web, path, now=row[1])
        elapsed = time.monotonic() - begun
    if done.clicks != row[0]:
        raise RuntimeError(f"the file gave {done.clicks} clicks of {row[0]}")
    return elapsed


def _unlinked(connection: Connection) -> int:
    row = connection.execute(
        "select count(*) from public.plain_click where advertisement_charge_transaction is null"
    ).fetchone()
    assert row is not None
    return int(row[0])
