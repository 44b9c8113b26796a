"""What a person decides: what is settled outside, forgiven, donated, given and asked by hand; payouts that are held."""

import threading
import time
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.conftest import Connect, Connection
from tests.support import four as people
from tests.support import market
from tests.support.domain import expect, login_role, one, rows, run
from tests.support.four import CHARGED, FEBRUARY, JANUARY, MARCH, PAID, Four
from tests.support.market import at, call

four = people.four
LATER = at(2026, 2, 20)


def settle(four: Four, owner: int, kind: str, amount: int | None = None, request: str = "case 1") -> int:
    transaction = market.transaction(four.db, owner, JANUARY)["transaction"]
    told = {"kind": kind, "reason": "agreed", "request_id": request, "now": PAID}
    return int(call(four.db, "settle", transaction=transaction, amount=amount and Decimal(amount), **told)[0]["settle"])


def undo(four: Four, settlement: int) -> int:
    made = call(four.db, "undo_settlement", settlement=settlement, reason="a mistake", now=LATER)
    return int(made[0]["undo_settlement"])


def give(four: Four, owner: int, amount: int, request: str = "g1") -> int:
    told = {"reason": "sorry", "request_id": request, "now": PAID}
    return int(call(four.db, "give_goodwill", profile=owner, amount=Decimal(amount), **told)[0]["give_goodwill"])


def ask(four: Four, owner: int, amount: int, request: str = "f1") -> int:
    told = {"reason": "a reminder", "request_id": request, "now": PAID}
    return int(call(four.db, "charge_fee", profile=owner, amount=Decimal(amount), **told)[0]["charge_fee"])


def takes_back(four: Four, transaction: int) -> int:
    made = call(four.db, "undo_by_hand", transaction=transaction, reason="a mistake", now=LATER)
    return int(made[0]["undo_by_hand"])


def owed(four: Four, owner: int) -> Any:
    return one(four.db, "select coalesce(sum(amount), 0) from marketplace.open_amount where profile = %s", owner)


# --- Charges that no gateway makes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PAID_OUTSIDE", "WRITTEN_OFF"])
def test_what_is_settled_is_not_charged_and_the_publisher_is_paid_all_the_same(four: Four, kind: str) -> None:
    four.clicks(four.adv, four.pub, 3)
    four.close()
    four.moves("CHARGE", CHARGED, "declined", decline_code="lost_card")
    made = settle(four, four.adv, kind)
    assert (four.status(four.adv), four.balance(four.adv), four.prepare("CHARGE", LATER)) == ("EXECUTED", 0, 0)
    assert settle(four, four.adv, kind) == made, "the same request"
    assert four.why(four.adv) == {JANUARY: "SETTLED"}
    assert four.due(PAID) == {(four.pub, "PAYOUT"): (210, "FUND")}, "out of the operator's money, once that is there"
    four.reserve(210)
    four.moves("PAYOUT", PAID)
    assert (four.balance(four.pub), four.funds()) == (0, 0)


def test_what_was_reduced_is_charged_for_the_rest(four: Four) -> None:
    four.clicks(four.adv, four.pub, 3)
    four.close()
    assert four.prepare("CHARGE", CHARGED) == 1
    settle(four, four.adv, "REDUCED", 120)
    assert four.due(PAID)[four.adv, "CHARGE"] == (180, None), "what was prepared is called off, and made anew"
    four.moves("CHARGE", PAID)
    assert (four.charge(four.adv)["amount"], four.balance(four.adv)) == (18000, 0)
    assert four.account(four.adv) == [("MONTH", 300, 300), ("FORGIVEN", -120, 180), ("CHARGED", -180, 0)]


def test_what_was_forgiven_is_not_credited_when_the_clicks_are_taken_back(four: Four) -> None:
    """Nobody gets back what they never paid; the publisher's share comes back in full."""
    clicks = four.clicks(four.adv, four.pub, 3)
    four.close()
    settle(four, four.adv, "REDUCED", 120)
    four.moves("CHARGE", PAID)
    assert four.take_back(clicks, LATER) == 180
    assert (four.balance(four.adv), four.balance(four.pub)) == (0, 0)
    assert owed(four, four.adv) == -180


