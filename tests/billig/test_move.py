"""An event is moved: its tickets stay good, and take the VAT rate of the new day."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.conftest import Connection
from tests.support.domain import (
    LOW_RATE,
    Event,
    call,
    consistency,
    expect,
    log_types,
    make_event,
    money_left,
    net_paid,
    one,
    reserve,
    rows,
    run,
    sell,
    ticket_row,
    update_ticket,
)
from tests.support.programme import row

THEN = datetime.now().replace(hour=20, minute=0, second=0, microsecond=0)


@pytest.fixture
def play(db: Connection) -> Event:
    """In ten days, at 12 %; from the twentieth day on it is 11."""
    run(
        db, "insert into books.vat_rate (vat_code, valid_from, rate) values (33, %s, 11)", (THEN + timedelta(20)).date()
    )
    return make_event(db, prices=(112,), vat_code=LOW_RATE, event_time=THEN + timedelta(10))


def move(db: Connection, event: Event, days: int, **arguments: object) -> tuple[Any, ...]:
    (answer,) = call(
        db, "move_event", event=event.event, event_time=THEN + timedelta(days), reason="the hall is wet", **arguments
    )
    return answer["tickets"], answer["vat_tickets"]


def test_tickets_of_a_moved_event_take_the_rate_of_its_new_day(db: Connection, play: Event) -> None:
    paid, held, gone = net_paid(db, play.price_group), reserve(db, play.price_group), sell(db, play.price_group)
    other = sell(db, make_event(db, vat_code=LOW_RATE, event_time=THEN + timedelta(30)).price_group)
    run(
        db, "insert into books.vat_rate (vat_code, valid_from, rate) values (33, %s, 10)", (THEN + timedelta(29)).date()
    )
    update_ticket(db, gone.ticket, refunded="now", refunder="perl")
    assert move(db, play, 15) == (2, 0)
    assert move(db, play, 25) == (2, 2)
    assert [row["vat_rate"] for row in rows(db, "select vat_rate from billig.ticket order by ticket")] == [
        11,
        11,
        12,
        11,
    ]
    assert log_types(db, paid.ticket)[-2:] == ["VAT_CHANGE", "VAT_CHANGE"]
    assert ticket_row(db, held.ticket)["refunded"] is None
    assert log_types(db, other.ticket) == ["NORMAL_SALE"], "another event's is the nightly job's"
    assert sum(money_left(db).values()) == 212
    call(db, "change_vat")
    assert consistency(db) == {}


def test_it_is_not_moved_into_the_past_by_mistake(db: Connection, play: Event) -> None:
    with expect("23B33") as refusal:
        move(db, play, -1)
    assert one(db, "select count(*) from billig.event_change") == 0
    hint = str(refusal.value.diag.message_hint)
    run(db, hint[hint.index("select") :])  # it can be run as it stands
    assert one(db, "select event_time from billig.event where event = %s", play.event) == THEN - timedelta(1)
    move(db, play, 3)
    assert consistency(db) == {}


def test_place_and_sale_period_are_changed_where_they_are_given(db: Connection, play: Event) -> None:
    where = "select event_location, event_time, sale_from, sale_to from billig.event where event = %s"
    (before,) = rows(db, where, play.event)
    move(db, play, 11)
    (after,) = rows(db, where, play.event)
    assert after == before | {"event_time": THEN + timedelta(11)}
    move(db, play, 12, event_location="Storsalen", sale_to=THEN + timedelta(11))
    (after,) = rows(db, where, play.event)
    assert after == before | {
        "event_time": THEN + timedelta(12), "event_location": "Storsalen", "sale_to": THEN + timedelta(11)
    }  # fmt: skip


def test_what_is_moved_after_it_was_cancelled_is_sold_again_and_what_is_left_stays_sold(
    db: Connection, play: Event
) -> None:
    web, cash = net_paid(db, play.price_group), sell(db, play.price_group)
    call(db, "cancel_event", event=play.event, reason="the singer is ill")
    call(db, "refund_cancelled", event=play.event)
    assert move(db, play, 10) == (1, 0)
    assert (ticket_row(db, web.ticket)["refunded"] is None, ticket_row(db, cash.ticket)["refunded"]) == (False, None)
    assert rows(db, "select * from report.cancelled_owed") == []
    assert one(db, "select is_cancelled from report.cancelled_event") is False
    sell(db, play.price_group)
    assert consistency(db) == {}


def test_a_date_alone_takes_no_cancellation_back(db: Connection, play: Event) -> None:
    """Neither an update nor a programme: what was prepaid would become revenue of a show that nobody holds."""
    run(db, "update billig.event set external_id = 77 where event = %s", play.event)
    sell(db, play.price_group)
    call(db, "cancel_event", event=play.event, reason="the singer is ill")
    with expect("23B34"):
        run(db, "update billig.event set event_time = %s where event = %s", THEN + timedelta(1), play.event)
    another = row(external_id="77", event_name="Else", event_time=f"{THEN + timedelta(1):%Y-%m-%d %H:%M}")
    problems = rows(
        db, "select column_name, reason from billig.check_programme(%s) where not is_warning", Jsonb([another])
    )
    assert [(each["column_name"], "is cancelled" in each["reason"]) for each in problems] == [("event_time", True)]
    # Its own time, another name: as before.
    run(db, "update billig.event set event_time = event_time, event_name = 'Else' where event = %s", play.event)
    same = row(external_id="77", event_name="Else", event_time=f"{THEN + timedelta(10):%Y-%m-%d %H:%M}")
    assert rows(db, "select * from billig.check_programme(%s) where not is_warning", Jsonb([same])) == []
    assert one(db, "select billig.is_cancelled(%s)", play.event)
    assert consistency(db) == {}
    move(db, play, 12)
    run(db, "update billig.event set event_time = %s where event = %s", THEN + timedelta(13), play.event)
    assert one(db, "select billig.is_cancelled(%s)", play.event) is False
    assert consistency(db) == {}
