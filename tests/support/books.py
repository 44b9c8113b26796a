"""One history that holds every type of transaction, and the books that say what each step of it must mean.

Prices, VAT to the øre, sellers and dates come from the programme as the test wrote it and never from the database.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import LiteralString
from zoneinfo import ZoneInfo

from tests.support.domain import (
    LOW_RATE,
    MIDDLE_RATE,
    OUTSIDE_THE_ACT,
    REGULAR_RATE,
    SAMFUNDET,
    SELLER,
    UKA,
    Connection,
    Row,
    Sale,
    by_road,
    call,
    confirm,
    exchange,
    make_cash_point,
    make_event,
    make_project,
    net,
    one,
    pay,
    refund,
    reserve,
    rows,
    run,
    sell,
    update_ticket,
)

OSLO = ZoneInfo("Europe/Oslo")
ORGANISATIONS = {SAMFUNDET: "Samfundet", UKA: "UKA"}
RATES = {REGULAR_RATE: Decimal(25), MIDDLE_RATE: Decimal(15), LOW_RATE: Decimal(12), OUTSIDE_THE_ACT: Decimal(0)}
KINDS = {
    "NORMAL_SALE": "SALE",
    "NORMAL_REFUND": "REFUND",
    "NORMAL_CHANGE": "CHANGE",
    "NET_SALE": "RESERVATION",
    "NET_TIMEOUT": "NONE",
    "NET_PAID": "SALE",
    "RESERVATION_SALE": "RESERVATION",
    "RESERVATION_PAID": "SALE",
    "RESERVATION_REFUND": "NONE",
    "RESERVATION_CHANGE": "CHANGE",
    "NET_REFUND": "REFUND",
    "RESERVATION_TIMEOUT": "NONE",
    "TICKET_USED": "NONE",
    "TICKET_UNUSED": "NONE",
    "CARD_CHANGE": "CHANGE",
    "FEE_KEPT": "REFUND",
    "PRICE_REDUCTION": "CHANGE",
    "CHARGEBACK": "CHANGE",
    "CHARGEBACK_WON": "CHANGE",
    "VAT_CHANGE": "CHANGE",
}
PAID = ("NORMAL_SALE", "NET_PAID", "RESERVATION_PAID")
PAID_BACK = ("NORMAL_REFUND", "NET_REFUND")
CHANGED = ("NORMAL_CHANGE", "PRICE_REDUCTION", "CHARGEBACK", "CHARGEBACK_WON", "VAT_CHANGE")  # while it lives
MONEY = (*PAID, *PAID_BACK, "FEE_KEPT", *CHANGED)
ENDED = (*PAID_BACK, "NET_TIMEOUT", "RESERVATION_REFUND", "RESERVATION_TIMEOUT")
STAND, BAR = 1, 2
TRANSACTIONS: LiteralString = "select * from report.transaction order by ticket, transaction_log"


def vat_of(gross: Decimal, rate: Decimal) -> Decimal:
    return (gross * rate / (100 + rate)).quantize(Decimal("0.01"), ROUND_HALF_UP)


# --- The books ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Offer:
    """A price group and all that a ticket of it is sold as; the fee is part of the price."""

    price_group: int
    price: Decimal
    fee: Decimal
    vat_code: int
    fee_vat_code: int
    event: int
    event_date: date
    organisation: str
    project: int | None
    names: Row = field(hash=False)
    rates: tuple[tuple[int, Decimal], ...] = ()  # of the event's day, where they are not today's

    @property
    def part(self) -> Decimal:
        """What is the ticket's own, without the fee."""
        return self.price - self.fee

    @property
    def vat_rate(self) -> Decimal:
        return self.rate(self.vat_code)

    @property
    def fee_vat_rate(self) -> Decimal:
        return self.rate(self.fee_vat_code)

    def rate(self, code: int) -> Decimal:
        return dict(self.rates).get(code, RATES[code])

    @property
    def vat(self) -> Decimal:
        return vat_of(self.part, self.vat_rate)

    @property
    def fee_vat(self) -> Decimal:
        return vat_of(self.fee, self.fee_vat_rate)


