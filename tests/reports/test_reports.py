"""The reports say what happened: each of their rows is worked out here anew, from what was done, and compared.

One history holds every type of transaction. `Books` writes down beside each step what it must mean: prices, VAT to the
øre, sellers and dates come from the programme as the test wrote it and never from the database.
"""

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import LiteralString
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest

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
    call,
    confirm,
    consistency,
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
    standards,
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
    "CARD_CHANGE": "CHANGE",
}
PAID = ("NORMAL_SALE", "NET_PAID", "RESERVATION_PAID")
PAID_BACK = ("NORMAL_REFUND", "NET_REFUND")
MONEY = (*PAID, *PAID_BACK, "NORMAL_CHANGE")
ENDED = (*PAID_BACK, "NET_TIMEOUT", "RESERVATION_REFUND", "RESERVATION_TIMEOUT")
STAND, BAR = 1, 2
REPORTS: dict[str, LiteralString] = {
    "transaction": "select * from report.transaction order by ticket, transaction_log",
    "transaction_line": "select * from report.transaction_line order by ticket, transaction_log, component desc",
    "ticket_history": "select * from report.ticket_history order by ticket",
    "seller_activity": "select * from report.seller_activity",
    "vat_by_project": "select * from report.vat_by_project",
}
TOTALS = ("total_by_project", "total_by_vat_code", "total_by_year")  # tests/test_rollup.py
CLOSES = ("closed_period", "late_transaction")  # tests/test_period.py


def vat_of(gross: Decimal, rate: Decimal) -> Decimal:
    return (gross * rate / (100 + rate)).quantize(Decimal("0.01"), ROUND_HALF_UP)


# --- The books ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Offer:
    """A price group and all that a ticket of it is sold as."""

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

    @property
    def vat(self) -> Decimal:
        return vat_of(self.price, RATES[self.vat_code])

    @property
    def fee_vat(self) -> Decimal:
        return vat_of(self.fee, RATES[self.fee_vat_code])


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
    def components(self) -> list[tuple[str, int, Decimal, Decimal]]:
        """Component, VAT code, gross and VAT of what moves money; no fee where there is none."""
        lines = [("TICKET", self.offer.vat_code, self.amount, self.vat)]
        if self.fee:
            lines.append(("FEE", self.offer.fee_vat_code, self.fee, self.fee_vat))
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
                    sign * offer.price,
                    sign * offer.vat,
                    sign * offer.fee,
                    sign * offer.fee_vat,
                    override_used,
                )
            )

    def write_change(self, kind: str, ticket: int, new: Offer, *, seller: str, payment: int | None = None) -> None:
        """To another price group: the difference in price and VAT where it is paid; the fee stays."""
        old, self.offers[ticket] = self.offers[ticket], new
        self.write(kind, [ticket], seller=seller, payment=payment)
        if kind == "NORMAL_CHANGE":
            self.entries[-1].amount = new.price - old.price
            self.entries[-1].vat = new.vat - old.vat

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
        logged = rows(self.db, REPORTS["transaction"])
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
            Decimal(fee),
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

    def pay_on_the_web(sale: Sale) -> None:
        with books.step():
            confirm(db, sale)
            books.write("NET_PAID", sale.tickets, seller=None, payment=books.newest_payment())

    def trade(old: Sequence[int], new: dict[Offer, int], seller: str) -> list[int]:
        with books.step():
            counts = {offer.price_group: count for offer, count in new.items()}
            answer = exchange(db, old, counts, seller=seller, cash_point=BAR, methods=["CARD"])
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
            amounts=[Decimal("800.50"), Decimal("370.50")],
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

    # Exchanged across events: two for three, and three of these for one.
    new = trade([dear[3], cinema.tickets[1]], {food[0]: 2, play[0]: 1}, "per")
    trade([*new[1:], cheap[2]], {film[0]: 1}, "ola")
    books.take_times()
    return books


# --- What the reports must say --------------------------------------------------------------------------------------


