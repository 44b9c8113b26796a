"""Nobody charged or paid twice, nobody forgotten, no wait without an end, and every explanation true: in memory.

As tests/payments/test_faults.py, without the sandbox's seconds: events lost, doubled, stale and in any order; refunds,
reversals and disputes by hand; an empty balance; restricted accounts; bank files that nobody fetched.
"""

import random
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, cast

import psycopg
import pytest
from psycopg.types.json import Jsonb

from pybridge.payments.execution import execute, receive
from pybridge.payments.gateways import Event
from tests.conftest import Connection
from tests.support import market
from tests.support.at_hand import AtHand, BankAtHand, Purse, Saving, Thing
from tests.support.domain import Row, consistency, one, rows

MONTH = date(2026, 1, 1)
ACCOUNTS = "NO9386011117947", "NO5015032080119"
STANDS = """
    select
        s.transaction, s.profile, coalesce(s.kind, a.kind) as kind, s.hold, s.code, s.payment_attempt, a.state,
        a.decline_code, n.turn, w.term, t.status, abs(t.left_amount) as amount
    from marketplace.standing(array(
        select t.transaction from marketplace.transaction as t
        where t.profile = any (%s) and t.status in ('NEW', 'FAILED', 'EXECUTED')
    ), %s) as s
    inner join marketplace.transaction as t on s.transaction = t.transaction
    inner join marketplace.next_step as n on s.code = n.code
    left join marketplace.waiting_term as w on s.code = w.code
    left join marketplace.payment_attempt as a on s.payment_attempt = a.payment_attempt
    order by s.transaction
"""
AT_GATEWAY = "UNDER_WAY", "NOT_ANSWERED", "NOT_FETCHED", "REQUIRES_ACTION"


