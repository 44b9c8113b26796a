"""`pybridge clicks load`: a file's proper lines become clicks, once; what is wrong with the others is said by line."""

import csv
import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from psycopg import sql

from pybridge.errors import Busy, NotAllowed, RequestIdReused
from pybridge.files import click_loading, clicks
from tests.conftest import Connect, Connection
from tests.support import domain, market
from tests.support.cli import Run, run, url
from tests.support.domain import Row, consistency, expect, login_role, one, rows

__all__ = ["run"]  # a fixture

NOW = market.at(2026, 3, 31, 12)
HEADER = "click_time,advertisement,website\n"


@dataclass(frozen=True)
class Town:
    """One who advertises, one who has a website; where files lie."""

    db: Connection
    advertiser: int
    publisher: int
    ad: int
    site: int
    folder: Path

    def file(self, content: str | bytes, name: str = "clicks.csv") -> Path:
        """A file; AD and SITE in it stand for the numbers."""
        path = self.folder / name
        if isinstance(content, str):
            content = content.replace("AD", str(self.ad)).replace("SITE", str(self.site)).encode()
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path

    def load(self, content: str | bytes, name: str = "clicks.csv", **options: Any) -> click_loading.Loaded:
        return self.load_file(self.file(content, name), **options)

    def load_file(self, path: Path, **options: Any) -> click_loading.Loaded:
        """Loads in the test's transaction; what the commit would drop is dropped first."""
        self.db.execute("drop table if exists pg_temp.click_file_line, pg_temp.click_file_problem")
        return click_loading.load(self.db, path, now=NOW, **options)

    def clicks(self) -> list[Row]:
        return rows(
            self.db,
            "select profile, click_time, advertisement, website, publisher, price, commission_rate, publisher_share"
            " from marketplace.ad_click order by click_time, website, price",
        )

    def times(self) -> list[datetime]:
        return [row["click_time"] for row in self.clicks()]


def settle(db: Connection, folder: Path) -> Town:
    market.set_rate(db, "0.3")
    market.partitions(db, date(2026, 1, 1), 4)
    advertiser, publisher = market.profile(db), market.profile(db)
    ad, site = market.advertisement(db, advertiser, "2.50"), market.website(db, publisher)
    return Town(db, advertiser, publisher, ad, site, folder)


@pytest.fixture
def here(shared_db: Connection, tmp_path: Path) -> Iterator[Town]:
    """In a transaction of the module's database that is rolled back."""
    with shared_db.transaction(force_rollback=True):
        yield settle(shared_db, tmp_path)
        assert consistency(shared_db) == {}


@pytest.fixture
def town(db: Connection, tmp_path: Path) -> Town:
    """In a database of its own."""
    return settle(db, tmp_path)


# --- What is loaded -------------------------------------------------------------------------------------------------


def test_lines_become_clicks_with_price_and_commission_of_their_time(here: Town) -> None:
    market.set_price(here.db, here.ad, "3.333333", market.at(2026, 2, 1))
    done = here.load(
        "website;click_time;advertisement\r\n"
        "SITE;2026-01-31 23:59:59.999999;AD\r\n"
        '"SITE";"2026-02-01T00:00";AD\r\n'
        ";2026-01-31T23:00:00Z;AD\r\n"
        "\r\n"
        ";2026-02-01 00:00:00+01:00;AD"
    )
    assert (done.clicks, done.rejected, done.already, done.problems) == (4, 0, False, [])
    found = here.clicks()
    february = market.at(2026, 2, 1)
    assert [row["click_time"] for row in found] == [market.at(2026, 1, 31, 23, 59, 59, 999999), *[february] * 3]
    assert [str(row["publisher_share"]) for row in found] == ["1.750000", "2.333333", "0.000000", "0.000000"]
    assert {(row["profile"], row["advertisement"]) for row in found} == {(here.advertiser, here.ad)}
    assert [row["publisher"] for row in found] == [here.publisher] * 2 + [None] * 2
    assert rows(here.db, "select distinct source from marketplace.ad_click") == [{"source": "clicks.csv"}]
    assert not (here.folder / "clicks.csv.rejected.csv").exists()


