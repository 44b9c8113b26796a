"""Random days at two stands, against a little Python: what each till should hold, and what X and Z reports say."""

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Connection
from tests.support import domain
from tests.support.domain import (
    Event,
    call,
    close_till,
    consistency,
    make_cash_point,
    make_event,
    open_till,
    refund,
    sell,
)

FEE = Decimal("7.50")
PRICES = (Decimal("107.50"), Decimal("47.50"), Decimal("7.50"))
_runs = itertools.count(1)


def whole(amount: Decimal) -> Decimal:
    """Cash: whole kroner, half away from zero."""
    return amount.quantize(Decimal(1), ROUND_HALF_UP)


def refusal(work: Callable[[], object]) -> str | None:
    """The SQLSTATE that this is refused with; None where it is done."""
    try:
        work()
    except psycopg.Error as error:
        return error.sqlstate
    return None


@dataclass
class Session:
    """What a till session should say."""

    seller: str
    stand: int
    drawer: int
    holds: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    sales: Decimal = Decimal(0)
    returns: Decimal = Decimal(0)
    counts: Counter[str] = field(default_factory=Counter)

    def lacks(self, method: str, handed: Decimal) -> bool:
        """Whether so much cash cannot be taken out: nothing is refused where nothing is."""
        return method == "CASH" and handed > 0 and handed > self.holds["CASH"]


