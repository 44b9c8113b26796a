"""Tables of text: CSV whose columns a map declares, for statements and payouts; what no reader takes is Unreadable."""

import codecs
import csv
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, ClassVar, TypeVar

LONGEST = 1 << 20
"""Bytes of a line: what is longer is not a statement."""
PREAMBLE = 60
"""Lines that may stand before a header."""
REFERENCE = 140
"""Characters of a name that may be looked for at the bank."""
NO_REFERENCE = {"NOTPROVIDED", "NONREF"}
SIGNS = {"-": "D DR DEBET DEBIT UT - OUT", "+": "K C CR KREDIT CREDIT INN + IN"}


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
    dates: dict[str, str] = field(default_factory=dict)
    """The form of a column's day, where it is another than date."""
    totals: list[str] = field(default_factory=list)
    """A line whose first cell begins so is a total, and no row."""
    stop: list[str] = field(default_factory=list)
    """A line whose first cell begins so ends the table: what follows is another."""
    signs: dict[str, str] = field(default_factory=dict)
    """What a word in the column sign means: + or -; by default the usual ones."""
    unit: int = 1
    """How many units of an amount are one krone: 100 where amounts are in øre."""

    FIELDS: ClassVar[tuple[str, ...]] = ()
    NEEDED: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        texts = [*self.columns.values(), self.currency or "", self.delimiter, self.encoding, self.decimal, self.date]
        texts += [*self.dates.values(), *self.totals, *self.stop, *self.signs]
        if not all(isinstance(each, str) for each in texts):
            raise ValueError("columns, currency, delimiter, encoding, decimal, dates, totals, stop and signs are texts")
        for form in (self.date, *self.dates.values()):
            if not _names_a_day(form):
                raise ValueError(f"no form of a date, with day, month and year: {form!r}")
        unknown = [name for name in (*self.columns, *self.dates) if name not in self.FIELDS]
        if unknown:
            raise ValueError(f"unknown columns {', '.join(unknown)}; there are {', '.join(self.FIELDS)}")
        for name in self.NEEDED:
            if name not in self.columns:
                raise ValueError(f"no column for {name}")
        if len(self.delimiter) != 1 or self.decimal not in {",", "."}:
            raise ValueError("a delimiter is one character, decimal a comma or a point")
        if not set(self.signs.values()) <= {"+", "-"} or self.unit not in {1, 100}:
            raise ValueError("a sign is + or -, unit 1 or 100")
        "".encode(self.encoding)


def _names_a_day(form: str) -> bool:
    """Whether what it writes of a day is read as that day again: not where it leaves the year out."""
    day = datetime(2031, 11, 23, 14, 15)
    try:
        return datetime.strptime(day.strftime(form), form).date() == day.date()
    except (ValueError, re.error):
        return False


AnyTable = TypeVar("AnyTable", bound=Table)


def layout(path: Path, kind: type[AnyTable]) -> AnyTable:
    """The layout that a TOML file declares; ValueError where it is none."""
    try:
        return kind(**tomllib.loads(path.read_text("utf-8")))
    except (TypeError, AttributeError, LookupError, UnicodeError) as error:
        raise ValueError(str(error)) from None


def reference(text: str | None) -> str:
    found = (text or "").strip()
    return "" if found in NO_REFERENCE else found


def plain_amount(text: str) -> Decimal | None:
    """The amount of plain digits with a point, as XML has it (.98 too); None: anything else that Python would take."""
    return Decimal(text) if re.fullmatch(r"[+-]?(\d{1,17}(\.\d{0,5})?|\.\d{1,5})", text, re.ASCII) else None


def encoding_of(file: IO[bytes]) -> str:
    """How a text of a bank's is written, as far as its bytes tell; the file stands at its begin again."""
    begin = file.read(4)
    file.seek(0)
    if begin.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if begin.count(0) == 2:  # every second byte of what both have
        return "utf-16-be" if begin[0] == 0 else "utf-16-le"
    high: set[int] = set()
    try:
        for _ in codecs.iterdecode(_chunks(file, high), "utf-8"):
            pass
    except UnicodeDecodeError:
        for _ in _chunks(file, high):
            pass
        # Nordic letters of the old code page lie where the newer ones have signs.
        return "cp865" if max(high) < 0xA8 else "cp1252" if high.isdisjoint(UNDEFINED) else "iso-8859-1"
    finally:
        file.seek(0)
    return "utf-8"


UNDEFINED = {0x81, 0x8D, 0x8F, 0x90, 0x9D}
"""What cp1252 has no character for."""


def _chunks(file: IO[bytes], high: set[int]) -> Iterator[bytes]:
    while chunk := file.read(LONGEST):
        high |= {each for each in set(chunk) if each >= 0x80}
        yield chunk


