"""The ledger as a few dataclasses: what the database should say, worked out in Python, independently of its SQL.

Money is Decimal; what is split by method is an exact Fraction, since the database may round each line by an øre.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

CENT = Decimal("0.01")
ROUNDING = Fraction(5, 100)  # what rounding each ticket's part, and theirs again, may add up to
CASH, CARD, BANK, NET_CARD, CASH_ROUNDING = 1, 2, 4, 7, 9
CHANNEL_METHOD = {"STAND": CASH, "NET": NET_CARD, "RESERVATION": CASH}

Mix = dict[int, Fraction]
"""Shares, or amounts, by payment method."""


def vat_of(gross: Decimal, rate: Decimal) -> Decimal:
    """VAT contained in a gross amount, half away from zero to the øre."""
    return (gross * rate / (100 + rate)).quantize(CENT, ROUND_HALF_UP)


def exact_cash(
    lines: Mapping[int, Decimal], goes_back: bool = False, no_notes_left: bool = False
) -> dict[int, Decimal]:
    """Lines with cash as it was to be paid: what moves is whole kroner, half away from zero, the rounding beside it.

    What goes back is rounded for the whole, to the krone below or above; last is what is left of the notes that came
    in, be it less.
    """
    exact = dict(lines)
    if CASH_ROUNDING in exact:
        exact[CASH] = exact.get(CASH, Decimal(0)) + exact.pop(CASH_ROUNDING)
    handed, asked = lines.get(CASH, Decimal(0)), exact.get(CASH, Decimal(0))
    rounded = asked.quantize(Decimal(1), ROUND_HALF_UP)
    assert (
        handed == rounded
        or (goes_back and handed == handed.to_integral_value() and abs(handed - asked) < 1)
        or (no_notes_left and rounded < handed <= 0)
    ), lines
    return exact


@dataclass
class Event:
    event: int
    project: int | None
    vat_code: int | None
    fee: Decimal
    fee_vat_code: int | None
    day: date
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
    ever_used: bool = False  # also where it was let out again
    reduced: Decimal = Decimal(0)
    charged_back: Decimal = Decimal(0)
    kept: Decimal = Decimal(0)
    part: Decimal = Decimal(0)  # what lies in it, of the ticket's own part
    fee: Decimal = Decimal(0)  # and of the fee
    exchanged_for: list[int] = field(default_factory=list)
    payment: int | None = None  # the last it took part in
    named_payment: int | None = None  # the last that a function named: what the column holds
    held: Mix = field(default_factory=lambda: defaultdict(Fraction))  # the money in it, by method

    @property
    def cost(self) -> Decimal:
        return self.sold.price

    @property
    def left(self) -> Decimal:
        """What lies in it now."""
        return self.part + self.fee

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

    def split(self, tickets: frozenset[int]) -> tuple["Expected", "Expected | None"]:
        """What goes back is paid by a payment for each that it gives back: the part of these tickets, and the rest."""
        if tickets == self.tickets:
            return self, None
        assert self.kind in ("REFUND", "REDUCTION"), f"only what goes back is several payments: {self}"
        parts = [
            replace(
                self,
                inflow={t: a for t, a in self.inflow.items() if (t in tickets) == mine},
                outflow={t: a for t, a in self.outflow.items() if (t in tickets) == mine},
            )
            for mine in (True, False)
        ]
        return parts[0], parts[1]


@dataclass
class Payment:
    """A payment that brought money in: what a provider may take back of it."""

    payment: int
    lines: dict[int, Decimal]
    tickets: frozenset[int]  # that it was for, of an exchange the new ones


@dataclass
class Dispute:
    """A chargeback."""

    reference: str
    payment: Payment
    method: int
    amounts: dict[int, Decimal]  # by ticket, positive
    number: int | None = None  # its own payment
    won: bool = False


class Ledger:
    """Tickets, capacity, money per method, VAT per project, code and rate, and everybody's activity."""

    def __init__(self) -> None:
        self.projects: dict[int, int] = {}  # project -> VAT code
        self.rates: dict[int, dict[date, Decimal]] = defaultdict(dict)  # by VAT code and first day
        self.events: list[Event] = []
        self.groups: list[Group] = []
        self.prices: list[Price] = []
        self.tickets: dict[int, Ticket] = {}
        self.buyers: dict[int, str] = {}  # by purchase, where one is named
        self.vat: dict[tuple[int | None, int, Decimal], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
        self.notes: dict[int, Decimal] = defaultdict(Decimal)  # cash handed over, less what was handed back of it
        self.activity: Counter[tuple[str | None, str]] = Counter()
        self.turnover: dict[str | None, Decimal] = defaultdict(Decimal)
        self.methods: dict[int, Decimal] = defaultdict(Decimal)
        self.roads: dict[tuple[int, int], Decimal] = defaultdict(Decimal)  # by payment that took it and method
        self.owed: Decimal = Decimal(0)
        self.sales: dict[str, list[tuple[int, list[int]]]] = defaultdict(list)
        self.expected: list[Expected] = []
        self.payments: dict[int, Payment] = {}
        self.disputes: list[Dispute] = []

    # --- What the programme says ---

    def rate(self, code: int, day: date) -> Decimal:
        """The rate of the day of delivery, as the rates are known now."""
        rates = self.rates[code]
        return rates[max(first_day for first_day in rates if first_day <= day)]

    def offer(self, price: Price) -> Offer:
        event = price.group.event
        code = event.vat_code
        if code is None:
            assert event.project is not None
            code = self.projects[event.project]
        fee_code = event.fee_vat_code or code
        fee = min(event.fee, price.price)
        return Offer(
            price.price,
            self.rate(code, event.day),
            code,
            fee,
            self.rate(fee_code, event.day),
            fee_code,
            event.project,
            event.name,
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

    def over(self, gained: Iterable[tuple[str | None, Price, int]], lost: Sequence[Ticket] = ()) -> bool:
        """Whether a named buyer would hold more of a price group than its limit."""
        need: Counter[tuple[str, int]] = Counter()
        limits: dict[int, int] = {}
        for buyer, price, count in gained:
            if buyer:
                need[buyer, price.price_group] += count
                limits[price.price_group] = price.group.limit
        gone = {t.ticket for t in lost}
        held = Counter(
            (self.buyers.get(t.purchase), t.price.price_group)
            for t in self.tickets.values()
            if t.live and t.ticket not in gone
        )
        return any(held[key] + count > limits[key[1]] for key, count in need.items())

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

    def _money(self, kind: str, ticket: Ticket, seller: str | None, part: Decimal, fee: Decimal) -> None:
        """A row after which so much lies in the ticket: its own part, and the fee."""
        sold = ticket.sold
        self.log(
            kind,
            ticket,
            seller,
            part - ticket.part,
            vat_of(part, sold.rate) - vat_of(ticket.part, sold.rate),
            fee - ticket.fee,
            vat_of(fee, sold.fee_rate) - vat_of(ticket.fee, sold.fee_rate),
        )
        ticket.part, ticket.fee = part, fee

    def _take(self, kind: str, ticket: Ticket, seller: str | None, amount: Decimal) -> None:
        """Money goes out of a ticket: its own part first."""
        of_part = min(amount, ticket.part)
        self._money(kind, ticket, seller, ticket.part - of_part, ticket.fee - (amount - of_part))

    def _put(self, kind: str, ticket: Ticket, seller: str | None, amount: Decimal) -> None:
        """Money comes into a ticket: the fee first."""
        of_fee = min(amount, ticket.sold.fee - ticket.fee)
        self._money(kind, ticket, seller, ticket.part + (amount - of_fee), ticket.fee + of_fee)

    def sell(self, ticket: Ticket, *, paid_seller: str | None = None) -> None:
        """A new ticket, as its channel and its `paid` say."""
        self.tickets[ticket.ticket] = ticket
        if ticket.channel == "STAND":
            self._put("NORMAL_SALE", ticket, ticket.seller, ticket.cost)
        elif ticket.channel == "NET":
            self.log("NET_SALE", ticket, None)
            if ticket.paid:
                self._put("NET_PAID", ticket, paid_seller, ticket.cost)
        else:
            self.log("RESERVATION_SALE", ticket, ticket.seller)

    def pay(self, ticket: Ticket, seller: str | None) -> None:
        ticket.paid = True
        self._put("NET_PAID" if ticket.channel == "NET" else "RESERVATION_PAID", ticket, seller, ticket.cost)

    def refund(
        self, ticket: Ticket, refunder: str | None, *, cash_point: int | None, kept: Decimal = Decimal(0)
    ) -> Decimal:
        """Paid back, but for what is kept; the money that moves."""
        back = kept - ticket.left
        ticket.refunded = True
        web = cash_point is None and ticket.channel == "NET"
        self._take("NET_REFUND" if web else "NORMAL_REFUND", ticket, refunder, ticket.left)
        if kept:
            ticket.kept = kept
            self._put("FEE_KEPT", ticket, refunder, kept)
        return back

    def reduce(self, ticket: Ticket, amount: Decimal, seller: str) -> None:
        """A part of the price is given back."""
        ticket.reduced += amount
        self._take("PRICE_REDUCTION", ticket, seller, amount)

    def charge_back(self, ticket: Ticket, amount: Decimal) -> None:
        """The provider takes money back."""
        ticket.charged_back += amount
        ticket.kept -= amount if ticket.refunded else 0
        self._take("CHARGEBACK", ticket, None, amount)

    def win(self, ticket: Ticket, amount: Decimal) -> None:
        """The provider gives it back again, whatever became of the ticket."""
        ticket.charged_back -= amount
        ticket.kept += amount if ticket.refunded else 0
        self._put("CHARGEBACK_WON", ticket, None, amount)

    def change_vat(self, ticket: Ticket, seller: str) -> bool:
        """To the rates of the day of delivery; whether there was anything to do."""
        sold, day = ticket.sold, ticket.price.group.event.day
        now = replace(sold, rate=self.rate(sold.vat_code, day), fee_rate=self.rate(sold.fee_vat_code, day))
        if now == sold:
            return False
        left = ticket.left
        if left:
            self._take("VAT_CHANGE", ticket, seller, left)
            self.activity[seller, "VAT_CHANGE"] -= 1  # two rows are one change
        ticket.sold = now
        self._put("VAT_CHANGE", ticket, seller, left)
        return True

    def holders(self, payment: Payment) -> list[Ticket]:
        """Tickets in which a payment's money may lie now: exchanges are followed."""
        found: dict[int, Ticket] = {}
        coming = list(payment.tickets)
        while coming:
            number = coming.pop()
            if number not in found:
                found[number] = self.tickets[number]
                coming += self.tickets[number].exchanged_for
        return list(found.values())

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
            return Decimal(0)
        left = ticket.left + now.price - old.price
        if now.rates != old.rates:
            self._take("NORMAL_CHANGE", ticket, seller, ticket.left)
            self.activity[seller, "NORMAL_CHANGE"] -= 1  # two rows are one change
            ticket.sold = now
            self._put("NORMAL_CHANGE", ticket, seller, left)
        else:
            ticket.sold = now
            self._money("NORMAL_CHANGE", ticket, seller, left - min(left, now.fee), min(left, now.fee))
        return now.price - old.price

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

    def settle(
        self, expected: Expected, payment: int, lines: Mapping[int, Decimal], roads: Sequence[Sequence[Any]]
    ) -> None:
        """The database's lines of a payment, compared with what was expected and then taken over."""
        for gives_back, came_by, method, amount in roads:
            by = came_by or (CASH if method == CASH_ROUNDING else method)
            self.roads[int(gives_back), int(by)] += Decimal(str(amount))
            if CASH == int(by) == int(method):
                self.notes[int(gives_back)] += Decimal(str(amount))
            assert int(gives_back) == payment or int(by) == method or int(method) in (CASH, BANK, CASH_ROUNDING)
        assert min(self.roads.values(), default=Decimal(0)) >= 0, f"more went back by a road than came: {self.roads}"
        assert sum(lines.values(), Decimal(0)) == expected.total, (lines, expected)
        for method, amount in lines.items():
            self.methods[method] += amount
        assert min(self.notes.values(), default=Decimal(0)) >= 0, f"more notes went back than came: {self.notes}"
        given_back = {int(row[0]) for row in roads} - {payment}
        lines = exact_cash(lines, bool(given_back), any(self.notes.get(each) == 0 for each in given_back))
        tolerance = ROUNDING * self._slack(expected) if len(expected.lines) > 1 else 0
        # What goes back is told by the roads; a dearer price group by raw SQL is paid as the ticket was.
        told = (expected.total > 0 and expected.lines) or expected.kind.startswith("CHARGEBACK")
        for method in {*lines, *expected.lines} if told else ():
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
        if expected.kind in ("SALE", "EXCHANGE", "CHANGE"):
            self.payments[payment] = Payment(
                payment, dict(lines), frozenset(expected.inflow if expected.kind == "EXCHANGE" else expected.tickets)
            )
        if expected.kind == "SALE" and expected.seller is not None:
            self.sales[expected.seller].append((payment, sorted(expected.inflow)))
