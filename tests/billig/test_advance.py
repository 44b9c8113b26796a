"""What a till sells for an event of a later business day stands apart in X and Z reports, whatever becomes of it."""

from typing import Any

import pytest

from tests.conftest import Connection
from tests.support import domain
from tests.support.domain import (
    Event,
    call,
    close_till,
    consistency,
    make_cash_point,
    make_event,
    open_till,
    refund,
    rows,
    run,
    sell,
)


@pytest.fixture
def play(db: Connection) -> Event:
    make_cash_point(db, 1, session_required=True)
    return make_event(db, prices=(100, 250))


def x(db: Connection) -> dict[tuple[str, str], tuple[int, Any]]:
    return {
        (row["item"], row["item_key"]): (row["number"], row["amount"])
        for row in call(db, "x_report", cash_point=1)
        if row["seller"] is None
    }


@pytest.fixture
def tonight(db: Connection, play: Event) -> Event:
    return make_event(db, prices=(100, 250, 0), fee=10, event_time=domain.today())


def test_a_ticket_for_a_later_day_is_in_no_total_but_in_the_drawer(db: Connection, play: Event, tonight: Event) -> None:
    """`play` is thirty days ahead."""
    open_till(db, opening_float=100)
    sell(db, {tonight.price_group: 1, play.price_group: 2})
    advance = sell(db, play.price_groups[1], 2, methods=["CARD"])
    refund(db, advance.tickets[:1])
    said = x(db)
    assert said["TOTAL_CASH_SALES", ""][1] == 100
    assert said["GRAND_TOTAL_SALES", ""][1] == said["GRAND_TOTAL_NET", ""][1] == 100
    assert said["RETURNS", ""] == (0, 0)
    assert {key: of for key, of in said.items() if key[0] == "ARTICLE_GROUP"} == {
        ("ARTICLE_GROUP", "04999 other"): (1, 90), ("ARTICLE_GROUP", "04999 fee"): (1, 10),
    }  # fmt: skip
    assert said["ADVANCE_SALES", "04999 other"] == (1, 200 + 500 - 250)
    assert said["ADVANCE_RETURNS", ""] == (1, 250)
    assert said["RECEIPTS", ""][0] == 2, "each has its receipt"
    assert (said["PAYMENT", "CASH"], said["PAYMENT", "CARD"]) == ((1, 300), (0, 250))
    assert [of for (item, _), of in said.items() if item == "VAT"] == [(1, 100)]
    assert close_till(db, 400)["CASH"]["difference"] == 0
    call(db, "z_report", cash_point=1, seller="kari")
    assert rows(db, "select sales, returns from billig.z_report") == [{"sales": 100, "returns": 0}]
    assert consistency(db) == {}


def test_what_becomes_of_an_advance_ticket_stands_where_it_was_sold(
    db: Connection, play: Event, tonight: Event
) -> None:
    open_till(db)
    first, second, third = (sell(db, play.price_group) for _ in range(3))
    call(
        db, "change_price_group", tickets=first.tickets, price_group=play.price_groups[1], seller="kari",
        payment_methods=["CASH"],
    )  # fmt: skip
    call(db, "reduce_price", tickets=second.tickets, amounts=[40], seller="kari", reason="no seat")
    exchanged = domain.exchange(db, third.tickets, tonight.price_group)
    said = x(db)
    assert said["ADVANCE_SALES", "04999 other"][1] == 250 + 60
    assert said["ADVANCE_RETURNS", ""] == (2, 140), "the reduction, and the old ticket of the exchange"
    assert (said["TOTAL_CASH_SALES", ""][1], said["RETURNS", ""]) == (100, (0, 0)), "the new one is for tonight"
    refund(db, [row["new_ticket"] for row in exchanged if row["new_ticket"]])
    assert x(db)["RETURNS", ""] == (1, 100)
    close_till(db, 250 + 60)
    call(db, "z_report", cash_point=1, seller="kari")
    assert consistency(db) == {}


def test_an_event_that_moves_moves_no_ticket_out_of_its_rows(db: Connection, play: Event, tonight: Event) -> None:
    """A Z report is made of what was known when the day began: the programme may change at any time after."""
    open_till(db)
    advance, now = sell(db, play.price_group), sell(db, tonight.price_group)
    before = x(db)
    run(db, "update billig.event set event_time = %s where event = %s", domain.today(), play.event)
    run(db, "update billig.event set event_time = event_time + interval '9 days' where event = %s", tonight.event)
    assert x(db) == before
    refund(db, advance.tickets + now.tickets)
    assert (x(db)["ADVANCE_RETURNS", ""], x(db)["RETURNS", ""]) == ((1, 100), (1, 100))
    close_till(db, 0)
    call(db, "z_report", cash_point=1, seller="kari")
    assert consistency(db) == {}
