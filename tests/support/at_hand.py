"""Gateways in memory, which do what they are asked, or not, and keep their own list; and a bank with its files."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pybridge.payments.gateways import Account, Answer, Balance, Event, Found, Kind, Request, Word
from tests.conftest import Connection

Purpose = tuple[str | None, ...]  # whose, which month, what, and which of several: what the metadata say
DECLINES = "insufficient_funds", "lost_card", "processing_error"
FAULTS = "before", "after", "rate", "dies before", "dies after"


class Killed(BaseException):
    """The process that ran the job is gone, between two of its steps."""


@dataclass(frozen=True)
class Told:
    """What was asked of a gateway (`sent`), or what we have heard of it, by whatever road; as we heard it."""

    at: datetime
    word: str
    key: str | None = None
    number: str | None = None
    code: str | None = None
    said_at: datetime | None = None  # by the gateway's clock: of events
    dispute: str | None = None


@dataclass
class Saving:
    """A connection whose every statement is undone where it fails, within a history that is undone as a whole."""

    inner: Connection
    autocommit: bool = True

    def execute(self, *query: Any) -> Any:
        with self.inner.transaction():
            return self.inner.execute(*query)

    @contextmanager
    def cursor(self, **how: Any) -> Iterator[Any]:
        with self.inner.transaction(), self.inner.cursor(**how) as cursor:
            yield cursor


@dataclass
class Thing:
    """What a gateway was asked for and what became of it, whatever anybody was told."""

    number: str
    kind: Kind
    amount: int  # øre
    made_at: datetime
    purpose: Purpose
    key: str | None = None  # none: made by hand
    metadata: dict[str, str] = field(default_factory=dict)
    party: str | None = None
    parent: str | None = None
    batch: str | None = None
    answer: Word = "processing"
    code: str | None = None
    disputes: dict[str, int] = field(default_factory=dict)  # open, or lost: what was taken
    back: int = 0  # of a payout: so much came back


def purpose_of(request: Request) -> Purpose:
    said = request.request["metadata"]
    return said["profile"], said["month"], request.kind, said.get("request_id")


@dataclass
class Purse:
    """What really lies there, in øre."""

    money: int = 0


@dataclass
class AtHand:
    """Cards, refunds and transfers. `fails`: how often something goes wrong on the way."""

    chance: random.Random
    purse: Purse
    now: datetime
    name: str = "stripe"
    batch_limit: int = 1
    is_live: bool = False
    fails: float = 0.0
    is_locked: bool = False  # its balance is not available yet: a transfer finds it empty
    restricted: set[str] = field(default_factory=set)
    good_cards: bool = False  # and accounts: nothing is declined, left lying, or comes back
    things: dict[str, Thing] = field(default_factory=dict)  # by number
    events: list[Event] = field(default_factory=list)  # in the order in which they happened
    told: list[Told] = field(default_factory=list)
    purposes: dict[str, Purpose] = field(default_factory=dict)  # of each key that it was sent
    accounts: dict[str, bool] = field(default_factory=dict)  # whether it is restricted, as we were told last
    known: set[str] = field(default_factory=set)  # events that we have heard
    late: set[str] = field(default_factory=set)  # events that come once we know better

    # --- What it is asked ---

    def send(self, requests: Sequence[Request]) -> list[Answer]:
        return [self._send(request) for request in requests]

    def _send(self, request: Request) -> Answer:
        self.is_sent(request)
        fault = self.chance.choice(FAULTS) if self.chance.random() < self.fails else ""
        if fault == "rate":
            return self.said(request, Answer("rate_limited"))
        if fault == "dies before":
            raise Killed
        if fault == "before":
            return self.said(request, Answer("no_answer"))
        answer = self._do(request)
        if fault == "dies after":
            raise Killed
        return self.said(request, Answer("no_answer") if fault == "after" else answer)

    def is_sent(self, request: Request) -> None:
        self.purposes[request.idempotency_key] = purpose_of(request)
        self.told.append(Told(self.now, "sent", request.idempotency_key))

    def said(self, request: Request, answer: Answer) -> Answer:
        key, number = request.idempotency_key, answer.gateway_id
        self.told.append(Told(self.now, answer.answer, key, number, answer.decline_code))
        return answer

    def hears(self, event: Event) -> None:
        """It is told to us, by the webhook or when we ask what happened; twice is once."""
        if event.event_id in self.known:
            return
        self.known.add(event.event_id)
        answer = event.answer
        self.told.append(Told(
            self.now, answer.answer, event.idempotency_key, answer.gateway_id, answer.decline_code,
            event.occurred_at, event.dispute,
        ))  # fmt: skip

    def _do(self, request: Request) -> Answer:
        known = next((each for each in self.things.values() if each.key == request.idempotency_key), None)
        if known is not None:
            return self.says(known)
        said = request.request
        thing = Thing(
            f"{request.kind.lower()}_{request.idempotency_key}", request.kind, request.amount, self.now,
            purpose_of(request), request.idempotency_key, dict(said["metadata"]),
            said.get("customer", said.get("destination")), said.get("refunds"), request.batch,
        )  # fmt: skip
        match request.kind:
            case "PAYOUT" if thing.party in self.restricted:
                return Answer("declined", decline_code="insufficient_capabilities_for_transfer")
            case "PAYOUT" if self.is_locked or self.purse.money < thing.amount:
                return Answer("declined", decline_code="balance_insufficient")
            case "REFUND" if self.left(self.things[str(thing.parent)]) < thing.amount:
                return Answer("declined", decline_code="charge_already_refunded")
        self.things[thing.number] = thing
        roll = 0.0 if self.good_cards or request.kind == "PAYOUT" else self.chance.random()
        self.settle(thing, "succeeded" if roll < 0.6 else "processing" if roll < 0.8 else "declined")
        return self.says(thing)

    def look_up(self, request: Request) -> Answer:
        if self.chance.random() < self.fails / 2:
            return self.said(request, Answer("no_answer"))
        found = (each for each in self.things.values() if each.key == request.idempotency_key)
        thing = next(found, self.things.get(request.gateway_id or ""))
        return self.said(request, self.says(thing) if thing else Answer("not_found"))

    def cancel(self, request: Request) -> Answer:
        return self.look_up(request)

    def says(self, thing: Thing) -> Answer:
        return Answer(thing.answer, thing.number, thing.amount, "NOK", decline_code=thing.code)

    def newest(self, since: datetime, ledger: str) -> list[Found]:
        for each in self.things.values():
            if each.key is None and each.made_at >= since:
                self.told.append(Told(self.now, "listed", number=each.number))
        return [
            Found(
                each.number, each.kind, each.answer, each.amount, "NOK", each.made_at, each.metadata.get("ledger"),
                each.key, each.metadata, each.party, each.parent, each.batch, decline_code=each.code,
            )
            for each in self.things.values() if each.made_at >= since
        ]  # fmt: skip

    def heard(self, since: datetime) -> list[Event]:
        """What no list of what it has would show."""
        told = "returned", "reinstated", "lost", "reversed"
        found = [
            each for each in self.events
            if each.answer.answer in told and each.occurred_at is not None and each.occurred_at >= since
        ]  # fmt: skip
        for each in found:
            self.hears(each)
        return found

    def balance(self, since: datetime) -> Balance:
        return Balance(self.purse.money, 0, [])

    def account(self, account: str) -> Account | None:
        self.accounts[account] = account in self.restricted
        return Account(account, is_restricted=account in self.restricted)

    def read_events(self, payload: bytes, signature: str | None) -> list[Event]:
        raise NotImplementedError

    # --- What happens there ---

    def left(self, charge: Thing) -> int:
        gone = [
            each.amount for each in self.things.values() if each.parent == charge.number and each.answer != "declined"
        ]
        return charge.amount - sum(gone) - sum(charge.disputes.values())

    def settle(self, thing: Thing, answer: Word) -> None:
        """It comes to an end, or is under way; it says so by an event."""
        # A refund takes its money when it is made, as a transfer does.
        if thing.kind == "CHARGE" and answer == "succeeded":
            self.purse.money += thing.amount
        if (
            thing.kind != "CHARGE"
            and answer != "declined"
            and thing.answer == "processing"
            and not self.was_told(thing)
        ):
            self.purse.money -= thing.amount
        if thing.kind != "CHARGE" and answer == "declined" and self.was_told(thing):
            self.purse.money += thing.amount
        thing.answer = answer
        thing.code = self.chance.choice(DECLINES) if answer == "declined" else None
        if thing.kind == "CHARGE" and answer == "succeeded" and self.chance.random() < 0.3:
            self.tell_late(thing)
        self.tell(thing, answer, thing.amount, code=thing.code)

    def tell_late(self, thing: Thing) -> None:
        """Its holder failed to confirm it at first; that is on its way for longer than what came after it."""
        earlier = max(thing.made_at, self.now - timedelta(hours=4)) - timedelta(seconds=1)
        self.tell(thing, "declined", thing.amount, code="processing_error", at=earlier)
        self.late.add(self.events[-1].event_id)

    def was_told(self, thing: Thing) -> bool:
        return any(each.answer.gateway_id == thing.number for each in self.events)

    def tell(
        self, thing: Thing, answer: Word, amount: int, *, code: str | None = None, dispute: str | None = None,
        at: datetime | None = None,
    ) -> None:  # fmt: skip
        self.events.append(Event(
            f"evt_{self.name}_{len(self.events)}", Answer(answer, thing.number, amount, "NOK", decline_code=code),
            None if dispute or answer == "reversed" else thing.key, kind=f"{thing.kind.lower()}.{answer}",
            occurred_at=at or self.now, parent=thing.parent, dispute=dispute, metadata=thing.metadata,
        ))  # fmt: skip

    def refund_by_hand(self, charge: Thing, amount: int) -> None:
        number = f"re_hand_{len(self.things)}"
        made = Thing(number, "REFUND", amount, self.now, (*charge.purpose[:2], "REFUND", number), parent=charge.number)
        self.things[made.number] = made
        self.settle(made, "succeeded")

    def dispute(self, charge: Thing, amount: int) -> None:
        number = f"dp_{len(self.events)}"
        charge.disputes[number] = amount
        self.purse.money -= amount
        self.tell(charge, "returned", amount, dispute=number)

    def decide(self, charge: Thing, number: str, *, won: bool) -> None:
        amount = charge.disputes[number]
        if won:
            del charge.disputes[number]
            self.purse.money += amount
        self.tell(charge, "reinstated" if won else "lost", amount, dispute=number)

    def open_disputes(self) -> list[tuple[Thing, str]]:
        lost = {each.dispute for each in self.events if each.answer.answer == "lost"}
        return [(each, number) for each in self.things.values() for number in each.disputes if number not in lost]

    def reverse(self, transfer: Thing) -> None:
        """All of it, in the dashboard."""
        self.purse.money += transfer.amount
        transfer.back = transfer.amount
        self.tell(transfer, "reversed", transfer.amount)


@dataclass
class BankAtHand(AtHand):
    """Files, of which some are never fetched; it says what became of each payment when it pleases."""

    name: str = "bank"
    batch_limit: int = 3
    unfetched: set[str] = field(default_factory=set)  # batches

    def send(self, requests: Sequence[Request]) -> list[Answer]:
        for request in requests:
            self.is_sent(request)
        fault = self.chance.choice(FAULTS) if self.chance.random() < self.fails else ""
        if fault == "dies before":
            raise Killed
        for request in requests:
            if request.idempotency_key not in self.things:
                self.things[request.idempotency_key] = Thing(
                    request.idempotency_key, "PAYOUT", request.amount, self.now, purpose_of(request),
                    request.idempotency_key, dict(request.request["metadata"]), batch=request.batch,
                )  # fmt: skip
                if not self.good_cards and self.chance.random() < 0.2:
                    self.unfetched.add(str(request.batch))
        if fault == "dies after":
            raise Killed
        return [self.said(request, Answer("processing")) for request in requests]

    def look_up(self, request: Request) -> Answer:
        known = request.idempotency_key in self.things
        return self.said(request, Answer("processing" if known else "not_found"))

    def newest(self, since: datetime, ledger: str) -> list[Found]:
        return [
            Found(each.number, "PAYOUT", "processing", each.amount, "NOK", each.made_at, each.metadata["ledger"],
                  each.key, batch=each.batch)
            for each in self.things.values() if each.made_at >= since
        ]  # fmt: skip

    def heard(self, since: datetime) -> list[Event]:
        return []

    def answers(self, thing: Thing) -> None:
        """A report, or a statement, of one payment of a file; others of the same may wait."""
        if thing.answer == "processing" and thing.batch not in self.unfetched:
            thing.answer = "succeeded" if self.good_cards or self.chance.random() < 0.8 else "declined"
            if thing.answer == "succeeded":
                self.purse.money -= thing.amount
            thing.code = "AC04" if thing.answer == "declined" else None
            for _ in range(self.chance.choice((1, 1, 2))):  # it fetched the file twice, and says all of it twice
                self.tell(thing, thing.answer, thing.amount, code=thing.code)

    def comes_back(self, thing: Thing) -> None:
        self.purse.money += thing.amount
        thing.back = thing.amount
        self.tell(thing, "returned", thing.amount, code="AC04")
