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
    call,
    consistency,
    exchange,
    make_event,
    one,
    refund,
    reserve,
    rows,
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
                    web(db, wanted, count, reference=f"ref-{seed}-{number}")
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
        except psycopg.Error as error:
            if error.sqlstate not in REFUSED:
                raise
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


def left_by_road(db: Connection) -> dict[tuple[int, int], Decimal]:
    """By payment that took money, and method it came in by: what was not given back. Cash as it was to be paid."""
    found = rows(
        db,
        "select coalesce(gives_back, payment) as payment,"
        " coalesce(gives_back_method, case when payment_method = 9 then 1 else payment_method end) as method,"
        " sum(amount) as amount from billig.payment_line group by 1, 2",
    )
    return {(row["payment"], row["method"]): row["amount"] for row in found if row["amount"]}


def gained(db: Connection) -> Decimal:
    """What buyers have gained by the rounding of cash, in all."""
    return Decimal(one(db, "select coalesce(sum(amount), 0) from billig.payment_line where payment_method = 9"))


def test_whatever_was_exchanged_and_paid_back_by_chosen_means_every_paid_ticket_can_be_refunded(
    db: Connection,
) -> None:
    kept, done = Decimal(0), Counter[str]()
    for seed in range(12):
        buyers = Buyers(db, seed)
        buyers.live(30)
        assert buyers.refund_all() == [], seed
        kept = one(db, "select sum(kept) from billig.ticket")
        left = left_by_road(db)
        assert min(left.values(), default=0) >= 0, seed
        assert sum(left.values()) == kept, "all that came in has gone out, but for what was kept"
        done += buyers.done
    assert gained(db) <= Decimal("0.50") * one(db, "select count(*) from billig.purchase")
    assert consistency(db) == {}
    assert kept
    assert min(done[kind] for kind in ("exchange", "change", "reduce", "refund", "dispute", "won")) >= 5, done


ONE_HOP = """
create or replace function billig.tied_payments(p_payments bigint[]) returns bigint[] language sql as $$
    select array(
        select p.payment from billig.payment as p
        where p.payment = any (p_payments)
            or p.purchase in (select h.purchase from billig.payment as h where h.payment = any (p_payments))
        union
        select o.payment
        from billig.transaction_log as l
        inner join billig.transaction_log as c on l.ticket = c.ticket
        inner join billig.transaction_log as t on c.payment = t.payment
        inner join billig.payment as o on t.purchase = o.purchase or t.payment = o.payment
        where l.payment = any (p_payments)
    )
$$
"""


def test_where_exchanges_are_followed_one_hop_only_paid_tickets_are_left_that_nothing_refunds(db: Connection) -> None:
    db.execute(ONE_HOP)
    refused = []
    for seed in range(12):
        buyers = Buyers(db, seed)
        buyers.live(30)
        refused += buyers.refund_all()
    assert "23B31" in {why[:5] for _, why in refused}, "the histories are too tame"


@pytest.mark.parametrize("seed", range(4))
def test_no_sequence_of_calls_gains_a_buyer_more_than_one_rounding(db: Connection, seed: int) -> None:
    """One purchase, whose prices are whole kroner; reductions, kept parts and split means bring the øre."""
    event = make_event(db, prices=(100, 101, 130), fee=0)
    chosen = random.Random(seed)
    sell(db, event.price_groups[2], 6, methods=["CASH", "CARD"], amounts=[390, 390])
    done: Counter[str] = Counter()
    for _ in range(60):
        tickets = [row["ticket"] for row in rows(db, "select ticket from billig.ticket where refunded is null")]
        if not tickets:
            break
        some = chosen.sample(tickets, min(len(tickets), chosen.randint(1, 2)))
        means = chosen.choice((["CASH"], ["CASH"], ["CARD"], ["BANK"], None))
        øre = Decimal(chosen.randint(1, 99)) / 100
        kind = chosen.choice(("reduce", "reduce", "exchange", "exchange", "change", "refund"))
        try:
            match kind:
                case "reduce":
                    reduce(db, some, chosen.choice((Decimal("0.50"), øre)), payment_methods=means)
                case "exchange":
                    exchange(db, some, chosen.choice(event.price_groups), len(some), methods=means)
                case "change":
                    call(
                        db, "change_price_group", tickets=some, price_group=chosen.choice(event.price_groups),
                        seller="kari", payment_methods=means,
                    )  # fmt: skip
                case _ if chosen.random() < 0.2:
                    refund(db, some, kept=[øre], payment_methods=means, reason="the hall is cold")
        except psycopg.Error as error:
            if error.sqlstate not in REFUSED:
                raise
        else:
            done[kind] += 1
        assert gained(db) <= Decimal("0.50")
    tickets = [row["ticket"] for row in rows(db, "select ticket from billig.ticket where refunded is null")]
    if tickets:
        refund(db, tickets)
    assert gained(db) <= Decimal("0.50")
    assert min(done[kind] for kind in ("reduce", "exchange")) >= 5, done
    assert consistency(db) == {}
