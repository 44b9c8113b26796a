"""What the bank says goes into the database: each file once, in one transaction."""

import hashlib
import itertools
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from operator import attrgetter
from pathlib import Path
from typing import Any, BinaryIO

import psycopg
from psycopg import sql

from pybridge.client.bank import Bank
from pybridge.errors import translated
from pybridge.files import Tell, in_silence, statements
from pybridge.files.statements import Detail, Entry, Item, Layout, Reference, Statement
from pybridge.files.tables import Unreadable

Connection = psycopg.Connection[Any]
CHUNK = 2000
"""Entries and payments that are held at a time."""
LARGEST = 1 << 31
DENSEST = 200
"""Bytes of a file in an archive, and how many one packed byte may be: what is larger or denser is no statement."""
UNPACKING = (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, zlib.error)
"""Damaged, locked by a password, packed in a way that Python does not know."""


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
        **_named_alike("statement", "line", "kind", "statement_id", "sequence_number", "page", "issued"),
        "account_number": "account",
        **_named_alike("currency", "from_day", "to_day"),
        "opening_balance": "opening",
        "closing_balance": "closing",
        **_named_alike("is_descending", "flaw", "more"),
    },
)
ENTRY = Target(
    "file_entry",
    ("entry",),
    {
        **_named_alike("statement", "line", "booked_on", "value_on", "amount", "currency", "is_reversal"),
        **_named_alike("bank_reference", "end_to_end", "kid", "code"),
        "entry_text": "text",
        **_named_alike("charge", "payments", "is_booked", "more"),
    },
)
DETAIL = Target(
    "file_detail",
    ("entry", "detail"),
    {
        **_named_alike("amount", "bank_reference", "end_to_end", "kid"),
        "detail_text": "text",
        **_named_alike("charge", "is_included", "more"),
    },
)
REFERENCE = Target("file_reference", ("entry", "detail", "place"), _named_alike("kind", "reference", "amount"))


@dataclass(frozen=True)
class LeftOut:
    """What was not booked, and why: as bank.import_left_out has it."""

    reason: str
    line: int
    account: str
    currency: str
    entries: int
    amount: Decimal


@dataclass(frozen=True)
class Gap:
    """A statement of the file that goes on from no other, though there are others: what moved between is missing."""

    account: str
    statement: str
    from_day: date
    amount: Decimal


@dataclass(frozen=True)
class Accepted:
    """A statement that was loaded with a gap: what is in none of its entries; 0 too where a balance is missing."""

    account: str
    statement: str
    from_day: date
    amount: Decimal


@dataclass(frozen=True)
class Unstated:
    """What no statement has on days of the file, though statements tell of them: as report.bank_unstated has it."""

    account: str
    from_day: date
    entries: int
    amount: Decimal


@dataclass(frozen=True)
class Loaded:
    """What became of a file: `already` where its content had been loaded before, under whatever name."""

    file: str
    format: str | None
    already: bool
    statements: int = 0
    known_statements: int = 0
    entries: int = 0
    amount: Decimal = Decimal(0)
    new_entries: int = 0
    new_amount: Decimal = Decimal(0)
    known_entries: int = 0
    known_amount: Decimal = Decimal(0)
    left_out: list[LeftOut] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    accepted: list[Accepted] = field(default_factory=list)
    unstated: list[Unstated] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing: no statement before one of these, and not a file of which nothing was booked."""
        return not self.gaps and (bool(self.entries) or not self.left_out)


UNSTATED = """
    select u.account_name, min(u.booked_on), count(*), sum(u.amount)
    from report.bank_unstated as u
    inner join (
        select a.account_name, min(s.from_day) as from_day, max(s.to_day) as to_day
        from bank.statement as s
        inner join bank.account as a on s.account = a.account
        where s.import_file = %s
        group by a.account_name
    ) as f on u.account_name = f.account_name and u.booked_on between f.from_day and f.to_day
    group by u.account_name
    order by u.account_name