def expected_transactions(books: Books) -> list[Row]:
    return [
        {
            "transaction_time": entry.time,
            **entry.counts_in,
            "transaction_type": entry.kind,
            "kind": KINDS[entry.kind],
            "ticket": entry.ticket,
            "purchase": entry.purchase,
            "payment": entry.payment,
            "exchange": entry.exchange,
            "related_ticket": entry.related,
            "seller": entry.seller,
            "login_role": one(books.db, "select session_user"),
            "cash_point": entry.cash_point,
            "project": entry.offer.project,
            "event": entry.offer.event,
            **entry.offer.names,
            "price": entry.offer.price,
            "amount": entry.amount,
            "vat_code": entry.offer.vat_code,
            "vat_rate": RATES[entry.offer.vat_code],
            "vat_amount": entry.vat,
            "fee_amount": entry.fee,
            "fee_vat_code": entry.offer.fee_vat_code,
            "fee_vat_rate": RATES[entry.offer.fee_vat_code],
            "fee_vat_amount": entry.fee_vat,
            "total_amount": entry.amount + entry.fee,
            "override_used": entry.override_used,
        }
        for entry in books.by_ticket()
    ]


def expected_lines(books: Books) -> list[Row]:
    return [
        {
            "transaction_time": entry.time,
            **entry.counts_in,
            "transaction_type": entry.kind,
            "ticket": entry.ticket,
            "purchase": entry.purchase,
            "payment": entry.payment,
            "seller": entry.seller,
            "cash_point": entry.cash_point,
            "project": entry.offer.project,
            "event": entry.offer.event,
            "event_name": entry.offer.names["event_name"],
            "component": component,
            "vat_code": code,
            "vat_rate": RATES[code],
            "gross_amount": gross,
            "net_amount": gross - vat,
            "vat_amount": vat,
        }
        for entry in books.by_ticket()
        for component, code, gross, vat in entry.components
    ]


def expected_histories(books: Books) -> list[Row]:
    return [_history([entry for entry in books.entries if entry.ticket == ticket]) for ticket in sorted(books.offers)]


def _history(entries: list[Entry]) -> Row:
    def only(kinds: Sequence[str]) -> Entry | None:
        found = [entry for entry in entries if entry.kind in kinds]
        assert len(found) <= 1
        return found[0] if found else None

    def total(kinds: Sequence[str]) -> Decimal:
        return sum((entry.amount + entry.fee for entry in entries if entry.kind in kinds), Decimal(0))

    sold, paid, used, ended = entries[0], only(PAID), only(["TICKET_USED"]), only(ENDED)
    names = {name: value for name, value in entries[-1].offer.names.items() if name != "project_name"}
    return {
        "ticket": sold.ticket,
        "purchase": sold.purchase,
        **sold.stands_in,
        "event": sold.offer.event,
        "project": sold.offer.project,
        **names,
        "sold_as": sold.kind,
        "sold_at": sold.time,
        "sold_by": sold.seller,
        "paid_at": paid and paid.time,
        "paid_by": paid and paid.seller,
        "paid_amount": total([*PAID, "NORMAL_CHANGE"]),
        "changes": sum(entry.kind in ("NORMAL_CHANGE", "RESERVATION_CHANGE") for entry in entries),
        "used_at": used and used.time,
        "refunded_at": ended and ended.time,
        "refunded_by": ended and ended.seller,
        "refunded_as": ended and ended.kind,
        "refunded_amount": total(PAID_BACK),
        "replaces": sold.related,
        "replaced_by": ended and ended.related,
        "sold_in_exchange": sold.exchange,
        "refunded_in_exchange": ended and ended.exchange,
    }


def expected_activity(books: Books) -> list[Row]:
    groups: dict[tuple[object, ...], list[Entry]] = {}
    for entry in books.entries:
        key = (*entry.stands_in.values(), entry.seller, entry.cash_point, entry.kind)
        groups.setdefault(key, []).append(entry)
    return [
        {
            **entries[0].counts_in,
            "seller": entries[0].seller,
            "cash_point": entries[0].cash_point,
            "transaction_type": entries[0].kind,
            "tickets": len(entries),
            "gross_amount": sum(entry.amount + entry.fee for entry in entries),
            "fee_amount": sum(entry.fee for entry in entries),
            "vat_amount": sum(entry.vat + entry.fee_vat for entry in entries),
            "first_time": min(entry.time for entry in entries),
            "last_time": max(entry.time for entry in entries),
        }
        for entries in groups.values()
    ]


def expected_vat(books: Books) -> list[Row]:
    groups: dict[tuple[object, ...], Row] = {}
    for entry in books.entries:
        for component, code, gross, vat in entry.components:
            row = groups.setdefault(
                (*entry.stands_in.values(), entry.offer.project, code),
                {
                    **entry.counts_in,
                    "project": entry.offer.project,
                    "project_name": entry.offer.names["project_name"],
                    "vat_code": code,
                    "vat_rate": RATES[code],
                    "tickets_sold": 0,
                    "tickets_refunded": 0,
                    "gross_amount": Decimal(0),
                    "net_amount": Decimal(0),
                    "vat_amount": Decimal(0),
                },
            )
            row["tickets_sold"] += component == "TICKET" and entry.kind in PAID
            row["tickets_refunded"] += component == "TICKET" and entry.kind in PAID_BACK
            row["gross_amount"] += gross
            row["net_amount"] += gross - vat
            row["vat_amount"] += vat
    return list(groups.values())


