"""What goes back in part: a refund of which something is kept, and a reduction of the price of a ticket that lives."""

from decimal import Decimal

import pytest

from tests.conftest import Connect, Connection
from tests.support.domain import (
    LOW_RATE,
    REGULAR_RATE,
    Event,
    call,
    consistency,
    exchange,
    expect,
    insert_ticket,
    log_rows,
    log_types,
    login_role,
    make_event,
    net,
    net_paid,
    one,
    payment_lines,
    refund,
    reserve,
    rows,
    run,
    sell,
    ticket_row,
    update_ticket,
)
from tests.support.given_back import REASON, left, moved, reduce


@pytest.fixture
def play(db: Connection) -> Event:
    """Tickets of 200, 300 and 60 kroner at 25 %, 50 of each a fee at 12 %."""
    return make_event(db, prices=(200, 300, 60), fee=50, vat_code=REGULAR_RATE, fee_vat_code=LOW_RATE)


# --- A part of a refund is kept -------------------------------------------------------------------------------------


def test_what_is_kept_of_a_refund_is_the_fees_first_in_a_row_beside_the_whole_refund(
    db: Connection, play: Event
) -> None:
    fee_only, more, less = sell(db, play.price_group, 3).tickets
    answer = refund(db, [fee_only, more, less], kept=[Decimal(50), Decimal(80), Decimal("12.34")])
    assert [row["amount"] for row in answer] == [-150, -120, Decimal("-187.66")]
    whole = ("NORMAL_REFUND", -150, -50)
    assert moved(db, fee_only)[1:] == [whole, ("FEE_KEPT", 0, 50)]
    assert moved(db, more)[1:] == [whole, ("FEE_KEPT", 30, 50)]
    assert moved(db, less)[1:] == [whole, ("FEE_KEPT", 0, Decimal("12.34"))]
    assert left(db, more) == (30, 50, Decimal("6.00") + Decimal("5.36")), "30 at 25 %, 50 at 12 %"
    (payment,) = {row["payment"] for row in log_rows(db, more)[1:]}
    assert payment_lines(db, payment) == {"CASH": -458, "ROUNDING": Decimal("0.34")}
    kept = log_rows(db, more)[-1]
    assert (kept["vat_code"], kept["vat_rate"], kept["fee_vat_code"], kept["fee_vat_rate"]) == (3, 25, 33, 12)
    assert ticket_row(db, more)["kept"] == 80
    assert consistency(db) == {}


def test_one_amount_is_kept_of_each_and_all_of_a_price_can_be(db: Connection, play: Event) -> None:
    tickets = net_paid(db, play.price_group, 2).tickets
    assert [row["amount"] for row in refund(db, tickets, kept=[200])] == [0, 0]
    assert moved(db, tickets[0])[-1] == ("FEE_KEPT", 150, 50)
    free = sell(db, make_event(db, prices=(0,)).price_group).ticket
    refund(db, [free], kept=[0])
    assert "FEE_KEPT" not in log_types(db, free), "nothing was kept"
    assert consistency(db) == {}


def test_more_than_is_left_or_odd_amounts_are_not_kept(db: Connection, play: Event) -> None:
    tickets = sell(db, play.price_group, 2).tickets
    reduce(db, tickets[:1], 30)
    with expect("23B31") as refused:
        refund(db, tickets, kept=[171, 0])
    assert "170" in str(refused.value.diag.message_hint)
    for kept in ([-1, 0], ["NaN", "0"], ["0.001", "0"], [1, 2, 3], [None, 0], []):
        with expect("22023"):
            refund(db, tickets, kept=kept)
    with expect("22023"):
        refund(db, [tickets[0], tickets[0]], kept=[1, 2])
    assert log_types(db, tickets[1]) == ["NORMAL_SALE"]