def lines(file: IO[bytes], encoding: str) -> Iterator[tuple[int, str]]:
    number = 0
    if codecs.lookup(encoding).name.startswith(("utf-16", "utf-32")):  # its line ends are not bytes of their own
        file, encoding = codecs.EncodedFile(file, "utf-8", encoding), "utf-8"
    while True:
        try:
            raw = file.readline(LONGEST + 1)
        except UnicodeDecodeError:
            raise Unreadable(number + 1, "", "cut off in the midst of a character") from None
        if not raw:
            return
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
    """A line of a CSV file: its cells by our names, and those that nobody asked for by theirs."""

    line: int
    cell: dict[str, str]
    table: Table
    more: dict[str, str] = field(default_factory=dict)

    def fault(self, ours: str, reason: str) -> Unreadable:
        return Unreadable(self.line, self.table.columns.get(ours, ""), reason)

    def day(self, ours: str) -> date | None:
        text = self.cell.get(ours, "")
        try:
            form = self.table.dates.get(ours, self.table.date)
            return datetime.strptime(text, form).date() if text else None
        except ValueError:
            raise self.fault(ours, f"no date: {text[:40]!r}") from None

    def money(self, ours: str) -> Decimal | None:
        text = self.cell.get(ours, "")
        if not text:
            return None
        decimal = self.table.decimal
        thousands = "." if decimal == "," else ","
        plain = re.sub(r"[\s\u00a0\u202f]", "", text).replace("\u2212", "-")
        plain = re.sub(r"[.,]-$", "", plain)  # 100,- is 100 kroner
        if re.fullmatch(r"[\d.,]+-", plain, re.ASCII):  # as some accountants' systems write it
            plain = f"-{plain[:-1]}"
        if thousands in plain and not re.fullmatch(
            rf"[+-]?\d{{1,3}}(\{thousands}\d{{3}})+(\{decimal}\d+)?", plain, re.ASCII
        ):
            raise self.fault(ours, f"no amount: {text[:40]!r}")
        plain = plain.replace(thousands, "").replace(decimal, ".")
        amount = plain_amount(plain)
        if amount is None:
            raise self.fault(ours, f"no amount: {text[:40]!r}")
        return amount / self.table.unit

    def signed(self, ours: str, sign: str = "sign") -> Decimal | None:
        """The amount, with the sign that a column of its own has, where there is one."""
        amount = self.money(ours)
        if amount is None or sign not in self.table.columns:
            return amount
        word = self.cell.get(sign, "")
        if self.table.signs:
            found = self.table.signs.get(word)
        else:
            found = next((each for each, words in SIGNS.items() if word.upper() in words.split()), None)
        if found is None:
            raise self.fault(sign, f"neither in nor out: {word[:40]!r}")
        if amount < 0:
            raise self.fault(ours, f"a sign in both columns: {self.cell[ours][:40]!r}, {word[:40]!r}")
        return -amount if found == "-" else amount


def csv_rows(file: IO[bytes], table: Table) -> Iterator[Row]:
    """The lines beneath the header; Unreadable where one is none. Before it may stand what is none of the table."""
    reader = csv.reader((text for _, text in lines(file, table.encoding)), delimiter=table.delimiter, strict=True)
    try:
        header, place = _header(reader, table)
        others = {name: index for index, name in enumerate(header) if name and index not in place.values()}
        before = reader.line_num
        for fields in reader:
            line, before = before + 1, reader.line_num
            first = next((each.strip() for each in fields if each.strip()), None)
            if first is None or first.startswith(tuple(table.totals)):
                continue
            if first.startswith(tuple(table.stop)):
                return
            if len(fields) != len(header):
                raise Unreadable(line, "", f"{len(fields)} fields, where the header has {len(header)}")
            cells = {ours: fields[index].strip() for ours, index in place.items()}
            more = {name: said for name, index in others.items() if (said := fields[index].strip())}
            yield Row(line, cells, table, more)
    except csv.Error as error:
        raise Unreadable(max(reader.line_num, 1), "", f"cannot be read: {error}") from None


def _header(reader: Iterator[list[str]], table: Table) -> tuple[list[str], dict[str, int]]:
    """The first line that has all the columns, and where each of them stands."""
    missed: Unreadable | None = None
    closest = 0
    for line in range(1, PREAMBLE + 1):
        header = [each.strip() for each in next(reader, [])]
        place: dict[str, int] = {}
        for ours, theirs in table.columns.items():
            if header.count(theirs) != 1:
                reason = "the column is missing" if theirs not in header else "the column stands twice"
                found = Unreadable(line, theirs, reason)
                # Of the lines that are none, the one that comes closest says what is wrong.
                if missed is None or len(place) > closest:
                    missed, closest = found, len(place)
                break
            place[ours] = header.index(theirs)
        else:
            return header, place
    raise missed or Unreadable(1, "", "no header")
