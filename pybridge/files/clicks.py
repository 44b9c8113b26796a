"""Files of clicks: CSV and Parquet to lines of text, in bounded memory. What they may say, the database judges."""

import codecs
import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NamedTuple

from pybridge.client import Problem
from pybridge.extras import needs

COLUMNS = {
    "click_time": "when: 2026-02-03 14:05:06 is local time; with an offset, 2026-02-03T14:05:06+01:00, any",
    "advertisement": "number of the advertisement",
    "website": "number of the website; empty: on a page of our own",
    "price": "may be left out: NOK per click, at most six decimals; empty: the advertisement's price of that moment",
    "click_id": "may be left out: the file's own name of the click; one name, time and advertisement is loaded once",
}
REQUIRED = ("click_time", "advertisement", "website")
REJECTED = ("line", "column", "value", "reason")
"""What a file of rejected lines begins with; passed over where such a file, corrected, is loaded."""

MIB = 1 << 20
LONGEST = MIB
"""Bytes of a line, or of the lines of one record: what is longer is not a table of clicks."""

Progress = Callable[[int], None]
"""Told how far reading has come: bytes of a CSV file, rows of a Parquet file."""


UNPACKING = (EOFError, gzip.BadGzipFile, zlib.error)


class Unreadable(Exception):
    """The file is not a table of clicks; nothing of it can be loaded."""

    def __init__(self, line: int, column: str, reason: str, value: str | None = None) -> None:
        self.problem = Problem(line, column, value, reason, is_warning=False)
        super().__init__(f"line {line}{f', column {column}' if column else ''}: {reason}")


class Line(NamedTuple):
    """A line of the file, its fields in the order of the columns; or, with a fault, no proper line."""

    line: int
    fields: list[str | None]
    fault: Problem | None = None


@dataclass
class Table:
    """An open file: its columns, and its lines, to be read once; afterwards the SHA-256 of what was read."""

    columns: list[str]
    lines: Iterator[Line]
    digest: Callable[[], bytes] = field(repr=False)


@contextmanager
def opened(path: Path, progress: Progress = lambda _: None) -> Iterator[Table]:
    """The file as a table. A name in .gz is unpacked; what begins as Parquet does is read as that."""
    with path.open("rb") as file:
        if _is_parquet(file):
            yield _parquet(path, progress)
        elif path.suffix == ".gz":
            with gzip.open(file) as content:
                yield _csv(Content(content, file, progress))
        else:
            yield _csv(Content(file, file, progress))


def digest(path: Path) -> bytes:
    """SHA-256 of the content; of a file in .gz that of what is packed in it."""
    with path.open("rb") as file:
        if path.suffix != ".gz" or _is_parquet(file):
            return hashlib.file_digest(file, "sha256").digest()
        try:
            with gzip.open(file) as content:
                return hashlib.file_digest(content, "sha256").digest()
        except UNPACKING as error:
            raise Unreadable(1, "", f"cannot be unpacked: {error}") from None


def size(path: Path) -> int:
    """What progress counts up to."""
    with path.open("rb") as file:
        if not _is_parquet(file):
            return path.stat().st_size
    connection = _duckdb()
    import duckdb

    try:
        row = connection.execute("select sum(num_rows) from parquet_file_metadata(?)", [str(path)]).fetchone()
    except duckdb.Error as error:
        raise Unreadable(1, "", f"cannot be read as Parquet: {error}") from None
    return int(row[0] or 0)


def _is_parquet(file: IO[bytes]) -> bool:
    begin = file.read(4)
    file.seek(0)
    return begin == b"PAR1"


# --- CSV ------------------------------------------------------------------------------------------------------------


class Content(io.RawIOBase):
    """The bytes of a file, hashed as they are read."""

    def __init__(self, content: Any, file: IO[bytes], progress: Progress) -> None:
        self._content, self._file, self._progress = content, file, progress
        self.hash = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count: int = self._content.readinto(buffer)
        self.hash.update(memoryview(buffer)[:count])
        self._progress(self._file.tell())
        return count


class Misplaced(Exception):
    """Something unreadable in a field, whose column is not known here."""

    def __init__(self, line: int, position: int, reason: str) -> None:
        super().__init__(reason)
        self.line, self.position, self.reason = line, position, reason


class Record:
    """Gives csv.reader its lines, decoded, and keeps those of the record that it is at."""

    def __init__(self, content: IO[bytes]) -> None:
        self._content = content
        self.delimiter = ","
        self.line = 1
        """The line on which the record begins."""
        self.text: list[str] = []
        self._length = 0

    def begin(self) -> None:
        """The next line begins a record."""
        self.line += len(self.text)
        self.text = []
        self._length = 0

    def __iter__(self) -> "Record":
        return self

    def __next__(self) -> str:
        number = self.line + len(self.text)
        try:
            raw = self._content.readline(LONGEST + 1)
        except UNPACKING as error:
            raise Unreadable(number, "", f"cannot be unpacked: {error}") from None
        if not raw:
            raise StopIteration
        self._length += len(raw)
        if self._length > LONGEST:
            raise Unreadable(self.line, "", f"longer than {LONGEST} bytes: is a quote left open?")
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            column = self.position("".join(self.text) + raw[: error.start].decode())
            reason = f"byte 0x{raw[error.start]:02X} is not UTF-8: save the file as UTF-8"
            raise Misplaced(number, column, reason) from None
        if "\0" in text:
            column = self.position("".join(self.text) + text[: text.index("\0")])
            raise Misplaced(number, column, "a NUL character: is this a text file, in UTF-8?")
        self.text.append(text)
        return text

    def position(self, text: str) -> int:
        """In which field, counted from 0, a record that begins so has come."""
        outside = text.split('"')[::2]
        return sum(part.count(self.delimiter) for part in outside)


