"""Stripe: payout reconciliation, itemised, of automatic payouts; in one file several payouts and currencies."""

from collections.abc import Iterator
from typing import IO

from pybridge.files.payouts.model import (
    NOT_PAID,
    Begin,
    Header,
    Item,
    Line,
    Payouts,
    Report,
    days_only,
    name_of,
    needed_money,
    refs_of,
)
from pybridge.files.tables import Row, csv_rows

NAME = "stripe"
LOOKS = (("automatic_payout_id", "reporting_category"),)
COLUMNS = {
    "payout_id": ("automatic_payout_id",),
    "payout_name": ("trace_id",),
    "paid_on": ("automatic_payout_effective_at", "automatic_payout_effective_at_utc"),
    "kind": ("reporting_category",),
    "occurred_on": ("created", "created_utc"),
    "gross": ("gross",),
    "fee": ("fee",),
    "net": ("net",),
    "currency": ("currency",),
    "transaction": ("balance_transaction_id",),
    "charge": ("charge_id",),
    "payment": ("payment_intent_id",),
    "order": ("source_id",),
}
NEEDED = ("payout_id", "paid_on", "kind", "gross", "fee", "net", "currency")
KINDS = {
    "charge": "PAYMENT",
    "refund_failure": "PAYMENT",
    "transfer_reversal": "PAYMENT",
    "refund": "REFUND",
    "transfer": "REFUND",
    "fee": "FEE",
    "network_cost": "FEE",
    "tax": "FEE",
    "dispute": "DISPUTE",
    "dispute_reversal": "DISPUTE",
}
"""By reporting category; any other is an ADJUSTMENT. A transfer pays somebody, and is expected as a refund is."""


def read(file: IO[bytes], begin: Begin, header: Header) -> Iterator[Item]:
    """Lines of each payout, and those that have none yet."""
    table = Report(
        header.columns(COLUMNS, NEEDED),
        delimiter=header.delimiter,
        decimal=".",
        date="%Y-%m-%d",
        encoding=begin.encoding,
    )
    payouts = Payouts()
    for each in csv_rows(file, table):
        row = days_only(each, "paid_on", "occurred_on")
        category = row.cell["kind"]
        gross, fee, net = (needed_money(row, ours) for ours in ("gross", "fee", "net"))
        paid = bool(row.cell["payout_id"])
        if category == "payout":
            if paid:
                payouts.declare(row, -net)
            continue
        kind = KINDS.get(category, "ADJUSTMENT")
        if kind == "DISPUTE" and not (gross and row.cell.get("order")):
            kind = "ADJUSTMENT"
        if kind == "FEE":
            gross, fee = gross * 0, fee - gross
        yield Line(
            payouts.number(row, [name_of(row, "payout_name")]) if paid else NOT_PAID,
            row.line,
            kind,
            _dispute_refs(row) if kind == "DISPUTE" else refs_of(row),
            row.day("occurred_on"),
            gross,
            fee,
            net,
            row.cell["currency"].upper(),
        )
    yield from payouts


def _dispute_refs(row: Row) -> list[str]:
    """The dispute's own first, then whatever the payment may be known by."""
    return [name for ours in ("order", "payment", "charge") if (name := name_of(row, ours))]