def test_they_are_the_clicks_that_record_clicks_makes(here: Town) -> None:
    times = [market.at(2026, 1, 5, hour) for hour in range(24)]
    market.clicks(here.db, here.ad, here.site, *times)
    recorded = here.clicks()
    here.db.execute("delete from marketplace.ad_click")
    here.load(HEADER + "".join(f"{each.isoformat()},AD,SITE\n" for each in times))
    assert here.clicks() == recorded


def test_parquet_and_packed_csv_give_the_same_clicks(here: Town) -> None:
    content = "click_time,advertisement,website,price\n" + "".join(
        f"2026-03-{day:02} 10:00:00,AD,{'SITE' if day % 2 else ''},{'' if day % 3 else '0.000001'}\n"
        for day in range(1, 29)
    )
    here.load(content)
    expected = here.clicks()
    here.db.execute("delete from marketplace.ad_click; delete from marketplace.click_source")
    assert here.load(content, "clicks.csv.gz").clicks == 28
    assert here.clicks() == expected
    assert here.load(content).already  # it is what is packed that counts
    here.db.execute("delete from marketplace.ad_click")
    for name, when in (
        ("a[1]*.parquet", "click_time"),
        ("b.parquet", "cast(click_time::varchar || '+01' as timestamptz)"),
    ):
        with duckdb.connect() as connection:
            chosen = f"{when} as click_time, advertisement, website, price::decimal(12, 6) as price"
            file = here.folder / "clicks.csv"
            connection.execute(
                f"copy (select {chosen} from read_csv('{file}')) to '{here.folder / name}' (format parquet)"
            )
        done = here.load_file(here.folder / name)
        assert (done.clicks, done.problems) == (28, []), when
        assert here.clicks() == expected
        here.db.execute("delete from marketplace.ad_click")


def test_alike_lines_are_clicks_of_their_own_unless_the_file_names_them(here: Town) -> None:
    assert here.load(HEADER + "2026-01-05 10:00,AD,SITE\n" * 3).clicks == 3
    content = (
        "click_id,click_time,advertisement,website\n"
        "a,2026-01-05 10:00,AD,\n"
        "b,2026-01-05 10:00,AD,\n"
        ",2026-01-05 10:00,AD,\n"
        "a,2026-01-05 10:00,AD,\n"
        ",2026-01-05 10:00,AD,\n"
    )
    done = here.load(content, "named.csv")
    assert (done.clicks, done.rejected) == (4, 1)
    assert [(each.line, each.column_name, each.reason) for each in done.problems] == [
        (5, "click_id", "stands on line 2 already")
    ]


def test_files_that_overlap_bring_each_named_click_once(here: Town) -> None:
    header = "click_time,advertisement,website,click_id\n"
    monday, tuesday = "2026-01-05 10:00,AD,SITE,a\n", "2026-01-06 10:00:00,AD,SITE,b\n"
    wednesday = "2026-01-07 10:00,AD,,c\n"
    assert here.load(header + monday + tuesday + "2026-01-06 11:00,AD,999999,bad\n", "monday.csv").clicks == 2
    # The same moment, written in another zone; and the bad line, corrected, which never was a click.
    again = tuesday.replace("10:00:00", "09:00:00Z")
    done = here.load(header + again + "2026-01-06 11:00,AD,SITE,bad\n" + wednesday, "tuesday.csv")
    assert (done.clicks, done.rejected) == (2, 1)
    assert [(each.line, each.column_name, each.value, each.reason) for each in done.problems] == [
        (2, "click_id", "b", "this click was loaded before, from another file")
    ]
    assert [(time.day, time.hour) for time in here.times()] == [(5, 10), (6, 10), (6, 11), (7, 10)]
    # Who begins to count again with every file means other clicks.
    assert here.load(header + "2026-01-08 10:00,AD,SITE,a\n", "thursday.csv").rejected == 0
    (problem,) = here.load(header + f"2026-01-08 10:00,AD,SITE,{'x' * 201}\n", "long.csv").problems
    assert problem.reason == "longer than 200 characters"


