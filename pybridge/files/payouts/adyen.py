"""Adyen's settlement detail report: debit and credit columns, several fees, one batch or more."""

from collections.abc import Iterator
from decimal import Decimal
from typing import IO

from pybridge.files.payouts.model import (
    Begin,
    Header,
    Item,
    Left,
    Line,
    Payouts,
    Report,
    days_only,
    name_of,
    refs_of,
    split,
)
from pybridge.files.tables import Row, csv_rows

NAME = "adyen"
LOOKS = (("Merchant Account", "Psp Reference", "Net Credit (NC)", "Batch Number"),)
COLUMNS = {
    "account": ("Merchant Account",),
    "payout_id": ("Batch Number",),
    "paid_on": ("Booking Date", "Creation Date"),
    "kind": ("Type",),
    "occurred_on": ("Creation Date",),
    "gross_currency": ("Gross Currency",),
    "gross_credit": ("Gross Credit (GC)",),
    "gross_debit": ("Gross Debit (GC)",),
    "currency": ("Net Currency",),
    "net_credit": ("Net Credit (NC)",),
    "net_debit": ("Net Debit (NC)",),
    "commission": ("Commission (NC)",),
    "markup": ("Markup (NC)",),
    "scheme": ("Scheme Fees (NC)",),
    "interchange": ("Interchange (NC)",),
    "transaction": ("Psp Reference",),
    "charge": ("Modification Reference",),
    "order": ("Merchant Reference",),
    "payment": ("Modification Merchant Reference",),
}
NEEDED = ("account", "payout_id", "paid_on", "kind", "currency", "net_credit", "net_debit")
FEES = ("commission", "markup", "scheme", "interchange")
KINDS = {
    "Settled": "PAYMENT",
    "RefundedReversed": "PAYMENT",
    "Refunded": "REFUND",
    "Fee": "FEE",
    "MiscCosts": "FEE",
    "InvoiceDeduction": "FEE",
    "AuthorisationSchemeFee": "FEE",
    "PaymentCost": "FEE",
    "Chargeback": "DISPUTE",
    "SecondChargeback": "DISPUTE",
    "ChargebackReversed": "DISPUTE",
}
"""By type of journal; any other, such as a balance carried, is an ADJUSTMENT."""


class _Table(Report):
    FIELDS = (*Report.FIELDS, "account", "gross_currency", *FEES)


def read(file: IO[bytes], begin: Begin, header: Header) -> Iterator[Item]:
    """A batch is a payout per currency; it is paid on the day of its line MerchantPayout."""
    table = _Table(
        header.columns(COLUMNS, NEEDED),
        delimiter=header.delimiter,
        decimal=".",
        date="%Y-%m-%d",
        encoding=begin.encoding,
    )
    payouts = Payouts()
    held: dict[str, list[Row]] = {}
    for each in csv_rows(file, table):
        row = days_only(each, "paid_on", "occurred_on")
        currency = row.cell["currency"].upper()
        name = f"{row.cell['account']} {row.cell['payout_id']} {currency}"[:140]
        net = split(row, "net") or Decimal(0)
        if row.cell["kind"] in {"MerchantPayout", "InternalCompanyPayout"} and net <= 0:
            payouts.declare(row, -net, [f"batch {row.cell['payout_id']}", *refs_of(row)], name)
            for other in held.pop(name, []):
                yield _line(other, payouts.known(name) or 0)
            continue
        number = payouts.known(name)
        if number is None:
            held.setdefault(name, []).append(row)
        else:
            yield _line(row, number)
    for waiting in held.values():  # not paid out
        for row in waiting:
            yield _line(row, 0)
    yield from payouts


def _line(row: Row, number: int) -> Item:
    net = split(row, "net") or Decimal(0)
    fee = sum((row.money(ours) or Decimal(0) for ours in FEES), Decimal(0))
    kind = KINDS.get(row.cell["kind"], "ADJUSTMENT")
    gross = net + fee
    if kind == "FEE":
        gross, fee = Decimal(0), -net
    elif (kind == "PAYMENT" and gross <= 0) or (kind == "REFUND" and gross >= 0):
        if not gross and not net:
            return Left(row.line, f"{row.cell['kind']} of nothing")
        kind = "ADJUSTMENT"
    elif kind == "DISPUTE" and not (gross and row.cell.get("charge")):
        kind = "ADJUSTMENT"  # it does not say which dispute
    said = split(row, "gross")
    if (
        said is not None
        and kind != "FEE"
        and row.cell.get("gross_currency", "").upper() == row.cell["currency"].upper()
        and said != gross
    ):
        raise row.fault("gross_credit", f"gross {said} less fees {fee} are {said - fee}, not net {net}")
    name_of(row, "payout_id")
    return Line(
        number,
        row.line,
        kind,
        _dispute_refs(row) if kind == "DISPUTE" else refs_of(row),
        row.day("occurred_on"),
        gross,
        fee,
        net,
        row.cell["currency"].upper(),
    )


def _dispute_refs(row: Row) -> list[str]:
    """The dispute's own first, then whatever the payment may be known by."""
    return [name for ours in ("charge", "transaction", "order") if (name := name_of(row, ours))]