@dataclass
class Entry:
    """One activity on a ticket, as the log must tell it; its time is between two looks at the server's clock."""

    kind: str
    ticket: int
    purchase: int
    offer: Offer
    seller: str | None
    cash_point: int | None
    payment: int | None
    exchange: int | None = None
    related: int | None = None
    amount: Decimal = Decimal(0)
    vat: Decimal = Decimal(0)
    fee: Decimal = Decimal(0)
    fee_vat: Decimal = Decimal(0)
    override_used: bool = False
    after: datetime | None = None
    before: datetime | None = None
    at: datetime | None = None

    @property
    def time(self) -> datetime:
        assert self.at is not None
        return self.at

    @property
    def sale_date(self) -> date:
        return self.time.astimezone(OSLO).date()

    @property
    def stands_in(self) -> Row:
        """What every report's row stands under."""
        return {
            "organisation_name": self.offer.organisation,
            "sale_date": self.sale_date,
            "event_date": self.offer.event_date,
        }

    @property
    def counts_in(self) -> Row:
        """And what accounting asks by: nothing here comes too late for a closed period."""
        return {**self.stands_in, "posting_date": self.sale_date}

    @property
    def components(self) -> list[tuple[str, int, Decimal, Decimal, Decimal]]:
        """Component, VAT code and rate, gross and VAT of what moves money; no fee where there is none."""
        lines = [("TICKET", self.offer.vat_code, self.offer.vat_rate, self.amount, self.vat)]
        if self.fee:
            lines.append(("FEE", self.offer.fee_vat_code, self.offer.fee_vat_rate, self.fee, self.fee_vat))
        return lines if self.kind in MONEY else []


@dataclass
class Books:
    """What was done, in the order it was done."""

    db: Connection
    entries: list[Entry] = field(default_factory=list)
    offers: dict[int, Offer] = field(default_factory=dict)  # what each ticket is of, now
    purchases: dict[int, int] = field(default_factory=dict)
    payment: int | None = None

    @contextmanager
    def step(self) -> Iterator[None]:
        first = len(self.entries)
        after = one(self.db, "select clock_timestamp()")
        yield
        before = one(self.db, "select clock_timestamp()")
        for entry in self.entries[first:]:
            entry.after, entry.before = after, before

    def newest_payment(self) -> int:
        """A step's payment, the one made last."""
        payment = int(one(self.db, "select max(payment) from billig.payment"))
        assert payment != self.payment, "the step made no payment"
        self.payment = payment
        return payment

    def payment_of(self, sale: Sale) -> int | None:
        """The payment of a web sale."""
        (payment,) = {e.payment for e in self.entries if e.kind == "NET_PAID" and e.ticket in sale.tickets}
        return payment

    def begin(self, ticket: int, purchase: int, offer: Offer) -> None:
        assert ticket not in self.offers
        self.offers[ticket], self.purchases[ticket] = offer, purchase

    def write(
        self,
        kind: str,
        tickets: Iterable[int],
        *,
        seller: str | None,
        cash_point: int | None = None,
        payment: int | None = None,
        exchange: int | None = None,
        related: int | None = None,
        override_used: bool = False,
    ) -> None:
        sign = (kind in PAID) - (kind in PAID_BACK)
        for ticket in tickets:
            offer = self.offers[ticket]
            self.entries.append(
                Entry(
                    kind,
                    ticket,
                    self.purchases[ticket],
                    offer,
                    seller,
                    cash_point,
                    payment,
                    exchange,
                    related,
                    sign * offer.part,
                    sign * offer.vat,
                    sign * offer.fee,
                    sign * offer.fee_vat,
                    override_used,
                )
            )

    def write_change(self, kind: str, ticket: int, new: Offer, *, seller: str, payment: int | None = None) -> None:
        """To another price group: the difference where it is paid; under another VAT code the old out, the new in."""
        old, self.offers[ticket] = self.offers[ticket], new
        self.write(kind, [ticket], seller=seller, payment=payment)
        if kind == "NORMAL_CHANGE" and old.fee_vat_code != new.fee_vat_code:
            gone = replace(
                self.entries[-1],
                offer=old,
                amount=-old.part,
                vat=-old.vat,
                fee=-old.fee,
                fee_vat=-old.fee_vat,
            )
            self.entries[-1].amount, self.entries[-1].vat = new.part, new.vat
            self.entries[-1].fee, self.entries[-1].fee_vat = new.fee, new.fee_vat
            self.entries.insert(-1, gone)
        elif kind == "NORMAL_CHANGE":
            self.entries[-1].amount = new.part - old.part
            self.entries[-1].vat = new.vat - old.vat
            self.entries[-1].fee = new.fee - old.fee
            self.entries[-1].fee_vat = new.fee_vat - old.fee_vat

    def write_part(
        self,
        kind: str,
        ticket: int,
        part: Decimal | int | str,
        fee: Decimal | int | str,
        *,
        seller: str | None,
        cash_point: int | None = None,
        payment: int | None = None,
    ) -> None:
        """Other sums than the sale's: VAT is that of what is left after it, less that of what was left before."""
        left, left_fee = self.left(ticket)
        self.write(kind, [ticket], seller=seller, cash_point=cash_point, payment=payment)
        entry = self.entries[-1]
        entry.amount, entry.fee = Decimal(part), Decimal(fee)
        entry.vat = vat_of(left + entry.amount, entry.offer.vat_rate) - vat_of(left, entry.offer.vat_rate)
        entry.fee_vat = vat_of(left_fee + entry.fee, entry.offer.fee_vat_rate) - vat_of(
            left_fee, entry.offer.fee_vat_rate
        )

    def left(self, ticket: int) -> tuple[Decimal, Decimal]:
        """What is left with us of a ticket: its own part, and the fee's."""
        entries = [entry for entry in self.entries if entry.ticket == ticket]
        return sum((e.amount for e in entries), Decimal(0)), sum((e.fee for e in entries), Decimal(0))

    def write_vat_change(self, event: int, code: int, rate: Decimal, *, seller: str) -> None:
        """Another rate on an event's day: what lies in its live tickets goes out under the old, in under the new."""
        for ticket, old in sorted(self.offers.items()):
            if old.event != event or {entry.kind for entry in self.entries if entry.ticket == ticket} & set(ENDED):
                continue
            new, (part, fee) = replace(old, rates=((code, rate),)), self.left(ticket)
            if part or fee:
                self.write_part("VAT_CHANGE", ticket, -part, -fee, seller=seller)
            self.offers[ticket] = new
            self.write_part("VAT_CHANGE", ticket, part, fee, seller=seller)

    def sold(
        self,
        sale: Sale,
        offers: dict[int, Offer],
        kind: str,
        *,
        seller: str | None,
        cash_point: int | None = None,
        payment: int | None = None,
    ) -> None:
        for row in sale.rows:
            self.begin(row["ticket"], sale.purchase, offers[row["price_group"]])
        self.write(kind, sale.tickets, seller=seller, cash_point=cash_point, payment=payment)

    def by_ticket(self) -> list[Entry]:
        """As the reports are read: by ticket, each ticket's in the order they happened."""
        return sorted(self.entries, key=lambda entry: entry.ticket)

    def take_times(self) -> None:
        """The server's clock is nobody's to foretell: each row's time lies within its step, and is taken from there."""
        logged = rows(self.db, TRANSACTIONS)
        expected = self.by_ticket()
        assert [(r["ticket"], r["transaction_type"]) for r in logged] == [(e.ticket, e.kind) for e in expected]
        for entry, row in zip(expected, logged, strict=True):
            assert entry.after is not None
            assert entry.before is not None
            assert entry.after <= row["transaction_time"] <= entry.before
            entry.at = row["transaction_time"]


