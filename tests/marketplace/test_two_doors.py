"""Two doors to the same krone: hard sequences of what gateways, persons and corrections do, each reckoned by hand.

January has three clicks of 100 of an advertiser on a publisher's site, whose share is 70 each; the operator has put in
1,000. `charge` and the like are steps below; a step that ends in !23B72 is refused with that.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import psycopg
import pytest

from tests.conftest import Connection
from tests.support import four as people
from tests.support import market
from tests.support.domain import one, rows
from tests.support.four import CHARGED, FEBRUARY, JANUARY, Four
from tests.support.market import at, call

NOW = at(2026, 2, 20)

# The steps; what the advertiser has paid in all by the gateway, and owes; what the publisher has got, and owes; and
# what is in the purse. What the operator has lost is what is wanting there.
SEQUENCES: dict[str, tuple[int, int, int, int, int]] = {
    # Charged: nothing is left to be let go.
    "charge settle:WRITTEN_OFF:300!23B92 refund:300 take:3": (0, 0, 0, 0, 1000),
    "charge take:3 refund:300!23B72": (300, -300, 0, 0, 1300),
    "charge refund:300 take:3 dispute:300 lose:300": (-300, 0, 0, 0, 700),
    "charge refund:100 dispute:200 take:3 win:200 refund:200!23B72": (200, -200, 0, 0, 1200),
    "charge dispute:300 take:2 win:300 refund:300!23B72 refund:100 take:1": (200, -200, 0, 0, 1200),
    "charge dispute:300 lose:300 goodwill:adv:300 take:3": (0, -300, 0, 0, 1000),
    "charge dispute:100 lose:100 take:3 refund:1!23B72": (200, -200, 0, 0, 1200),
    # Not charged, and settled in part or whole.
    "decline settle:PAID_OUTSIDE:300 take:3": (0, -300, 0, 0, 1000),
    "decline settle:PAID_OUTSIDE:100 new_card charge refund:200 take:3": (0, -100, 0, 0, 1000),
    "decline settle:REDUCED:120 new_card charge dispute:180 lose:180 take:3": (0, 0, 0, 0, 1000),
    "decline settle:REDUCED:120 new_card charge refund:180 undo!23B92": (0, 0, 0, -210, 1000),
    "decline settle:WRITTEN_OFF:300 take:1 undo!23B93": (0, 0, 0, -140, 1000),
    "decline settle:WRITTEN_OFF:200 settle:REDUCED:100 undo undo take:3": (0, 0, 0, 0, 1000),
    "decline take:1 settle:WRITTEN_OFF:300!23B92 settle:WRITTEN_OFF:200 take:2": (0, 0, 0, 0, 1000),
    # Given and asked by hand.
    "decline goodwill:adv:100 take:3": (0, -100, 0, 0, 1000),
    "decline goodwill:adv:400 settle:PAID_OUTSIDE:1!23B92 unhand": (0, 300, 0, -210, 1000),
    "fee:adv:50 charge unhand!23B92 refund:300 take:3": (50, 0, 0, 0, 1050),
    "goodwill:pub:100 pay unhand take:3": (0, 0, 310, 310, 690),
    # Paid, and taken back.
    "charge pay comes_back take:3": (300, -300, 0, 0, 1300),
    "charge pay comes_back hold retry pay release pay take:3": (300, -300, 210, 210, 1090),
    "charge hold take:1 pay goodwill:pub:30 release pay": (300, -100, 170, 0, 1130),
    "charge settle_pub:DONATED:210 take:3 undo": (300, -300, 0, 0, 1300),
    "charge settle_pub:DONATED:100 pay comes_back take:3 undo!23B92 goodwill:pub:100": (300, -300, 0, 0, 1300),
    "charge leave pay reopen take:3 february": (300, -300, 210, 210, 1090),
}


class Story:
    """Interprets the steps."""

    def __init__(self, four: Four) -> None:
        self.four, self.db = four, four.db
        self.number = 0
        self.settlements: list[int] = []
        self.hands: list[int] = []
        self.clicks = four.clicks(four.adv, four.pub, 3)
        four.close()
        four.reserve(1000, CHARGED)

    def step(self, said: str) -> None:
        deed, _, refused = said.partition("!")
        name, *given = deed.split(":")
        if not refused:
            getattr(self, name)(*given)
            return
        with pytest.raises(psycopg.Error) as refusal, self.db.transaction():
            getattr(self, name)(*given)
        assert refusal.value.sqlstate == refused, f"{said}: {refusal.value}"

    def asked(self, reason: str = "agreed") -> dict[str, object]:
        self.number += 1
        return {"reason": reason, "request_id": f"r{self.number}", "now": NOW}

    def all_of(self, kind: str, answer: str = "succeeded", **said: object) -> None:
        for _ in range(self.four.prepare(kind, NOW)):
            self.four.attempt(kind, NOW, answer, **said)

    def charge(self) -> None:
        self.all_of("CHARGE")

    def decline(self) -> None:
        self.all_of("CHARGE", "declined", decline_code="lost_card")

    def new_card(self) -> None:
        people.means(self.db, self.four.adv, "CHARGE", payment_method="pm_new")

    def pay(self) -> None:
        self.all_of("PAYOUT")

    def monthly(self, owner: str) -> int:
        return int(market.transaction(self.db, getattr(self.four, owner), JANUARY)["transaction"])

    def refund(self, amount: str) -> None:
        call(self.db, "refund_transaction", transaction=self.monthly("adv"), amount=Decimal(amount), **self.asked())
        self.all_of("REFUND")

    def take(self, number: str) -> None:
        taken = [self.clicks.pop() for _ in range(int(number))]
        self.four.take_back(taken, NOW)

    def dispute(self, amount: str, answer: str = "returned") -> None:
        self.number += 1
        number = self.four.charge(self.four.adv)["payment_attempt"]
        told = self.four.disputed(number, int(amount), answer, f"evt {self.number}", dispute="dp")
        assert told in ("ALARM", "APPLIED")

    def lose(self, amount: str) -> None:
        self.dispute(amount, "lost")

    def win(self, amount: str) -> None:
        self.dispute(amount, "reinstated")

    def settle(self, kind: str, amount: str, owner: str = "adv") -> None:
        asked = {"transaction": self.monthly(owner), "kind": kind, "amount": Decimal(amount)}
        made = call(self.db, "settle", **asked, **self.asked())
        self.settlements.append(made[0]["settle"])

    def settle_pub(self, kind: str, amount: str) -> None:
        self.settle(kind, amount, "pub")

    def undo(self) -> None:
        call(self.db, "undo_settlement", settlement=self.settlements[-1], reason="a mistake", now=NOW)
        self.settlements.pop()

    def goodwill(self, owner: str, amount: str, function: str = "give_goodwill") -> None:
        made = call(self.db, function, profile=getattr(self.four, owner), amount=Decimal(amount), **self.asked())
        self.hands.append(made[0][function])

    def fee(self, owner: str, amount: str) -> None:
        self.goodwill(owner, amount, "charge_fee")

    def unhand(self) -> None:
        call(self.db, "undo_by_hand", transaction=self.hands.pop(), reason="a mistake", now=NOW)

    def comes_back(self) -> None:
        query = "select * from marketplace.payment_attempt where kind = 'PAYOUT' and state = 'SUCCEEDED'"
        paid = rows(self.db, query)[0]
        call(self.db, "record_answer", payment_attempt=paid["payment_attempt"], answer="returned", now=NOW,
             gateway_id=paid["gateway_id"], amount=paid["amount"], currency="NOK")  # fmt: skip

    def retry(self) -> None:
        for row in call(self.db, "due_transactions", kind="PAYOUT", now=NOW):
            call(self.db, "retry_transaction", transaction=row["transaction"], reason="again", now=NOW)

    def hold(self) -> None:
        call(self.db, "hold_payouts", profile=self.four.pub, reason="looked at", now=NOW)

    def release(self) -> None:
        call(self.db, "release_payouts", profile=self.four.pub, reason="looked at", now=NOW)

    def leave(self) -> None:
        call(self.db, "close_account", profile=self.four.pub, rest="PAY", reason="leaves", now=NOW)

    def reopen(self) -> None:
        call(self.db, "reopen_account", profile=self.four.pub, reason="is back", now=NOW)

    def february(self) -> None:
        self.four.close(FEBRUARY)

    def moved(self, owner: int) -> Decimal:
        """What somebody paid, less what went back and what they were paid; a payout that came back was none."""
        query = """
            select coalesce(sum(case when kind = 'CHARGE' then amount else -amount end), 0) / 100.0
            from marketplace.payment_attempt
            where profile = %s and state = 'SUCCEEDED' and returned_at is null
        """
        return Decimal(one(self.db, query, owner))

    def taken(self) -> Decimal:
        """What a bank took of the advertiser's charge, and keeps: by its own word."""
        query = """
            select coalesce(sum(case answer when 'returned' then amount when 'reinstated' then -amount end), 0) / 100.0
            from marketplace.gateway_event
            where dispute is not null
        """
        return Decimal(one(self.db, query))

    def owes(self, owner: int) -> Decimal:
        account = self.four.account(owner)
        running = "select coalesce(sum(net_amount + carried_in + offset_in), 0) from marketplace.transaction"
        now = one(self.db, running + " where profile = %s and status = 'CURRENT'", owner)
        return (account[-1][2] if account else Decimal(0)) + Decimal(now)


@contextmanager
def undone(db: Connection) -> Iterator[Four]:
    with db.transaction(force_rollback=True):
        made = people.made(db)
        with made as four:
            yield four


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_no_krone_goes_through_two_doors(shared_db: Connection, sequence: str) -> None:
    with undone(shared_db) as four:
        story = Story(four)
        for said in sequence.split():
            story.step(said)
            for each in (four.adv, four.pub):
                found = call(four.db, "verify_profile", profile=each)
                assert [row for row in found if row["severity"] == "ERROR"] == [], said
        came_to = (
            story.moved(four.adv) - story.taken(), story.owes(four.adv),
            -story.moved(four.pub), story.owes(four.pub), four.funds(),
        )  # fmt: skip
        assert came_to == tuple(map(Decimal, SEQUENCES[sequence]))
        assert rows(four.db, "select * from marketplace.account_check") == []