EXPECTED: dict[str, Callable[[Books], list[Row]]] = {
    "transaction": expected_transactions,
    "transaction_line": expected_lines,
    "ticket_history": expected_histories,
    "seller_activity": expected_activity,
    "vat_by_project": expected_vat,
}
ORDERED = ("transaction", "transaction_line", "ticket_history")


def _sorted(report: list[Row]) -> list[Row]:
    return sorted(report, key=lambda row: [(name, str(row[name])) for name in sorted(row)])


@pytest.fixture
def books(db: Connection) -> Books:
    return live_through(db)


def agrees(books: Books, report: str) -> None:
    """Every row, every column; but for the log's own key, which only orders."""
    found = rows(books.db, REPORTS[report])
    for row in found:
        row.pop("transaction_log", None)
    expected = EXPECTED[report](books)
    if report in ORDERED:
        assert found == expected
    else:
        assert _keyed(found) == _keyed(expected)


def _keyed(report: list[Row]) -> Counter[tuple[tuple[str, object], ...]]:
    return Counter(tuple(sorted(row.items(), key=lambda column: column[0])) for row in report)


# --- The reports ----------------------------------------------------------------------------------------------------


@pytest.mark.smoke
def test_every_report_says_what_was_done_and_nothing_else(books: Books) -> None:
    assert {entry.kind for entry in books.entries} == set(KINDS), "the history holds every type of transaction"
    for report in REPORTS:
        agrees(books, report)
    assert consistency(books.db) == {}


TESTED_ELSEWHERE = {  # test_settlement.py, test_till.py, test_voucher.py, test_marketplace.py, ...
    "cashier_settlement",
    "open_items",
    "payment_by_method",
    "project_day",
    "seller_vat_project",
    "ticket_sales_by_event",
    "till_session",
    "unattached_payment",
    "fee",
    "bank_item",
    "bank_match",
    "bank_reconciliation",
    "bank_statement_gap",
    "bank_ticket",
    "missing_deposit",
    "payout",
    "payout_difference",
    "unmatched_deposit",
    "job_health",
    "job_run",
    "marketplace_fund",
    "marketplace_transaction",
    "payment_attempt",
    "payment_event",
    "voucher_line",
    "x_report",
    "z_report",
    "event_day",  # test_pages.py
    "log_position",
    "marketplace_click_day",
    "marketplace_statement_line",
}


def test_there_are_no_reports_but_these(shared_db: Connection) -> None:
    assert {
        row["viewname"] for row in rows(shared_db, "select viewname from pg_views where schemaname = 'report'")
    } == {*REPORTS, *TOTALS, *CLOSES, *TESTED_ELSEWHERE}


@pytest.mark.smoke
def test_each_report_is_asked_by_organisation_sale_date_and_event_date(shared_db: Connection) -> None:
    found = rows(
        shared_db,
        """
        select c.table_name, array_agg(c.data_type::text order by c.column_name) as types
        from information_schema.columns as c
        where
            c.table_schema = 'report'
            and c.column_name in ('organisation_name', 'sale_date', 'event_date')
            and c.table_name = any (%s)
        group by c.table_name
        """,
        list(REPORTS),
    )
    assert {row["table_name"]: row["types"] for row in found} == {
        report: ["date", "text", "date"] for report in REPORTS
    }


def test_all_reports_tell_the_same_money(books: Books) -> None:
    """Asked for a month or an organisation, each report and the payments come to the same sum."""
    for organisation in ORGANISATIONS.values():
        sums = {
            one(books.db, query, organisation)
            for query in (
                "select sum(total_amount) from report.transaction where organisation_name = %s",
                "select sum(gross_amount) from report.transaction_line where organisation_name = %s",
                "select sum(paid_amount + refunded_amount) from report.ticket_history where organisation_name = %s",
                "select sum(gross_amount) from report.seller_activity where organisation_name = %s",
                "select sum(gross_amount) from report.vat_by_project where organisation_name = %s",
                "select sum(gross_amount) from report.total_by_project where organisation_name = %s",
                "select sum(gross_amount) from report.total_by_vat_code where organisation_name = %s",
                "select sum(gross_amount) from report.total_by_year where organisation_name = %s",
            )
        }
        assert len(sums) == 1
    total = (
        "select (select sum(amount) from billig.payment_line) - (select sum(gross_amount) from report.vat_by_project)"
    )
    assert one(books.db, total) == 0