# --- The history ----------------------------------------------------------------------------------------------------


def _offers(
    db: Connection,
    *prices: int,
    organisation: int,
    vat_code: int,
    days: int,
    project: int | None = None,
    own_vat_code: bool = True,
    fee: str = "0",
    fee_vat_code: int | None = None,
) -> list[Offer]:
    """An event half an hour before midnight: its date is the local one."""
    event_time = datetime.combine(date.today() + timedelta(days=days), datetime.min.time()) - timedelta(minutes=30)
    event = make_event(
        db,
        prices=prices,
        fee=Decimal(fee),
        organisation=organisation,
        project=project,
        project_vat_code=None,
        vat_code=vat_code if own_vat_code else None,
        fee_vat_code=fee_vat_code,
        event_time=event_time,
        can_be_put_on_card=True,
    )
    names = rows(
        db,
        """
        select g.price_group, e.event_name, t.ticket_group_name, g.price_group_name, p.project_name
        from billig.event as e
        inner join billig.ticket_group as t on e.event = t.event
        inner join billig.price_group as g on t.ticket_group = g.ticket_group
        left join billig.project as p on e.project = p.project
        where e.event = %s
        """,
        event.event,
    )
    return [
        Offer(
            price_group,
            Decimal(price),
            min(Decimal(fee), Decimal(price)),
            vat_code,
            vat_code if fee_vat_code is None else fee_vat_code,
            event.event,
            event_time.date(),
            ORGANISATIONS[organisation],
            project,
            next(row for row in names if row.pop("price_group", None) == price_group),
        )
        for price_group, price in zip(event.price_groups, prices, strict=True)
    ]


