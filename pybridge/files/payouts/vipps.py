"""Vipps MobilePay's ledger: the portal's settlement report, or the Report API's funds as CSV, which has øre."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import IO

from pybridge.files.payouts.ledger import Ledger
from pybridge.files.payouts.model import Begin, Header, Item, Line, days_only, name_of, needed_day, needed_money
from pybridge.files.tables import REFERENCE, Table, csv_rows

NAME = "vipps"
LOOKS = (("entryType", "pspReference"), ("Type", "PSP reference"))
COLUMNS = {
    "ledger": ("MSN/Vipps number",),
    "kind": ("entryType", "Type"),
    "paid_on": ("ledgerDate", "Booking date"),
    "gross": ("amount", "Amount"),
    "currency": ("currency", "Currency"),
    "payout_id": ("pspReference", "PSP reference"),
    "order": ("reference", "Order ID/Reference"),
}
NEEDED = ("kind", "paid_on", "gross", "currency", "payout_id")
KINDS = {
    "capture": "PAYMENT",
    "refund": "REFUND",
    "fees-retained": "FEE",
    "retained-disputed-capture": "DISPUTE",
    "returned-disputed-capture": "DISPUTE",
}
"""By type of entry; any other, such as a correction, is an ADJUSTMENT."""


@dataclass(frozen=True)
class _Table(Table):
    FIELDS = tuple(COLUMNS)


def read(file: IO[bytes], begin: Begin, header: Header) -> Iterator[Item]:
    """What stands since the payout before, or the file's begin, is in the next payout, fees by themselves."""
    columns = header.columns(COLUMNS, NEEDED)
    unit = 100 if columns["gross"] == "amount" else 1
    table = _Table(
        columns,
        delimiter=header.delimiter,
        decimal=".",
        date="%Y-%m-%d",
        encoding=begin.encoding,
        unit=unit,
    )
    ledger = Ledger()
    zero = Decimal(0)
    for each in csv_rows(file, table):
        row = days_only(each, "paid_on")
        kind = re.sub(r"[\s_-]+", "-", row.cell["kind"].lower())
        amount = needed_money(row, "gross")
        day = needed_day(row, "paid_on")
        name = name_of(row, "payout_id")
        currency = row.cell["currency"].upper()
        key = (row.cell.get("ledger", ""), currency)
        if kind == "payout-scheduled":
            short = name.rpartition("-")[2]
            names = [short] if len(short) >= 6 else []
            yield ledger.payout(key, row.line, name, names, day, -amount, currency)
            continue
        ours = KINDS.get(kind, "ADJUSTMENT")
        order = name_of(row, "order")
        refs = [each for each in (name, order) if each]
        if ours == "DISPUTE":
            if not refs or (amount >= 0 if kind.startswith("retained") else amount <= 0):
                ours = "ADJUSTMENT"
            else:
                # It says nothing but whose payment: what is retained and what is returned have that in common.
                refs = [f"DISPUTE-{order or name}"[:REFERENCE], *refs]
        yield Line(
            ledger.add(key, amount),
            row.line,
            ours,
            refs,
            day,
            zero if ours == "FEE" else amount,
            -amount if ours == "FEE" else zero,
            amount,
            currency,
        )
