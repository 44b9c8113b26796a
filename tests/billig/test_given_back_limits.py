"""What goes back never exceeds what came in: by rounding, by method, by drawer; and whose reference it goes by."""

from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from tests.conftest import Connect, Connection
from tests.support.domain import (
    REGULAR_RATE,
    Event,
    call,
    close_till,
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
    rows,
    run,
    sell,
    ticket_row,
    update_ticket,
)
from tests.support.given_back import charge_back, reduce, web
from tests.support.together import sqlstates, together


@pytest.fixture
def play(db: Connection) -> Event:
    return make_event(db, prices=(200, 300), fee=20, vat_code=REGULAR_RATE)


def notes(db: Connection) -> list[int]:
    """What was handed over in cash, payment by payment."""
    found = rows(
        db,
        "select sum(amount) as amount from billig.payment_line where payment_method = 1"
        " group by payment order by payment",
    )
    return [int(row["amount"]) for row in found]


def test_many_small_reductions_in_cash_come_to_what_one_would(db: Connection, play: Event) -> None:
    ticket = sell(db, play.price_group).ticket
    for _ in range(5):
        assert reduce(db, [ticket], "0.50") == [Decimal("-0.50")]
    assert notes(db) == [200, -1, 0, -1, 0, -1]
    assert reduce(db, [ticket], "0.50", payment_methods=["BANK"]) == [Decimal("-0.50")]
    update_ticket(db, ticket, reduced=13)
    refund(db, [ticket])
    assert money_left(db) == {"BANK": Decimal("-0.50"), "CASH": Decimal("0.50")}
    assert sum(notes(db)) == 0
    assert consistency(db) == {}


def test_an_exchange_does_not_begin_rounding_anew(db: Connection) -> None:
    """One by which buyers gained a krone each time: reduced in cash, exchanged down in cash and up by card."""
    event = make_event(db, prices=(1000, 999), fee=0)
    dear, cheap = event.price_groups
    ticket = sell(db, dear).ticket
    for _ in range(4):
        reduce(db, [ticket], "0.50")
        (down,) = exchange(db, [ticket], cheap)
        (up,) = exchange(db, [down["new_ticket"]], dear, methods=["CARD"])
        ticket = up["new_ticket"]
    assert sum(notes(db)) == 1000 - 4
    assert consistency(db) == {}


def test_what_comes_in_is_not_rounded_down_twice(db: Connection) -> None:
    old = make_event(db, prices=(100,), fee=0).price_group
    first, second = sell(db, old, 2, methods=["CARD"]).tickets
    reduce(db, [first, second], "0.60", payment_methods=["BANK"])
    (paid,) = exchange(db, [first], old)  # 60 øre, so a krone in cash
    reduce(db, [paid["new_ticket"]], "0.60", payment_methods=["BANK"])
    reduce(db, [second], "0.80", payment_methods=["BANK"])
    (paid,) = exchange(db, [second], old)  # 1.40, so a krone
    assert notes(db) == [1, 1]
    reduce(db, [paid["new_ticket"]], "0.45", payment_methods=["BANK"])
    (paid,) = exchange(db, [paid["new_ticket"]], old)  # nothing of 45 øre
    reduce(db, [paid["new_ticket"]], "0.45", payment_methods=["BANK"])
    with expect("23B06"):
        exchange(db, [paid["new_ticket"]], old)
    exchange(db, [paid["new_ticket"]], old, methods=["CARD"])
    assert consistency(db) == {}


def test_small_reductions_of_tickets_of_one_purchase_at_once_are_rounded_for_the_whole(
    db: Connection, connect: Connect, play: Event
) -> None:
    sale = sell(db, play.price_group, 4)
    speakers = [connect() for _ in range(4)]
    answers = together(
        [partial(reduce, speaker, [ticket], "0.50") for speaker, ticket in zip(speakers, sale.tickets, strict=True)]
    )
    assert sqlstates(answers) == []
    assert sorted(notes(db)) == [-1, -1, 0, 0, 800]
    assert consistency(db) == {}


def test_without_what_was_rounded_before_buyers_gain_every_time_and_the_check_sees_it(
    db: Connection, play: Event
) -> None:
    run(db, "alter table billig.payment_line disable trigger payment_line_rounding")
    source = one(db, "select pg_get_functiondef('billig.hand_out_lines(billig.payment_line[], numeric)'::regprocedure)")
    guard = "billig.round_cash(p_gained + "
    assert guard in source
    db.execute(source.replace(guard, "billig.round_cash("))
    ticket = sell(db, play.price_group).ticket
    for _ in range(20):
        reduce(db, [ticket], "0.50")
    assert sum(notes(db)) == 180, "20 kroner for 10"
    assert {row["problem"] for row in consistency(db)["rounding"]} == {
        "buyers gain more by rounding than 50 øre for each of their purchases"
    }


