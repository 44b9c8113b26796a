"""A cancelled event is listed by no site that reads the tables; and a cancellation that was stopped goes on."""

from datetime import datetime, timedelta

import pytest
from psycopg.types.json import Jsonb

from pybridge.jobs import runner as jobs
from tests.conftest import Connect, Connection
from tests.support import programme
from tests.support.domain import Event, call, consistency, expect, login_role, make_event, net_paid, one, run


@pytest.fixture
def play(db: Connection) -> Event:
    return make_event(db, prices=(200,))


@pytest.fixture
def other(db: Connection) -> Event:
    return make_event(db, prices=(200,))


def cancel(db: Connection, event: Event) -> None:
    call(db, "cancel_event", event=event.event, reason="the singer is ill")


@pytest.mark.parametrize("hidden", [False, True])
def test_a_cancelled_event_is_hidden_and_moved_it_is_what_it_was(db: Connection, play: Event, hidden: bool) -> None:
    run(db, "update billig.event set hidden = %s where event = %s", hidden, play.event)
    listed = "select hidden from billig.event_lim_web where event = %s"
    cancel(db, play)
    assert one(db, listed, play.event) is True
    run(db, "update billig.event_lim_web set hidden = false, event_note = 'x' where event = %s", play.event)
    assert one(db, listed, play.event) is True, "a client that saves the whole row takes nothing back"
    call(db, "move_event", event=play.event, event_time=datetime.now() + timedelta(days=3), reason="she is well")
    assert one(db, listed, play.event) is hidden
    run(db, "update billig.event set hidden = false where event = %s", play.event)
    assert one(db, listed, play.event) is False


def test_a_programme_lists_no_cancelled_event(db: Connection) -> None:
    for expected in ("inserted", "unchanged"):
        (said,) = [
            each for each in call(db, "import_programme", rows=Jsonb([programme.row()])) if each["what"] == "event"
        ]
        assert said[expected] == 1, said
        if expected == "inserted":
            event = one(db, "select event from billig.event where programme_key = 'R1'")
            call(db, "cancel_event", event=event, reason="rain")
    assert one(db, "select hidden from billig.event where event = %s", event) is True


def test_the_job_goes_on_with_what_was_left_and_says_what_is_refused(
    db: Connection, play: Event, other: Event, connect: Connect
) -> None:
    for event in (play, other):
        for number in range(3):
            net_paid(db, event.price_group, email=f"b{number}@example.com")
        cancel(db, event)
    call(db, "refund_cancelled", event=play.event, purchases=1)  # and whoever did it was killed
    db.autocommit = True
    held = one(db, "select min(purchase) from billig.cancelled_purchase where done_at is null")
    with connect(autocommit=False) as session:
        session.execute("select from billig.ticket where purchase = %s for update", [held])
        ran = jobs.run(db, "cancellations")
        assert (ran.outcome, ran.row_count) == ("partial", 4)
        assert ran.error_message == f"event {play.event}: 1 purchases left, 0 refused"
    assert [(run_.outcome, run_.row_count) for run_ in (jobs.run(db, "cancellations") for _ in range(2))] == [
        ("succeeded", 1), ("succeeded", 0),
    ]  # fmt: skip
    assert one(db, "select count(*) from billig.cancelled_purchase where done_at is null") == 0
    net_paid(db, (third := make_event(db, prices=(50,))).price_group)
    cancel(db, third)
    call(db, "move_event", event=third.event, event_time=datetime.now() + timedelta(days=3), reason="she is well")
    assert jobs.run(db, "cancellations").row_count == 0, "what is to be held again is left alone"
    assert consistency(db) == {}


def test_the_scheduler_goes_on_with_cancellations_and_begins_none(
    db: Connection, play: Event, connect: Connect
) -> None:
    net_paid(db, play.price_group)
    cancel(db, play)
    with login_role(db, "scheduler") as role, connect(role) as session:
        (answer,) = call(session, "continue_cancellations")
        assert (answer["event"], answer["purchases_done"], answer["purchases_left"]) == (play.event, 1, 0)
        with expect("42501", native=True):
            cancel(session, play)
    for group in ("billig_seller", "billig_web", "analyst"):
        with login_role(db, group) as role, connect(role) as session, expect("42501", native=True):
            call(session, "continue_cancellations")
