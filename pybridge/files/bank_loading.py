"""What the bank and acquirers say goes into the database: each file once, in one transaction."""

import hashlib
import itertools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import psycopg

from pybridge.errors import translated
from pybridge.files import Tell, in_silence, payouts, statements
from pybridge.files.payouts import Payout, Report
from pybridge.files.statements import Entry, Layout, Statement

Connection = psycopg.Connection[Any]
CHUNK = 5000
"""Entries that are held at a time."""

INTO_STATEMENT = """
    copy pg_temp.file_statement (
        statement, line, kind, statement_id, sequence_number, account_number, currency, from_day, to_day,
        opening_balance, closing_balance
    ) from stdin
"""
INTO_ENTRY = """
    copy pg_temp.file_entry (
        entry, statement, line, booked_on, value_on, amount, currency, is_reversal, bank_reference, end_to_end, kid,
        code, entry_text
    ) from stdin
"""
INTO_DETAIL = """
    copy pg_temp.file_detail (entry, detail, amount, bank_reference, end_to_end, kid, detail_text) from stdin
"""

INTO_PAYOUT = "copy pg_temp.file_payout (payout, line, payout_id, names, paid_on, net) from stdin"
INTO_PAYOUT_LINE = """
    copy pg_temp.file_payout_line (payout, line, kind, refs, occurred_on, gross, fee, net, currency) from stdin
"""


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
        _rows(connection, INTO_STATEMENT, _copy(connection, items, tell))
        tell("loading", 0, None)
        row = connection.execute(
            "select statements, known_statements, entries, new_entries from bank.load_import(%s, %s, %s)",
            (path.name, content, kind),
        ).fetchone()
    assert row is not None
    return Loaded(path.name, kind, False, *row)


@contextmanager
def _opened(connection: Connection, path: Path) -> Iterator[tuple[BinaryIO, bytes, bool]]:
    """The file, the SHA-256 of its content, and whether that was loaded before; all inside is one transaction."""
    with path.open("rb") as file, translated(), connection.transaction():
        content = hashlib.file_digest(file, "sha256").digest()
        file.seek(0)
        already = connection.execute("select from bank.begin_import(%s)", (content,)).fetchone() is not None
        yield file, content, already


def _copy(connection: Connection, items: Iterable[Entry | Statement], tell: Tell) -> list[tuple[Any, ...]]:
    """Entries and their details go in, some at a time; the statements are few, and are returned."""
    found: list[tuple[Any, ...]] = []
    number = 0
    source = iter(items)
    while chunk := list(itertools.islice(source, CHUNK)):
        entries, details = [], []
        for each in chunk:
            if isinstance(each, Statement):
                found.append(tuple(vars(each).values()))
                continue
            number += 1
            entries.append((number, *list(vars(each).values())[:-1]))
            details += [(number, place, *vars(part).values()) for place, part in enumerate(each.details, 1)]
        _rows(connection, INTO_ENTRY, entries)
        _rows(connection, INTO_DETAIL, details)
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
    road: str,
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
        found: list[tuple[Any, ...]] = []
        source = iter(items)
        while chunk := list(itertools.islice(source, CHUNK)):
            found += [tuple(vars(each).values()) for each in chunk if isinstance(each, Payout)]
            lines = (tuple(vars(each).values()) for each in chunk if not isinstance(each, Payout))
            _rows(connection, INTO_PAYOUT_LINE, lines)
            tell(f"read as far as line {chunk[-1].line}", 0, None)
        _rows(connection, INTO_PAYOUT, found)
        tell("loading", 0, None)
        row = connection.execute(
            "select payouts, known_payouts, lines, waiting_lines from bank.load_payout(%s, %s, %s, %s)",
            (road, path.name, content, f"payouts, {kind}"),
        ).fetchone()
    assert row is not None
    return LoadedPayouts(path.name, kind, False, *row)


def _rows(connection: Connection, into: str, rows: Iterable[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor, cursor.copy(into.encode()) as copy:
        for row in rows:
            copy.write_row(row)
