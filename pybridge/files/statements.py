"""What a bank says was booked: camt.053 and camt.054, MT940, and CSV by a declared column map, read as a stream.

Each entry as it is in the file; whether it may be so, the database judges.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import IO

from pybridge.extras import needs
from pybridge.files.tables import TEXT, Row, Table, Unreadable, csv_rows, reference


@dataclass(frozen=True)
class Detail:
    """A payment in an entry; the amount is signed as the entry's, None where the file does not say."""

    amount: Decimal | None
    bank_reference: str = ""
    end_to_end: str = ""
    kid: str = ""
    text: str = ""


@dataclass(frozen=True)
class Entry:
    """A booked entry: in positive, out negative."""

    statement: int
    line: int
    booked_on: date
    value_on: date | None
    amount: Decimal
    currency: str | None
    is_reversal: bool = False
    bank_reference: str = ""
    end_to_end: str = ""
    kid: str = ""
    code: str = ""
    text: str = ""
    details: list[Detail] = field(default_factory=list)


@dataclass(frozen=True)
class Statement:
    """A statement, after its entries."""

    statement: int
    line: int
    kind: str
    statement_id: str
    sequence_number: int | None
    account: str
    currency: str | None
    from_day: date | None
    to_day: date | None
    opening: Decimal | None
    closing: Decimal | None


Item = Entry | Statement


@dataclass(frozen=True)
class Layout(Table):
    """What the columns of a statement are."""

    account: str | None = None

    FIELDS = (
        *("booked_on", "value_on", "amount", "credit", "debit", "currency", "account"),
        *("bank_reference", "end_to_end", "kid", "code", "text"),
    )
    NEEDED = ("booked_on",)

    def __post_init__(self) -> None:
        super().__post_init__()
        if ("amount" in self.columns) == ("credit" in self.columns or "debit" in self.columns):
            raise ValueError("one column for amount, or two for credit and debit")
        if self.account is None and "account" not in self.columns:
            raise ValueError("neither an account nor a column for it")


def read(file: IO[bytes], csv_layout: Layout | None = None, *, name: str = "CSV") -> tuple[str, Iterator[Item]]:
    """The format, and what is in the file: entries, each statement after its own. Unreadable, from either."""
    if csv_layout is not None:
        return "CSV", _csv(file, csv_layout, name)
    begin = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    file.seek(0)
    if begin.startswith(b"<"):
        with needs("bank"):
            from pybridge.files import camt
        return camt.kind(begin), camt.read(file)
    if begin.startswith((b":20:", b"{1:")):
        with needs("bank"):
            from pybridge.files import mt940
        return "MT940", mt940.read(file)
    raise Unreadable(1, "", "neither XML nor MT940: CSV needs a map of its columns")


def _csv(file: IO[bytes], columns: Layout, name: str) -> Iterator[Item]:
    account, first, last = columns.account, None, None
    for row in csv_rows(file, columns):
        row_account = row.cell.get("account") or columns.account
        if account is not None and row_account != account:
            raise row.fault("account", "another account: one file is of one")
        account = row_account
        entry = _csv_entry(row, columns)
        first = min(first or entry.booked_on, entry.booked_on)
        last = max(last or entry.booked_on, entry.booked_on)
        yield entry
    if first is None or account is None:
        raise Unreadable(2, "", "there are no lines beneath the header")
    yield Statement(1, 1, "EXPORT", name, None, account, columns.currency, first, last, None, None)


def _csv_entry(row: Row, columns: Layout) -> Entry:
    cell = row.cell
    booked_on = row.day("booked_on")
    if booked_on is None:
        raise row.fault("booked_on", "no day")
    if "amount" in columns.columns:
        amount = row.money("amount")
    else:
        credit, debit = row.money("credit"), row.money("debit")
        if credit is not None and debit is not None:
            raise row.fault("credit", "both a credit and a debit")
        amount = credit if credit is not None else None if debit is None else -abs(debit)
    if amount is None:
        raise row.fault("amount" if "amount" in columns.columns else "credit", "no amount")
    return Entry(
        1,
        row.line,
        booked_on,
        row.day("value_on"),
        amount,
        cell.get("currency") or columns.currency,
        bank_reference=reference(cell.get("bank_reference")),
        end_to_end=reference(cell.get("end_to_end")),
        kid=reference(cell.get("kid")),
        code=cell.get("code", "")[:35],
        text=cell.get("text", "")[:TEXT],
    )
