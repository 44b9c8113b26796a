"""What acquirers say that they paid out goes into the database: each file once, in one transaction."""

import itertools
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from pybridge.client.bank import Bank
from pybridge.files import Tell, in_silence, payouts
from pybridge.files.bank_loading import CHUNK, Connection, Target, opened
from pybridge.files.payouts import Left, Line, Payout, Report


def _named_alike(*names: str) -> dict[str, str]:
    return {name: name for name in names}


PAYOUT = Target("file_payout", (), _named_alike("payout", "line", "payout_id", "names", "paid_on", "net", "currency"))
LINE = Target(
    "file_payout_line",
    (),
    _named_alike("payout", "line", "kind", "refs", "occurred_on", "gross", "fee", "net", "currency"),
)


@dataclass(frozen=True)
class LoadedPayouts:
    """What became of a report, NOK: `waiting` is not paid out yet, `left_out` no money of such a payout, and why."""

    file: str
    format: str | None
    already: bool
    payouts: int = 0
    known_payouts: int = 0
    amount: Decimal = Decimal(0)
    lines: int = 0
    waiting_lines: int = 0
    waiting_amount: Decimal = Decimal(0)
    left_out: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether there was a payout in it at all."""
        return self.already or self.payouts > 0


def import_payouts(
    connection: Connection,
    path: Path,
    route: str,
    kind: str | None = None,
    report: Report | None = None,
    *,
    tell: Tell = in_silence,
) -> LoadedPayouts:
    """Load an acquirer's report, once, in one transaction; Unreadable or a refusal leaves nothing behind."""
    with opened(connection, path) as (file, content, already):
        if already:
            return LoadedPayouts(path.name, None, True)
        reading = payouts.read(file, kind, report)
        found: list[Payout] = []
        left: Counter[str] = Counter()
        source = iter(reading.items)
        while chunk := list(itertools.islice(source, CHUNK)):
            found += [each for each in chunk if isinstance(each, Payout)]
            left.update(each.reason for each in chunk if isinstance(each, Left))
            LINE.copy(connection, (((), each) for each in chunk if isinstance(each, Line)))
            tell(f"read as far as line {chunk[-1].line}", 0, None)
        PAYOUT.copy(connection, (((), each) for each in found))
        tell("loading", 0, None)
        (loaded,) = Bank(connection).load_payout(
            route_name=route, file_name=path.name, content_sha256=content, format=f"payouts, {reading.format}"
        )
    return LoadedPayouts(
        file=path.name,
        format=reading.format,
        already=False,
        payouts=loaded.payouts,
        known_payouts=loaded.known_payouts,
        amount=loaded.amount,
        lines=loaded.lines,
        waiting_lines=loaded.waiting_lines,
        waiting_amount=loaded.waiting_amount,
        left_out=[*loaded.left_out, *(f"{count} lines: {reason}" for reason, count in sorted(left.items()))],
    )
