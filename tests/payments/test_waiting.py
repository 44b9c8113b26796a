"""Waiting that ends: each state has a term; past it somebody is told, and the command that they are told ends it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parsed
from psycopg.types.json import Jsonb

from pybridge.jobs import health
from pybridge.jobs.metrics import openmetrics
from pybridge.reports import declared
from pybridge.reports.tables import Period
from tests.support import market
from tests.support.answers import CHARGES, PAYOUTS, of
from tests.support.domain import Row, expect, one, rows, run
from tests.support.four import CHARGED, PAID, Four, means
from tests.support.four import four as four
from tests.support.market import call
from tests.support.payments import later

RUN = "pybridge payment execute"


def waits(four: Four, transaction: int) -> Row | None:
    found = rows(four.db, "select * from report.waiting where transaction = %s", transaction)
    return found[0] if found else None


def code(four: Four, transaction: int) -> str:
    return str(call(four.db, "why", transaction=transaction)[0]["code"])


def ends(four: Four, transaction: int) -> None:
    """What report.waiting says ends it, does."""
    row = waits(four, transaction)
    assert row is not None
    assert (row["is_overdue"], row["waited"] > row["term"]) == (True, True)
    if row["command"] == RUN:
        return
    command = row["command"].replace("'why'", "'looked at'").replace("NAME", "Kari").replace("IBAN", "NO9386011117947")
    four.db.execute(command)
    after = waits(four, transaction)
    assert after is None or (after["code"], after["hold"]) != (row["code"], row["hold"]), row["command"]


def moves(four: Four, kind: str, now: datetime, said: dict[str, Any]) -> None:
    four.moves(kind, now, **said)


def test_each_state_past_its_term_is_ended_by_the_command_that_the_list_names(four: Four) -> None:
    four.clicks(four.adv, four.pub, 3)
    four.close()
    charge, payout = of(four, four.adv), of(four, four.pub)
    for said, what, turn in CHARGES:
        if turn != "NOBODY":
            with four.db.transaction(force_rollback=True):
                moves(four, "CHARGE", CHARGED, said)
                assert (waits(four, charge) or {})["code"] == what
                ends(four, charge)
    with four.db.transaction(force_rollback=True):
        call(four.db, "end_payment_means", profile=four.adv, kind="CHARGE", reason="asked", now=CHARGED)
        ends(four, charge)
    with four.db.transaction(force_rollback=True):
        four.prepare("CHARGE", CHARGED)
        ends(four, charge)
    four.moves("CHARGE", CHARGED)
    for said, what, turn in PAYOUTS:
        if turn != "NOBODY":
            with four.db.transaction(force_rollback=True):
                moves(four, "PAYOUT", PAID, said)
                assert (waits(four, payout) or {})["code"] == what
                ends(four, payout)
    for function in ("hold_payouts", "end_payment_means"):
        with four.db.transaction(force_rollback=True):
            told = {"kind": "PAYOUT"} if function == "end_payment_means" else {}
            call(four.db, function, profile=four.pub, reason="looked at", now=CHARGED, **told)
            ends(four, payout)
    with four.db.transaction(force_rollback=True):
        four.disputed(four.charge(four.adv)["payment_attempt"], 300)
        assert (waits(four, charge) or {})["amount"] == 300
        ends(four, charge)
        assert code(four, charge) == "TAKEN_BACK"
        assert (waits(four, payout) or {})["hold"] == "FUND"
        ends(four, payout)
    with four.db.transaction(force_rollback=True):
        attempt = four.moves("PAYOUT", PAID)
        back = {"payment_attempt": attempt, "answer": "returned", "amount": 21000, "currency": "NOK"}
        call(four.db, "record_answer", **back, now=PAID)
        ends(four, of(four, four.pub, "ADJUSTMENT"))


def test_before_its_term_what_is_under_way_is_left_to_the_gateway(four: Four) -> None:
    four.clicks(four.adv, None, 3)
    four.close()
    run(four.db, "update marketplace.waiting_term set term = interval '100 years'")
    for answer in ("processing", "no_answer", "requires_action"):
        with four.db.transaction(force_rollback=True):
            attempt = four.moves("CHARGE", CHARGED, answer)
            row = waits(four, of(four, four.adv)) or {}
            assert (row["is_overdue"], row["turn"] == "GATEWAY", row["command"] is None) == (
                False, answer != "requires_action", answer != "requires_action",
            )  # fmt: skip
            with expect("23B75"), four.db.transaction():
                call(four.db, "resolve_attempt", payment_attempt=attempt, done=False, reason="no")


def test_a_file_that_the_bank_never_fetched_is_no_payment_under_way_for_ever(four: Four) -> None:
    four.clicks(four.adv, four.pub, 3)
    four.close()
    four.moves("CHARGE", CHARGED)
    four.prepare("PAYOUT", PAID)
    claimed = {"gateway": "bank", "kind": "PAYOUT", "job_run": four.job_run, "limit": 10, "now": PAID}
    (sent,) = call(four.db, "claim_attempts", **claimed)
    attempt, payout = sent["payment_attempt"], of(four, four.pub)
    call(four.db, "record_answer", payment_attempt=attempt, answer="processing", now=PAID)
    assert code(four, payout) == "NOT_FETCHED"
    with four.db.transaction(force_rollback=True):
        told = {"gateway": "bank", "event_id": "e1", "event_kind": "pain.002", "answer": "processing"}
        assert call(four.db, "record_event", **told, batch=sent["batch"], now=PAID)[0]["record_event"] == "APPLIED"
        assert code(four, payout) == "UNDER_WAY", "the bank has it"
    # It came back before anybody had said that it was paid: so it was, and the answer that comes late changes nothing.
    with four.db.transaction(force_rollback=True):
        known = {"gateway": "bank", "idempotency_key": sent["idempotency_key"], "amount": 21000, "currency": "NOK"}
        for number, answer, outcome in ((1, "returned", "APPLIED"), (2, "succeeded", "NOTHING_NEW")):
            told = {"event_id": f"e{number}", "event_kind": "camt.054", "answer": answer}
            assert call(four.db, "record_event", **told, **known, now=PAID)[0]["record_event"] == outcome
            assert code(four, payout) == "CAME_BACK"
        assert code(four, of(four, four.pub, "ADJUSTMENT")) == "RETURNED"
    with expect("23B75"), four.db.transaction():
        call(four.db, "resolve_attempt", payment_attempt=attempt, done=False, reason="no", now=later(PAID, days=1))
    ends(four, payout)
    assert code(four, payout) == "WAITS_FOR_CHARGES", "made anew, with another key"
    four.moves("PAYOUT", later(PAID, days=10))
    # Fetched after all: a person hears of it, and it is not booked a second time.
    told = {"gateway": "bank", "event_id": "e2", "event_kind": "camt.054", "answer": "succeeded", "currency": "NOK"}
    known = {"idempotency_key": sent["idempotency_key"], "amount": 21000}
    assert call(four.db, "record_event", **told, **known, now=later(PAID, days=11))[0]["record_event"] == "ALARM"
    assert code(four, payout) == "PAID", "by the second; the first is looked at"
    call(four.db, "clear_alarm", payment_attempt=attempt, reason="they sent it back")


def test_what_advertisers_owe_is_listed_by_age(four: Four) -> None:
    four.clicks(four.adv, None, 3)
    four.clicks(four.adv2, None, 1)
    four.close()
    four.prepare("CHARGE", CHARGED)
    four.attempt("CHARGE", CHARGED, "declined", decline_code="stolen_card")
    four.attempt("CHARGE", CHARGED)
    (row,) = rows(four.db, "select * from report.overdue_charge")
    today = one(four.db, "select billig.local_time()::date")
    days = (today - CHARGED.date()).days
    assert (row["profile"], row["amount"], row["days_overdue"]) == (four.adv, 300, days)
    assert row["was_due_on"] == CHARGED.date()
    group = next((name for most, name in ((30, "0-30"), (60, "31-60"), (90, "61-90")) if days <= most), "OVER 90")
    assert (row["age_group"], row["code"], row["turn"]) == (group, "CARD_DECLINED", "PERSON")


def test_health_and_metrics_tell_of_what_waits_too_long_and_of_our_own_empty_balance(four: Four) -> None:
    four.clicks(four.adv, four.pub, 3)
    four.clicks(four.adv2, None, 1)
    four.close()
    four.prepare("CHARGE", CHARGED)
    four.attempt("CHARGE", CHARGED)
    four.attempt("CHARGE", CHARGED, "declined", decline_code="stolen_card")
    four.moves("PAYOUT", PAID, "declined", decline_code="AM04")
    found = {row["code"]: row for row in health.waiting(four.db)}
    figures = {name: (row["waiting"], row["overdue"], row["is_wrong"]) for name, row in found.items()}
    figures.pop("RUNNING", None)
    assert figures == {"CARD_DECLINED": (1, 1, False), "WAITS_FOR_US": (1, 1, True)}
    age = (datetime.now(UTC) - PAID).total_seconds()
    assert abs(found["WAITS_FOR_US"]["oldest"] - age) < timedelta(minutes=5).total_seconds()
    assert "retry_transaction" in found["WAITS_FOR_US"]["command"]
    text = openmetrics([], health.waiting(four.db), health.own_balance(four.db), [])
    families = parsed(text)  # type: ignore[no-untyped-call]
    measured = [each for family in families for each in family.samples]
    samples = {(each.name, *sorted(each.labels.values())): each.value for each in measured}
    assert samples["pybridge_waiting_overdue", "OPERATOR", "WAITS_FOR_US"] == 1
    assert samples["pybridge_own_balance_short_payments", "bank"] == 1
    assert samples["pybridge_own_balance_short_kroner", "bank"] == 210
    assert rows(four.db, "select is_ours from report.payment_attempt where kind = 'PAYOUT'") == [{"is_ours": True}]
    means(four.db, four.adv2, "CHARGE", payment_method="pm_2")
    run(four.db, "update marketplace.waiting_term set term = interval '100 years'")
    assert not any(row["is_wrong"] for row in health.waiting(four.db))
    assert market.at(2026, 3, 1) < datetime.now(UTC), "or nothing here is overdue"


def test_what_a_gateway_has_and_no_attempt_explains_waits_for_a_person_who_is_told_what_ends_it(four: Four) -> None:
    four.clicks(four.adv, None, 3)
    four.close()
    parent = f"g{four.moves('CHARGE', CHARGED)}"
    ledger = str(one(four.db, "select ledger from deploy.ledger"))
    named = {
        "idempotency_key": "k1",
        "metadata": Jsonb({"ledger": ledger, "kind": "CHARGE", "profile": str(four.adv2)}),
    }
    for refund, amount, said, end in (
        ("re_1", 10000, {"parent": parent}, "pybridge payment reconcile stripe"),
        ("re_2", 20001, {"parent": parent}, "; select marketplace.book_fee(200.01, 'why', 'main');"),  # 200 are left
        ("pi_1", 30000, named, "select marketplace.declare_foreign('stripe', 'pi_1', 'why');"),
    ):
        told = {"gateway": "stripe", "event_id": refund, "event_kind": "refund.created", "answer": "succeeded", **said}
        about = {"gateway_id": refund, "amount": amount, "currency": "NOK", "now": PAID}
        assert call(four.db, "record_event", **told, **about)[0]["record_event"] == "STRAY"
        (row,) = rows(four.db, "select * from report.waiting where code = 'STRAY'")
        assert (row["turn"], row["is_overdue"], row["waiting_since"]) == ("OPERATOR", True, PAID)
        assert (row["transaction"], row["amount"], refund in row["says"]) == (None, Decimal(amount) / 100, True)
        assert row["profile"] == (four.adv2 if refund == "pi_1" else None)
        assert row["command"].endswith(end), row["command"]
        report = declared.answer(four.db, "waiting", Period(PAID.date(), PAID.date()), overdue=True)
        (listed,) = [each for each in report.flat.rows if each[7] == "STRAY"]
        assert (row["command"], row["says"]) == (listed[9], listed[8]), "pybridge report waiting --overdue"
        (wrong,) = [each for each in health.waiting(four.db) if each["code"] == "STRAY"]
        assert (wrong["overdue"], wrong["is_wrong"], wrong["command"]) == (1, True, row["command"])
        with four.db.transaction(force_rollback=True):
            run(four.db, "update marketplace.waiting_term set term = interval '100 years' where code = 'STRAY'")
            assert rows(four.db, "select is_overdue from report.waiting where code = 'STRAY'") == [
                {"is_overdue": False}
            ]
        if refund == "re_1":  # what reconcile does of each
            call(four.db, "take_in", gateway="stripe", gateway_id=refund, job_run=four.job_run, now=PAID)
        else:
            four.reserve(100)
            four.db.execute(row["command"].replace("'why'", "'given back twice'"))
        assert rows(four.db, "select from report.waiting where code = 'STRAY'") == []


def test_a_dispute_is_listed_with_its_deadline_and_with_what_there_is_to_answer_with(four: Four) -> None:
    four.clicks(four.adv, four.pub, 3)
    four.close()
    charge = four.moves("CHARGE", CHARGED)
    assert rows(four.db, "select * from report.payment_dispute") == []
    four.disputed(charge, 200, dispute="dp_1")
    (row,) = rows(four.db, "select * from report.payment_dispute")
    assert (row["payment_attempt"], row["disputed"], row["disputes"], row["clicks"]) == (charge, 200, "dp_1", 3)
    assert (row["charged"], row["billed"], row["gateway_id"]) == (300, 300, f"g{charge}")
    assert (row["disputed_at"], row["answer_by"]) == (PAID, (PAID + timedelta(days=5)).date())
    by = PAID + timedelta(days=2)
    told = {"gateway": "stripe", "event_id": "told", "event_kind": "charge.dispute.created", "answer": "noted"}
    about = {"gateway_id": f"g{charge}", "dispute": "dp_1", "status": "needs_response"}
    call(four.db, "record_event", **told, **about, act_by=by, now=PAID)
    assert rows(four.db, "select answer_by from report.payment_dispute") == [{"answer_by": by.date()}]
    assert (waits(four, row["transaction"]) or {})["due_on"] == by.date()
    # Of several each is lost by its own name, and the list names the most urgent.
    four.disputed(charge, 100, dispute="dp_2", event="evt_2")
    for dispute in ("dp_1", "dp_2"):
        command = (waits(four, row["transaction"]) or {})["command"]
        assert f"p_dispute => '{dispute}'" in command
        four.db.execute(command.replace("'why'", "'not contested'"))
    assert code(four, row["transaction"]) == "TAKEN_BACK"
