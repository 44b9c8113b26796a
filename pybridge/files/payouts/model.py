"""What a report of payouts is made of, and the columns of one that a map declares."""

import csv
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import IO, ClassVar

from pybridge.files.tables import LONGEST, PREAMBLE, REFERENCE, Row, Table, encoding_of, lines

NOT_PAID = 0
"""The payout of lines that have none yet."""
KINDS = ("PAYMENT", "REFUND", "FEE", "DISPUTE", "ADJUSTMENT", "SKIP")
REFERENCES = ("transaction", "charge", "payment", "order")


@dataclass(frozen=True)
class Line:
    """What is in a payout: gross less fee is net."""

    payout: int
    line: int
    kind: str
    refs: list[str]
    occurred_on: date | None
    gross: Decimal
    fee: Decimal
    net: Decimal
    currency: str


@dataclass(frozen=True)
class Payout:
    """A payout, after its lines; net is None where only they say it."""

    payout: int
    line: int
    payout_id: str
    names: list[str]
    paid_on: date
    net: Decimal | None
    currency: str | None = None


@dataclass(frozen=True)
class Left:
    """What stands in the file and is no money of a payout, and why."""

    line: int
    reason: str


Item = Line | Payout | Left


@dataclass(frozen=True)
class Reading:
    """A report: its format, which columns are read as what, and what is in it."""

    format: str
    columns: dict[str, str]
    items: Iterator[Item]


@dataclass(frozen=True)
class Header:
    """A line with the names of columns."""

    delimiter: str
    names: tuple[str, ...]

    def columns(self, wanted: Mapping[str, tuple[str, ...]], needed: tuple[str, ...]) -> dict[str, str]:
        """The columns that are there, by our names; of those that are needed the usual one, to be missed by name."""
        found = {ours: next((each for each in theirs if each in self.names), None) for ours, theirs in wanted.items()}
        return {ours: each or wanted[ours][0] for ours, each in found.items() if each is not None or ours in needed}


class Begin:
    """The first lines of a file, by which its format is known."""

    def __init__(self, file: IO[bytes]) -> None:
        self.encoding = encoding_of(file)
        self.raw = file.read(4096)
        file.seek(0)
        # What cannot be decoded here is named by its line when it is read.
        self.lines = (
            [] if b"\0" in self.raw.removeprefix(b"\xff\xfe") and self.encoding == "utf-8" else self._lines(file)
        )
        file.seek(0)

    def _lines(self, file: IO[bytes]) -> list[str]:
        return [text[:LONGEST] for _, text in itertools.islice(lines(file, self.encoding), PREAMBLE)]

    def header(self, *needed: str) -> Header | None:
        """The first line that has all of these columns."""
        for text in self.lines:
            for delimiter in ",;\t":
                try:
                    names = tuple(each.strip() for each in next(csv.reader([text], delimiter=delimiter), []))
                except csv.Error:
                    continue
                if set(needed) <= set(names):
                    return Header(delimiter, names)
        return None


@dataclass(frozen=True)
class Report(Table):
    """What the columns of a report are, and which word is which kind of line."""

    kinds: dict[str, str] = field(default_factory=dict)
    negative_fees: bool = False
    """A fee that was kept back has a minus."""

    FEES: ClassVar[tuple[str, ...]] = ("fee", *(f"fee_{number}" for number in range(2, 10)))
    """All of them together are the fee."""
    FIELDS: ClassVar[tuple[str, ...]] = (
        *("payout_id", "payout_name", "paid_on", "payout_net"),
        *("kind", "occurred_on", "sign", "gross", "gross_credit", "gross_debit", *FEES, "currency"),
        *("net", "net_credit", "net_debit"),
        *REFERENCES,
    )
    NEEDED: ClassVar[tuple[str, ...]] = ("payout_id", "paid_on")
    GROSS: ClassVar[tuple[str, ...]] = ("gross", "gross_credit", "gross_debit", "net", "net_credit", "net_debit")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.negative_fees, bool):
            raise ValueError("negative_fees is true or false")
        unknown = sorted({each for each in self.kinds.values() if each not in KINDS})
        if unknown:
            raise ValueError(f"unknown kinds {', '.join(unknown)}; there are {', '.join(KINDS)}")
        if self.currency is None and "currency" not in self.columns:
            raise ValueError("neither a currency nor a column for it")
        if not set(self.GROSS) & set(self.columns):
            raise ValueError("no column for gross, nor gross_credit and gross_debit, nor net")
        for each in ("gross", "net"):
            if each in self.columns and {f"{each}_credit", f"{each}_debit"} & set(self.columns):
                raise ValueError(f"one column for {each}, or two for {each}_credit and {each}_debit")