def test_no_later_edit_of_the_programme_or_of_the_rates_changes_a_row(books: Books) -> None:
    db = books.db
    before = {report: _sorted(rows(db, query)) for report, query in REPORTS.items()}
    elsewhere = make_project(db, vat_code=MIDDLE_RATE)

    assert run(db, "update billig.price_group set price = price + 111") > 0
    assert run(db, "update billig.event set project = %s, ticket_fee = 99, vat_code = 31", elsewhere) > 0
    assert run(db, "update billig.event set ticket_fee_vat_code = 6") > 0
    assert run(db, "update billig.event set organisation = 3 - organisation") > 0
    assert run(db, "update billig.project set vat_code = 33") > 0
    assert (
        run(
            db,
            """
            insert into books.vat_rate (vat_code, valid_from, rate)
            select vat_code, billig.local_time()::date, 19 from books.vat_code
            """,
        )
        > 0
    )

    for report, query in REPORTS.items():
        assert _sorted(rows(db, query)) == before[report], report


# --- The official lists ---------------------------------------------------------------------------------------------

LEVELS = {  # of the list of rates; and of the list of codes
    REGULAR_RATE: ("alminnelig sats", "Regular rate"),
    MIDDLE_RATE: ("redusert sats, næringsmiddel", "Reduced rate, middle"),
    LOW_RATE: ("redusert sats", "Reduced rate, low"),
}
Period = tuple[date, date | None, Decimal]


@pytest.fixture
def vat_lists() -> Path:
    return standards("vat")


def official_periods(vat_lists: Path, level: str) -> list[Period]:
    """First day, last day and rate of a level, as the tax administration lists them."""
    space = "{urn:no:skatteetaten:kodelistebibliotek:domain:v1}"
    periods = []
    for code in ElementTree.parse(vat_lists / "sats.xml").iter(f"{space}kode"):
        if code.findtext(f"{space}kodetillegg/{space}satstype") == level:
            rate = Decimal((code.findtext(f"{space}tekniskNavn") or "").replace(",", "."))
            first = code.findtext(f"{space}gyldigForBehandling/{space}fradato") or ""
            last = code.findtext(f"{space}gyldigForBehandling/{space}tildato")
            periods.append((date.fromisoformat(first), date.fromisoformat(last) if last else None, rate))
    return sorted(periods)


@pytest.mark.parametrize("vat_code", LEVELS)
def test_the_rates_and_their_periods_are_the_official_ones(
    shared_db: Connection, vat_lists: Path, vat_code: int
) -> None:
    ours = rows(
        shared_db,
        """
        select valid_from, (lead(valid_from) over (order by valid_from) - 1) as valid_to, rate
        from books.vat_rate
        where vat_code = %s
        order by valid_from
        """,
        vat_code,
    )
    official = official_periods(vat_lists, LEVELS[vat_code][0])
    assert official
    assert [(row["valid_from"], row["valid_to"], row["rate"]) for row in ours] == official


def test_the_codes_are_official_and_those_without_a_level_bear_no_vat(shared_db: Connection, vat_lists: Path) -> None:
    with (vat_lists / "Standard_Tax_Codes.csv").open(encoding="utf-8-sig", newline="") as lines:
        official = {int(row["Code"]): row for row in csv.DictReader(lines, delimiter=";")}
    codes = rows(shared_db, "select vat_code, vat_code_name from books.vat_code")
    # The sales codes of the list but those of raw fish, reverse charge and export: no ticket is any of these.
    domestic_sales = {code for code in official if str(code)[0] in "3567"} - {32, 51, 52}
    assert {row["vat_code"] for row in codes} == domestic_sales
    for row in codes:
        listed = official[row["vat_code"]]
        assert row["vat_code_name"].split(",")[0] == listed["DescriptionNOB"].split(",")[0]
        if row["vat_code"] in LEVELS:
            assert listed["TaxRate"] == LEVELS[row["vat_code"]][1]
        else:
            assert listed["TaxRate"] in ("", "Zero rate")
            rates = rows(shared_db, "select rate from books.vat_rate where vat_code = %s", row["vat_code"])
            assert [r["rate"] for r in rates] == [0]
