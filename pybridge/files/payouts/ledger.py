"""A ledger of what an acquirer owes: what stands since the payout before is in the next."""

from collections.abc import Hashable, Iterator
from datetime import date
from decimal import Decimal

from pybridge.files.payouts.model import Line, Payout


class Ledger:
    """Numbers the payouts of one or more ledgers in a file, oldest line first."""

    def __init__(self) -> None:
        self._waiting: dict[Hashable, int] = {}
        self._last = 0
        self._carried: dict[Hashable, Decimal] = {}
        self._sum: dict[Hashable, Decimal] = {}

    def number(self, key: Hashable) -> int:
        """The payout that the next line will be in."""
        if key not in self._waiting:
            self._last += 1
            self._waiting[key] = self._last
        return self._waiting[key]

    def add(self, key: Hashable, net: Decimal) -> int:
        """A line of this much: the payout that it is in."""
        self._sum[key] = self._sum.get(key, Decimal(0)) + net
        return self.number(key)

    def payout(
        self,
        key: Hashable,
        line: int,
        payout_id: str,
        names: list[str],
        day: date,
        net: Decimal,
        currency: str | None,
    ) -> Payout:
        """A payout of what stands."""
        number = self.number(key)
        del self._waiting[key]
        self._sum[key] = Decimal(0)
        return Payout(number, line, payout_id, names, day, net, currency)

    def rest(self, key: Hashable, line: int, day: date, net: Decimal, after: Decimal, currency: str) -> Iterator[Line]:
        """Before a payout of net that leaves something on the account: what was left before less what is left now, as
        an adjustment, so that what the lines do not say is seen."""
        number = self.number(key)
        stood = self._sum.get(key, Decimal(0))
        before = self._carried.get(key)
        if before is None:  # the account before the file's begin
            before = after + net - stood
        amount = before - after
        if amount:
            refs = [f"balance before {before}", f"balance after {after}"]
            yield Line(number, line, "ADJUSTMENT", refs, day, amount, Decimal(0), amount, currency)
        self._carried[key] = after
