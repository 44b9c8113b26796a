"""Charging and paying exactly once: what an attempt may do, what answers mean, who is paid when, and who decides."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import LiteralString

import pytest

from pybridge.payments import gateways
from pybridge.payments.execution import due, execute
from pybridge.payments.gateways import Answer, NotConfigured
from tests.conftest import Connect, Connection
from tests.support import market
from tests.support.domain import Row, consistency, expect, login_role, one, rows, run
from tests.support.market import at, call, errors
from tests.support.payments import (
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
    looked,
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
        "ledger": str(one(here.db, "select ledger from deploy.ledger")),
        "attempt_number": "1",
        "profile": str(here.advertisers[0]),
        "month": "2026-01",
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
    events = rows(here.db, "select to_state, note from report.payment_event order by payment_attempt_event")
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


@pytest.mark.parametrize(("by", "code"), [("stripe", "balance_insufficient"), ("bank", "AM04")])
def test_our_own_empty_balance_is_nobodys_decline_and_is_tried_again_without_limit(
    here: Town, gateway: Scripted, by: str, code: str
) -> None:
    details = {"name": "Avisa AS", "iban": "NO9386011117947"} if by == "bank" else {}
    means(here.db, here.publisher, "PAYOUT", by, **details)
    executed(here.db, gateway, CHARGE_DAY)
    now = PAYOUT_DAY
    said = "select reason from marketplace.why_not_paid(%s)"
    for _ in range(6):
        gateway.will(Answer("declined", decline_code=code))
        done = executed(here.db, gateway, now)
        assert (done.states, done.alarms, dict(done.short)) == ({"DECLINED_SOFT": 1}, 0, {by: 1})
        assert f"our balance at {by} does not suffice for 1" in str(done.amiss)
        assert here.status(here.publisher) == "NEW", "it has not failed"
        assert holds(here.db, later(now, hours=23))[here.publisher, "PAYOUT"] == "BALANCE"
        assert one(here.db, said, here.publisher) == "WAITS_FOR_US"
        now = later(now, days=1)
    assert len({row["idempotency_key"] for row in attempts(here.db, here.publisher)}) == 6
    # What the payee's bank declines counts from the first: four more.
    for wait in (3, 5, 7):
        gateway.will(Answer("declined", decline_code="AB05" if by == "bank" else "try_again_later"))
        assert executed(here.db, gateway, now).states == {"DECLINED_SOFT": 1}
        assert holds(here.db, later(now, days=1))[here.publisher, "PAYOUT"] == "RETRY_LATER"
        now = later(now, days=wait)
    assert executed(here.db, gateway, now).states == {"SUCCEEDED": 1}
    assert consistency(here.db) == {}


def test_of_a_charge_the_same_word_is_the_payers(here: Town, gateway: Scripted) -> None:
    gateway.will(Answer("declined", decline_code="insufficient_funds"))
    assert not executed(here.db, gateway, CHARGE_DAY).short
    assert holds(here.db, later(CHARGE_DAY, days=1))[here.advertisers[0], "CHARGE"] == "RETRY_LATER"
    with expect("23514", native=True):
        run(here.db, "update marketplace.payment_attempt set is_ours = true, event = 'released'")


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
    with db.transaction(force_rollback=True):
        means(db, here.advertisers[0], "CHARGE")
        assert holds(db, PAYOUT_DAY)[here.advertisers[0], "CHARGE"] == "CANCELLED", "another card is no consent"
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
    assert len(gateway.asked) == 2, "it was sent a minute ago, and may not be in the gateway's list yet"
    executed(here.db, gateway, later(CHARGE_DAY, hours=24))
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
    with pytest.raises(KeyboardInterrupt):
        executed(dying, gateway, CHARGE_DAY)
    assert states(here.db) == ["SUBMITTED"]
    dying.close()
    while one(here.db, "select state from report.job_run order by job_run desc limit 1") != "crashed":
        time.sleep(0.01)
    assert executed(here.db, gateway, later(CHARGE_DAY, minutes=5)).states == {"SUCCEEDED": 1}
    steps = rows(here.db, "select step as event from report.payment_event order by payment_attempt_event")
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


def test_what_another_live_run_is_asking_about_is_left_alone(
    here: Town, gateway: Scripted, db: Connection, connect: Connect
) -> None:
    """Else the same request is under way twice, and a refusal of the one would close what the other does."""
    gateway.will("no_answer")
    executed(db, gateway, CHARGE_DAY)
    other = connect()
    number = one(other, "select job_run from jobs.begin_run('marketplace_update')")
    looked(other, number)
    asked = "select action from marketplace.unresolved_calls('stripe', %s, %s)"
    assert len(rows(other, asked, number, later(CHARGE_DAY, hours=1))) == 1
    with job_run(db) as mine:
        assert rows(db, asked, mine, later(CHARGE_DAY, hours=2)) == []
        other.close()
        gone(db, number)
        assert rows(db, asked, mine, later(CHARGE_DAY, hours=2)) == [{"action": "SEND"}]


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


# --- What gateways say by themselves --------------------------------------------------------------------------------


def event(db: Connection, number: str, answer: str, attempt: Row | None = None, **said: object) -> str:
    """An event of Stripe's; by the key of the attempt, unless `said` has another way to know it."""
    if attempt is not None:
        said = {"idempotency_key": attempt["idempotency_key"], **said}
    told = {"gateway": "stripe", "event_id": number, "event_kind": "", "answer": answer, "now": CHARGE_DAY, **said}
    return str(call(db, "record_event", **told)[0]["record_event"])


def test_an_event_is_applied_once_in_whatever_order_they_come(here: Town, gateway: Scripted, db: Connection) -> None:
    gateway.will(Answer("processing", "pi_1"))
    executed(db, gateway, CHARGE_DAY)
    (attempt,) = attempts(db)
    assert event(db, "evt_1", "succeeded", attempt, gateway_id="pi_1", amount=5000, currency="NOK") == "APPLIED"
    assert event(db, "evt_1", "succeeded", attempt, gateway_id="pi_1", amount=5000, currency="NOK") == "SEEN"
    assert event(db, "evt_0", "processing", gateway_id="pi_1") == "NOTHING_NEW"
    assert event(db, "evt_2", "succeeded", gateway_id="pi_1", amount=5000, currency="NOK") == "NOTHING_NEW"
    assert event(db, "evt_3", "succeeded", gateway_id="pi_2") == "NOT_OURS"
    assert event(db, "evt_4", "succeeded") == "NOT_OURS"
    assert here.status(here.advertisers[0]) == "EXECUTED"
    assert fund(db) == 50
    with refused("22023"):
        event(db, "", "succeeded")
    with refused("22023"):
        event(db, "evt_6", "gone", attempt)


