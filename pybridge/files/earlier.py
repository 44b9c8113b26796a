"""Files of an earlier marketplace: clicks and charges that are history. Read and handed over, all or nothing."""

import csv
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import psycopg

from pybridge.client.marketplace import Marketplace
from pybridge.errors import translated
from pybridge.files import Tell, clicks, in_silence

Connection = psycopg.Connection[Any]
BATCH = 50_000
T = TypeVar("T")
CHARGE_COLUMNS = ("profile", "month", "amount", "document")


class Read(NamedTuple):
    """How many lines the file has, and how many of them were not known before."""

    lines: int
    new: int


def load_clicks(connection: Connection, path: Path, zone: ZoneInfo, tell: Tell = in_silence) -> Read:
    """Record a file of clicks as history, all of it or nothing. Times without an offset are of `zone`."""
    market, lines, new = Marketplace(connection), 0, 0
    with translated(), connection.transaction():
        total = clicks.size(path)
        with clicks.opened(path, lambda done: tell("reading", done, total)) as table:
            if "click_id" not in table.columns:
                raise clicks.Unreadable(1, "click_id", "the column is missing: history is known by its names")
            for batch in _batches(_clicks(table, zone)):
                times, advertisements, websites, prices, names = zip(*batch, strict=True)
                new += market.record_earlier_clicks(
                    advertisements=advertisements,
                    websites=websites,
                    click_times=times,
                    click_ids=names,
                    prices=prices,
                )
                lines += len(batch)
        if not lines:
            raise clicks.Unreadable(2, "", "there are no lines beneath the header")
    return Read(lines, new)


def load_charges(connection: Connection, path: Path) -> Read:
    """Record a file of what an earlier job charged and paid, all of it or nothing."""
    market, new = Marketplace(connection), 0
    rows = list(_charges(path))
    if not rows:
        raise clicks.Unreadable(2, "", "there are no lines beneath the header")
    with translated(), connection.transaction():
        for batch in _batches(iter(rows)):
            profiles, months, amounts, documents = zip(*batch, strict=True)
            new += market.record_earlier_charges(profiles=profiles, months=months, amounts=amounts, documents=documents)
    return Read(len(rows), new)


def _batches(rows: Iterator[T]) -> Iterator[list[T]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


def _clicks(table: clicks.Table, zone: ZoneInfo) -> Iterator[tuple[datetime, int, int | None, Decimal | None, str]]:
    place = {name: position for position, name in enumerate(table.columns)}
    for line in table.lines:
        if line.fault:
            raise clicks.Unreadable(line.line, line.fault.column_name or "", line.fault.reason, line.fault.value)

        def field(name: str, line: clicks.Line = line) -> str:
            return (line.fields[place[name]] or "").strip() if name in place else ""

        yield (
            _read(line.line, "click_time", field("click_time"), partial(_moment, zone=zone)),
            _read(line.line, "advertisement", field("advertisement"), _number),
            _read(line.line, "website", field("website"), _number) if field("website") else None,
            _read(line.line, "price", field("price"), _amount) if field("price") else None,
            field("click_id"),
        )


def _charges(path: Path) -> Iterator[tuple[int, date, Decimal, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            file.seek(0)
            delimiter = ";" if first.count(";") > first.count(",") else ","
            reader = csv.DictReader(file, delimiter=delimiter, strict=True)
            if sorted(reader.fieldnames or []) != sorted(CHARGE_COLUMNS):
                raise clicks.Unreadable(1, "", f"its columns are not {', '.join(CHARGE_COLUMNS)}")
            for row in reader:
                if None in row or None in row.values():
                    raise clicks.Unreadable(reader.line_num, "", "it has not as many fields as the header")
                yield (
                    _read(reader.line_num, "profile", row["profile"], _number),
                    _read(reader.line_num, "month", row["month"], _month),
                    _read(reader.line_num, "amount", row["amount"], _amount),
                    row["document"],
                )
    except UnicodeDecodeError:
        raise clicks.Unreadable(1, "", "it is not in UTF-8: save the file as UTF-8") from None
    except csv.Error as error:
        raise clicks.Unreadable(1, "", f"cannot be read: {error}") from None


def _read(line: int, column: str, text: str, reader: Callable[[str], T]) -> T:
    try:
        return reader(text)
    except ValueError:
        raise clicks.Unreadable(line, column, f"{text!r} cannot be read", text) from None


def _number(text: str) -> int:
    if not re.fullmatch("[0-9]{1,18}", text):
        raise ValueError
    return int(text)


def _amount(text: str) -> Decimal:
    """Plain digits: Python would read 1e3, 1_000, NaN and digits of another script, too."""
    if not re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,12})?", text):
        raise ValueError
    return Decimal(text)


def _moment(text: str, zone: ZoneInfo) -> datetime:
    """A time without an offset is local; of the hour that comes twice it is the second, as in files of clicks."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is not None:
        return found
    local = found.replace(tzinfo=zone, fold=1)
    if datetime.fromtimestamp(local.timestamp(), zone).replace(tzinfo=None) != found:
        raise ValueError
    return local


def _month(text: str) -> date:
    return date.fromisoformat(text if len(text) > len("2026-02") else f"{text}-01")