"""


def import_file(
    connection: Connection,
    path: Path,
    layout: Layout | None = None,
    *,
    encoding: str | None = None,
    ours_only: bool = False,
    gap_reason: str | None = None,
    tell: Tell = in_silence,
) -> Loaded:
    """Load a file of the bank, once, in one transaction; Unreadable or a refusal leaves nothing behind.

    `gap_reason`: why what does not add up is loaded all the same, and the gap recorded.
    """
    with opened(connection, path) as (file, content, already):
        if already:
            return Loaded(path.name, None, True)
        kind, items = statements.read(file, layout, name=f"CSV {content.hex()[:16]}", encoding=encoding)
        STATEMENT.copy(connection, (((), each) for each in _copy(connection, items, tell)))
        tell("loading", 0, None)
        (loaded,) = Bank(connection).load_import(
            file_name=path.name, content_sha256=content, format=kind, ours_only=ours_only, gap_reason=gap_reason
        )
        left_out = connection.execute(
            "select reason, line, account_number, currency, entries, amount"
            " from bank.import_left_out where import_file = %s order by place",
            (loaded.import_file,),
        ).fetchall()
        gaps = connection.execute(
            "select g.account_name, g.statement_id, g.from_day, g.missing_amount from report.bank_statement_gap as g"
            " inner join bank.statement as s on g.statement = s.statement"
            " where s.import_file = %s and g.accepted_gap is null order by g.statement",
            (loaded.import_file,),
        ).fetchall()
        accepted = connection.execute(
            "select a.account_name, s.statement_id, s.from_day, s.gap_amount from bank.statement as s"
            " inner join bank.account as a on s.account = a.account"
            " where s.import_file = %s and s.gap_reason is not null order by s.statement",
            (loaded.import_file,),
        ).fetchall()
        unstated = connection.execute(UNSTATED, (loaded.import_file,)).fetchall()
    return Loaded(
        file=path.name,
        format=kind,
        already=False,
        statements=loaded.statements,
        known_statements=loaded.known_statements,
        entries=loaded.entries,
        amount=loaded.amount,
        new_entries=loaded.new_entries,
        new_amount=loaded.new_amount,
        known_entries=loaded.known_entries,
        known_amount=loaded.known_amount,
        left_out=[LeftOut(*each) for each in left_out],
        gaps=[Gap(*each) for each in gaps],
        accepted=[Accepted(*each) for each in accepted],
        unstated=[Unstated(*each) for each in unstated],
    )


@contextmanager
def members(path: Path) -> Iterator[Iterator[Path]]:
    """The file itself; of a ZIP archive the files in it by their names, one unpacked at a time."""
    if not zipfile.is_zipfile(path):
        yield iter([path])
        return
    try:
        with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory() as folder:
            yield _unpacked(archive, Path(folder))
    except zipfile.BadZipFile as error:
        raise Unreadable(1, "", f"the archive cannot be read: {error}") from None


def _unpacked(archive: zipfile.ZipFile, folder: Path) -> Iterator[Path]:
    found = [
        each
        for each in sorted(archive.infolist(), key=lambda each: each.filename)
        if not each.is_dir() and not each.filename.startswith("__MACOSX/")
    ]
    for member in found:  # before any is loaded; and no more is unpacked than is said here
        if member.file_size > min(LARGEST, DENSEST * max(member.compress_size, 1 << 16)):
            raise Unreadable(1, member.filename, f"unpacked it has {member.file_size} bytes: no statement has")
    for place, member in enumerate(found):
        own = folder / str(place) / Path(member.filename).name
        own.parent.mkdir()
        try:
            with archive.open(member) as packed, own.open("wb") as plain:
                shutil.copyfileobj(packed, plain)
        except UNPACKING as error:
            raise Unreadable(1, member.filename, f"cannot be unpacked: {error}") from None
        if zipfile.is_zipfile(own):
            raise Unreadable(1, member.filename, "an archive in the archive: unpack it, and load it by itself")
        yield own
        shutil.rmtree(own.parent)


@contextmanager
def opened(connection: Connection, path: Path) -> Iterator[tuple[BinaryIO, bytes, bool]]:
    """The file, the SHA-256 of its content, and whether that was loaded before; all inside is one transaction."""
    with path.open("rb") as file, translated(), connection.transaction():
        content = hashlib.file_digest(file, "sha256").digest()
        file.seek(0)
        already = Bank(connection).begin_import(content_sha256=content)
        yield file, content, bool(already)


def _copy(connection: Connection, items: Iterable[Item], tell: Tell) -> list[Statement]:
    """Entries, payments and references go in, some at a time; the statements are few, and are returned."""
    found: list[Statement] = []
    entry, detail = 1, 0  # payments come before the entry that they are in
    source = iter(items)
    while chunk := list(itertools.islice(source, CHUNK)):
        entries: list[tuple[tuple[int], Entry]] = []
        details: list[tuple[tuple[int, int], Detail]] = []
        references: list[tuple[tuple[int, int, int], Reference]] = []
        for each in chunk:
            if isinstance(each, Statement):
                found.append(each)
                continue
            if isinstance(each, Detail):
                detail += 1
                details.append(((entry, detail), each))
                own = detail
            else:
                entries.append(((entry,), each))
                own = 0
            references += [((entry, own, place), named) for place, named in enumerate(each.references, 1)]
            if own == 0:
                entry, detail = entry + 1, 0
        for target, numbered in ((ENTRY, entries), (DETAIL, details), (REFERENCE, references)):
            if numbered:
                target.copy(connection, numbered)
        tell(f"read {entry - 1} entries", 0, None)
    return found