def test_a_name_is_known_as_long_as_a_file_may_bring_its_click(here: Town) -> None:
    domain.run(
        here.db,
        "insert into marketplace.click_name values (%s, %s, 'old'), (%s, %s, 'young')",
        NOW - timedelta(days=731), here.ad, NOW - timedelta(days=729), here.ad,
    )  # fmt: skip
    here.load("click_time,advertisement,website,click_id\n2026-01-05 10:00,AD,SITE,a\n")
    left = rows(here.db, "select click_id from marketplace.click_name order by click_time")
    assert [row["click_id"] for row in left] == ["young", "a"]


def test_a_click_of_a_closed_month_is_late(here: Town) -> None:
    market.clicks(here.db, here.ad, here.site, market.at(2026, 1, 5))
    market.update(here.db, date(2026, 1, 1), market.at(2026, 1, 6))
    market.close(here.db, date(2026, 1, 1))
    assert here.load(HEADER + "2026-01-07 10:00,AD,SITE\n").clicks == 1
    assert market.update(here.db, date(2026, 2, 1), market.at(2026, 2, 2))["late_clicks"] == 1


def test_missing_partitions_are_made(here: Town) -> None:
    done = here.load(HEADER + "2025-05-31T23:30:00Z,AD,SITE\n2025-04-07 10:00,AD,SITE\n")
    assert done.clicks == 2
    assert market.lie_in(here.db) == ["ad_click_2025_04", "ad_click_2025_06"]


def test_the_hour_that_comes_twice_and_the_one_that_does_not(here: Town) -> None:
    """Without an offset the repeated hour is its second, in winter time; and the skipped one is no time."""
    done = here.load(
        HEADER + "2025-10-26 02:30,AD,\n2025-10-26 02:30+02,AD,\n2025-10-26 02:30+01:00,AD,\n2025-10-26T00:30:00Z,AD,\n"
        "2026-03-29 01:59:59,AD,\n2026-03-29 02:00,AD,\n2026-03-29 02:59:59,AD,\n2026-03-29 03:00,AD,\n"
    )
    first, second = market.at(2025, 10, 26, 2, 30), market.at(2025, 10, 26, 2, 30, fold=1)
    assert [time.timestamp() for time in here.times()] == [
        *(each.timestamp() for each in (first, first, second, second)),
        market.at(2026, 3, 29, 1, 59, 59).timestamp(),
        market.at(2026, 3, 29, 3).timestamp(),
    ]
    assert [(each.line, each.reason) for each in done.problems] == [
        (7, "no such local time: the clocks were put forward"),
        (8, "no such local time: the clocks were put forward"),
    ]


