"""SumUp: the list of payouts, as its API gives it in JSON or CSV: one record per payment that was paid out."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import IO

from pybridge.files.payouts.model import NOT_PAID, Begin, Header, Item, Line, Payout
from pybridge.files.payouts.records import Record, looks_like, records
from pybridge.files.tables import Unreadable

NAME = "sumup"
NEEDED = ("id", "type", "amount", "date", "currency", "fee", "transaction_code")
KINDS = {"PAYOUT": "PAYMENT", "REFUND_DEDUCTION": "REFUND"}
"""By type of record; any other is an ADJUSTMENT, which is taken out."""


def looks(begin: Begin) -> bool:
    """By the names of what it gives."""
    return looks_like(begin, *NEEDED)


def read(file: IO[bytes], begin: Begin, header: Header) -> Iterator[Item]:
    """Records of one reference and day are one payout; what failed is not paid out."""
    numbers: dict[tuple[str, date, str], int] = {}
    first: dict[int, Payout] = {}
    for row in records(file, begin, *NEEDED):
        day, currency = row.day("date"), row.text("currency").upper()
        reference = row.text("reference")
        number = NOT_PAID
        if row.text("status") in {"SUCCESSFUL", ""}:
            number = numbers.setdefault((reference, day, currency), len(numbers) + 1)
            names = [reference] if reference else []
            name = f"{reference or 'SumUp'} {day}"
            first.setdefault(number, Payout(number, row.line, name, names, day, None, currency))
        yield _line(row, number, day, currency)
    yield from first.values()


def _line(row: Record, number: int, day: date, currency: str) -> Line:
    type_ = row.text("type")
    amount, fee = row.money("amount"), row.money("fee")
    kind = KINDS.get(type_, "ADJUSTMENT")
    net = amount if type_ == "PAYOUT" else -abs(amount)
    if (kind == "PAYMENT" and net + fee <= 0) or fee < 0:
        raise Unreadable(row.line, "amount", f"a payout of {amount}, fee {fee}")
    if kind != "PAYMENT":
        fee = Decimal(0)
    refs = [text for each in ("transaction_code", "id") if (text := row.text(each))]
    return Line(number, row.line, kind, refs, day, net + fee, fee, net, currency)
