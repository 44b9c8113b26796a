"""People's accounts, the purses and the gateways' own list as wholes, kept by nothing but what happened.

The model has none of our tables. It knows clicks and what they cost, what a gateway took and paid, and what a person
was promised; and says after every step what each account, purse and charge must come to.
"""

import copy
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
create or replace function pg_temp.said(p_people bigint [], p_now timestamptz) returns text language plpgsql as $$
begin
    return json_build_object(
        'wrong', (
            select coalesce(json_agg(c), '[]') from marketplace.account_check as c where c.profile = any (p_people)
        ),
        'people', (
            select json_object_agg(p.profile, coalesce((
                select sum(e.amount * (d.is_persons::int - c.is_persons::int))
                from marketplace.account_entry as e
                join marketplace.account_name as d on e.debit = d.account
                join marketplace.account_name as c on e.credit = c.account
                where e.profile = p.profile
            ), 0) + coalesce((
                select sum(t.net_amount + t.carried_in + t.offset_in) from marketplace.transaction as t
                where t.profile = p.profile and t.status = 'CURRENT'
            ), 0))
            from unnest(p_people) as p (profile)
        ),
        'under_way', (
            select coalesce(json_agg(json_build_array(a.payment_attempt, a.purse, a.amount)), '[]')
            from marketplace.payment_attempt as a
            where a.kind <> 'CHARGE'
                and a.state in ('PREPARED', 'SUBMITTED', 'UNKNOWN', 'PROCESSING', 'REQUIRES_ACTION')
        ),
        'done', (
            select coalesce(json_agg(json_build_array(
                a.payment_attempt, a.transaction, a.kind, a.amount, a.left_amount, a.disputed, a.lost
            )), '[]')
            from marketplace.payment_attempt as a
            where a.state = 'SUCCEEDED'
        ),
        'why', (
            select coalesce(json_agg(json_build_array(s.transaction, s.profile, s.kind, s.code)), '[]')
            from marketplace.standing(array(
                select t.transaction from marketplace.transaction as t
                where t.profile = any (p_people) and t.status in ('NEW', 'FAILED')
                union
                select a.transaction from marketplace.payment_attempt as a
                where a.profile = any (p_people) and a.kind = 'CHARGE' and a.state = 'SUCCEEDED'
            ), p_now) as s
        ),
        'purses', (select json_object_agg(p.purse, p.available) from marketplace.purse as p)
    )::text;
end
$$
"""
"""A function, so that it is planned once: psycopg forgets what it prepared at each rollback."""
AT_GATEWAY = "UNDER_WAY", "NOT_ANSWERED", "NOT_FETCHED"
AHEAD = "LOOKED_AT", "BEING_SENT", "NO_DAY"  # of a hold, which is told after these
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
class Asked:
    """What a gateway was asked to do, by its key, and what became of it: it has this whatever we forget."""

    key: str
    kind: str
    person: int
    amount: int  # øre
    gateway: str
    metadata: Row
    party: str | None
    parent: str | None
    made_at: datetime
    answer: str = "processing"
    code: str | None = None
    batch: str | None = None
    is_by_hand: bool = False  # in the gateway's dashboard: it bears no name of ours

    @property
    def number(self) -> str:
        return self.key if self.gateway == "bank" else f"g{self.key}"

    @property
    def purpose(self) -> tuple[object, ...]:
        """For what: the same in every attempt at it, and in every ledger."""
        if self.is_by_hand:
            return (self.key,)
        said = self.metadata
        return said["profile"], said["month"], said["kind"], said.get("request_id")

    def found(self) -> Row:
        """As a look finds it; of a bank, its journal's word: it was sent, and no more."""
        by_key = {
            "gateway_id": self.number, "kind": self.kind, "idempotency_key": self.key, "amount": self.amount,
            "ledger": self.metadata.get("ledger"), "currency": "NOK", "made_at": self.made_at.isoformat(),
        }  # fmt: skip
        if self.gateway == "bank":
            return by_key | {"answer": "processing", "batch": self.batch}
        if self.is_by_hand:
            by_key |= {"idempotency_key": None, "ledger": None}
        return by_key | {"answer": self.answer, "decline_code": self.code, "metadata": self.metadata,
                         "party": self.party, "parent": self.parent}  # fmt: skip


@dataclass
class Item:
    """What a gateway has in its list: it took, paid or gave back so much of a person's; øre in NOK."""

    number: str
    attempt: int  # 0: made by hand, and not taken in
    kind: str
    person: int
    amount: Decimal
    purse: str
    month: date
    request_id: str | None = None
    known: bool = False  # we have been told
    returned: bool = False
    reversed: Decimal = NOTHING  # of a transfer: what somebody took back in the dashboard, before all of it
    charge: "Item | None" = None
    refunds: Decimal = NOTHING  # of a charge: asked for
    disputes: dict[str, tuple[Decimal, str]] = field(default_factory=dict)  # how much, and open, won or lost

    def in_dispute(self, state: str) -> Decimal:
        return sum((amount for amount, is_now in self.disputes.values() if is_now == state), NOTHING)

    @property
    def disputed(self) -> Decimal:
        return self.in_dispute("open")

    @property
    def lost(self) -> Decimal:
        return self.in_dispute("lost")


