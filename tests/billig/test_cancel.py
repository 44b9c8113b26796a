"""An event is cancelled: nothing more is sold of it, and every krone goes back by the road it came, once."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.conftest import Connection
from tests.support.banking import route
from tests.support.domain import (
    REGULAR_RATE,
    SELLER,
    Event,
    Row,
    call,
    call_in,
    close_till,
    confirm,
    consistency,
    exchange,
    expect,
    insert_ticket,
    log_types,
    login_role,
    make_cash_point,
    make_event,
    money_left,
    net,
    net_paid,
    num_sold,
    one,
    open_till,
    pay,
    payment_lines,
    refund,
    reserve,
    rows,
    sell,
    ticket_row,
    update_ticket,
)
from tests.support.given_back import charge_back, reduce, won


@pytest.fixture
def play(db: Connection) -> Event:
    """Tickets of 200 and 300 kroner, 25 of each a fee, with VAT, for the day after tomorrow."""
    return make_event(
        db, prices=(200, 300), fee=25, vat_code=REGULAR_RATE, event_time=datetime.now() + timedelta(days=2), num=500
    )


@pytest.fixture
def other(db: Connection) -> Event:
    return make_event(db, prices=(200,))


def cancel(db: Connection, event: Event, **arguments: object) -> Row:
    (answer,) = call(db, "cancel_event", event=event.event, reason="the singer is ill", **arguments)
    return answer


def give_back(db: Connection, event: Event, purchases: int = 100) -> Row:
    (answer,) = call(db, "refund_cancelled", event=event.event, purchases=purchases)
    return answer


def pay_out(db: Connection, purchase: int, **arguments: object) -> list[Row]:
    return call(db, "pay_cancelled", purchase=purchase, seller=SELLER, **arguments)


def roads(db: Connection, event: Event, **arguments: object) -> dict[Any, Any]:
    """Purchases, tickets and kroner by item and method."""
    return {
        (row["item"], row["payment_method"]): (row["purchases"], row["tickets"], row["amount"])
        for row in call(db, "preview_cancel", event=event.event, **arguments)
    }


def owed(db: Connection) -> dict[int, Decimal]:
    return {row["purchase"]: row["amount"] for row in rows(db, "select purchase, amount from report.cancelled_owed")}


# --- By which road --------------------------------------------------------------------------------------------------


def test_what_was_paid_on_the_web_goes_back_by_its_provider_and_what_a_stand_took_is_owed(
    db: Connection, play: Event, other: Event
) -> None:
    make_cash_point(db, 1)
    card, vipps = net(db, play.price_group, 2), net(db, {play.price_group: 1, other.price_group: 1})
    confirm(db, card, reference="pi_1")
    confirm(db, vipps, reference="pi_2", method="VIPPS")
    cash = sell(db, play.price_group, 3, cash_point=1)
    terminal = sell(db, play.price_groups[1], methods=["CARD"], cash_point=1)
    unpaid, held = net(db, play.price_group), reserve(db, play.price_group, 2)
    collected = reserve(db, play.price_group)
    pay(db, collected)
    before = roads(db, play)
    assert before == {
        ("PROVIDER", "NET_CARD"): (1, 2, 400),
        ("PROVIDER", "VIPPS"): (1, 1, 200),
        ("STAND", "CASH"): (2, 4, 800),
        ("STAND", "CARD"): (1, 1, 300),
        ("LET_GO", None): (2, 3, 600),
    }

    assert cancel(db, play) == {"event_change": 1, "purchases": 7, "tickets": 11}
    assert give_back(db, play) == {
        "purchases_done": 7, "purchases_left": 0, "tickets_refunded": 3, "refunded_amount": 600, "tickets_let_go": 3,
        "tickets_owed": 5, "owed_amount": 1100, "tickets_kept": 0, "tickets_disputed": 0, "purchases_refused": 0,
    }  # fmt: skip
    assert log_types(db, card.tickets[0]) == ["NET_SALE", "NET_PAID", "NET_REFUND"]
    assert log_types(db, unpaid.ticket) == ["NET_SALE", "NET_TIMEOUT"]
    assert log_types(db, held.tickets[0]) == ["RESERVATION_SALE", "RESERVATION_REFUND"]
    assert log_types(db, cash.tickets[0]) == ["NORMAL_SALE"], "a stand pays it back, with a receipt"
    back = rows(
        db,
        "select o.provider_reference, sum(l.amount), count(distinct l.payment) as payments, min(p.reason) as reason"
        " from billig.payment_line as l inner join billig.payment as o on l.gives_back = o.payment"
        " inner join billig.payment as p on l.payment = p.payment group by 1 order by 1",
    )
    assert [tuple(row.values()) for row in back] == [
        ("pi_1", -400, 1, "the singer is ill"), ("pi_2", -200, 1, "the singer is ill"),
    ]  # fmt: skip
    assert ticket_row(db, vipps.tickets[1])["refunded"] is None, "another event's"
    assert owed(db) == {cash.purchase: 600, terminal.purchase: 300, collected.purchase: 200}
    assert give_back(db, play)["purchases_done"] == 0, "each once"
    assert roads(db, play) == {
        ("STAND", "CASH"): (2, 4, 800), ("STAND", "CARD"): (1, 1, 300), ("CANCELLED", None): (0, 0, 0),
    }  # fmt: skip
    assert consistency(db) == {}


def test_the_bank_expects_each_reference_back_and_what_is_prepaid_goes_down_to_what_is_owed(
    db: Connection, play: Event
) -> None:
    route(db, "PAYMENT", "NET_CARD")
    for reference, count in (("pi_1", 2), ("pi_2", 1)):
        confirm(db, net(db, play.price_group, count), reference=reference)
    cash = sell(db, play.price_group)

    def prepaid() -> list[Decimal]:
        tied = one(db, "select -coalesce(sum(amount), 0) from report.voucher_line where account = 2900")
        found = rows(db, "select prepaid_amount from report.prepaid()")
        assert sum(row["prepaid_amount"] for row in found) == tied
        return [row["prepaid_amount"] for row in found]

    cancel(db, play)
    assert prepaid() == [800]
    give_back(db, play)
    assert prepaid() == [200], "owed"
    refund(db, cash.tickets)
    assert prepaid() == []
    call_in(db, "bank", "expect", until=date.today())
    items = rows(db, "select reference, amount from bank.expected order by amount")
    assert [(row["reference"], row["amount"]) for row in items] == [
        ("pi_1", -400), ("pi_2", -200), ("pi_2", 200), ("pi_1", 400),
    ]  # fmt: skip


def test_a_buyer_is_paid_back_what_is_owed_in_a_till_session(db: Connection, play: Event) -> None:
    make_cash_point(db, 1)
    cash, terminal = (
        sell(db, play.price_group, 2, cash_point=1),
        sell(db, play.price_group, methods=["CARD"], cash_point=1),
    )
    cancel(db, play)
    give_back(db, play)
    assert [
        (row["ticket"], row["road"], row["payment_method"], row["amount"])
        for row in call(db, "cancelled_tickets", ticket=cash.tickets[1])
    ] == [(ticket, "STAND", "CASH", 200) for ticket in cash.tickets]
    session = open_till(db, opening_float=700)
    answer = pay_out(db, cash.purchase, request_id="r1")
    assert [(row["ticket"], row["amount"]) for row in answer] == [(ticket, -200) for ticket in cash.tickets]
    assert pay_out(db, cash.purchase, request_id="r1") == answer, "the same call again"
    with expect("23B13"):
        pay_out(db, terminal.purchase, request_id="r1")
    for nothing in (cash.purchase, net(db, make_event(db).price_group).purchase):
        with expect("23B37"):
            pay_out(db, nothing)
    (row,) = pay_out(db, terminal.purchase, payment_methods=["CASH"])
    assert payment_lines(db, row["payment"]) == {"CASH": -200}, "what a terminal took may be paid out in cash"
    assert owed(db) == {}
    figures = {
        (row["item"], row["item_key"]): row["amount"]
        for row in rows(db, "select * from billig.till_figure where till_session = %s", session)
    }
    assert figures["ADVANCE_RETURNS", ""] == 600
    assert figures["PAYMENT", "CASH"] == -600
    assert close_till(db, 100)["CASH"]["expected"] == 100
    assert money_left(db) == {"CARD": 200, "CASH": -200}, "the card's is the stand's, which paid it out"
    assert consistency(db) == {}


def test_more_than_the_drawer_holds_is_refused_and_stays_owed(db: Connection, play: Event) -> None:
    make_cash_point(db, 1)
    sale = sell(db, play.price_group, 2, cash_point=1)
    cancel(db, play)
    give_back(db, play)
    open_till(db, opening_float=100)
    with expect("23B90"):
        pay_out(db, sale.purchase)
    assert owed(db) == {sale.purchase: 400}


def test_used_tickets_go_back_or_are_kept_as_the_cancellation_says(db: Connection, play: Event) -> None:
    make_cash_point(db, 1)
    web, cash = net_paid(db, play.price_group, 2), sell(db, play.price_group, 2, cash_point=1)
    update_ticket(db, [web.tickets[0], cash.tickets[0]], used="now")
    assert roads(db, play)["USED", None] == (2, 2, 400)
    assert roads(db, play, used_tickets="KEEP")["KEPT", "CASH"] == (1, 1, 200)
    cancel(db, play, used_tickets="KEEP")
    done = give_back(db, play)
    assert (done["tickets_refunded"], done["tickets_owed"], done["tickets_kept"]) == (1, 1, 2)
    assert owed(db) == {cash.purchase: 200}
    assert [row["ticket"] for row in pay_out(db, cash.purchase)] == [cash.tickets[1]]
    assert ticket_row(db, web.tickets[0])["refunded"] is None
    assert consistency(db) == {}

    call(db, "move_event", event=play.event, event_time=datetime.now() + timedelta(days=3), reason="she is well")
    cancel(db, play, used_tickets="REFUND")
    done = give_back(db, play)
    assert (done["tickets_refunded"], done["tickets_owed"]) == (1, 1)
    assert rows(db, "select override_used from billig.transaction_log where ticket = %s and transaction_type = 11",
                web.tickets[0]) == [{"override_used": True}]  # fmt: skip
    assert [row["ticket"] for row in pay_out(db, cash.purchase)] == [cash.tickets[0]]
    assert money_left(db) == {}
    assert consistency(db) == {}


def test_what_was_given_back_before_does_not_go_back_again_and_a_dispute_is_left(db: Connection, play: Event) -> None:
    reduced, disputed, refunded = (net(db, play.price_group) for _ in range(3))
    for sale, reference in ((reduced, "pi_1"), (disputed, "pi_2"), (refunded, "pi_3")):
        confirm(db, sale, reference=reference)
    reduce(db, reduced.tickets, 50)
    charge_back(db, "dp_1", "pi_2")
    refund(db, refunded.tickets, seller=None)
    free = make_event(db, prices=(0,), num=5)
    assert roads(db, play)["DISPUTED", None] == (1, 1, 0)
    cancel(db, play)
    done = give_back(db, play)
    assert (done["tickets_refunded"], done["refunded_amount"], done["tickets_disputed"]) == (1, 150, 1)
    won(db, "dp_1")
    assert owed(db) == {disputed.purchase: 200}, "won: it is the buyer's"
    refund(db, disputed.tickets)
    assert money_left(db) == {}
    gift, web = sell(db, free.price_group), net_paid(db, free.price_group)
    cancel(db, free)
    done = give_back(db, free)
    assert (done["tickets_refunded"], done["refunded_amount"], done["tickets_kept"]) == (1, 0, 1)
    assert log_types(db, web.ticket)[-1] == "NET_REFUND"
    assert ticket_row(db, gift.ticket)["refunded"] is None
    assert consistency(db) == {}


def test_a_ticket_paid_partly_at_a_stand_is_paid_back_there_by_both_roads(db: Connection, play: Event) -> None:
    make_cash_point(db, 1)
    web = net_paid(db, play.price_group)
    call(db, "change_price_group", tickets=web.tickets, price_group=play.price_groups[1], seller=SELLER, cash_point=1,
         payment_methods=["CASH"])  # fmt: skip
    assert roads(db, play) == {("STAND", "NET_CARD"): (1, 1, 200), ("STAND", "CASH"): (1, 1, 100)}
    cancel(db, play)
    assert give_back(db, play)["owed_amount"] == 300
    open_till(db, opening_float=100)
    (row,) = pay_out(db, web.purchase)
    assert payment_lines(db, row["payment"]) == {"NET_CARD": -200, "CASH": -100}
    assert consistency(db) == {}


# --- Nothing more ---------------------------------------------------------------------------------------------------


def test_nothing_is_sold_reserved_paid_or_exchanged_into_a_cancelled_event(
    db: Connection, play: Event, other: Event
) -> None:
    held, web, raw_web = reserve(db, play.price_group), net(db, play.price_group), net(db, play.price_group)
    paid, elsewhere = sell(db, play.price_group), sell(db, other.price_group)
    cancel(db, play)
    deeds: list[Any] = [
        lambda: sell(db, play.price_group),
        lambda: net(db, play.price_group),
        lambda: reserve(db, play.price_group),
        lambda: exchange(db, elsewhere.tickets, play.price_group),
        lambda: pay(db, held),
        lambda: call(db, "change_price_group", tickets=paid.tickets, price_group=play.price_groups[1], seller=SELLER,
                     payment_methods=["CASH"]),
        lambda: insert_ticket(db, play.price_group),
        lambda: insert_ticket(db, play.price_group, paid=datetime.now(), sale_channel="STAND"),
        lambda: update_ticket(db, raw_web.ticket, paid="now"),
    ]  # fmt: skip
    for deed in deeds:
        with expect("23B34"):
            deed()
    assert num_sold(db, play.ticket_group) == 4
    exchange(db, paid.tickets, other.price_group)  # out of it is as ever
    # The provider has charged it: that is never refused.
    assert [(row["result"], row["amount"]) for row in confirm(db, web)] == [("OWED", 200)]
    give_back(db, play)
    assert one(db, "select sum(amount) from billig.owed_back where settled_at is null") == 200
    call(db, "move_event", event=play.event, event_time=datetime.now() + timedelta(days=4), reason="she is well")
    sell(db, play.price_group)
    assert consistency(db) == {}


def test_late_money_for_two_events_pays_the_one_that_is_held(db: Connection, play: Event, other: Event) -> None:
    both = net(db, {play.price_group: 1, other.price_group: 2})
    cancel(db, play)
    answer = confirm(db, both, reference="pi_1")
    assert [(row["result"], row["amount"]) for row in answer] == [("PAID", 200), ("PAID", 200), ("OWED", 200)]
    assert confirm(db, both, reference="pi_1") == answer
    assert consistency(db) == {}


# --- Who, when, and how far -----------------------------------------------------------------------------------------


def test_the_purchases_are_done_so_many_at_a_time_and_the_report_says_how_far(db: Connection, play: Event) -> None:
    sales = [net_paid(db, play.price_group, 2, email=f"b{n}@example.com") for n in range(5)]
    cash = sell(db, play.price_group)
    cancel(db, play)
    assert [give_back(db, play, 4)["purchases_left"] for _ in range(3)] == [2, 0, 0]
    (row,) = rows(db, "select * from report.cancelled_event")
    assert (row["purchases"], row["purchases_left"], row["tickets_refunded"], row["refunded_amount"]) == (
        6,
        0,
        10,
        2000,
    )
    assert (row["tickets_owed"], row["owed_amount"], row["tickets_owed_now"], row["owed_now_amount"]) == (
        1,
        200,
        1,
        200,
    )
    assert (row["is_cancelled"], row["used_tickets"], row["reason"]) == (True, "REFUND", "the singer is ill")
    refund(db, cash.tickets)
    (row,) = rows(db, "select * from report.cancelled_event")
    assert (row["tickets_owed"], row["tickets_owed_now"], row["owed_now_amount"]) == (1, 0, 0)
    assert one(db, "select count(*) from billig.payment where kind = 'REFUND'") == len(sales) + 1
    for statement in ("update billig.cancelled_purchase set tickets_owed = 7", "delete from billig.cancelled_purchase"):
        with expect("23B20"):
            db.execute(statement.encode())


def test_what_cannot_be_is_refused(db: Connection, play: Event) -> None:
    for unknown in (None, 999_999):
        for function in ("preview_cancel", "refund_cancelled"):
            with expect("P0002"):
                call(db, function, event=unknown)
        with expect("P0002"):
            call(db, "cancel_event", event=unknown, reason="rain")
    with expect("23B35"):
        give_back(db, play)
    with expect("22023"):
        give_back(db, play, -1)
    for kept in (None, "SELL", ""):
        with expect("22023"):
            cancel(db, play, used_tickets=kept)
        with expect("22023"):
            roads(db, play, used_tickets=kept)
    with expect("22023"):
        call(db, "cancelled_tickets")
    with expect("22023"):
        call(db, "cancelled_tickets", purchase=1, ticket=1)
    for name in ("purchase", "ticket"):
        with expect("P0002"):
            call(db, "cancelled_tickets", **{name: 0})
    with expect("P0002"):
        pay_out(db, 0)
    cancel(db, play)
    with expect("23B52"):
        cancel(db, play)


def test_a_bookkeeper_cancels_and_gives_back_and_a_seller_pays_out(db: Connection, play: Event) -> None:
    make_cash_point(db, 1)
    web, cash = net_paid(db, play.price_group), sell(db, play.price_group, cash_point=1)
    with login_role(db, "bookkeeper") as office, login_role(db, "billig_seller") as stand:
        with psycopg.connect(db.info.dsn, user=stand, autocommit=True) as seller:
            for function in ("preview_cancel", "refund_cancelled"):
                with expect("42501", native=True):
                    call(seller, function, event=play.event)
            with expect("42501", native=True):
                cancel(seller, play)
        with psycopg.connect(db.info.dsn, user=office, autocommit=True) as bookkeeper:
            roads(bookkeeper, play)
            cancel(bookkeeper, play)
            give_back(bookkeeper, play)
            with expect("42501", native=True):
                call(bookkeeper, "pay_cancelled", purchase=cash.purchase, seller=office)
        assert ticket_row(db, web.ticket)["refunder"] == office
        with psycopg.connect(db.info.dsn, user=stand, autocommit=True) as seller:
            open_till(seller, stand, opening_float=500)
            assert call(seller, "cancelled_tickets", purchase=cash.purchase)[0]["road"] == "STAND"
            assert len(call(seller, "pay_cancelled", purchase=cash.purchase, seller=stand)) == 1