def test_what_was_written_off_is_not_credited_at_all(four: Four) -> None:
    clicks = four.clicks(four.adv, four.pub, 3)
    four.close()
    settle(four, four.adv, "WRITTEN_OFF")
    assert four.take_back(clicks, LATER) == 0
    assert (owed(four, four.adv), owed(four, four.pub)) == (0, 0)


def test_what_was_paid_outside_is_credited_like_what_was_charged(four: Four) -> None:
    clicks = four.clicks(four.adv, four.pub, 3)
    four.close()
    settle(four, four.adv, "PAID_OUTSIDE")
    assert four.take_back(clicks, LATER) == 300
    assert owed(four, four.adv) == -300


def test_of_months_that_went_on_to_later_ones_each_is_forgiven_its_own(four: Four) -> None:
    market.set_minimum(four.db, "250", "100")
    old = four.clicks(four.adv, four.pub, 2)
    four.close()
    new = four.clicks(four.adv, four.pub, 1, FEBRUARY)
    four.close(FEBRUARY)
    transaction = market.transaction(four.db, four.adv, FEBRUARY)
    assert (transaction["due_amount"], transaction["billed"]) == (300, 100)
    call(four.db, "settle", transaction=transaction["transaction"], kind="REDUCED", reason="agreed", request_id="r",
         amount=Decimal(150), now=at(2026, 3, 2))  # fmt: skip
    found = [market.transaction(four.db, four.adv, month)["forgiven"] for month in (JANUARY, FEBRUARY)]
    assert found == [50, 100], "the newest first, as a charge takes them"
    four.moves("CHARGE", at(2026, 3, 3))
    assert four.take_back(new, at(2026, 3, 4)) == 0
    assert four.take_back(old, at(2026, 3, 4)) == 150
    assert owed(four, four.adv) == -150
    four.close(MARCH)


def test_a_credit_that_went_to_another_month_is_not_forgiven_as_well(four: Four) -> None:
    """February's clicks are credited against January's debt; only what is valid of February is let go."""
    four.clicks(four.adv, None, 1, JANUARY)
    four.close()
    clicks = four.clicks(four.adv, None, 1, FEBRUARY)
    four.clicks(four.adv, None, 1, FEBRUARY)
    four.close(FEBRUARY)
    four.take_back(clicks, at(2026, 3, 5))
    newer = market.transaction(four.db, four.adv, FEBRUARY)
    assert (four.status(four.adv), newer["left_amount"]) == ("EXECUTED", 200), "the oldest debt is set off first"
    told = {"kind": "WRITTEN_OFF", "reason": "x", "now": at(2026, 3, 6)}
    with expect("23B92"), four.db.transaction():
        call(four.db, "settle", transaction=newer["transaction"], request_id="all", **told)
    call(four.db, "settle", transaction=newer["transaction"], request_id="half", amount=Decimal(100), **told)
    assert owed(four, four.adv) == 100, "what January cost"


# --- Undone -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PAID_OUTSIDE", "WRITTEN_OFF"])
def test_a_settlement_that_is_undone_is_charged_after_all(four: Four, kind: str) -> None:
    clicks = four.clicks(four.adv, four.pub, 3)
    four.close()
    made = settle(four, four.adv, kind)
    undone = undo(four, made)
    assert undo(four, made) == undone, "once"
    with expect("P0002"), four.db.transaction():
        undo(four, undone)
    assert (four.status(four.adv), four.balance(four.adv)) == ("NEW", 300)
    four.moves("CHARGE", LATER)
    assert four.take_back(clicks, LATER) == 300


def test_a_donation_that_is_undone_meets_what_was_corrected_meanwhile(four: Four) -> None:
    clicks = four.clicks(four.adv, four.pub, 3)
    four.close()
    four.moves("CHARGE", CHARGED)
    made = settle(four, four.pub, "DONATED")
    assert (four.status(four.pub), owed(four, four.pub), four.due(PAID)) == ("EXECUTED", 0, {})
    four.take_back(clicks[:1], LATER)
    assert owed(four, four.pub) == 70, "given away, and not earned"
    undo(four, made)
    assert (owed(four, four.pub), four.status(four.pub)) == (-140, "NEW")


