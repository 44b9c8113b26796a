"""The words that tests of payouts are written in: Stripe's report, its items, and what the bank booked."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from pybridge.files import payout_loading
from pybridge.files.payouts import Report
from tests.support import banking
from tests.support.banking import expected
from tests.support.domain import Connection, rows

D = Decimal
DAY = date(2026, 1, 14)
PAID = DAY + timedelta(days=2)
ROUTE = "NET_CARD"

HEADER = (
    "automatic_payout_id,automatic_payout_effective_at,balance_transaction_id,created,reporting_category,"
    "gross,fee,net,currency,charge_id,payment_intent_id,source_id,description"
)


@dataclass(frozen=True)
class L:
    """A line of Stripe's report."""

    ref: str
    gross: str
    fee: str = "0.00"
    category: str = "charge"
    payout: str = "po_1"
    paid: date = PAID
    currency: str = "nok"
    net: str | None = None
    source: str = ""  # the refund's or the dispute's own name


def stripe(*lines: L) -> str:
    said = [HEADER]
    for number, each in enumerate(lines):
        net = each.net or str(D(each.gross) - D(each.fee))
        effective = f"{each.paid} 00:00:00" if each.payout else ""
        said.append(
            f"{each.payout},{effective},txn_{number},{DAY} 18:03:22,{each.category},{each.gross},{each.fee},{net},"
            f'{each.currency},ch_{each.ref},pi_{each.ref},{each.source or f"re_{number}"},"Ticket, one"'
        )
    return "\n".join([*said, ""])


def load(
    db: Connection,
    folder: Path,
    content: str,
    *,
    to: str = ROUTE,
    kind: str | None = None,
    report: Report | None = None,
) -> payout_loading.LoadedPayouts:
    path = folder / "report.csv"
    path.write_text(content)
    return payout_loading.import_payouts(db, path, to, kind, report)


def items(db: Connection, way: int, *amounts: tuple[str, int | str]) -> list[int]:
    """Items that are named so."""
    return [expected(db, way, (DAY, amount), reference=f"pi_{ref}")[0] for ref, amount in amounts]


def booked(
    db: Connection, folder: Path, *lines: tuple[Decimal | int | str, str], day: date = PAID, number: int = 1
) -> list[int]:
    """NOK and text of what the bank booked; returns the entries."""
    said = [(day, amount, f"B{number}{place}") for place, (amount, _) in enumerate(lines)]
    banking.load(db, folder, banking.mt940(said, number=number, texts=[text for _, text in lines]))
    return [row["entry"] for row in rows(db, "select entry from bank.entry order by entry desc limit %s", len(lines))][
        ::-1
    ]
