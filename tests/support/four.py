"""Four people with accounts: what they click, pay and are paid, in the words of the tests of the marketplace."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.conftest import Connection
from tests.support import market
from tests.support.domain import Row, consistency, one, rows
from tests.support.market import at, call
from tests.support.payments import job_run

JANUARY, FEBRUARY, MARCH = date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)
CHARGED, PAID = at(2026, 2, 2, 6), at(2026, 2, 16, 6)
CARD = {"customer": "cus_1", "payment_method": "pm_1"}
IBAN = {"name": "Kari", "iban": "NO9386011117947"}


@dataclass
class Four:
    """An advertiser, a publisher, one who is both, and another advertiser; prices 100, 100 and 200, a share of 70 %."""

    db: Connection
    adv: int
    pub: int
    both: int
    adv2: int
    ads: dict[int, int]
    sites: dict[int, int]
    job_run: int

    def clicks(self, advertiser: int, publisher: int | None, number: int, month: date = JANUARY) -> list[Row]:
        times = [market.day(month.replace(day=10), 12)] * number
        return market.clicks(self.db, self.ads[advertiser], self.sites.get(publisher or 0), *times)

    def close(self, month: date = JANUARY) -> None:
        market.close(self.db, month)

    def prepare(self, kind: str, now: datetime) -> int:
        return int(call(self.db, "prepare_attempts", kind=kind, now=now)[0]["prepare_attempts"])

    def attempt(self, kind: str, now: datetime, answer: str = "succeeded", **said: object) -> int:
        """The attempt that is prepared first is sent, and answered so; its number."""
        gateway = "bank" if kind == "PAYOUT" else "stripe"
        sent = call(self.db, "claim_attempts", gateway=gateway, kind=kind, job_run=self.job_run, limit=1, now=now)[0]
        if answer == "succeeded":
            said = {"gateway_id": f"g{sent['payment_attempt']}", "amount": sent["amount"], "currency": "NOK"}
        call(self.db, "record_answer", payment_attempt=sent["payment_attempt"], answer=answer, now=now, **said)
        return int(sent["payment_attempt"])

    def moves(self, kind: str, now: datetime, answer: str = "succeeded", **said: object) -> int:
        assert self.prepare(kind, now) >= 1
        return self.attempt(kind, now, answer, **said)

    def take_back(self, clicks: list[Row], now: datetime) -> Decimal:
        """The clicks are found to be fraud; what the advertiser is credited."""
        made = [row for click in clicks for row in market.adjust(self.db, click, "bot", now)]
        return -sum((row["amount"] for row in made if row["side"] == "ADVERTISEMENT"), Decimal(0))

    def due(self, now: datetime) -> dict[tuple[int, str], Any]:
        found = call(self.db, "due_transactions", kind=None, now=now)
        return {(row["profile"], row["kind"]): (Decimal(row["amount"]) / 100, row["hold"]) for row in found}

    def status(self, profile: int, month: date = JANUARY) -> str:
        return str(market.transaction(self.db, profile, month)["status"])

    def charge(self, profile: int) -> Row:
        query = (
            "select * from marketplace.payment_attempt where kind = 'CHARGE' and profile = %s and state = 'SUCCEEDED'"
        )
        return rows(self.db, query, profile)[0]

    def account(self, profile: int) -> list[tuple[str, Any, Any]]:
        return [(row["kind"], row["amount"], row["balance"]) for row in call(self.db, "account", profile=profile)]

    def balance(self, profile: int) -> Any:
        return self.account(profile)[-1][2]

    def why(self, profile: int) -> dict[date, str]:
        found = call(self.db, "why_not_paid", profile=profile)
        return {row["month"]: row["reason"] for row in found if row["reason"] != "RUNNING"}

    def refund(self, profile: int, amount: int | None, now: datetime) -> None:
        told = {"reason": "a mistake", "request_id": f"r{now}{amount}", "now": now}
        call(self.db, "refund_transaction", transaction=self.charge(profile)["transaction"],
             amount=amount and Decimal(amount), **told)  # fmt: skip

    def disputed(
        self, number: int, amount: int, answer: str = "returned", event: str = "evt", currency: str = "NOK",
        occurred_at: datetime | None = None, dispute: str | None = None,
    ) -> str:  # fmt: skip
        told = {"gateway": "stripe", "event_id": event, "event_kind": "charge.dispute", "answer": answer}
        attempt = rows(self.db, "select * from marketplace.payment_attempt where payment_attempt = %s", number)[0]
        return str(
            call(self.db, "record_event", **told, gateway_id=attempt["gateway_id"], amount=amount * 100,
                 currency=currency, occurred_at=occurred_at, dispute=dispute, now=PAID)[0]["record_event"]
        )  # fmt: skip

    def reserve(self, amount: int, now: datetime = PAID, purse: str = "main") -> None:
        call(self.db, "move_reserve", amount=Decimal(amount), reason="ours", now=now, purse=purse)

    def funds(self) -> Any:
        return Decimal(one(self.db, "select available from report.marketplace_fund"))


@contextmanager
def made(db: Connection) -> Iterator[Four]:
    """The four, each with a card and an account where they need one, and a run of the job."""
    market.partitions(db, date(2025, 12, 1), 9)
    adv, pub, both, adv2 = (market.profile(db) for _ in range(4))
    prices = {adv: "100", both: "100", adv2: "200"}
    with job_run(db) as number:
        people = Four(
            db, adv, pub, both, adv2,
            {each: market.advertisement(db, each, price) for each, price in prices.items()},
            {each: market.website(db, each) for each in (pub, both)}, number,
        )  # fmt: skip
        for each in (adv, both, adv2):
            means(db, each, "CHARGE")
        for each in (adv, pub, both):
            means(db, each, "PAYOUT")
        yield people


@pytest.fixture
def four(db: Connection) -> Iterator[Four]:
    with made(db) as people:
        yield people
    assert consistency(db) == {}
    for each in (people.adv, people.pub, people.both, people.adv2):
        assert [row for row in call(db, "verify_profile", profile=each) if row["severity"] == "ERROR"] == []


def means(db: Connection, profile: int, kind: str, **details: str) -> None:
    details = {**(CARD if kind == "CHARGE" else IBAN), **details}
    gateway = "stripe" if kind == "CHARGE" else "bank"
    call(db, "set_payment_means", profile=profile, kind=kind, gateway=gateway, details=Jsonb(details), now=CHARGED)