def test_what_was_built_upon_is_not_undone(four: Four) -> None:
    clicks = four.clicks(four.adv, four.pub, 3)
    four.close()
    made = settle(four, four.adv, "REDUCED", 250)
    four.take_back(clicks[:1], LATER)
    with expect("23B93"), four.db.transaction():
        undo(four, made)
    assert (owed(four, four.adv), four.balance(four.adv)) == (0, 0), "what was left was credited"


def test_what_is_charged_for_the_rest_is_not_undone(four: Four) -> None:
    four.clicks(four.adv, four.pub, 3)
    four.close()
    made = settle(four, four.adv, "REDUCED", 250)
    four.moves("CHARGE", PAID)
    with expect("23B92"), four.db.transaction():
        undo(four, made)


# --- Refused ----------------------------------------------------------------------------------------------------------


def test_what_is_not_there_is_not_settled(four: Four) -> None:
    four.clicks(four.adv, four.pub, 3)
    four.clicks(four.adv2, None, 1)
    four.close()
    four.prepare("CHARGE", CHARGED)
    four.attempt("CHARGE", CHARGED)
    refused: list[tuple[str, int, str, int | None, str]] = [
        ("charged", four.adv, "WRITTEN_OFF", None, "23B92"),
        ("more than is left", four.adv2, "REDUCED", 201, "23B92"),
        ("by no amount", four.adv2, "REDUCED", None, "22023"),
        ("a debt is not donated", four.adv2, "DONATED", None, "23B92"),
        ("a claim is not written off", four.pub, "WRITTEN_OFF", None, "23B92"),
        ("nothing", four.adv2, "REDUCED", -1, "22023"),
        ("of no kind", four.adv2, "LOST", None, "22023"),
    ]
    for what, owner, kind, amount, state in refused:
        with expect(state), four.db.transaction():
            settle(four, owner, kind, amount)
            pytest.fail(what)
    settle(four, four.adv2, "REDUCED", 50)
    with expect("23B13"), four.db.transaction():
        settle(four, four.adv2, "REDUCED", 60)
    with expect("P0002"), four.db.transaction():
        call(four.db, "settle", transaction=0, kind="WRITTEN_OFF", reason="x", request_id="x", now=PAID)


@pytest.mark.parametrize("answer", ["processing", "no_answer"])
def test_what_a_gateway_is_at_is_not_settled(four: Four, answer: str) -> None:
    four.clicks(four.adv, four.pub, 3)
    four.close()
    four.prepare("CHARGE", CHARGED)
    number = four.attempt("CHARGE", CHARGED, answer)
    with expect("23B92"), four.db.transaction():
        settle(four, four.adv, "WRITTEN_OFF")
    call(four.db, "record_answer", payment_attempt=number, answer="declined", decline_code="lost_card", now=PAID)
    settle(four, four.adv, "WRITTEN_OFF")


def test_settlements_are_never_changed(four: Four) -> None:
    four.clicks(four.adv, four.pub, 3)
    four.close()
    settle(four, four.adv, "REDUCED", 50)
    call(four.db, "hold_payouts", profile=four.pub, reason="looked at", now=PAID)
    for statement in (
        "update marketplace.settlement set amount = 1", "delete from marketplace.settlement",
        "truncate marketplace.settlement_part", "update marketplace.payout_hold set reason = 'another'",
        "delete from marketplace.payout_hold", "update marketplace.settlement_part set amount = 1",
    ):  # fmt: skip
        with expect("23B62"), four.db.transaction():
            run(four.db, statement)
    with expect("23503", native=True), four.db.transaction():  # undone by another amount
        run(
            four.db,
            "insert into marketplace.settlement (transaction, profile, kind, amount, undoes, reason, request_id,"
            " settled_at) select transaction, profile, kind, -1, settlement, 'x', 'x', settled_at"
            " from marketplace.settlement",
        )


# --- By hand ----------------------------------------------------------------------------------------------------------


def test_goodwill_is_set_off_first_and_the_rest_is_paid(four: Four) -> None:
    four.clicks(four.both, None, 1)
    four.close()
    made = give(four, four.both, 130)
    assert give(four, four.both, 130) == made, "the same request"
    with expect("23B13"), four.db.transaction():
        give(four, four.both, 131)
    assert (four.status(four.both), owed(four, four.both)) == ("EXECUTED", -30)
    four.reserve(30)
    four.moves("PAYOUT", PAID)
    assert (four.balance(four.both), four.funds()) == (0, 0)


