"""Records as an API gives them, in JSON, or the same in CSV: of Zettle and SumUp, both of which are small."""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import IO, Any

from pybridge.files.payouts.model import Begin
from pybridge.files.tables import REFERENCE, Table, Unreadable, csv_rows, plain_amount

LARGEST = 64 << 20
"""Bytes of a file in JSON: it is read whole."""


class Record:
    """A record: its line, or its place in JSON."""

    def __init__(self, line: int, cell: dict[str, Any]) -> None:
        self.line = line
        self._cell = cell

    def text(self, name: str) -> str:
        found = self._cell.get(name)
        if isinstance(found, dict | list):
            raise Unreadable(self.line, name, "no text")
        text = "" if found is None else str(found)
        if len(text) > REFERENCE:
            raise Unreadable(self.line, name, f"longer than {REFERENCE} characters")
        return text

    def money(self, name: str, unit: int = 1) -> Decimal:
        found = plain_amount(self.text(name) or "0")
        if found is None:
            raise Unreadable(self.line, name, f"no amount: {self.text(name)[:40]!r}")
        return found / unit

    def day(self, name: str) -> date:
        try:
            return date.fromisoformat(self.text(name)[:10])
        except ValueError:
            raise Unreadable(self.line, name, f"no date: {self.text(name)[:40]!r}") from None


def looks_like(begin: Begin, *needed: str) -> bool:
    """Whether it is JSON that has these names, or CSV that has such columns."""
    text = "".join(begin.lines).lstrip("\ufeff \r\n")
    return (text[:1] in {"[", "{"} and all(f'"{each}"' in text for each in needed)) or begin.header(*needed) is not None


def records(file: IO[bytes], begin: Begin, *needed: str) -> Iterator[Record]:
    """Each record that the file has."""
    header = begin.header(*needed)
    if header is not None and "".join(begin.lines).lstrip("\ufeff \r\n")[:1] not in {"[", "{"}:
        names = header.names

        class _Table(Table):
            FIELDS = names

        table = _Table({name: name for name in names if name}, delimiter=header.delimiter, encoding=begin.encoding)
        for row in csv_rows(file, table):
            yield Record(row.line, dict(row.cell))
        return
    raw = file.read(LARGEST + 1)
    if len(raw) > LARGEST:
        raise Unreadable(1, "", f"longer than {LARGEST} bytes")
    try:
        found = json.loads(raw.decode(begin.encoding).removeprefix("\ufeff"), parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise Unreadable(getattr(error, "lineno", 1), "", f"cannot be read: {error}") from None
    found = found.get("data", found.get("items")) if isinstance(found, dict) else found
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise Unreadable(1, "", "no list of records")
    for place, each in enumerate(found, 1):
        yield Record(place, each)
