"""A payment provider's own list: what it charged, gave back and lost to disputes. It knows nothing of our tables."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from tests.support.payouts import HEADER

FEE = Decimal("0.014")
DISPUTE_FEE = Decimal(150)


@dataclass(frozen=True)
class Entry:
    """A row of its list: signed NOK, and what it keeps for it."""

    category: str
    name: str  # the charge's, the refund's, the dispute's own
    charge: str
    gross: Decimal
    fee: Decimal = Decimal(0)


@dataclass
class Provider:
    """What it has of each charge, by its reference."""

    entries: list[Entry] = field(default_factory=list)
    paid_out: int = 0
    count: int = 0

    def _name(self, kind: str) -> str:
        self.count += 1
        return f"{kind}_{self.count}x"

    def left(self, charge: str) -> Decimal:
        return sum((each.gross for each in self.entries if each.charge == charge), Decimal(0))

    def charges(self) -> list[str]:
        return [each.name for each in self.entries if each.category == "charge"]

    def charge(self, amount: Decimal) -> str:
        name = self._name("pi")
        self.entries.append(Entry("charge", name, name, amount, round(amount * FEE, 2)))
        return name

    def refund(self, charge: str, amount: Decimal) -> str:
        """Its own name of the refund; no more than it has of the charge."""
        assert 0 < amount <= self.left(charge), f"{charge}: {amount} of {self.left(charge)}"
        name = self._name("re")
        self.entries.append(Entry("refund", name, charge, -amount))
        return name

    def dispute(self, charge: str, amount: Decimal) -> str:
        assert 0 < amount <= self.left(charge)
        name = self._name("dp")
        self.entries.append(Entry("dispute", name, charge, -amount, DISPUTE_FEE))
        return name

    def reverse(self, dispute: str) -> None:
        (lost,) = (each for each in self.entries if each.name == dispute)
        self.entries.append(Entry("dispute_reversal", dispute, lost.charge, -lost.gross))

    def sums(self) -> dict[str, Decimal]:
        """What it has of each charge."""
        found: dict[str, Decimal] = defaultdict(Decimal)
        for each in self.entries:
            found[each.charge] += each.gross
        return dict(found)

    def owner(self, name: str) -> str | None:
        """The charge that a name of its list is about."""
        return next((each.charge for each in self.entries if name in (each.name, each.charge)), None)

    def pay_out(self, payout: str, day: date) -> tuple[str, Decimal]:
        """What is on its list since the payout before, as its report has it, and what it pays."""
        said, net = [HEADER], Decimal(0)
        for number, each in enumerate(self.entries[self.paid_out :], self.paid_out):
            net += each.gross - each.fee
            said.append(
                f"{payout},{day} 00:00:00,txn_{number}x,{day} 12:00:00,{each.category},{each.gross},{each.fee},"
                f"{each.gross - each.fee},nok,ch_{each.charge},{each.charge},{each.name},Ticket"
            )
        self.paid_out = len(self.entries)
        return "\n".join([*said, ""]), net
