"""Zettle: the transactions of its account LIQUID, as the Finance API gives them, in JSON or CSV; amounts in øre."""

from collections.abc import Iterator
from decimal import Decimal
from typing import IO

from pybridge.files.payouts.ledger import Ledger
from pybridge.files.payouts.model import Begin, Header, Item, Line
from pybridge.files.payouts.records import Record, looks_like, records

NAME = "zettle"
NEEDED = ("timestamp", "amount", "originatorTransactionType")
CURRENCY = "NOK"
"""The API names none: it is that of the merchant's country."""


def looks(begin: Begin) -> bool:
    """By the names of what it gives."""
    return looks_like(begin, *NEEDED)


def read(file: IO[bytes], begin: Begin, header: Header) -> Iterator[Item]:
    """A payout is what stands since the one before, fees by themselves; oldest first, whichever way they come."""
    found = sorted(records(file, begin, *NEEDED), key=lambda each: each.text("timestamp"))
    ledger = Ledger()
    for each in found:
        yield _item(each, ledger)


def _item(row: Record, ledger: Ledger) -> Item:
    kind, day = row.text("originatorTransactionType"), row.day("timestamp")
    amount = row.money("amount", 100)
    name = row.text("originatingTransactionUuid") or row.text("originatorTransactionUuid")
    if kind == "PAYOUT" and amount < 0:
        return ledger.payout(CURRENCY, row.line, name or f"{row.text('timestamp')}", [], day, -amount, CURRENCY)
    ours, fee = "ADJUSTMENT", Decimal(0)
    if kind == "PAYMENT" and amount:
        ours = "PAYMENT" if amount > 0 else "REFUND"
    elif kind in {"PAYMENT_FEE", "INVOICE_PAYMENT_FEE"}:
        ours, fee = "FEE", -amount
    gross = amount + fee
    refs = [name] if name else []
    return Line(ledger.add(CURRENCY, amount), row.line, ours, refs, day, gross, fee, amount, CURRENCY)
