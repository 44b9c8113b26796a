"""Statements in CSV, by a declared map of their columns."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import IO

from pybridge.files.statement_items import Entry, Item, Reference, Statement, as_json
from pybridge.files.tables import Row, Table, Unreadable, csv_rows, reference


@dataclass(frozen=True)
class Layout(Table):
    """What the columns of a statement are."""

    account: str | None = None

    FIELDS = (
        *("booked_on", "value_on", "amount", "sign", "credit", "debit", "balance", "currency", "account"),
        *("bank_reference", "end_to_end", "kid", "code", "text"),
    )
    NEEDED = ("booked_on",)

    def __post_init__(self) -> None:
        super().__post_init__()
        if ("amount" in self.columns) == ("credit" in self.columns or "debit" in self.columns):
            raise ValueError("one column for amount, or two for credit and debit")
        if "sign" in self.columns and "amount" not in self.columns:
            raise ValueError("a column of signs goes with one of amounts")
        if self.account is None and "account" not in self.columns:
            raise ValueError("neither an account nor a column for it")


class _Balances:
    """The running balance: it goes up or down the file, and each row's follows from its neighbour's."""

    def __init__(self) -> None:
        self.first: tuple[Decimal, Decimal] | None = None  # amount and balance
        self._last: tuple[Decimal, Decimal] | None = None
        self.is_descending: bool | None = None

    def add(self, row: Row, amount: Decimal) -> None:
        balance = row.money("balance")
        if balance is None:
            raise row.fault("balance", "no amount")
        now = (amount, balance)
        if self._last is not None:
            up = self._last[1] + amount == balance
            down = balance + self._last[0] == self._last[1]
            if not (up if self.is_descending is False else down if self.is_descending else up or down):
                raise row.fault("balance", f"{balance} does not follow from {self._last[1]}")
            if up != down:
                self.is_descending = down
        self.first = self.first or now
        self._last = now

    def ends(self, days_fall: bool | None) -> tuple[Decimal, Decimal] | tuple[None, None]:
        """What it opened and closed with; None where it can be read both ways, and the days do not say which."""
        if self.first is None or self._last is None:
            return None, None
        if self.is_descending is None:  # 100, -100, 100 ...
            self.is_descending = days_fall
        ways = [(begin[1] - begin[0], end[1]) for begin, end in ((self.first, self._last), (self._last, self.first))]
        if self.is_descending is None:
            return ways[0] if ways[0] == ways[1] else (None, None)
        return ways[self.is_descending]


def read(file: IO[bytes], columns: Layout, name: str) -> Iterator[Item]:
    account, first, last = columns.account, None, None
    top = bottom = None  # days of the first row and the last
    balances = _Balances()
    for row in csv_rows(file, columns):
        row_account = row.cell.get("account") or columns.account
        if account is not None and row_account != account:
            raise row.fault("account", "another account: one file is of one")
        account = row_account
        entry = _entry(row, columns)
        if "balance" in columns.columns:
            balances.add(row, entry.amount)
        top = top or entry.booked_on
        first = min(first or entry.booked_on, entry.booked_on)
        last = max(last or entry.booked_on, entry.booked_on)
        yield entry
        bottom = entry.booked_on
    if first is None or account is None:
        raise Unreadable(2, "", "there are no lines beneath the header")
    opening, closing = balances.ends(top > bottom if top and bottom and top != bottom else None)
    yield Statement(
        *(1, 1, "EXPORT", name, None, account, columns.currency, first, last, opening, closing),
        is_descending=bool(balances.is_descending),
    )


def _entry(row: Row, columns: Layout) -> Entry:
    cell = row.cell
    booked_on = _day(row)
    named = [
        Reference(kind, found)
        for kind, ours in (("KID", "kid"), ("END_TO_END", "end_to_end"), ("BANK", "bank_reference"))
        if (found := reference(cell.get(ours)))
    ]
    return Entry(
        1,
        row.line,
        booked_on,
        row.day("value_on"),
        _amount(row),
        cell.get("currency") or columns.currency,
        bank_reference=reference(cell.get("bank_reference")),
        end_to_end=reference(cell.get("end_to_end")),
        kid=reference(cell.get("kid")),
        code=cell.get("code", ""),
        text=cell.get("text", ""),
        more=as_json({**row.more}),
        references=named,
    )


def _day(row: Row) -> date:
    found = row.day("booked_on")
    if found is None:
        raise row.fault("booked_on", "no day")
    return found


def _amount(row: Row) -> Decimal:
    if "amount" in row.table.columns:
        amount = row.signed("amount")
    else:
        credit, debit = row.money("credit"), row.money("debit")
        if credit and debit:
            raise row.fault("credit", "both a credit and a debit")
        amount = -abs(debit) if debit else credit if credit is not None else debit
    if amount is None:
        raise row.fault("amount" if "amount" in row.table.columns else "credit", "no amount")
    return amount
