"""What an acquirer says that it paid out: Stripe's payout reconciliation, the ledger of Vipps MobilePay, and CSV by a
declared column map, read as a stream.

Each line as it is in the file; whether it may be so, the database judges.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import IO

from pybridge.files.tables import LONGEST, REFERENCE, Row, Table, Unreadable, csv_rows

FORMATS = ("stripe", "vipps", "csv")
NOT_PAID = 0
"""The payout of lines that have none yet."""


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


Item = Line | Payout

REFERENCES = ("transaction", "charge", "payment", "order")
KINDS = ("PAYMENT", "REFUND", "FEE", "ADJUSTMENT", "SKIP")


@dataclass(frozen=True)
class Report(Table):
    """What the columns of a report are, and which word is which kind of line."""

    kinds: dict[str, str] = field(default_factory=dict)
    negative_fees: bool = False
    """A fee that was kept back has a minus."""

    FIELDS = (
        *("payout_id", "payout_name", "paid_on", "payout_net"),
        *("kind", "occurred_on", "gross", "fee", "net", "currency"),
        *REFERENCES,
    )
    NEEDED = ("payout_id", "paid_on", "gross")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.negative_fees, bool):
            raise ValueError("negative_fees is true or false")
        unknown = sorted({each for each in self.kinds.values() if each not in KINDS})
        if unknown:
            raise ValueError(f"unknown kinds {', '.join(unknown)}; there are {', '.join(KINDS)}")
        if self.currency is None and "currency" not in self.columns:
            raise ValueError("neither a currency nor a column for it")


def read(file: IO[bytes], said: str | None = None, report: Report | None = None) -> tuple[str, Iterator[Item]]:
    """The format, and what is in the file: lines, and payouts, each after its first line. Unreadable, from either."""
    first = file.readline(LONGEST)
    file.seek(0)
    text = first.decode("utf-8", "replace").removeprefix("\ufeff")
    delimiter = max(",;\t", key=text.count)
    try:
        header = {each.strip() for each in next(csv.reader([text], delimiter=delimiter), [])}
    except csv.Error:
        header = set()
    kind = said or ("csv" if report is not None else _recognised(header))
    if kind == "stripe":
        return kind, _stripe(file, header, delimiter)
    if kind == "vipps":
        return kind, _vipps(file, header, delimiter)
    if kind != "csv" or report is None:
        raise Unreadable(1, "", "neither Stripe's report nor Vipps MobilePay's: another one needs a map of its columns")
    return kind, _mapped(file, report)


def _recognised(header: set[str]) -> str | None:
    if {"automatic_payout_id", "reporting_category"} <= header:
        return "stripe"
    if {"entryType", "pspReference"} <= header or {"Type", "PSP reference"} <= header:
        return "vipps"
    return None


def _present(header: set[str], wanted: dict[str, tuple[str, ...]], needed: tuple[str, ...]) -> dict[str, str]:
    """The columns that are there, by our names; of those that are needed the usual one, to be missed by name."""
    found = {ours: next((each for each in theirs if each in header), None) for ours, theirs in wanted.items()}
    return {ours: each or wanted[ours][0] for ours, each in found.items() if each is not None or ours in needed}


class _Payouts:
    """Payouts as they are met: numbered, and held until the end, since their lines may stand anywhere."""

    def __init__(self) -> None:
        self._number: dict[str, int] = {}
        self._found: list[Payout] = []
        self._declared: dict[int, Decimal] = {}

    def number(self, row: Row, names: list[str], net: Decimal | None = None) -> int:
        payout_id = _name(row, "payout_id")
        number = self._number.setdefault(payout_id, len(self._number) + 1)
        paid_on = _needed_day(row, "paid_on")
        found = Payout(number, row.line, payout_id, names, paid_on, net)
        if number > len(self._found):
            self._found.append(found)
            return number
        known = self._found[number - 1]
        if paid_on != known.paid_on:
            raise row.fault("paid_on", f"payout {payout_id} is of {known.paid_on} on line {known.line}")
        if net != known.net:
            raise row.fault("payout_net", f"payout {payout_id} is of {known.net} on line {known.line}")
        return number

    def declare(self, row: Row, net: Decimal) -> None:
        """The sum of a payout, that a line of its own says."""
        number = self.number(row, [])
        if number in self._declared:
            raise row.fault("kind", f"payout {row.cell['payout_id']} stands there twice")
        self._declared[number] = net

    def __iter__(self) -> Iterator[Payout]:
        for each in self._found:
            net = self._declared.get(each.payout, each.net)
            yield Payout(each.payout, each.line, each.payout_id, each.names, each.paid_on, net)


def _name(row: Row, ours: str) -> str:
    text = row.cell.get(ours, "")
    if len(text) > REFERENCE:
        raise row.fault(ours, f"longer than {REFERENCE} characters: {text[:40]!r}")
    return text


def _refs(row: Row) -> list[str]:
    return [name for ours in REFERENCES if (name := _name(row, ours))]


def _needed_day(row: Row, ours: str) -> date:
    day = row.day(ours)
    if day is None:
        raise row.fault(ours, "no day")
    return day


def _needed_money(row: Row, ours: str) -> Decimal:
    amount = row.money(ours)
    if amount is None:
        raise row.fault(ours, "no amount")
    return amount


def _days_only(row: Row, *fields: str) -> Row:
    """Without the time of day."""
    return Row(row.line, row.cell | {ours: row.cell[ours][:10] for ours in fields if ours in row.cell}, row.table)


# --- Stripe ---------------------------------------------------------------------------------------------------------

STRIPE = {
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
STRIPE_KINDS = {
    "charge": "PAYMENT",
    "refund_failure": "PAYMENT",
    "transfer_reversal": "PAYMENT",
    "refund": "REFUND",
    "transfer": "REFUND",
    "fee": "FEE",
    "network_cost": "FEE",
    "tax": "FEE",
}
"""By reporting category; any other is an ADJUSTMENT. A transfer pays somebody, and is expected as a refund is."""


def _stripe(file: IO[bytes], header: set[str], delimiter: str) -> Iterator[Item]:
    needed = ("payout_id", "paid_on", "kind", "gross", "fee", "net", "currency")
    table = Report(_present(header, STRIPE, needed), delimiter=delimiter, decimal=".", date="%Y-%m-%d")
    payouts = _Payouts()
    for each in csv_rows(file, table):
        row = _days_only(each, "paid_on", "occurred_on")
        category = row.cell["kind"]
        gross, fee, net = (_needed_money(row, ours) for ours in ("gross", "fee", "net"))
        paid = bool(row.cell["payout_id"])
        if category == "payout":
            if paid:
                payouts.declare(row, -net)
            continue
        kind = STRIPE_KINDS.get(category, "ADJUSTMENT")
        if kind == "FEE":
            gross, fee = Decimal(0), fee - gross
        yield Line(
            payouts.number(row, [_name(row, "payout_name")]) if paid else NOT_PAID,
            row.line,
            kind,
            _refs(row),
            row.day("occurred_on"),
            gross,
            fee,
            net,
            row.cell["currency"].upper(),
        )
    yield from payouts


# --- Vipps MobilePay ------------------------------------------------------------------------------------------------

VIPPS = {
    "ledger": ("MSN/Vipps number",),
    "kind": ("entryType", "Type"),
    "paid_on": ("ledgerDate", "Booking date"),
    "gross": ("amount", "Amount"),
    "currency": ("currency", "Currency"),
    "payout_id": ("pspReference", "PSP reference"),
    "order": ("reference", "Order ID/Reference"),
}
VIPPS_KINDS = {"capture": "PAYMENT", "refund": "REFUND", "fees-retained": "FEE"}
"""By type of entry; any other, such as a disputed capture, is an ADJUSTMENT."""


@dataclass(frozen=True)
class _Ledger(Table):
    FIELDS = tuple(VIPPS)


def _vipps(file: IO[bytes], header: set[str], delimiter: str) -> Iterator[Item]:
    """A ledger: what stands since the payout before, or the file's begin, is in the next payout, fees by themselves."""
    needed = ("kind", "paid_on", "gross", "currency", "payout_id")
    columns = _present(header, VIPPS, needed)
    # The API has øre, the portal kroner.
    unit = Decimal(100) if columns["gross"] == "amount" else Decimal(1)
    table = _Ledger(columns, delimiter=delimiter, decimal=".", date="%Y-%m-%d")
    waiting: dict[str, int] = {}
    last = 0
    for each in csv_rows(file, table):
        row = _days_only(each, "paid_on")
        ledger = row.cell.get("ledger", "")
        if ledger not in waiting:
            last += 1
            waiting[ledger] = last
        kind = re.sub(r"[\s_-]+", "-", row.cell["kind"].lower())
        amount = _needed_money(row, "gross") / unit
        day = _needed_day(row, "paid_on")
        name = _name(row, "payout_id")
        if kind == "payout-scheduled":
            number = waiting.pop(ledger)
            short = name.rpartition("-")[2]
            if row.cell["currency"].upper() != "NOK":
                raise row.fault("currency", f"a payout in {row.cell['currency'][:20]}")
            yield Payout(number, row.line, name, [short] if len(short) >= 6 else [], day, -amount)
            continue
        ours = VIPPS_KINDS.get(kind, "ADJUSTMENT")
        zero = Decimal(0)
        yield Line(
            waiting[ledger],
            row.line,
            ours,
            [each for each in (name, _name(row, "order")) if each],
            day,
            zero if ours == "FEE" else amount,
            -amount if ours == "FEE" else zero,
            amount,
            row.cell["currency"].upper(),
        )


# --- Others ---------------------------------------------------------------------------------------------------------


def _mapped(file: IO[bytes], report: Report) -> Iterator[Item]:
    payouts = _Payouts()
    for row in csv_rows(file, report):
        gross = _needed_money(row, "gross")
        fee = row.money("fee") or Decimal(0)
        fee = -fee if report.negative_fees else fee
        if "kind" in report.columns:
            word = row.cell["kind"]
            if word not in report.kinds:
                raise row.fault("kind", f"no kind is declared for {word[:40]!r}")
            kind = report.kinds[word]
        else:
            kind = "PAYMENT" if gross > 0 else "REFUND" if gross < 0 else "FEE"
        if kind == "SKIP":
            continue
        net = row.money("net")
        if kind == "FEE":
            gross, fee = Decimal(0), fee - gross
        yield Line(
            payouts.number(row, [_name(row, "payout_name")], row.money("payout_net"))
            if row.cell["payout_id"]
            else NOT_PAID,
            row.line,
            kind,
            _refs(row),
            row.day("occurred_on"),
            gross,
            fee,
            gross - fee if net is None else net,
            (row.cell.get("currency") or report.currency or "").upper(),
        )
    yield from payouts
