"""A payment provider's own list, and ours: random sales, late, double and wrong payments, refunds over many purchases,
exchanges, events that are cancelled or moved, and disputes won and lost. At the end each reference has the same sum on
both sides, and the report of the payouts that is made from the provider's list is matched without a person.

`--provider-histories 300 --provider-seed 0` plays so many histories.
"""

import random
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from tests.conftest import Connection
from tests.support import domain
from tests.support.banking import booked, match_open, route
from tests.support.domain import (
    Event,
    Sale,
    call,
    call_in,
    consistency,
    make_cash_point,
    make_event,
    net,
    one,
    open_till,
    rows,
    run,
)
from tests.support.payouts import load
from tests.support.provider import Provider

STEPS = 30


class Shop:
    """A client of both: it charges at the provider, tells the database, and pays back what that says."""

    def __init__(self, db: Connection, folder: Path, seed: int) -> None:
        self.db, self.folder, self.random, self.provider = db, folder, random.Random(seed), Provider()
        self.way = route(db, "PAYMENT", "NET_CARD", fee_rate=Decimal("0.014"))
        make_cash_point(db, 1)
        open_till(db)
        self.events = [self.event() for _ in range(2)]
        self.paid: list[int] = []  # tickets that are paid and were not given back
        self.disputed: list[str] = []
        self.last_payment = one(db, "select coalesce(max(payment), 0) from billig.payment")
        self.payouts, self.balance = 0, Decimal(0)
        self.seen: defaultdict[str, int] = defaultdict(int)

    def event(self) -> Event:
        return make_event(self.db, prices=(100, Decimal(150)), fee=20, num=40)

    def confirm(self, purchase: int, amount: Decimal, times: int = 0) -> None:
        reference = self.provider.charge(amount)
        for _ in range(times or self.random.choice((1, 1, 2))):  # the provider says it again
            answer = call(
                self.db, "confirm_net_payment", purchase=purchase, amount=amount, provider_reference=reference
            )
        self.paid += [row["ticket"] for row in answer if row["ticket"]]
        for row in answer:
            self.seen[row["result"]] += 1

    def sell(self) -> Sale:
        event = self.random.choice(self.events)
        return net(self.db, {group: self.random.randint(1, 2) for group in event.price_groups})

    # --- What may happen ---

    def pay(self) -> None:
        sale = self.sell()
        self.confirm(sale.purchase, domain.cost(sale))

    def pay_twice(self) -> None:
        sale = self.sell()
        for _ in range(2):
            self.confirm(sale.purchase, domain.cost(sale))

    def pay_too_much(self) -> None:
        sale = self.sell()
        self.confirm(sale.purchase, domain.cost(sale) + Decimal(self.random.choice((1, 37, "0.50"))))

    def pay_in_parts(self) -> None:
        sale = self.sell()
        first = Decimal(self.random.randint(1, 90))
        self.confirm(sale.purchase, first)
        if self.random.random() < 0.3:
            call(self.db, "abort_purchase", purchase=sale.purchase)
        self.confirm(sale.purchase, domain.cost(sale) - first + self.random.choice((0, 0, 5)))

    def pay_a_part_only(self) -> None:
        sale = self.sell()
        self.confirm(sale.purchase, Decimal(50))
        call(self.db, "abort_purchase", purchase=sale.purchase)

    def pay_late(self) -> None:
        sale = self.sell()
        call(self.db, "abort_purchase", purchase=sale.purchase)
        begun = self.random.random() < 0.5
        event = one(self.db, "select event from billig.ticket where ticket = %s", sale.tickets[0])
        moment = one(self.db, "select event_time from billig.event where event = %s", event)
        if begun:
            run(self.db, "update billig.event set event_time = billig.local_time() where event = %s", event)
        self.confirm(sale.purchase, domain.cost(sale))
        if begun:
            run(self.db, "update billig.event set event_time = %s where event = %s", moment, event)

    def pay_for_nothing(self) -> None:
        self.confirm(9_000_000 + self.random.randint(1, 99), Decimal(75))

    def refund(self) -> None:
        tickets = self.random.sample(self.paid, min(len(self.paid), self.random.randint(1, 6)))
        if tickets:
            call(self.db, "refund", tickets=tickets, seller=domain.SELLER)
            self.paid = [each for each in self.paid if each not in tickets]

    def exchange(self) -> None:
        held = {
            row["ticket"]
            for row in rows(
                self.db, "select ticket from billig.ticket where charged_back > 0 and ticket = any(%s)", self.paid
            )
        }
        free = [each for each in self.paid if each not in held]
        if free:
            (old,) = self.random.sample(free, 1)
            group = self.random.choice(self.random.choice(self.events).price_groups)
            price, new = (
                one(self.db, f"select price from billig.{table} where {table} = %s", key)
                for table, key in (("ticket", old), ("price_group", group))
            )
            (row,) = domain.exchange(self.db, [old], group, methods=["CARD"] if new > price else None)
            self.paid = [each for each in self.paid if each != old] + [row["new_ticket"]]

    def dispute(self) -> None:
        charges = [each for each in self.provider.charges() if self.provider.left(each) > 0]
        if not charges:
            return
        charge = self.random.choice(charges)
        held = one(
            self.db, "select count(*) from report.owed_back where provider_reference = %s and state = 'OWED'", charge
        )
        amount = self.provider.left(charge)
        if not held and amount > 2 and self.random.random() < 0.5:
            amount = round(amount / 2, 2)
        dispute = self.provider.dispute(charge, amount)
        self.disputed.append(dispute)
        if (
            not held and self.random.random() < 0.5
        ):  # by hand; else the report tells, before anybody pays it back otherwise
            call(
                self.db,
                "record_chargeback",
                dispute_reference=dispute,
                provider_reference=charge,
                amount=amount,
                fee=150,
            )
        else:
            self.pay_out()

    def decide(self) -> None:
        """Lost: nothing moves. Won, be it after that: the provider gives it back, and its report tells."""
        self.pay_out()  # tells of those that nobody recorded
        if not self.disputed:
            return
        dispute = self.random.choice(self.disputed)
        of_tickets = one(
            self.db, "select count(*) from report.dispute where dispute_reference = %s and status = 'OPEN'", dispute
        )
        if of_tickets and self.random.random() < 0.5:
            call(self.db, "decide_dispute", dispute_reference=dispute, verdict=self.random.choice(["LOST", "ACCEPTED"]))
            self.seen["LOST"] += 1
        else:
            self.disputed.remove(dispute)
            self.provider.reverse(dispute)
            self.pay_out()
            self.seen["WON"] += 1

    def cancel(self) -> None:
        """Some of it goes back later, and some of that at a stand."""
        place = self.random.randrange(len(self.events))
        event, self.events[place] = self.events[place], self.event()
        call(self.db, "cancel_event", event=event.event, reason="the singer is ill")
        call(self.db, "refund_cancelled", event=event.event, purchases=self.random.choice((1, 3, 100)))
        self.seen["cancelled"] += 1
        of_it = "select ticket from billig.ticket where event = %s"
        gone = {row["ticket"] for row in rows(self.db, of_it, event.event)}
        self.paid = [each for each in self.paid if each not in gone]

    def go_on(self) -> None:
        """The cancellations, and what stands pay back: a terminal what it took, and the provider the rest."""
        call(self.db, "continue_cancellations", purchases=self.random.choice((1, 3, 100)))
        for row in rows(self.db, "select distinct purchase from report.cancelled_owed order by 1"):
            left = call(self.db, "cancelled_tickets", purchase=row["purchase"])
            if any(each["road"] == "STAND" for each in left):
                call(self.db, "pay_cancelled", purchase=row["purchase"], seller=domain.SELLER)
                self.seen["paid at a stand"] += 1
            # of a dispute that was won since, which no cancellation gives back
            won = sorted({each["ticket"] for each in left if each["road"] == "PROVIDER"})
            if won:
                call(self.db, "refund", tickets=won, seller=domain.SELLER)
                self.seen["won of a cancelled event"] += 1

    def move(self) -> None:
        event = self.random.choice(self.events).event
        later = one(self.db, "select event_time + interval '3 days' from billig.event where event = %s", event)
        call(self.db, "move_event", event=event, event_time=later, reason="the hall is wet")

    def pay_back(self) -> None:
        """What is owed, at the provider, and then said."""
        for row in rows(
            self.db, "select owed_back, provider_reference, amount from report.owed_back where state = 'OWED'"
        ):
            if self.random.random() < 0.7:
                name = self.provider.refund(row["provider_reference"], row["amount"])
                call(self.db, "settle_owed_back", owed_back=row["owed_back"], reference=name)

    def carry_out(self) -> None:
        """What payments give back since, by the reference that each names."""
        found = rows(
            self.db,
            "select l.payment, o.provider_reference as charge, -sum(l.amount) as amount from billig.payment_line as l"
            " inner join billig.payment as p on l.payment = p.payment"
            " inner join billig.payment as o on l.gives_back = o.payment"
            " where l.payment > %s and p.disputed_payment is null and l.payment_method = 7 group by 1, 2 order by 1, 2",
            self.last_payment,
        )
        self.last_payment = one(self.db, "select coalesce(max(payment), 0) from billig.payment")
        for row in found:
            self.provider.refund(row["charge"], row["amount"])

    def pay_out(self) -> None:
        """The report of the provider's list, and the bank's entry of it."""
        if self.provider.paid_out == len(self.provider.entries):
            return
        self.payouts += 1
        today = one(self.db, "select billig.local_time()::date")
        name = f"po_{self.payouts}x{self.random.randint(1000, 9999)}"
        report, amount = self.provider.pay_out(name, today)
        load(self.db, self.folder, report, to="NET_CARD")
        refused = [row for row in call_in(self.db, "bank", "record_disputes") if row["outcome"] != "RECORDED"]
        assert refused == []
        assert call_in(self.db, "bank", "record_disputes") == []
        booked(self.db, self.folder, (today, amount, name), number=self.payouts, opening=self.balance)
        self.balance += amount

    def play(self) -> None:
        kinds = [
            self.pay, self.pay, self.pay_twice, self.pay_too_much, self.pay_in_parts, self.pay_a_part_only,
            self.pay_late, self.pay_for_nothing, self.refund, self.refund, self.exchange, self.exchange, self.dispute,
            self.dispute, self.decide, self.pay_back, self.cancel, self.go_on, self.move,
        ]  # fmt: skip
        for _ in range(STEPS):
            self.random.choice(kinds)()
            self.carry_out()
        self.pay_out()

    def ours(self) -> dict[str, Decimal]:
        """What the bank is expected to have of each charge."""
        today = one(self.db, "select billig.local_time()::date")
        call_in(self.db, "bank", "expect", until=today)
        found: dict[str, Decimal] = defaultdict(Decimal)
        for row in rows(self.db, "select reference, amount from bank.expected where route = %s", self.way):
            found[self.provider.owner(row["reference"]) or row["reference"]] += row["amount"]
        return dict(found)

    def check(self) -> None:
        assert self.ours() == self.provider.sums()
        assert consistency(self.db) == {}
        match_open(self.db)
        assert rows(self.db, "select payout_id, line, kind, gross, reason from report.payout_difference") == []
        assert one(self.db, "select count(*) from report.payout where state <> 'MATCHED'") == 0
        assert one(self.db, "select count(*) from bank.open_expected") == 0
        assert one(self.db, "select count(*) from bank.open_entry") == 0
        assert consistency(self.db) == {}


def test_the_providers_list_and_ours_agree_and_its_payouts_match_by_themselves(
    db: Connection, tmp_path: Path, provider_seed: int
) -> None:
    shop = Shop(db, tmp_path, provider_seed)
    shop.play()
    shop.check()


def test_money_that_is_recorded_nowhere_is_missed(db: Connection, tmp_path: Path) -> None:
    """The control: without the record of what bought nothing the two lists differ."""
    run(
        db,
        "create or replace function billig.owe_back(p_purchase bigint, p_provider_reference text,"
        " p_payment_method text, p_amount numeric, p_kind text, p_tickets bigint[])"
        " returns void language plpgsql as 'begin end'",
    )
    shop = Shop(db, tmp_path, 0)
    sale = shop.sell()
    for _ in range(2):
        shop.confirm(sale.purchase, domain.cost(sale), times=1)
    missed = {name for name, amount in shop.provider.sums().items() if shop.ours().get(name) != amount}
    assert missed == {shop.provider.charges()[1]}
    with pytest.raises(AssertionError):
        shop.check()