def test_cash_that_a_web_ticket_holds_comes_out_of_the_sellers_drawer(db: Connection, play: Event) -> None:
    make_cash_point(db)
    open_till(db, opening_float=1000)
    first, second = web(db, play.price_group, 2, reference="ref-1").tickets
    call(
        db, "change_price_group", tickets=[first, second], price_group=play.price_groups[1], seller="kari",
        payment_methods=["CASH"],
    )  # fmt: skip
    (answer,) = refund(db, [first])
    assert payment_lines(db, answer["payment"]) == {"NET_CARD": -200, "CASH": -100}
    reduce(db, [second], 150)
    assert one(db, "select count(*) from report.unattached_payment") == 0
    assert close_till(db, 1050)["CASH"]["expected"] == 1050
    assert consistency(db) == {}


def test_the_web_pays_nobody_back_in_cash(db: Connection, play: Event) -> None:
    make_cash_point(db)
    open_till(db)
    (ticket,) = web(db, play.price_group, reference="ref-1").tickets
    with expect("22023"):
        refund(db, [ticket], seller=None, payment_methods=["CASH"])
    call(
        db, "change_price_group", tickets=[ticket], price_group=play.price_groups[1], seller="kari",
        payment_methods=["CASH"],
    )  # fmt: skip
    with expect("22023"):
        refund(db, [ticket], seller=None)
    with expect("23B31"):
        refund(db, [ticket], seller=None, payment_methods=["NET_CARD"])  # 100 of it never came by that road
    refund(db, [ticket])
    assert money_left(db) == {}
    assert consistency(db) == {}


def test_a_provider_takes_no_more_back_by_a_method_than_lies_in_the_tickets_by_it(db: Connection, play: Event) -> None:
    (ticket,) = web(db, play.price_group, reference="ref-1").tickets
    call(
        db, "change_price_group", tickets=[ticket], price_group=play.price_groups[1], seller="kari",
        payment_methods=["VIPPS"],
    )  # fmt: skip
    reduce(db, [ticket], 150)  # 100 of it to the card that paid on the web
    with expect("23B31"):
        charge_back(db, amount=200)
    assert [row["amount"] for row in charge_back(db)] == [-100]
    refund(db, [ticket])
    assert money_left(db) == {}
    assert consistency(db) == {}


def test_a_part_is_taken_where_the_disputed_methods_money_lies(db: Connection, play: Event) -> None:
    dearer, plain = web(db, play.price_group, 2, reference="ref-1").tickets
    call(
        db, "change_price_group", tickets=[dearer], price_group=play.price_groups[1], seller="kari",
        payment_methods=["VIPPS"],
    )  # fmt: skip
    assert [row["amount"] for row in charge_back(db, amount=390)] == [-195, -195], "not 234 of the dearer one"
    refund(db, [dearer, plain])
    assert money_left(db) == {}
    assert consistency(db) == {}


def test_a_payment_of_which_nothing_is_left_is_not_charged_back(db: Connection, play: Event) -> None:
    refund(db, web(db, play.price_group, reference="ref-1").tickets)
    with expect("23B31"):
        charge_back(db)


def test_a_dispute_that_is_said_again_of_another_method_is_refused(db: Connection, play: Event) -> None:
    sale = sell(db, play.price_group, 2, methods=["CARD", "VIPPS"], amounts=[200, 200])
    said: dict[str, Any] = {"provider": None, "payment": sale.payment}
    first = charge_back(db, payment_method="CARD", **said)
    assert charge_back(db, payment_method="CARD", **said) == first
    with expect("23B19"):
        charge_back(db, payment_method="VIPPS", **said)


def test_one_reference_for_two_things_at_once_is_taken_by_one_and_refused_to_the_other(
    db: Connection, connect: Connect, play: Event
) -> None:
    one_speaker, other_speaker = connect(), connect()
    for turn in range(8):
        charged, disputed = (web(db, play.price_group, reference=f"{name}-{turn}") for name in ("charged", "disputed"))
        answers = together(
            [
                partial(charge_back, one_speaker, f"dp-{turn}", f"charged-{turn}"),
                partial(charge_back, other_speaker, f"dp-{turn}", f"disputed-{turn}"),
            ]
        )
        assert sqlstates(answers) == ["23B19"]
        assert {ticket_row(db, sale.ticket)["charged_back"] for sale in (charged, disputed)} == {0, 200}

        carts = [net(db, play.price_group), net(db, play.price_group)]
        answers = together(
            [
                partial(confirm, one_speaker, carts[0], reference=f"pi-{turn}"),
                partial(confirm, other_speaker, carts[1], reference=f"pi-{turn}"),
            ]
        )
        assert sqlstates(answers) == ["23B19"]

        web(db, play.price_group, reference=f"third-{turn}")
        cart = net(db, play.price_group)
        answers = together(
            [
                partial(charge_back, one_speaker, f"both-{turn}", f"third-{turn}"),
                partial(confirm, other_speaker, cart, reference=f"both-{turn}"),
            ]
        )
        assert sqlstates(answers) == ["23B19"]
    assert consistency(db) == {}
