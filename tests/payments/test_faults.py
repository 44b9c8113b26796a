"""Nobody charged or paid twice, nobody forgotten, whatever fails: random faults at every boundary, against the sandbox.

A schedule is a month that is closed and executed while answers are lost, the gateway errs, processes and sessions die
before a call, after it, before its answer is committed and after, two runs go on at once, and events come twice, late
and in any order. At its end what the gateway says really moved is compared with the attempts, key by key. What else may
happen at a gateway is played in memory, by the hundred: tests/payments/test_schedules.py. Here a few go over HTTP.
"""

import contextlib
import random
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest
from psycopg.types.json import Jsonb

from examples import sandbox
from pybridge.client.marketplace import EndLookRow, Marketplace
from pybridge.payments import execution, gateways
from pybridge.payments.execution import execute, receive
from pybridge.payments.gateways import Answer, Balance, Event, Found, Gateway, Request
from tests.conftest import Connect, Connection
from tests.support import market
from tests.support.domain import Row, call_in, consistency, one, rows, run
from tests.support.payments import attempts, holds

FIRST = date(2026, 1, 1)
METHODS = ("visa",) * 6 + ("insufficient_funds", "lost_card", "expired_card", "processing", "authentication_required")
FAULTS = (
    "drop_before", "drop_after", "500_before", "500_after", "503_before", "503_after", "garbage", "429", "401",
)  # fmt: skip
PATHS = ("POST /v1/*", "POST /v1/*", "POST /v1/*", "GET /v1/*")
JOBS = ("marketplace_execute", "marketplace_update")  # with a lock each, so that two really run at once


class Died(BaseException):
    """The process that ran the job is gone: its session as well, and nothing was said of its end."""


@dataclass
class Mortal:
    """A gateway whose process dies at its `dies_at`-th call: before it, after it, or as its answer is committed."""

    inner: Gateway
    session: Connection
    killer: Connection
    dies_at: int | None = None
    how: str = ""
    batch_limit: int = 1
    name: str = "stripe"
    calls: int = 0
    is_live: bool = False

    def newest(self, since: datetime, ledger: str) -> list[Found]:
        return self.inner.newest(since, ledger)

    def _around(self, ask: str, requests: Sequence[Request]) -> list[Answer]:
        self.calls += 1
        if self.calls == self.dies_at and self.how == "before":
            raise Died
        asked = self.inner.send(requests) if ask == "send" else map(getattr(self.inner, ask), requests)
        answers = list(asked)
        if self.calls == self.dies_at and self.how == "after":
            raise Died
        if self.calls == self.dies_at and self.how == "commit":
            run(self.killer, "select pg_terminate_backend(%s::int)", self.session.info.backend_pid)
        return answers

    def send(self, requests: Sequence[Request]) -> list[Answer]:
        return self._around("send", requests)

    def look_up(self, request: Request) -> Answer:
        return self._around("look_up", [request])[0]

    def cancel(self, request: Request) -> Answer:
        return self._around("cancel", [request])[0]

    def heard(self, since: datetime) -> list[Event]:
        return self.inner.heard(since)

    def balance(self, since: datetime) -> Balance:
        return self.inner.balance(since)

    def read_events(self, payload: bytes, signature: str | None) -> list[Event]:
        return self.inner.read_events(payload, signature)


