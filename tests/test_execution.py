"""Charging and paying exactly once: what an attempt may do, what answers mean, who is paid when, and who decides."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import LiteralString

import psycopg
import pytest

from pybridge.execution import due, execute
from pybridge.gateways import Answer, NotConfigured
from tests import market
from tests.conftest import Connect, Connection
from tests.domain import consistency, expect, one, rows, run
from tests.market import at, call, errors
from tests.payments import (
    CHARGE_DAY,
    FEBRUARY,
    JANUARY,
    PAYOUT_DAY,
    Scripted,
    Town,
    attempts,
    executed,
    fund,
    holds,
    job_run,
    later,
    means,
    states,
    town,
)


@pytest.fixture
def here(db: Connection) -> Iterator[Town]:
    made = town(db)
    made.month()
    yield made
    assert consistency(db) == {}


@pytest.fixture
def gateway() -> Scripted:
    return Scripted()


@contextmanager
def refused(sqlstate: str, *, native: bool = False) -> Iterator[None]:
    with expect(sqlstate, native=native):
        yield


# --- When -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "month", "day"),
    [
        ("CHARGE", date(2026, 1, 1), date(2026, 2, 2)),  # the 1st is a Sunday
        ("PAYOUT", date(2026, 1, 1), date(2026, 2, 16)),
        ("CHARGE", date(2026, 3, 1), date(2026, 4, 1)),  # the day before Maundy Thursday
        ("CHARGE", date(2026, 4, 1), date(2026, 5, 4)),  # 1 May is a Friday
        ("CHARGE", date(2026, 12, 1), date(2027, 1, 4)),
        ("PAYOUT", date(2026, 5, 1), date(2026, 6, 15)),
        ("PAYOUT", date(2028, 1, 1), date(2028, 2, 15)),
    ],
)
def test_a_day_that_is_no_bank_day_moves(shared_db: Connection, kind: str, month: date, day: date) -> None:
    assert one(shared_db, "select marketplace.due_date(%s, %s)", kind, month) == day


def test_where_a_day_moves_is_configured(shared_db: Connection) -> None:
    with shared_db.transaction(force_rollback=True):
        run(shared_db, "insert into marketplace.execution_day values ('CHARGE', '2026-02-01', 6, 'PREVIOUS')")
        asked = "select marketplace.due_date('CHARGE', %s)"
        assert one(shared_db, asked, JANUARY) == date(2026, 2, 2)
        assert one(shared_db, asked, date(2026, 3, 1)) == date(2026, 4, 1)  # back over the whole of Easter
        run(shared_db, "update marketplace.execution_day set no_bank_day = 'SAME' where valid_from = '2026-02-01'")
        assert one(shared_db, asked, date(2026, 3, 1)) == date(2026, 4, 6)


def test_bank_holidays_are_norways(shared_db: Connection) -> None:
    """Easter Sunday by the anonymous Gregorian algorithm (Meeus), and what hangs on it."""
    expected = set()
    for year in range(2024, 2061):
        a, b, c = year % 19, year // 100, year % 100
        d, e = b // 4, b % 4
        g = (8 * b + 13) // 25
        h = (19 * a + b - d - g + 15) % 30
        i, k = c // 4, c % 4
        m = (32 + 2 * e + 2 * i - h - k) % 7
        n = (a + 11 * h + 22 * m) // 451
        month, day = divmod(h + m - 7 * n + 114, 31)
        easter = date(year, month, day + 1).toordinal()
        expected |= {date.fromordinal(easter + days) for days in (-3, -2, 0, 1, 39, 49, 50)}
        expected |= {date(year, *each) for each in ((1, 1), (5, 1), (5, 17), (12, 25), (12, 26))}
    assert {row["holiday"] for row in rows(shared_db, "select holiday from marketplace.bank_holiday")} == expected


def test_nothing_is_due_before_its_day(here: Town, gateway: Scripted) -> None:
    early = executed(here.db, gateway, at(2026, 2, 1, 23, 59))
    assert (early.prepared, early.outcome, gateway.asked) == (0, "succeeded", [])
    assert set(holds(here.db, at(2026, 2, 1, 23, 59)).values()) == {"NOT_DUE"}
    assert holds(here.db, at(2026, 2, 2))[here.advertisers[0], "CHARGE"] is None


# --- The good path --------------------------------------------------------------------------------------------------


def test_who_owes_is_charged_first_and_who_is_owed_is_paid_from_that(here: Town, gateway: Scripted) -> None:
    done = executed(here.db, gateway, CHARGE_DAY)
    assert (done.prepared, done.states, done.outcome) == (1, {"SUCCEEDED": 1}, "succeeded")
    ((_, request),) = gateway.asked
    assert (request.kind, request.amount, request.currency) == ("CHARGE", 5000, "NOK")
    charged = market.transaction(here.db, here.advertisers[0], JANUARY)
    assert (charged["status"], charged["executed"]) == ("EXECUTED", date(2026, 2, 2))
    assert request.request["metadata"] == {
        "attempt": str(request.attempt),
        "attempt_number": "1",
        "transaction": str(charged["transaction"]),
        "profile": str(here.advertisers[0]),
        "month": "2026-01-01",
        "kind": "CHARGE",
    }
    assert here.status(here.publisher) == "NEW"
    assert fund(here.db) == 50

    assert executed(here.db, gateway, PAYOUT_DAY).states == {"SUCCEEDED": 1}
    assert (gateway.asked[-1][1].kind, gateway.asked[-1][1].amount) == ("PAYOUT", 3500)
    assert gateway.asked[-1][1].request["execution_date"] == "2026-02-16"
    assert here.status(here.publisher) == "EXECUTED"
    assert fund(here.db) == 15  # the commission
    assert errors(here.db, JANUARY) == []

    for moment in (PAYOUT_DAY, later(PAYOUT_DAY, days=100)):
        assert executed(here.db, gateway, moment).prepared == 0
    assert len(gateway.asked) == 2


def test_a_dry_run_says_who_and_changes_nothing(here: Town) -> None:
    said = {(row.kind, row.amount, row.hold) for row in due(here.db, CHARGE_DAY)}
    assert said == {("CHARGE", Decimal(50), None), ("PAYOUT", Decimal(35), "NOT_DUE")}
    assert {row.hold for row in due(here.db, PAYOUT_DAY) if row.kind == "PAYOUT"} == {"FUND"}
    assert attempts(here.db) == []


def test_what_is_below_the_minimum_is_never_executed(db: Connection, gateway: Scripted) -> None:
    here = town(db, price="9")
    market.set_minimum(db, "10", "100")
    here.month()
    assert executed(db, gateway, later(PAYOUT_DAY, days=30)).prepared == 0
    assert here.status(here.advertisers[0]) == "ROLLED_OVER"


# --- What answers mean ----------------------------------------------------------------------------------------------

DECLINED_SOFT = Answer("declined", "pi_1", error_code="card_declined", decline_code="insufficient_funds")
DECLINED_HARD = Answer("declined", "pi_1", error_code="card_declined", decline_code="stolen_card")


@pytest.mark.parametrize(
    ("answer", "state", "status", "outcome"),
    [
        (Answer("succeeded", "pi_1", 5000, "NOK"), "SUCCEEDED", "EXECUTED", "succeeded"),
        (Answer("processing", "pi_1"), "PROCESSING", "NEW", "succeeded"),
        (Answer("requires_action", "pi_1"), "REQUIRES_ACTION", "NEW", "failed"),
        (DECLINED_SOFT, "DECLINED_SOFT", "NEW", "failed"),
        (DECLINED_HARD, "DECLINED_HARD", "FAILED", "failed"),
        (Answer("declined", decline_code="never heard of"), "DECLINED_HARD", "FAILED", "failed"),
        (Answer("rejected", error_code="parameter_missing"), "REJECTED", "FAILED", "failed"),
        (Answer("rate_limited"), "PREPARED", "NEW", "failed"),
        (Answer("unauthorized", message="no such key"), "PREPARED", "NEW", "failed"),
        (Answer("no_answer"), "UNKNOWN", "NEW", "failed"),
        (Answer("conflict"), "UNKNOWN", "NEW", "failed"),
        (Answer("succeeded", "pi_1", 5001, "NOK"), "UNKNOWN", "NEW", "failed"),
        (Answer("succeeded", "pi_1", 5000, "SEK"), "UNKNOWN", "NEW", "failed"),
    ],
    ids=lambda value: value.answer if isinstance(value, Answer) else "",
)
def test_each_answer_has_its_state(
    here: Town, gateway: Scripted, answer: Answer, state: str, status: str, outcome: str
) -> None:
    gateway.will(answer)
    done = executed(here.db, gateway, CHARGE_DAY)
    assert (done.states, done.outcome) == ({state: 1}, outcome)
    assert states(here.db) == [state]
    assert here.status(here.advertisers[0]) == status
    (attempt,) = attempts(here.db)
    alarming = answer.answer == "conflict" or (answer.answer == "succeeded" and state == "UNKNOWN")
    assert (attempt["alarm"] is not None) == alarming == (done.alarms == 1)
    assert ("PAYMENT_ALARM" in errors(here.db, JANUARY)) == alarming
    events = rows(here.db, "select event, to_state, note from report.payment_event order by payment_attempt_event")
    assert [row["to_state"] for row in events] == ["PREPARED", "SUBMITTED", state]


def test_a_soft_decline_is_tried_after_3_5_and_7_days_with_new_keys(here: Town, gateway: Scripted) -> None:
    now, tried = CHARGE_DAY, []
    for wait in (3, 5, 7, None):
        gateway.will(Answer("declined", f"pi_{wait}", decline_code="insufficient_funds"))
        assert executed(here.db, gateway, now).states == {"DECLINED_SOFT": 1}
        tried.append(now)
        if wait:
            soon = later(now, days=wait, seconds=-1)
            assert holds(here.db, soon)[here.advertisers[0], "CHARGE"] == "RETRY_LATER"
            assert executed(here.db, gateway, soon).prepared == 0
            now = later(now, days=wait)
    assert holds(here.db, later(now, days=99))[here.advertisers[0], "CHARGE"] == "EXHAUSTED"
    assert here.status(here.advertisers[0]) == "FAILED"
    assert executed(here.db, gateway, later(now, days=99)).prepared == 0
    found = attempts(here.db)
    assert [row["attempt_number"] for row in found] == [1, 2, 3, 4]
    assert len({row["idempotency_key"] for row in found}) == 4
    means(here.db, here.advertisers[0], "CHARGE")
    assert executed(here.db, gateway, later(now, days=99)).states == {"SUCCEEDED": 2}  # and the publisher is paid
    assert here.status(here.advertisers[0]) == "EXECUTED"


def test_a_hard_decline_waits_for_another_card(here: Town, gateway: Scripted) -> None:
    gateway.will(DECLINED_HARD)
    executed(here.db, gateway, CHARGE_DAY)
    assert holds(here.db, PAYOUT_DAY) == {
        (here.advertisers[0], "CHARGE"): "DECLINED",
        (here.publisher, "PAYOUT"): "FUND",
    }
    means(here.db, here.advertisers[0], "CHARGE")
    assert executed(here.db, gateway, PAYOUT_DAY).states == {"SUCCEEDED": 2}
    assert [row["kind"] for row in attempts(here.db)] == ["CHARGE", "CHARGE", "PAYOUT"]


def test_without_means_of_payment_it_waits(db: Connection, gateway: Scripted) -> None:
    here = town(db)
    here.month()
    run(db, "update marketplace.payment_means set ended_at = now()")
    assert set(holds(db, PAYOUT_DAY).values()) == {"NO_MEANS"}
    assert executed(db, gateway, PAYOUT_DAY).prepared == 0


def test_what_was_rejected_or_cancelled_waits_for_a_person(here: Town, gateway: Scripted, db: Connection) -> None:
    gateway.will(Answer("rejected", error_code="parameter_missing"))
    executed(db, gateway, CHARGE_DAY)
    assert holds(db, PAYOUT_DAY)[here.advertisers[0], "CHARGE"] == "REJECTED"
    (charge,) = attempts(db)
    with refused("22023"):
        call(db, "retry_transaction", transaction=charge["transaction"], reason="")
    call(db, "retry_transaction", transaction=charge["transaction"], reason="the request was mended")
    with job_run(db):
        one(db, "select marketplace.prepare_attempts('CHARGE', %s)", CHARGE_DAY)
    with refused("23B75"):
        call(db, "retry_transaction", transaction=charge["transaction"], reason="again")
    second = attempts(db)[1]
    call(db, "cancel_attempt", payment_attempt=second["payment_attempt"], reason="they pay by invoice")
    assert here.status(here.advertisers[0]) == "FAILED"
    assert holds(db, PAYOUT_DAY)[here.advertisers[0], "CHARGE"] == "CANCELLED"
    with refused("23B74"):
        call(db, "cancel_attempt", payment_attempt=second["payment_attempt"], reason="again")
    call(db, "retry_transaction", transaction=charge["transaction"], reason="they do not")
    assert executed(db, gateway, CHARGE_DAY).states == {"SUCCEEDED": 1}
    assert states(db) == ["REJECTED", "CANCELLED", "SUCCEEDED"]


# --- Not knowing ----------------------------------------------------------------------------------------------------


def test_what_is_unknown_is_sent_again_with_the_same_key(here: Town, gateway: Scripted) -> None:
    gateway.will("no_answer", "no_answer", "rate_limited", Answer("succeeded", "pi_1", 5000, "NOK"))
    for hours, state in ((0, "UNKNOWN"), (1, "UNKNOWN"), (2, "UNKNOWN"), (3, "SUCCEEDED")):
        assert executed(here.db, gateway, later(CHARGE_DAY, hours=hours)).states == {state: 1}
    sent = [request for how, request in gateway.asked if how == "send"]
    assert len(sent) == 4
    assert len({(each.idempotency_key, each.amount, str(each.request), each.submitted_at) for each in sent}) == 1
    assert one(here.db, "select sent from marketplace.payment_attempt") == 4


def test_one_run_asks_about_each_once(here: Town, gateway: Scripted) -> None:
    gateway.will("no_answer", "no_answer", "no_answer")
    executed(here.db, gateway, CHARGE_DAY)
    executed(here.db, gateway, later(CHARGE_DAY, hours=1))
    assert len(gateway.asked) == 2


def test_what_is_too_old_to_send_is_looked_up(here: Town, gateway: Scripted) -> None:
    gateway.will("no_answer", "no_answer", Answer("succeeded", "pi_1", 5000, "NOK"))
    executed(here.db, gateway, CHARGE_DAY)
    executed(here.db, gateway, later(CHARGE_DAY, hours=22, minutes=59))
    executed(here.db, gateway, later(CHARGE_DAY, hours=23))
    assert [how for how, _ in gateway.asked] == ["send", "send", "look_up"]
    assert states(here.db) == ["SUCCEEDED"]


def test_where_nothing_is_found_a_person_says_what_happened(here: Town, gateway: Scripted, db: Connection) -> None:
    gateway.will("no_answer", "not_found")
    executed(db, gateway, CHARGE_DAY)
    executed(db, gateway, later(CHARGE_DAY, days=1))
    (attempt,) = attempts(db)
    assert (attempt["state"], attempt["alarm"]) == ("UNKNOWN", "not_found")
    assert executed(db, gateway, later(CHARGE_DAY, days=2)).prepared == 0
    assert len(gateway.asked) == 2, "a person was told: nothing more is asked"
    assert holds(db, PAYOUT_DAY)[here.advertisers[0], "CHARGE"] == "ALARM"
    number = attempt["payment_attempt"]
    with refused("22023"):
        call(db, "resolve_attempt", payment_attempt=number, done=True, reason="they say so")
    with db.transaction(force_rollback=True):
        call(db, "resolve_attempt", payment_attempt=number, done=True, reason="it is there", gateway_id="pi_9")
        assert here.status(here.advertisers[0]) == "EXECUTED"
    call(db, "resolve_attempt", payment_attempt=number, done=False, reason="it is not there")
    assert (states(db), here.status(here.advertisers[0])) == (["CANCELLED"], "NEW")
    with refused("23B75"):
        call(db, "resolve_attempt", payment_attempt=number, done=False, reason="again")
    assert executed(db, gateway, later(CHARGE_DAY, days=2)).states == {"SUCCEEDED": 1}
    first, second = attempts(db)
    assert first["idempotency_key"] != second["idempotency_key"]


def test_a_run_that_died_while_it_sent_is_found_out_about(here: Town, gateway: Scripted, connect: Connect) -> None:
    dying = connect()
    gateway.will(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt), job_run(dying):
        number = one(dying, "select max(job_run) from jobs.job_run")
        execute(dying, number, CHARGE_DAY, lambda _: gateway)
    assert states(here.db) == ["SUBMITTED"]
    dying.close()
    while one(here.db, "select state from report.job_run order by job_run desc limit 1") != "crashed":
        time.sleep(0.01)
    assert executed(here.db, gateway, later(CHARGE_DAY, minutes=5)).states == {"SUCCEEDED": 1}
    steps = rows(here.db, "select event from report.payment_event order by payment_attempt_event")
    assert [row["event"] for row in steps] == ["prepared", "claimed", "crashed", "sent_again", "succeeded"]
    assert len({request.idempotency_key for _, request in gateway.asked}) == 1


def test_what_another_live_run_is_sending_is_left_alone(here: Town, connect: Connect) -> None:
    other = connect()
    with job_run(other) as number:
        one(other, "select marketplace.prepare_attempts('CHARGE', %s)", CHARGE_DAY)
        sent = rows(
            other, "select * from marketplace.claim_attempts('stripe', 'CHARGE', %s, 1, %s)", number, CHARGE_DAY
        )
        assert len(sent) == 1
        with job_run(here.db, "marketplace_update") as mine:  # another job's: the constraints are what really guards
            asked = "select * from marketplace.unresolved_calls('stripe', %s, %s)"
            assert rows(here.db, asked, mine, later(CHARGE_DAY, hours=1)) == []
            claim = "select * from marketplace.claim_attempts('stripe', 'CHARGE', %s, 1, %s)"
            assert rows(here.db, claim, mine, CHARGE_DAY) == []
            assert one(here.db, "select marketplace.prepare_attempts('CHARGE', %s)", CHARGE_DAY) == 0
        assert states(here.db) == ["SUBMITTED"]


def test_processing_is_polled_and_action_is_waited_for(here: Town, gateway: Scripted) -> None:
    gateway.will(Answer("processing", "pi_1"), Answer("processing", "pi_1"))
    executed(here.db, gateway, CHARGE_DAY)
    executed(here.db, gateway, later(CHARGE_DAY, minutes=59))
    assert len(gateway.asked) == 1
    executed(here.db, gateway, later(CHARGE_DAY, minutes=60))
    executed(here.db, gateway, later(CHARGE_DAY, minutes=121))
    assert [how for how, _ in gateway.asked] == ["send", "look_up", "look_up"]
    assert here.status(here.advertisers[0]) == "EXECUTED"


def test_who_does_not_act_in_time_is_called_off(here: Town, gateway: Scripted) -> None:
    gateway.will(Answer("requires_action", "pi_1"), Answer("declined", "pi_1", decline_code="canceled"))
    executed(here.db, gateway, CHARGE_DAY)
    executed(here.db, gateway, later(CHARGE_DAY, days=6))
    assert states(here.db) == ["REQUIRES_ACTION"]
    executed(here.db, gateway, later(CHARGE_DAY, days=7))
    assert [how for how, _ in gateway.asked] == ["send", "cancel"]
    assert states(here.db) == ["DECLINED_HARD"]


def test_a_gateway_that_knows_us_not_stops_and_the_others_go_on(db: Connection, gateway: Scripted) -> None:
    here = town(db, advertisers=5)
    here.month()
    gateway.will(Answer("unauthorized", message="Invalid API key"))
    done = executed(db, gateway, CHARGE_DAY)
    assert (len(gateway.asked), done.stopped) == (1, {"stripe": "Invalid API key"})
    assert states(db) == ["PREPARED"] * 5
    gateway.will("rate_limited", "rate_limited", "rate_limited")
    done = executed(db, gateway, CHARGE_DAY)
    assert (len(gateway.asked), done.stopped) == (4, {"stripe": "it asks us to slow down"})
    assert executed(db, gateway, later(CHARGE_DAY, minutes=1)).states == {"SUCCEEDED": 5}
    assert one(db, "select count(distinct idempotency_key) from marketplace.payment_attempt") == 5
    assert fund(db) == 250

    def closed(_: str) -> Scripted:
        raise NotConfigured("STRIPE_API_KEY is not set")

    with job_run(db) as number:
        done = execute(db, number, PAYOUT_DAY, closed)
    assert done.stopped == {"stripe": "STRIPE_API_KEY is not set"}
    assert executed(db, gateway, PAYOUT_DAY).states == {"SUCCEEDED": 1}


def test_a_batch_is_sent_again_as_the_whole_it_was(db: Connection) -> None:
    here = town(db, advertisers=2)
    others = [market.profile(db) for _ in range(2)]
    for other in others:
        means(db, other, "PAYOUT", "bank", name="Kari Nordmann", iban="NO9386011117947")
    means(db, here.publisher, "PAYOUT", "bank", name="Ola Nordmann", iban="NO9386011117947")
    for other in others:
        market.clicks(db, here.ads[0], market.website(db, other), market.day(JANUARY, 12))
    here.month()
    executed(db, Scripted(), CHARGE_DAY)
    bank = Scripted("bank", batch_limit=100)
    bank.will("no_answer", "no_answer", "no_answer")
    executed(db, bank, PAYOUT_DAY)
    batches = {row["batch"] for row in attempts(db) if row["kind"] == "PAYOUT"}
    assert len(batches) == 1
    bank.will(Answer("processing", "a"), Answer("rejected"), Answer("processing", "c"))
    executed(db, bank, later(PAYOUT_DAY, hours=1))
    assert [request.attempt for _, request in bank.asked[:3]] == [request.attempt for _, request in bank.asked[3:]]
    assert [request.batch for _, request in bank.asked] == [*batches] * 6
    assert [row["state"] for row in attempts(db) if row["kind"] == "PAYOUT"] == ["PROCESSING", "REJECTED", "PROCESSING"]
    assert consistency(db) == {}
