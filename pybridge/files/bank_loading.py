"""What the bank and acquirers say goes into the database: each file once, in one transaction."""

import hashlib
import itertools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any, BinaryIO

import psycopg
from psycopg import sql

from pybridge.client.bank import Bank
from pybridge.errors import translated
from pybridge.files import Tell, in_silence, payouts, statements
from pybridge.files.payouts import Payout, Report
from pybridge.files.statements import Detail, Entry, Layout, Statement

Connection = psycopg.Connection[Any]
CHUNK = 5000
"""Entries that are held at a time."""


@dataclass(frozen=True)
class Target:
    """A temporary table that a file is copied into: columns that are counted here, and of each other one its field."""

    table: str
    numbers: tuple[str, ...]
    fields: dict[str, str]

    def copy(self, connection: Connection, rows: Iterable[tuple[tuple[int, ...], object]]) -> None:
        """Copies rows in, each with its numbers."""
        into = sql.SQL("copy {} ({}) from stdin").format(
            sql.Identifier("pg_temp", self.table),
            sql.SQL(", ").join(map(sql.Identifier, (*self.numbers, *self.fields))),
        )
        values = attrgetter(*self.fields.values())
        with connection.cursor() as cursor, cursor.copy(into) as copy:
            for numbers, row in rows:
                copy.write_row((*numbers, *values(row)))


def _named_alike(*names: str) -> dict[str, str]:
    return {name: name for name in names}


STATEMENT = Target(
    "file_statement",
    (),
    {
        **_named_alike("statement", "line", "kind", "statement_id", "sequence_number"),
        "account_number": "account",
        **_named_alike("currency", "from_day", "to_day"),
        "opening_balance": "opening",
        "closing_balance": "closing",
    },
)
ENTRY = Target(
    "file_entry",
    ("entry",),
    {
        **_named_alike("statement", "line", "booked_on", "value_on", "amount", "currency", "is_reversal"),
        **_named_alike("bank_reference", "end_to_end", "kid", "code"),
        "entry_text": "text",
    },
)
DETAIL = Target(
    "file_detail",
    ("entry", "detail"),
    {**_named_alike("amount", "bank_reference", "end_to_end", "kid"), "detail_text": "text"},
)
PAYOUT = Target("file_payout", (), _named_alike("payout", "line", "payout_id", "names", "paid_on", "net"))
PAYOUT_LINE = Target(
    "file_payout_line",
    (),
    _named_alike("payout", "line", "kind", "refs", "occurred_on", "gross", "fee", "net", "currency"),
)


@dataclass(frozen=True)
class Loaded:
    """What became of a file: `already` where its content had been loaded before, under whatever name."""

    file: str
    format: str | None
    already: bool
    statements: int = 0
    known_statements: int = 0
    entries: int = 0
    new_entries: int = 0


def import_file(
    connection: Connection,
    path: Path,
    layout: Layout | None = None,
    *,
    tell: Tell = in_silence,
) -> Loaded:
    """Load a file of the bank, once, in one transaction; Unreadable or a refusal leaves nothing behind."""
    with _opened(connection, path) as (file, content, already):
        if already:
            return Loaded(path.name, None, True)
        kind, items = statements.read(file, layout, name=f"CSV {content.hex()[:16]}")
        STATEMENT.copy(connection, (((), each) for each in _copy(connection, items, tell)))
        tell("loading", 0, None)
        (loaded,) = Bank(connection).load_import(file_name=path.name, content_sha256=content, format=kind)
    return Loaded(
        file=path.name,
        format=kind,
        already=False,
        statements=loaded.statements,
        known_statements=loaded.known_statements,
        entries=loaded.entries,
        new_entries=loaded.new_entries,
    )


@contextmanager
def _opened(connection: Connection, path: Path) -> Iterator[tuple[BinaryIO, bytes, bool]]:
    """The file, the SHA-256 of its content, and whether that was loaded before; all inside is one transaction."""
    with path.open("rb") as file, translated(), connection.transaction():
        content = hashlib.file_digest(file, "sha256").digest()
        file.seek(0)
        already = Bank(connection).begin_import(content_sha256=content)
        yield file, content, bool(already)


def _copy(connection: Connection, items: Iterable[Entry | Statement], tell: Tell) -> list[Statement]:
    """Entries and their details go in, some at a time; the statements are few, and are returned."""
    found: list[Statement] = []
    number = 0
    source = iter(items)
    while chunk := list(itertools.islice(source, CHUNK)):
        entries: list[tuple[tuple[int], Entry]] = []
        details: list[tuple[tuple[int, int], Detail]] = []
        for each in chunk:
            if isinstance(each, Statement):
                found.append(each)
                continue
            number += 1
            entries.append(((number,), each))
            details += [((number, place), part) for place, part in enumerate(each.details, 1)]
        ENTRY.copy(connection, entries)
        DETAIL.copy(connection, details)
        tell(f"read {number} entries", 0, None)
    return found


@dataclass(frozen=True)
class LoadedPayouts:
    """What became of a report: `waiting_lines` are not paid out yet, and left out."""

    file: str
    format: str | None
    already: bool
    payouts: int = 0
    known_payouts: int = 0
    lines: int = 0
    waiting_lines: int = 0


def import_payouts(
    connection: Connection,
    path: Path,
    route: str,
    kind: str | None = None,
    report: Report | None = None,
    *,
    tell: Tell = in_silence,
) -> LoadedPayouts:
    """Load an acquirer's report, once, in one transaction; Unreadable or a refusal leaves nothing behind."""
    with _opened(connection, path) as (file, content, already):
        if already:
            return LoadedPayouts(path.name, None, True)
        kind, items = payouts.read(file, kind, report)
        found: list[Payout] = []
        source = iter(items)
        while chunk := list(itertools.islice(source, CHUNK)):
            found += [each for each in chunk if isinstance(each, Payout)]
            PAYOUT_LINE.copy(connection, (((), each) for each in chunk if not isinstance(each, Payout)))
            tell(f"read as far as line {chunk[-1].line}", 0, None)
        PAYOUT.copy(connection, (((), each) for each in found))
        tell("loading", 0, None)
        (loaded,) = Bank(connection).load_payout(
            route_name=route, file_name=path.name, content_sha256=content, format=f"payouts, {kind}"
        )
    return LoadedPayouts(
        file=path.name,
        format=kind,
        already=False,
        payouts=loaded.payouts,
        known_payouts=loaded.known_payouts,
        lines=loaded.lines,
        waiting_lines=loaded.waiting_lines,
    )
