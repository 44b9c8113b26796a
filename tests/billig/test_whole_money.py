"""Money of many payments that exchanges, changes and repayments by chosen means tie together: all of it goes back."""

import random
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.conftest import Connection
from tests.support.domain import (
    Event,
    call,
    consistency,
    exchange,
    make_event,
    money_left,
    one,
    refund,
    reserve,
    rows,
    run,
    sell,
)
from tests.support.given_back import charge_back, reduce, web, won

METHODS = (["CASH"], ["CARD"], ["VIPPS"], ["CASH", "CARD"], None)
REFUSED = {"22023", "23B06", "23B08", "23B10", "23B12", "23B31"}
"""What a cashier may be told who names means, amounts or tickets that do not fit."""

Deed = Callable[[], object]


class Buyers:
    """Some people's purchases, paid in every way, and what random sellers do with them."""

    def __init__(self, db: Connection, seed: int) -> None:
        self.db, self.random = db, random.Random(seed)
        self.events = [make_event(db, prices=(100, 130, 250), fee=0), make_event(db, prices=(90, 100, 175), fee=20)]
        self.disputes: list[str] = []
        self.done: Counter[str] = Counter()
        for number in range(self.random.randint(4, 7)):
            count, event = self.random.randint(1, 3), self.random.choice(self.events)
            wanted = self.random.choice(event.price_groups)
            match self.random.choice(("web", "stand", "mixed", "reserved")):
                case "web":
                    web(db, wanted, count, reference=f"ref-{number}")
                case "stand":
                    sell(db, wanted, count, methods=[self.random.choice(("CASH", "CARD", "VIPPS"))])
                case "mixed":
                    price = one(db, "select price from billig.price_group where price_group = %s", wanted)
                    sell(db, wanted, count, methods=["CASH", "CARD"], amounts=[30, int(count * price) - 30])
                case _:
                    held = reserve(db, wanted, count)
                    for ticket in held.tickets:
                        methods = [self.random.choice(("CASH", "CARD", "VIPPS"))]
                        call(
                            db, "pay_reservation", purchase=held.purchase, seller="kari", tickets=[ticket],
                            payment_methods=methods,
                        )  # fmt: skip

    def paid(self) -> list[int]:
        """Tickets that are paid for."""
        query = "select ticket from billig.ticket where paid is not null and refunded is null order by ticket"
        return [row["ticket"] for row in rows(self.db, query)]

    def some(self, most: int = 3) -> list[int]:
        tickets = self.paid()
        return self.random.sample(tickets, min(len(tickets), self.random.randint(1, most)))

    def attempt(self, kind: str, deed: Deed) -> bool:
        try:
            with self.db.transaction():
                deed()
                run(self.db, "set constraints all immediate")
                run(self.db, "set constraints all deferred")
        except psycopg.Error as error:
            assert error.sqlstate in REFUSED, error
            return False
        self.done[kind] += 1
        return True

    def means(self) -> dict[str, Any]:
        methods = self.random.choice(METHODS)
        return {} if methods is None else {"payment_methods": methods}

    def exchange(self) -> None:
        wanted = {
            self.random.choice(self.random.choice(self.events).price_groups): self.random.randint(1, 2)
            for _ in range(self.random.randint(1, 2))
        }
        tickets = self.some()
        for methods in (self.random.choice(METHODS), ["CARD"], None):
            if self.attempt("exchange", lambda m=methods: exchange(self.db, tickets, wanted, methods=m)):  # type: ignore[misc]
                return

    def change(self) -> None:
        event = self.random.choice(self.events)
        for means in (self.means(), {"payment_methods": ["VIPPS"]}, {}):
            if self.attempt(
                "change",
                lambda m=means: call(  # type: ignore[misc]
                    self.db, "change_price_group", tickets=self.some(), seller="kari",
                    price_group=self.random.choice(event.price_groups), **m,
                ),
            ):  # fmt: skip
                return

    def reduce(self) -> None:
        amount = self.random.choice(("0.50", "1", "7.30", "20"))
        means = self.random.choice(({}, {"payment_methods": ["CASH"]}, {"payment_methods": ["BANK"]}, self.means()))
        self.attempt("reduce", lambda: reduce(self.db, self.some(2), amount, **means))

    def refund(self) -> None:
        if len(self.paid()) > 2:
            more: dict[str, Any] = self.random.choice(({}, {"kept": [self.random.choice((10, "0.50"))]}))
            reason = self.random.choice((None, "the hall is cold"))
            self.attempt("refund", lambda: refund(self.db, self.some(2), reason=reason, **self.means(), **more))

    def dispute(self) -> None:
        taken = rows(
            self.db,
            "select payment, payment_method_name as method from billig.chargeable where amount > 0 order by 1, 2",
        )
        if taken:
            said, name = self.random.choice(taken), f"dp-{self.random.random()}"
            more = {"amount": self.random.choice((None, 10, "33.30"))}
            if self.attempt(
                "dispute",
                lambda: charge_back(
                    self.db, name, None, payment=said["payment"], payment_method=said["method"], **more
                ),
            ):
                self.disputes.append(name)

    def win(self) -> None:
        if self.disputes:
            name = self.disputes.pop(self.random.randrange(len(self.disputes)))
            self.attempt("won", lambda: won(self.db, name))

    def live(self, deeds: int) -> None:
        for _ in range(deeds):
            if not self.paid():
                return
            self.random.choices(
                (self.exchange, self.change, self.reduce, self.refund, self.dispute, self.win), (6, 3, 3, 2, 1, 1)
            )[0]()

    def refund_all(self) -> list[tuple[int, str]]:
        """Each paid ticket on its own, by the road its money came; those that no door refunds, and why."""
        refused = []
        tickets = self.paid()
        self.random.shuffle(tickets)
        for ticket in tickets:
            try:
                with self.db.transaction():
                    refund(self.db, [ticket])
            except psycopg.Error as error:
                refused.append((ticket, f"{error.sqlstate} {error.diag.message_detail}"))
        return refused