def test_raw_sql_keeps_a_part_of_its_refund_and_is_refused_it_without_one(db: Connection, play: Event) -> None:
    ticket, other = sell(db, play.price_group, 2).tickets
    update_ticket(db, ticket, refunded="now", refunder="perl", kept=80)
    assert moved(db, ticket)[1:] == [("NORMAL_REFUND", -150, -50), ("FEE_KEPT", 30, 50)]
    with expect("23B10"):
        update_ticket(db, ticket, kept=10)
    with expect("23B22"):  # in a word, and no row of the table is shown
        update_ticket(db, ticket, refunded=None, refunder=None)
    with expect("23514", native=True):
        update_ticket(db, other, refunded="now", refunder="perl", kept=201)
    with expect("23514", native=True):
        update_ticket(db, other, kept=1)
    assert consistency(db) == {}


# --- A part of the price --------------------------------------------------------------------------------------------


def test_a_reduction_takes_the_tickets_part_first_then_the_fees(db: Connection, play: Event) -> None:
    (ticket,) = sell(db, play.price_group, methods=["CARD"]).tickets
    assert reduce(db, [ticket], Decimal("120.50")) == [Decimal("-120.50")]
    assert reduce(db, [ticket], Decimal("49.50")) == [Decimal("-49.50")]
    assert moved(db, ticket)[1:] == [
        ("PRICE_REDUCTION", Decimal("-120.50"), 0),
        ("PRICE_REDUCTION", Decimal("-29.50"), -20),
    ]
    assert left(db, ticket) == (0, 30, Decimal("3.21")), "30 at 12 %"
    payment = log_rows(db, ticket)[-1]["payment"]
    assert payment_lines(db, payment) == {"CARD": Decimal("-49.50")}, "as it was paid"
    assert rows(db, "select kind, reason, seller from billig.payment where payment = %s", payment) == [
        {"kind": "REDUCTION", "reason": REASON, "seller": "kari"}
    ]
    assert (ticket_row(db, ticket)["refunded"], ticket_row(db, ticket)["price"]) == (None, 200), "it lives"
    assert [row["amount"] for row in refund(db, [ticket])] == [-30], "the price as sold less reductions"
    assert consistency(db) == {}


def test_the_rows_of_a_ticket_leave_the_vat_of_what_is_left_to_the_oere(db: Connection, play: Event) -> None:
    ticket = sell(db, play.price_group).ticket
    for _ in range(7):
        reduce(db, [ticket], Decimal("0.03"))
    assert left(db, ticket)[2] == Decimal("29.96") + Decimal("5.36"), "149.79 at 25 %, 50 at 12 %"
    refund(db, [ticket])
    assert left(db, ticket) == (0, 0, 0)
    assert consistency(db) == {}


def test_after_a_reduction_the_ticket_is_changed_and_exchanged_for_what_is_left(db: Connection, play: Event) -> None:
    changed, exchanged, cheaper = sell(db, play.price_group, 3).tickets
    reduce(db, [changed, exchanged, cheaper], 70)
    answer = call(
        db,
        "change_price_group",
        tickets=[changed],
        price_group=play.price_groups[1],
        seller="kari",
        payment_methods=["CASH"],
    )
    assert [row["amount"] for row in answer] == [100], "300 for 200; the reduction stays"
    assert left(db, changed)[:2] == (180, 50)
    assert [row["amount"] for row in refund(db, [changed])] == [-230]
    (pair,) = exchange(db, [exchanged], play.price_groups[1], methods=["CASH"])
    assert pair["amount"] == 170, "300 less the 130 that were left"
    with expect("23B31"):
        call(db, "change_price_group", tickets=[cheaper], price_group=play.price_groups[2], seller="kari")
    with expect("23B31"):
        update_ticket(db, cheaper, price_group=play.price_groups[2])
    assert consistency(db) == {}


def test_raw_sql_reduces_a_price_which_only_grows(db: Connection, play: Event) -> None:
    ticket, unpaid = sell(db, play.price_group, methods=["CARD"]).ticket, net(db, play.price_group).ticket
    update_ticket(db, ticket, reduced=40)
    assert moved(db, ticket)[-1] == ("PRICE_REDUCTION", -40, 0)
    payment = log_rows(db, ticket)[-1]["payment"]
    assert payment_lines(db, payment) == {"CARD": -40}
    with expect("23B22"):
        update_ticket(db, ticket, reduced=39)
    with expect("23514", native=True):
        update_ticket(db, ticket, reduced=201)
    with expect("23514", native=True):
        update_ticket(db, unpaid, reduced=1)
    with expect("23B24"):
        insert_ticket(db, play.price_group, paid="now", reduced=1)
    assert consistency(db) == {}


