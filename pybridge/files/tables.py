"""Tables of text: CSV whose columns a map declares, for statements and payouts; what no reader takes is Unreadable."""

import csv
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import IO, ClassVar, TypeVar

LONGEST = 1 << 20
"""Bytes of a line: what is longer is not a statement."""
TEXT = 500
REFERENCE = 140
NO_REFERENCE = {"NOTPROVIDED", "NONREF"}


class Unreadable(Exception):
    """The file is not a statement; nothing of it can be loaded."""

    def __init__(self, line: int, column: str, reason: str) -> None:
        self.line, self.column, self.reason = line, column, reason
        super().__init__(f"line {line}{f', {column}' if column else ''}: {reason}")


@dataclass(frozen=True)
class Table:
    """What the columns of a CSV file are, and how it is written."""

    columns: dict[str, str]
    currency: str | None = None
    delimiter: str = ";"
    encoding: str = "utf-8"
    decimal: str = ","
    date: str = "%d.%m.%Y"

    FIELDS: ClassVar[tuple[str, ...]] = ()
    NEEDED: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        texts = [*self.columns.values(), self.currency or "", self.delimiter, self.encoding, self.decimal, self.date]
        if not all(isinstance(each, str) for each in texts):
            raise ValueError("columns, currency, delimiter, encoding, decimal and date are texts")
        try:
            datetime.strptime("", self.date)
        except re.error:
            raise ValueError(f"no form of a date: {self.date!r}") from None
        except ValueError:
            pass  # that of any other day than none
        unknown = [name for name in self.columns if name not in self.FIELDS]
        if unknown:
            raise ValueError(f"unknown columns {', '.join(unknown)}; there are {', '.join(self.FIELDS)}")
        for name in self.NEEDED:
            if name not in self.columns:
                raise ValueError(f"no column for {name}")
        if len(self.delimiter) != 1 or self.decimal not in {",", "."}:
            raise ValueError("a delimiter is one character, decimal a comma or a point")
        "".encode(self.encoding)


AnyTable = TypeVar("AnyTable", bound=Table)


def layout(path: Path, kind: type[AnyTable]) -> AnyTable:
    """The layout that a TOML file declares; ValueError where it is none."""
    try:
        return kind(**tomllib.loads(path.read_text("utf-8")))
    except (TypeError, AttributeError, LookupError, UnicodeError) as error:
        raise ValueError(str(error)) from None


def reference(text: str | None) -> str:
    cut = (text or "").strip()[:REFERENCE]
    return "" if cut in NO_REFERENCE else cut


def lines(file: IO[bytes], encoding: str) -> Iterator[tuple[int, str]]:
    number = 0
    while raw := file.readline(LONGEST + 1):
        number += 1
        if len(raw) > LONGEST:
            raise Unreadable(number, "", f"longer than {LONGEST} bytes")
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError as error:
            raise Unreadable(number, f"column {error.start + 1}", f"not {encoding}") from None
        if "\0" in text:
            raise Unreadable(number, f"column {text.index(chr(0)) + 1}", "a NUL character")
        yield number, text.removeprefix("\ufeff") if number == 1 else text


@dataclass(frozen=True)
class Row:
    """A line of a CSV file, its cells by our names."""

    line: int
    cell: dict[str, str]
    table: Table

    def fault(self, ours: str, reason: str) -> Unreadable:
        return Unreadable(self.line, self.table.columns.get(ours, ""), reason)

    def day(self, ours: str) -> date | None:
        text = self.cell.get(ours, "")
        try:
            return datetime.strptime(text, self.table.date).date() if text else None
        except ValueError:
            raise self.fault(ours, f"no date: {text[:40]!r}") from None

    def money(self, ours: str) -> Decimal | None:
        text = self.cell.get(ours, "")
        if not text:
            return None
        decimal = self.table.decimal
        thousands = "." if decimal == "," else ","
        plain = re.sub(r"[\s\u00a0\u202f]", "", text).replace("\u2212", "-")
        if thousands in plain and not re.fullmatch(
            rf"[+-]?\d{{1,3}}(\{thousands}\d{{3}})+(\{decimal}\d+)?", plain, re.ASCII
        ):
            raise self.fault(ours, f"no amount: {text[:40]!r}")
        plain = plain.replace(thousands, "").replace(decimal, ".")
        try:
            if not re.fullmatch(r"[+-]?\d{1,17}(\.\d{1,5})?", plain, re.ASCII):
                raise InvalidOperation
            return Decimal(plain)
        except InvalidOperation:
            raise self.fault(ours, f"no amount: {text[:40]!r}") from None


def csv_rows(file: IO[bytes], table: Table) -> Iterator[Row]:
    """The lines beneath the header; Unreadable where one is none."""
    reader = csv.reader((text for _, text in lines(file, table.encoding)), delimiter=table.delimiter, strict=True)
    try:
        header = [each.strip() for each in next(reader, [])]
        place = {}
        for ours, theirs in table.columns.items():
            if header.count(theirs) != 1:
                raise Unreadable(
                    1, theirs, "the column is missing" if theirs not in header else "the column stands twice"
                )
            place[ours] = header.index(theirs)
        before = reader.line_num
        for fields in reader:
            line, before = before + 1, reader.line_num
            if not any(each.strip() for each in fields):
                continue
            if len(fields) != len(header):
                raise Unreadable(line, "", f"{len(fields)} fields, where the header has {len(header)}")
            yield Row(line, {ours: fields[index].strip() for ours, index in place.items()}, table)
    except csv.Error as error:
        raise Unreadable(max(reader.line_num, 1), "", f"cannot be read: {error}") from None
