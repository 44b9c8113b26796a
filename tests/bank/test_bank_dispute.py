"""Disputes that payout reports tell of: recorded once, with the provider's fee, or left to a person with the reason."""

from decimal import Decimal
from pathlib import Path

import pytest

from tests.conftest import Connection
from tests.support.banking import match_open, route
from tests.support.domain import Event, Row, call, call_in, consistency, make_event, net, one, rows
from tests.support.payouts import L, booked, load, stripe


@pytest.fixture
def event(db: Connection) -> Event:
    route(db, "PAYMENT", "NET_CARD")
    return make_event(db, prices=(200,))


def record(db: Connection) -> list[Row]:
    return call_in(db, "bank", "record_disputes")


def confirm(db: Connection, event: Event, reference: str, amount: int = 200) -> int:
    sale = net(db, event.price_group)
    call(db, "confirm_net_payment", purchase=sale.purchase, amount=amount, provider_reference=reference)
    return sale.ticket


def test_a_dispute_of_the_report_is_recorded_with_its_fee_and_matched(
    db: Connection, tmp_path: Path, event: Event
) -> None:
    ticket = confirm(db, event, "pi_1")
    load(db, tmp_path, stripe(L("1", "200.00", "4.80"), L("1", "-200.00", "150.00", category="dispute")))
    assert [tuple(row.values()) for row in record(db)] == [("po_1", 3, "re_1", Decimal(-200), "RECORDED")]
    assert record(db) == [], "once"
    assert one(db, "select charged_back from billig.ticket where ticket = %s", ticket) == 200
    assert one(db, "select fee from billig.dispute") == 150
    today = one(db, "select billig.local_time()::date")
    call_in(db, "bank", "expect", until=today)
    items = rows(db, "select reference, amount, fee from bank.expected order by expected")
    assert [tuple(row.values()) for row in items] == [("pi_1", 200, 0), ("re_1", -200, 150)]
    booked(db, tmp_path, (Decimal("-154.80"), "po_1"))
    assert match_open(db) == {"PAYOUT": 1}
    assert rows(db, "select kind, amount from bank.match_line") == [{"kind": "FEE", "amount": Decimal("-154.80")}]
    assert consistency(db) == {}


def test_a_dispute_of_all_of_a_payment_pays_back_what_of_it_is_owed(
    db: Connection, tmp_path: Path, event: Event
) -> None:
    confirm(db, event, "pi_1", 230)
    load(db, tmp_path, stripe(L("1", "230.00"), L("1", "-230.00", category="dispute")))
    assert [row["outcome"] for row in record(db)] == ["RECORDED"]
    assert rows(db, "select state, settled_reference from report.owed_back") == [
        {"state": "PAID_BACK", "settled_reference": "re_1"}
    ]
    call_in(db, "bank", "expect", until=one(db, "select billig.local_time()::date"))
    items = rows(db, "select reference, amount from bank.expected order by expected")
    assert [tuple(row.values()) for row in items] == [("pi_1", 230), ("re_1", -230)], "in one item"
    assert consistency(db) == {}


@pytest.mark.parametrize(("taken", "left"), [(210, 20), (205, 25), (30, 200), (200, 0)])
def test_a_dispute_of_more_than_the_tickets_hold_takes_what_is_owed_and_the_rest_of_them(
    db: Connection, tmp_path: Path, event: Event, taken: int, left: int
) -> None:
    ticket = confirm(db, event, "pi_1", 230)
    if taken == 30:  # they hold nothing any more
        call(db, "refund", tickets=[ticket])
    load(db, tmp_path, stripe(L("1", "230.00"), L("1", f"-{taken}.00", category="dispute")))
    assert [row["outcome"] for row in record(db)] == ["RECORDED"]
    assert record(db) == []
    state = "OWED" if taken == 200 else "PAID_BACK"
    assert one(db, "select state from report.owed_back") == state, "200 is what the ticket holds"
    assert one(db, "select price - charged_back from billig.ticket") == left
    call_in(db, "bank", "expect", until=one(db, "select billig.local_time()::date"))
    assert one(db, "select amount from bank.expected where reference = 're_1'") == -taken
    assert consistency(db) == {}


def test_what_cannot_be_recorded_is_told_and_stays_a_persons(db: Connection, tmp_path: Path, event: Event) -> None:
    confirm(db, event, "pi_1")
    lines = [
        L("9", "-200.00", category="dispute"),
        L("1", "-300.00", category="dispute"),
        L("1", "-50.00", category="dispute"),
        L("1", "70.00", category="dispute_reversal"),
    ]
    load(db, tmp_path, stripe(*lines))
    told = {row["line"]: row["outcome"] for row in record(db)}
    assert told == {
        2: "no payment of tickets has that name",
        3: "more is charged back than is left of the payment",
        4: "RECORDED",
        5: "no such chargeback",
    }
    assert [row["line"] for row in record(db)] == [2, 3, 5], "they come again"
    assert one(db, "select sum(charged_back) from billig.ticket") == 50
    assert consistency(db) == {}
