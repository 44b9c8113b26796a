"""The VAT rate of a ticket is that of the day of delivery, as it is known when it is sold; VAT_CHANGE follows it."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.conftest import Connect, Connection
from tests.support.domain import (
    LOW_RATE,
    REGULAR_RATE,
    Event,
    Row,
    call,
    consistency,
    expect,
    log_rows,
    log_types,
    login_role,
    make_event,
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
from tests.support.given_back import charge_back, left, reduce, web

SOON = date.today() + timedelta(days=10)


@pytest.fixture
def play(db: Connection) -> Event:
    """Tickets of 200 kroner at 25 %, 50 of each a fee at 12 %; in thirty days."""
    return make_event(db, prices=(200, 300), fee=50, vat_code=REGULAR_RATE, fee_vat_code=LOW_RATE)


def new_rate(db: Connection, code: int, rate: int, day: date = SOON) -> None:
    run(
        db,
        "insert into books.vat_rate (vat_code, valid_from, rate) values (%s, %s, %s)"
        " on conflict (vat_code, valid_from) do update set rate = excluded.rate",
        code,
        day,
        rate,
    )


def change_vat(db: Connection) -> list[Row]:
    return call(db, "change_vat")


def vat_rows(db: Connection, ticket: int) -> list[tuple[Any, ...]]:
    return [
        (r["vat_rate"], r["amount"], r["vat_amount"], r["fee_vat_rate"], r["fee_amount"], r["fee_vat_amount"])
        for r in log_rows(db, ticket)
        if r["type"] == "VAT_CHANGE"
    ]


def test_the_rate_that_is_sold_under_is_that_of_the_events_day(db: Connection, play: Event) -> None:
    new_rate(db, LOW_RATE, 15)
    new_rate(db, REGULAR_RATE, 30, date.today() + timedelta(days=60))
    ticket = ticket_row(db, sell(db, play.price_group).ticket)
    assert (ticket["vat_rate"], ticket["fee_vat_rate"]) == (25, 15)


def test_a_rate_that_is_entered_after_the_sale_moves_what_lies_in_the_ticket_and_no_money(
    db: Connection, play: Event
) -> None:
    paid, part, kept = sell(db, play.price_group, 3).tickets
    held = reserve(db, play.price_group).ticket
    reduce(db, [part], Decimal("20.50"))
    refund(db, [kept], kept=[60])
    assert change_vat(db) == [], "nothing is due"
    new_rate(db, LOW_RATE, 15)
    payments = one(db, "select count(*) from billig.payment")
    (answer,) = change_vat(db)
    assert (answer["event"], answer["tickets"]) == (play.event, 3)
    assert (answer["old_fee_vat_rate"], answer["fee_vat_rate"]) == (12, 15)
    assert (answer["old_vat_rate"], answer["vat_rate"]) == (25, 25)
    assert vat_rows(db, paid) == [
        (25, -150, -30, 12, -50, Decimal("-5.36")),
        (25, 150, 30, 15, 50, Decimal("6.52")),
    ]
    assert vat_rows(db, part)[1] == (25, Decimal("129.50"), Decimal("25.90"), 15, 50, Decimal("6.52"))
    assert vat_rows(db, held) == [(25, 0, 0, 15, 0, 0)], "nothing lies in it yet"
    assert vat_rows(db, kept) == [], "what is kept of a refund was delivered with it"
    assert one(db, "select count(*) from billig.payment") == payments
    assert change_vat(db) == [], "once"
    call(db, "pay_reservation", purchase=ticket_row(db, held)["purchase"], seller="kari", payment_methods=["CASH"])
    assert log_rows(db, held)[-1]["fee_vat_amount"] == Decimal("6.52")
    refund(db, [paid])
    assert left(db, paid) == (0, 0, 0)
    assert log_rows(db, paid)[-1]["fee_vat_amount"] == Decimal("-6.52"), "out under the new rate"
    assert consistency(db) == {}


def test_an_event_that_moves_over_the_day_of_a_new_rate_changes_and_back_again(db: Connection, play: Event) -> None:
    ticket = sell(db, play.price_group).ticket
    new_rate(db, REGULAR_RATE, 26, date.today() + timedelta(days=40))
    for days, rate in ((50, 26), (20, 25)):
        run(
            db,
            "update billig.event set event_time = %s where event = %s",
            datetime.now() + timedelta(days=days),
            play.event,
        )
        assert len(change_vat(db)) == 1
        assert ticket_row(db, ticket)["vat_rate"] == rate
    assert log_types(db, ticket) == ["NORMAL_SALE", *["VAT_CHANGE"] * 4]
    assert consistency(db) == {}


def test_what_was_delivered_long_ago_keeps_its_rate(db: Connection) -> None:
    long_ago = make_event(db, vat_code=REGULAR_RATE, event_time=datetime.now() - timedelta(days=40))
    lately = make_event(db, vat_code=REGULAR_RATE, event_time=datetime.now() - timedelta(days=3))
    old, new = sell(db, long_ago.price_group).ticket, sell(db, lately.price_group).ticket
    new_rate(db, REGULAR_RATE, 26, date.today() - timedelta(days=60))
    assert [row["event"] for row in change_vat(db)] == [lately.event]
    assert (ticket_row(db, old)["vat_rate"], ticket_row(db, new)["vat_rate"]) == (25, 26)


def test_a_refund_a_reduction_and_a_chargeback_before_the_run_go_by_what_was_logged(
    db: Connection, play: Event
) -> None:
    back, less, taken = (web(db, play.price_group, reference=f"ref-{each}").ticket for each in (1, 2, 3))
    new_rate(db, LOW_RATE, 15)
    refund(db, [back])
    reduce(db, [less], 160)
    charge_back(db, "dp", "ref-3", amount=170)
    assert {row["fee_vat_rate"] for each in (back, less, taken) for row in log_rows(db, each)} == {12}
    change_vat(db)
    assert vat_rows(db, less) == [(25, 0, 0, 12, -40, Decimal("-4.29")), (25, 0, 0, 15, 40, Decimal("5.22"))]
    assert vat_rows(db, back) == []
    assert consistency(db) == {}


def test_a_change_of_price_group_before_the_run_takes_the_old_out_at_its_rate(db: Connection, play: Event) -> None:
    ticket = sell(db, play.price_group).ticket
    new_rate(db, LOW_RATE, 15)
    call(
        db,
        "change_price_group",
        tickets=[ticket],
        price_group=play.price_groups[1],
        seller="kari",
        payment_methods=["CASH"],
    )
    assert [(r["fee_vat_rate"], r["amount"], r["fee_amount"]) for r in log_rows(db, ticket)[1:]] == [
        (12, -150, -50),
        (15, 250, 50),
    ]
    assert payment_lines(db, log_rows(db, ticket)[-1]["payment"]) == {"CASH": 100}
    assert change_vat(db) == []
    assert consistency(db) == {}


def test_sql_of_ones_own_may_only_do_what_the_run_does(db: Connection, play: Event) -> None:
    ticket, other = sell(db, play.price_group, 2).tickets
    with expect("23B08"):
        update_ticket(db, ticket, fee_vat_rate=15)
    new_rate(db, LOW_RATE, 15)
    for wrong in ({"fee_vat_rate": 14}, {"fee_vat_rate": 15, "vat_rate": 0}, {"fee_vat_rate": 15, "fee": 40}):
        with expect("23B08"):
            update_ticket(db, ticket, **wrong)
    with expect("23B23"):
        update_ticket(db, ticket, fee_vat_rate=15, used="now")
    update_ticket(db, ticket, fee_vat_rate=15)
    refund(db, [other])
    with expect("23B10"):
        update_ticket(db, other, fee_vat_rate=15)
    assert log_types(db, ticket) == ["NORMAL_SALE", "VAT_CHANGE", "VAT_CHANGE"]
    assert consistency(db) == {}


def test_the_scheduler_and_the_bookkeeper_run_it_and_nobody_else(db: Connection, connect: Connect, play: Event) -> None:
    sell(db, play.price_group)
    new_rate(db, LOW_RATE, 15)
    for group in ("billig_seller", "billig_web", "billig_legacy", "billig_dev", "analyst", "auditor"):
        with login_role(db, group) as role, connect(role) as session, expect("42501", native=True):
            change_vat(session)
    with login_role(db, "scheduler") as role, connect(role) as session:
        assert len(change_vat(session)) == 1
    assert rows(db, "select distinct seller from billig.transaction_log where transaction_type = 20") == [
        {"seller": role}
    ]
    with login_role(db, "bookkeeper") as role, connect(role) as session:
        assert change_vat(session) == []
