"""The ledger as a few dataclasses: what the database should say, worked out in Python, independently of its SQL.

Money is Decimal; what is split by method is an exact Fraction, since the database may round each line by an øre.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

CENT = Decimal("0.01")
ROUNDING = Fraction(5, 100)  # what rounding each ticket's part, and theirs again, may add up to
CASH, CARD, NET_CARD, CASH_ROUNDING = 1, 2, 7, 9
CHANNEL_METHOD = {"STAND": CASH, "NET": NET_CARD, "RESERVATION": CASH}

Mix = dict[int, Fraction]
"""Shares, or amounts, by payment method."""


def vat_of(gross: Decimal, rate: Decimal) -> Decimal:
    """VAT contained in a gross amount, half away from zero to the øre."""
    return (gross * rate / (100 + rate)).quantize(CENT, ROUND_HALF_UP)


def exact_cash(lines: Mapping[int, Decimal]) -> dict[int, Decimal]:
    """Lines with cash as it was to be paid: what moves is whole kroner, half away from zero, the rounding beside it."""
    exact = dict(lines)
    if CASH_ROUNDING in exact:
        exact[CASH] = exact.get(CASH, Decimal(0)) + exact.pop(CASH_ROUNDING)
    assert lines.get(CASH, 0) == exact.get(CASH, Decimal(0)).quantize(Decimal(1), ROUND_HALF_UP), lines
    return exact


@dataclass
class Event:
    event: int
    project: int | None
    vat_code: int | None
    fee: Decimal
    fee_vat_code: int | None
    begun: bool = False
    closed: bool = False
    hidden: bool = False
    name: str = ""

    def __post_init__(self) -> None:
        self.name = self.name or f"Event {self.event}"


@dataclass
class Group:
    ticket_group: int
    event: Event
    num: int
    limit: int = 9


@dataclass
class Price:
    price_group: int
    group: Group
    price: Decimal
    netsale: bool = True
    members: bool = False
    card: bool = False


@dataclass(frozen=True)
class Offer:
    """What a ticket is sold as; the fee is part of the price."""

    price: Decimal
    rate: Decimal
    vat_code: int
    fee: Decimal
    fee_rate: Decimal
    fee_vat_code: int
    project: int | None
    event_name: str

    @property
    def part(self) -> Decimal:
        """What is the ticket's own, without the fee."""
        return self.price - self.fee

    @property
    def rates(self) -> tuple[Decimal, int, Decimal]:
        return self.rate, self.fee_vat_code, self.fee_rate


@dataclass
class Ticket:
    ticket: int
    purchase: int
    price: Price
    channel: str
    seller: str | None
    sold: Offer
    paid: bool = False
    refunded: bool = False
    used: bool = False
    on_card: bool = False
    replaces: int | None = None
    replaced_by: int | None = None
    payment: int | None = None  # the last it took part in
    named_payment: int | None = None  # the last that a function named: what the column holds
    held: Mix = field(default_factory=lambda: defaultdict(Fraction))  # the money in it, by method

    @property
    def cost(self) -> Decimal:
        return self.sold.price

    @property
    def live(self) -> bool:
        return not self.refunded


@dataclass
class Expected:
    """A payment that the database is about to make: of these tickets, with these lines."""

    inflow: dict[int, Decimal]  # by ticket, as far as money came in
    outflow: dict[int, Decimal]  # by ticket, negative
    lines: Mix
    seller: str | None
    kind: str
    old_mix: Mix | None = None  # of an exchange: what the old tickets were paid with
    named: bool = True  # by whoever wrote the tickets; raw SQL names none, and the trigger makes one

    @property
    def tickets(self) -> frozenset[int]:
        return frozenset(self.inflow) | frozenset(self.outflow)

    @property
    def total(self) -> Decimal:
        return sum(self.inflow.values(), Decimal(0)) + sum(self.outflow.values(), Decimal(0))


