"""Any other report: CSV by a declared map of its columns."""

from collections.abc import Iterator
from decimal import Decimal
from typing import IO

from pybridge.files.payouts.model import NOT_PAID, Item, Left, Line, Payouts, Report, name_of, refs_of, split
from pybridge.files.tables import Row, csv_rows

NAME = "csv"


def read(file: IO[bytes], report: Report) -> Iterator[Item]:
    """Lines of each payout, and those that have none yet."""
    payouts = Payouts()
    for row in csv_rows(file, report):
        kind = _kind(row, report)
        if kind == "SKIP":
            yield Left(row.line, f"skipped by the map ({row.cell['kind'][:40]})")
            continue
        gross, fee, net = _amounts(row, report)
        kind = kind or ("PAYMENT" if gross > 0 else "REFUND" if gross < 0 else "FEE")
        if kind == "FEE":
            gross, fee = Decimal(0), fee - gross
        yield Line(
            payouts.number(row, [name_of(row, "payout_name")], row.money("payout_net"))
            if row.cell["payout_id"]
            else NOT_PAID,
            row.line,
            kind,
            refs_of(row),
            row.day("occurred_on"),
            gross,
            fee,
            gross - fee if net is None else net,
            (row.cell.get("currency") or report.currency or "").upper(),
        )
    yield from payouts


def _kind(row: Row, report: Report) -> str | None:
    """What the map says that the word is; None: the sign decides."""
    if "kind" not in report.columns:
        return None
    word = row.cell["kind"]
    if word not in report.kinds:
        raise row.fault("kind", f"no kind is declared for {word[:40]!r}")
    return report.kinds[word]


def _amounts(row: Row, report: Report) -> tuple[Decimal, Decimal, Decimal | None]:
    fee = sum((row.money(each) or Decimal(0) for each in report.FEES), Decimal(0))
    fee = -fee if report.negative_fees else fee
    gross, net = split(row, "gross"), split(row, "net")
    if gross is None and net is None:
        raise row.fault("gross" if "gross" in report.columns else "net", "no amount")
    if gross is None:
        assert net is not None
        gross = net + fee
    return gross, fee, net
