"""A purchase of a cancelled event that cannot be given back is left, and said, and the others go on."""

import os
import subprocess
import sys

import pytest
from psycopg import sql

from tests.conftest import Connection
from tests.support.domain import Event, Sale, call, consistency, expect, make_event, net_paid, one, rows, run

REFUSAL = 'new row for relation "payment" violates check constraint "in_the_way" (23514)'


@pytest.fixture
def play(db: Connection) -> Event:
    return make_event(db, prices=(200,))


@pytest.fixture
def sales(db: Connection, play: Event) -> list[Sale]:
    """Five, of which something stands in the way of the first and the fourth."""
    made = [net_paid(db, play.price_group, email=f"b{number}@example.com") for number in range(5)]
    purchases = sql.SQL(", ").join(sql.Literal(made[number].purchase) for number in (0, 3))
    run(
        db,
        sql.SQL(
            "alter table billig.payment add constraint in_the_way check (kind <> 'REFUND' or purchase not in ({}))"
        ).format(purchases),
    )
    call(db, "cancel_event", event=play.event, reason="the singer is ill")
    return made


def give_back(db: Connection, event: Event, purchases: int) -> tuple[int, ...]:
    (answer,) = call(db, "refund_cancelled", event=event.event, purchases=purchases)
    return tuple(answer[name] for name in ("purchases_done", "purchases_left", "purchases_refused", "tickets_refunded"))


@pytest.mark.parametrize(
    ("batch", "answers"),
    [
        (100, [(3, 2, 2, 3), (0, 2, 2, 0)]),
        (2, [(1, 4, 1, 1), (1, 3, 2, 1), (1, 2, 2, 1), (0, 2, 2, 0)]),
        (1, [(0, 5, 1, 0), (1, 4, 1, 1), (1, 3, 1, 1), (0, 3, 2, 0), (1, 2, 2, 1), (0, 2, 2, 0)]),
    ],
)
def test_what_is_refused_waits_behind_the_others_and_is_given_back_when_nothing_stands_in_the_way(
    db: Connection, play: Event, sales: list[Sale], batch: int, answers: list[tuple[int, ...]]
) -> None:
    assert [give_back(db, play, batch) for _ in answers] == answers
    told = [row for row in call(db, "preview_cancel", event=play.event) if row["item"] == "REFUSED"]
    assert [(row["purchases"], row["is_in_the_way"]) for row in told] == [(2, True)]
    assert f"purchase {sales[0].purchase} for one: {REFUSAL}" in told[0]["note"]
    assert one(db, "select count(*) from billig.ticket where refunded is null") == 2, "nothing is half done"
    assert consistency(db) == {}
    with expect("23514", native=True):  # what is done is not refused
        run(db, "update billig.cancelled_purchase set done_at = now(), done_by = 'x' where refusal is not null")

    run(db, "alter table billig.payment drop constraint in_the_way")
    assert give_back(db, play, 100) == (2, 0, 0, 2)
    assert rows(db, "select * from billig.cancelled_purchase where refusal is not null") == []
    assert one(db, "select -sum(amount) from billig.payment_line where amount < 0") == 1000
    assert consistency(db) == {}


def test_the_command_ends_and_names_what_says_why(db: Connection, play: Event, sales: list[Sale]) -> None:
    where = f"postgresql://{db.info.user}@/{db.info.dbname}?host={db.info.host}&port={db.info.port}"
    ended = subprocess.run(
        [sys.executable, "-m", "pybridge", "event", "cancel", str(play.event), "--batch", "1"],
        env={**os.environ, "DATABASE_URL": where},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode != 0
    assert "2 purchases are left; 2 of them were refused" in ended.stderr
    assert f"pybridge event cancel {play.event} --dry-run" in ended.stderr
    assert "3 purchases done" in ended.stdout