def test_goodwill_of_an_advertiser_waits_for_what_they_owe_next(four: Four) -> None:
    market.update(four.db, JANUARY, at(2026, 1, 15))
    give(four, four.adv, 30)
    assert owed(four, four.adv) == -30
    four.clicks(four.adv, None, 1)
    four.close()
    assert four.due(PAID) == {(four.adv, "CHARGE"): (70, None)}


def test_a_fee_is_charged_and_given_back_to_the_card(four: Four) -> None:
    market.update(four.db, JANUARY, at(2026, 1, 15))
    made = ask(four, four.adv, 25)
    four.moves("CHARGE", PAID)
    assert four.account(four.adv) == [("BY_HAND", 25, 25), ("CHARGED", -25, 0)]
    with expect("23B92"), four.db.transaction():
        takes_back(four, made)
    four.refund(four.adv, 25, LATER)
    four.moves("REFUND", LATER)
    assert four.balance(four.adv) == 0


def test_a_fee_that_is_undone_meets_what_undoes_it_and_no_older_debt(four: Four) -> None:
    four.clicks(four.adv, None, 1)
    four.close()
    made = ask(four, four.adv, 25)
    assert four.prepare("CHARGE", PAID) == 2
    undone = takes_back(four, made)
    assert takes_back(four, made) == undone
    assert four.due(LATER) == {(four.adv, "CHARGE"): (100, "UNDER_WAY")}
    with expect("P0002"), four.db.transaction():
        takes_back(four, undone)


def test_goodwill_that_was_paid_is_owed_back_when_it_is_undone(four: Four) -> None:
    market.update(four.db, JANUARY, at(2026, 1, 15))
    made = give(four, four.both, 130)
    four.reserve(130)
    four.moves("PAYOUT", PAID)
    takes_back(four, made)
    assert owed(four, four.both) == 130
    four.moves("CHARGE", LATER)
    assert four.balance(four.both) == 0


@pytest.mark.parametrize("amount", [0, -1, Decimal("0.001"), Decimal("NaN"), None])
def test_nothing_is_given_by_no_amount(four: Four, amount: Decimal | None) -> None:
    market.update(four.db, JANUARY, at(2026, 1, 15))
    for function in ("give_goodwill", "charge_fee"):
        with expect("22023"), four.db.transaction():
            call(four.db, function, profile=four.adv, amount=amount, reason="x", request_id="x", now=PAID)


# --- Holds ------------------------------------------------------------------------------------------------------------


def test_held_payouts_wait_until_they_are_released(four: Four) -> None:
    four.clicks(four.adv, four.pub, 3)
    four.close()
    four.moves("CHARGE", CHARGED)
    assert four.prepare("PAYOUT", PAID) == 1
    call(four.db, "hold_payouts", profile=four.pub, reason="looked at", now=PAID)
    assert four.due(PAID) == {(four.pub, "PAYOUT"): (210, "HELD")}, "what was prepared is called off"
    assert (four.prepare("PAYOUT", PAID), four.why(four.pub)) == (0, {JANUARY: "HELD"})
    with expect("23B94"), four.db.transaction():
        call(four.db, "hold_payouts", profile=four.pub, reason="again", now=PAID)
    with expect("23B76"), four.db.transaction():
        four.reserve(-100)
    call(four.db, "release_payouts", profile=four.pub, reason="all is well", now=LATER)
    with expect("P0002"), four.db.transaction():
        call(four.db, "release_payouts", profile=four.pub, reason="again", now=LATER)
    four.moves("PAYOUT", LATER)
    assert four.balance(four.pub) == 0


def test_no_door_pays_whose_payouts_are_held(four: Four) -> None:
    four.clicks(four.adv, four.pub, 3)
    four.close()
    four.moves("CHARGE", CHARGED)
    call(four.db, "hold_payouts", profile=four.pub, reason="looked at", now=PAID)
    run(four.db, "create or replace function marketplace.hold_of(p_candidate marketplace.payment_candidate,"
        " p_today date, p_now timestamptz) returns text language sql immutable return null")  # fmt: skip
    with expect("23B94"), four.db.transaction():
        four.prepare("PAYOUT", PAID)