def test_an_event_that_overtakes_the_answer_is_no_second_payment(here: Town, gateway: Scripted, db: Connection) -> None:
    with job_run(db) as number:
        one(db, "select marketplace.prepare_attempts('CHARGE', %s)", CHARGE_DAY)
        rows(db, "select * from marketplace.claim_attempts('stripe', 'CHARGE', %s, 1, %s)", number, CHARGE_DAY)
        (attempt,) = attempts(db)
        assert event(db, "evt_1", "succeeded", attempt, gateway_id="pi_1", amount=5000, currency="NOK") == "APPLIED"
        (said,) = call(
            db, "record_answer", payment_attempt=attempt["payment_attempt"], answer="no_answer", now=CHARGE_DAY
        )
        assert (said["outcome"], said["state"], said["status"]) == ("NOTHING_NEW", "SUCCEEDED", "EXECUTED")


@pytest.mark.parametrize("answer", [DECLINED_HARD, Answer("rejected"), DECLINED_SOFT], ids=lambda each: each.answer)
def test_money_that_moved_although_it_was_declined_is_an_alarm(
    here: Town, gateway: Scripted, db: Connection, answer: Answer
) -> None:
    gateway.will(answer)
    executed(db, gateway, CHARGE_DAY)
    (attempt,) = attempts(db)
    means(db, here.advertisers[0], "CHARGE")
    assert event(db, "evt_1", "succeeded", attempt, amount=5000, currency="NOK") == "ALARM"
    assert holds(db, PAYOUT_DAY)[here.advertisers[0], "CHARGE"] == "ALARM"
    assert executed(db, gateway, PAYOUT_DAY).prepared == 0, "the card may have been charged already"
    assert errors(db, JANUARY) == ["PAYMENT_ALARM"]
    with refused("23B75"):
        call(db, "resolve_attempt", payment_attempt=attempt["payment_attempt"], done=False, reason="?")
    call(db, "clear_alarm", payment_attempt=attempt["payment_attempt"], reason="given back at the gateway")
    with refused("23B75"):
        call(db, "clear_alarm", payment_attempt=attempt["payment_attempt"], reason="again")
    executed(db, gateway, later(CHARGE_DAY, days=1))
    assert here.status(here.advertisers[0]) == "EXECUTED"


def test_another_payment_under_our_key_is_an_alarm(here: Town, gateway: Scripted, db: Connection) -> None:
    gateway.will(Answer("processing", "pi_1"), Answer("succeeded", "pi_2", 5000, "NOK"))
    executed(db, gateway, CHARGE_DAY)
    executed(db, gateway, later(CHARGE_DAY, hours=2))
    (attempt,) = attempts(db)
    assert (attempt["state"], attempt["alarm"], attempt["gateway_id"]) == ("PROCESSING", "mismatch", "pi_1")


def test_one_payment_is_not_two_attempts(db: Connection, gateway: Scripted) -> None:
    here = town(db, advertisers=2)
    here.month()
    gateway.will(*[Answer("succeeded", "pi_1", 5000, "NOK")] * 2)
    assert executed(db, gateway, CHARGE_DAY).states == {"SUCCEEDED": 1, "UNKNOWN": 1}
    assert [row["alarm"] for row in attempts(db)] == [None, "mismatch"]
    assert consistency(db) == {}


def test_a_payout_that_comes_back_is_owed_again(here: Town, gateway: Scripted, db: Connection) -> None:
    executed(db, gateway, CHARGE_DAY)
    executed(db, gateway, PAYOUT_DAY)
    payout = attempts(db, here.publisher)[0]
    assert event(db, "evt_1", "returned", payout, decline_code="AC04") == "APPLIED"
    assert event(db, "evt_2", "returned", payout, decline_code="AC04") == "NOTHING_NEW"
    assert here.status(here.publisher) == "EXECUTED"
    (again,) = rows(db, "select * from marketplace.transaction where kind = 'ADJUSTMENT'")
    old = market.transaction(db, here.publisher, JANUARY)
    assert (again["corrects"], again["due_amount"], again["month"]) == (old["transaction"], -35, FEBRUARY)
    assert fund(db) == 50
    assert holds(db, PAYOUT_DAY)[here.publisher, "PAYOUT"] == "RETURNED"
    assert executed(db, gateway, PAYOUT_DAY).prepared == 0
    with db.transaction(force_rollback=True):
        means(db, here.publisher, "PAYOUT")
        assert executed_kinds(db, gateway) == ["PAYOUT"]
    call(db, "retry_transaction", transaction=again["transaction"], reason="the account is open again")
    assert executed(db, gateway, PAYOUT_DAY).states == {"SUCCEEDED": 1}
    assert fund(db) == 15
    assert errors(db, JANUARY) == []
    market.close(db, FEBRUARY)
    assert errors(db, FEBRUARY) == []


def executed_kinds(db: Connection, gateway: Scripted) -> list[str]:
    """The kinds that a run prepares at once."""
    return [
        kind
        for kind in ("CHARGE", "PAYOUT", "REFUND")
        if one(db, "select marketplace.prepare_attempts(%s, %s)", kind, PAYOUT_DAY)
    ]


def test_what_comes_back_before_it_was_booked_was_paid_and_is_owed_again(
    here: Town, gateway: Scripted, db: Connection
) -> None:
    executed(db, gateway, CHARGE_DAY)
    gateway.will(Answer("processing", "tr_1"))
    executed(db, gateway, PAYOUT_DAY)
    assert event(db, "evt_1", "returned", gateway_id="tr_1", decline_code="AC04") == "APPLIED"
    assert (states(db, here.publisher), here.status(here.publisher)) == (["SUCCEEDED"], "EXECUTED")
    assert fund(db) == 50
    assert holds(db, PAYOUT_DAY)[here.publisher, "PAYOUT"] == "RETURNED"


# --- The fund -------------------------------------------------------------------------------------------------------


def test_nothing_is_paid_that_has_not_come_in(here: Town, gateway: Scripted, db: Connection) -> None:
    gateway.will(DECLINED_HARD)
    executed(db, gateway, PAYOUT_DAY)
    assert holds(db, PAYOUT_DAY)[here.publisher, "PAYOUT"] == "FUND"
    assert here.status(here.publisher) == "NEW"
    call(db, "move_reserve", amount=Decimal("34.99"), reason="ours", now=PAYOUT_DAY)
    assert executed(db, gateway, PAYOUT_DAY).prepared == 0
    call(db, "move_reserve", amount=Decimal("0.01"), reason="ours", now=PAYOUT_DAY)
    assert executed(db, gateway, PAYOUT_DAY).states == {"SUCCEEDED": 1}
    assert fund(db) == 0


