"""What was built apart, played together: exchanges, cancelled and moved events, second and late payments, parts,
disputes, reductions and changes, at a till and on the web. At the end each ticket goes back by some door, and all ties.

`--mixtures 300 --mixture-seed 0` plays so many histories.
"""

import random
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg

from tests.conftest import Connection
from tests.support.banking import route
from tests.support.domain import (
    SELLER,
    Event,
    Sale,
    call,
    call_in,
    close_till,
    consistency,
    cost,
    exchange,
    make_cash_point,
    make_event,
    net,
    one,
    open_till,
    pay,
    refund,
    reserve,
    rows,
    run,
    sell,
)
from tests.support.given_back import charge_back, reduce, won
from tests.support.provider import Provider

STEPS = 45
FLOAT = 100_000
METHODS = (None, ["CASH"], ["CARD"], ["CASH", "CARD"], ["VIPPS"])
REFUSED = {"22023", "23B06", "23B08", "23B10", "23B11", "23B12", "23B31", "23B34", "23B37", "23B38", "23B52"}
"""What may be said to a person who chooses tickets, means and amounts blindly."""


class Mixture:
    """A festival and its provider, and all that may happen to both."""

    def __init__(self, db: Connection, seed: int) -> None:
        self.db, self.random, self.provider = db, random.Random(seed), Provider()
        self.way = route(db, "PAYMENT", "NET_CARD", fee_rate=Decimal("0.014"))
        make_cash_point(db, 1)
        open_till(db, opening_float=FLOAT)
        later = datetime.now() + timedelta(days=9)
        self.events: list[Event] = [
            make_event(db, prices=(100, 150, 250), fee=20, num=300, event_time=later + timedelta(days=days))
            for days in range(3)
        ]
        self.sales: list[Sale] = []
        self.disputes: list[str] = []
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.last_payment = one(db, "select coalesce(max(payment), 0) from billig.payment")
        self.first_payment = self.last_payment

    # --- Choosing ---

    def tickets(self, most: int = 3, where: str = "paid is not null") -> list[int]:
        query = f"select ticket from billig.ticket where refunded is null and {where} order by ticket"
        found = [row["ticket"] for row in rows(self.db, query)]
        return self.random.sample(found, min(len(found), self.random.randint(1, most)))

    def wanted(self) -> dict[int, int]:
        events = self.random.sample(self.events, self.random.choice((1, 1, 2)))
        return {self.random.choice(event.price_groups): self.random.randint(1, 2) for event in events}

    def means(self, total: Decimal) -> dict[str, Any]:
        methods = self.random.choice(METHODS)
        if methods is None or not total:
            return {}
        amounts = [abs(total)] if len(methods) == 1 else [Decimal(1), abs(total) - 1]
        return {"payment_methods": methods, "payment_amounts": amounts}

    def confirm(self, purchase: int, amount: Decimal) -> None:
        reference = self.provider.charge(amount)
        answers = [
            call(self.db, "confirm_net_payment", purchase=purchase, amount=amount, provider_reference=reference)
            for _ in range(self.random.choice((1, 1, 2)))
        ]
        assert all(answer == answers[0] for answer in answers)
        assert sum(row["amount"] for row in answers[0]) >= 0

    def do_buy(self) -> None:
        sale = net(self.db, self.wanted())
        self.sales.append(sale)
        self.confirm(sale.purchase, cost(sale))

    do_buy_more = do_buy

    def do_hold(self) -> None:
        self.sales.append(net(self.db, self.wanted()))

    def do_sell(self) -> None:
        wanted = self.wanted()
        total = sum(
            one(self.db, "select price from billig.price_group where price_group = %s", group) * count
            for group, count in wanted.items()
        )
        methods = self.random.choice(METHODS[1:])
        assert methods
        sell(
            self.db, wanted, seller=SELLER, methods=methods,
            amounts=None if len(methods) == 1 else [Decimal(30), Decimal(total - 30)],
        )  # fmt: skip

    do_sell_more = do_sell

    def do_reserve(self) -> None:
        held = reserve(self.db, self.wanted())
        if self.random.random() < 0.7:
            pay(self.db, held, methods=[self.random.choice(("CASH", "CARD"))])

    def do_confirm_something(self) -> None:
        """A second payment, one that is late, a part, too much: of any purchase that there was."""
        if self.sales:
            sale = self.random.choice(self.sales)
            total = cost(sale)
            self.confirm(
                sale.purchase,
                self.random.choice((total, total, total + 13, total - 40, Decimal("40.50"), Decimal(40))),
            )

    do_confirm_something_more = do_confirm_something

    def do_give_up(self) -> None:
        if self.sales:
            call(self.db, "abort_purchase", purchase=self.random.choice(self.sales).purchase)

    def do_refund(self) -> None:
        tickets = self.tickets()
        kept = self.random.choice((None, None, [Decimal("10")], [Decimal("12.50")]))
        refund(self.db, tickets, kept=kept)

    def do_refund_otherwise(self) -> None:
        """A stand's by other means: what was paid on the web is not, or the provider would have it still."""
        tickets = self.tickets(where="paid is not null and sale_channel <> 'NET'")
        total = sum(
            one(self.db, "select price - reduced - charged_back from billig.ticket where ticket = %s", ticket)
            for ticket in tickets
        )
        refund(self.db, tickets, **self.means(Decimal(total)))

    def do_exchange(self) -> None:
        exchange(self.db, self.tickets(), self.wanted(), methods=self.random.choice((None, ["CASH"], ["CARD"])))

    do_exchange_more = do_exchange_again = do_exchange

    def do_change(self) -> None:
        (ticket, *_) = self.tickets(1)
        event = one(self.db, "select event from billig.ticket where ticket = %s", ticket)
        groups = next(each for each in self.events if each.event == event).price_groups
        call(
            self.db, "change_price_group", tickets=[ticket], price_group=self.random.choice(groups), seller=SELLER,
            payment_methods=self.random.choice((None, ["CASH"], ["CARD"])),
        )  # fmt: skip

    def do_reduce(self) -> None:
        amount = self.random.choice((Decimal(5), Decimal("12.50"), Decimal(60)))
        tickets = self.tickets(2)
        reduce(self.db, tickets, *[amount for _ in tickets])

    def do_dispute(self) -> None:
        """What is left of a charge; one that is owed back is not disputed here."""
        owed = {
            row["provider_reference"]
            for row in rows(self.db, "select provider_reference from report.owed_back where used_payment is null")
        }
        charges = [each for each in self.provider.charges() if self.provider.left(each) > 0 and each not in owed]
        if charges:
            charge = self.random.choice(charges)
            amount = self.provider.left(charge)
            if amount > 2 and self.random.random() < 0.6:
                amount = round(amount / self.random.choice((2, 3)), 2)
            dispute = self.provider.dispute(charge, amount)
            charge_back(self.db, dispute, charge, amount=amount)
            self.disputes.append(dispute)

    def do_win(self) -> None:
        if self.disputes:
            dispute = self.disputes.pop(self.random.randrange(len(self.disputes)))
            self.provider.reverse(dispute)
            won(self.db, dispute)

    def do_pay_back(self) -> None:
        for row in rows(self.db, "select * from report.owed_back where state = 'OWED'"):
            if self.random.random() < 0.4:
                name = self.provider.refund(row["provider_reference"], row["amount"])
                call(self.db, "settle_owed_back", owed_back=row["owed_back"], reference=name)

    def do_use(self) -> None:
        run(
            self.db, "update billig.ticket set used = billig.local_time() where ticket = any(%s) and used is null",
            self.tickets(2),
        )  # fmt: skip

    def do_refund_as_legacy(self) -> None:
        run(
            self.db,
            "update billig.ticket set refunded = billig.local_time(), refunder = 'perl', point_of_refund = 1"
            " where ticket = any(%s)",
            self.tickets(1, "paid is not null and sale_channel = 'STAND' and used is null"),
        )

    def do_cancel(self) -> None:
        if self.random.random() < 0.5:
            return
        event = self.random.choice(self.events)
        call(
            self.db, "cancel_event", event=event.event, reason="the singer is ill",
            used_tickets=self.random.choice(("REFUND", "KEEP")),
        )  # fmt: skip

    def do_give_back_cancelled(self) -> None:
        for event in self.events:
            if one(self.db, "select billig.is_cancelled(%s)", event.event):
                (answer,) = call(
                    self.db, "refund_cancelled", event=event.event, purchases=self.random.choice((2, 5, 100))
                )
                assert answer["purchases_refused"] == 0, rows(self.db, "select * from billig.cancelled_purchase")

    def do_pay_cancelled(self) -> None:
        for row in rows(self.db, "select distinct purchase from report.cancelled_owed order by 1"):
            if self.random.random() < 0.3:
                call(
                    self.db, "pay_cancelled", purchase=row["purchase"], seller=SELLER,
                    payment_methods=self.random.choice((None, None, ["CASH"])),
                )  # fmt: skip

    def do_move(self) -> None:
        if self.random.random() < 0.6:
            event = self.random.choice(self.events)
            call(
                self.db, "move_event", event=event.event, reason="the hall is wet",
                event_time=datetime.now() + timedelta(days=self.random.randint(3, 30)),
            )  # fmt: skip

    # --- Playing ---

    def carry_out(self) -> None:
        """What payments give back of web money is what the provider is told to; by another road the money is here."""
        found = rows(
            self.db,
            "select o.provider_reference as charge, -sum(l.amount) as amount from billig.payment_line as l"
            " inner join billig.payment as p on l.payment = p.payment"
            " inner join billig.payment as o on l.gives_back = o.payment"
            " where l.payment > %s and p.disputed_payment is null and l.payment_method = 7"
            " group by 1 order by 1",
            self.last_payment,
        )
        self.last_payment = one(self.db, "select coalesce(max(payment), 0) from billig.payment")
        for row in found:
            self.provider.refund(row["charge"], row["amount"])

    def attempt(self, name: str) -> bool:
        entries, disputes = list(self.provider.entries), list(self.disputes)
        try:
            with self.db.transaction():
                getattr(self, name)()
        except psycopg.Error as error:
            self.provider.entries[:], self.disputes[:] = entries, disputes
            if error.sqlstate not in REFUSED:
                raise
            self.refused[f"{name} {error.sqlstate}"] += 1
            return False
        except ValueError:  # nothing to choose from
            return False
        self.done[name] += 1
        self.carry_out()
        return True

    def play(self) -> None:
        kinds = sorted(name for name in dir(self) if name.startswith("do_"))
        for name in ("do_buy", "do_sell", "do_buy", "do_reserve"):
            self.attempt(name)
        for name in self.random.choices(kinds, k=STEPS):
            self.attempt(name)

    def end(self) -> list[tuple[int, str]]:
        """Everything goes back by some door; what does not."""
        for _ in list(self.disputes):
            if self.random.random() < 0.5:
                self.attempt("do_win")
        for event in self.events:
            if one(self.db, "select billig.is_cancelled(%s)", event.event):
                call(self.db, "refund_cancelled", event=event.event)
                self.carry_out()
        for row in rows(self.db, "select distinct purchase from report.cancelled_owed order by 1"):
            try:
                call(self.db, "pay_cancelled", purchase=row["purchase"], seller=SELLER)
            except psycopg.errors.IntegrityError as error:
                if error.sqlstate != "23B37":  # a dispute was won since: refunded below
                    raise
            self.carry_out()
        run(
            self.db,
            "update billig.ticket set refunded = billig.local_time(), refunder = 'kari'"
            " where refunded is null and paid is null",
        )
        stuck = []
        for row in rows(self.db, "select ticket from billig.ticket where refunded is null order by ticket"):
            try:
                with self.db.transaction():
                    refund(self.db, [row["ticket"]], override_used=True, reason="the end")
                self.carry_out()
            except psycopg.Error as error:
                stuck.append((row["ticket"], f"{error.sqlstate} {error}"))
        for row in rows(self.db, "select * from report.owed_back where state in ('OWED', 'HELD')"):
            name = self.provider.refund(row["provider_reference"], row["amount"])
            call(self.db, "settle_owed_back", owed_back=row["owed_back"], reference=name)
        return stuck

    # --- Looking ---

    def ours(self) -> dict[str, Decimal]:
        """What the bank is expected to have of each charge."""
        call_in(self.db, "bank", "expect", until=one(self.db, "select billig.local_time()::date"))
        found: dict[str, Decimal] = defaultdict(Decimal)
        for row in rows(self.db, "select reference, amount from bank.expected where route = %s", self.way):
            found[self.provider.owner(row["reference"]) or row["reference"]] += row["amount"]
        return found

    def check(self) -> None:
        assert consistency(self.db) == {}
        cash = {
            row["made_by"] if row["till_session"] is None else "TILL": row["amount"]
            for row in rows(
                self.db,
                "select p.till_session, case when p.till_session is null then p.made_by end as made_by,"
                " sum(l.amount) as amount from billig.payment_line as l"
                " inner join billig.payment as p on l.payment = p.payment"
                " where l.payment_method = 1 and l.payment > %s group by 1, 2",
                self.first_payment,
            )
        }
        assert set(cash) <= {"TILL", "TRIGGER"}, "raw SQL is nobody's session"
        cash_in = FLOAT + cash.get("TILL", Decimal(0))
        drawer = close_till(self.db, cash_in)["CASH"]
        assert (drawer["expected"], drawer["difference"]) == (cash_in, 0)
        assert self.ours() == self.provider.sums()
        accounts = {
            row["account"]: row["amount"]
            for row in rows(self.db, "select account, sum(amount) as amount from books.voucher_line group by 1")
        }
        kept = one(self.db, "select coalesce(sum(amount + fee_amount), 0) from billig.transaction_log")
        assert (accounts.get(2990, 0), accounts.get(2900, 0)) == (0, -kept), "nobody is owed anything; all is ahead"


def test_all_goes_back_and_ties_whatever_was_mixed(db: Connection, mixture_seed: int) -> None:
    mixture = Mixture(db, mixture_seed)
    mixture.play()
    assert consistency(db) == {}
    assert mixture.end() == []
    mixture.check()
