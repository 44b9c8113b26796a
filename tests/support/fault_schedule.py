"""A month of a few people that is charged and paid while everything fails; gateways in memory, and their own list."""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

from psycopg.types.json import Jsonb

from pybridge.payments.execution import execute, receive
from pybridge.payments.gateways import Event
from tests.conftest import Connection
from tests.support import market
from tests.support.at_hand import AtHand, BankAtHand, Killed, Purse, Saving, Thing
from tests.support.domain import Row, one, rows
from tests.support.why_model import DAYS, Deed, Model, Payment

ACCOUNTS = "NO9386011117947", "NO5015032080119"
STANDS = """
    select
        t.transaction, t.profile, t.month, t.corrects, t.request_id, s.hold, s.code, s.due_on, s.payment_attempt,
        n.turn, s.waiting_since + w.term as until, n.command,
        case when t.kind = 'REFUND' then 'REFUND' when t.due_amount > 0 then 'CHARGE' else 'PAYOUT' end as kind
    from marketplace.standing(array(
        select t.transaction from marketplace.transaction as t
        where t.profile = any (%s) and t.status in ('NEW', 'FAILED', 'EXECUTED', 'CALLED_OFF')
    ), %s) as s
    inner join marketplace.transaction as t on s.transaction = t.transaction
    inner join marketplace.next_step as n on s.code = n.code
    left join marketplace.waiting_term as w on s.code = w.code
    order by s.transaction
"""