class Ledger:
    """Tickets, capacity, money per method, VAT per project, code and rate, and everybody's activity."""

    def __init__(self) -> None:
        self.projects: dict[int, int] = {}  # project -> VAT code
        self.rates: dict[int, Decimal] = {}
        self.events: list[Event] = []
        self.groups: list[Group] = []
        self.prices: list[Price] = []
        self.tickets: dict[int, Ticket] = {}
        self.vat: dict[tuple[int | None, int, Decimal], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
        self.activity: Counter[tuple[str | None, str]] = Counter()
        self.turnover: dict[str | None, Decimal] = defaultdict(Decimal)
        self.methods: dict[int, Decimal] = defaultdict(Decimal)
        self.owed: Decimal = Decimal(0)
        self.sales: dict[str, list[tuple[int, list[int]]]] = defaultdict(list)
        self.expected: list[Expected] = []

    # --- What the programme says ---

    def offer(self, price: Price) -> Offer:
        event = price.group.event
        code = event.vat_code
        if code is None:
            assert event.project is not None
            code = self.projects[event.project]
        fee_code = event.fee_vat_code or code
        fee = min(event.fee, price.price)
        return Offer(
            price.price, self.rates[code], code, fee, self.rates[fee_code], fee_code, event.project, event.name
        )

    def sold(self, group: Group) -> int:
        return sum(1 for t in self.tickets.values() if t.live and t.price.group is group)

    def left(self, group: Group) -> int:
        return group.num - self.sold(group)

    def lacks(self, wanted: Iterable[tuple[Price, int]], returned: Sequence[Ticket] = ()) -> bool:
        need: Counter[int] = Counter()
        groups: dict[int, Group] = {}
        for price, count in wanted:
            need[price.group.ticket_group] += count
            groups[price.group.ticket_group] = price.group
        for t in returned:
            need[t.price.group.ticket_group] -= 1
        return any(need[key] > self.left(group) for key, group in groups.items())

    # --- What happens ---

    def log(
        self,
        kind: str,
        ticket: Ticket,
        seller: str | None,
        amount: Decimal = Decimal(0),
        vat: Decimal = Decimal(0),
        fee: Decimal = Decimal(0),
        fee_vat: Decimal = Decimal(0),
    ) -> None:
        """A row of the log, and what it adds to every total."""
        self.activity[seller, kind] += 1
        self.turnover[seller] += amount + fee
        sold = ticket.sold
        for code, rate, gross, tax in (
            (sold.vat_code, sold.rate, amount, vat),
            (sold.fee_vat_code, sold.fee_rate, fee, fee_vat),
        ):
            if gross or tax:
                cell = self.vat[sold.project, code, rate]
                cell[0] += gross
                cell[1] += tax

    def _money(self, kind: str, ticket: Ticket, seller: str | None, sign: int) -> None:
        sold = ticket.sold
        self.log(
            kind,
            ticket,
            seller,
            sign * sold.part,
            sign * vat_of(sold.part, sold.rate),
            sign * sold.fee,
            sign * vat_of(sold.fee, sold.fee_rate),
        )

    def sell(self, ticket: Ticket, *, paid_seller: str | None = None) -> None:
        """A new ticket, as its channel and its `paid` say."""
        self.tickets[ticket.ticket] = ticket
        if ticket.channel == "STAND":
            self._money("NORMAL_SALE", ticket, ticket.seller, 1)
        elif ticket.channel == "NET":
            self.log("NET_SALE", ticket, None)
            if ticket.paid:
                self._money("NET_PAID", ticket, paid_seller, 1)
        else:
            self.log("RESERVATION_SALE", ticket, ticket.seller)

    def pay(self, ticket: Ticket, seller: str | None) -> None:
        ticket.paid = True
        self._money("NET_PAID" if ticket.channel == "NET" else "RESERVATION_PAID", ticket, seller, 1)

    def refund(self, ticket: Ticket, refunder: str | None, *, cash_point: int | None) -> None:
        ticket.refunded = True
        web = cash_point is None and ticket.channel == "NET"
        self._money("NET_REFUND" if web else "NORMAL_REFUND", ticket, refunder, -1)

    def let_go(self, ticket: Ticket, refunder: str | None = None) -> None:
        """An unpaid ticket is given back, aborted or timed out."""
        ticket.refunded = True
        if ticket.channel == "NET":
            self.log("NET_TIMEOUT", ticket, refunder)
        else:
            self.log("RESERVATION_REFUND" if refunder else "RESERVATION_TIMEOUT", ticket, refunder)

    def change(self, ticket: Ticket, price: Price, seller: str | None) -> Decimal:
        """Another price group; the money that it moves."""
        old = ticket.sold
        now = self.offer(price)
        ticket.price = price
        assert (now.vat_code, now.project) == (old.vat_code, old.project)
        if not ticket.paid:
            ticket.sold = now
            self.log("RESERVATION_CHANGE", ticket, seller)
        elif now.rates != old.rates:
            self._money("NORMAL_CHANGE", ticket, seller, -1)
            ticket.sold = now
            self._money("NORMAL_CHANGE", ticket, seller, 1)
        else:
            ticket.sold = now
            self.log(
                "NORMAL_CHANGE",
                ticket,
                seller,
                now.part - old.part,
                vat_of(now.part, now.rate) - vat_of(old.part, old.rate),
                now.fee - old.fee,
                vat_of(now.fee, now.fee_rate) - vat_of(old.fee, old.fee_rate),
            )
        return now.price - old.price if ticket.paid else Decimal(0)

    # --- How it was paid ---

    def paid_with(self, amounts: Mapping[int, Decimal]) -> Mix:
        """Amounts by ticket, split by the methods that the tickets' money came in by, exactly."""
        lines: Mix = defaultdict(Fraction)
        for number, amount in amounts.items():
            ticket = self.tickets[number]
            held = {method: part for method, part in ticket.held.items() if part > 0}
            if not held:
                lines[CHANNEL_METHOD[ticket.channel]] += Fraction(amount)
            elif sum(held.values()) < ROUNDING:  # all went back, but for what rounding left: the channel's is as good
                lines[CHANNEL_METHOD[ticket.channel]] += 0
            for method, part in held.items():
                lines[method] += Fraction(amount) * part / sum(held.values())
        return dict(lines)

    def _slack(self, expected: Expected) -> Fraction:
        """How many times rounding grows: much money that is split like a few øre carries their rounding along."""
        slack = Fraction(1)
        for number, amount in (*expected.inflow.items(), *expected.outflow.items()):
            held = sum((part for part in self.tickets[number].held.values() if part > 0), Fraction(0))
            if held:
                slack = max(slack, abs(Fraction(amount)) / held)
        return slack

    def settle(self, expected: Expected, payment: int, lines: Mapping[int, Decimal]) -> None:
        """The database's lines of a payment, compared with what was expected and then taken over."""
        assert sum(lines.values(), Decimal(0)) == expected.total, (lines, expected)
        for method, amount in lines.items():
            self.methods[method] += amount
        lines = exact_cash(lines)
        tolerance = ROUNDING * self._slack(expected) if len(expected.lines) > 1 else 0
        for method in {*lines, *expected.lines}:
            off = Fraction(lines.get(method, Decimal(0))) - expected.lines.get(method, Fraction(0))
            assert abs(off) <= tolerance, f"{method}: {lines}, expected {expected}"
        mix: Mix = defaultdict(Fraction)
        for method, amount in lines.items():
            mix[method] += Fraction(amount)
        for method, part in (expected.old_mix or {}).items():
            mix[method] += part
        direction = 1 if expected.kind == "EXCHANGE" or expected.total > 0 else -1
        mix = {method: part for method, part in mix.items() if part * direction > 0}
        flows = expected.inflow if expected.kind == "EXCHANGE" else {**expected.inflow, **expected.outflow}
        if expected.kind != "REFUND":
            for number, value in flows.items():
                for method, part in mix.items():
                    self.tickets[number].held[method] += Fraction(value) * part / sum(mix.values())
        for number in expected.tickets:
            self.tickets[number].payment = payment
            if expected.named:
                self.tickets[number].named_payment = payment
        if expected.kind == "SALE" and expected.seller is not None:
            self.sales[expected.seller].append((payment, sorted(expected.inflow)))
