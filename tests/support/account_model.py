"""People's accounts, the purses and the gateways' own list as wholes, kept by nothing but what happened.

The model has none of our tables. It knows clicks and what they cost, what a gateway took and paid, and what a person
was promised; and says after every step what each account, purse and charge must come to.
"""

import json
import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_DOWN, Decimal
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from tests.support import market
from tests.support.domain import Connection, Row, one, rows, run
from tests.support.payments import looked

NOTHING, ORE, MICRO = Decimal(0), Decimal("0.01"), Decimal("0.000001")
RATE = Decimal("0.3")
PRICES = ("0.333333", "1", "19.999999", "50", "120.50")
FIRST = date(2031, 1, 1)
SAID = """
    select json_build_object(
        'wrong', (
            select coalesce(json_agg(c), '[]') from marketplace.account_check as c where c.profile = any (%(people)s)
        ),
        'people', (
            select json_object_agg(p.profile, coalesce((
                select sum(a.amount) from marketplace.account(p.profile) as a
            ), 0) + coalesce((
                select sum(t.net_amount + t.carried_in + t.offset_in) from marketplace.transaction as t
                where t.profile = p.profile and t.status = 'CURRENT'
            ), 0))
            from unnest(%(people)s::bigint[]) as p (profile)
        ),
        'under_way', (
            select coalesce(json_agg(json_build_array(a.payment_attempt, a.purse, a.amount)), '[]')
            from marketplace.payment_attempt as a
            where a.kind <> 'CHARGE'
                and a.state in ('PREPARED', 'SUBMITTED', 'UNKNOWN', 'PROCESSING', 'REQUIRES_ACTION')
        ),
        'done', (
            select coalesce(json_agg(json_build_array(a.payment_attempt, a.kind, a.amount, a.left_amount)), '[]')
            from marketplace.payment_attempt as a
            where a.state = 'SUCCEEDED'
        ),
        'purses', (select json_object_agg(p.purse, p.available) from marketplace.purse as p)
    )::text
"""
DEAD = ("declined", "stolen_card"), ("declined", "insufficient_funds"), ("rejected", None)


@dataclass
class Click:
    row: Row
    advertiser: int
    publisher: int | None
    price: Decimal
    share: Decimal
    month: date | None = None
    taken_back: bool = False


@dataclass
class Item:
    """What a gateway has in its list: it took, paid or gave back so much of a person's; øre in NOK."""

    number: str
    attempt: int
    kind: str
    person: int
    amount: Decimal
    purse: str
    month: date
    known: bool = False  # we have been told
    returned: bool = False
    charge: "Item | None" = None
    refunds: Decimal = NOTHING  # of a charge: asked for
    disputed: Decimal = NOTHING
    lost: Decimal = NOTHING


