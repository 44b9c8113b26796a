"""Every krone goes back by the road it came: by the payment that took it, and no more of it than that one took."""

from decimal import Decimal
from functools import partial

import pytest

from tests.conftest import Connect, Connection
from tests.support.banking import route
from tests.support.domain import (
    SAMFUNDET,
    SELLER,
    UKA,
    Event,
    call,
    call_in,
    confirm,
    consistency,
    exchange,
    expect,
    make_cash_point,
    make_event,
    money_left,
    net,
    one,
    open_till,
    payment_lines,
    refund,
    reserve,
    rows,
    run,
    sell,
    today,
    update_ticket,
)
from tests.support.given_back import charge_back, reduce, web
from tests.support.together import sqlstates, together


@pytest.fixture
def play(db: Connection) -> Event:
    return make_event(db, prices=(100, 300), fee=0, event_time=today())


def given_back(db: Connection, payment: int) -> set[tuple[str, str, int]]:
    """Of a repayment: the reference of what it gives back, by which method, NOK."""
    found = rows(
        db,
        "select o.provider_reference, m.payment_method_name, l.amount from billig.payment_line as l"
        " inner join billig.payment as o on l.gives_back = o.payment"
        " inner join billig.payment_method as m on l.payment_method = m.payment_method where l.payment = %s",
        payment,
    )
    return {(row["provider_reference"], row["payment_method_name"], int(row["amount"])) for row in found}


def test_one_refund_of_three_web_purchases_is_three_repayments_each_under_its_own_reference(
    db: Connection, play: Event
) -> None:
    route(db, "PAYMENT", "NET_CARD")
    carts = [web(db, play.price_group, reference=f"ref-{n}") for n in range(3)]
    answer = refund(db, [cart.ticket for cart in carts])
    assert [given_back(db, row["payment"]) for row in answer] == [{(f"ref-{n}", "NET_CARD", -100)} for n in range(3)]
    call_in(db, "bank", "expect", until=one(db, "select billig.local_time()::date"))
    expected = rows(db, "select reference, amount from bank.expected order by reference, amount")
    assert [(row["reference"], row["amount"]) for row in expected] == [
        (f"ref-{n}", amount) for n in range(3) for amount in (-100, 100)
    ]
    assert consistency(db) == {}


def test_a_ticket_that_a_later_payment_paid_goes_back_by_that_one(db: Connection, play: Event) -> None:
    reserved = reserve(db, play.price_group, 2)
    pay = partial(call, db, "pay_reservation", purchase=reserved.purchase, seller=SELLER)
    for ticket, method in zip(reserved.tickets, ("CARD", "VIPPS"), strict=True):
        pay(tickets=[ticket], payment_methods=[method])
    (answer,) = refund(db, reserved.tickets[1:])
    assert payment_lines(db, answer["payment"]) == {"VIPPS": -100}
    with expect("23B31"):  # the other payment's card is not this one's
        refund(db, reserved.tickets[:1], payment_methods=["VIPPS"])
    refund(db, reserved.tickets[:1])
    assert money_left(db) == {}


def test_the_rest_of_an_exchange_and_what_follows_keep_their_references(db: Connection, play: Event) -> None:
    carts = [web(db, play.price_groups[1], reference=f"ref-{n}") for n in range(2)]
    answer = exchange(db, [cart.ticket for cart in carts], play.price_group, methods=None)
    assert given_back(db, answer[0]["payment"]) == {(f"ref-{n}", "NET_CARD", -250) for n in range(2)}
    (last,) = refund(db, [answer[0]["new_ticket"]])
    assert given_back(db, last["payment"]) == {(f"ref-{n}", "NET_CARD", -50) for n in range(2)}
    assert money_left(db) == {}
    assert consistency(db) == {}


def test_cash_given_back_in_parts_is_no_more_than_was_paid_in_cash(db: Connection) -> None:
    event = make_event(db, prices=(Decimal("49.60"),))
    sale = sell(db, event.price_group, 5)
    handed = [payment_lines(db, refund(db, [ticket])[0]["payment"])["CASH"] for ticket in sale.tickets]
    assert handed == [-50, -49, -50, -49, -50], "248 in all"
    assert consistency(db) == {}


def test_a_legacy_refund_at_a_stand_sends_web_money_back_to_its_provider(db: Connection, play: Event) -> None:
    make_cash_point(db, 7)
    (ticket,) = web(db, play.price_group, reference="ref-1").tickets
    run(
        db,
        "update billig.ticket set refunded = billig.local_time(), refunder = 'perl', point_of_refund = 7"
        " where ticket = %s",
        ticket,
    )
    payment = one(db, "select max(payment) from billig.payment")
    assert given_back(db, payment) == {("ref-1", "NET_CARD", -100)}
    assert consistency(db) == {}


def test_what_is_paid_on_the_web_stands_in_no_x_report_but_the_difference_does(db: Connection, play: Event) -> None:
    make_cash_point(db)
    open_till(db, opening_float=1000)
    for _ in range(3):
        refund(db, web(db, play.price_group).tickets, cash_point=1)
    exchange(db, web(db, play.price_group).tickets, play.price_groups[1], methods=["CARD"])
    refund(db, web(db, play.price_group).tickets, payment_methods=["CASH"], reason="the card has expired")
    x = {(r["item"], r["item_key"]): (r["number"], r["amount"]) for r in call(db, "x_report", cash_point=1)}
    assert x["TOTAL_CASH_SALES", ""][1] == 200, "what the exchange was dearer by"
    assert x["RETURNS", ""] == (0, 0)
    assert x["PAYMENT", "CARD"] == (1, 200)
    assert ("PAYMENT", "NET_CARD") not in x
    assert x["PAY_OUT", "WEB"] == (1, -100)
    assert consistency(db) == {}