def test_where_there_is_not_enough_those_go_first_whose_advertisers_have_paid(
    db: Connection, gateway: Scripted
) -> None:
    here = town(db, advertisers=2)
    second = market.profile(db)
    means(db, second, "PAYOUT")
    market.clicks(db, here.ads[1], market.website(db, second), *[market.day(JANUARY, 13)] * 2)
    market.clicks(db, here.ads[0], here.site, market.day(JANUARY, 13))
    market.close(db, JANUARY)
    gateway.will(DECLINED_HARD)  # of the first advertiser, upon whom the first publisher depends
    executed(db, gateway, CHARGE_DAY)
    assert fund(db) == 100
    assert executed(db, gateway, PAYOUT_DAY).states == {"SUCCEEDED": 1}
    assert states(db, second) == ["SUCCEEDED"], "though the other's transaction is the older one"
    assert fund(db) == 30
    assert holds(db, PAYOUT_DAY)[here.publisher, "PAYOUT"] == "FUND"
    assert consistency(db) == {}


def test_what_is_owed_is_not_taken_out(here: Town, gateway: Scripted, db: Connection) -> None:
    executed(db, gateway, CHARGE_DAY)
    with refused("23B76"):
        call(db, "move_reserve", amount=Decimal("-15.01"), reason="commission", now=CHARGE_DAY)
    for amount, reason in (("0", "x"), ("0.001", "x"), ("1", "")):
        with refused("22023"):
            call(db, "move_reserve", amount=Decimal(amount), reason=reason, now=CHARGE_DAY)
    (left,) = call(db, "move_reserve", amount=Decimal("-15"), reason="commission", now=CHARGE_DAY)
    assert left["move_reserve"] == 35
    assert executed(db, gateway, PAYOUT_DAY).states == {"SUCCEEDED": 1}
    (row,) = rows(db, "select came_in, committed, reserve, available, to_charge, to_pay from report.marketplace_fund")
    assert list(row.values()) == [50, 35, -15, 0, 0, 0]


def test_the_fund_is_a_constraint(here: Town, gateway: Scripted, db: Connection) -> None:
    """Whoever goes around prepare_attempts is stopped by the row itself."""
    payout = market.transaction(db, here.publisher, JANUARY)["transaction"]
    number = one(db, "select payment_means from marketplace.payment_means where kind = 'PAYOUT'")
    query = """
        insert into marketplace.payment_attempt (
            transaction, profile, kind, attempt_number, amount, gateway, payment_means, idempotency_key, request,
            prepared_at, changed_at
        ) values (%s, %s, 'PAYOUT', 1, 3500, 'stripe', %s, 'k', '{}', now(), now())
    """
    with expect("23B76") as refusal:
        run(db, query, payout, here.publisher, number)
    assert "move_reserve(35.00, 'why', p_purse => 'main')" in (refusal.value.diag.message_hint or "")
    with refused("23514", native=True):  # and whoever goes around what says so
        run(db, "update marketplace.purse set committed = committed + 3500")


# --- Refunds --------------------------------------------------------------------------------------------------------


def test_a_charge_is_given_back_in_parts_and_never_more(here: Town, gateway: Scripted, db: Connection) -> None:
    charged = market.transaction(db, here.advertisers[0], JANUARY)["transaction"]
    with refused("23B73"):
        call(db, "refund_transaction", transaction=charged, request_id="r629", reason="too early")
    executed(db, gateway, CHARGE_DAY)
    for amount, reason in (("0", "x"), ("-1", "x"), ("0.001", "x"), ("1", "")):
        with refused("22023"):
            call(
                db, "refund_transaction", transaction=charged, request_id="r633", reason=reason, amount=Decimal(amount)
            )
    with refused("P0002"):
        call(db, "refund_transaction", transaction=0, request_id="r635", reason="x")

    def refund(amount: str | None, request: str, reason: str = "a mistake") -> int:
        answer = call(
            db,
            "refund_transaction",
            transaction=charged,
            reason=reason,
            amount=amount and Decimal(amount),
            request_id=request,
            now=CHARGE_DAY,
        )
        return int(answer[0]["refund_transaction"])

    first = refund("20", "a")
    assert refund("20", "a") == first
    for amount, reason in (("21", "a mistake"), ("20", "another")):
        with refused("23B13"):
            refund(amount, "a", reason)
    with refused("23B72"):
        refund("30.01", "b")
    assert executed(db, gateway, CHARGE_DAY).states == {"SUCCEEDED": 1}
    asked = gateway.asked[-1][1]
    assert (asked.kind, asked.amount, asked.request["refunds"]) == ("REFUND", 2000, gateway_id(db, charged))
    refund(None, "c1")
    with refused("23B72"):
        refund(None, "c2")
    with refused("23B72"):
        refund("0.01", "c3")
    executed(db, gateway, CHARGE_DAY)
    found = rows(
        db, "select kind, status, due_amount, corrects from marketplace.transaction where kind = 'REFUND' order by 3"
    )
    assert [tuple(row.values()) for row in found] == [
        ("REFUND", "EXECUTED", -30, charged),
        ("REFUND", "EXECUTED", -20, charged),
    ]
    assert fund(db) == 0
    assert executed(db, gateway, PAYOUT_DAY).prepared == 0, "the publisher waits for money"
    assert errors(db, JANUARY) == []


def gateway_id(db: Connection, transaction: int) -> str:
    query = "select gateway_id from marketplace.payment_attempt where transaction = %s and kind = 'CHARGE'"
    return str(one(db, query, transaction))


def test_a_refund_after_the_close_joins_no_closed_month(here: Town, gateway: Scripted, db: Connection) -> None:
    executed(db, gateway, CHARGE_DAY)
    executed(db, gateway, PAYOUT_DAY)
    market.close(db, FEBRUARY)
    charged = market.transaction(db, here.advertisers[0], JANUARY)["transaction"]
    call(
        db,
        "refund_transaction",
        transaction=charged,
        request_id="r687",
        reason="late",
        amount=Decimal(20),
        now=at(2026, 3, 20),
    )
    assert one(db, "select month from marketplace.transaction where kind = 'REFUND'") == date(2026, 3, 1)
    assert set(holds(db, at(2026, 3, 20)).values()) == {"FUND"}, "15 are left of what came in"
    call(db, "move_reserve", amount=Decimal(5), reason="ours", now=at(2026, 3, 20))
    assert executed(db, gateway, at(2026, 3, 20)).states == {"SUCCEEDED": 1}
    assert fund(db) == 0
    for month in (JANUARY, FEBRUARY):
        assert errors(db, month) == []


