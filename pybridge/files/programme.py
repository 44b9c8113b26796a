"""Programme files: CSV to rows. What the rows may say is the database's to judge (billig.check_programme)."""

import codecs
import csv
import io
import re
from collections.abc import Iterable
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg

from pybridge.client import Client, Problem
from pybridge.client.billig import ImportProgrammeRow
from pybridge.files import Tell, in_silence

Row = dict[str, str | int]
TIMES = ("event_time", "sale_from", "sale_to")
BEGINS_WITH_DAY = re.compile(r"\s*(\d{4}-\d{2}-\d{2})(?=[ T])")
HEADER_LINE = 1


class UnreadableProgramme(Exception):
    """The file is not a table with as many fields per line as its header; each problem says where."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(f"line {each.line}: {each.reason}" for each in problems))
        self.problems = problems


def read(path: Path) -> list[Row]:
    """The rows of a file in UTF-8, its fields parted by commas or semicolons, each with its line number."""
    return parse(path.read_bytes())


def parse(content: bytes) -> list[Row]:
    """As `read`, of a file's content."""
    text = _decode(content)
    delimiter = _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    rows: list[Row] = []
    problems: list[Problem] = []
    line = HEADER_LINE
    try:
        for fields in reader:
            if header is None:
                header = [field.strip() for field in fields]
                problems += _header_problems(header, line)
            elif any(field.strip() for field in fields):
                if len(fields) == len(header):
                    rows.append({"line": line, **dict(zip(header, fields, strict=True))})
                else:
                    problems.append(_wrong_length(line, fields, header))
            line = reader.line_num + 1
    except csv.Error as error:
        problems.append(Problem(line, "", None, f"cannot be read: {error}", is_warning=False))
    if not problems and not rows:
        problems.append(
            Problem(
                line, "", None, "there are no lines beneath the header" if header else "it is empty", is_warning=False
            )
        )
    if problems:
        raise UnreadableProgramme(problems)
    return rows


def shifted(rows: Iterable[Row], weeks: int) -> list[Row]:
    """The rows with every time moved by whole weeks, so that weekdays stay. What is not a time is left as it is."""

    def move(value: str | int) -> str | int:
        begin = BEGINS_WITH_DAY.match(str(value))
        if not begin:
            return value
        try:
            day = date.fromisoformat(begin[1]) + timedelta(weeks=weeks)
        except (ValueError, OverflowError):
            return value
        return f"{day.isoformat()}{str(value)[begin.end() :]}"

    return [{name: move(value) if name in TIMES else value for name, value in row.items()} for row in rows]


def load(
    connection: psycopg.Connection[Any], rows: list[Row], *, tell: Tell = in_silence
) -> tuple[list[Problem], list[ImportProgrammeRow]]:
    """Import the rows, all or none, in one transaction; what is wrong with them, and what was imported: warnings alone
    do not stop it."""
    client = Client(connection)
    with connection.transaction():
        tell(f"checking {len(rows)} lines", 0, None)
        problems = client.check_programme(rows=rows)
        if not all(each.is_warning for each in problems):
            return problems, []
        tell(f"importing {len(rows)} lines", 0, None)
        return problems, client.import_programme(rows=rows)


def _decode(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise UnreadableProgramme(
            [Problem(HEADER_LINE, "", None, "it is in UTF-16: save the file as UTF-8", is_warning=False)]
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.count(b"\n") + 1
        field = re.split(rb"[;,]", before.rpartition(b"\n")[2])
        raise UnreadableProgramme(
            [
                Problem(
                    line,
                    _column_name(content, len(field)),
                    None,
                    f"byte 0x{content[error.start]:02X} is not UTF-8: save the file as UTF-8",
                    is_warning=False,
                )
            ]
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise UnreadableProgramme(
            [Problem(line, "", None, "a NUL character: is this a text file, in UTF-8?", is_warning=False)]
        )
    return text


def _column_name(content: bytes, position: int) -> str:
    header = content.partition(b"\n")[0].removeprefix(b"\xef\xbb\xbf").decode("ascii", "replace")
    names = [name.strip() for name in re.split("[;,]", header)]
    return names[position - 1] if position <= len(names) else f"field {position}"


def _delimiter(text: str) -> str:
    header = text.partition("\n")[0]
    return ";" if header.count(";") > header.count(",") else ","


def _header_problems(header: list[str], line: int) -> list[Problem]:
    problems = [
        Problem(line, f"field {position}", None, "the column has no name", is_warning=False)
        for position, name in enumerate(header, 1)
        if not name
    ]
    names = sorted(name for name in header if name)
    doubles = {name for name, following in pairwise(names) if name == following}
    problems += [Problem(line, name, None, "the column stands twice", is_warning=False) for name in sorted(doubles)]
    if "line" in names:
        problems.append(Problem(line, "line", None, "unknown column", is_warning=False))
    return problems


def _wrong_length(line: int, fields: list[str], header: list[str]) -> Problem:
    column = header[len(fields)] if len(fields) < len(header) else f"field {len(header) + 1}"
    value = fields[len(header)] if len(fields) > len(header) else None
    return Problem(line, column, value, f"{len(fields)} fields, where the header has {len(header)}", is_warning=False)