def live_through(db: Connection) -> Books:
    """Every type of transaction, across four events of four VAT codes, two organisations and two projects or none."""
    me = str(one(db, "select session_user"))
    revue = make_project(db, vat_code=OUTSIDE_THE_ACT)
    house = make_project(db, vat_code=REGULAR_RATE, organisation=SAMFUNDET)
    disco = _offers(
        db,
        199,
        90,
        organisation=SAMFUNDET,
        vat_code=REGULAR_RATE,
        days=30,
        project=house,
        own_vat_code=False,
        fee="15",
        fee_vat_code=LOW_RATE,
    )
    food = _offers(db, 101, 77, organisation=UKA, vat_code=MIDDLE_RATE, days=31, project=revue, fee="12.50")
    film = _offers(db, 85, 0, organisation=SAMFUNDET, vat_code=LOW_RATE, days=31, fee="7.45", fee_vat_code=REGULAR_RATE)
    play = _offers(db, 300, 0, organisation=UKA, vat_code=OUTSIDE_THE_ACT, days=32, project=revue, own_vat_code=False)
    offers = {offer.price_group: offer for offer in (*disco, *food, *film, *play)}
    for cash_point in (STAND, BAR):
        make_cash_point(db, cash_point)
    books = Books(db)

    def sell_on_the_web(offer: Offer, count: int) -> Sale:
        with books.step():
            sale = net(db, offer.price_group, count)
            books.sold(sale, offers, "NET_SALE", seller=None)
        return sale

    def renamed(old: Sequence[Offer]) -> list[Offer]:
        """What is sold from now on is called so; what was sold keeps its names."""
        event = old[0].event
        for query in (
            "update billig.event set event_name = 'Renamed event' where event = %s",
            "update billig.ticket_group set ticket_group_name = 'Renamed group' where event = %s",
            "update billig.price_group set price_group_name = 'Renamed ' || price_group where ticket_group ="
            " (select ticket_group from billig.ticket_group where event = %s)",
        ):
            assert run(db, query, event) > 0
        return [
            replace(
                offer,
                names={
                    **offer.names,
                    "event_name": "Renamed event",
                    "ticket_group_name": "Renamed group",
                    "price_group_name": f"Renamed {offer.price_group}",
                },
            )
            for offer in old
        ]

    def pay_on_the_web(sale: Sale) -> None:
        with books.step():
            confirm(db, sale)
            books.write("NET_PAID", sale.tickets, seller=None, payment=books.newest_payment())

    def trade(old: Sequence[int], new: dict[Offer, int], seller: str) -> list[int]:
        with books.step():
            counts = {offer.price_group: count for offer, count in new.items()}
            answer = by_road(
                db, lambda by: exchange(db, old, counts, seller=seller, cash_point=BAR, methods=by), "CARD"
            )
            bought = [row["new_ticket"] for row in answer if row["new_ticket"] is not None]
            number, payment = answer[0]["exchange"], books.newest_payment()
            groups = [offer for offer, count in new.items() for _ in range(count)]
            for place, ticket in enumerate(bought):
                books.begin(ticket, books.purchases[old[place if place < len(old) else 0]], groups[place])
            for tickets, others, kind in ((old, bought, "NORMAL_REFUND"), (bought, old, "NORMAL_SALE")):
                for place, ticket in enumerate(tickets):
                    books.write(
                        kind,
                        [ticket],
                        seller=seller,
                        cash_point=BAR,
                        payment=payment,
                        exchange=number,
                        related=others[place] if place < len(others) else None,
                    )
        return bought

    # At a stand, two price groups and two methods.
    with books.step():
        at_the_stand = sell(
            db,
            {disco[0].price_group: 4, disco[1].price_group: 3},
            cash_point=STAND,
            methods=["CASH", "CARD"],
            amounts=[Decimal("700.50"), Decimal("365.50")],
        )
        books.sold(at_the_stand, offers, "NORMAL_SALE", seller=SELLER, cash_point=STAND, payment=books.newest_payment())
    dear, cheap = at_the_stand.tickets[:4], at_the_stand.tickets[4:]
    with books.step():
        free = sell(db, play[1].price_group, seller="per", methods=())
        books.sold(free, offers, "NORMAL_SALE", seller="per", payment=books.newest_payment() if free.payment else None)

    # On the web: paid, aborted, paid too late.
    cinema = sell_on_the_web(film[0], 3)
    pay_on_the_web(cinema)
    aborted = sell_on_the_web(food[0], 2)
    late = sell_on_the_web(food[1], 1)
    for lost in (aborted, late):
        with books.step():
            call(db, "abort_purchase", purchase=lost.purchase)
            books.write("NET_TIMEOUT", lost.tickets, seller=None)
    with books.step():
        (resold,) = confirm(db, late)
        books.begin(resold["ticket"], late.purchase, food[1])
        books.write("NET_SALE", [resold["ticket"]], seller=None, related=late.ticket)
        books.write("NET_PAID", [resold["ticket"]], seller=None, payment=books.newest_payment(), related=late.ticket)

    # Reserved: one changes price group, then all are paid; one is cancelled; one is let go.
    with books.step():
        table = reserve(db, food[0].price_group, 2)
        books.sold(table, offers, "RESERVATION_SALE", seller=SELLER)
    with books.step():
        call(db, "change_price_group", tickets=table.tickets[:1], price_group=food[1].price_group, seller="ola")
        # A payment of nothing: it is what says who did it.
        books.write_change(
            "RESERVATION_CHANGE", table.tickets[0], food[1], seller="ola", payment=books.newest_payment()
        )
    with books.step():
        pay(db, table, seller="per", cash_point=BAR, methods=["CARD"])
        books.write("RESERVATION_PAID", table.tickets, seller="per", cash_point=BAR, payment=books.newest_payment())
    with books.step():
        unwanted = reserve(db, play[0].price_group, 2, seller=None)
        books.sold(unwanted, offers, "RESERVATION_SALE", seller=None)
    with books.step():
        call(db, "cancel_reservation", purchase=unwanted.purchase, tickets=unwanted.tickets[:1], seller="ola")
        books.write("RESERVATION_REFUND", unwanted.tickets[:1], seller="ola")
    with books.step():
        update_ticket(db, unwanted.tickets[1], refunded="now")
        books.write("RESERVATION_TIMEOUT", unwanted.tickets[1:], seller=None)

    # Paid tickets: another price group, a card, the door, and back again.
    with books.step():
        call(
            db,
            "change_price_group",
            tickets=[dear[0]],
            price_group=disco[1].price_group,
            seller="ola",
            payment_methods=["CASH"],
        )
        books.write_change("NORMAL_CHANGE", dear[0], disco[1], seller="ola", payment=books.newest_payment())
    with books.step():
        update_ticket(db, dear[0], on_card=True)
        books.write("CARD_CHANGE", [dear[0]], seller=me)
    with books.step():
        update_ticket(db, dear[0], used="now")
        books.write("TICKET_USED", [dear[0]], seller=me)
    with books.step():
        call(db, "unuse_ticket", tickets=[dear[0]], seller="ola", reason="out for air")
        books.write("TICKET_UNUSED", [dear[0]], seller="ola")
    with books.step():
        update_ticket(db, dear[0], used="now")
        books.write("TICKET_USED", [dear[0]], seller=me)
    with books.step():
        update_ticket(db, table.tickets[1], used="now")
        books.write("TICKET_USED", table.tickets[1:], seller=me)
    with books.step():
        call(db, "unuse_ticket", tickets=table.tickets[1:], seller="per", reason="the wrong door")
        books.write("TICKET_UNUSED", table.tickets[1:], seller="per")
    with books.step():
        update_ticket(db, dear[1], used="now")
        books.write("TICKET_USED", [dear[1]], seller=me)
    with books.step():
        refund(db, [dear[1]], seller="ola", cash_point=BAR, reason="the show was stopped", override_used=True)
        books.write(
            "NORMAL_REFUND",
            [dear[1]],
            seller="ola",
            cash_point=BAR,
            payment=books.newest_payment(),
            override_used=True,
        )
    with books.step():
        refund(db, cheap[:2], seller="ola", cash_point=BAR)
        books.write("NORMAL_REFUND", cheap[:2], seller="ola", cash_point=BAR, payment=books.newest_payment())
    with books.step():
        refund(db, cinema.tickets[:1], seller=None)
        books.write("NET_REFUND", cinema.tickets[:1], seller=None, payment=books.newest_payment())
    with books.step():
        update_ticket(db, dear[2], refunded="now", refunder="legacy", point_of_refund=BAR)
        books.write("NORMAL_REFUND", [dear[2]], seller="legacy", cash_point=BAR, payment=books.newest_payment())

    # The fee gets another VAT code, and then a ticket another price group.
    with books.step():
        call(db, "set_fee_vat_code", event=film[0].event, vat_code=None, source=None)
        film = [replace(offer, fee_vat_code=LOW_RATE) for offer in renamed(film)]
        call(db, "change_price_group", tickets=[cinema.tickets[2]], price_group=film[1].price_group, seller="ola")
        books.write_change("NORMAL_CHANGE", cinema.tickets[2], film[1], seller="ola", payment=books.newest_payment())

    # Exchanged across events: two for three, and three of these for one.
    new = trade([dear[3], cinema.tickets[1]], {food[0]: 2, play[0]: 1}, "per")
    trade([*new[1:], cheap[2]], {film[0]: 1}, "ola")

    # Given back in part: kept of a refund, taken off a price, and the rest of that.
    with books.step():
        party = sell(db, disco[0].price_group, 3, cash_point=STAND, methods=["CARD"])
        books.sold(party, offers, "NORMAL_SALE", seller=SELLER, cash_point=STAND, payment=books.newest_payment())
    kept, reduced, _ = party.tickets
    with books.step():
        refund(db, [kept], seller="ola", cash_point=BAR, kept=[20])
        payment = books.newest_payment()
        books.write("NORMAL_REFUND", [kept], seller="ola", cash_point=BAR, payment=payment)
        books.write_part("FEE_KEPT", kept, 5, 15, seller="ola", cash_point=BAR, payment=payment)
    with books.step():
        call(db, "reduce_price", tickets=[reduced], amounts=[190], seller="per", cash_point=BAR, reason="no light")
        books.write_part(
            "PRICE_REDUCTION", reduced, -184, -6, seller="per", cash_point=BAR, payment=books.newest_payment()
        )
    with books.step():
        refund(db, [reduced], seller="per", cash_point=STAND)
        books.write_part(
            "NORMAL_REFUND", reduced, 0, -9, seller="per", cash_point=STAND, payment=books.newest_payment()
        )

    # Disputed: a part, of which one ticket is refunded then; all of it, and won.
    feast, dance = sell_on_the_web(food[1], 2), sell_on_the_web(disco[1], 1)
    for sale in (feast, dance):
        pay_on_the_web(sale)
    with books.step():
        call(db, "record_chargeback", dispute_reference="dp 1", payment=books.payment_of(feast), amount=100)
        payment = books.newest_payment()
        for ticket in feast.tickets:
            books.write_part("CHARGEBACK", ticket, -50, 0, seller=None, payment=payment)
    with books.step():
        refund(db, feast.tickets[:1], seller="ola")
        books.write_part(
            "NET_REFUND", feast.tickets[0], "-14.50", "-12.50", seller="ola", payment=books.newest_payment()
        )
    for function, kind, sign in (
        ("record_chargeback", "CHARGEBACK", -1), ("record_chargeback_won", "CHARGEBACK_WON", 1),
    ):  # fmt: skip
        with books.step():
            told = {"payment": books.payment_of(dance)} if sign < 0 else {}
            call(db, function, dispute_reference="dp 2", **told)
            books.write_part(kind, dance.ticket, sign * 75, sign * 15, seller=None, payment=books.newest_payment())

    # The middle rate will be another on the day of the food; what is sold after that has it at once.
    with books.step():
        seat = reserve(db, food[0].price_group)
        books.sold(seat, offers, "RESERVATION_SALE", seller=SELLER)
    to_come = food[0].event_date
    run(db, "insert into books.vat_rate (vat_code, valid_from, rate) values (%s, %s, 10)", MIDDLE_RATE, to_come)
    with books.step():
        call(db, "change_vat")
        books.write_vat_change(food[0].event, MIDDLE_RATE, Decimal(10), seller=me)
    with books.step():
        pay(db, seat, seller="per", cash_point=BAR, methods=["CARD"])
        books.write("RESERVATION_PAID", seat.tickets, seller="per", cash_point=BAR, payment=books.newest_payment())
    with books.step():
        supper = sell(db, food[1].price_group, cash_point=STAND, methods=["CARD"])
        offers[food[1].price_group] = replace(food[1], rates=((MIDDLE_RATE, Decimal(10)),))
        books.sold(supper, offers, "NORMAL_SALE", seller=SELLER, cash_point=STAND, payment=books.newest_payment())
    books.take_times()
    return books