def test_a_refund_that_comes_back_is_owed_again(here: Town, gateway: Scripted, db: Connection) -> None:
    executed(db, gateway, CHARGE_DAY)
    charged = market.transaction(db, here.advertisers[0], JANUARY)["transaction"]
    call(db, "refund_transaction", transaction=charged, request_id="r700", reason="a mistake", now=CHARGE_DAY)
    executed(db, gateway, CHARGE_DAY)
    assert event(db, "evt_1", "returned", attempts(db)[-1]) == "APPLIED"
    assert holds(db, PAYOUT_DAY)[here.advertisers[0], "PAYOUT"] == "NO_MEANS"
    assert event(db, "evt_2", "returned", attempts(db)[0]) == "ALARM", "a charge does not come back by itself"
    call(db, "clear_alarm", payment_attempt=attempts(db)[0]["payment_attempt"], reason="a dispute, answered")


# --- What the tables themselves refuse ------------------------------------------------------------------------------


def test_any_other_step_is_refused(here: Town, gateway: Scripted, db: Connection) -> None:
    """Every pair of states: those of attempt_step pass, all others are refused, whoever asks."""
    allowed = {(row["from_state"], row["to_state"]) for row in rows(db, "select * from marketplace.attempt_step")}
    names = {name for pair in allowed for name in pair if name}
    assert len(names) == 10
    assert ("DECLINED_HARD", "SUCCEEDED") not in allowed
    assert {pair for pair in allowed if pair[0] == "SUCCEEDED"} == {("SUCCEEDED", "SUCCEEDED")}
    one(db, "select marketplace.prepare_attempts('CHARGE', %s)", CHARGE_DAY)
    with refused("23B70"):
        run(db, "update marketplace.payment_attempt set state = 'SUCCEEDED', event = 'succeeded'")
    with refused("23B70"):
        run(
            db,
            "update marketplace.payment_attempt set state = 'SUCCEEDED', event = 'succeeded', from_state = 'SUBMITTED'",
        )
    with refused("23B70"):
        run(db, "update marketplace.payment_attempt set state = 'SUBMITTED', event = 'succeeded'")
    with refused("23B70"):
        run(db, "update marketplace.payment_attempt set sent = 0")


def test_what_was_asked_is_frozen(here: Town, gateway: Scripted, db: Connection) -> None:
    executed(db, gateway, CHARGE_DAY)
    for change in (
        "amount = 1", "transaction = 1", "profile = 1", "kind = 'PAYOUT'", "attempt_number = 2",
        "idempotency_key = 'x'",
        "request = '{}'", "gateway_id = 'x'", "submitted_at = now()", "resolved_at = null", "prepared_at = now()",
        "currency = 'SEK'", "purse = 'x'", "refunded = 1", "disputed = 1", "lost = 1", "credited = 1",
        "returned_at = now()", "batch = 'x'",
    ):  # fmt: skip
        with refused("23B71"):
            db.execute(f"update marketplace.payment_attempt set {change}, event = 'released'".encode())
    for statement in (
        "delete from marketplace.payment_attempt",
        "truncate marketplace.payment_attempt cascade",
        "update marketplace.payment_attempt_event set note = ''",
        "delete from marketplace.payment_attempt_event",
        "update marketplace.payment_means set details = '{}'",
        "update marketplace.payment_means set ended_at = null",
        "delete from marketplace.payment_means",
        "delete from marketplace.purse",
    ):
        with refused("23B62"):
            db.execute(statement)


def test_an_attempt_is_for_what_is_due(here: Town, gateway: Scripted, db: Connection) -> None:
    charged = market.transaction(db, here.advertisers[0], JANUARY)["transaction"]
    number = one(db, "select payment_means from marketplace.payment_means where kind = 'CHARGE'")
    query = """
        insert into marketplace.payment_attempt (
            transaction, profile, kind, attempt_number, amount, gateway, payment_means, idempotency_key, request,
            prepared_at, changed_at
        ) values (%s, %s, %s, %s, %s, 'stripe', %s, %s, '{}', now(), now())
    """
    owner = here.advertisers[0]
    for kind, amount in (("CHARGE", 4999), ("PAYOUT", 5000), ("REFUND", 5000)):
        with refused("23B70"):
            run(db, query, charged, owner, kind, 1, amount, number, "k")
    executed(db, gateway, CHARGE_DAY)
    with refused("23B70"):
        run(db, query, charged, owner, "CHARGE", 2, 5000, number, "k")


def test_two_attempts_at_once_are_impossible_by_constraint(here: Town, gateway: Scripted, db: Connection) -> None:
    """And with the index gone, the same statement would charge twice."""
    one(db, "select marketplace.prepare_attempts('CHARGE', %s)", CHARGE_DAY)
    query = """
        insert into marketplace.payment_attempt (
            transaction, profile, kind, attempt_number, amount, gateway, payment_means, idempotency_key, request,
            prepared_at, changed_at
        )
        select
            transaction, profile, kind, attempt_number + 1, amount, gateway, payment_means, 'another', request,
            now(), now()
        from marketplace.payment_attempt
    """
    with refused("23505", native=True):
        run(db, query)
    with db.transaction(force_rollback=True):
        run(db, "drop index marketplace.payment_attempt_live_key")
        assert run(db, query) == 1


def test_nothing_is_executed_without_a_payment(here: Town, db: Connection) -> None:
    with refused("23B77"):
        run(db, "update marketplace.transaction set status = 'EXECUTED', executed = '2026-02-02' where status = 'NEW'")


def test_means_of_payment_are_ended_not_changed(here: Town, db: Connection) -> None:
    owner = here.advertisers[0]
    old = one(db, "select payment_means from marketplace.payment_means where profile = %s", owner)
    details = one(db, "select details from marketplace.payment_means where profile = %s", owner)
    assert means(db, owner, "CHARGE", **details) == old, "the same again is the same"
    new = means(db, owner, "CHARGE", customer="cus_x", payment_method="pm_x")
    assert new != old
    found = rows(
        db, "select payment_means, ended_at is null as used from marketplace.payment_means where profile = %s", owner
    )
    assert {row["payment_means"]: row["used"] for row in found} == {old: False, new: True}
    with refused("P0002"):
        means(db, owner, "CHARGE", "bank", iban="NO9386011117947")
    with refused("P0002"):
        means(db, 10**9, "CHARGE")
    for details in ({"metadata": "x"}, {"customer": ""}):
        with refused("22023"):
            means(db, owner, "CHARGE", **details)
    with refused("22023"):
        call(db, "set_payment_means", profile=owner, kind="CHARGE", gateway="stripe", details="{}")