class Payouts:
    """Payouts as they are met: numbered, and held until the end, since their lines may stand anywhere."""

    def __init__(self) -> None:
        self._number: dict[str, int] = {}
        self._found: list[Payout] = []
        self._declared: dict[int, Decimal] = {}

    def number(self, row: Row, names: list[str], net: Decimal | None = None, payout_id: str | None = None) -> int:
        """The payout that a row is of: by name and day."""
        name = payout_id or name_of(row, "payout_id")
        number = self._number.setdefault(name, len(self._number) + 1)
        paid_on = needed_day(row, "paid_on")
        found = Payout(number, row.line, name, names, paid_on, net)
        if number > len(self._found):
            self._found.append(found)
            return number
        known = self._found[number - 1]
        if paid_on != known.paid_on:
            raise row.fault("paid_on", f"payout {name} is of {known.paid_on} on line {known.line}")
        if net != known.net:
            raise row.fault("payout_net", f"payout {name} is of {known.net} on line {known.line}")
        return number

    def known(self, payout_id: str) -> int | None:
        """The number of a payout that was met."""
        return self._number.get(payout_id)

    def add(self, found: Payout) -> int:
        """A payout by itself; its number."""
        number = self._number.setdefault(found.payout_id, len(self._number) + 1)
        if number > len(self._found):
            self._found.append(replace(found, payout=number))
        return number

    def declare(self, row: Row, net: Decimal, names: list[str] | None = None, payout_id: str | None = None) -> None:
        """The sum of a payout, that a line of its own says."""
        number = self.number(row, names or [], payout_id=payout_id)
        if number in self._declared:
            said = payout_id or row.cell.get("payout_id", "")
            raise row.fault("kind", f"payout {said} stands there twice")
        self._declared[number] = net
        if names:
            found = self._found[number - 1]
            self._found[number - 1] = replace(found, names=[*found.names, *names])

    def __iter__(self) -> Iterator[Payout]:
        for each in self._found:
            yield replace(each, net=self._declared.get(each.payout, each.net))


def name_of(row: Row, ours: str) -> str:
    """A name, by which something may be looked for."""
    text = row.cell.get(ours, "")
    if len(text) > REFERENCE:
        raise row.fault(ours, f"longer than {REFERENCE} characters: {text[:40]!r}")
    return text


def refs_of(row: Row) -> list[str]:
    """All that the row may be known by."""
    return [name for ours in REFERENCES if (name := name_of(row, ours))]


def needed_day(row: Row, ours: str) -> date:
    """A day, or the row cannot be read."""
    day = row.day(ours)
    if day is None:
        raise row.fault(ours, "no day")
    return day


def needed_money(row: Row, ours: str) -> Decimal:
    """An amount, or the row cannot be read."""
    amount = row.money(ours)
    if amount is None:
        raise row.fault(ours, "no amount")
    return amount


def days_only(row: Row, *fields: str) -> Row:
    """Without the time of day."""
    return replace(row, cell=row.cell | {ours: row.cell[ours][:10] for ours in fields if ours in row.cell})


def split(row: Row, ours: str) -> Decimal | None:
    """An amount that stands in a column of its own, or in one of two, for credit and debit: 0 in the other is none."""
    if ours in row.table.columns:
        return row.signed(ours) if ours == "gross" else row.money(ours)
    credit, debit = row.money(f"{ours}_credit"), row.money(f"{ours}_debit")
    if credit and debit:
        raise row.fault(f"{ours}_credit", "both a credit and a debit")
    if debit:
        return -abs(debit)
    return credit if credit is not None else None if debit is None else Decimal(0)