@dataclass
class World:
    """Three people, each with an advertisement and a website, and everything that happened to them.

    Where minimums are above an øre, months go on to later ones; then what is left of a charge, and may be credited, is
    held between bounds, and one person, who has no website, is added up to the krone at the end.
    """

    db: Connection
    chance: random.Random
    people: list[int] = field(default_factory=list)
    ads: dict[int, tuple[int, Decimal]] = field(default_factory=dict)
    sites: dict[int, int] = field(default_factory=dict)
    moves: list[tuple[int, datetime, int]] = field(default_factory=list)  # site, from when on, whose it was until then
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
    elsewhere: dict[tuple[int, date], Decimal] = field(default_factory=lambda: defaultdict(Decimal))  # by another road
    after_all: dict[int, Decimal] = field(default_factory=lambda: defaultdict(Decimal))  # person: of that, not so
    requests: set[str] = field(default_factory=set)  # refunds that we know of
    foreign: set[str] = field(default_factory=set)  # and those that were too much, and are the operator's loss
    heard: set[str] = field(default_factory=set)  # of them, those made by hand of which a gateway told us
    settled_by_us: dict[int, Decimal] = field(default_factory=lambda: defaultdict(Decimal))  # person: of what they owe
    by_hand: dict[int, Decimal] = field(default_factory=lambda: defaultdict(Decimal))  # person: fees, less goodwill
    forgiven: dict[tuple[int, date], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    settlements: dict[int, tuple[int, date | None, str, Decimal]] = field(default_factory=dict)  # that are not undone
    hands: list[tuple[int, int, Decimal]] = field(default_factory=list)  # transaction, person and amount; not undone
    held: set[int] = field(default_factory=set)
    sent: dict[str, Asked] = field(default_factory=dict)  # the gateways' own list: whatever they were asked
    done: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    free_again: dict[int, Decimal] = field(default_factory=lambda: defaultdict(Decimal))  # person: not paid after all
    in_vain: set[int] = field(default_factory=set)  # attempts of which we heard, and forgot, that nothing came of them
    put_in: list[tuple[str, Decimal]] = field(default_factory=list)  # into which purse, that others might be paid
    lie_ready: bool = False  # attempts were prepared, and may not have been sent
    payout_purse: str = "main"
    job_run: int = 0
    last_click: int = 0
    settled_amounts: dict[int, Decimal] = field(default_factory=dict)
    minimum: Decimal = ORE
    goes_on: bool = False  # the minimum is above an øre, whatever chance says

    @property
    def exact(self) -> bool:
        return self.minimum == ORE

    # --- beginning ---

    def begin(self) -> None:
        db = self.db
        prices = [Decimal(self.chance.choice(PRICES)) for _ in range(3)]
        if self.goes_on or self.chance.random() < 0.25:  # a click or two of the first one's are too little for a month
            self.minimum = (prices[0] * Decimal("2.5")).quantize(ORE)
        market.set_minimum(db, str(self.minimum), str(self.minimum))
        market.set_rate(db, RATE)
        self.last_click = one(db, "select coalesce(max(ad_click), 0) from marketplace.ad_click")
        self.begin_run()
        looked(db, self.job_run)
        if self.chance.random() < 0.5:
            self.payout_purse = "bank"
            market.call(db, "set_purse", gateway="bank", purse="bank")
        for number, price in enumerate(prices):
            person = market.profile(db)
            self.people.append(person)
            self.ads[market.advertisement(db, person, price)] = (person, price)
            if self.exact or number:
                self.sites[market.website(db, person)] = person
            self.new_means(person, "CHARGE", number)
            self.new_means(person, "PAYOUT", number)
        market.update(db, FIRST, self.now)

    def new_means(self, person: int, kind: str, number: int) -> None:
        details, gateway = {"customer": f"c{number}", "payment_method": f"p{number}"}, "stripe"
        if kind == "PAYOUT":
            details = {"destination": f"acct_{number}"}
            if self.chance.random() < 0.5:
                details, gateway = {"name": f"Person {number}", "iban": "NO9386011117947"}, "bank"
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
        begins = market.day(self.open)
        made = []
        for _ in range(self.chance.randint(1, 3)):
            ad, site = self.chance.choice(list(self.ads)), self.chance.choice([*self.sites, None])
            for _ in range(self.chance.randint(1, 4)):
                made.append((ad, site, begins + timedelta(days=self.chance.randint(-20, 27))))
        query = "select marketplace.record_clicks(%s, %s::bigint[], %s, %s)"
        run(self.db, query, *(list(each) for each in zip(*made, strict=True)), None)
        columns = "profile, click_time, ad_click, advertisement, website"
        query = f"select {columns} from marketplace.ad_click where ad_click > %s and click_time >= %s order by ad_click"
        for row in rows(self.db, query, self.last_click, begins - timedelta(days=20)):
            self.last_click = row["ad_click"]
            site = row["website"]
            person, price = self.ads[row["advertisement"]]
            share = NOTHING if site is None else (price * (1 - RATE)).quantize(MICRO, ROUND_DOWN)
            had = [owner for moved, since, owner in self.moves if moved == site and since > row["click_time"]]
            earner = None if site is None else [*had, self.sites[site]][0]
            self.clicks.append(Click(row, person, earner, price, share))

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
        settled = self.settled_clicks()
        self.take_back(self.chance.sample(settled, min(len(settled), self.chance.randint(1, 5))))

    def settled_clicks(self) -> list[Click]:
        return [c for c in self.clicks if c.month and c.month < self.open and not c.taken_back]

    def take_back(self, clicks: list[Click]) -> None:
        """All of these at once; what each advertiser is credited."""
        if not clicks:
            return
        clicks.sort(key=lambda c: (c.row["click_time"], c.row["profile"], c.row["ad_click"]))
        keys = {name: [c.row[name] for c in clicks] for name in ("profile", "click_time", "ad_click")}
        market.call(self.db, "adjust_clicks", profiles=keys["profile"], click_times=keys["click_time"],
                    ad_clicks=keys["ad_click"], reason="bot", now=self.now)  # fmt: skip
        query = "select ad_click, side, amount, credited from marketplace.adjustment where ad_click = any (%s)"
        made = {(row["ad_click"], row["side"]): row for row in rows(self.db, query, keys["ad_click"])}
        for click in clicks:
            month = click.month or self.open
            credit = -made[click.row["ad_click"], "ADVERTISEMENT"]["amount"]
            assert 0 <= credit <= click.price
            if self.exact:
                expected = min(click.price, self.creditable(click.advertiser, month))
                assert credit == expected, f"{credit} credited, {expected} may be"
            click.taken_back = True
            self.credits[click.advertiser] += credit
            self.credited[click.advertiser, month] += credit
            self.elsewhere[click.advertiser, month] += click.price - credit
            if click.publisher is not None:
                assert made[click.row["ad_click"], "WEBSITE"]["amount"] == click.share
                self.debits[click.publisher] += click.share
            self.done["taken back"] += 1
            self.done["credited in part"] += credit < click.price

    def a_run(self) -> None:
        self.now += timedelta(days=self.chance.choice((0, 1, 4, 16)), hours=1)
        if any(each.is_by_hand for each in self.sent.values()) and self.unexplained("stripe"):
            self.what_it_has_is_taken_in("stripe")
        for kind, gateways in (("CHARGE", ("stripe",)), ("REFUND", ("stripe",)), ("PAYOUT", ("stripe", "bank"))):
            made = one(self.db, "select marketplace.prepare_attempts(%s, %s)", kind, self.now)
            for gateway in gateways:
                if self.chance.random() < 0.1:
                    self.lie_ready |= made > 0
                    continue  # the gateway cannot be reached: they stay prepared
                claim = {"gateway": gateway, "kind": kind, "job_run": self.job_run, "now": self.now}
                claim["limit"] = 2 if gateway == "bank" else 1  # a bank has files
                while (made or self.lie_ready) and (sent := market.call(self.db, "claim_attempts", **claim)):
                    for call in sent:
                        self.asked(call)
                    made -= len(sent)
        self.nobody_owes_and_is_owed()

    def asked(self, call: Row) -> None:
        attempt = self.attempt(call["payment_attempt"])
        amount = Decimal(call["amount"]) / 100
        self.listed(attempt)
        if call["kind"] == "PAYOUT":
            assert attempt["profile"] not in self.held, "paid, and held"
            owed = self.settled(attempt["profile"]) + amount + self.paying(attempt["profile"])
            assert owed < ORE, f"{amount} is paid to {attempt['profile']}, who then owes {owed}"
            self.done["paid"] += 1
        if call["kind"] != "CHARGE":
            under_way = sum((Decimal(row["amount"]) / 100 for row, _ in self.waiting.values()
                             if row["kind"] != "CHARGE" and row["purse"] == attempt["purse"]
                             and not self.is_done(row)), NOTHING)  # fmt: skip
            there = self.balance[attempt["purse"]] - under_way
            assert there >= amount, f"{amount} is paid out of {there}"
        answer = self.chance.choices(("yes", "no", "later", "silence"), (62, 20, 10, 8))[0]
        if call["kind"] == "REFUND" and self.left_there(self.items[attempt["request"]["refunds"]]) < 0:
            answer = "no"  # so much was not left there: somebody had given it back by hand
        match answer:
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
                if not did and self.chance.random() < 0.5:
                    del self.sent[attempt["idempotency_key"]]  # it never got there
                self.answers(attempt, "no_answer")

    def is_done(self, attempt: Row) -> bool:
        """By the gateway, whether we have been told or not."""
        said = self.said_of(attempt)
        return said is not None and said.answer == "succeeded"

    def said_of(self, attempt: Row) -> Asked | None:
        """What a gateway has of it: under our key, or, made by hand, under its own number."""
        return self.sent.get(attempt["idempotency_key"]) or self.sent.get((attempt["gateway_id"] or "")[1:])

    def attempt(self, number: int) -> Row:
        return rows(self.db, "select * from marketplace.payment_attempt where payment_attempt = %s", number)[0]

    def listed(self, attempt: Row) -> None:
        """A gateway is asked, and has it in its list from now on; for this it was not asked before, but in vain."""
        asked = attempt["request"]
        said = Asked(
            attempt["idempotency_key"], attempt["kind"], attempt["profile"], attempt["amount"], attempt["gateway"],
            asked["metadata"], asked.get("customer"), asked.get("refunds"), self.now,
            batch=attempt["batch"],
        )  # fmt: skip
        of_this = [each for each in self.sent.values() if each.purpose == said.purpose]
        there = [each for each in of_this if each.key == said.key or each.answer not in ("declined", "rejected")]
        assert there == [], f"{said} is asked for, and was before: {there}"
        self.sent[said.key] = said

    def does(self, attempt: Row) -> None:
        """The gateway does it, and its own list has it."""
        said = self.said_of(attempt)
        assert said is not None
        said.answer = "succeeded"
        number = said.number
        month = one(self.db, "select month from marketplace.transaction where transaction = %s", attempt["transaction"])
        amount = Decimal(attempt["amount"]) / 100
        item = Item(
            number, attempt["payment_attempt"], attempt["kind"], attempt["profile"], amount, attempt["purse"], month,
            said.number if said.is_by_hand else said.metadata.get("request_id"),
        )  # fmt: skip
        if attempt["kind"] == "REFUND":
            item.charge = next(each for each in self.items.values() if each.attempt == attempt["refunds"])
        self.items[number] = item
        self.balance[attempt["purse"]] += amount if attempt["kind"] == "CHARGE" else -amount
        self.done[attempt["kind"]] += 1

    def tells(self, attempt: Row, did: bool) -> None:
        said = self.said_of(attempt)
        answer: str
        code: str | None
        if not did:
            self.in_vain.add(attempt["payment_attempt"])
        if did and said:
            self.items[said.number].known = True
            self.answers(attempt, "succeeded", gateway_id=said.number, amount=attempt["amount"], currency="NOK")
            return
        if said and said.code:
            answer, code = said.answer, said.code
        else:
            is_known = self.attempt(attempt["payment_attempt"])["state"] == "PROCESSING"
            answer, code = self.chance.choice(DEAD[:2] if is_known else DEAD)
        if said:
            said.answer, said.code = answer, code
            if answer == "rejected" and said.gateway != "bank":
                del self.sent[said.key]  # nothing came of it there
        self.answers(attempt, answer, decline_code=code, gateway_id=said.number if said and said.code else None)
        if said and said.is_by_hand:
            self.came_to_nothing(said)

    def answers(self, attempt: Row, answer: str, **said: object) -> str:
        told = market.call(
            self.db, "record_answer", payment_attempt=attempt["payment_attempt"], answer=answer, now=self.now, **said
        )
        return str(told[0]["outcome"])

    def the_gateway_says_more(self) -> None:
        for number, (attempt, does) in list(self.waiting.items()):
            if self.chance.random() < 0.7:
                del self.waiting[number]
                said = self.said_of(attempt)
                if does and said and said.answer == "processing":
                    self.does(attempt)
                self.tells(attempt, does)
        for said in self.sent.values():
            if (
                said.is_by_hand
                and said.answer == "processing"
                and not self.is_explained(said)
                and said.number not in self.foreign
            ):
                self.settles_by_hand(said, self.chance.random() < 0.5)

    def is_explained(self, said: Asked) -> bool:
        """Whether an attempt is at it."""
        query = "select exists (select from marketplace.payment_attempt where gateway_id = %s and sent > 0)"
        return bool(one(self.db, query, said.number))

    def the_ledger_is_restored(self) -> None:
        """As of a moment ago: what the gateways did since stays done, and is taken in before anything else is sent."""
        numbers = ("payment_attempt_payment_attempt", "transaction_transaction")
        before = {each: one(self.db, f"select last_value from marketplace.{each}_seq") for each in numbers}
        kept, sent, put_in = self.ledger(), set(self.sent), len(self.put_in)
        self.in_vain.clear()
        self.db.execute("savepoint a_dump")
        may = World.a_run, World.the_gateway_says_more, World.a_refund_is_asked_for, World.a_refund_is_made_by_hand
        for step in self.chance.choices(may, k=3):
            step(self)
        self.db.execute("rollback to savepoint a_dump")
        for each, number in before.items():  # what was numbered since is numbered anew
            run(self.db, f"select setval('marketplace.{each}_seq', %s)", number)
        for purse, amount in self.put_in[put_in:]:  # it lies there, and is booked again
            market.call(self.db, "move_reserve", purse=purse, amount=amount, reason="ours", now=self.now)
        self.lie_ready = True
        if not (forgotten := self.restore(kept)) and set(self.sent) == sent:
            return  # nothing was sent: what is to be asked is what it was
        run(self.db, "select jobs.finish_run(%s, 'succeeded')", self.job_run)
        self.begin_run()
        self.free_again.clear()
        for attempt, _ in list(self.waiting.values()):  # what it said then, it says again
            said = self.said_of(attempt)
            if attempt["kind"] == "PAYOUT" and not self.is_done(attempt):
                self.free_again[attempt["profile"]] += Decimal(attempt["amount"]) / 100
            if said and said.answer in ("succeeded", "declined"):
                del self.waiting[attempt["payment_attempt"]]
                self.tells(attempt, said.answer == "succeeded")
            elif not said and attempt["idempotency_key"] in sent:
                del self.waiting[attempt["payment_attempt"]]
                self.answers(attempt, "rejected")
        self.in_vain &= set(self.waiting)
        for gateway in ("stripe", "bank"):
            assert self.refused_to_send(gateway) == "23B68", "nobody has asked what it has"
            self.what_it_has_is_taken_in(gateway)
        self.done["restored"] += 1
        self.done["forgotten, and taken in"] += len(forgotten)

    def begin_run(self) -> None:
        self.job_run = one(self.db, "select job_run from jobs.begin_run('marketplace_execute')")

    def refused_to_send(self, gateway: str) -> str | None:
        kind = "CHARGE" if gateway == "stripe" else "PAYOUT"
        claim = {"gateway": gateway, "kind": kind, "job_run": self.job_run, "limit": 1, "now": self.now}
        try:
            with self.db.transaction(force_rollback=True):  # only asked
                market.call(self.db, "claim_attempts", **claim)
        except psycopg.Error as error:
            return error.sqlstate
        return None

    def ledger(self) -> dict[str, Any]:
        """What a dump has of what the model knows: not the gateways' own lists, nor what lies there."""
        names = ("waiting", "promised", "requests", "heard", "foreign", "credited", "credits", "debits", "elsewhere",
                 "after_all")  # fmt: skip
        said: dict[str, Any] = {name: copy.copy(getattr(self, name)) for name in names}
        said["known"] = {number: (item.known, item.refunds, item.attempt) for number, item in self.items.items()}
        return said

    def restore(self, said: dict[str, Any]) -> list[Item]:
        """What happened there since the dump, and is not known any more."""
        known = said.pop("known")
        for name, value in said.items():
            setattr(self, name, value)
        for number, item in self.items.items():
            forgotten = False, NOTHING, 0 if item.request_id == number else item.attempt
            item.known, item.refunds, item.attempt = known.get(number, forgotten)
        return [item for number, item in self.items.items() if number not in known]

    def what_it_has_is_taken_in(self, gateway: str) -> None:
        look = one(self.db, "select gateway_look from marketplace.begin_look(%s, %s, false)", gateway, self.job_run)
        has = [each.found() for each in self.sent.values() if each.gateway == gateway]
        strays = market.call(self.db, "end_look", gateway_look=look, objects=Jsonb(has))
        assert self.refused_to_send(gateway) == ("23B68" if strays else None)
        assert bool(strays) == bool(self.unexplained(gateway)), f"{gateway} has {self.unexplained(gateway)}"
        rounds = 0
        while strays:
            left: list[tuple[Row, str]] = []
            for stray in strays:
                try:
                    with self.db.transaction():
                        (taken,) = market.call(self.db, "take_in", gateway=gateway, gateway_id=stray["gateway_id"],
                                               job_run=self.job_run, now=self.now)  # fmt: skip
                except psycopg.Error as error:
                    left.append((stray, f"{error.diag.message_primary}: {error.diag.message_detail}"))
                else:
                    self.is_taken_in(stray["gateway_id"], taken)
            if len(left) == len(strays):
                left = [each for each in left if not self.a_person_helps(*each)]
                rounds += 1
            assert rounds < 5, f"of what {gateway} has is left: {left}"
            strays = [stray for stray, _ in left]

    def a_person_helps(self, stray: Row, refused: str) -> bool:
        """What was made by hand and cannot be taken in: of a charge that has less left, it is the operator's loss.

        Where what lies there is on its way to others, the operator adds to it. What was declined before all was given
        back otherwise moved nothing, and is nobody's.
        """
        if refused.endswith("FUND.") or refused.startswith("the purse has not so much"):
            there = one(self.db, "select available from marketplace.purse where purse = 'main'")
            assert there < stray["amount"], f"{there} øre are there: {refused}"
            missing = Decimal(stray["amount"] - there) / 100  # what is overdrawn, too
            market.call(self.db, "move_reserve", amount=missing, reason="ours", now=self.now)
            self.balance["main"] += missing
            self.put_in.append(("main", missing))
            return False
        said = next(each for each in self.sent.values() if each.number == stray["gateway_id"])
        if refused.startswith("what was done is not what"):
            return self.what_was_charged_is_settled(said)
        if not refused.startswith("more than is left") or not (said.is_by_hand or said.answer == "declined"):
            return False
        market.call(self.db, "declare_foreign", gateway=said.gateway, gateway_id=said.number,
                    reason="given twice", now=self.now)  # fmt: skip
        if said.answer == "succeeded":
            item = self.items[said.number]
            market.call(self.db, "book_fee", purse=item.purse, amount=item.amount, reason="given twice", now=self.now)
        self.foreign.add(said.number)
        self.done["by hand, and too much"] += 1
        return True

    def what_was_charged_is_settled(self, said: Asked) -> bool:
        """It was charged before a payout came to nothing, which this ledger heard first, and set off: less is due.

        Or after that, and this ledger has not heard it: more is due, until it is told once more, and sets it off.
        """
        item = self.items[said.number]
        query = "select transaction, left_amount from marketplace.transaction"
        query += " where profile = %s and month = %s and kind = 'MONTHLY'"
        (row,) = rows(self.db, query, said.person, item.month)
        left, person = row["left_amount"], said.person
        assert (said.kind, said.answer, item.request_id) == ("CHARGE", "succeeded", None), said
        if item.amount < left:
            return self.what_came_to_nothing_is_told_again(person, left - item.amount)
        assert 0 < item.amount - left <= self.free_again[person], f"{item} is taken, and {left} is due"
        request = {"reason": "taken before", "request_id": f"t{self.chance.random()}", "now": self.now}
        market.call(self.db, "declare_foreign", gateway=said.gateway, gateway_id=said.number,
                    reason="settled by hand", now=self.now)  # fmt: skip
        market.call(self.db, "settle", transaction=row["transaction"], kind="PAID_OUTSIDE", amount=left, **request)
        market.call(self.db, "give_goodwill", profile=person, amount=item.amount - left, **request)
        market.call(self.db, "move_reserve", purse=item.purse, amount=item.amount, reason="taken", now=self.now)
        self.settled_by_us[person] += left
        self.by_hand[person] -= item.amount - left
        self.foreign.add(said.number)
        del self.items[said.number]
        self.done["charged, and settled by hand"] += 1
        return True

    def what_came_to_nothing_is_told_again(self, person: int, missing: Decimal) -> bool:
        """What of it is set off is what is due beyond what was taken; so that can be taken in, by whoever asked."""
        payouts = [attempt for attempt, _ in self.waiting.values()
                   if attempt["kind"] == "PAYOUT" and attempt["profile"] == person
                   and attempt["payment_attempt"] in self.in_vain]  # fmt: skip
        there = sum((Decimal(attempt["amount"]) / 100 for attempt in payouts), NOTHING)
        assert 0 < missing <= there, f"{missing} of {person} is due beyond what was taken, and {there} were not paid"
        for attempt in payouts:
            del self.waiting[attempt["payment_attempt"]]
            self.tells(attempt, False)
        self.done["told again, and taken in"] += 1
        return False

    def unexplained(self, gateway: str) -> list[str]:
        """What it has that moved money, or may, and that no attempt here is at."""
        query = "select idempotency_key, gateway_id from marketplace.payment_attempt where sent > 0"
        here = {each for row in rows(self.db, query) for each in row.values()}
        return [
            each.key for each in self.sent.values()
            if each.gateway == gateway and each.key not in here and each.number not in self.foreign
            and not (each.is_by_hand and (
                each.number in here or (each.answer == "declined" and each.number not in self.heard)
            ))
        ]  # fmt: skip

    def is_taken_in(self, number: str, taken: Row) -> None:
        said = next(each for each in self.sent.values() if each.number == number)
        item = self.items.get(number)
        request = said.number if said.is_by_hand else said.metadata.get("request_id")
        if said.kind == "REFUND" and request not in self.requests:  # it is asked for again, by this
            charge = next(each for each in self.items.values() if each.number == said.parent)
            self.requests.add(str(request))
            charge.refunds += Decimal(said.amount) / 100
            self.promised[said.person] += Decimal(said.amount) / 100
        if item:
            item.attempt, item.known = taken["payment_attempt"], taken["state"] == "SUCCEEDED"
        if said.is_by_hand and said.answer == "declined":
            self.came_to_nothing(said)
        if taken["state"] == "PROCESSING":
            self.waiting[taken["payment_attempt"]] = self.attempt(taken["payment_attempt"]), item is not None
        self.done["taken in"] += 1

    def a_means_is_set(self) -> None:
        self.new_means(self.chance.choice(self.people), self.chance.choice(("CHARGE", "PAYOUT")),
                       self.chance.randint(10, 10**9))  # fmt: skip

    def charges(self) -> list[Item]:
        return [item for item in self.items.values() if item.kind == "CHARGE" and item.known]

    def a_refund_is_asked_for(self) -> None:
        if not (charges := self.charges()):
            return
        item = self.chance.choice(charges)
        self.refund(item, self.left(item) * Decimal(self.chance.choice(("0.4", "1", "1.2"))))

    def refund(self, item: Item, amount: Decimal) -> None:
        left = self.left(item)
        amount = amount.quantize(ORE, ROUND_DOWN)
        transaction = one(
            self.db, "select transaction from marketplace.payment_attempt where payment_attempt = %s", item.attempt
        )
        asked = {"transaction": transaction, "reason": "asked", "amount": max(amount, ORE), "now": self.now,
                 "request_id": f"r{self.chance.random()}"}  # fmt: skip
        refused = self.refusal("refund_transaction", **asked)
        assert refused == ("23B72" if max(amount, ORE) > left else None), f"{amount} of {left}: {refused}"
        if refused is None:
            self.is_promised(item, max(amount, ORE), str(asked["request_id"]))
        self.done[f"refund {refused}"] += 1

    def is_promised(self, item: Item, amount: Decimal, request_id: str) -> None:
        item.refunds += amount
        self.promised[item.person] += amount
        self.requests.add(request_id)

    def clicks_are_refunded(self) -> None:
        """By name: their publishers' shares come back, and the advertiser has it through the gateway alone."""
        charges = {(item.person, item.month): item for item in self.charges() if self.exact and not item.request_id}
        chosen = [c for c in self.settled_clicks() if (c.advertiser, c.month) in charges]
        if not chosen:
            return
        first = self.chance.choice(chosen)
        key = first.advertiser, first.month or self.open
        item = charges[key]
        clicks = [c for c in chosen if (c.advertiser, c.month) == key][: self.chance.randint(1, 3)]
        price = sum((c.price for c in clicks), NOTHING)
        amount = price.quantize(ORE, ROUND_DOWN)
        taken = min(self.billed(*key), item.amount)
        may = ORE <= amount <= self.left(item) and price + self.elsewhere[key] - taken < ORE
        query = "select transaction from marketplace.payment_attempt where payment_attempt = %s"
        request = f"c{self.chance.random()}"
        refused = self.refusal(
            "refund_clicks", transaction=one(self.db, query, item.attempt), reason="bot", request_id=request,
            click_times=[c.row["click_time"] for c in clicks], ad_clicks=[c.row["ad_click"] for c in clicks],
            now=self.now,
        )  # fmt: skip
        assert refused == (None if may else "23B72"), f"{amount} of {self.left(item)}: {refused}"
        self.done[f"clicks refunded {refused}"] += 1
        if refused is None:
            self.is_promised(item, amount, request)
            for click in clicks:
                click.taken_back = True
                self.elsewhere[key] += click.price
                if click.publisher is not None:
                    self.debits[click.publisher] += click.share

    def left_there(self, item: Item) -> Decimal:
        """What the gateway itself would still give back of a charge."""
        gone = (
            Decimal(each.amount) / 100
            for each in self.sent.values()
            if each.parent == item.number and each.answer not in ("declined", "rejected")
        )
        return item.amount - item.disputed - item.lost - sum(gone, NOTHING)

    def a_refund_is_made_by_hand(self) -> None:
        """In the gateway's dashboard, of what is left of a charge by our word, or by theirs; we hear of it, or not."""
        charges = [item for item in self.charges() if item.purse == "main"]
        if not charges:
            return
        item = self.chance.choice(charges)
        under_way = sum((Decimal(row["amount"]) / 100 for row, _ in self.waiting.values() if row["kind"] != "CHARGE"
                         and row["purse"] == "main" and not self.is_done(row)), NOTHING)  # fmt: skip
        may = min(self.left_there(item), self.balance["main"] - under_way)
        if self.chance.random() < 0.8:
            may = min(may, self.left(item))
        amount = (may * Decimal(self.chance.choice(("0.3", "1")))).quantize(ORE, ROUND_DOWN)
        if amount < ORE or one(self.db, "select available from marketplace.purse where purse = 'main'") < amount * 100:
            return
        said = Asked(
            f"h{self.chance.random()}", "REFUND", item.person, int(amount * 100), "stripe", {}, None, item.number,
            self.now, is_by_hand=True,
        )  # fmt: skip
        self.sent[said.key] = said
        self.done["refunded by hand"] += 1
        if self.chance.random() < 0.7:
            self.settles_by_hand(said, True)
        elif self.chance.random() < 0.5:
            self.tells_of(said)

    def settles_by_hand(self, said: Asked, did: bool) -> None:
        """The gateway does it, or cannot; before this ledger is at it."""
        said.answer, said.code = ("succeeded", None) if did else ("declined", "stolen_card")
        if did:
            charge = self.items[str(said.parent)]
            self.items[said.number] = Item(
                said.number, 0, "REFUND", said.person, Decimal(said.amount) / 100, charge.purse, charge.month,
                said.number, charge=charge,
            )  # fmt: skip
            self.balance[charge.purse] -= Decimal(said.amount) / 100
        if self.chance.random() < 0.6:
            self.tells_of(said)

    def tells_of(self, said: Asked) -> None:
        """A webhook: what was made by hand counts against its charge from now on, where so much is left."""
        charge = self.items[str(said.parent)]
        may = charge.known and (said.number in self.heard or said.answer != "declined")
        fits = Decimal(said.amount) / 100 <= self.left(charge)
        told = market.call(
            self.db, "record_event", gateway="stripe", event_id=f"evt_{self.chance.random()}", event_kind="refund",
            answer=said.answer, gateway_id=said.number, parent=said.parent, amount=said.amount, currency="NOK",
            decline_code=said.code, now=self.now,
        )[0]["record_event"]  # fmt: skip
        assert told == ("STRAY" if may else "NOT_OURS"), f"{said}: {told}"
        if may and said.number not in self.heard:
            self.heard.add(said.number)
            if fits:
                self.is_promised(charge, Decimal(said.amount) / 100, said.number)
        self.done[f"by hand, {said.answer}: {told}"] += 1

    def is_there_again(self, item: Item, amount: Decimal) -> None:
        """Of a charge: what clicks taken back were not credited because it had gone another way, they are now."""
        key, person = (item.person, item.month), item.person
        for said in sorted(self.sent.values(), key=lambda each: (each.made_at, each.number)):
            # What somebody gave back there by hand finds room now, and had none before.
            if not said.is_by_hand or said.parent != item.number or said.number in self.requests:
                continue
            query = "select exists (select from marketplace.transaction where kind = 'REFUND' and request_id = %s"
            counts = one(self.db, query + " and status <> 'CALLED_OFF')", said.number)
            if self.exact and said.number in self.heard - self.foreign and said.answer != "declined":
                assert counts == (Decimal(said.amount) / 100 <= self.left(item)), said
            if counts:
                self.is_promised(item, Decimal(said.amount) / 100, said.number)
        query = "select coalesce(-sum(due_amount), 0) from marketplace.transaction"
        query += " where profile = %s and kind = 'ADJUSTMENT' and request_id like 'withheld %%'"
        credit = one(self.db, query, person) - self.after_all[person]
        if self.exact:
            back = sum((c.price for c in self.clicks if c.taken_back and (c.advertiser, c.month) == key), NOTHING)
            owed = min(back, self.billed(*key) - self.forgiven[key]) - self.credited[key]
            owed -= item.refunds + item.disputed + item.lost
            expected = NOTHING if item.request_id else max(NOTHING, min(amount, owed)).quantize(ORE, ROUND_DOWN)
            assert credit == expected, f"{credit} is credited after all, and {expected} had gone nowhere else"
        self.after_all[person] += credit
        self.credits[person] += credit
        self.credited[key] += credit
        self.done["credited after all"] += credit > 0

    def came_to_nothing(self, said: Asked) -> None:
        """Nobody asked this ledger for it: it is called off, and of its charge so much more is left."""
        self.requests.remove(said.number)
        self.promised[said.person] -= Decimal(said.amount) / 100
        self.items[str(said.parent)].refunds -= Decimal(said.amount) / 100
        self.is_there_again(self.items[str(said.parent)], Decimal(said.amount) / 100)
        self.done["by hand, in vain"] += 1

    def refusal(self, function: str, **arguments: object) -> str | None:
        try:
            with self.db.transaction():
                market.call(self.db, function, **arguments)
        except psycopg.Error as error:
            return error.sqlstate
        return None

    def a_charge_is_disputed(self) -> None:
        """Once, or again while the first is open, and of the same amount perhaps."""
        charges = [item for item in self.charges() if self.left(item) > 0]
        if charges:
            item = self.chance.choice(charges)
            amount = self.left(item)
            if self.chance.random() < 0.5:
                amount = max(ORE, (amount / 2).quantize(ORE, ROUND_DOWN))
            number = f"dp_{self.chance.random()}"
            self.balance[item.purse] -= amount
            item.disputes[number] = amount, "open"
            assert self.says(item, "returned", amount, number) == "ALARM"
            assert self.says(item, "returned", amount, number) == "NOTHING_NEW"
            self.done["disputed"] += 1

    def a_dispute_is_decided(self) -> None:
        """Won, lost, or won after it was booked as lost."""
        found = [(item, number) for item in self.charges() for number, (_, state) in item.disputes.items()
                 if state != "won"]  # fmt: skip
        if not found:
            return
        item, number = self.chance.choice(found)
        amount, state = item.disputes[number]
        if self.chance.random() < 0.35:
            self.balance[item.purse] += amount
            item.disputes[number] = amount, "won"
            assert self.says(item, "reinstated", amount, number) == "APPLIED"
            self.is_there_again(item, amount)
            self.done[f"won, {state}"] += 1
        elif self.chance.random() < 0.5:  # by the gateway's word; or what a person has booked, and nothing new
            assert self.says(item, "lost", amount, number) == ("APPLIED" if state == "open" else "NOTHING_NEW")
            item.disputes[number] = amount, "lost"
            self.done[f"lost by the gateway, {state}"] += 1
        elif state == "open":
            lost = {"payment_attempt": item.attempt, "amount": amount, "dispute": number, "reason": "lost"}
            market.call(self.db, "book_loss", **lost, now=self.now)
            item.disputes[number] = amount, "lost"
            self.done["lost"] += 1

    def says(self, item: Item, answer: str, amount: Decimal, dispute: str) -> str:
        """A webhook."""
        event = f"evt_{self.chance.random()}"
        return str(market.call(
            self.db, "record_event", gateway="stripe", event_id=event, event_kind="dispute", answer=answer,
            gateway_id=item.number, amount=int(amount * 100), currency="NOK", dispute=dispute, now=self.now,
        )[0]["record_event"])  # fmt: skip

    def of(self, item: Item, answer: str, amount: Decimal) -> str:
        return self.answers({"payment_attempt": item.attempt}, answer, gateway_id=item.number,
                            amount=int(amount * 100), currency="NOK")  # fmt: skip

    def a_payment_comes_back(self) -> None:
        paid = [item for item in self.items.values() if item.kind != "CHARGE" and item.known and not item.returned]
        if paid:
            item = self.chance.choice(paid)
            if (
                item.kind == "PAYOUT"
                and item.number.startswith("g")
                and not item.reversed
                and self.chance.random() < 0.4
            ):
                # In the dashboard, a part of it: for a person, and in no account, until all of it has come back.
                item.reversed = (item.amount / 3).quantize(ORE, ROUND_DOWN)
                self.balance[item.purse] += item.reversed
                if item.reversed:
                    assert self.of(item, "returned", item.reversed) == "ALARM"
                    self.done["reversed in part"] += 1
                return
            item.returned = True
            self.balance[item.purse] += item.amount - item.reversed
            assert self.of(item, "returned", item.amount) == "APPLIED"
            self.done[f"came back, {item.kind}"] += 1
            self.done["reversed, the rest"] += item.reversed > 0

    def a_person_decides(self) -> None:
        query = "select transaction, hold, kind from marketplace.due_transactions(null, %s)"
        for row in rows(self.db, query, self.now):
            if row["kind"] == "REFUND" and row["hold"] in ("DECLINED", "EXHAUSTED") and self.chance.random() < 0.5:
                self.a_refund_is_called_off(row["transaction"])
            elif row["hold"] in ("DECLINED", "EXHAUSTED", "REJECTED", "CANCELLED", "RETURNED"):
                self.refusal("retry_transaction", transaction=row["transaction"], reason="again", now=self.now)
        prepared = rows(self.db, "select payment_attempt from marketplace.payment_attempt where state = 'PREPARED'")
        if prepared and self.chance.random() < 0.3:
            number = self.chance.choice(prepared)["payment_attempt"]
            market.call(self.db, "cancel_attempt", payment_attempt=number, reason="a person says so", now=self.now)

    def a_refund_is_called_off(self, transaction: int) -> None:
        """Its card takes nothing: what it was for is owed to the account, if it has not gone back otherwise."""
        query = (
            "select a.payment_attempt, -r.due_amount as amount from marketplace.transaction as r"
            " join marketplace.payment_attempt as a on a.transaction = r.corrects and a.state = 'SUCCEEDED'"
            " where r.transaction = %s"
        )
        row = rows(self.db, query, transaction)[0]
        item = next(each for each in self.charges() if each.attempt == row["payment_attempt"])
        market.call(self.db, "call_off_refund", transaction=transaction, reason="another road", now=self.now)
        item.refunds -= row["amount"]
        self.promised[item.person] -= row["amount"]
        self.is_there_again(item, row["amount"])
        self.done["refund called off"] += 1

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

    def a_person_settles(self) -> None:
        query = (
            "select transaction, profile, kind, month, left_amount, billed, credited, forgiven"
            " from marketplace.transaction"
            " where profile = any (%s) and status in ('NEW', 'FAILED') and kind <> 'REFUND'"
        )
        found = rows(self.db, query, self.people)
        if not found:
            return
        row = self.chance.choice(found)
        left, person = row["left_amount"], row["profile"]
        kind = "DONATED" if left < 0 else self.chance.choice(("PAID_OUTSIDE", "REDUCED", "WRITTEN_OFF"))
        amount = abs(left) if self.chance.random() < 0.5 else max(ORE, (abs(left) / 2).quantize(ORE, ROUND_DOWN))
        refused = self.refusal("settle", transaction=row["transaction"], kind=kind, reason="agreed", amount=amount,
                               request_id=f"s{self.chance.random()}", now=self.now)  # fmt: skip
        self.done[f"{kind} {refused}"] += 1
        if refused:
            assert refused == "23B92"
            return
        number = one(self.db, "select max(settlement) from marketplace.settlement")
        self.settled_by_us[person] += -amount if kind == "DONATED" else amount
        month = row["month"] if kind in ("REDUCED", "WRITTEN_OFF") and row["kind"] == "MONTHLY" else None
        part = amount
        if month:
            part = min(amount, row["billed"] - row["credited"] - row["forgiven"]) if self.exact else amount
            self.forgiven[person, month] += part
        self.settlements[number] = person, month, kind, part if month else amount
        self.settled_amounts[number] = amount

    def a_settlement_is_undone(self) -> None:
        if not self.settlements:
            return
        number = self.chance.choice(list(self.settlements))
        person, month, kind, part = self.settlements[number]
        refused = self.refusal("undo_settlement", settlement=number, reason="a mistake", now=self.now)
        self.done[f"undone {refused}"] += 1
        if refused:
            assert refused in ("23B92", "23B93")
            return
        del self.settlements[number]
        amount = self.settled_amounts[number]
        self.settled_by_us[person] -= -amount if kind == "DONATED" else amount
        if month:
            self.forgiven[person, month] -= part

    def money_is_booked_by_hand(self) -> None:
        """Goodwill and fees; and taken back again."""
        person, amount = self.chance.choice(self.people), Decimal(self.chance.randint(1, 9000)) / 100
        if self.hands and self.chance.random() < 0.3:
            number, person, booked = self.chance.choice(self.hands)
            refused = self.refusal("undo_by_hand", transaction=number, reason="a mistake", now=self.now)
            assert refused in (None, "23B92")
            if refused is None:
                self.by_hand[person] -= booked
                self.hands.remove((number, person, booked))
            self.done[f"by hand undone {refused}"] += 1
            return
        function = self.chance.choice(("give_goodwill", "charge_fee"))
        made = market.call(self.db, function, profile=person, amount=amount, reason="by us",
                           request_id=f"h{self.chance.random()}", now=self.now)[0][function]  # fmt: skip
        booked = amount if function == "charge_fee" else -amount
        self.by_hand[person] += booked
        self.hands.append((made, person, booked))
        self.done[function] += 1

    def payouts_are_held(self) -> None:
        person = self.chance.choice(self.people)
        function = "release_payouts" if person in self.held else "hold_payouts"
        market.call(self.db, function, profile=person, reason="looked at", now=self.now)
        self.held ^= {person}
        self.done[function] += 1

    def a_website_is_moved(self) -> None:
        site = self.chance.choice(list(self.sites))
        had, to = self.sites[site], self.chance.choice(self.people if self.exact else self.people[1:])
        if had == to or any(moved == site and since >= self.now for moved, since, _ in self.moves):
            return
        market.call(self.db, "move_website", website=site, profile=to, reason="sold", now=self.now)
        self.sites[site] = to
        self.moves.append((site, self.now, had))
        for click in self.clicks:
            if click.month is None and click.row["website"] == site and click.row["click_time"] >= self.now:
                click.publisher = to
        self.done["moved"] += 1

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
        """What a person paid us, less what they got, as far as we were told; what came back did not move.

        What was settled, and given or asked by hand, counts as paid.
        """
        total = self.settled_by_us[person] - self.by_hand[person]
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
        return next((item for item in found if not item.request_id), None)

    def creditable(self, person: int, month: date) -> Decimal:
        item, credited = self.charge_of(person, month), self.credited[person, month]
        billed = self.billed(person, month) - self.forgiven[person, month]
        if item is None:
            return billed - credited
        never_taken = max(NOTHING, billed - item.amount)
        by_charge = never_taken + item.amount - item.refunds - item.disputed - item.lost - credited
        return max(NOTHING, min(billed - credited, by_charge))

    def left(self, item: Item) -> Decimal:
        """What may still be given back of a charge."""
        if not self.exact:  # which months it took, only the ledger knows: bounds, and a whole at the end
            query = "select left_amount from marketplace.payment_attempt where payment_attempt = %s"
            left = Decimal(one(self.db, query, item.attempt)) / 100
            assert 0 <= left <= item.amount - item.refunds - item.disputed - item.lost
            return left
        if item.request_id:  # a fee: of no clicks
            return item.amount - item.refunds - item.disputed - item.lost
        billed = self.billed(item.person, item.month) - self.forgiven[item.person, item.month]
        never_taken = max(NOTHING, billed - item.amount)
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
            if row["kind"] == "PAYOUT" and row["hold"] in (None, "FUND", "NOT_DUE", "OWES", "HELD")
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
        done = {item.attempt for item in self.items.values()}
        for number, purse, amount in said["under_way"]:
            under_way[purse] += NOTHING if number in done else amount / 100
        for item in self.items.values():  # the gateway did it, and has not said so
            under_way[item.purse] += item.amount if not item.known and item.kind == "CHARGE" else NOTHING
            # Made by hand, and not taken in; or come back, and not all of it.
            under_way[item.purse] -= item.amount if not item.attempt and item.number not in self.foreign else NOTHING
            under_way[item.purse] += item.reversed if not item.returned else NOTHING
        for purse, available in said["purses"].items():
            lies = self.balance[purse] - under_way[purse]
            assert available / 100 == lies, f"purse {purse} has {available / 100}, and {lies} lie there"
        theirs = {item.attempt: [item.kind, item.amount] for item in self.items.values() if item.known}
        ours = {number: [kind, amount / 100] for number, _, kind, amount, *_ in said["done"]}
        assert ours == theirs, "the gateway's list is another"
        charged = [[number, of, *rest] for number, of, kind, _, *rest in said["done"] if kind == "CHARGE"]
        gone = {number: [each / 100 for each in gone] for number, _, _, *gone in charged}
        assert gone == {item.attempt: [item.disputed, item.lost] for item in self.charges()}, "in dispute, and lost"
        self.each_is_told_why(said["why"], {number: int(of) for number, of, *_ in charged})
        left = {number: left / 100 for number, _, left, *_ in charged}
        assert left == {item.attempt: self.left(item) for item in self.charges()}, "what is left of the charges"

    def each_is_told_why(self, told: list[Any], charged: dict[int, int]) -> None:
        """What the person and the operator are told of what is open, and of each charge, is what has happened."""
        at_gateway = {row["transaction"] for row, _ in self.waiting.values()}
        charges = {charged[item.attempt]: item for item in self.charges()}
        for transaction, person, kind, code in told:
            about = f"{kind} {transaction} of {person} is {code}"
            assert code, about
            self.done[f"told {code}"] += 1
            if (item := charges.get(transaction)) is not None:
                is_now = "DISPUTED" if item.disputed else "TAKEN_BACK" if item.lost else "CHARGED"
                assert code == is_now or code == "LOOKED_AT" != is_now != "DISPUTED", f"{about}, and not {is_now}"
            elif transaction in at_gateway:
                assert code in AT_GATEWAY or code == "LOOKED_AT", f"{about}, and a gateway is at it"
            else:
                assert code not in AT_GATEWAY, f"{about}, and no gateway is at it"
                assert (code == "HELD") == (kind == "PAYOUT" and person in self.held) or code in AHEAD, about
                assert code != "BEING_SENT" or self.lie_ready, about

    def accounts_say_it_too(self) -> None:
        """What a person is shown: the last balance is what the entries come to."""
        said = self.what_is_said()["people"]
        for person in self.people:
            shown = market.call(self.db, "account", profile=person)
            query = "select net_amount + carried_in + offset_in from marketplace.transaction"
            query += " where profile = %s and status = 'CURRENT'"
            running = sum((row[0] for row in self.db.execute(query, (person,)).fetchall()), NOTHING)
            assert (shown[-1]["balance"] if shown else NOTHING) + running == said[str(person)]

    def all_is_taken_back(self) -> None:
        """At the end: who has no website has each krone back once, whichever roads it took, but for parts of an øre."""
        for _ in range(2):
            self.month_ends()
            self.a_run()
        person = self.people[0]
        for item in self.charges():
            if item.person == person and self.chance.random() < 0.7:
                self.refund(item, self.left(item))
        self.take_back(self.settled_clicks())
        paid = sum((c.price for c in self.clicks if c.advertiser == person and c.taken_back), NOTHING)
        by_gateway = sum((item.refunds + item.disputed + item.lost for item in self.items.values()
                          if item.kind == "CHARGE" and item.person == person and not item.request_id),
                         NOTHING)  # fmt: skip
        forgiven = sum((amount for (each, _), amount in self.forgiven.items() if each == person), NOTHING)
        back = self.credits[person] + by_gateway + forgiven
        months = (self.open.year - FIRST.year) * 12 + self.open.month
        assert abs(back - paid) <= ORE * months, f"{back} went back of {paid}: {by_gateway} by the gateway"
        self.done["went on and taken back"] += self.credits[person] > 0

    def what_is_said(self) -> dict[str, Any]:
        """All that the database says, in one question."""
        answer = one(self.db, "select pg_temp.said(%s, %s)", self.people, self.now)
        return dict(json.loads(answer, parse_float=Decimal, parse_int=lambda text: Decimal(text)))

    BEGINS = month_ends, money_is_moved, a_run
    STEPS = (
        *(clicks_come,) * 5,
        *(month_ends,) * 3,
        *(a_run,) * 5,
        *(clicks_are_taken_back,) * 3,
        *(the_gateway_says_more,) * 2,
        *(a_means_is_set,) * 2,
        *(a_refund_is_asked_for,) * 2,
        *(clicks_are_refunded,) * 2,
        *(the_ledger_is_restored,) * 2,
        *(a_charge_is_disputed,) * 2,
        *(a_dispute_is_decided,) * 3,
        *(a_payment_comes_back,) * 2,
        *(a_refund_is_made_by_hand,) * 2,
        *(a_person_decides,) * 2,
        *(money_is_moved,) * 2,
        *(a_person_settles,) * 3,
        *(a_settlement_is_undone,) * 2,
        *(money_is_booked_by_hand,) * 2,
        *(payouts_are_held,) * 1,
        *(a_website_is_moved,) * 2,
    )


def play(db: Connection, number: int, *broken: str, steps: int = 20, goes_on: bool = False) -> dict[str, int]:
    """History `number`, which is undone; `broken`: statements that take a guard away first."""
    if one(db, "select to_regprocedure('pg_temp.said(bigint[], timestamptz)')") is None:
        db.execute(SAID)
        db.execute("set plan_cache_mode = force_generic_plan")  # a plan for three people is for any three
    with db.transaction(force_rollback=True):
        for statement in broken:
            db.execute(statement.encode())
        world = World(db, random.Random(number), goes_on=goes_on)
        world.begin()
        done = []
        has_paid = world.chance.random() < 0.8  # of months that nobody has paid for, little can go wrong
        try:
            for place in range(steps):
                step = (
                    World.BEGINS[place] if has_paid and place < len(World.BEGINS) else world.chance.choice(World.STEPS)
                )
                done.append(step.__name__)
                step(world)
                if step is not World.clicks_come:  # they are in no account yet
                    world.holds()
            world.accounts_say_it_too()
            if not world.exact:
                done.append("all is taken back")
                world.all_is_taken_back()
                world.holds()
        except (AssertionError, psycopg.Error) as error:
            raise AssertionError(f"history {number}, {done}: {error}") from error
        finally:
            if not db.broken and db.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS:
                run(db, "select jobs.finish_run(%s, 'succeeded')", world.job_run)
    return world.done