def by_card(db: Connection, connect: Connect, play: Event) -> tuple[list[str | None], int]:
    """Two tickets, one paid by card and one in cash, both refunded by card at once; what the card has left."""
    sale = sell(db, play.price_group, 2, methods=["CARD", "CASH"], amounts=[120, 80])
    reduce(db, sale.tickets, 10, payment_methods=["CARD"])  # 100 by card are left, and the row that counts is there
    with connect() as first, connect() as second:
        answers = together(
            [
                partial(refund, session, [ticket], payment_methods=["CARD"])
                for session, ticket in zip((first, second), sale.tickets, strict=True)
            ]
        )
    query = "select sum(amount) from billig.payment_line where payment_method = 2"
    return sqlstates(answers), int(one(db, query))


def test_two_refunds_at_once_do_not_both_take_what_one_payment_has_left_by_card(
    db: Connection, connect: Connect, play: Event
) -> None:
    assert by_card(db, connect, play) == (["23B31"], 10)
    assert consistency(db) == {}


def test_without_the_lock_and_the_constraint_the_card_gives_more_than_it_took(
    db: Connection, connect: Connect, play: Event
) -> None:
    """Positive control of the test above. The lock alone sees to it: what was counted before it is not counted anew."""
    source = one(db, "select pg_get_functiondef('billig.lock_given_back(bigint[])'::regprocedure)")
    guard = "for no key update;"
    assert guard in source
    db.execute(source.replace(guard, "; perform pg_sleep(0.5);"))
    run(db, "alter table billig.given_back drop constraint given_back_limit_check")
    refused, left = by_card(db, connect, play)
    assert refused == []
    assert left == 120 - 20 - 180, "it took 120, and gave back 200"


def test_a_dispute_of_money_that_is_owed_back_is_refused_with_the_way_out(db: Connection) -> None:
    event = make_event(db, prices=(100,), fee=0, num=1)
    cart = net(db, event.price_group)
    call(db, "abort_purchase", purchase=cart.purchase)
    sell(db, event.price_group)
    confirm(db, cart, reference="late")
    with expect("23B12") as refusal:
        charge_back(db, provider="late")
    assert "settle_owed_back" in str(refusal.value.diag.message_hint)


def test_where_more_goes_back_by_a_road_than_the_old_tickets_had_there_the_report_still_ties(
    db: Connection,
) -> None:
    play = make_event(db, prices=(100, 200, 20), fee=0, event_time=today())
    hundred, two_hundred, twenty = play.price_groups
    make_cash_point(db, session_required=True)
    open_till(db)
    cart = web(db, hundred, 2)
    call(
        db,
        "change_price_group",
        tickets=cart.tickets,
        price_group=two_hundred,
        seller=SELLER,
        payment_methods=["CASH"],
    )
    # of the ticket's 200 one half came in cash; all of the 180 goes back in it, which the other ticket's cash allows
    (pair,) = exchange(db, cart.tickets[:1], twenty)
    assert payment_lines(db, pair["payment"]) == {"CASH": -180}
    source = rows(db, "select * from billig.exchange_source where payment = %s", pair["payment"])
    assert [(row["payment_method"], row["amount"]) for row in source] == [(7, 20)], "what is left is the web's"
    figures = {
        row["item"]: row["amount"]
        for row in rows(db, "select * from billig.x_report(1) where seller is null and item_key in ('', 'CASH')")
    }
    assert (figures["TOTAL_CASH_SALES"], figures["PAYMENT"], figures["RETURNS"]) == (20, 20, 180)
    assert consistency(db) == {}


def test_several_repayments_of_one_payment_hand_out_no_more_cash_together_than_it_took(db: Connection) -> None:
    play = make_event(db, prices=(100, 101), fee=0)
    hundred, one_more = play.price_groups
    make_cash_point(db)
    old = [sell(db, hundred, methods=["CARD"], cash_point=1).ticket for _ in range(2)]
    pairs = exchange(db, old, {hundred: 1, one_more: 1}, cash_point=1)  # one krone in cash, half of it each one's
    answer = refund(db, [pair["new_ticket"] for pair in pairs], cash_point=1)
    assert [payment_lines(db, row["payment"])["CASH"] for row in answer] == [-1, 0]
    assert money_left(db) == {}
    assert consistency(db) == {}


@pytest.mark.parametrize("method", ["CASH", "CARD"])
def test_a_legacy_refund_that_names_no_stand_is_of_the_organisation_whose_stand_took_the_money(
    db: Connection, play: Event, method: str
) -> None:
    run(db, "update billig.payment_method set organisation = %s", SAMFUNDET)  # whose agreement the web's money goes by
    make_cash_point(db, organisation=UKA)
    sale = sell(db, play.price_group, methods=[method], cash_point=1)
    update_ticket(db, sale.ticket, refunded="now", refunder="perl")
    held = rows(db, "select organisation, sum(amount) as amount from billig.payment_line group by organisation")
    assert held == [{"organisation": UKA, "amount": 0}]
    assert consistency(db) == {}


def test_a_price_group_that_raw_sql_changes_up_and_down_in_one_transaction_moves_nothing_in_the_end(
    db: Connection,
) -> None:
    event = make_event(db, prices=(100, 300), fee=0)
    low, high = event.price_groups
    (ticket,) = web(db, low, reference="ref-1").tickets
    with db.transaction():
        update_ticket(db, ticket, price_group=high)
        update_ticket(db, ticket, price_group=low)
    (change,) = rows(db, "select payment from billig.payment where kind = 'CHANGE'")
    assert sum(payment_lines(db, change["payment"]).values()) == 0
    assert consistency(db) == {}
    refund(db, [ticket])
    assert money_left(db) == {}
    assert consistency(db) == {}