@dataclass
class Schedule:
    """A month of four people, and what chance does to it."""

    db: Connection
    chance: random.Random
    people: list[int] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)

    def begin(self) -> None:
        market.set_minimum(self.db, "0.01", "0.01")
        market.set_rate(self.db, "0.3")
        self.month = self.chance.choice(sorted(DAYS))
        self.now = market.day(self.chance.choice((market.next_month(self.month), DAYS[self.month][0])), 6)
        self.purse = Purse()
        self.stripe = AtHand(self.chance, self.purse, self.now)
        self.bank = BankAtHand(self.chance, self.purse, self.now)
        self.stripe.fails = self.bank.fails = self.chance.choice((0, 0.3, 0.6))
        self.stripe.is_locked = self.chance.random() < 0.3
        self.model = Model([self.stripe, self.bank])
        self.lost: set[str] = set()  # events that never come, unless they are asked for
        self.payments: dict[int, Payment] = {}
        sites = []
        for number in range(2):
            sites.append(market.website(self.db, self.person()))
            self.account(self.people[-1], self.chance.random() < 0.5, number)
        for _ in range(2):
            owner = self.person()
            self.card(owner)
            ad = market.advertisement(self.db, owner, f"{self.chance.randint(10, 99)}.50")
            times = [market.day(self.month, 12)] * self.chance.randint(1, 3)
            market.clicks(self.db, ad, self.chance.choice(sites), *times)
        market.close(self.db, self.month)

    def person(self) -> int:
        self.people.append(market.profile(self.db))
        return self.people[-1]

    def means(self, owner: int, kind: str, gateway: str, **details: str) -> None:
        said = {"profile": owner, "kind": kind, "gateway": gateway, "details": Jsonb(details), "now": self.now}
        market.call(self.db, "set_payment_means", **said)
        self.model.deeds.append(Deed(self.now, "means", profile=owner))

    def card(self, owner: int) -> None:
        number = self.chance.randrange(10**9)
        self.means(owner, "CHARGE", "stripe", customer=f"cus_{number}", payment_method=f"pm_{number}")

    def account(self, owner: int, by_bank: bool, number: int) -> None:
        if by_bank:
            self.model.accounts[owner] = self.chance.choice(ACCOUNTS)
            self.means(owner, "PAYOUT", "bank", name=f"Person {number}", iban=self.model.accounts[owner])
        else:
            self.model.accounts[owner] = f"acct_{self.chance.randrange(10**9)}"
            self.means(owner, "PAYOUT", "stripe", destination=self.model.accounts[owner])

    # --- What happens ---

    def time_goes_by(self, hours: float) -> None:
        self.now += timedelta(hours=hours)
        self.stripe.now = self.bank.now = self.now

    def a_run(self, hours: tuple[float, ...] = (0.1, 2, 25, 80, 170, 340)) -> None:
        self.time_goes_by(self.chance.choice(hours))
        number = one(self.db, "select job_run from jobs.begin_run('marketplace_execute')")
        saving = cast(Any, Saving(self.db))
        try:
            done = execute(saving, number, self.now, lambda name: self.bank if name == "bank" else self.stripe)
        except Killed:
            market_run = "select jobs.finish_run(%s, 'failed')"  # as jobs.begin_run does of what died
            self.done["killed"] += 1
            self.model.is_cut_short = True
        else:
            market_run = "select jobs.finish_run(%s, 'succeeded')"
            self.done.update(done.states)
            self.done.update(f"stopped {why.split(':')[0]}" for why in done.stopped.values())
            self.model.is_cut_short = bool(done.stopped)
            for name, why in done.stopped.items():
                self.a_run_is_stopped(name, why)
        self.db.execute(market_run.encode(), (number,))

    def a_run_is_stopped(self, name: str, why: str) -> None:
        """A person reads why, and helps."""
        if "the purse has not so much" in why or "FUND" in why:
            self.put_in(Decimal(100))
        elif "more than is left" in why:
            query = "select gateway_id, amount from marketplace.stray where resolution is null"
            for row in rows(self.db, query):
                said = {"gateway": name, "gateway_id": row["gateway_id"], "reason": "given twice", "now": self.now}
                market.call(self.db, "declare_foreign", **said)
                loss = {"purse": "main", "amount": Decimal(row["amount"]) / 100, "reason": "given twice"}
                market.call(self.db, "book_fee", **loss, now=self.now)
                self.done["given twice"] += 1
        else:
            assert "slow down" in why, why

    def events(self) -> list[Event]:
        return [each for each in (*self.stripe.events, *self.bank.events) if each.event_id not in self.lost]

    def unheard(self) -> list[Event]:
        known = self.stripe.known | self.bank.known
        moved = {each.number for each in self.succeeded("CHARGE")}
        return [
            each for each in self.events()
            if each.event_id not in known and (each.event_id not in self.stripe.late or each.answer.gateway_id in moved)
        ]  # fmt: skip

    def events_come(self, *, all_of_them: bool = False) -> None:
        """Some, shuffled, some twice, some that came long ago; and some of a gateway that can be asked never."""
        fresh = self.unheard()
        self.chance.shuffle(fresh)
        told = [each for each in self.events() if each.event_id in self.stripe.known | self.bank.known]
        again = self.chance.sample(told, min(len(told), 2))
        if not all_of_them:
            fresh = fresh[: self.chance.randint(0, len(fresh))]
            lost = {each.event_id for each in fresh if self.chance.random() < 0.15 and self.can_be_asked(each)}
            self.lost |= lost
            self.done["lost events"] += len(lost)
        for each in [each for each in fresh + again if each.event_id not in self.lost]:
            self.hear(each)

    @staticmethod
    def can_be_asked(event: Event) -> bool:
        return event.event_id.startswith("evt_stripe") and not event.dispute and event.answer.answer != "reversed"

    def hear(self, event: Event) -> None:
        gateway = self.bank if event.event_id.startswith("evt_bank") else self.stripe
        gateway.hears(event)
        self.done.update(receive(cast(Any, Saving(self.db)), gateway.name, [event], self.now))

    def succeeded(self, kind: str) -> list[Thing]:
        """What moved, and we know of it."""
        query = "select gateway_id from marketplace.payment_attempt where kind = %s and state = 'SUCCEEDED'"
        known = {row["gateway_id"] for row in rows(self.db, query, kind)}
        return [each for each in self.stripe.things.values() if each.number in known]

    def left(self, charge: Thing) -> int:
        """Of a charge, by the gateway's word and by ours."""
        query = "select left_amount from marketplace.payment_attempt where gateway_id = %s"
        return min(self.stripe.left(charge), int(one(self.db, query, charge.number)))

    def somebody_refunds_by_hand(self) -> None:
        for charge in self.succeeded("CHARGE")[:1]:
            if (left := min(self.left(charge), self.purse.money)) > 0:
                self.stripe.refund_by_hand(charge, max(1, left // self.chance.choice((1, 3))))
                self.done["refunded by hand"] += 1

    def a_refund_is_asked_for(self) -> None:
        for charge in self.succeeded("CHARGE")[-1:]:
            query = "select transaction, left_amount from marketplace.payment_attempt where gateway_id = %s"
            ((number, left),) = self.db.execute(query, [charge.number]).fetchall()
            amount = left // self.chance.choice((1, 3))  # of what was done by hand there we know what we have heard
            if amount > 0:
                said = {"amount": Decimal(amount) / 100, "reason": "asked", "request_id": f"{self.chance.random()}"}
                market.call(self.db, "refund_transaction", transaction=number, now=self.now, **said)

    def the_bank_takes_one_back(self) -> None:
        charges = [each for each in self.succeeded("CHARGE") if self.left(each) > 0]
        if charges:
            charge = self.chance.choice(charges)
            self.stripe.dispute(charge, max(1, self.left(charge) // self.chance.choice((1, 2))))
            self.done["disputed"] += 1

    def a_dispute_is_decided(self) -> None:
        for charge, number in self.stripe.open_disputes():
            self.stripe.decide(charge, number, won=self.chance.random() < 0.5)

    def a_transfer_is_reversed(self) -> None:
        for each in self.succeeded("PAYOUT"):
            if not each.back and self.chance.random() < 0.5:
                self.stripe.reverse(each)
                self.done["reversed"] += 1

    def the_bank_answers(self) -> None:
        for each in self.bank.things.values():
            if self.chance.random() < 0.6:
                self.bank.answers(each)
            if each.answer == "succeeded" and not (each.back or self.bank.good_cards) and self.chance.random() < 0.2:
                self.bank.comes_back(each)
                self.done["came back"] += 1

    def the_gateway_settles(self) -> None:
        for each in self.stripe.things.values():
            if each.answer == "processing" and self.chance.random() < 0.7:
                self.stripe.settle(each, "succeeded" if self.chance.random() < 0.6 else "declined")

    def our_balance_there_changes(self) -> None:
        """It is not available, and so empty; or it is again."""
        self.stripe.is_locked = not self.stripe.is_locked
        self.done["locked"] += self.stripe.is_locked

    def an_account_changes(self) -> None:
        """It is restricted, or lifted again."""
        if accounts := sorted(each for each in self.model.accounts.values() if each.startswith("acct")):
            self.stripe.restricted ^= {self.chance.choice(accounts)}
            self.done["restricted"] += 1

    def put_in(self, amount: Decimal) -> None:
        market.call(self.db, "move_reserve", amount=amount, reason="ours", now=self.now)
        self.purse.money += int(amount * 100)

    STEPS = (
        *(a_run,) * 4, *(events_come,) * 3, *(the_bank_answers,) * 2, the_gateway_settles, a_refund_is_asked_for,
        somebody_refunds_by_hand, the_bank_takes_one_back, a_dispute_is_decided, a_transfer_is_reversed,
        our_balance_there_changes, an_account_changes,
    )  # fmt: skip

    # --- What must hold ---

    def stands(self) -> list[Row]:
        return rows(self.db, STANDS, self.people, self.now)

    def payment(self, row: Row) -> Payment:
        number = row["transaction"]
        if number not in self.payments:
            of = self.payments.get(row["corrects"] or 0)
            said = str(row["profile"]), f"{of.month if of else row['month']:%Y-%m}", row["kind"], row["request_id"]
            self.payments[number] = Payment(number, row["profile"], row["kind"], row["month"], said, of)
        return self.payments[number]

    def check(self) -> list[Row]:
        """Each is told what is so, with a term where it waits; and what moved, moved once. How each stands."""
        stands = self.stands()
        for row in stands:
            self.done[f"told {row['code']}"] += 1
            expected = self.model.says(self.payment(row), self.now)
            self.done["sure" if len(expected.codes) == 1 else "perhaps"] += 1
            heard = self.model.requests(self.payment(row))
            assert row["code"] in expected.codes, f"told {row['code']}, and it is {expected}: {row}; {heard}"
            if expected.day and len(expected.codes) == 1:
                assert row["due_on"] == expected.day, f"told {row['due_on']}, and it is {expected}: {row}"
            assert row["turn"] == "NOBODY" or row["until"], f"a wait without an end: {row}"
        things = [*self.stripe.things.values(), *self.bank.things.values()]
        moved = Counter(each.purpose for each in things if each.answer == "succeeded" and not each.back)
        assert not [each for each, count in moved.items() if count > 1], f"moved twice: {moved}"
        return stands