@pytest.mark.parametrize("zone", ["Europe/Oslo", "Australia/Lord_Howe"])
def test_times_are_what_click_moment_makes_of_them(here: Town, zone: str) -> None:
    """The load puts a time together from its hour and the rest, the function reads it whole; a price names the line.

    On Lord Howe clocks are put forward and back by half an hour: there are hours that are not whole.
    """
    here.db.execute(
        sql.SQL(
            "create or replace function books.time_zone() returns text language sql immutable parallel safe return {}"
        ).format(zone)
    )
    hours = (
        "2026-02-03 14", "2026-02-03T14", "2026-02-28 23", "2026-02-29 10", "2026-02-03 24", "2026-00-10 10",
        "2025-10-26 01", "2025-10-26T02", "2025-10-26 03", "2026-03-29 01", "2026-03-29 02", "2026-03-29T03",
        "2025-04-06 01", "2025-04-06 02", "2025-10-05 02", "2025-10-05 03", "26-02-03 14", "2026-2-03 10",
        "2026-02-03 ٠٣", "2026-02-03_14", "2026-02-03  4", "+2026-02-03 1",
    )  # fmt: skip
    rests = (
        ":00", ":59", ":60", ":3", ":-1", "", ":30:00", ":59:59", ":30:60", ":30:1", ":30:", ":3a:10", ":30:15 ",
        ":٣٠:00",
        ":59:59.999999", ":30:15.5", ":30:15.000001", ":30:15.", ":30:15.1234567", ":30:15.12a", ":30:15,5",
        ":30:15.5.5", ":30:15.-1", ":30:15.٣", ":60:00.5", ":30:60.5", ":30.5",
        ":30Z", ":30:15Z", ":30:15.25Z", ":30:15z", ":30:15+01", ":30:15.5+01:00", ":30:15-0330", ":30:15 +02",
        ":30:15 Z", ":30:15+14:59", ":30:15+15", ":30:15+1", ":30:15+01:60", ":30:15.1234567Z", ":30:15 Europe/Oslo",
        ":30:15 PM",
    )  # fmt: skip
    times = [hour + rest for hour in hours for rest in rests]
    path = here.folder / "times.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["click_time", "advertisement", "website", "price"])
        writer.writerows([time, here.ad, "", f"0.{number:06}"] for number, time in enumerate(times))
    done = here.load_file(path)
    query = "select n - 1, marketplace.click_moment(t) from unnest(%s::text[]) with ordinality as x (t, n)"
    expected = {number: moment for number, moment in here.db.execute(query, [times]).fetchall() if moment}
    assert 100 < len(expected) < len(times) - 100
    found = here.db.execute("select (price * 1000000)::int, click_time from marketplace.ad_click").fetchall()
    assert dict(found) == expected
    assert (done.clicks, done.rejected) == (len(expected), len(times) - len(expected))


# --- Bad lines ------------------------------------------------------------------------------------------------------

NO_TIME = "not a time such as 2026-02-03 14:05:06 or 2026-02-03T14:05:06+01:00"
NO_AMOUNT = "not an amount from 0 to 999999.999999, with a point and at most six decimals"