def test_a_reduction_is_refused_whole(db: Connection, play: Event) -> None:
    ticket, gone, unpaid = sell(db, play.price_group).ticket, sell(db, play.price_group).ticket, None
    refund(db, [gone])
    unpaid = reserve(db, play.price_group).ticket
    with expect("23B31") as refused:
        reduce(db, [ticket], 201)
    assert "200" in str(refused.value.diag.message_hint)
    for sqlstate, other in (("23B10", gone), ("23B12", unpaid), ("P0002", 999_999)):
        with expect(sqlstate):
            reduce(db, [ticket, other], 1)
    for amounts in ([0], [-1], ["NaN"], ["Infinity"], [Decimal("0.001")], [None], [1, 2], []):
        with expect("22023"):
            reduce(db, [ticket], *amounts)
    for reason in (None, "", " \t"):
        with expect("22023"):
            reduce(db, [ticket], 1, reason=reason)
    with expect("22023"):
        reduce(db, [ticket, ticket], 1)
    with expect("22023"):
        reduce(db, [], 1)
    with expect("23B06"):
        reduce(db, [ticket], 10, payment_methods=["CASH", "CARD"], payment_amounts=[5, 6])
    assert log_types(db, ticket) == ["NORMAL_SALE"]


def test_the_same_request_reduces_once(db: Connection, play: Event) -> None:
    ticket = sell(db, play.price_group).ticket
    assert reduce(db, [ticket], 10, request_id="a") == reduce(db, [ticket], 10, request_id="a") == [-10]
    with expect("23B13"):
        reduce(db, [ticket], 11, request_id="a")
    refund(db, [ticket], kept=[50], request_id="b")
    assert [row["amount"] for row in refund(db, [ticket], kept=[50], request_id="b")] == [-140]
    with expect("23B13"):
        refund(db, [ticket], kept=[40], request_id="b")


def test_a_seller_reduces_in_their_own_name_and_nobody_else_at_all(
    db: Connection, connect: Connect, play: Event
) -> None:
    ticket = sell(db, play.price_group).ticket
    with login_role(db, "billig_seller") as seller, connect(seller) as session:
        with expect("42501"):
            reduce(session, [ticket], 10)
        assert reduce(session, [ticket], 10, seller=seller) == [-10]
    for group in ("billig_web", "billig_legacy", "billig_dev", "analyst", "auditor", "bookkeeper"):
        with login_role(db, group) as role, connect(role) as session, expect("42501", native=True):
            reduce(session, [ticket], 10, seller=role)
    with login_role(db, "billig_legacy") as role, connect(role) as session, expect("42501", native=True):
        run(session, "update billig.ticket set reduced = 20 where ticket = %s", ticket)


# --- Used is used ---------------------------------------------------------------------------------------------------


def test_a_ticket_that_was_ever_used_goes_back_knowingly_only_by_any_door(db: Connection, play: Event) -> None:
    ticket, other = sell(db, play.price_group, 2).tickets
    update_ticket(db, [ticket, other], used="now")
    call(db, "unuse_ticket", tickets=[ticket, other], seller="kari", reason="out for air")
    with expect("23B11"):
        refund(db, [ticket])
    with expect("23B11"):
        exchange(db, [ticket], play.price_group)
    with expect("23B11"):
        update_ticket(db, ticket, refunded="now", refunder="perl")
    with expect("23B11"):
        call(db, "undo_last_sale", seller="kari")
    refund(db, [ticket], override_used=True, reason="let in by mistake")
    assert log_rows(db, ticket)[-1]["override_used"] is True
    assert one(db, "select override_used from billig.payment order by payment desc limit 1") is True
    assert consistency(db) == {}
