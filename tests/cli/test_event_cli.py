"""`pybridge event` and what a till says of cancelled events: cancels to the end, goes on where it was, pays back."""

import json
from datetime import datetime, timedelta

import pytest

from pybridge.cli import event as command
from tests.conftest import Connect, Connection
from tests.support.cli import Run, run
from tests.support.domain import (
    Event,
    consistency,
    make_cash_point,
    make_event,
    net,
    net_paid,
    one,
    open_till,
    sell,
)

__all__ = ["run"]  # a fixture


@pytest.fixture
def play(db: Connection) -> Event:
    make_cash_point(db, 1)
    return make_event(db, prices=(200,))


def test_a_dry_run_says_what_it_would_come_to_and_changes_nothing(db: Connection, play: Event, run: Run) -> None:
    said = run(db, "event", "cancel", str(play.event), "--dry-run")
    assert (said.exit_code, said.output) == (0, "There are no live tickets, and nothing is in the way.\n")
    net_paid(db, play.price_group, 2)
    net(db, play.price_group)
    said = run(db, "event", "cancel", str(play.event), "--dry-run")
    assert said.exit_code == 0, said.output
    assert "PROVIDER" in said.output
    assert "! not paid" in said.output
    assert "! look at these first" in said.output
    (item,) = [
        each
        for each in json.loads(run(db, "event", "cancel", str(play.event), "--dry-run", "--json").output)
        if each["item"] == "PROVIDER"
    ]
    assert (item["payment_method"], item["purchases"], item["tickets"], item["amount"]) == ("NET_CARD", 1, 2, "400.00")
    assert one(db, "select count(*) from billig.event_change") == 0


def test_an_event_is_cancelled_given_back_and_paid_out(
    db: Connection, play: Event, run: Run, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "PATIENCE", 0.2)
    web = [net_paid(db, play.price_group, email=f"b{n}@example.com") for n in range(5)]
    cash = sell(db, play.price_group, 2, cash_point=1)
    holding = connect(autocommit=False)
    holding.execute("select from billig.ticket where ticket = %s for update", [web[0].ticket])
    said = run(db, "event", "cancel", str(play.event), "--reason", "the singer is ill", "--batch", "2")
    assert said.exit_code == 1
    assert "5 purchases done" in said.output
    assert "1 purchases are left: somebody else has them in hand." in said.output
    holding.rollback()
    said = run(db, "event", "cancel", str(play.event), "--json")
    assert said.exit_code == 0, said.output
    done = json.loads(said.output)
    assert (done["purchases_done"], done["purchases_left"], done["tickets_refunded"]) == (1, 0, 1)
    again = run(db, "event", "cancel", str(play.event), "--reason", "rain")
    assert again.exit_code == 1
    assert "23B52" in again.output

    said = run(db, "till", "owed", "--ticket", str(cash.tickets[1]))
    assert said.exit_code == 0, said.output
    assert "STAND" in said.output
    open_till(db, opening_float=1000)
    said = run(db, "till", "pay-back", str(cash.purchase), "--seller", "kari")
    assert (said.exit_code, said.output) == (0, f"purchase {cash.purchase}: 2 tickets, 400.00 paid back\n")
    assert run(db, "till", "pay-back", str(cash.purchase), "--seller", "kari").exit_code == 1
    assert "Nothing is left" in run(db, "till", "owed", "--purchase", str(cash.purchase)).output
    assert consistency(db) == {}


def test_an_event_is_moved(db: Connection, play: Event, run: Run) -> None:
    at = (datetime.now() + timedelta(days=40)).replace(hour=20, minute=0)
    sell(db, play.price_group)
    arguments = ("event", "move", str(play.event), "--to", f"{at:%Y-%m-%d %H:%M}", "--reason", "the hall is wet")
    said = run(db, *arguments, "--place", "Storsalen")
    assert said.exit_code == 0, said.output
    assert "1 live tickets, 0 of them at another VAT rate" in said.output
    assert one(db, "select event_location from billig.event where event = %s", play.event) == "Storsalen"
    assert run(db, "event", "move", str(play.event), "--to", "tomorrow", "--reason", "x").exit_code == 2
    assert (
        json.loads(
            run(db, *(each if each != arguments[4] else f"{at:%Y-%m-%d} 21:00" for each in arguments), "--json").output
        )["tickets"]
        == 1
    )
