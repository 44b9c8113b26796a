"""Disputes that payout reports tell of: recorded once, with the provider's fee, or left to a person with the reason."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest

from tests.conftest import Connect, Connection
from tests.support.banking import match_open, route
from tests.support.domain import (
    Event,
    Row,
    call,
    call_in,
    consistency,
    expect,
    make_event,
    net,
    one,
    rows,
    run,
    wait_for,
)
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


@pytest.mark.parametrize("taken", [210, 30])
def test_a_dispute_that_is_won_makes_what_it_had_paid_back_a_debt_again(
    db: Connection, tmp_path: Path, event: Event, taken: int
) -> None:
    """230 were paid for a ticket of 200; the dispute takes the 30 that are owed back, and perhaps 180 of the ticket."""
    confirm(db, event, "pi_1", 230)
    lines = [L("1", "230.00"), L("1", f"-{taken}.00", "150.00", category="dispute", source="dp_1")]
    if taken == 30:
        call(db, "refund", tickets=[one(db, "select ticket from billig.ticket")])
        lines.insert(1, L("1", "-200.00", category="refund"))
    load(db, tmp_path, stripe(*lines, L("1", f"{taken}.00", category="dispute_reversal", source="dp_1")))
    assert [row["outcome"] for row in record(db)] == ["RECORDED", "RECORDED"]
    assert record(db) == [], "once"
    assert rows(
        db, "select state, amount, provider_reference, dispute_reference from report.owed_back order by owed_back"
    ) == [
        {"state": "PAID_BACK", "amount": 30, "provider_reference": "pi_1", "dispute_reference": None},
        {"state": "OWED", "amount": 30, "provider_reference": "pi_1", "dispute_reference": "dp_1"},
    ]
    call_in(db, "bank", "expect", until=one(db, "select billig.local_time()::date"))
    assert rows(db, "select amount, fee from bank.expected where reference = 'dp_1' and amount > 0") == [
        {"amount": taken, "fee": 0}
    ], "one item, by the dispute's name"
    assert one(db, "select sum(amount) from books.voucher_line where account = 2990") == -30
    assert consistency(db) == {}
    call(db, "record_chargeback_won", dispute_reference="dp_1")
    assert one(db, "select count(*) from billig.owed_back") == 2, "once"
    purchase = one(db, "select purchase from report.owed_back where state = 'OWED'")
    said = call(db, "confirm_net_payment", purchase=purchase, amount=230, provider_reference="pi_1")
    assert [row["amount"] for row in said if row["result"] == "OWED"] == [30], "the client is told as ever"
    if taken == 210:  # the ticket has its money again, and another dispute takes that first
        return
    # Another dispute of the same charge ends that debt.
    load(db, tmp_path, stripe(L("1", "-30.00", category="dispute", source="dp_2", payout="po_2")))
    assert [row["outcome"] for row in record(db)] == ["RECORDED"]
    assert one(db, "select settled_reference from report.owed_back where dispute_reference = 'dp_1'") == "dp_2"
    assert one(db, "select coalesce(sum(amount), 0) from books.voucher_line where account = 2990") == 0
    assert consistency(db) == {}


@pytest.mark.parametrize(("left", "won"), [(0, False), (80, False), (0, True), (80, True)])
def test_a_dispute_of_more_than_there_is_takes_that_and_the_rest_is_a_loss(
    db: Connection, tmp_path: Path, event: Event, left: int, won: bool
) -> None:
    """230 were paid for a ticket of 200. All but what is left of the ticket had gone back; the dispute takes 230."""
    ticket = confirm(db, event, "pi_1", 230)
    lines = [L("1", "230.00"), L("1", "-230.00", "150.00", category="dispute", source="dp_1")]
    call(db, "reduce_price", tickets=[ticket], amounts=[200 - left], seller="kari", reason="rain") if left else call(
        db, "refund", tickets=[ticket]
    )
    lines.insert(1, L("1", f"-{200 - left}.00", category="refund"))
    lines += [L("1", "230.00", category="dispute_reversal", source="dp_1")] * won
    load(db, tmp_path, stripe(*lines))
    assert [row["outcome"] for row in record(db)] == ["RECORDED"] * (1 + won)
    assert record(db) == [], "once"
    status = "WON" if won else "OPEN" if left else "LOST"
    assert rows(db, "select status, amount, loss_amount, fee, provider_reference from report.dispute") == [
        {"status": status, "amount": left, "loss_amount": 200 - left, "fee": 150, "provider_reference": "pi_1"}
    ]
    call_in(db, "bank", "expect", until=one(db, "select billig.local_time()::date"))
    items = rows(db, "select amount, fee from bank.expected where reference = 'dp_1' order by amount")
    assert items == [{"amount": -230, "fee": 150}, {"amount": 230, "fee": 0}][: 1 + won], "one item each"
    lost = one(db, "select coalesce(sum(amount), 0) from books.voucher_line where account = 7830")
    assert lost == (0 if won else 200 - left)
    assert one(db, "select coalesce(sum(amount), 0) from books.voucher_line where account = 2990") == (
        -30 if won else 0
    )
    assert one(db, "select sum(amount) from books.voucher_line") == 0
    assert one(db, "select count(*) from consistency.voucher_balance") == 0
    taken = one(db, "select sum(line_amount) from report.bank_ticket where ticket is null and payment is not null")
    assert taken == (0 if won else left - 200)
    booked(db, tmp_path, (Decimal("-150.00") + (0 if won else -230) + left + 30, "po_1"))
    assert match_open(db) == {"PAYOUT": 1}
    assert rows(db, "select * from report.payout_difference") == []
    for change in (
        "update billig.dispute_loss set amount = 1",
        "update billig.dispute_loss set won_at = now(), won_by = 'x', reason = 'x'",
        "delete from billig.dispute_loss",
    ):
        with expect("23B20"):
            run(db, change)
    assert consistency(db) == {}


def test_no_more_is_lost_to_disputes_than_was_charged(db: Connection, tmp_path: Path, event: Event) -> None:
    ticket = confirm(db, event, "pi_1")
    call(db, "refund", tickets=[ticket])
    lines = [L("1", f"-{each}.00", category="dispute", source=f"dp_{each}") for each in (201, 120, 81, 80)]
    load(db, tmp_path, stripe(*lines))
    too_much = "more is charged back than is left of the payment"
    assert [row["outcome"] for row in record(db)] == [too_much, "RECORDED", too_much, "RECORDED"]
    assert one(db, "select sum(amount) from billig.dispute_loss") == 200
    assert consistency(db) == {}


def test_what_disputes_hold_and_what_they_lost_is_no_more_than_was_charged(
    db: Connection, tmp_path: Path, event: Event
) -> None:
    ticket = confirm(db, event, "pi_1")
    call(db, "record_chargeback", dispute_reference="dp_1", provider_reference="pi_1", amount=150)
    call(db, "refund", tickets=[ticket])
    lines = [L("1", f"-{each}.00", category="dispute", source=f"dp_{each}") for each in (160, 50)]
    load(db, tmp_path, stripe(*lines))
    assert [row["outcome"] for row in record(db)] == ["more is charged back than is left of the payment", "RECORDED"]
    assert [row["loss_amount"] for row in rows(db, "select loss_amount from report.dispute order by 1")] == [0, 50]
    call(db, "record_chargeback_won", dispute_reference="dp_1")
    assert consistency(db) == {}


def test_a_dispute_of_what_another_holds_waits_for_a_person_until_that_is_won(
    db: Connection, tmp_path: Path, event: Event
) -> None:
    """Else the ticket would have the money again beside the loss, and it could be given back once more."""
    ticket = confirm(db, event, "pi_1")
    call(db, "record_chargeback", dispute_reference="dp_1", provider_reference="pi_1")
    load(db, tmp_path, stripe(L("1", "-200.00", category="dispute", source="dp_2")))
    assert [row["outcome"] for row in record(db)] == ["more is charged back than is left of the payment"]
    call(db, "record_chargeback_won", dispute_reference="dp_1")
    assert [row["outcome"] for row in record(db)] == ["RECORDED"]
    assert one(db, "select charged_back from billig.ticket where ticket = %s", ticket) == 200
    assert one(db, "select count(*) from billig.dispute_loss") == 0
    assert consistency(db) == {}


def test_a_dispute_waits_for_one_that_is_being_won(
    db: Connection, connect: Connect, tmp_path: Path, event: Event
) -> None:
    ticket = confirm(db, event, "pi_1")
    call(db, "record_chargeback", dispute_reference="dp_1", provider_reference="pi_1")
    load(db, tmp_path, stripe(L("1", "-200.00", category="dispute", source="dp_2")))
    with connect(autocommit=False) as winning, connect() as recording:
        call(winning, "record_chargeback_won", dispute_reference="dp_1")
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(record, recording)
            wait_for(db, recording.info.backend_pid)
            winning.commit()
            assert [row["outcome"] for row in answer.result(30)] == ["RECORDED"]
    assert one(db, "select charged_back from billig.ticket where ticket = %s", ticket) == 200
    assert one(db, "select count(*) from billig.dispute_loss") == 0
    assert consistency(db) == {}


def test_which_of_several_debts_a_won_dispute_had_paid_is_not_guessed(
    db: Connection, tmp_path: Path, event: Event
) -> None:
    for reference in ("pi_1", "pi_2"):
        call(db, "confirm_net_payment", purchase=900_001, amount=75, provider_reference=reference)
    for owed in rows(db, "select owed_back from billig.owed_back"):
        call(db, "settle_owed_back", owed_back=owed["owed_back"], reference="dp_1")
    with expect("23B39"):
        call(db, "record_chargeback_won", dispute_reference="dp_1")
    load(db, tmp_path, stripe(L("1", "75.00", category="dispute_reversal", source="dp_1")))
    assert [row["outcome"] for row in record(db)] == ["it cannot be told which debt the dispute had paid"]
    assert one(db, "select count(*) from report.owed_back where state = 'OWED'") == 0


def test_vipps_tells_of_what_it_retains_and_returns_of_a_disputed_payment(
    db: Connection, tmp_path: Path, event: Event
) -> None:
    route(db, "PAYMENT", "VIPPS")
    sale = net(db, event.price_group)
    call(
        db, "confirm_net_payment", purchase=sale.purchase, amount=200, provider_reference="order-7",
        payment_method="VIPPS",
    )  # fmt: skip
    said = (
        "pspReference,time,ledgerDate,entryType,reference,currency,amount,recipientHandle\n"
        "111,2026-01-14T18:53:00.000000Z,2026-01-14,capture,order-7,NOK,20000,NO:100\n"
        "222,2026-01-14T19:10:00.000000Z,2026-01-14,retained-disputed-capture,order-7,NOK,-20000,NO:100\n"
        "77-2000400,2026-01-14T23:10:00.000000Z,2026-01-14,payout-scheduled,,NOK,0,\n"
        "333,2026-01-15T19:10:00.000000Z,2026-01-15,returned-disputed-capture,order-7,NOK,20000,NO:100\n"
        "444,2026-01-15T19:11:00.000000Z,2026-01-15,returned-disputed-capture,order-7,NOK,-1,NO:100\n"
        "77-2000401,2026-01-15T23:10:00.000000Z,2026-01-15,payout-scheduled,,NOK,-19999,\n"
    )
    load(db, tmp_path, said, to="VIPPS")
    assert [row["kind"] for row in rows(db, "select kind from bank.payout_line order by line")] == [
        "PAYMENT", "DISPUTE", "DISPUTE", "ADJUSTMENT",
    ]  # fmt: skip
    assert [(row["dispute_reference"], row["outcome"]) for row in record(db)] == [
        ("DISPUTE-order-7", "RECORDED"), ("DISPUTE-order-7", "RECORDED"),
    ]  # fmt: skip
    assert one(db, "select status from report.dispute") == "WON"
    call_in(db, "bank", "expect", until=one(db, "select billig.local_time()::date"))
    match_open(db)
    assert [row["kind"] for row in rows(db, "select kind from report.payout_difference")] == ["ADJUSTMENT"]
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
