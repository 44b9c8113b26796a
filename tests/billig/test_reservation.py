"""Reservations: paid, given back, run out."""

from datetime import datetime, timedelta
from decimal import Decimal

from tests.conftest import Connection
from tests.support import domain
from tests.support.domain import call, consistency, expect, log_types, make_event, pay, reserve


def test_a_reservation_is_paid_whole_or_ticket_by_ticket(db: Connection) -> None:
    event = make_event(db, prices=(105,), fee=5)
    domain.make_cash_point(db, 3)
    whole, part = reserve(db, event.price_group, 2), reserve(db, event.price_group, 2)
    answer = pay(db, whole, seller="ola", cash_point=3, methods=("CARD",))
    assert [(r["ticket"], r["amount"]) for r in answer] == [(t, Decimal(105)) for t in whole.tickets]
    row = domain.log_rows(db, whole.tickets[0])[1]
    assert (row["type"], row["seller"], row["cash_point"]) == ("RESERVATION_PAID", "ola", 3)
    assert domain.ticket_row(db, whole.tickets[0])["seller"] == domain.SELLER  # who reserved is not overwritten
    assert domain.payment_lines(db, row["payment"]) == {"CARD": Decimal(210)}

    pay(db, part, tickets=part.tickets[:1])
    assert [log_types(db, t)[1:] for t in part.tickets] == [["RESERVATION_PAID"], []]
    pay(db, part, payment_amounts=[105])
    assert consistency(db) == {}


def test_payment_of_a_reservation_is_refused_whole(db: Connection) -> None:
    event = make_event(db)
    sale, other, web = (
        reserve(db, event.price_group, 2),
        reserve(db, event.price_group),
        domain.net(db, event.price_group),
    )
    paid = reserve(db, event.price_group)
    pay(db, paid)
    for sqlstate, wrong, arguments in (
        ("23B12", paid, {}),
        ("23B12", web, {}),
        ("23B12", sale, {"tickets": [sale.tickets[0], other.ticket]}),
        ("23B12", sale, {"tickets": []}),
        ("23B06", sale, {"payment_amounts": [199]}),
        ("22023", sale, {"methods": ()}),
        ("22023", sale, {"methods": ("COWRIES",)}),
        ("22023", sale, {"seller": ""}),
        ("P0002", sale, {"cash_point": 404}),
    ):
        with expect(sqlstate):
            pay(db, wrong, **arguments)
    with expect("P0002"):
        call(db, "pay_reservation", purchase=404, seller="kari", payment_methods=["CASH"])
    assert [log_types(db, t) for t in sale.tickets] == [["RESERVATION_SALE"]] * 2


def test_a_reservation_is_given_back_by_a_seller_or_its_buyer(db: Connection) -> None:
    event = make_event(db, num=3)
    sale = reserve(db, event.price_group, 3)
    assert call(db, "cancel_reservation", purchase=sale.purchase, seller="ola", tickets=sale.tickets[:1]) == [
        {"ticket": sale.tickets[0]}
    ]
    assert domain.num_sold(db, event.ticket_group) == 2
    pay(db, sale, tickets=sale.tickets[1:2])
    assert call(db, "cancel_reservation", purchase=sale.purchase) == [{"ticket": sale.tickets[2]}]
    login = domain.one(db, "select session_user")
    assert [(domain.log_rows(db, t)[-1]["type"], domain.log_rows(db, t)[-1]["seller"]) for t in sale.tickets] == [
        ("RESERVATION_REFUND", "ola"),
        ("RESERVATION_PAID", domain.SELLER),
        ("RESERVATION_REFUND", login),
    ]
    for purchase in (sale.purchase, domain.net(db, event.price_group).purchase):
        with expect("23B12"):
            call(db, "cancel_reservation", purchase=purchase)
    with expect("P0002"):
        call(db, "cancel_reservation", purchase=404)
    assert consistency(db) == {}


def test_reservations_run_out_half_an_hour_before_the_event(db: Connection) -> None:
    now: datetime = domain.one(db, "select billig.local_time()")
    soon = make_event(db, event_time=now + timedelta(minutes=29))
    later = make_event(db, event_time=now + timedelta(minutes=40))
    gone, kept, paid = reserve(db, soon.price_group), reserve(db, later.price_group), reserve(db, soon.price_group)
    pay(db, paid)
    domain.net(db, soon.price_group)
    assert [r["ticket"] for r in call(db, "expire_reservations")] == [gone.ticket]
    assert call(db, "expire_reservations") == []
    assert log_types(db, gone.ticket) == ["RESERVATION_SALE", "RESERVATION_TIMEOUT"]
    assert domain.log_rows(db, gone.ticket)[1]["seller"] is None
    assert log_types(db, kept.ticket) == ["RESERVATION_SALE"]
    assert domain.num_sold(db, soon.ticket_group) == 2
    with expect("23B12"):
        pay(db, gone)
    assert consistency(db) == {}


def test_an_unpaid_reservation_changes_price_group_without_money(db: Connection) -> None:
    event = make_event(db, prices=(100, 60))
    sale = reserve(db, event.price_group)
    answer = call(db, "change_price_group", tickets=sale.tickets, price_group=event.price_groups[1], seller="ola")
    assert [(r["ticket"], r["amount"]) for r in answer] == [(sale.ticket, Decimal(0))]
    row = domain.log_rows(db, sale.ticket)[1]
    assert (row["type"], row["seller"], row["price"], row["amount"]) == ("RESERVATION_CHANGE", "ola", 60, 0)
    assert pay(db, sale)[0]["amount"] == 60
    assert consistency(db) == {}
