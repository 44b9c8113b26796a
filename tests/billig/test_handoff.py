"""What the web hands over to the page that tells the buyer, and the stands that money is taken at."""

from datetime import timedelta

import pytest

from tests.conftest import Connect, Connection
from tests.support import domain
from tests.support.domain import Row, call, expect, login_role, make_event, one, rows, sell


def failed(db: Connection, reference: str = "e1", **arguments: object) -> list[Row]:
    return call(db, "record_payment_error", **{"error": reference, "message": "declined", **arguments})


@pytest.mark.smoke
def test_the_buyer_comes_back_with_the_reference_and_finds_what_was_wanted(db: Connection, connect: Connect) -> None:
    first, second = make_event(db, prices=(100, 50)).price_groups
    with login_role(db, "billig_web") as web, login_role(db, "billig_legacy") as page:
        with connect(web) as connection:
            failed(connection, owner_cardno="9001", price_groups=[first, second], counts=[2, 1])
        with connect(page) as connection:
            found = rows(
                connection,
                """
                select e.message, e.owner_cardno, g.price_group, g.number_of_tickets as wanted
                from billig.payment_error as e
                inner join billig.payment_error_price_group as g on e.error = g.error
                where e.error = 'e1'
                order by g.price_group
                """,
            )
    assert [tuple(row.values()) for row in found] == [("declined", "9001", first, 2), ("declined", "9001", second, 1)]
    failed_at = one(db, "select billig.local_time() - failed from billig.payment_error")
    assert timedelta(0) <= failed_at < timedelta(minutes=5)


def test_only_the_web_hands_failed_payments_over(db: Connection, connect: Connect) -> None:
    with login_role(db, "billig_seller") as seller, connect(seller) as connection, expect("42501", native=True):
        failed(connection)
    assert one(db, "select count(*) from billig.payment_error") == 0


def test_the_same_reference_again_replaces_all_of_the_first(db: Connection) -> None:
    group = make_event(db).price_group
    failed(db, owner_email="a@example.org", owner_cardno="9001", price_groups=[group], counts=[2])
    failed(db, "e2", owner_email="b@example.org")
    failed(db, message="timed out")
    assert rows(db, "select error, message, owner_email, owner_cardno from billig.payment_error order by error") == [
        {"error": "e1", "message": "timed out", "owner_email": None, "owner_cardno": None},
        {"error": "e2", "message": "declined", "owner_email": "b@example.org", "owner_cardno": None},
    ]
    assert one(db, "select count(*) from billig.payment_error_price_group") == 0


def test_a_replacement_that_is_refused_leaves_the_first(db: Connection) -> None:
    group = make_event(db).price_group
    failed(db, price_groups=[group], counts=[2])
    with expect("23503", native=True):
        failed(db, message="again", price_groups=[404], counts=[1])
    assert one(db, "select message from billig.payment_error") == "declined"
    assert one(db, "select number_of_tickets from billig.payment_error_price_group") == 2


def test_a_failed_payment_neither_sells_nor_holds(db: Connection) -> None:
    event = make_event(db)
    failed(db, price_groups=[event.price_group], counts=[2])
    assert domain.log_size(db) == 0
    assert domain.num_sold(db, event.ticket_group) == 0


def register(db: Connection, **arguments: object) -> list[Row]:
    return call(db, "register_cash_point", **{"cash_point": 7, "name": "Kiosk", "organisation": 2, **arguments})


def cash_points(db: Connection) -> list[tuple[object, ...]]:
    found = rows(
        db,
        """
        select c.cash_point, c.cash_point_name, c.place, m.payment_method_name
        from billig.cash_point as c
        inner join billig.payment_method as m on c.payment_method = m.payment_method
        order by c.cash_point
        """,
    )
    return [tuple(row.values()) for row in found]


def test_a_stand_is_registered_and_later_changed(db: Connection) -> None:
    assert register(db) == [{"register_cash_point": 7}]
    register(db, cash_point=8, name="Gate", place="North", payment_method="CARD")
    assert cash_points(db) == [(7, "Kiosk", None, "CASH"), (8, "Gate", "North", "CARD")]
    register(db, name="Bar", place="Round hall", payment_method="VIPPS")
    assert cash_points(db) == [(7, "Bar", "Round hall", "VIPPS"), (8, "Gate", "North", "CARD")]


def test_a_stand_has_a_number_a_name_and_a_method(db: Connection) -> None:
    for wrong in (
        {"cash_point": None},
        {"name": None},
        {"name": ""},
        {"payment_method": "SHELLS"},
        {"payment_method": None},
    ):
        with expect("22023"):
            register(db, **wrong)
    assert cash_points(db) == []


def test_nothing_is_sold_at_a_stand_before_it_is_registered(db: Connection) -> None:
    group = make_event(db).price_group
    with expect("P0002"):
        sell(db, group, cash_point=7)
    register(db)
    domain.open_till(db, cash_point=7)
    sale = sell(db, group, cash_point=7)
    assert domain.log_rows(db, sale.ticket)[0]["cash_point"] == 7


def test_a_legacy_refund_goes_back_as_it_was_paid_or_in_cash_where_the_stand_pays_out_cash(db: Connection) -> None:
    group = make_event(db).price_group
    register(db, payment_method="VIPPS")
    tickets = sell(db, group, 2, methods=("CARD",)).tickets
    back = {"refunded": "now", "refunder": "ola", "point_of_refund": 7}
    domain.update_ticket(db, tickets[0], **back)
    register(db, payment_method="CASH")
    domain.update_ticket(db, tickets[1], **back)
    payments = [domain.log_rows(db, ticket)[-1]["payment"] for ticket in tickets]
    assert [domain.payment_lines(db, payment) for payment in payments] == [{"CARD": -100}, {"CASH": -100}]
    assert domain.consistency(db) == {}


def test_bookkeepers_register_stands_and_sellers_do_not(db: Connection, connect: Connect) -> None:
    with login_role(db, "bookkeeper") as bookkeeper, connect(bookkeeper) as connection:
        register(connection)
    with login_role(db, "billig_seller") as seller, connect(seller) as connection, expect("42501", native=True):
        register(connection, name="Mine")
    assert cash_points(db) == [(7, "Kiosk", None, "CASH")]