# --- Two at once ----------------------------------------------------------------------------------------------------


def test_two_runs_at_once_prepare_and_claim_each_attempt_once(db: Connection, connect: Connect) -> None:
    """Real connections; the constraint is what guards, as its own test shows with the index gone."""
    here = town(db, advertisers=20)
    here.month()
    errors_seen: list[BaseException] = []
    gateways = [Scripted(), Scripted()]

    def work(which: int, barrier: threading.Barrier) -> None:
        try:
            connection = connect()
            name = ("marketplace_execute", "marketplace_update")[which]  # two jobs' locks, so that both do run
            with job_run(connection, name) as number:
                barrier.wait()
                execute(connection, number, CHARGE_DAY, lambda _: gateways[which])
        except BaseException as error:
            errors_seen.append(error)

    barrier = threading.Barrier(2)
    threads = [threading.Thread(target=work, args=(which, barrier)) for which in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors_seen == []
    asked = [request.request["metadata"]["profile"] for each in gateways for _, request in each.asked]
    assert len(asked) == len(set(asked)) == 20
    assert all(each.asked for each in gateways), "both had a part of it"
    assert fund(db) == 1000
    assert consistency(db) == {}


def test_the_second_run_of_the_job_is_skipped(here: Town, connect: Connect) -> None:
    other = connect()
    with job_run(other):
        begun = here.db.execute("select outcome from jobs.begin_run('marketplace_execute')").fetchone()
        assert begun == ("skipped",)


def test_a_run_of_another_session_may_not_send(here: Town, connect: Connect) -> None:
    with job_run(connect()) as number:
        with refused("23B69"):
            call(here.db, "claim_attempts", gateway="stripe", kind="CHARGE", job_run=number)
        with refused("23B69"):
            call(here.db, "unresolved_calls", gateway="stripe", job_run=number)
    with refused("P0002"):
        call(here.db, "claim_attempts", gateway="stripe", kind="CHARGE", job_run=10**9)
    with refused("22023"):
        call(here.db, "prepare_attempts", kind="MONEY")
    with refused("P0002"):
        call(here.db, "record_answer", payment_attempt=10**9, answer="succeeded")
    with refused("P0002"):
        call(here.db, "cancel_attempt", payment_attempt=10**9, reason="x")


# --- What a reviewer tried ------------------------------------------------------------------------------------------


def claimed(db: Connection, number: int, kind: str = "CHARGE", now: datetime = CHARGE_DAY) -> Row:
    one(db, "select marketplace.prepare_attempts(%s, %s)", kind, now)
    (sent,) = rows(db, "select * from marketplace.claim_attempts('stripe', %s, %s, 1, %s)", kind, number, now)
    return sent


def gone(db: Connection, job_run: int) -> None:
    """Waits until the session of this run is seen to be gone."""
    while one(db, "select state from report.job_run where job_run = %s", job_run) != "crashed":
        time.sleep(0.01)


@pytest.mark.parametrize("stale", ["rejected", "rate_limited", "unauthorized", "no_answer", "not_found"])
def test_a_late_answer_of_a_run_that_was_replaced_is_nothing_new(
    here: Town, db: Connection, connect: Connect, stale: str
) -> None:
    """Else the attempt is closed, or looks unsent, while the newer call charges; and a person has it charged anew."""
    old = connect()
    number = one(old, "select job_run from jobs.begin_run('marketplace_update')")
    looked(old, number)
    sent = claimed(old, number)["payment_attempt"]
    old.close()
    gone(db, number)
    with job_run(db) as mine:
        asked = "select action from marketplace.unresolved_calls('stripe', %s, %s)"
        assert rows(db, asked, mine, later(CHARGE_DAY, minutes=1)) == [{"action": "SEND"}]
        said = {"payment_attempt": sent, "now": later(CHARGE_DAY, minutes=2)}
        (late,) = call(db, "record_answer", **said, answer=stale, job_run=number)
        assert (late["outcome"], late["state"]) == ("NOTHING_NEW", "UNKNOWN")
        assert one(db, "select event from marketplace.payment_attempt") == "sent_again"
        paid = {**said, "answer": "succeeded", "gateway_id": "pi_1", "amount": 5000, "currency": "NOK"}
        assert call(db, "record_answer", **paid, job_run=mine)[0]["state"] == "SUCCEEDED"


def test_a_late_answer_that_money_moved_counts_whoever_brings_it(here: Town, db: Connection, connect: Connect) -> None:
    old = connect()
    number = one(old, "select job_run from jobs.begin_run('marketplace_update')")
    looked(old, number)
    sent = claimed(old, number)["payment_attempt"]
    old.close()
    gone(db, number)
    with job_run(db) as mine:
        rows(db, "select * from marketplace.unresolved_calls('stripe', %s, %s)", mine, CHARGE_DAY)
        said = {"gateway_id": "pi_1", "amount": 5000, "currency": "NOK", "now": CHARGE_DAY, "job_run": number}
        (late,) = call(db, "record_answer", payment_attempt=sent, answer="succeeded", **said)
        assert late["state"] == "SUCCEEDED"
        assert one(db, "select job_run from marketplace.payment_attempt") == mine, "it sent it last"


def test_what_is_prepared_is_not_sent_once_the_earlier_attempt_turns_out_to_be_paid(
    here: Town, gateway: Scripted, db: Connection
) -> None:
    gateway.will(DECLINED_SOFT, "rate_limited")
    executed(db, gateway, CHARGE_DAY)
    executed(db, gateway, later(CHARGE_DAY, days=3))
    assert states(db) == ["DECLINED_SOFT", "PREPARED"]
    assert event(db, "evt_1", "succeeded", attempts(db)[0], amount=5000, currency="NOK") == "ALARM"
    executed(db, gateway, later(CHARGE_DAY, days=3, hours=1))
    assert len(gateway.asked) == 2, "the card was charged already"
    call(db, "clear_alarm", payment_attempt=attempts(db)[0]["payment_attempt"], reason="given back at the gateway")
    executed(db, gateway, later(CHARGE_DAY, days=3, hours=2))
    assert states(db) == ["DECLINED_SOFT", "SUCCEEDED"]


def test_what_is_unknown_is_not_sent_again_once_the_earlier_attempt_turns_out_to_be_paid(
    here: Town, gateway: Scripted, db: Connection
) -> None:
    gateway.will(DECLINED_SOFT, "no_answer")
    executed(db, gateway, CHARGE_DAY)
    executed(db, gateway, later(CHARGE_DAY, days=3))
    event(db, "evt_1", "succeeded", attempts(db)[0], amount=5000, currency="NOK")
    executed(db, gateway, later(CHARGE_DAY, days=3, hours=1))
    assert len(gateway.asked) == 2
    executed(db, gateway, later(CHARGE_DAY, days=4))
    assert gateway.asked[-1][0] == "look_up", "asking is no charge"


def test_a_charge_that_is_disputed_is_not_given_back_as_well(here: Town, gateway: Scripted, db: Connection) -> None:
    executed(db, gateway, CHARGE_DAY)
    (charge,) = attempts(db)
    call(
        db,
        "refund_transaction",
        transaction=charge["transaction"],
        request_id="r961",
        reason="a mistake",
        now=CHARGE_DAY,
    )
    assert event(db, "evt_1", "returned", charge) == "ALARM"
    assert holds(db, CHARGE_DAY)[here.advertisers[0], "REFUND"] == "ALARM"
    assert executed(db, gateway, CHARGE_DAY).prepared == 0
    call(db, "clear_alarm", payment_attempt=charge["payment_attempt"], reason="the dispute was won")
    assert executed(db, gateway, CHARGE_DAY).states == {"SUCCEEDED": 1}


def test_a_refund_that_fails_after_all_is_owed_again(here: Town, gateway: Scripted, db: Connection) -> None:
    executed(db, gateway, CHARGE_DAY)
    charged = market.transaction(db, here.advertisers[0], JANUARY)["transaction"]
    call(db, "refund_transaction", transaction=charged, request_id="r972", reason="a mistake", now=CHARGE_DAY)
    executed(db, gateway, CHARGE_DAY)
    refund = attempts(db)[-1]
    said = {"error_code": "refund_failed", "amount": 5000, "currency": "NOK"}
    assert event(db, "evt_1", "declined", refund, **said) == "APPLIED"
    assert event(db, "evt_2", "declined", refund, **said) == "NOTHING_NEW"
    again = rows(db, "select due_amount, corrects from marketplace.transaction where kind = 'ADJUSTMENT'")
    assert again == [{"due_amount": -50, "corrects": refund["transaction"]}]
    assert (attempts(db)[-1]["state"], fund(db)) == ("SUCCEEDED", Decimal(50))
    assert holds(db, CHARGE_DAY)[here.advertisers[0], "PAYOUT"] == "NO_MEANS"
    with refused("23B72"):
        call(db, "refund_transaction", transaction=charged, request_id="r983", reason="again", now=CHARGE_DAY)


@pytest.mark.parametrize("state", ["SUBMITTED", "UNKNOWN"])
def test_a_return_that_overtakes_the_answer_is_not_lost(
    here: Town, gateway: Scripted, db: Connection, state: str
) -> None:
    executed(db, gateway, CHARGE_DAY)
    with job_run(db) as number:
        sent = claimed(db, number, "PAYOUT", PAYOUT_DAY)
        if state == "UNKNOWN":
            call(db, "record_answer", payment_attempt=sent["payment_attempt"], answer="no_answer", now=PAYOUT_DAY)
        said = {"gateway_id": "tr_1", "amount": 3500, "currency": "NOK", "now": PAYOUT_DAY}
        assert event(db, "evt_1", "returned", attempts(db)[-1], **said) == "APPLIED"
        assert (attempts(db)[-1]["state"], here.status(here.publisher)) == ("SUCCEEDED", "EXECUTED")
        assert event(db, "evt_2", "succeeded", attempts(db)[-1], **said) == "NOTHING_NEW", "it was overtaken"
    assert fund(db) == 50
    means(db, here.publisher, "PAYOUT")
    executed(db, gateway, later(PAYOUT_DAY, hours=1))
    assert states(db, here.publisher) == ["SUCCEEDED", "SUCCEEDED"]
    assert fund(db) == 15


def test_partial_returns_are_an_alarm_until_all_of_it_has_come_back(
    here: Town, gateway: Scripted, db: Connection
) -> None:
    executed(db, gateway, CHARGE_DAY)
    executed(db, gateway, PAYOUT_DAY)
    payout = attempts(db, here.publisher)[0]
    assert event(db, "evt_1", "returned", payout, amount=1000, currency="NOK") == "ALARM"
    assert one(db, "select count(*) from marketplace.transaction where kind = 'ADJUSTMENT'") == 0
    event(db, "evt_2", "returned", payout, amount=3500, currency="NOK")  # what has come back in all
    assert fund(db) == 50
    means(db, here.publisher, "PAYOUT")
    assert holds(db, PAYOUT_DAY)[here.publisher, "PAYOUT"] == "ALARM"
    call(db, "clear_alarm", payment_attempt=payout["payment_attempt"], reason="all of it is back")
    assert executed(db, gateway, PAYOUT_DAY).states == {"SUCCEEDED": 1}
    assert fund(db) == 15


def test_a_payout_that_never_arrived_is_owed_again_by_a_persons_word(
    here: Town, gateway: Scripted, db: Connection
) -> None:
    executed(db, gateway, CHARGE_DAY)
    executed(db, gateway, PAYOUT_DAY)
    charge, payout = attempts(db)
    number = {"payment_attempt": payout["payment_attempt"], "done": False, "reason": "they say so", "now": PAYOUT_DAY}
    with refused("23B75"):
        call(db, "resolve_attempt", **number)
    assert event(db, "evt_1", "declined", payout, decline_code="AC04") == "ALARM"
    assert call(db, "resolve_attempt", **number) == [{"resolve_attempt": "SUCCEEDED"}]
    with refused("23B75"):
        call(db, "resolve_attempt", **number)
    assert (fund(db), here.status(here.publisher)) == (Decimal(50), "EXECUTED")
    assert holds(db, PAYOUT_DAY)[here.publisher, "PAYOUT"] == "RETURNED"
    assert event(db, "evt_2", "returned", charge) == "ALARM"
    with refused("23B75"):
        call(db, "resolve_attempt", **{**number, "payment_attempt": charge["payment_attempt"]})
    call(db, "clear_alarm", payment_attempt=charge["payment_attempt"], reason="a dispute, answered")


def test_how_old_a_key_is_the_servers_clock_says_as_well(here: Town, gateway: Scripted, db: Connection) -> None:
    """A run that is told an old moment, or after one that was told a coming one, would send a key that is forgotten."""
    run(db, "update marketplace.gateway set key_term = '50 milliseconds', poll_wait = '1 microsecond'")
    gateway.will("no_answer")
    executed(db, gateway, CHARGE_DAY)
    time.sleep(0.06)
    executed(db, gateway, later(CHARGE_DAY, microseconds=10))
    assert [how for how, _ in gateway.asked] == ["send", "look_up"]


def test_a_look_up_goes_back_to_when_it_was_really_sent(here: Town, gateway: Scripted, db: Connection) -> None:
    """Else what a run was told to send in a coming month is not found, and a person has it sent once more."""
    coming = at(2099, 2, 4, 6)
    gateway.will("no_answer")
    executed(db, gateway, coming)
    executed(db, gateway, later(coming, days=1))
    how, request = gateway.asked[1]
    assert how == "look_up"
    assert request.submitted_at == one(db, "select min(written_at) from report.payment_event where step = 'claimed'")


@pytest.mark.parametrize("now", ["infinity", "-infinity"])
def test_now_is_a_moment(here: Town, db: Connection, now: str) -> None:
    one(db, "select marketplace.prepare_attempts('CHARGE', %s)", CHARGE_DAY)
    with job_run(db) as number:
        with refused("22023"):
            call(db, "claim_attempts", gateway="stripe", kind="CHARGE", job_run=number, limit=1, now=now)
        with refused("22023"):
            call(db, "unresolved_calls", gateway="stripe", job_run=number, now=now)


def test_what_a_person_has_called_off_is_not_sent_with_its_batch(db: Connection) -> None:
    here = town(db)
    other = market.profile(db)
    for each in (here.publisher, other):
        means(db, each, "PAYOUT", "bank", name="Kari Nordmann", iban="NO9386011117947")
    market.clicks(db, here.ads[0], market.website(db, other), market.day(JANUARY, 12))
    here.month()
    executed(db, Scripted(), CHARGE_DAY)
    bank = Scripted("bank", batch_limit=100)
    bank.will("no_answer", "no_answer")
    executed(db, bank, PAYOUT_DAY)
    first, second = (row for row in attempts(db) if row["kind"] == "PAYOUT")
    assert event(db, "1", "succeeded", first, gateway="bank", amount=1, currency="NOK") == "ALARM"
    bank.will("no_answer")
    executed(db, bank, later(PAYOUT_DAY, hours=1))
    assert [request.attempt for _, request in bank.asked[2:]] == [second["payment_attempt"]], "a person looks at it"
    call(db, "resolve_attempt", payment_attempt=first["payment_attempt"], done=False, reason="not ours")
    with job_run(db) as number:
        asked = "select payment_attempt from marketplace.unresolved_calls('bank', %s, %s)"
        assert rows(db, asked, number, later(PAYOUT_DAY, hours=2)) == [{"payment_attempt": second["payment_attempt"]}]


def test_what_rolled_over_is_not_taken_out_either(db: Connection, gateway: Scripted) -> None:
    here = town(db)
    market.set_minimum(db, "0.01", "100")
    here.month()
    executed(db, gateway, PAYOUT_DAY)
    assert (here.status(here.publisher), fund(db)) == ("ROLLED_OVER", Decimal(50))
    with refused("23B76"):
        call(db, "move_reserve", amount=Decimal("-15.01"), reason="commission", now=PAYOUT_DAY)
    call(db, "move_reserve", amount=Decimal("-15"), reason="commission", now=PAYOUT_DAY)


def test_what_is_prepared_does_not_go_to_an_account_that_was_replaced(
    here: Town, gateway: Scripted, db: Connection
) -> None:
    executed(db, gateway, CHARGE_DAY)
    gateway.will("unauthorized")
    executed(db, gateway, PAYOUT_DAY)
    means(db, here.publisher, "PAYOUT", destination="acct_new")
    assert states(db, here.publisher) == ["CANCELLED"]
    assert fund(db) == 50
    assert executed(db, gateway, later(PAYOUT_DAY, hours=1)).states == {"SUCCEEDED": 1}
    assert gateway.asked[-1][1].request["destination"] == "acct_new"
    assert fund(db) == 15


def test_a_means_without_what_the_gateway_wants_stops_nobody_else(
    db: Connection, gateway: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = town(db)
    here.month()
    means(db, here.publisher, "PAYOUT", acount="acct_1")
    executed(db, gateway, CHARGE_DAY)
    stripe = gateways.open_gateway("stripe", {"STRIPE_API_KEY": "sk_test_1", "STRIPE_API_BASE": "http://127.0.0.1:1"})
    for question in ("newest", "heard"):
        monkeypatch.setattr(stripe, question, lambda *_: [])  # there is nobody at that address
    assert executed(db, stripe, PAYOUT_DAY).states == {"REJECTED": 1}
    assert holds(db, PAYOUT_DAY) == {(here.publisher, "PAYOUT"): "REJECTED"}


def test_a_batch_is_answered_while_one_of_it_is_answered_alone(db: Connection, connect: Connect) -> None:
    """Who has declined one of it holds the fund, and waits for nobody."""
    here = town(db)
    other = market.profile(db)
    for each in (here.publisher, other):
        means(db, each, "PAYOUT", "bank", name="Kari Nordmann", iban="NO9386011117947")
    market.clicks(db, here.ads[0], market.website(db, other), market.day(JANUARY, 12))
    here.month()
    executed(db, Scripted(), CHARGE_DAY)
    bank = Scripted("bank", batch_limit=100)
    bank.will("processing", "processing")
    executed(db, bank, PAYOUT_DAY)
    first, second = (row for row in attempts(db) if row["kind"] == "PAYOUT")
    alone, said = connect(), []
    with alone.transaction():
        run(alone, "select from marketplace.profile where profile = %s for no key update", second["profile"])
        whole = connect()

        def answer() -> None:
            said.append(event(whole, "1", "declined", gateway="bank", batch=first["batch"]))

        thread = threading.Thread(target=answer)
        thread.start()
        waits = "select count(*) from pg_stat_activity where pid = %s and wait_event_type = 'Lock'"
        while not one(db, waits, whole.info.backend_pid):
            time.sleep(0.01)
        call(alone, "record_answer", payment_attempt=second["payment_attempt"], answer="declined", now=PAYOUT_DAY)
    thread.join()
    assert said == ["APPLIED"]
    assert [row["state"] for row in attempts(db) if row["kind"] == "PAYOUT"] == ["DECLINED_HARD"] * 2
    assert consistency(db) == {}


def test_a_batch_is_taken_by_one_at_a_time(db: Connection, connect: Connect) -> None:
    """Two that lock its attempts in different orders would wait for each other, and a run would die of it."""
    here = town(db)
    means(db, here.publisher, "PAYOUT", "bank", name="Kari Nordmann", iban="NO9386011117947")
    here.month()
    executed(db, Scripted(), CHARGE_DAY)
    bank = Scripted("bank", batch_limit=100)
    bank.will("no_answer")
    executed(db, bank, PAYOUT_DAY)
    (batch,) = {row["batch"] for row in attempts(db) if row["batch"]}
    other, found = connect(), []
    with job_run(other) as number:

        def ask() -> None:
            asked = "select * from marketplace.unresolved_calls('bank', %s, %s)"
            found.append(rows(other, asked, number, later(PAYOUT_DAY, hours=1)))

        thread = threading.Thread(target=ask)
        with db.transaction():
            assert event(db, "1", "processing", gateway="bank", batch=batch, now=PAYOUT_DAY) == "APPLIED"
            thread.start()
            waits = "select wait_event_type = 'Lock' from pg_stat_activity where pid = %s"
            with connect() as watcher:
                while not one(watcher, waits, other.info.backend_pid):
                    assert thread.is_alive(), "it took a part of the batch"
                    time.sleep(0.01)
        thread.join()
        assert found == [[]]


# --- Who may --------------------------------------------------------------------------------------------------------


def test_a_profile_sees_its_own_attempts_and_no_means_of_anybody(
    here: Town, gateway: Scripted, connect: Connect
) -> None:
    executed(here.db, gateway, CHARGE_DAY)
    executed(here.db, gateway, PAYOUT_DAY)
    with login_role(here.db, "marketplace_profile") as role:
        run(here.db, "update marketplace.profile set login_role = %s where profile = %s", role, here.publisher)
        theirs = connect(role)
        assert rows(theirs, "select kind, state from marketplace.own_payment_attempt") == [
            {"kind": "PAYOUT", "state": "SUCCEEDED"}
        ]
        assert [row["gateway"] for row in rows(theirs, "select * from marketplace.own_payment_means")] == ["stripe"]
        hidden: tuple[LiteralString, ...] = (
            "select idempotency_key from marketplace.payment_attempt",
            "select state from marketplace.payment_attempt",
            "select gateway from marketplace.payment_means",
            "select details from marketplace.payment_means",
            "select * from marketplace.purse",
            "select * from marketplace.payment_attempt_event",
            "select * from marketplace.gateway_event",
            "select * from marketplace.due_transactions()",
            "select marketplace.refund_transaction(1, 'x')",
            "select marketplace.set_payment_means(1, 'PAYOUT', 'stripe', '{\"destination\": \"acct_me\"}')",
        )
        for query in hidden:
            with expect("42501", native=True):
                theirs.execute(query)
        run(here.db, "update marketplace.profile set login_role = null where login_role = %s", role)


def test_why_nothing_was_paid_says_what_execution_waits_for(here: Town, gateway: Scripted, db: Connection) -> None:
    def why(owner: int) -> list[str]:
        return [row["reason"] for row in call(db, "why_not_paid", profile=owner) if row["reason"] != "RUNNING"]

    assert (why(here.advertisers[0]), why(here.publisher)) == (["WAITS_TO_BE_CHARGED"], ["WAITS_FOR_CHARGES"])
    gateway.will(DECLINED_SOFT)
    executed(db, gateway, CHARGE_DAY)
    assert why(here.advertisers[0]) == ["DECLINED_TRIED_AGAIN"]
    gateway.will(Answer("declined", "pi_2", decline_code="stolen_card"))
    executed(db, gateway, later(CHARGE_DAY, days=3))
    assert why(here.advertisers[0]) == ["CARD_DECLINED"]
    run(db, "update marketplace.payment_means set ended_at = now() where profile = %s", here.publisher)
    assert why(here.publisher) == ["NO_ACCOUNT"]


def test_the_schedulers_role_runs_it_and_decides_nothing(here: Town, gateway: Scripted, connect: Connect) -> None:
    with login_role(here.db, "scheduler") as role:
        theirs = connect(role)
        assert executed(theirs, gateway, CHARGE_DAY).states == {"SUCCEEDED": 1}
        assert event(theirs, "evt_1", "succeeded", gateway_id=gateway_id(here.db, here.charge())) == "NOTHING_NEW"
        assert [row.kind for row in due(theirs, PAYOUT_DAY)] == ["PAYOUT"]
        decisions: tuple[LiteralString, ...] = (
            "select marketplace.refund_transaction(1, 'x')",
            "select marketplace.retry_transaction(1, 'x')",
            "select marketplace.resolve_attempt(1, true, 'x', 'y')",
            "select marketplace.clear_alarm(1, 'x')",
            "select marketplace.move_reserve(1, 'x')",
            "update marketplace.purse set reserve = 1",
            "update marketplace.payment_attempt set state = 'SUCCEEDED'",
            "select details from marketplace.payment_means",
        )
        for query in decisions:
            with expect("42501", native=True):
                theirs.execute(query)


def test_told_to_stop_it_leaves_the_rest_prepared(db: Connection, gateway: Scripted) -> None:
    here = town(db, advertisers=3)
    here.month()
    with job_run(db) as number:
        done = execute(db, number, CHARGE_DAY, lambda _: gateway, stopping=lambda: len(gateway.asked) >= 1)
    assert states(db) == ["SUCCEEDED", "PREPARED", "PREPARED"]
    assert (done.outcome, done.stopped) == ("partial", {"stripe": "we were told to stop"})
    assert executed(db, gateway, CHARGE_DAY).states == {"SUCCEEDED": 2}


def test_a_lost_dispute_leaves_the_fund(here: Town, gateway: Scripted, db: Connection) -> None:
    executed(db, gateway, CHARGE_DAY)
    (charge,) = attempts(db)

    def lose(amount: str) -> Decimal:
        told = {
            "payment_attempt": charge["payment_attempt"],
            "amount": Decimal(amount),
            "reason": "lost",
            "now": CHARGE_DAY,
        }
        return Decimal(call(db, "book_loss", **told)[0]["book_loss"])

    with refused("23B75"):
        lose("50")
    assert event(db, "evt_1", "returned", gateway_id=charge["gateway_id"], amount=5000, currency="NOK") == "ALARM"
    for amount in ("0", "50.01", "0.001"):
        with refused("22023"):
            lose(amount)
    assert fund(db) == 0, "the bank has taken it already: it funds nothing from that moment"
    assert executed(db, gateway, PAYOUT_DAY).prepared == 0
    assert lose("50") == 0
    with refused("23B72"):
        asked = {"reason": "a kind person", "request_id": "case 2", "now": CHARGE_DAY}
        call(db, "refund_transaction", transaction=charge["transaction"], **asked)
    assert holds(db, PAYOUT_DAY) == {(here.publisher, "PAYOUT"): "FUND"}
    assert errors(db, JANUARY) == []
    assert here.status(here.advertisers[0]) == "EXECUTED"