def test_each_bad_line_is_named_by_line_column_value_and_reason(here: Town) -> None:
    unpriced = market.advertisement(here.db, here.advertiser, None)
    good = "2026-01-05 10:00,AD,SITE,,"
    bad: list[tuple[str, list[tuple[str, str | None, str]]]] = [
        (",AD,SITE,,", [("click_time", "", "missing")]),
        ("2026-01-05,AD,SITE,,", [("click_time", "2026-01-05", NO_TIME)]),
        ("2026-02-29 10:00,AD,SITE,,", [("click_time", "2026-02-29 10:00", NO_TIME)]),
        ("2026-01-05 24:00,AD,SITE,,", [("click_time", "2026-01-05 24:00", NO_TIME)]),
        ("05.01.2026 10:00,AD,SITE,,", [("click_time", "05.01.2026 10:00", NO_TIME)]),
        ("٢٠٢٦-01-05 10:00,AD,SITE,,", [("click_time", "٢٠٢٦-01-05 10:00", NO_TIME)]),
        ("infinity,AD,SITE,,", [("click_time", "infinity", NO_TIME)]),
        ("2024-03-31 11:59,AD,SITE,,", [("click_time", "2024-03-31 11:59", "too long ago")]),
        ("2026-04-01 12:00,AD,SITE,,", [("click_time", "2026-04-01 12:00", "in the future")]),
        (
            f"2026-01-05 10:00,{unpriced},SITE,,",
            [("click_time", "2026-01-05 10:00", "the advertisement had no price then")],
        ),
        (
            "2026-01-05 10:00,0,999,,",
            [("advertisement", "0", "no such advertisement"), ("website", "999", "no such website")],
        ),
        ("2026-01-05 10:00,,SITE,,", [("advertisement", "", "missing")]),
        ("2026-01-05 10:00,AD.0,SITE,,", [("advertisement", "AD.0", "not a number")]),
        ("2026-01-05 10:00,-1,SITE,,", [("advertisement", "-1", "not a number")]),
        ("2026-01-05 10:00,12345678901234567890,SITE,,", [("advertisement", "12345678901234567890", "not a number")]),
        ("2026-01-05 10:00,AD,site.no,,", [("website", "site.no", "not a number")]),
        ("2026-01-05 10:00,AD,SITE,-1,", [("price", "-1", NO_AMOUNT)]),
        ('2026-01-05 10:00,AD,SITE,"2,5",', [("price", "2,5", NO_AMOUNT)]),
        ("2026-01-05 10:00,AD,SITE,0.0000001,", [("price", "0.0000001", NO_AMOUNT)]),
        ("2026-01-05 10:00,AD,SITE,nan,", [("price", "nan", NO_AMOUNT)]),
        ("2026-01-05 10:00,AD", [("website", None, "2 fields, where the header has 5")]),
        ("2026-01-05 10:00,AD,SITE,,,more", [("field 6", "more", "6 fields, where the header has 5")]),
        (f"2026-01-05 10:00,AD,SITE,{'9' * 100_000},", [("price", "9" * 100, NO_AMOUNT)]),
    ]
    content = "click_time,advertisement,website,price,click_id\n" + good + "\n"
    expected = []
    for number, (text, problems) in enumerate(bad, 3):
        content += text + "\n"
        for column, value, reason in problems:
            shown = None if value is None else value.replace("AD", str(here.ad))
            expected.append((number, column, shown, reason))
    done = here.load(content + good)
    assert (done.clicks, done.rejected) == (2, len(bad))
    query = "select line, column_name, value, reason from pg_temp.click_file_problem order by line, column_name"
    assert here.db.execute(query).fetchall() == expected
    assert len(done.problems) == click_loading.SHOWN
    assert done.reject_file is not None
    with Path(done.reject_file).open(newline="") as file:
        written = list(csv.DictReader(file))
    assert [int(row["line"]) for row in written] == list(range(3, 3 + len(bad)))
    both = next(row for row in written if row["advertisement"] == "0")
    assert (both["column"], both["value"]) == ("advertisement; website", "0; 999")
    assert both["reason"] == "no such advertisement; no such website"


def test_a_file_of_rejected_lines_is_corrected_and_loaded(town: Town, run: Run) -> None:
    file = town.file(HEADER + '2026-01-05 10:00,AD,SITE\n"2026-01-05\n10:00",AD,SITE\n2026-01-05 10:00,AD,nowhere\n')
    first = run(town.db, "clicks", "load", file, "--now", "2026-03-31", "--reject", town.folder / "bad.csv")
    assert first.exit_code == 1
    for word in (
        "line",
        "column",
        "website",
        "nowhere",
        "not a number",
        "1 click loaded",
        "2 lines rejected",
        "bad.csv",
    ):
        assert word in first.stdout
    bad = (town.folder / "bad.csv").read_text()
    assert [row["line"] for row in csv.DictReader(bad.splitlines(keepends=True))] == ["3", "5"]
    file.write_text(file.read_text().replace("nowhere", str(town.site)))
    again = run(town.db, "clicks", "load", file, "--now", "2026-03-31")  # the good line would be charged twice
    assert again.exit_code == 1
    assert "23B13" in again.stderr
    (town.folder / "bad.csv").write_text(bad.replace("nowhere", str(town.site)))
    third = run(town.db, "clicks", "load", town.folder / "bad.csv", "--now", "2026-03-31", "--json")
    assert third.exit_code == 1
    answer = json.loads(third.stdout)
    assert (answer["clicks"], answer["rejected"]) == (1, 1)
    assert one(town.db, "select count(*) from marketplace.ad_click") == 2


