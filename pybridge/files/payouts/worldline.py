"""Worldline, formerly Nets and Bambora: the e-statement of card payments, with totals per card brand and merchant."""

import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import IO

from pybridge.files.payouts.model import Begin, Header, Item, Left, Line, Payouts, Report, needed_day, needed_money
from pybridge.files.tables import REFERENCE, csv_rows

NAME = "worldline"
LOOKS = (("UID", "Paym. date", "Trx Date", "Gross Amount", "Comm. Amount"),)
COLUMNS = {
    "merchant": ("Merchant Name", "Merchant name", "Merchant"),
    "kind": ("Type of record", "Record type", "Post types", "Post type", "Type"),
    "paid_on": ("Paym. date",),
    "occurred_on": ("Trx Date",),
    "gross": ("Gross Amount",),
    "fee": ("Comm. Amount",),
    "net": ("Net amount", "Net Amount"),
    "currency": ("Currency",),
    "transaction": ("Trx ID", "Archive ref.", "ARN", "Reference"),
    "order": ("Order ID", "Merchant ref.", "Order reference"),
}
NEEDED = ("merchant", "kind", "paid_on", "occurred_on", "gross", "fee", "net")

FORMS = (
    (r"\d{4}-\d\d-\d\d", "%Y-%m-%d"),
    (r"\d\d\.\d\d\.\d{4}", "%d.%m.%Y"),
    (r"\d\d/\d\d/\d{4}", "%d/%m/%Y"),
    (r"\d\d-\d\d-\d{4}", "%d-%m-%Y"),
)


class _Table(Report):
    FIELDS = (*Report.FIELDS, "merchant")
    NEEDED = ()


def read(file: IO[bytes], begin: Begin, header: Header) -> Iterator[Item]:
    """A payout is what a merchant is paid on a day; its sum is that of the merchant's totals, one per card brand."""
    columns = header.columns(COLUMNS, NEEDED)
    text = "\n".join(begin.lines)
    decimal = "," if re.search(r"\d,\d\d(\D|$)", text) and header.delimiter != "," else "."
    form = next(
        (f for pattern, f in FORMS if re.search(rf"(^|[^\d]){pattern}([^\d]|$)", text)),
        "%d.%m.%Y",
    )
    table = _Table(
        columns, delimiter=header.delimiter, decimal=decimal, date=form, encoding=begin.encoding, currency="NOK"
    )
    payouts = Payouts()
    totals: dict[str, Decimal] = {}
    for row in csv_rows(file, table):
        kind = row.cell["kind"].strip(".: ").lower()
        name = f"{row.cell['merchant']} {needed_day(row, 'paid_on')}"[:REFERENCE]
        if kind == "merchant total":
            totals[name] = totals.get(name, Decimal(0)) + needed_money(row, "net")
            payouts.number(row, [], payout_id=name)
            continue
        if kind != "trx":
            yield Left(row.line, f"a total ({row.cell['kind'][:40]})")
            continue
        gross, net = needed_money(row, "gross"), needed_money(row, "net")
        refs = [text for each in ("transaction", "order") if (text := row.cell.get(each, "")[:REFERENCE])]
        yield Line(
            payouts.number(row, [], payout_id=name),
            row.line,
            "PAYMENT" if gross > 0 else "REFUND" if gross < 0 else "FEE",
            refs,
            row.day("occurred_on"),
            gross,
            gross - net,  # with a minus in some countries
            net,
            (row.cell.get("currency") or "NOK").upper(),
        )
    for each in payouts:
        yield replace(each, net=totals.get(each.payout_id))