def test_held_earnings_are_set_off_against_debts_all_the_same(four: Four) -> None:
    four.clicks(four.adv, four.both, 1)
    four.close()
    call(four.db, "hold_payouts", profile=four.both, reason="looked at", now=PAID)
    ask(four, four.both, 20)
    assert owed(four, four.both) == -50


# --- A card that is ended, and time to look ---------------------------------------------------------------------------


def test_a_card_that_is_ended_is_not_charged_until_there_is_another(four: Four) -> None:
    four.clicks(four.adv, None, 1)
    four.close()
    four.prepare("CHARGE", CHARGED)
    call(four.db, "end_payment_means", profile=four.adv, kind="CHARGE", reason="asked", now=CHARGED)
    assert four.due(CHARGED) == {(four.adv, "CHARGE"): (100, "NO_MEANS")}
    with expect("P0002"), four.db.transaction():
        call(four.db, "end_payment_means", profile=four.adv, kind="CHARGE", reason="asked", now=CHARGED)
    people.means(four.db, four.adv, "CHARGE")
    four.moves("CHARGE", PAID)


def test_a_month_is_charged_when_its_review_is_over(four: Four) -> None:
    run(four.db, "update marketplace.execution_day set review_days = 3")
    four.clicks(four.adv, None, 1)
    market.close(four.db, JANUARY, at(2026, 2, 4, 9))
    query = "select due_on from marketplace.due_transactions(null, %s) where profile = %s"
    assert one(four.db, query, PAID, four.adv) == date(2026, 2, 9), "the 7th is a Saturday"
    assert one(four.db, "select marketplace.due_date('PAYOUT', %s)", JANUARY) == date(2026, 2, 16)
    assert one(four.db, "select marketplace.due_date('CHARGE', %s)", FEBRUARY) == date(2026, 3, 2), "open"


# --- Who may ----------------------------------------------------------------------------------------------------------


def test_the_bookkeeper_decides_and_the_site_ends_a_card(four: Four, connect: Connect) -> None:
    four.clicks(four.adv, four.pub, 3)
    four.close()
    transaction = market.transaction(four.db, four.adv, JANUARY)["transaction"]
    calls: list[tuple[str, dict[str, object]]] = [
        ("settle", {"transaction": transaction, "kind": "REDUCED", "reason": "x", "request_id": "x", "amount": 5}),
        ("give_goodwill", {"profile": four.adv, "amount": 5, "reason": "x", "request_id": "x"}),
        ("charge_fee", {"profile": four.adv, "amount": 5, "reason": "x", "request_id": "x"}),
        ("hold_payouts", {"profile": four.pub, "reason": "x"}),
        ("release_payouts", {"profile": four.pub, "reason": "x"}),
        ("end_payment_means", {"profile": four.adv, "kind": "CHARGE", "reason": "x"}),
    ]
    for group, may in (("marketplace_web", {"end_payment_means"}), ("scheduler", set()), ("bookkeeper", None)):
        with login_role(four.db, group) as name:
            db = connect(name)
            for function, told in calls:
                if may is None or function in may:
                    call(db, function, **told, now=PAID)
                else:
                    with expect("42501", native=True), db.transaction():
                        call(db, function, **told, now=PAID)
            db.close()
        if may:
            people.means(four.db, four.adv, "CHARGE")


# --- At the same time -------------------------------------------------------------------------------------------------


def at_once(connect: Connect, *deeds: Callable[[Connection], object]) -> list[str | None]:
    """All of these by connections of their own; what each was refused by."""
    answers: list[str | None] = [None] * len(deeds)

    def do(place: int) -> None:
        db = connect()
        try:
            deeds[place](db)
        except psycopg.Error as error:
            answers[place] = error.sqlstate
        finally:
            db.close()

    threads = [threading.Thread(target=do, args=(place,)) for place in range(len(deeds))]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    return answers


def test_two_who_write_off_the_same_debt_at_once_do_it_once(four: Four, connect: Connect) -> None:
    four.clicks(four.adv, four.pub, 3)
    four.close()
    transaction = market.transaction(four.db, four.adv, JANUARY)["transaction"]

    def by(request: str) -> Callable[[Connection], object]:
        told = {"kind": "WRITTEN_OFF", "reason": "x", "request_id": request, "now": PAID}
        return lambda db: call(db, "settle", transaction=transaction, **told)

    answers = at_once(connect, *(by(f"case {number}") for number in range(4)))
    assert sorted(map(str, answers)) == ["23B92"] * 3 + ["None"]