# --- Files that are no table ----------------------------------------------------------------------------------------

G = b"2026-01-05 10:00,1,\n"
H = HEADER.encode()
NO_TABLES: list[tuple[bytes, int, str, str]] = [
    (b"", 1, "", "it is empty"),
    (H, 2, "", "there are no lines beneath the header"),
    (H + b"\n\n", 2, "", "there are no lines beneath the header"),
    (b"click_time,advertisement\n" + G, 1, "website", "the column is missing"),
    (b"click_time,advertisement,website,color\n" + G, 1, "color", "unknown column; there are "),
    (b"click_time,advertisement,website,website\n" + G, 1, "website", "the column stands twice"),
    (b"click_time,advertisement,website,\n" + G, 1, "field 4", "the column has no name"),
    (G, 1, "2026-01-05 10:00", "unknown column"),
    (H + G + b"2026-01-05 10:00,1,K\xf8benhavn\n", 3, "website", "byte 0xF8 is not UTF-8"),
    (H + G + b"2026-01-05 10:00,\0,\n", 3, "advertisement", "a NUL character"),
    (HEADER.encode("utf-16"), 1, "", "it is in UTF-16"),
    (H + G + b'2026-01-05 10:00,"1,\n' + G, 3, "advertisement", "cannot be read: unexpected end of data"),
    (H + G + b'2026-01-05 10:00,"1"2,\n' + G, 3, "advertisement", "cannot be read: ',' expected after '\"'"),
    (H + G + b'"2026-01-05 10:00",1,"' + 50_000 * G, 3, "website", "cannot be read: field larger than field limit"),
    (H + G + b"1" * (clicks.LONGEST + 1), 3, "", "longer than 1048576 bytes"),
    (b"PAR1 but no more", 1, "", "cannot be read as Parquet"),
]


def test_a_file_that_is_no_table_is_refused_by_line_and_column(here: Town, subtests: pytest.Subtests) -> None:
    for content, line, column, reason in NO_TABLES:
        with subtests.test(reason=reason):
            with pytest.raises(clicks.Unreadable) as refused:
                here.load(content)
            problem = refused.value.problem
            assert (problem.line, problem.column_name) == (line, column)
            assert problem.reason.startswith(reason)
            assert one(here.db, "select count(*) from marketplace.click_source") == 0
    assert here.clicks() == []


def test_what_is_packed_badly_is_refused(here: Town) -> None:
    whole = gzip.compress(os.urandom(1000) + H)
    for content in (b"no gzip", whole[:-20], whole[:50] + b"xx" + whole[52:]):
        path = here.folder / "clicks.csv.gz"
        path.write_bytes(content)
        with pytest.raises(clicks.Unreadable, match="cannot be unpacked"):
            here.load_file(path)


def test_a_file_without_one_good_line_loads_nothing_and_may_come_again(here: Town) -> None:
    for _ in range(2):
        done = here.load(HEADER + "2026-01-05 10:00,0,\n" * 2)
        assert (done.clicks, done.rejected, done.already) == (0, 2, False)
    assert one(here.db, "select count(*) from marketplace.click_source") == 0