@dataclass
class Schedule:
    """One month of a few people, and what chance does to it."""

    chance: random.Random
    box: sandbox.Box
    db: Connection
    connect: Connect
    month: date
    stripe: Gateway
    now: datetime = field(init=False)
    seen: Counter[str] = field(default_factory=Counter)
    people: list[int] = field(default_factory=list)
    before: int = 0  # the last attempt of earlier schedules

    def play(self) -> None:
        self.begin()
        self.now = market.day(one(self.db, "select marketplace.due_date('CHARGE', %s)", self.month), 6)
        for _ in range(self.chance.randint(2, 5)):
            self.goes_wrong()
            self.now += timedelta(minutes=self.chance.choice((1, 5, 61, 300, 1500, 4500)))
        self.comes_right()
        self.compare()

    def begin(self) -> None:
        market.partitions(self.db, self.month, 2)
        sites = []
        for _ in range(2):
            owner = market.profile(self.db)
            sites.append(market.website(self.db, owner))
            self.means(owner, "PAYOUT", destination=self.box.account())
        self.before = one(self.db, "select coalesce(max(payment_attempt), 0) from marketplace.payment_attempt")
        for _ in range(self.chance.randint(1, 3)):
            owner = market.profile(self.db)
            self.people.append(owner)
            self.card(owner, self.chance.choice(METHODS))
            ad = market.advertisement(self.db, owner, f"{self.chance.randint(10, 99)}.{self.chance.randint(0, 9)}0")
            times = [market.day(self.month, 12)] * self.chance.randint(1, 4)
            market.clicks(self.db, ad, self.chance.choice(sites), *times)
        market.close(self.db, self.month)

    def means(self, owner: int, kind: str, **details: str) -> None:
        call_in(
            self.db,
            "marketplace",
            "set_payment_means",
            profile=owner,
            kind=kind,
            gateway="stripe",
            details=Jsonb(details),
        )

    def card(self, owner: int, method: str) -> None:
        customer = self.box.customer(method)
        self.means(owner, "CHARGE", customer=customer.id, payment_method=customer.payment_method)

    def goes_wrong(self) -> None:
        self.box.clock(self.now)
        if self.chance.random() < 0.7:
            self.box.faults(
                *(
                    # Each run lists first what there is, and would spend most of them on that.
                    {
                        "fault": self.chance.choice(FAULTS),
                        "path": self.chance.choice(PATHS),
                        "skip": self.chance.randint(0, 3),
                    }
                    for _ in range(self.chance.randint(1, 3))
                )
            )
        if self.chance.random() < 0.3:
            self.refund()
        if self.chance.random() < 0.25:
            threads = [threading.Thread(target=self.one_run, args=(job,)) for job in JOBS]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        else:
            self.one_run(JOBS[0])
        self.box.faults()
        if self.chance.random() < 0.5:
            self.hear()

    def one_run(self, job: str, *, mortal: bool = True) -> None:
        session = self.connect()
        gateway = Mortal(self.stripe, session, self.db)
        if mortal and self.chance.random() < 0.5:
            gateway.dies_at, gateway.how = self.chance.randint(1, 4), self.chance.choice(("before", "after", "commit"))
        try:
            number, outcome = session.execute("select job_run, outcome from jobs.begin_run(%s)", (job,)).fetchall()[0]
            if outcome is None:
                done = execute(session, number, self.now, lambda _: gateway)
                self.seen.update(done.states.keys())
                session.execute("select jobs.finish_run(%s, 'succeeded')", (number,))
        except (Died, psycopg.OperationalError):
            self.seen[f"died {gateway.how}"] += 1
        finally:
            session.close()

    def refund(self) -> None:
        query = """
            select transaction, left_amount / 100.0 as left from marketplace.payment_attempt
            where kind = 'CHARGE' and state = 'SUCCEEDED' and left_amount > 0 and profile = any (%s) limit 1
        """
        for row in rows(self.db, query, self.people):
            amount = (row["left"] * Decimal(self.chance.choice(("0.3", "1")))).quantize(Decimal("0.01"))
            arguments = {"transaction": row["transaction"], "reason": "a mistake", "amount": amount, "now": self.now}
            arguments["request_id"] = f"{self.now}"
            call_in(self.db, "marketplace", "refund_transaction", **arguments)

    def hear(self) -> None:
        """Some events, shuffled, some twice."""
        signed = self.box.events()
        self.chance.shuffle(signed)
        signed = signed[: self.chance.randint(0, len(signed))]
        for each in signed + signed[:2]:
            events = self.stripe.read_events(each.payload, each.signature)
            self.seen.update(receive(self.db, "stripe", events, self.now))

    def comes_right(self) -> None:
        """Nothing fails any more, time goes by, and people do what they are asked to."""
        for _ in range(40):
            self.box.clock(self.now)
            self.one_run(JOBS[0], mortal=False)
            self.people_act()
            if not holds(self.db, self.now):
                return
            self.now += timedelta(hours=73)
        raise AssertionError(f"not done: {holds(self.db, self.now)}, {attempts(self.db)[-5:]}")

    def people_act(self) -> None:
        moved = self.moved()
        for row in self.attempts():
            if row["state"] == "PROCESSING" and row["kind"] == "CHARGE" and self.chance.random() < 0.7:
                outcome = self.chance.choice(("succeeded", "succeeded", "insufficient_funds", "lost_card"))
                self.settle(row["gateway_id"], outcome)
            elif row["state"] == "UNKNOWN" and row["alarm"]:
                self.seen[f"person: {row['alarm']}"] += 1
                number = moved.get(row["idempotency_key"])
                call_in(
                    self.db,
                    "marketplace",
                    "resolve_attempt",
                    payment_attempt=row["payment_attempt"],
                    done=number is not None,
                    reason="looked at the gateway's list",
                    gateway_id=number and number[0],
                    now=self.now,
                )
        query = "select * from marketplace.due_transactions(null, %s)"
        for row in rows(self.db, query, self.now):
            if row["hold"] in ("DECLINED", "EXHAUSTED") and row["kind"] == "CHARGE":
                self.card(row["profile"], "visa")
            elif row["hold"] in ("DECLINED", "EXHAUSTED", "REJECTED"):
                arguments = {"transaction": row["transaction"], "reason": "again", "now": self.now}
                call_in(self.db, "marketplace", "retry_transaction", **arguments)
            elif row["hold"] == "FUND":
                self.put_in(row["amount"])

    def settle(self, number: str, outcome: str) -> None:
        with contextlib.suppress(sandbox.SandboxError):  # it was settled before, and we have not heard
            self.box.settle(number, outcome)

    def put_in(self, amount: int) -> None:
        arguments = {"amount": Decimal(amount) / 100, "reason": "ours", "now": self.now}
        call_in(self.db, "marketplace", "move_reserve", **arguments)
        self.box.top_up(amount)

    def attempts(self) -> list[Row]:
        return rows(self.db, "select * from marketplace.payment_attempt where payment_attempt > %s", self.before)

    def moved(self) -> dict[str | None, tuple[str, int]]:
        """Key of each thing that has moved at the gateway: its number there, and øre. Fails where a key moved twice."""
        ledger = self.box.ledger()
        found = [*ledger.charges, *ledger.refunds, *ledger.transfers]
        twice = [key for key, count in Counter(each.idempotency_key for each in found).items() if count > 1]
        assert not twice, f"moved twice: {twice}"
        return {each.idempotency_key: (each.id, each.amount) for each in found}

    def compare(self) -> None:
        mine = self.attempts()
        expected = {row["idempotency_key"]: row["amount"] for row in mine if row["state"] == "SUCCEEDED"}
        assert {key: amount for key, (_, amount) in self.moved().items()} == expected, "the gateway's list and ours"
        transactions = Counter((row["transaction"], row["kind"]) for row in mine if row["state"] == "SUCCEEDED")
        assert set(transactions.values()) <= {1}
        forgotten = "select * from marketplace.transaction where status in ('NEW', 'FAILED')"
        assert rows(self.db, forgotten) == []
        assert {row["alarm"] for row in mine} == {None}
        problems = [row["problem"] for row in market.call(self.db, "verify_month", month=self.month)]
        assert set(problems) <= {"LATE"}
        # Every øre is explained: what is left at the gateway is what is left in the fund.
        left = one(self.db, "select available from marketplace.fund")
        assert self.box.ledger().balance.get("NOK", 0) == left
        if left:
            arguments = {"amount": Decimal(-left) / 100, "reason": "commission", "now": self.now}
            call_in(self.db, "marketplace", "move_reserve", **arguments)