def _csv(content: Content) -> Table:
    buffered: Any = io.BufferedReader(content, MIB)
    begin = buffered.peek(4)[:4]
    if begin.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise Unreadable(1, "", "it is in UTF-16: save the file as UTF-8")
    if begin.startswith(codecs.BOM_UTF8):
        buffered.read(len(codecs.BOM_UTF8))
    record = Record(buffered)
    rows = _records(record)
    first = next(rows, None)
    if first is None:
        raise Unreadable(1, "", "it is empty")
    header = [name.strip() for name in first[1]]
    chosen, skip = _chosen(header)
    return Table(chosen, _csv_lines(rows, header, skip), content.hash.digest)


def _records(record: Record) -> Iterator[tuple[int, list[str]]]:
    """The records, each with the line on which it begins; a first line's delimiter is that of all."""
    header: list[str] = []
    try:
        first = next(record, "")
        record.delimiter = ";" if first.count(";") > first.count(",") else ","
        reader = csv.reader(_again(first, record), delimiter=record.delimiter, strict=True)
        for fields in reader:
            header = header or fields
            yield record.line, fields
            record.begin()
    except csv.Error as error:
        position = _broken_at("".join(record.text), record.delimiter)
        raise Unreadable(record.line, _name(header, position), f"cannot be read: {error}") from None
    except Misplaced as error:
        raise Unreadable(error.line, _name(header, error.position), error.reason) from None


def _again(first: str, rest: Iterator[str]) -> Iterator[str]:
    if first:
        yield first
    yield from rest


def _broken_at(text: str, delimiter: str) -> int:
    """The field, counted from 0, whose quote is not closed, or is followed by something else."""
    position, at = 0, 0
    while at < len(text):
        if text[at] == '"':
            close = at + 1
            while (close := text.find('"', close)) >= 0 and text[close + 1 : close + 2] == '"':
                close += 2
            if close < 0 or text[close + 1 : close + 2] not in (delimiter, "\r", "\n", ""):
                return position
            at = close + 1
        following = text.find(delimiter, at)
        if following < 0:
            return position
        position, at = position + 1, following + 1
    return position


def _chosen(header: list[str], line: int = 1) -> tuple[list[str], int]:
    """The columns that are loaded, and how many before them are not."""
    skip = len(REJECTED) if tuple(header[: len(REJECTED)]) == REJECTED else 0
    names = header[skip:]
    for position, name in enumerate(names, skip + 1):
        if not name:
            raise Unreadable(line, f"field {position}", "the column has no name")
        if name not in COLUMNS:
            raise Unreadable(line, name, f"unknown column; there are {', '.join(COLUMNS)}")
        if names.count(name) > 1:
            raise Unreadable(line, name, "the column stands twice")
    for name in REQUIRED:
        if name not in names:
            raise Unreadable(line, name, "the column is missing")
    return names, skip


def _csv_lines(rows: Iterator[tuple[int, list[str]]], header: list[str], skip: int) -> Iterator[Line]:
    width = len(header)
    for number, fields in rows:
        if len(fields) == width:
            yield Line(number, fields[skip:] if skip else fields)  # type: ignore[arg-type]
        elif any(each.strip() for each in fields):
            position = min(len(fields), width)
            surplus = fields[width] if len(fields) > width else None
            reason = f"{len(fields)} fields, where the header has {width}"
            fault = Problem(number, _name(header, position), surplus, reason, is_warning=False)
            padded: list[str | None] = [*fields[skip:width], *[None] * (width - max(len(fields), skip))]
            yield Line(number, padded, fault)


def _name(header: list[str], position: int) -> str:
    return header[position].strip() if position < len(header) else f"field {position + 1}"


# --- Parquet --------------------------------------------------------------------------------------------------------


def _duckdb() -> Any:
    with needs("parquet"):
        import duckdb
    settings: dict[str, str | bool | int | float | list[str]] = {
        "threads": 1,
        "memory_limit": "256MB",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    connection = duckdb.connect(config=settings)
    connection.execute("set TimeZone = 'UTC'")
    return connection


def _parquet(path: Path, progress: Progress) -> Table:
    connection = _duckdb()
    import duckdb

    content = digest(path)
    try:
        described = connection.execute("describe select * from read_parquet(?)", [str(path)]).fetchall()
        columns, _ = _chosen([name for name, *_ in described])
        texts = ", ".join(f'cast("{name}" as varchar)' for name in columns)
        cursor = connection.execute(
            f"select file_row_number + 1, {texts} from read_parquet(?, file_row_number = true)", [str(path)]
        )
    except duckdb.Error as error:
        raise Unreadable(1, "", f"cannot be read as Parquet: {error}") from None
    return Table(columns, _parquet_lines(cursor, progress), lambda: content)


def _parquet_lines(cursor: Any, progress: Progress) -> Iterator[Line]:
    import duckdb

    number = 0
    while True:
        try:
            rows = cursor.fetchmany(10_000)
        except duckdb.Error as error:
            raise Unreadable(number + 1, "", f"cannot be read as Parquet: {error}") from None
        if not rows:
            return
        for number, *fields in rows:
            yield Line(number, fields)
        progress(number)
