"""The words that tests of execution are written in: months that are due, a gateway that answers as it is told."""

import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from psycopg.types.json import Jsonb

from pybridge.payments.execution import Executed, execute
from pybridge.payments.gateways import Answer, Balance, Event, Found, Gateway, Request
from tests.support import market
from tests.support.domain import Connection, Row, one, rows, run

JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)
CHARGE_DAY = market.at(2026, 2, 2, 6)  # the 1st is a Sunday
PAYOUT_DAY = market.at(2026, 2, 16, 6)  # so is the 15th

_numbers = itertools.count(1)


@dataclass
class Scripted:
    """A gateway that answers as the test says, in order, and else does what it is asked; what it was asked stays."""

    name: str = "stripe"
    batch_limit: int = 1
    is_live: bool = False
    has: list[Found] = field(default_factory=list)  # what it tells of when it is asked for its newest
    said: list[Event] = field(default_factory=list)  # and what it has said by itself
    money: Balance = field(default_factory=lambda: Balance(0, 0, []))  # what it says that it has of ours
    script: deque[Answer | BaseException] = field(default_factory=deque)
    asked: list[tuple[str, Request]] = field(default_factory=list)

    def will(self, *answers: Answer | BaseException | str) -> None:
        self.script.extend(Answer(each) if isinstance(each, str) else each for each in answers)  # type: ignore[arg-type]

    def _answer(self, how: str, request: Request) -> Answer:
        self.asked.append((how, request))
        if not self.script:
            number = request.gateway_id or f"{request.kind.lower()}_{request.idempotency_key}"
            return Answer("succeeded", number, request.amount, request.currency)
        said = self.script.popleft()
        if isinstance(said, BaseException):
            raise said
        return said

    def newest(self, since: datetime, ledger: str) -> list[Found]:
        return [each for each in self.has if each.made_at >= since]

    def heard(self, since: datetime) -> list[Event]:
        return [each for each in self.said if each.occurred_at is None or each.occurred_at >= since]

    def balance(self, since: datetime) -> Balance:
        return self.money

    def send(self, requests: Sequence[Request]) -> list[Answer]:
        return [self._answer("send", request) for request in requests]

    def look_up(self, request: Request) -> Answer:
        return self._answer("look_up", request)

    def cancel(self, request: Request) -> Answer:
        return self._answer("cancel", request)

    def read_events(self, payload: bytes, signature: str | None) -> list[Event]:
        raise NotImplementedError


def town(db: Connection, advertisers: int = 1, price: str = "50") -> "Town":
    """Who advertises, with a card each, and one who has a website; a click a day of January, from the 2nd on."""
    market.set_minimum(db, "0.01", "0.01")
    market.set_rate(db, "0.3")
    market.partitions(db, JANUARY, 8)
    publisher = market.profile(db)
    made = Town(db, [market.profile(db) for _ in range(advertisers)], publisher, market.website(db, publisher))
    made.ads = [market.advertisement(db, each, price) for each in made.advertisers]
    for each in made.advertisers:
        means(db, each, "CHARGE")
    means(db, publisher, "PAYOUT")
    return made


@dataclass
class Town:
    """Advertisers and a publisher."""

    db: Connection
    advertisers: list[int]
    publisher: int
    site: int
    ads: list[int] = field(default_factory=list)

    def month(self, month: date = JANUARY) -> None:
        """A click on each advertisement, and the close."""
        for each in self.ads:
            market.clicks(self.db, each, self.site, market.day(month, 12))
        market.close(self.db, month)

    def charge(self) -> int:
        """The first advertiser's transaction of January."""
        return int(market.transaction(self.db, self.advertisers[0], JANUARY)["transaction"])

    def status(self, profile: int, month: date = JANUARY) -> str:
        return str(market.transaction(self.db, profile, month)["status"])


def means(db: Connection, profile: int, kind: str, gateway: str = "stripe", **details: str) -> int:
    number = next(_numbers)
    if not details:
        charge = {"customer": f"cus_{number}", "payment_method": f"pm_{number}"}
        details = charge if kind == "CHARGE" else {"destination": f"acct_{number}"}
    return int(
        one(
            db,
            "select marketplace.set_payment_means(%s, %s, %s, %s, '2026-01-01')",
            profile,
            kind,
            gateway,
            Jsonb(details),
        )
    )


def looked(db: Connection, number: int) -> None:
    """The run has asked both gateways what they have, and they had nothing of ours."""
    for gateway in ("stripe", "bank"):
        look = one(db, "select gateway_look from marketplace.begin_look(%s, %s, false)", gateway, number)
        assert rows(db, "select * from marketplace.end_look(%s, '[]')", look) == []


@contextmanager
def job_run(db: Connection, job: str = "marketplace_execute") -> Iterator[int]:
    """A run of this session's; it ends well."""
    number, outcome = db.execute("select job_run, outcome from jobs.begin_run(%s)", (job,)).fetchall()[0]
    assert outcome is None
    looked(db, number)
    yield number
    run(db, "select jobs.finish_run(%s, 'succeeded')", number)


def executed(db: Connection, gateway: Gateway, now: datetime) -> Executed:
    """One run of the job, with this gateway for whatever name is asked for."""
    with job_run(db) as number:
        return execute(db, number, now, lambda _: gateway)


def attempts(db: Connection, profile: int | None = None) -> list[Row]:
    query = "select * from marketplace.payment_attempt where %(p)s::bigint is null or profile = %(p)s order by 1"
    return rows(db, query, {"p": profile})


def states(db: Connection, profile: int | None = None) -> list[str]:
    return [row["state"] for row in attempts(db, profile)]


def holds(db: Connection, now: datetime) -> dict[tuple[int, str], str | None]:
    """Of each (profile, kind) that is to be executed, why not now."""
    found = rows(db, "select profile, kind, hold from marketplace.due_transactions(null, %s)", now)
    return {(row["profile"], row["kind"]): row["hold"] for row in found}


def fund(db: Connection) -> Decimal:
    return Decimal(one(db, "select available from report.marketplace_fund"))


def later(moment: datetime, **delta: float) -> datetime:
    return moment + timedelta(**delta)
