"""What a report would be read as, before anything is loaded."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from pybridge.files.payouts.model import NOT_PAID, Left, Line, Payout, Reading

SHOWN = 5
"""Lines that are shown as they were read."""


@dataclass
class Sum:
    """A payout, or what waits for one, as its lines have it; `said` is what the report says that it is."""

    payout_id: str
    paid_on: date | None
    currency: str
    lines: int = 0
    gross: Decimal = Decimal(0)
    fee: Decimal = Decimal(0)
    other: Decimal = Decimal(0)
    net: Decimal = Decimal(0)
    said: Decimal | None = None

    @property
    def adds_up(self) -> bool:
        """Whether the lines are what was paid."""
        return self.said is None or self.said == self.net


@dataclass(frozen=True)
class Explained:
    """A report: its format, the columns that were found, its payouts, kinds of lines, and what is left out."""

    format: str
    columns: dict[str, str]
    payouts: list[Sum]
    kinds: dict[str, int]
    left_out: dict[str, int]
    first: list[Line]

    @property
    def is_whole(self) -> bool:
        """Whether there are payouts, and all are their lines."""
        paid = [each for each in self.payouts if each.paid_on is not None]
        return bool(paid) and all(each.adds_up and each.lines for each in paid)


def explain(reading: Reading) -> Explained:
    """Reads it to its end."""
    sums: dict[tuple[int, str], Sum] = {}
    found: dict[int, Payout] = {}
    kinds: Counter[str] = Counter()
    left: Counter[str] = Counter()
    first: list[Line] = []
    for each in reading.items:
        if isinstance(each, Left):
            left[each.reason] += 1
        elif isinstance(each, Payout):
            found[each.payout] = each
        else:
            kinds[each.kind] += 1
            if len(first) < SHOWN:
                first.append(each)
            own = sums.setdefault((each.payout, each.currency), Sum("", None, each.currency))
            own.lines += 1
            own.fee += each.fee
            own.net += each.net
            if each.kind == "ADJUSTMENT":
                own.other += each.gross
            else:
                own.gross += each.gross
    for number, payout in found.items():
        own_sums = [own for (of, _), own in sums.items() if of == number]
        if not own_sums:
            own_sums = [sums.setdefault((number, payout.currency or ""), Sum("", None, payout.currency or ""))]
        for own in own_sums:
            own.payout_id, own.paid_on, own.said = payout.payout_id, payout.paid_on, payout.net
    for (number, _), own in sums.items():
        if number == NOT_PAID or own.paid_on is None:
            own.payout_id = "not paid out yet"
    return Explained(reading.format, reading.columns, list(sums.values()), dict(kinds), dict(left), first)