@dataclass
class World:
    """Three people, each with an advertisement and a website, and everything that happened to them."""

    db: Connection
    chance: random.Random
    people: list[int] = field(default_factory=list)
    ads: dict[int, tuple[int, Decimal]] = field(default_factory=dict)
    sites: dict[int, int] = field(default_factory=dict)
    open: date = FIRST
    now: datetime = field(default_factory=lambda: market.day(FIRST))
    clicks: list[Click] = field(default_factory=list)
    items: dict[str, Item] = field(default_factory=dict)
    waiting: dict[int, tuple[Row, bool]] = field(default_factory=dict)  # attempts at the gateway; whether it did it
    balance: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))  # purse: what lies there
    credits: dict[int, Decimal] = field(default_factory=lambda: defaultdict(Decimal))  # person: for clicks taken back
    credited: dict[tuple[int, date], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    debits: dict[int, Decimal] = field(default_factory=lambda: defaultdict(Decimal))  # person: shares taken back
    promised: dict[int, Decimal] = field(default_factory=lambda: defaultdict(Decimal))  # person: refunds asked for
    done: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    payout_purse: str = "main"
    job_run: int = 0

    # --- beginning ---

    def begin(self) -> None:
        db = self.db
        market.set_minimum(db, "0.01", "0.01")
        market.set_rate(db, RATE)
        self.job_run = db.execute("select job_run from jobs.begin_run('marketplace_execute')").fetchall()[0][0]
        looked(db, self.job_run)
        if self.chance.random() < 0.5:
            self.payout_purse = "bank"
            market.call(db, "set_purse", gateway="bank", purse="bank")
        for number in range(3):
            person = market.profile(db)
            price = Decimal(self.chance.choice(PRICES))
            self.people.append(person)
            self.ads[market.advertisement(db, person, price)] = (person, price)
            self.sites[market.website(db, person)] = person
            self.new_means(person, "CHARGE", number)
            self.new_means(person, "PAYOUT", number)
        market.update(db, FIRST, self.now)

    def new_means(self, person: int, kind: str, number: int) -> None:
        details = {"customer": f"c{number}", "payment_method": f"p{number}"}
        if kind == "PAYOUT":
            details = {"name": f"Person {number}", "iban": "NO9386011117947"}
        gateway = "stripe" if kind == "CHARGE" else "bank"
        market.call(
            self.db,
            "set_payment_means",
            profile=person,
            kind=kind,
            gateway=gateway,
            details=Jsonb(details),
            now=self.now,
        )

    # --- what may happen ---

    def clicks_come(self) -> None:
        for _ in range(self.chance.randint(1, 3)):
            self.some_come()

    def some_come(self) -> None:
        ad = self.chance.choice(list(self.ads))
        site = self.chance.choice([*self.sites, None])
        begins = market.day(self.open)
        times = [begins + timedelta(days=self.chance.randint(-20, 27)) for _ in range(self.chance.randint(1, 4))]
        person, price = self.ads[ad]
        for row in market.clicks(self.db, ad, site, *times):
            share = NOTHING if site is None else (price * (1 - RATE)).quantize(MICRO, ROUND_DOWN)
            self.clicks.append(Click(row, person, None if site is None else self.sites[site], price, share))

    def month_ends(self) -> None:
        if self.chance.random() < 0.8:
            self.clicks_come()
        ends = market.day(market.next_month(self.open))
        self.now = max(self.now, ends + timedelta(hours=1))
        market.close(self.db, self.open, self.now)
        for click in self.clicks:
            if click.month is None and click.row["click_time"] < ends:
                click.month = self.open
        self.open = market.next_month(self.open)

    def clicks_are_taken_back(self) -> None:
        settled = [c for c in self.clicks if c.month and c.month < self.open and not c.taken_back]
        for click in self.chance.sample(settled, min(len(settled), self.chance.randint(1, 4))):
            credit = min(click.price, self.creditable(click.advertiser, click.month or self.open))
            made = {row["side"]: row["amount"] for row in market.adjust(self.db, click.row, now=self.now)}
            assert made["ADVERTISEMENT"] == -credit, f"{-made['ADVERTISEMENT']} credited, {credit} may be"
            click.taken_back = True
            self.credits[click.advertiser] += credit
            self.credited[click.advertiser, click.month or self.open] += credit
            if click.publisher is not None:
                assert made["WEBSITE"] == click.share
                self.debits[click.publisher] += click.share
            self.done["taken back"] += 1
            self.done["credited in part"] += credit < click.price

    def a_run(self) -> None:
        self.now += timedelta(days=self.chance.choice((0, 1, 4, 16)), hours=1)
        for kind, gateway in (("CHARGE", "stripe"), ("REFUND", "stripe"), ("PAYOUT", "bank")):
            market.call(self.db, "prepare_attempts", kind=kind, now=self.now)
            if self.chance.random() < 0.1:
                continue  # the gateway cannot be reached: they stay prepared
            while sent := market.call(
                self.db, "claim_attempts", gateway=gateway, kind=kind, job_run=self.job_run, limit=1, now=self.now
            ):
                self.asked(sent[0])
        self.nobody_owes_and_is_owed()

    def asked(self, call: Row) -> None:
        attempt = rows(
            self.db, "select * from marketplace.payment_attempt where payment_attempt = %s", call["payment_attempt"]
        )[0]
        amount = Decimal(call["amount"]) / 100
        if call["kind"] == "PAYOUT":
            owed = self.settled(attempt["profile"]) + amount + self.paying(attempt["profile"])
            assert owed < ORE, f"{amount} is paid to {attempt['profile']}, who then owes {owed}"
            self.done["paid"] += 1
        if call["kind"] != "CHARGE":
            under_way = sum((Decimal(row["amount"]) / 100 for row, _ in self.waiting.values()
                             if row["kind"] != "CHARGE" and row["purse"] == attempt["purse"]), NOTHING)  # fmt: skip
            there = self.balance[attempt["purse"]] - under_way
            assert there >= amount, f"{amount} is paid out of {there}"
        match self.chance.choices(("yes", "no", "later", "silence"), (62, 20, 10, 8))[0]:
            case "yes":
                self.does(attempt)
                self.tells(attempt, True)
            case "no":
                self.tells(attempt, False)
            case "later":
                self.waiting[attempt["payment_attempt"]] = attempt, self.chance.random() < 0.6
                self.answers(attempt, "processing")
            case _:
                did = self.chance.random() < 0.5
                self.waiting[attempt["payment_attempt"]] = attempt, did
                self.answers(attempt, "no_answer")

    def does(self, attempt: Row) -> None:
        """The gateway does it, and its own list has it."""
        number = f"g{attempt['payment_attempt']}"
        month = one(self.db, "select month from marketplace.transaction where transaction = %s", attempt["transaction"])
        amount = Decimal(attempt["amount"]) / 100
        item = Item(
            number, attempt["payment_attempt"], attempt["kind"], attempt["profile"], amount, attempt["purse"], month
        )
        if attempt["kind"] == "REFUND":
            item.charge = next(each for each in self.items.values() if each.attempt == attempt["refunds"])
        self.items[number] = item
        self.balance[attempt["purse"]] += amount if attempt["kind"] == "CHARGE" else -amount
        self.done[attempt["kind"]] += 1

    def tells(self, attempt: Row, did: bool) -> None:
        if did:
            self.items[f"g{attempt['payment_attempt']}"].known = True
            self.answers(attempt, "succeeded", gateway_id=f"g{attempt['payment_attempt']}",
                         amount=attempt["amount"], currency="NOK")  # fmt: skip
        else:
            answer, code = self.chance.choice(DEAD)
            self.answers(attempt, answer, decline_code=code)

    def answers(self, attempt: Row, answer: str, **said: object) -> str:
        told = market.call(
            self.db, "record_answer", payment_attempt=attempt["payment_attempt"], answer=answer, now=self.now, **said
        )
        return str(told[0]["outcome"])

    def the_gateway_says_more(self) -> None:
        for number, (attempt, does) in list(self.waiting.items()):
            if self.chance.random() < 0.7:
                del self.waiting[number]
                if does:
                    self.does(attempt)
                self.tells(attempt, does)

    def a_means_is_set(self) -> None:
        self.new_means(self.chance.choice(self.people), self.chance.choice(("CHARGE", "PAYOUT")),
                       self.chance.randint(10, 10**9))  # fmt: skip

    def charges(self) -> list[Item]:
        return [item for item in self.items.values() if item.kind == "CHARGE" and item.known]

    def a_refund_is_asked_for(self) -> None:
        if not (charges := self.charges()):
            return
        item = self.chance.choice(charges)
        left = self.left(item)
        amount = (max(left, ORE) * Decimal(self.chance.choice(("0.4", "1", "1.2")))).quantize(ORE, ROUND_DOWN)
        transaction = one(
            self.db, "select transaction from marketplace.payment_attempt where payment_attempt = %s", item.attempt
        )
        asked = {"transaction": transaction, "reason": "asked", "amount": max(amount, ORE), "now": self.now,
                 "request_id": f"r{self.chance.random()}"}  # fmt: skip
        refused = self.refusal("refund_transaction", **asked)
        assert refused == ("23B72" if max(amount, ORE) > left else None), f"{amount} of {left}: {refused}"
        if refused is None:
            item.refunds += max(amount, ORE)
            self.promised[item.person] += max(amount, ORE)
        self.done[f"refund {refused}"] += 1

    def refusal(self, function: str, **arguments: object) -> str | None:
        try:
            with self.db.transaction():
                market.call(self.db, function, **arguments)
        except psycopg.Error as error:
            return error.sqlstate
        return None

    def a_charge_is_disputed(self) -> None:
        charges = [item for item in self.charges() if not item.disputed and self.left(item) > 0]
        if charges:
            item = self.chance.choice(charges)
            amount = self.left(item)
            if self.chance.random() < 0.3:
                amount = max(ORE, (amount / 2).quantize(ORE, ROUND_DOWN))
            self.balance[item.purse] -= amount
            item.disputed += amount
            assert self.of(item, "returned", amount) == "ALARM"
            self.done["disputed"] += 1

    def a_dispute_is_decided(self) -> None:
        disputed = [item for item in self.charges() if item.disputed]
        if not disputed:
            return
        item = self.chance.choice(disputed)
        if self.chance.random() < 0.5:
            self.balance[item.purse] += item.disputed
            assert self.of(item, "reinstated", item.disputed) == "APPLIED"
        else:
            market.call(
                self.db, "book_loss", payment_attempt=item.attempt, amount=item.disputed, reason="lost", now=self.now
            )
            item.lost += item.disputed
            self.done["lost"] += 1
        item.disputed = NOTHING

    def of(self, item: Item, answer: str, amount: Decimal) -> str:
        return self.answers({"payment_attempt": item.attempt}, answer, gateway_id=item.number,
                            amount=int(amount * 100), currency="NOK")  # fmt: skip

    def a_payment_comes_back(self) -> None:
        paid = [item for item in self.items.values() if item.kind != "CHARGE" and item.known and not item.returned]
        if paid:
            item = self.chance.choice(paid)
            item.returned = True
            self.balance[item.purse] += item.amount
            assert self.of(item, "returned", item.amount) == "APPLIED"
            self.done["came back"] += 1

    def a_person_decides(self) -> None:
        query = "select transaction, hold from marketplace.due_transactions(null, %s)"
        for row in rows(self.db, query, self.now):
            if row["hold"] in ("DECLINED", "EXHAUSTED", "REJECTED", "CANCELLED", "RETURNED"):
                self.refusal("retry_transaction", transaction=row["transaction"], reason="again", now=self.now)
        prepared = rows(self.db, "select payment_attempt from marketplace.payment_attempt where state = 'PREPARED'")
        if prepared and self.chance.random() < 0.3:
            number = self.chance.choice(prepared)["payment_attempt"]
            market.call(self.db, "cancel_attempt", payment_attempt=number, reason="a person says so", now=self.now)

    def money_is_moved(self) -> None:
        amount = Decimal(self.chance.randint(1, 20000)) / 100
        purse = self.chance.choice(("main", self.payout_purse))
        market.call(self.db, "move_reserve", amount=amount, reason="ours", now=self.now, purse=purse)
        self.balance[purse] += amount
        if self.payout_purse != "main":
            there = one(self.db, "select available / 100.0 from marketplace.purse where purse = 'main'")
            wanted = Decimal(self.chance.randint(1, 30000)) / 100
            moved = self.refusal("transfer", **{"from": "main", "to": "bank", "amount": wanted, "reason": "to the bank",
                                                "now": self.now})  # fmt: skip
            assert moved == (None if wanted <= there else "23B76")
            if moved is None:
                self.balance["main"] -= wanted
                self.balance["bank"] += wanted

    # --- the wholes ---

    def worth(self, person: int, *, settled: bool) -> Decimal:
        """What all of a person's clicks come to, of closed months alone or of the open one too; corrections always."""
        total = self.debits[person] - self.credits[person]
        for click in self.clicks:
            if click.month is not None and (click.month < self.open or not settled):
                total += click.price if click.advertiser == person else NOTHING
                total -= click.share if click.publisher == person else NOTHING
        return total

    def moved(self, person: int) -> Decimal:
        """What a person paid us, less what they got, as far as we were told; what came back did not move."""
        total = NOTHING
        for item in self.items.values():
            if item.person == person and item.known and not item.returned:
                total += item.amount if item.kind == "CHARGE" else -item.amount
        return total

    def settled(self, person: int) -> Decimal:
        """What a person owes us (above 0), for closed months and corrections, but for refunds that are promised."""
        open_refunds = self.promised[person] - sum(
            (item.amount for item in self.items.values()
             if item.kind == "REFUND" and item.person == person and item.known and not item.returned), NOTHING
        )  # fmt: skip
        # A refund that came back is owed to the account.
        back = sum((item.amount for item in self.items.values()
                    if item.kind == "REFUND" and item.person == person and item.returned), NOTHING)  # fmt: skip
        return self.worth(person, settled=True) - self.moved(person) - self.promised[person] + open_refunds - back

    def paying(self, person: int) -> Decimal:
        """What is on its way to a person; a refund is not set off."""
        return sum((Decimal(row["amount"]) / 100 for row, _ in self.waiting.values()
                    if row["kind"] == "PAYOUT" and row["profile"] == person), NOTHING)  # fmt: skip

    def billed(self, person: int, month: date) -> Decimal:
        return sum(
            (click.price for click in self.clicks if click.advertiser == person and click.month == month), NOTHING
        )

    def charge_of(self, person: int, month: date) -> Item | None:
        found = (item for item in self.charges() if item.person == person and item.month == month)
        return next(found, None)

    def creditable(self, person: int, month: date) -> Decimal:
        item, credited = self.charge_of(person, month), self.credited[person, month]
        billed = self.billed(person, month)
        if item is None:
            return billed - credited
        never_taken = max(NOTHING, billed - item.amount)
        return max(NOTHING, never_taken + item.amount - item.refunds - item.disputed - item.lost - credited)

    def left(self, item: Item) -> Decimal:
        """What may still be given back of a charge."""
        never_taken = max(NOTHING, self.billed(item.person, item.month) - item.amount)
        of_charge = max(NOTHING, self.credited[item.person, item.month] - never_taken)
        return item.amount - item.refunds - item.disputed - item.lost - of_charge.quantize(ORE, ROUND_CEILING)

    def nobody_owes_and_is_owed(self) -> None:
        """After a run, whoever is owed something that may be paid owes nothing that is not under way or looked at."""
        found = rows(self.db, "select profile, kind, hold from marketplace.due_transactions(null, %s)", self.now)
        owing = {
            row["profile"] for row in found if row["kind"] == "CHARGE" and row["hold"] not in ("UNDER_WAY", "ALARM")
        }
        owed = {
            row["profile"]
            for row in found
            if row["kind"] == "PAYOUT" and row["hold"] in (None, "FUND", "NOT_DUE", "OWES")
        }
        assert not owing & owed, f"{owing & owed} owe, and are owed"

    def holds(self) -> None:
        said = self.what_is_said()
        assert said["wrong"] == []
        for person in self.people:
            # What the account says, and what it will: the running month, and what is below an øre.
            found = said["people"][str(person)]
            expected = self.worth(person, settled=False) - self.moved(person) - self.promised[person]
            assert found == expected, f"person {person} has {found}, and should have {expected}"
        under_way: dict[str, Decimal] = defaultdict(Decimal)
        for number, purse, amount in said["under_way"]:
            under_way[purse] += NOTHING if f"g{number}" in self.items else amount / 100
        for item in self.items.values():  # the gateway did it, and has not said so
            under_way[item.purse] += item.amount if not item.known and item.kind == "CHARGE" else NOTHING
        for purse, available in said["purses"].items():
            lies = self.balance[purse] - under_way[purse]
            assert available / 100 == lies, f"purse {purse} has {available / 100}, and {lies} lie there"
        theirs = {item.attempt: [item.kind, item.amount] for item in self.items.values() if item.known}
        ours = {number: [kind, amount / 100] for number, kind, amount, _ in said["done"]}
        assert ours == theirs, "the gateway's list is another"
        left = {number: left / 100 for number, kind, _, left in said["done"] if kind == "CHARGE"}
        assert left == {item.attempt: self.left(item) for item in self.charges()}, "what is left of the charges"

    def what_is_said(self) -> dict[str, Any]:
        """All that the database says, in one question."""
        answer = one(self.db, SAID, {"people": self.people})
        return dict(json.loads(answer, parse_float=Decimal, parse_int=lambda text: Decimal(text)))

    STEPS = (
        *(clicks_come,) * 5,
        *(month_ends,) * 3,
        *(a_run,) * 5,
        *(clicks_are_taken_back,) * 3,
        *(the_gateway_says_more,) * 2,
        *(a_means_is_set,) * 2,
        *(a_refund_is_asked_for,) * 2,
        *(a_charge_is_disputed,) * 1,
        *(a_dispute_is_decided,) * 2,
        *(a_payment_comes_back,) * 1,
        *(a_person_decides,) * 2,
        *(money_is_moved,) * 2,
    )


def play(db: Connection, number: int, *broken: str, steps: int = 20) -> dict[str, int]:
    """History `number`, which is undone; `broken`: statements that take a guard away first."""
    with db.transaction(force_rollback=True):
        for statement in broken:
            db.execute(statement.encode())
        world = World(db, random.Random(number))
        world.begin()
        done = []
        try:
            for _ in range(steps):
                step = world.chance.choice(World.STEPS)
                done.append(step.__name__)
                step(world)
                world.holds()
        except (AssertionError, psycopg.Error) as error:
            raise AssertionError(f"history {number}, {done}: {error}") from error
        finally:
            if not db.broken and db.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS:
                run(db, "select jobs.finish_run(%s, 'succeeded')", world.job_run)
    return world.done