def test_parquet_without_what_reads_it_says_what_to_install(
    here: Town, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    refused = run(here.db, "clicks", "load", here.file(b"PAR1", "clicks.parquet"))
    assert (refused.exit_code, "pybridge[parquet]" in refused.stderr) == (1, True)
    assert here.load(HEADER + "2026-01-05 10:00,AD,\n").clicks == 1


# --- Once -----------------------------------------------------------------------------------------------------------


def test_the_same_file_is_loaded_once_under_whatever_name(here: Town) -> None:
    content = HEADER + "2026-01-05 10:00,AD,SITE\n"
    first = here.load(content)
    for name in ("clicks.csv", "renamed.csv", "packed.csv.gz"):
        again = here.load(content, name)
        assert (again.already, again.source, again.clicks) == (True, "clicks.csv", 1)
        assert again.recorded_at == first.recorded_at
    assert len(here.clicks()) == 1
    with pytest.raises(RequestIdReused, match="held other clicks"), here.db.transaction():
        here.load(content + "\n2026-01-06 10:00,AD,SITE\n")
    assert here.load(content + "2026-01-06 10:00,AD,SITE\n", source="another").clicks == 2


def test_two_loads_at_once_load_it_once(town: Town, connect: Connect) -> None:
    file = town.file(HEADER + "2026-01-05 10:00,AD,SITE\n" * 100)
    renamed = town.file(file.read_bytes(), "renamed.csv")
    found: list[click_loading.Loaded] = []
    loads = [
        threading.Thread(target=lambda each=each: found.append(click_loading.load(connect(), each, now=NOW)))
        for each in (file, renamed) * 2
    ]
    for each in loads:
        each.start()
    for each in loads:
        each.join()
    assert sorted(each.already for each in found) == [False, True, True, True]
    assert len({each.source for each in found}) == 1
    assert one(town.db, "select count(*) from marketplace.ad_click") == 100
    assert consistency(town.db) == {}


@pytest.mark.parametrize("locked", [True, False])
def test_two_overlapping_files_at_once_load_each_click_once(town: Town, connect: Connect, locked: bool) -> None:
    header = "click_time,advertisement,website,click_id\n"
    one_file = town.file(header + "2026-01-05 10:00,AD,SITE,a\n2026-01-05 11:00,AD,SITE,b\n", "one.csv")
    other = town.file(header + "2026-01-05 11:00,AD,SITE,b\n2026-01-05 12:00,AD,SITE,c\n", "other.csv")
    if not locked:
        body = one(town.db, "select pg_get_functiondef('marketplace.refuse_named_clicks'::regproc)")
        town.db.execute(body.replace("perform from marketplace.turn as t where t.turn = 'NAMES' for update;", ""))
    ended: list[click_loading.Loaded | Busy] = []
    second = connect()

    def load_other() -> None:
        try:
            ended.append(click_loading.load(second, other, now=NOW))
        except Busy as error:
            ended.append(error)

    thread = threading.Thread(target=load_other)
    first = connect()
    with first.transaction():
        click_loading.load(first, one_file, now=NOW)
        thread.start()
        domain.wait_for(town.db, second.info.backend_pid)
    thread.join(20)
    (found,) = ended
    if locked:
        assert isinstance(found, click_loading.Loaded)
        assert (found.clicks, found.rejected) == (1, 1)
    else:  # the key keeps the click from being charged twice, but the second file is refused whole
        assert getattr(found, "sqlstate", None) == "55P03"
    assert one(town.db, "select count(*) from marketplace.ad_click") == (3 if locked else 2)
    assert consistency(town.db) == {}


def test_a_load_that_is_killed_leaves_nothing(town: Town) -> None:
    """Killed while its lines are in the database, and nothing is committed; then it is loaded as if nothing was."""
    file = town.file(HEADER + "2026-01-05 10:00,AD,SITE\n" * 1000)
    town.db.execute("begin; lock table marketplace.click_source in share row exclusive mode")
    command = [sys.executable, "-m", "pybridge", "clicks", "load", str(file), "--now", "2026-03-31"]
    process = subprocess.Popen(command, env={**os.environ, "DATABASE_URL": url(town.db)}, stdout=subprocess.DEVNULL)
    try:
        waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query ~ 'load_clicks'"
        until = time.monotonic() + 30
        while not one(town.db, waits):
            assert time.monotonic() < until, "it did not come so far"
            time.sleep(0.05)
            town.db.execute("select pg_stat_clear_snapshot()")
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
    town.db.execute("rollback")
    until = time.monotonic() + 30
    while one(town.db, "select count(*) from pg_stat_activity where query ~ 'load_clicks' and pid <> pg_backend_pid()"):
        assert time.monotonic() < until, "its session lives on"
        time.sleep(0.05)
    assert one(town.db, "select count(*) from marketplace.click_source") == 0
    assert one(town.db, "select count(*) from marketplace.ad_click") == 0
    done = click_loading.load(town.db, file, now=NOW)
    assert (done.clicks, done.already) == (1000, False)


# --- Rights, and the command line -----------------------------------------------------------------------------------


def test_the_web_loads_clicks_but_says_no_prices(town: Town, connect: Connect) -> None:
    with login_role(town.db, "marketplace_web") as web, login_role(town.db, "scheduler") as night:
        file = town.file("click_time,advertisement,website,price\n2026-01-05 10:00,AD,SITE,9\n")
        with pytest.raises(NotAllowed, match="what a click costs"):
            click_loading.load(connect(web), file, now=NOW)
        assert click_loading.load(connect(night), file, now=NOW).clicks == 1
        assert [row["price"] for row in town.clicks()] == [Decimal(9)]
        plain = town.file("click_time,advertisement,website,price\n2026-01-05 10:00,AD,SITE,\nx,AD,,\n", "b.csv")
        done = click_loading.load(connect(web), plain, now=NOW)
        assert (done.clicks, done.rejected) == (1, 1)


def test_a_table_that_the_caller_made_is_not_taken(town: Town, connect: Connect) -> None:
    """A view in its place would run what the caller likes with the owner's rights."""
    with login_role(town.db, "marketplace_web") as web:
        attacker = connect(web, autocommit=False)
        attacker.execute("create temp view click_file_line as select * from marketplace.month")
        attacker.execute("create temp table click_file_problem (line int)")
        with expect("22023"):
            attacker.execute("select * from marketplace.load_clicks('x', sha256('x'))")
        attacker.rollback()
        with expect("22023"):
            attacker.execute("select * from marketplace.begin_click_file('', sha256('x'))")
        attacker.rollback()
        attacker.execute("select * from marketplace.begin_click_file('x', sha256('x'))")
        for statement in ("drop table pg_temp.click_file_line", "alter table pg_temp.click_file_line add x int"):
            with pytest.raises(Exception, match="must be owner"), attacker.transaction():
                attacker.execute(statement.encode())
        attacker.close()


def test_the_command_line_says_what_became_of_a_file(town: Town, run: Run) -> None:
    file = town.file(HEADER + "2026-01-05 10:00,AD,SITE\n")
    assert "1 click loaded" in run(town.db, "clicks", "load", file, "--now", "2026-03-31").stdout
    again = run(town.db, "clicks", "load", file, "--json")
    assert again.exit_code == 0
    assert (json.loads(again.stdout)["already"], json.loads(again.stdout)["clicks"]) == (True, 1)
    assert "was loaded already, as clicks.csv" in " ".join(run(town.db, "clicks", "load", file).stdout.split())
    broken = town.file(b"click_time\n", "broken.csv")
    refused = run(town.db, "clicks", "load", broken)
    assert refused.exit_code == 1
    assert "line 1, column advertisement: the column is missing. Nothing was loaded." in refused.stderr
    answer = json.loads(run(town.db, "clicks", "load", broken, "--json").stdout)
    assert answer["problems"][0]["column_name"] == "advertisement"
    for wrong in (["nowhere.csv"], [], [town.folder], [file, "--reject", file], [file, "--now", "soon"]):
        assert run(town.db, "clicks", "load", *wrong).exit_code == 2, wrong
    told = run(town.db, "clicks", "load", "--help").stdout
    assert all(column in told for column in clicks.COLUMNS)