@dataclass
class Day:
    """Two stands, three sellers, and what has happened."""

    db: Connection
    event: Event
    run: int
    open: dict[str, Session] = field(default_factory=dict)
    unreported: dict[int, list[Session]] = field(default_factory=lambda: defaultdict(list))
    reported: set[int] = field(default_factory=set)
    sold: list[tuple[int, str, Decimal, int]] = field(default_factory=list)  # ticket, method, what is left, purchase
    gained: dict[int, Decimal] = field(default_factory=lambda: defaultdict(Decimal))  # by rounding, by purchase

    def seller(self, n: int) -> str:
        return f"till{self.run}seller{n}"

    def stand(self, n: int) -> int:
        return 1000 + 2 * self.run + n % 2

    # --- what may happen; `n` chooses ---

    def opens(self, n: int) -> None:
        seller, stand, opening_float = self.seller(n % 3), self.stand(n // 3), n % 5 * 100
        drawer = 1 + n % 2
        taken = seller in self.open or (stand, drawer) in {(each.stand, each.drawer) for each in self.open.values()}
        refused = refusal(lambda: open_till(self.db, seller, stand, opening_float, drawer=drawer))
        assert refused == ("23B27" if taken else None)
        if taken:
            return
        session = self.open[seller] = Session(seller, stand, drawer)
        session.holds["CASH"] = Decimal(opening_float)
        self.unreported[stand].append(session)

    def sells(self, n: int) -> None:
        seller, price, count = self.seller(n % 3), PRICES[n % 7 % 3], 1 + n % 4
        method = ("CASH", "CARD", "CASH", "VIPPS")[n % 4]
        session = self.open.get(seller)
        cash_point = None if n % 2 or session is None else session.stand
        sale = sell(
            self.db,
            self.event.price_groups[PRICES.index(price)],
            count,
            seller=seller,
            methods=[method],
            cash_point=cash_point,
        )
        self.sold += [(ticket, method, price, sale.purchase) for ticket in sale.tickets]
        came = whole(price * count) if method == "CASH" else price * count
        self.gained[sale.purchase] += price * count - came
        if session:
            session.holds[method] += came
            session.sales += price * count
            session.counts["RECEIPTS"] += 1

    def refunds(self, n: int) -> None:
        """Now and then a part is kept: what is given back is less."""
        if self.sold:
            ticket, method, left, purchase = self.sold[n % len(self.sold)]
            seller = self.seller(n % 3)
            kept = min(FEE, left) if n % 4 == 0 else Decimal(0)
            session = self.open.get(seller)
            refused = refusal(lambda: refund(self.db, [ticket], seller=seller, **({"kept": [kept]} if kept else {})))
            handed = self.handed(purchase, method, left - kept)
            assert refused == ("23B90" if session and session.lacks(method, handed) else None)
            if refused is None:
                del self.sold[n % len(self.sold)]
                self.given_back(session, method, left - kept, purchase)

    def reduces(self, n: int) -> None:
        """A part of the price is given back over the counter; the ticket stays."""
        if self.sold:
            place = n % len(self.sold)
            ticket, method, left, purchase = self.sold[place]
            amount = min((Decimal(1), Decimal("12.5"), left)[n % 3], left)
            seller = self.seller(n % 3)
            refused = refusal(
                lambda: call(
                    self.db, "reduce_price", tickets=[ticket], amounts=[amount], seller=seller, reason="a pillar"
                )
            )
            session = self.open.get(seller)
            if amount and session and session.lacks(method, self.handed(purchase, method, amount)):
                assert refused == "23B90"
            else:
                assert refused == (None if amount else "22023")
            if refused is None:
                self.sold[place] = ticket, method, left - amount, purchase
                self.given_back(self.open.get(seller), method, amount, purchase)

    def refunds_raw(self, n: int) -> None:
        """The legacy script: in cash, as these stands pay out, in whoever's session it is."""
        if self.sold:
            ticket, _, cost, purchase = self.sold.pop(n % len(self.sold))
            seller, stand = self.seller(n % 3), self.stand(n)
            domain.update_ticket(self.db, ticket, refunded="now", refunder=seller, point_of_refund=stand)
            session = self.open.get(seller)
            self.given_back(session if session and session.stand == stand else None, "CASH", cost, purchase)

    def handed(self, purchase: int, method: str, amount: Decimal) -> Decimal:
        """What is handed out: cash to the krone below or above, whichever makes the whole purchase right."""
        if method != "CASH" or not amount % 1:
            return amount
        return -whole(self.gained[purchase] - amount)

    def given_back(self, session: Session | None, method: str, cost: Decimal, purchase: int) -> None:
        handed = self.handed(purchase, method, cost)
        self.gained[purchase] += handed - cost
        if session:
            session.holds[method] -= handed
            session.returns += cost
            session.counts["RETURNS"] += 1

    def moves_cash(self, n: int) -> None:
        seller = self.seller(n % 3)
        kind, sign = (("PAY_IN", 1), ("PAY_OUT", -1), ("DRAWER_OPENING", 0))[n % 4 % 3]
        amount = 10 * (1 + n % 9) if sign else 0
        refused = refusal(
            lambda: call(self.db, "till_event", seller=seller, event_type=kind, amount=amount, reason="x")
        )
        session = self.open.get(seller)
        lacks = session is not None and sign < 0 and session.lacks("CASH", Decimal(amount))
        assert refused == ("23B26" if session is None else "23B90" if lacks else None)
        if refused:
            return
        self.open[seller].holds["CASH"] += sign * amount
        self.open[seller].counts[kind] += 1

    def closes(self, n: int) -> None:
        seller = self.seller(n % 3)
        session = self.open.pop(seller, None)
        counted = max(session.holds["CASH"], Decimal(0)) if session else Decimal(0)
        if session is None:
            assert refusal(lambda: close_till(self.db, counted, seller, note="x")) == "23B26"
            return
        answer = close_till(self.db, counted, seller, note="x")
        assert {name: row["expected"] for name, row in answer.items()} == dict(session.holds)

    def reports(self, n: int) -> None:
        stand = self.stand(n)
        is_open = any(session.stand == stand for session in self.open.values())
        said = self.x(stand)
        if is_open or stand in self.reported:
            refused = refusal(lambda: call(self.db, "z_report", cash_point=stand, seller="kari"))
            assert refused == ("23B29" if is_open else "23B30")
            return
        z = call(self.db, "z_report", cash_point=stand, seller="kari")
        assert {(r["item"], r["item_key"]): r["amount"] for r in z if r["seller"] is None} == said
        self.reported.add(stand)
        self.unreported[stand].clear()

    # --- what must hold ---

    def x(self, stand: int) -> dict[tuple[str, str], Decimal]:
        return {
            (row["item"], row["item_key"]): row["amount"]
            for row in call(self.db, "x_report", cash_point=stand)
            if row["seller"] is None
        }

    def holds(self) -> None:
        status: dict[str, dict[str, Decimal]] = defaultdict(dict)
        for row in call(self.db, "till_status"):
            status[row["seller"]][row["payment_method"]] = row["expected"]
        for seller, session in self.open.items():
            assert status[seller] == dict(session.holds), seller
        for stand, sessions in self.unreported.items():
            said = self.x(stand)
            sales, returns = (sum((getattr(s, name) for s in sessions), Decimal(0)) for name in ("sales", "returns"))
            assert said["TOTAL_CASH_SALES", ""] == sales - returns
            assert said["RETURNS", ""] == returns
            numbers = {
                row["item"]: row["number"]
                for row in call(self.db, "x_report", cash_point=stand)
                if row["seller"] is None and row["item"] in ("RECEIPTS", "RETURNS", "PAY_IN", "PAY_OUT")
            }
            assert numbers == {item: sum(s.counts[item] for s in sessions) for item in numbers}


STEPS = (
    Day.opens,
    Day.sells,
    Day.sells,
    Day.refunds,
    Day.refunds_raw,
    Day.reduces,
    Day.moves_cash,
    Day.closes,
    Day.reports,
)
Step = tuple[Callable[[Day, int], None], int]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 10_000)), min_size=5, max_size=40))
def test_tills_hold_what_a_model_says_whatever_is_done(shared_db: Connection, steps: list[Step]) -> None:
    run = next(_runs)
    event = make_event(
        shared_db, prices=PRICES, fee=FEE, num=1000, vat_code=domain.MIDDLE_RATE, event_time=domain.today()
    )
    day = Day(shared_db, event, run)
    for stand in (0, 1):
        make_cash_point(shared_db, day.stand(stand))
    for step, n in steps:
        step(day, n)
        day.holds()
    for session in list(day.open):
        day.closes(int(session[-1]))
    assert consistency(shared_db) == {}