def test_a_charge_and_a_write_off_at_once_do_not_both_happen(four: Four, connect: Connect) -> None:
    for month, number in ((JANUARY, 1), (FEBRUARY, 2), (MARCH, 3)):
        four.clicks(four.adv, four.pub, number, month)
        four.close(month)
        moment: datetime = market.day(market.next_month(month).replace(day=20))
        transaction = market.transaction(four.db, four.adv, month)["transaction"]
        told = {"kind": "WRITTEN_OFF", "reason": "x", "request_id": "x", "now": moment}
        at_once(
            connect,
            lambda db, moment=moment: call(db, "prepare_attempts", kind="CHARGE", now=moment),  # type: ignore[misc]
            lambda db, told=told, number=transaction: call(db, "settle", transaction=number, **told),  # type: ignore[misc]
        )
        assert four.status(four.adv, month) == "EXECUTED"
        assert one(four.db, "select count(*) from marketplace.payment_attempt where state = 'PREPARED'"
                   " and transaction = %s", transaction) == 0  # fmt: skip
        assert rows(four.db, "select * from consistency.marketplace_account") == []


def test_what_is_sent_while_it_is_undone_by_hand_is_not_set_off_as_well(four: Four, connect: Connect) -> None:
    four.close()
    fee = ask(four, four.adv, 50)
    assert four.prepare("CHARGE", PAID) == 1
    answers: list[str | None] = []
    told = {"transaction": fee, "reason": "x", "now": PAID}
    undoing = threading.Thread(
        target=lambda: answers.extend(at_once(connect, lambda db: call(db, "undo_by_hand", **told)))
    )
    watcher = connect()
    waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like '%undo_by_hand%'"
    with four.db.transaction():
        call(four.db, "claim_attempts", gateway="stripe", kind="CHARGE", job_run=four.job_run, limit=1, now=PAID)
        undoing.start()
        for _ in range(1000):
            if one(watcher, waiting) or not undoing.is_alive():
                break
            time.sleep(0.02)
    undoing.join(60)
    assert answers == ["23B92"]
    assert four.due(PAID) == {(four.adv, "CHARGE"): (50, "UNDER_WAY")}


def test_a_correction_that_began_before_a_debt_was_written_off_is_built_upon_it(four: Four) -> None:
    clicks = four.clicks(four.adv, four.pub, 3)
    four.close()
    made = settle(four, four.adv, "WRITTEN_OFF")
    assert four.take_back(clicks[:1], CHARGED) == 0, "its transaction bears the time at which it began"
    with expect("23B93"):
        undo(four, made)


def test_a_request_that_is_named_as_what_undoes_another_is_one_of_its_own(four: Four) -> None:
    four.clicks(four.adv, four.pub, 3)
    four.close()
    first = settle(four, four.adv, "REDUCED", 100)
    undone = undo(four, first)
    second = settle(four, four.adv, "REDUCED", 50, request=f"undo {first}")
    assert second not in (first, undone)
    third = settle(four, four.adv, "REDUCED", 50, request=f"undo {second}")
    assert undo(four, second) > third
    assert owed(four, four.adv) == 250


def test_a_settlement_whose_rest_went_on_is_not_undone_and_the_rest_is_charged(four: Four) -> None:
    """Undone, two charges would be of the clicks of one month: the second could not be booked."""
    market.set_minimum(four.db, "50", "50")
    four.clicks(four.adv, four.pub, 3)
    four.close()
    made = settle(four, four.adv, "PAID_OUTSIDE", 180)
    give(four, four.adv, 100)
    four.prepare("CHARGE", PAID)
    assert four.status(four.adv) == "EXECUTED", "20 are below the minimum, and go on to February"
    with expect("23B93"), four.db.transaction():
        undo(four, made)
    four.clicks(four.adv, four.pub, 1, FEBRUARY)
    four.close(FEBRUARY)
    four.moves("CHARGE", at(2026, 3, 2, 6))
    assert (four.charge(four.adv)["amount"], market.transaction(four.db, four.adv, JANUARY)["taken"]) == (12000, 20)
    with expect("23B93"):
        undo(four, made)