@pytest.fixture(scope="module")
def box() -> Iterator[sandbox.Box]:
    with sandbox.run() as running:
        yield running


def play(
    box: sandbox.Box, db: Connection, connect: Connect, number: int, month: date, *, idempotency: bool = True
) -> Counter[str]:
    box.reset(idempotency=idempotency)
    stripe = gateways.open_gateway("stripe", box.environment)
    schedule = Schedule(random.Random(number), box, db, connect, month, stripe)
    try:
        schedule.play()
    except AssertionError as error:
        raise AssertionError(f"schedule {number}: {error}") from error
    return schedule.seen


WANTED = (
    *("died before", "died after", "died commit", "UNKNOWN"),
    *("DECLINED_SOFT", "DECLINED_HARD", "APPLIED", "SEEN"),
)


def test_nobody_is_charged_or_paid_twice_and_nobody_is_forgotten(
    box: sandbox.Box, db: Connection, connect: Connect, fault_schedules: range
) -> None:
    market.set_minimum(db, "0.01", "0.01")
    market.set_rate(db, "0.3")
    month, seen = FIRST, Counter[str]()
    some = fault_schedules[: max(6, len(fault_schedules) // 20)]
    # What dies when is up to the machine, too: where a kind of fault did not come about, more are played.
    more = range(some.stop, some.stop + 2 * len(some))
    for number in (*some, *(more if len(some) >= 25 else ())):
        if number in more and all(seen[each] for each in WANTED):
            break
        seen += play(box, db, connect, number, month)
        month = market.next_month(month)
    assert consistency(db) == {}
    print(dict(seen))  # `pytest -s` shows what chance brought
    assert len(some) < 25 or [each for each in WANTED if not seen[each]] == [], seen


def _blind(market: Marketplace, name: str, gateway: Gateway, job_run: int, now: datetime) -> list[EndLookRow]:
    """A look that sees nothing of what is there."""
    (begun,) = market.begin_look(gateway=name, job_run=job_run, is_live=gateway.is_live, now=now)
    return market.end_look(gateway_look=begun.gateway_look, objects=[])


def test_without_the_idempotency_key_somebody_is_charged_twice(
    box: sandbox.Box, db: Connection, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: a double charge is found where the gateway ignores the key, and no look sees it first."""
    monkeypatch.setattr(execution, "look", _blind)
    market.set_minimum(db, "0.01", "0.01")
    market.set_rate(db, "0.3")
    month = FIRST
    for number in range(20, 60):  # the first that finds it on this path; each takes seconds
        try:
            play(box, db, connect, number, month, idempotency=False)
        except AssertionError as error:
            if "moved twice" in str(error):
                return
        run(db, "update marketplace.payment_means set ended_at = now() where ended_at is null")
        month = market.next_month(month)
    raise AssertionError("forty schedules without the key, and nobody was charged twice")