@dataclass
class Schedule:
    """A month of four people, and what chance does to it."""

    db: Connection
    chance: random.Random
    people: list[int] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    heard: list[Event] = field(default_factory=list)

    def begin(self) -> None:
        market.set_minimum(self.db, "0.01", "0.01")
        market.set_rate(self.db, "0.3")
        self.now = market.day(one(self.db, "select marketplace.due_date('CHARGE', %s)", MONTH), 6)
        self.purse = Purse()
        self.stripe, self.bank = (
            AtHand(self.chance, self.purse, self.now),
            BankAtHand(self.chance, self.purse, self.now),
        )
        self.money = 0  # put in by the operator
        sites = []
        for number in range(2):
            owner = self.person()
            sites.append(market.website(self.db, owner))
            self.account(owner, self.chance.random() < 0.5, number)
        for _ in range(2):
            owner = self.person()
            self.card(owner)
            ad = market.advertisement(self.db, owner, f"{self.chance.randint(10, 99)}.50")
            market.clicks(self.db, ad, self.chance.choice(sites), *[market.day(MONTH, 12)] * self.chance.randint(1, 3))
        market.close(self.db, MONTH)

    def person(self) -> int:
        self.people.append(market.profile(self.db))
        return self.people[-1]

    def means(self, owner: int, kind: str, gateway: str, **details: str) -> None:
        said = {"profile": owner, "kind": kind, "gateway": gateway, "details": Jsonb(details), "now": self.now}
        market.call(self.db, "set_payment_means", **said)

    def card(self, owner: int) -> None:
        number = self.chance.randrange(10**9)
        self.means(owner, "CHARGE", "stripe", customer=f"cus_{number}", payment_method=f"pm_{number}")

    def account(self, owner: int, by_bank: bool, number: int) -> None:
        if by_bank:
            self.means(owner, "PAYOUT", "bank", name=f"Person {number}", iban=self.chance.choice(ACCOUNTS))
        else:
            self.means(owner, "PAYOUT", "stripe", destination=f"acct_{self.chance.randrange(10**9)}")

    # --- What happens ---

    def time_goes_by(self, hours: float) -> None:
        self.now += timedelta(hours=hours)
        self.stripe.now = self.bank.now = self.now

    def a_run(self) -> None:
        self.time_goes_by(self.chance.choice((0.1, 1, 5, 25, 75, 150)))
        number = one(self.db, "select job_run from jobs.begin_run('marketplace_execute')")
        saving = cast(Any, Saving(self.db))
        done = execute(saving, number, self.now, lambda name: self.bank if name == "bank" else self.stripe)
        self.done.update(done.states)
        self.done.update(f"stopped {why.split(':')[0]}" for why in done.stopped.values())
        market_run = "select jobs.finish_run(%s, 'succeeded')"
        self.db.execute(market_run.encode(), (number,))
        for name, why in done.stopped.items():
            self.a_run_is_stopped(name, why)

    def a_run_is_stopped(self, name: str, why: str) -> None:
        """A person reads why, and helps."""
        if "the purse has not so much" in why or "FUND" in why:
            self.put_in(10_000)
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

    def events_come(self, *, all_of_them: bool = False) -> None:
        """Some, shuffled, some twice, some that came long ago."""
        told = [*self.stripe.events, *self.bank.events]
        fresh = [each for each in told if each not in self.heard]
        self.chance.shuffle(fresh)
        fresh = fresh if all_of_them else fresh[: self.chance.randint(0, len(fresh))]
        again = self.chance.sample(told, min(len(told), 2))
        self.heard += fresh
        for each in fresh + again:
            name = "bank" if each.event_id.startswith("evt_bank") else "stripe"
            self.done.update(receive(cast(Any, Saving(self.db)), name, [each], self.now))

    def charges(self) -> list[Thing]:
        """That we know of, too."""
        query = "select gateway_id from marketplace.payment_attempt where kind = 'CHARGE' and state = 'SUCCEEDED'"
        known = {row["gateway_id"] for row in rows(self.db, query)}
        return [each for each in self.stripe.things.values() if each.number in known]

    def left(self, charge: Thing) -> int:
        """Of a charge, by the gateway's word and by ours: nobody gives the same krone back on purpose twice."""
        query = "select left_amount from marketplace.payment_attempt where gateway_id = %s"
        return min(self.stripe.left(charge), int(one(self.db, query, charge.number)))

    def somebody_refunds_by_hand(self) -> None:
        for charge in self.charges()[:1]:
            if (left := min(self.left(charge), self.purse.money)) > 0:
                self.stripe.refund_by_hand(charge, max(1, left // self.chance.choice((1, 3))))
                self.done["refunded by hand"] += 1

    def a_refund_is_asked_for(self) -> None:
        for charge in self.charges()[-1:]:
            amount = self.left(charge) // self.chance.choice((1, 3))
            if amount > 0:
                query = "select transaction from marketplace.payment_attempt where gateway_id = %s"
                number = one(self.db, query, charge.number)
                market.call(self.db, "refund_transaction", transaction=number, now=self.now, amount=Decimal(amount) / 100, reason="asked", request_id=f"{self.chance.random()}")  # fmt: skip

    def the_bank_takes_one_back(self) -> None:
        charges = [each for each in self.charges() if self.left(each) > 0]
        if charges:
            charge = self.chance.choice(charges)
            self.stripe.dispute(charge, max(1, self.left(charge) // self.chance.choice((1, 2))))
            self.done["disputed"] += 1

    def a_dispute_is_decided(self) -> None:
        for charge in self.stripe.things.values():
            told = {each.dispute for each in self.stripe.events if each.answer.answer == "lost"}
            for number in [each for each in charge.disputes if each not in told][:1]:
                self.stripe.decide(charge, number, won=self.chance.random() < 0.5)

    def a_transfer_is_reversed(self) -> None:
        query = "select gateway_id from marketplace.payment_attempt where kind = 'PAYOUT' and state = 'SUCCEEDED'"
        known = {row["gateway_id"] for row in rows(self.db, query)}
        for each in self.stripe.things.values():
            if each.kind == "PAYOUT" and each.number in known and not each.back and self.chance.random() < 0.5:
                self.stripe.reverse(each)
                self.done["reversed"] += 1

    def the_bank_answers(self) -> None:
        for each in self.bank.things.values():
            if self.chance.random() < 0.6:
                self.bank.answers(each)
            elif each.answer == "succeeded" and not each.back and self.chance.random() < 0.2:
                self.bank.comes_back(each)
                self.done["came back"] += 1

    def the_gateway_settles(self) -> None:
        for each in self.stripe.things.values():
            if each.answer == "processing" and self.chance.random() < 0.7:
                self.stripe.settle(each, "succeeded" if self.chance.random() < 0.6 else "declined")

    def the_gateway_changes_its_mind(self) -> None:
        self.stripe.is_locked = not self.stripe.is_locked
        parties = {each.party for each in self.stripe.things.values() if each.kind == "PAYOUT" and each.party}
        query = "select details ->> 'destination' as account from marketplace.payment_means where gateway = 'stripe'"
        parties |= {row["account"] for row in rows(self.db, f"{query} and kind = 'PAYOUT'")}
        if parties:
            self.stripe.restricted ^= {self.chance.choice(sorted(parties))}
        self.done["locked, or restricted"] += 1

    def put_in(self, amount: int) -> None:
        market.call(self.db, "move_reserve", amount=Decimal(amount) / 100, reason="ours", now=self.now)
        self.purse.money += amount

    STEPS = (
        *(a_run,) * 4, *(events_come,) * 3, *(the_bank_answers,) * 2, the_gateway_settles, a_refund_is_asked_for,
        somebody_refunds_by_hand, the_bank_takes_one_back, a_dispute_is_decided, a_transfer_is_reversed,
        the_gateway_changes_its_mind,
    )  # fmt: skip

    # --- What must hold ---

    def stands(self) -> list[Row]:
        return rows(self.db, STANDS, self.people, self.now)

    def check(self) -> None:
        """Each is told something true, with a term where it waits; and the operator's list has whoever waits."""
        stands = self.stands()
        is_open = {row["transaction"] for row in stands if row["status"] != "EXECUTED"}
        listed = {row["transaction"] for row in rows(self.db, "select transaction from marketplace.waiting()")}
        assert is_open <= listed, f"nobody is told of {is_open - listed}"
        for row in stands:
            self.done[f"told {row['code']}"] += 1
            assert row["code"], row
            assert row["turn"] == "NOBODY" or row["term"], f"a wait without an end: {row}"
            live = row["state"] in ("SUBMITTED", "UNKNOWN", "PROCESSING", "REQUIRES_ACTION")
            assert (row["code"] in AT_GATEWAY) == (live and row["code"] != "LOOKED_AT"), row
            if row["code"] in ("CHARGED", "PAID", "GIVEN_BACK"):
                self.has_moved(row)
        self.once()

    def thing(self, attempt: Row) -> Thing | None:
        things = {**self.stripe.things, **self.bank.things}
        keyed = next((each for each in things.values() if each.key == attempt["idempotency_key"]), None)
        return keyed or things.get(attempt["gateway_id"] or "")

    def has_moved(self, row: Row) -> None:
        (attempt,) = rows(self.db, "select * from marketplace.payment_attempt where payment_attempt = %s",
                          row["payment_attempt"])  # fmt: skip
        thing = self.thing(attempt)
        assert thing is not None, f"{row['code']}, and the gateway has nothing: {attempt}"
        assert thing.answer in ("succeeded", "declined"), f"{row['code']}, and it is {thing}"

    def once(self) -> None:
        things = [*self.stripe.things.values(), *self.bank.things.values()]
        moved = Counter(each.purpose for each in things if each.answer == "succeeded" and not each.back)
        twice = [each for each, count in moved.items() if count > 1]
        assert not twice, f"moved twice: {twice}"

    def comes_right(self) -> None:
        """Nothing fails any more, time goes by, and everybody does what they are asked to."""
        self.stripe.fails, self.stripe.is_locked, self.stripe.good_cards = 0, False, True
        self.stripe.restricted.clear()
        for _ in range(60):
            self.the_gateway_settles()
            self.the_bank_answers()
            self.a_dispute_is_decided()
            self.a_run()
            self.events_come(all_of_them=True)
            left = [row for row in self.stands() if row["turn"] != "NOBODY"]
            for row in left:
                self.a_person_acts(row)
            self.check()
            if not left and len(self.heard) == len(self.stripe.events) + len(self.bank.events):
                return
        raise AssertionError(f"not done: {left}")

    def a_person_acts(self, row: Row) -> None:
        by = {"transaction": row["transaction"], "reason": "again", "now": self.now}
        match row["hold"]:
            case "DECLINED" | "EXHAUSTED" if row["kind"] == "CHARGE":
                self.card(row["profile"])
            case "DECLINED" | "EXHAUSTED" | "RETURNED" | "REJECTED" | "CANCELLED":
                market.call(self.db, "retry_transaction", **by)
            case "UNDER_WAY" if row["code"] == "NOT_FETCHED":
                self.nobody_fetched(row)
            case "ALARM":
                self.looked_at(row)
            case None if row["kind"] != "CHARGE" and row["code"].startswith("WAITS"):
                query = (
                    "select amount from marketplace.due_transactions(null, %s) where transaction = %s and hold = 'FUND'"
                )
                for short in rows(self.db, query, self.now, row["transaction"]):
                    self.put_in(short["amount"])

    def nobody_fetched(self, row: Row) -> None:
        """Past its term a person says that nobody ever will: the file is deleted at the bank."""
        (attempt,) = rows(self.db, "select * from marketplace.payment_attempt where payment_attempt = %s",
                          row["payment_attempt"])  # fmt: skip
        if attempt["batch"] in self.bank.unfetched:
            said = {"payment_attempt": row["payment_attempt"], "done": False, "reason": "deleted", "now": self.now}
            with suppress(psycopg.errors.IntegrityError), self.db.transaction():  # it has its term, until it is over
                market.call(self.db, "resolve_attempt", **said)
                self.done["never fetched"] += 1
                self.bank.things[attempt["idempotency_key"]].answer = "declined"

    def looked_at(self, row: Row) -> None:
        said: dict[str, object] = {"reason": "looked at it", "now": self.now}
        query = "select * from marketplace.payment_attempt where alarm is not null and profile = any (%s)"
        for attempt in rows(self.db, query, self.people):
            self.done[f"alarm {attempt['alarm']}"] += 1
            thing = self.thing(attempt)
            if attempt["state"] == "UNKNOWN":
                did = thing is not None and thing.answer == "succeeded"
                market.call(self.db, "resolve_attempt", payment_attempt=attempt["payment_attempt"], done=did,
                            gateway_id=thing.number if thing and did else None, **said)  # fmt: skip
            elif attempt["alarm"] == "given_back":
                query = "select transaction from marketplace.transaction where corrects = %s and kind = 'REFUND'"
                query += " and status in ('NEW', 'FAILED')"
                for refund in rows(self.db, query, attempt["transaction"]):
                    market.call(self.db, "call_off_refund", transaction=refund["transaction"], **said)
            elif attempt["alarm"] not in ("disputed", "balance"):
                raise AssertionError(f"{attempt['alarm']}: {attempt}, and there it is {thing}")

    def compare(self) -> None:
        query = "select * from marketplace.payment_attempt where profile = any (%s) and state = 'SUCCEEDED'"
        for attempt in rows(self.db, query, self.people):
            thing = self.thing(attempt)
            assert thing is not None, attempt
            assert thing.amount == attempt["amount"]
            if attempt["kind"] == "CHARGE":
                assert attempt["disputed"] + attempt["lost"] <= sum(thing.disputes.values()), (attempt, thing)
        ours = {
            (self.thing(each) or Thing("", "CHARGE", 0, self.now)).number for each in rows(self.db, query, self.people)
        }
        foreign = {
            row["gateway_id"]
            for row in rows(self.db, "select gateway_id from marketplace.stray where resolution = 'FOREIGN'")
        }
        theirs = {
            each.number
            for each in (*self.stripe.things.values(), *self.bank.things.values())
            if each.answer == "succeeded"
        }
        assert theirs - foreign <= ours, f"not known here: {theirs - foreign - ours}"
        available = one(self.db, "select available from marketplace.purse where purse = 'main'")
        assert available == self.purse.money, f"the purse has {available}, and {self.purse.money} lie there"
        assert consistency(self.db) == {}


def play(db: Connection, number: int) -> Counter[str]:
    with db.transaction(force_rollback=True):
        schedule = Schedule(db, random.Random(number))
        steps = []
        schedule.begin()
        try:
            schedule.stripe.fails = schedule.chance.choice((0, 0.3, 0.6))
            for _ in range(14):
                step = schedule.chance.choice(Schedule.STEPS)
                steps.append(step.__name__)
                step(schedule)
                schedule.check()
            steps.append("comes right")
            schedule.comes_right()
            schedule.compare()
        except (AssertionError, psycopg.Error) as error:
            raise AssertionError(f"schedule {number}, {steps}: {error}") from error
    return schedule.done


@pytest.fixture(scope="module")
def db(shared_db: Connection) -> Connection:
    market.partitions(shared_db, MONTH, 2)
    return shared_db


def test_whatever_a_gateway_does_it_ends_and_each_is_told_why(db: Connection, fault_schedules: range) -> None:
    seen, failed = Counter[str](), []
    for number in fault_schedules:
        try:
            seen += play(db, number)
        except AssertionError as error:
            failed.append(str(error))
            print(f"FAILED: {error}", flush=True)
    print(dict(sorted(seen.items())))
    assert failed == []
