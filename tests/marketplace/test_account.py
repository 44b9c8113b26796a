"""A person's account: debts are set against claims; no more is given back of a charge than there was, by any road."""

import threading
from datetime import date
from decimal import Decimal

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.conftest import Connect
from tests.support import four as people
from tests.support import market
from tests.support.domain import Row, consistency, expect, login_role, one, rows, run
from tests.support.four import CHARGED, FEBRUARY, JANUARY, MARCH, PAID, Four, means
from tests.support.market import at, call
from tests.support.payments import holds
from tests.support.together import waits_behind

four = people.four


# --- Cases that were wrong ------------------------------------------------------------------------------------------


def test_clicks_that_were_never_paid_for_are_credited_to_the_debt_and_not_in_cash(four: Four) -> None:
    """s1: 500 declined; the clicks are taken back."""
    clicks = four.clicks(four.adv, four.pub, 5)
    four.close()
    four.moves("CHARGE", CHARGED, "declined", decline_code="lost_card")
    four.take_back(clicks, at(2026, 2, 10))
    assert (four.status(four.adv), four.balance(four.adv)) == ("EXECUTED", 0)
    assert (four.status(four.pub), four.balance(four.pub)) == ("EXECUTED", 0)
    four.close(FEBRUARY)
    four.reserve(1000, at(2026, 3, 1))
    assert four.due(at(2026, 3, 16)) == {}
    assert four.why(four.adv) == {JANUARY: "SET_OFF", FEBRUARY: "NOTHING_DUE"}


def test_what_was_refunded_is_not_credited_as_well(four: Four) -> None:
    """s2: 300 charged and refunded; the same clicks are taken back: the publisher's share alone comes back."""
    clicks = four.clicks(four.adv, four.pub, 3)
    four.close()
    four.moves("CHARGE", CHARGED)
    four.refund(four.adv, 300, at(2026, 2, 3))
    assert four.take_back(clicks, at(2026, 2, 10)) == 0
    four.close(FEBRUARY)
    assert four.due(PAID) == {(four.adv, "REFUND"): (Decimal(300), None)}
    assert (four.balance(four.adv), four.balance(four.pub)) == (-300, 0)


def test_a_refund_in_part_leaves_the_rest_to_be_credited(four: Four) -> None:
    clicks = four.clicks(four.adv, four.pub, 3)
    four.close()
    four.moves("CHARGE", CHARGED)
    four.refund(four.adv, 150, at(2026, 2, 3))
    assert four.take_back(clicks, at(2026, 2, 10)) == 150
    with expect("23B72"):
        four.refund(four.adv, None, at(2026, 2, 11))
    found = rows(four.db, "select amount, credited from marketplace.adjustment where side = 'ADVERTISEMENT' order by 1")
    assert [tuple(row.values()) for row in found] == [(-100, 0), (-50, 50), (0, 100)]


def test_a_refund_names_the_clicks_it_stands_for(four: Four) -> None:
    """The publisher's share comes back, and nothing is credited a second time."""
    clicks = four.clicks(four.adv, four.pub, 3)
    others = four.clicks(four.adv2, four.pub, 1)
    four.close()
    four.prepare("CHARGE", CHARGED)
    four.attempt("CHARGE", CHARGED)
    charged = four.charge(four.adv)["transaction"]

    def refund(chosen: list[Row], request: str = "case 1") -> int:
        told = {"click_times": [row["click_time"] for row in chosen], "ad_clicks": [row["ad_click"] for row in chosen]}
        answer = call(
            four.db, "refund_clicks", transaction=charged, **told, reason="bots", request_id=request, now=PAID
        )
        return int(answer[0]["refund_clicks"])

    made = refund(clicks[:2])
    assert refund(clicks[:2]) == made, "the same request"
    assert (four.charge(four.adv)["left_amount"], four.balance(four.adv), four.balance(four.pub)) == (10000, -200, -210)
    for chosen, request, state in (
        (clicks[:2], "case 2", "23B72"), (clicks[2:] + clicks[:1], "case 2", "23B72"), (clicks[2:], "case 1", "23B13"),
        (others, "case 2", "22023"), ([], "case 2", "22023"),
    ):  # fmt: skip
        with expect(state), four.db.transaction():
            refund(chosen, request)
    assert refund(clicks[2:], "case 2") != made
    found = rows(four.db, "select amount, credited from marketplace.adjustment where side = 'ADVERTISEMENT'")
    assert [tuple(row.values()) for row in found] == [(0, 100)] * 3


def test_what_clicks_were_credited_for_is_not_refunded_as_well(four: Four) -> None:
    clicks = four.clicks(four.adv, four.pub, 3)
    four.close()
    four.moves("CHARGE", CHARGED)
    assert four.take_back(clicks[:1], at(2026, 2, 3)) == 100
    assert four.charge(four.adv)["left_amount"] == 20000
    with expect("23B72"):
        four.refund(four.adv, 201, at(2026, 2, 4))
    four.refund(four.adv, 200, at(2026, 2, 4))


def test_of_a_lost_dispute_nothing_is_left(four: Four) -> None:
    """s3, and the clicks are taken back too."""
    clicks = four.clicks(four.adv, four.pub, 3)
    four.close()
    number = four.moves("CHARGE", CHARGED)
    assert four.disputed(number, 300) == "ALARM"
    with expect("23B72"):
        four.refund(four.adv, None, PAID)
    call(four.db, "book_loss", payment_attempt=number, amount=Decimal(300), reason="lost", now=PAID)
    four.reserve(1000)
    with expect("23B72"):
        four.refund(four.adv, None, PAID)
    assert four.take_back(clicks, PAID) == 0
    assert four.why(four.adv)[JANUARY] == "TAKEN_BACK"


def test_disputed_money_funds_nothing_until_it_is_won(four: Four) -> None:
    """s6."""
    four.clicks(four.adv, four.pub, 3)
    four.close()
    number = four.moves("CHARGE", CHARGED)
    assert four.funds() == 300
    assert four.disputed(number, 300) == "ALARM"
    assert four.disputed(number, 300, event="the same, told again") == "NOTHING_NEW"
    assert four.funds() == 0
    assert four.why(four.adv) == {JANUARY: "DISPUTED"}
    assert four.due(PAID)[four.pub, "PAYOUT"] == (210, "FUND")
    assert four.prepare("PAYOUT", PAID) == 0
    assert four.disputed(number, 300, "reinstated", event="won") == "APPLIED"
    assert (four.funds(), four.why(four.adv)) == (300, {})
    assert four.disputed(number, 300, "reinstated", event="won, told again") == "NOTHING_NEW"
    four.moves("PAYOUT", PAID)
    assert four.disputed(number, 300, event="another") == "ALARM"
    assert four.funds() == -210, "it was paid out already: so much is missing"
    four.reserve(100)
    assert four.prepare("PAYOUT", PAID) == 0


def test_a_dispute_of_what_is_left_after_a_refund(four: Four) -> None:
    """s4: and one that takes more than is left, which is the operator's."""
    four.clicks(four.adv, four.pub, 3)
    four.close()
    number = four.moves("CHARGE", CHARGED)
    four.refund(four.adv, 100, at(2026, 2, 3))
    four.moves("REFUND", at(2026, 2, 4))
    assert four.disputed(number, 200) == "ALARM"
    assert (four.charge(four.adv)["left_amount"], four.funds()) == (0, 0)
    call(four.db, "clear_alarm", payment_attempt=number, reason="won")
    assert (four.charge(four.adv)["left_amount"], four.funds()) == (20000, 200)
    assert four.disputed(number, 300, event="more than is left") == "ALARM"
    assert four.funds() == -100
    assert four.disputed(number, 300, "reinstated", event="all of it back") == "APPLIED"
    assert (four.charge(four.adv)["left_amount"], four.funds()) == (20000, 200)


def test_half_a_dispute_is_lost(four: Four) -> None:
    four.clicks(four.adv, four.pub, 3)
    four.close()
    number = four.moves("CHARGE", CHARGED)
    four.disputed(number, 300)
    for amount in (301, 400):
        with expect("22023"):
            call(four.db, "book_loss", payment_attempt=number, amount=Decimal(amount), reason="lost", now=PAID)
    call(four.db, "book_loss", payment_attempt=number, amount=Decimal(100), reason="a part", now=PAID)
    assert (four.charge(four.adv)["lost"], four.charge(four.adv)["left_amount"], four.funds()) == (10000, 20000, 200)


def test_fraud_that_was_paid_for_is_set_against_what_is_earned_later(four: Four) -> None:
    """s5: paid 700 in January, all of it fraud, and 700 again in March."""
    clicks = four.clicks(four.adv, four.pub, 10)
    four.close()
    four.moves("CHARGE", CHARGED)
    four.moves("PAYOUT", PAID)
    four.take_back(clicks, at(2026, 2, 20))
    four.close(FEBRUARY)
    assert (four.balance(four.adv), four.balance(four.pub)) == (-1000, 700)
    four.clicks(four.adv, four.pub, 10, MARCH)
    four.close(MARCH)
    four.reserve(5000, at(2026, 4, 1))
    assert four.due(at(2026, 4, 16)) == {}
    assert (four.balance(four.adv), four.balance(four.pub)) == (0, 0)
    assert four.account(four.pub) == [
        ("MONTH", -700, -700), ("PAID", 700, 0), ("MONTH", 700, 700), ("MONTH", -700, 0), ("OFFSET", 0, 0),
    ]  # fmt: skip
    assert four.why(four.pub) == {MARCH: "SET_OFF", FEBRUARY: "SET_OFF"}


def test_who_owes_is_not_paid_before_that_is_set_off(four: Four) -> None:
    """s50: owes 900 that were declined, earns 700: 200 are still owed, and the honest publisher is paid."""
    four.clicks(four.both, four.pub, 9)
    four.close()
    four.moves("CHARGE", CHARGED, "declined", decline_code="stolen_card")
    four.clicks(four.adv, four.both, 10, FEBRUARY)
    four.close(FEBRUARY)
    assert (four.status(four.both), four.status(four.both, FEBRUARY)) == ("FAILED", "EXECUTED")
    now = at(2026, 3, 2, 6)
    assert four.prepare("CHARGE", now) == 1
    four.attempt("CHARGE", now)
    assert four.due(at(2026, 3, 16)) == {
        (four.both, "CHARGE"): (200, "DECLINED"),
        (four.pub, "PAYOUT"): (630, None),
    }
    (row,) = rows(four.db, "select d.month as owed, c.month as earned, s.amount from marketplace.set_off as s"
                  " join marketplace.transaction as d on s.debt = d.transaction"
                  " join marketplace.transaction as c on s.claim = c.transaction")  # fmt: skip
    assert row == {"owed": JANUARY, "earned": FEBRUARY, "amount": 700}
    assert four.balance(four.both) == 200
    means(four.db, four.both, "CHARGE", customer="cus_new")
    four.moves("CHARGE", at(2026, 3, 17))
    assert (four.status(four.both), four.balance(four.both)) == ("EXECUTED", 0)
    # What was set off was never taken: of the charge 200 are left, and 900 of clicks may be credited.
    assert four.charge(four.both)["left_amount"] == 20000


def test_fraud_that_is_known_before_the_payout_is_not_paid(four: Four) -> None:
    """s80: found on the 3rd, paid on the 16th."""
    clicks = four.clicks(four.adv, four.pub, 10)
    four.close()
    four.moves("CHARGE", CHARGED)
    four.take_back(clicks[:4], at(2026, 2, 3))
    assert four.due(PAID) == {(four.pub, "PAYOUT"): (420, None)}
    four.take_back(clicks[4:], at(2026, 2, 4))
    assert four.due(PAID) == {}
    assert four.prepare("PAYOUT", PAID) == 0


def test_what_each_is_told_is_true(four: Four) -> None:
    """s6: sent back, rejected, called off."""
    four.clicks(four.adv, four.pub, 3)
    four.clicks(four.adv2, four.both, 1)
    four.close()
    four.prepare("CHARGE", CHARGED)
    four.attempt("CHARGE", CHARGED)
    four.attempt("CHARGE", CHARGED, "rejected", error_code="resource_missing")
    assert four.why(four.adv2) == {JANUARY: "REJECTED"}
    number = four.moves("PAYOUT", PAID)
    call(four.db, "record_answer", payment_attempt=number, answer="returned", decline_code="AC04", now=PAID)
    assert four.why(four.pub) == {JANUARY: "CAME_BACK", FEBRUARY: "RETURNED"}
    four.reserve(1000)
    four.prepare("PAYOUT", PAID)
    (prepared,) = rows(four.db, "select payment_attempt from marketplace.payment_attempt where state = 'PREPARED'")
    call(four.db, "cancel_attempt", payment_attempt=prepared["payment_attempt"], reason="we wait", now=PAID)
    assert four.why(four.both) == {JANUARY: "CALLED_OFF"}


# --- Netting --------------------------------------------------------------------------------------------------------


def test_a_charge_under_way_counts_as_owed_until_it_is_resolved(four: Four) -> None:
    four.clicks(four.both, None, 9)
    four.close()
    number = four.moves("CHARGE", CHARGED, "processing", gateway_id="pi_1")
    four.clicks(four.adv, four.both, 20, FEBRUARY)
    four.close(FEBRUARY)
    four.reserve(5000, at(2026, 3, 1))
    now = at(2026, 3, 16)
    assert four.due(now)[four.both, "PAYOUT"] == (1400, "OWES"), "the card may be charged yet"
    assert four.why(four.both)[FEBRUARY] == "OWES"
    assert four.prepare("PAYOUT", now) == 0
    with four.db.transaction(force_rollback=True):
        call(four.db, "record_answer", payment_attempt=number, answer="declined", decline_code="x", now=now)
        assert four.prepare("PAYOUT", now) == 1
        assert one(four.db, "select amount from marketplace.payment_attempt where kind = 'PAYOUT'") == 50000
    said = {"gateway_id": "pi_1", "amount": 90000, "currency": "NOK", "now": now}
    call(four.db, "record_answer", payment_attempt=number, answer="succeeded", **said)
    assert four.prepare("PAYOUT", now) == 1
    assert one(four.db, "select amount from marketplace.payment_attempt where kind = 'PAYOUT'") == 140000


def test_a_payout_that_a_person_called_off_is_not_set_against_debts_until_it_is_released(four: Four) -> None:
    four.clicks(four.adv, four.both, 10)
    four.close()
    four.reserve(5000)
    four.prepare("PAYOUT", PAID)
    number = one(four.db, "select payment_attempt from marketplace.payment_attempt where kind = 'PAYOUT'")
    call(four.db, "cancel_attempt", payment_attempt=number, reason="looks like fraud", now=PAID)
    four.clicks(four.both, None, 9, FEBRUARY)
    four.close(FEBRUARY)
    assert four.due(at(2026, 3, 2))[four.both, "CHARGE"] == (900, None)
    earned = market.transaction(four.db, four.both, JANUARY)["transaction"]
    call(four.db, "retry_transaction", transaction=earned, reason="it was none", now=at(2026, 3, 2))
    four.prepare("CHARGE", at(2026, 3, 2))
    amounts = "select amount from marketplace.payment_attempt where profile = %s and state = 'PREPARED'"
    assert one(four.db, amounts, four.both) == 20000


def test_what_is_prepared_and_not_sent_is_made_anew_for_what_is_left(four: Four) -> None:
    clicks = four.clicks(four.adv, four.pub, 10)
    four.close()
    four.reserve(5000)
    assert four.prepare("PAYOUT", PAID) == 1
    four.take_back(clicks[:3], PAID)
    assert one(four.db, "select state from marketplace.payment_attempt where kind = 'PAYOUT'") == "CANCELLED"
    assert four.prepare("PAYOUT", PAID) == 1
    assert (
        one(four.db, "select amount from marketplace.payment_attempt where state = 'PREPARED' and kind = 'PAYOUT'")
        == 49000
    )


def test_the_running_months_ordinary_clicks_are_not_set_off(four: Four) -> None:
    four.clicks(four.both, None, 9)
    four.close()
    four.clicks(four.adv, four.both, 10, FEBRUARY)
    market.update(four.db, FEBRUARY, at(2026, 2, 20))
    four.prepare("CHARGE", at(2026, 2, 20))
    amounts = "select amount from marketplace.payment_attempt where profile = %s"
    assert one(four.db, amounts, four.both) == 90000


def test_what_rolled_over_is_set_off(four: Four) -> None:
    market.set_minimum(four.db, "150", "150")
    four.clicks(four.both, None, 1)
    four.close()
    assert four.status(four.both) == "ROLLED_OVER"
    four.clicks(four.adv, four.pub, 4)
    returned = four.clicks(four.adv, four.both, 4, FEBRUARY)
    assert len(returned) == 4
    four.close(FEBRUARY)
    assert market.transaction(four.db, four.both, FEBRUARY)["due_amount"] == -180, "both are of one month now"


def test_what_netting_leaves_below_the_minimum_goes_to_the_open_month(four: Four) -> None:
    market.set_minimum(four.db, "150", "150")
    four.clicks(four.both, None, 8)
    four.close()
    four.clicks(four.adv, four.both, 10, FEBRUARY)
    four.close(FEBRUARY)
    assert (four.status(four.both), four.status(four.both, FEBRUARY)) == ("EXECUTED", "EXECUTED")
    assert market.transaction(four.db, four.both, MARCH)["offset_in"] == 100
    assert (four.both, "CHARGE") not in four.due(at(2026, 3, 16))
    four.clicks(four.both, None, 1, MARCH)
    four.close(MARCH)
    assert market.transaction(four.db, four.both, MARCH)["due_amount"] == 200


def rest_that_went_on(four: Four) -> tuple[list[Row], list[Row]]:
    """January's 900 are set off against 840, and the 60 left are charged with the 100 of March; both months' clicks."""
    market.set_minimum(four.db, "80", "80")
    january = four.clicks(four.both, None, 9)
    four.close()
    four.moves("CHARGE", CHARGED, "declined", decline_code="stolen_card")
    market.clicks(four.db, four.ads[four.adv], four.sites[four.both], *[market.day(FEBRUARY, 12)] * 12)
    four.close(FEBRUARY)
    march = four.clicks(four.both, None, 1, MARCH)
    four.close(MARCH)
    means(four.db, four.both, "CHARGE", customer="cus_new")
    assert four.prepare("CHARGE", at(2026, 4, 1, 6)) == 2
    four.attempt("CHARGE", at(2026, 4, 1, 6))
    four.attempt("CHARGE", at(2026, 4, 1, 6))
    assert four.charge(four.both)["amount"] == 16000
    return january, march


REST = """
    create or replace function marketplace.taken_of(p_transaction bigint, p_amount numeric)
    returns table (transaction bigint, taken numeric) language sql stable
    as 'select t.transaction, least(t.billed, p_amount) from marketplace.transaction as t
        where t.transaction = p_transaction'
"""


def test_what_went_on_to_another_month_is_given_back_with_it_and_not_once_more(four: Four) -> None:
    """March is refunded whole, 60 of January's among it; then January's clicks are taken back, and March's."""
    january, march = rest_that_went_on(four)
    taken = rows(four.db, "select month, taken from marketplace.transaction where taken_by = %s order by 1",
                 four.charge(four.both)["payment_attempt"])  # fmt: skip
    assert [tuple(row.values()) for row in taken] == [(JANUARY, 60), (MARCH, 100)]
    four.refund(four.both, None, at(2026, 4, 2))
    assert four.take_back(march, at(2026, 4, 3)) == 0, "it was refunded"
    assert four.take_back(january, at(2026, 4, 3)) == 840, "what was set off was never taken; 60 were, and came back"


def test_without_that_it_would_be_given_back_twice_and_verification_says_so(four: Four) -> None:
    with four.db.transaction(force_rollback=True):
        four.db.execute(REST.encode())
        january, _ = rest_that_went_on(four)
        four.refund(four.both, None, at(2026, 4, 2))
        assert four.take_back(january, at(2026, 4, 3)) == 900
        found = call(four.db, "verify_profile", profile=four.both)
        wrong = [(row["problem"], row["expected"], row["found"]) for row in found if row["severity"] == "ERROR"]
        assert wrong == [("ACCOUNT", 60, 0)]
        assert "marketplace_account" in consistency(four.db)


def test_of_a_month_that_was_set_off_a_refund_names_no_more_than_was_taken(four: Four) -> None:
    january, march = rest_that_went_on(four)
    charged = four.charge(four.both)["transaction"]

    def refund(chosen: list[Row], request: str) -> None:
        told = {"click_times": [row["click_time"] for row in chosen], "ad_clicks": [row["ad_click"] for row in chosen]}
        call(four.db, "refund_clicks", transaction=charged, **told, reason="bots", request_id=request, now=PAID)

    with expect("23B72"):
        refund(january[:1], "100 of 60")
    refund(march, "all of it")
    assert four.charge(four.both)["left_amount"] == 6000
    assert four.take_back(january, at(2026, 4, 3)) == 900, "nothing of January was given back"
    assert four.charge(four.both)["left_amount"] == 0


def test_a_refund_goes_to_the_card_whatever_is_owed(four: Four) -> None:
    four.clicks(four.both, None, 3)
    four.close()
    four.moves("CHARGE", CHARGED)
    four.clicks(four.both, None, 9, FEBRUARY)
    four.close(FEBRUARY)
    four.refund(four.both, 100, at(2026, 3, 2))
    four.moves("REFUND", at(2026, 3, 2))
    assert four.balance(four.both) == 900


def test_an_account_of_some_days_opens_with_what_was_before(four: Four) -> None:
    four.clicks(four.adv, four.pub, 3)
    four.close()
    four.moves("CHARGE", CHARGED)
    whole = call(four.db, "account", profile=four.adv)
    assert [(row["entry_date"], row["kind"], row["amount"], row["balance"]) for row in whole] == [
        (date(2026, 2, 1), "MONTH", 300, 300),
        (date(2026, 2, 2), "CHARGED", -300, 0),
    ]
    since = call(four.db, "account", profile=four.adv, **{"from": date(2026, 2, 2)})
    assert [(row["kind"], row["balance"]) for row in since] == [("OPENING", 300), ("CHARGED", 0)]
    until = call(four.db, "account", profile=four.adv, until=date(2026, 2, 1))
    assert [row["balance"] for row in until] == [300]
    with expect("22023"):
        call(four.db, "account", profile=four.adv, **{"from": date(2026, 2, 2), "until": date(2026, 2, 1)})
    last = "select balance from report.profile_account where profile = %s order by account_entry desc limit 1"
    assert one(four.db, last, four.adv) == 0


# --- Guards, and what would be without them -------------------------------------------------------------------------


def test_more_is_never_given_back_than_is_left_by_constraint(four: Four) -> None:
    four.clicks(four.adv, four.pub, 3)
    four.close()
    number = four.moves("CHARGE", CHARGED)
    statement = (
        f"update marketplace.payment_attempt set refunded = refunded + 20000, event = 'refunded'"
        f" where payment_attempt = {number}"
    ).encode()
    with four.db.transaction(force_rollback=True):
        four.db.execute(statement)
        with expect("23514", native=True), four.db.transaction():
            four.db.execute(statement)
        four.db.execute("alter table marketplace.payment_attempt drop constraint payment_attempt_left_check")
        four.db.execute(statement)


def test_nobody_is_paid_who_owes_whoever_prepares_it(four: Four) -> None:
    """Whoever goes around prepare_attempts is stopped by the row itself."""
    four.clicks(four.both, None, 9)
    four.close()
    four.moves("CHARGE", CHARGED, "processing", gateway_id="pi_1")
    four.clicks(four.adv, four.both, 20, FEBRUARY)
    four.close(FEBRUARY)
    four.reserve(5000)
    earned = market.transaction(four.db, four.both, FEBRUARY)["transaction"]
    query = """
        insert into marketplace.payment_attempt (
            transaction, profile, kind, attempt_number, amount, gateway, payment_means, idempotency_key, request,
            prepared_at, changed_at
        )
        select %s, profile, 'PAYOUT', 1, 140000, 'bank', payment_means, 'k', '{}', now(), now()
        from marketplace.payment_means where profile = %s and kind = 'PAYOUT'
    """
    with expect("23B89"), four.db.transaction():
        run(four.db, query, earned, four.both)
    with four.db.transaction(force_rollback=True):
        run(four.db, "create or replace function marketplace.debt_of(p_profile bigint) returns numeric"
            " language sql stable return 0")  # fmt: skip
        assert run(four.db, query, earned, four.both) == 1


def test_more_is_never_set_off_than_there_is(four: Four) -> None:
    four.clicks(four.both, None, 3)
    four.close()
    number = four.moves("CHARGE", CHARGED, "processing", gateway_id="pi_1")
    four.clicks(four.adv, four.both, 10, FEBRUARY)
    four.close(FEBRUARY)
    months = [market.transaction(four.db, four.both, month)["transaction"] for month in (JANUARY, FEBRUARY)]
    query = "insert into marketplace.set_off (profile, debt, claim, amount, made_at) values (%s, %s, %s, 301, now())"
    with expect("23B92"), four.db.transaction():
        run(four.db, query, four.both, *months)
    declined = {"answer": "declined", "decline_code": "lost_card", "now": CHARGED}
    call(four.db, "record_answer", payment_attempt=number, **declined)
    with expect("23514", native=True), four.db.transaction():
        run(four.db, query, four.both, *months)
    with four.db.transaction(force_rollback=True):
        run(four.db, "alter table marketplace.transaction drop constraint transaction_offset_check")
        run(four.db, query, four.both, *months)


def test_what_is_entered_never_changes(four: Four) -> None:
    four.clicks(four.both, None, 3)
    four.close()
    four.clicks(four.adv, four.both, 10, FEBRUARY)
    four.close(FEBRUARY)
    four.reserve(1)
    for table in ("account_entry", "set_off", "purse_movement"):
        for statement in (f"update marketplace.{table} set amount = 1", f"delete from marketplace.{table}"):
            with expect("23B62"), four.db.transaction():
                four.db.execute(statement.encode())
    for statement in (
        "update marketplace.transaction set offset_amount = 0, status = 'NEW', executed = null"
        " where offset_amount <> 0",
        "update marketplace.transaction set corrected = 1 where status <> 'CURRENT'",
        "update marketplace.transaction set offset_in = 1 where status <> 'CURRENT'",
    ):
        with expect("23B62"), four.db.transaction():
            four.db.execute(statement.encode())


LOCKED_MONTH = market.without("net_accounts(bigint[], timestamptz)", "for share", "")
LOCKED_FIRST = market.without("make_attempts(text, bigint, timestamptz)", "for no key update", "")
LOCKED_LAST = market.without("payment_attempt_keep()", "for no key update", "")


@pytest.mark.parametrize(
    ("gone", "prepared"),
    [
        ((), 63000),
        ((LOCKED_MONTH, LOCKED_FIRST), "23B70"),
        ((LOCKED_MONTH, LOCKED_FIRST, LOCKED_LAST), 70000),
    ],
    ids=["locked", "locked by the row alone", "not locked"],
)
def test_two_payouts_prepared_at_once_for_one_account_are_one_of_what_is_left(
    connect: Connect, gone: tuple[str, ...], prepared: int | str
) -> None:
    """Behind another, and behind who donates a part; the control would pay what is not owed any more, and is found."""
    first, second, watcher = connect(autocommit=False), connect(), connect()
    prepare = f"select marketplace.prepare_attempts('PAYOUT', '{PAID}')"
    live = "select amount from marketplace.payment_attempt where kind = 'PAYOUT' and state = 'PREPARED'"
    with people.made(watcher) as four:
        four.clicks(four.adv, four.both, 10)
        four.close()
        four.reserve(5000)
        for statement in gone:
            watcher.execute(statement.encode())
        if not gone:
            first.execute(prepare.encode())
            assert waits_behind(first, second, watcher, prepare) is None
            assert rows(watcher, live) == [{"amount": 70000}]
        month = market.transaction(watcher, four.both, JANUARY)["transaction"]
        donated = {"kind": "DONATED", "amount": 70, "reason": "ours", "request_id": "x", "now": PAID}
        call(first, "settle", transaction=month, **donated)
        refused = waits_behind(first, second, watcher, prepare)
        found = [row["amount"] for row in rows(watcher, live)]
        assert (refused.sqlstate if refused else found) == ([prepared] if isinstance(prepared, int) else prepared)
        assert ("marketplace_account" in consistency(watcher)) == (prepared == 70000)


def test_a_payout_that_was_sent_and_is_set_off_before_a_restored_ledger_looks_is_asked_back_by_hand(four: Four) -> None:
    """The dump has it prepared; nothing says that it was restored before the look, and the clicks are taken back."""
    clicks = four.clicks(four.adv, four.both, 10)
    four.close()
    four.moves("CHARGE", CHARGED)
    four.prepare("PAYOUT", PAID)
    sent = rows(four.db, "select * from marketplace.payment_attempt where kind = 'PAYOUT'")[0]
    four.take_back(clicks, PAID)
    assert (four.status(four.both), four.balance(four.both)) == ("EXECUTED", 0)
    look = one(four.db, "select gateway_look from marketplace.begin_look('bank', %s, false)", four.job_run)
    there = {
        "gateway_id": "b1", "kind": "PAYOUT", "idempotency_key": sent["idempotency_key"], "amount": 70000,
        "ledger": sent["request"]["metadata"]["ledger"], "currency": "NOK", "made_at": PAID.isoformat(),
        "answer": "succeeded",
    }  # fmt: skip
    assert len(call(four.db, "end_look", gateway_look=look, objects=Jsonb([there]))) == 1
    with expect("23B68") as refused:
        call(four.db, "take_in", gateway="bank", gateway_id="b1", job_run=four.job_run, now=PAID)
    assert "declare_foreign, charge_fee it to who has it" in str(refused.value.diag.message_hint)
    call(four.db, "declare_foreign", gateway="bank", gateway_id="b1", reason="paid, and set off", now=PAID)
    call(four.db, "charge_fee", profile=four.both, amount=Decimal(700), reason="paid", request_id="b1", now=PAID)
    call(four.db, "book_fee", purse="main", amount=Decimal(700), reason="paid", now=PAID)
    assert four.funds() == 300
    assert four.balance(four.both) == 700, "they had it, and the clicks were nothing worth"


@pytest.mark.parametrize(
    ("taken", "due", "way"), [(200, 900, "told again"), (200, 900, "by hand"), (900, 200, "by hand")]
)
def test_a_charge_made_before_or_after_a_payout_came_to_nothing_is_taken_in_or_settled(
    four: Four, taken: int, due: int, way: str
) -> None:
    """900 are owed for February, and 700 of January that did not arrive are set off; the dump says otherwise."""
    four.clicks(four.adv, four.both, 10)
    four.close()
    four.moves("CHARGE", CHARGED)
    payout = four.moves("PAYOUT", PAID, "no_answer")
    four.clicks(four.both, None, 9, FEBRUARY)
    four.close(FEBRUARY)
    now = at(2026, 3, 2, 6)
    declined = {"payment_attempt": payout, "answer": "declined", "decline_code": "closed", "now": now}
    if due == 200:
        call(four.db, "record_answer", **declined)
        four.prepare("PAYOUT", now)
    month = market.transaction(four.db, four.both, FEBRUARY)["transaction"]
    key = rows(four.db, "select * from marketplace.attempt_key(%s, 'CHARGE', 1)", month)[0]
    there = {
        "gateway_id": "ch_9", "kind": "CHARGE", "idempotency_key": key["idempotency_key"], "amount": taken * 100,
        "ledger": key["metadata"]["ledger"], "metadata": key["metadata"], "currency": "NOK", "party": "cus_1",
        "made_at": now.isoformat(), "answer": "succeeded",
    }  # fmt: skip
    look = one(four.db, "select gateway_look from marketplace.begin_look('stripe', %s, false)", four.job_run)
    assert len(call(four.db, "end_look", gateway_look=look, objects=Jsonb([there]))) == 1
    told = {"gateway": "stripe", "gateway_id": "ch_9"}
    with expect("23B68") as refused, four.db.transaction():
        call(four.db, "take_in", **told, job_run=four.job_run, now=now)
    assert f"{taken}.00 NOK with cus_1; this ledger: {due}.00 NOK" in str(refused.value.diag.message_detail)
    hint = str(refused.value.diag.message_hint)
    assert ("hearing once more" in hint, "give_goodwill" in hint) == (taken < due, taken > due)
    if way == "told again":
        call(four.db, "record_answer", **declined)
        assert call(four.db, "take_in", **told, job_run=four.job_run, now=now)[0]["state"] == "SUCCEEDED"
    else:
        asked = {"reason": "taken", "request_id": "ch_9", "now": now}
        call(four.db, "declare_foreign", **told, reason="settled by hand", now=now)
        call(four.db, "settle", transaction=month, kind="PAID_OUTSIDE", amount=Decimal(min(taken, due)), **asked)
        if taken > due:
            call(four.db, "give_goodwill", profile=four.both, amount=Decimal(taken - due), **asked)
        four.reserve(taken)
        if taken < due:
            call(four.db, "record_answer", **declined)
            four.prepare("CHARGE", now)
    assert (four.status(four.both, FEBRUARY), four.balance(four.both)) == ("EXECUTED", 200 - taken)
    assert four.funds() == 1000 + taken


def test_a_session_that_is_killed_at_a_commit_leaves_the_whole(four: Four, connect: Connect) -> None:
    """Each step is killed before its commit, when nothing of it is there; then made, and killed after."""
    clicks = four.clicks(four.both, four.pub, 9)
    four.close()
    four.moves("CHARGE", CHARGED, "declined", decline_code="stolen_card")
    four.clicks(four.adv, four.both, 20, FEBRUARY)
    four.reserve(5000)
    steps = (
        ("select * from marketplace.close_month('2026-02-01', '2026-03-01 01:00')", None),
        ("select marketplace.adjust_click(%s, %s, %s, 'bot', '2026-03-02 10:00')", clicks[0]),
        ("select marketplace.prepare_attempts('PAYOUT', '2026-03-16 10:00')", None),
    )
    whole = """
        select
            (select count(*) from marketplace.account_entry) as entries,
            (select count(*) from marketplace.set_off) as set_off,
            (select count(*) from marketplace.payment_attempt) as attempts,
            (select sum(offset_amount) from marketplace.transaction) as amount
    """
    for statement, click in steps:
        before = rows(four.db, whole)
        for commits in (False, True):
            session = connect()
            session.execute("begin")
            session.execute(
                statement, [click[each] for each in ("profile", "click_time", "ad_click")] if click else None
            )
            if commits:
                session.execute("commit")
            run(four.db, "select pg_terminate_backend(%s::int, 5000)", session.info.backend_pid)
            with pytest.raises(psycopg.OperationalError):
                session.execute("select 1")
            assert (rows(four.db, whole) != before) == commits
            assert consistency(four.db) == {}
    assert four.due(at(2026, 3, 16))[four.both, "PAYOUT"] == (Decimal(500), "UNDER_WAY"), "and 100 in March"


# --- Purses ---------------------------------------------------------------------------------------------------------


def test_a_purse_pays_what_it_has_and_not_what_another_has(four: Four) -> None:
    four.clicks(four.adv, four.pub, 10)
    four.close()
    call(four.db, "set_purse", gateway="bank", purse="bank")
    four.moves("CHARGE", CHARGED)
    assert four.due(PAID)[four.pub, "PAYOUT"] == (700, "FUND"), "it lies at the gateway"
    for amount, state in (("0", "22023"), ("1000.01", "23B76")):
        with expect(state):
            call(four.db, "transfer", **{"from": "main", "to": "bank"}, amount=Decimal(amount), reason="x", now=PAID)
    with expect("P0002"):
        call(four.db, "transfer", **{"from": "main", "to": "nowhere"}, amount=Decimal(1), reason="x", now=PAID)
    call(four.db, "transfer", **{"from": "main", "to": "bank"}, amount=Decimal(690), reason="their payout", now=PAID)
    assert four.due(PAID)[four.pub, "PAYOUT"] == (700, "FUND")
    call(four.db, "book_fee", amount=Decimal("2.50"), reason="of the transfer", purse="main", now=PAID)
    call(four.db, "transfer", **{"from": "main", "to": "bank"}, amount=Decimal(10), reason="their payout", now=PAID)
    four.moves("PAYOUT", PAID)
    found = rows(four.db, "select purse, gateways, available from report.marketplace_purse order by purse")
    assert [tuple(row.values()) for row in found] == [("bank", "bank", 0), ("main", "stripe", Decimal("297.50"))]
    with expect("P0002"):
        call(four.db, "set_purse", gateway="nobody", purse="x")
    with expect("22023"):
        call(four.db, "set_purse", gateway="bank", purse="No Such Name!")
    with expect("23B76"):
        call(four.db, "move_reserve", amount=Decimal(-1), reason="x", now=PAID, purse="bank")


def test_a_fee_is_a_fact_whether_there_is_enough_or_not(four: Four) -> None:
    (left,) = call(four.db, "book_fee", amount=Decimal(5), reason="a month of theirs", now=PAID)
    assert left["book_fee"] == -5
    for amount, reason in (("0", "x"), ("0.001", "x"), ("1", "")):
        with expect("22023"):
            call(four.db, "book_fee", amount=Decimal(amount), reason=reason, now=PAID)
    with expect("P0002"):
        call(four.db, "book_fee", amount=Decimal(1), reason="x", purse="none", now=PAID)
    (left,) = call(four.db, "book_fee", amount=Decimal(-5), reason="given back", now=PAID)
    assert left["book_fee"] == 0


# --- Who may, and what verification says ----------------------------------------------------------------------------


def test_a_profile_sees_its_own_account_and_nobody_elses(four: Four, connect: Connect) -> None:
    four.clicks(four.adv, four.pub, 3)
    four.close()
    with login_role(four.db, "marketplace_profile") as role:
        run(four.db, "update marketplace.profile set login_role = %s where profile = %s", role, four.pub)
        theirs = connect(role)
        assert [row["balance"] for row in call(theirs, "account", profile=four.pub)] == [-210]
        assert [row["reason"] for row in call(theirs, "why_not_paid", profile=four.pub)] == ["WAITS_FOR_CHARGES"]
        with expect("42501"):
            call(theirs, "account", profile=four.adv)
        for query in ("select * from report.profile_account", "select profile from marketplace.account_entry",
                      "select * from marketplace.open_amount", "select marketplace.verify_profile(1)",
                      "select * from marketplace.purse", "select marketplace.net_accounts(null, now())"):  # fmt: skip
            with expect("42501", native=True):
                theirs.execute(query.encode())
        run(four.db, "update marketplace.profile set login_role = null where login_role = %s", role)


def test_verification_says_what_is_wrong_with_an_account(four: Four) -> None:
    four.clicks(four.adv, four.pub, 3)
    four.close()
    found = call(four.db, "verify_profile", profile=four.adv)
    assert [(row["severity"], row["problem"], row["found"]) for row in found] == [("INFO", "DUE", 300)]
    with four.db.transaction(force_rollback=True):
        four.db.execute("alter table marketplace.account_entry disable trigger user")
        run(four.db, "update marketplace.account_entry set amount = amount - 1 where profile = %s", four.adv)
        found = call(four.db, "verify_profile", profile=four.adv)
        assert [(row["problem"], row["expected"], row["found"]) for row in found if row["severity"] == "ERROR"] == [
            ("ACCOUNT", 300, 299)
        ]
    with expect("P0002"):
        call(four.db, "verify_profile", profile=10**9)


def test_holds_name_debts(four: Four) -> None:
    four.clicks(four.both, None, 9)
    four.close()
    four.moves("CHARGE", CHARGED, "no_answer")
    four.clicks(four.adv, four.both, 1, FEBRUARY)
    market.set_minimum(four.db, "1", "1")
    four.close(FEBRUARY)
    four.reserve(100)
    assert holds(four.db, at(2026, 3, 16))[four.both, "PAYOUT"] == "OWES"


# --- What a gateway says, late, twice or otherwise --------------------------------------------------------------------


def test_what_is_to_be_refunded_and_is_lost_in_a_dispute_is_not_given_twice(four: Four) -> None:
    """All of the charge was to be refunded, and the bank took it first: nothing is left to be in dispute."""
    four.clicks(four.adv, four.pub, 3)
    four.close()
    number = four.moves("CHARGE", CHARGED)
    four.refund(four.adv, 300, at(2026, 2, 3))
    assert four.disputed(number, 300) == "ALARM"
    four.reserve(1000)
    call(four.db, "book_loss", payment_attempt=number, amount=Decimal(300), reason="lost", now=PAID)
    assert (four.charge(four.adv)["alarm"], four.funds()) == ("given_back", 1000)
    assert four.due(PAID)[four.adv, "REFUND"] == (300, "ALARM")
    assert four.prepare("REFUND", PAID) == 0
    # The control: who says that it shall go out all the same sends it.
    call(four.db, "clear_alarm", payment_attempt=number, reason="we owe it to them", now=PAID)
    four.moves("REFUND", PAID)
    assert four.funds() == 700


def test_of_what_was_taken_beyond_the_charge_a_part_is_lost(four: Four) -> None:
    four.clicks(four.adv, four.pub, 3)
    four.close()
    number = four.moves("CHARGE", CHARGED)
    four.refund(four.adv, 200, at(2026, 2, 3))
    four.moves("REFUND", at(2026, 2, 4))
    four.disputed(number, 250)
    assert four.funds() == -150
    with expect("23B75"):
        call(four.db, "book_loss", payment_attempt=number, amount=Decimal("250.01"), reason="lost", now=PAID)
    call(four.db, "book_loss", payment_attempt=number, amount=Decimal(150), reason="lost", now=PAID)
    charge = four.charge(four.adv)
    assert (charge["lost"], charge["disputed"], charge["alarm"], four.funds()) == (10000, 0, None, -50)


def test_a_dispute_that_is_heard_of_after_it_was_won_is_won(four: Four) -> None:
    four.clicks(four.adv, four.pub, 3)
    four.close()
    number = four.moves("CHARGE", CHARGED)
    assert four.disputed(number, 300, "reinstated", "won", occurred_at=at(2026, 2, 10)) == "NOTHING_NEW"
    assert four.disputed(number, 300, event="opened", occurred_at=at(2026, 2, 4)) == "APPLIED"
    assert (four.charge(four.adv)["alarm"], four.charge(four.adv)["left_amount"], four.funds()) == (None, 30000, 300)
    # The control: another one, which was opened after that.
    assert four.disputed(number, 300, event="another", occurred_at=at(2026, 2, 11)) == "ALARM"
    assert (four.charge(four.adv)["alarm"], four.funds()) == ("disputed", 0)


def test_a_dispute_in_another_currency_takes_all_until_a_person_has_looked(four: Four) -> None:
    four.clicks(four.adv, four.pub, 3)
    four.close()
    number = four.moves("CHARGE", CHARGED)
    assert four.disputed(number, 30, event="opened", currency="USD") == "ALARM"
    assert four.funds() == 0
    assert four.disputed(number, 30, "reinstated", "won", currency="USD") == "NOTHING_NEW"
    assert (four.charge(four.adv)["alarm"], four.funds()) == ("disputed", 0)
    for answer in ("returned", "reinstated"):
        with expect("22023"):
            four.disputed(number, -100, answer, "signed")
    call(four.db, "clear_alarm", payment_attempt=number, reason="it is back")
    assert four.funds() == 300


def test_two_disputes_of_the_same_amount_are_two_where_the_gateway_names_them(four: Four) -> None:
    four.clicks(four.adv, four.pub, 3)
    four.close()
    number = four.moves("CHARGE", CHARGED)
    assert four.disputed(number, 100, event="1", dispute="dp_1") == "ALARM"
    assert four.disputed(number, 100, event="2", dispute="dp_1") == "NOTHING_NEW", "the same, told again"
    assert four.disputed(number, 100, event="3", dispute="dp_2") == "ALARM"
    assert (four.charge(four.adv)["disputed"], four.funds()) == (20000, 100)
    assert four.disputed(number, 100, "reinstated", "4", dispute="dp_1") == "APPLIED"
    assert four.disputed(number, 100, "reinstated", "5", dispute="dp_1") == "NOTHING_NEW"
    assert (four.charge(four.adv)["disputed"], four.charge(four.adv)["alarm"], four.funds()) == (10000, "disputed", 200)
    # The control: where no dispute is named, the same amount once more is the same.
    assert four.disputed(number, 100, event="6") == "NOTHING_NEW"


def test_a_dispute_that_is_won_after_it_was_booked_as_lost_brings_its_money_back(four: Four) -> None:
    four.clicks(four.adv, four.pub, 3)
    four.close()
    number = four.moves("CHARGE", CHARGED)
    four.disputed(number, 300, event="1", dispute="dp_1")
    call(four.db, "book_loss", payment_attempt=number, amount=Decimal(300), reason="lost", now=PAID)
    assert four.funds() == 0
    assert four.disputed(number, 300, "reinstated", "2", dispute="dp_1") == "APPLIED"
    assert (four.charge(four.adv)["lost"], four.charge(four.adv)["left_amount"], four.funds()) == (0, 30000, 300)
    assert four.disputed(number, 300, "reinstated", "3", dispute="dp_1") == "NOTHING_NEW"


def test_of_two_disputes_one_is_lost_and_the_other_goes_on(four: Four) -> None:
    four.clicks(four.adv, four.pub, 3)
    four.close()
    number = four.moves("CHARGE", CHARGED)
    for event, dispute, amount in (("1", "dp_1", 100), ("2", "dp_2", 150)):
        four.disputed(number, amount, event=event, dispute=dispute)
    lost = {"payment_attempt": number, "reason": "lost", "now": PAID}
    for ambiguous in ({}, {"dispute": "dp_3"}, {"dispute": "dp_2", "amount": Decimal("150.01")}):
        with expect("23B75"):
            call(four.db, "book_loss", **(lost | {"amount": Decimal(100)} | ambiguous))
    call(four.db, "book_loss", **lost, amount=Decimal(100), dispute="dp_1")
    charge = four.charge(four.adv)
    assert (charge["disputed"], charge["lost"], charge["alarm"], four.funds()) == (15000, 10000, "disputed", 50)
    with expect("23B75"):
        call(four.db, "book_loss", **lost, amount=Decimal(151))
    assert four.disputed(number, 150, "reinstated", "3", dispute="dp_2") == "APPLIED"
    assert (four.charge(four.adv)["alarm"], four.funds()) == (None, 200)
    assert four.disputed(number, 100, "reinstated", "4", dispute="dp_1") == "APPLIED"
    assert (four.charge(four.adv)["left_amount"], four.funds()) == (30000, 300)


def test_which_of_two_disputes_is_lost_the_gateway_says(four: Four) -> None:
    four.clicks(four.adv, four.pub, 3)
    four.close()
    number = four.moves("CHARGE", CHARGED)
    for event, dispute, amount in (("1", "dp_1", 100), ("2", "dp_2", 150)):
        four.disputed(number, amount, event=event, dispute=dispute)
    assert four.disputed(number, 150, "lost", "3", dispute="dp_2") == "APPLIED"
    charge = four.charge(four.adv)
    assert (charge["disputed"], charge["lost"], charge["alarm"], four.funds()) == (10000, 15000, "disputed", 50)
    assert four.disputed(number, 150, "lost", "4", dispute="dp_2") == "NOTHING_NEW"
    assert four.disputed(number, 50, "lost", "5", dispute="dp_3") == "NOTHING_NEW", "nothing was taken in that one"
    # A person finds that of the one that is left a part is lost: the rest of it was won.
    call(four.db, "book_loss", payment_attempt=number, amount=Decimal(40), reason="settled", now=PAID)
    charge = four.charge(four.adv)
    assert (charge["disputed"], charge["lost"], charge["alarm"], four.funds()) == (0, 19000, None, 110)
    assert four.disputed(number, 100, "lost", "6", dispute="dp_1") == "NOTHING_NEW"
    assert consistency(four.db) == {}


def test_a_dispute_that_a_person_booked_as_lost_is_not_lost_once_more_at_the_cost_of_another(four: Four) -> None:
    four.clicks(four.adv, four.pub, 3)
    four.close()
    number = four.moves("CHARGE", CHARGED)
    for event, dispute in (("1", "dp_1"), ("2", "dp_2")):
        four.disputed(number, 100, event=event, dispute=dispute)
    lost = {"payment_attempt": number, "amount": Decimal(100), "reason": "lost", "dispute": "dp_1", "now": PAID}
    call(four.db, "book_loss", **lost)
    with expect("23B75"):
        call(four.db, "book_loss", **lost)
    assert four.disputed(number, 100, "lost", "3", dispute="dp_1") == "NOTHING_NEW"
    assert (four.charge(four.adv)["disputed"], four.charge(four.adv)["lost"]) == (10000, 10000)
    assert four.disputed(number, 100, "reinstated", "4", dispute="dp_2") == "APPLIED"
    assert (four.charge(four.adv)["alarm"], four.funds()) == (None, 200)


def test_a_dispute_booked_as_lost_is_won_after_all_while_another_goes_on(four: Four) -> None:
    """It was taken out of the one that is open, and the loss stayed: the sum was right, and each was not."""
    four.clicks(four.adv, four.pub, 3)
    four.close()
    number = four.moves("CHARGE", CHARGED)
    for event, dispute in (("1", "dp_1"), ("2", "dp_2")):
        four.disputed(number, 100, event=event, dispute=dispute)
    assert four.disputed(number, 100, "lost", "3", dispute="dp_1") == "APPLIED"
    assert four.disputed(number, 100, "reinstated", "4", dispute="dp_1") == "APPLIED"
    charge = four.charge(four.adv)
    assert (charge["disputed"], charge["lost"], charge["alarm"], four.funds()) == (10000, 0, "disputed", 200)
    assert four.disputed(number, 100, "reinstated", "5", dispute="dp_3") == "NOTHING_NEW", "nothing was taken in it"
    assert four.disputed(number, 100, "lost", "6", dispute="dp_2") == "APPLIED"
    charge = four.charge(four.adv)
    assert (charge["disputed"], charge["lost"], charge["alarm"], four.funds()) == (0, 10000, None, 200)
    assert consistency(four.db) == {}


def test_what_a_person_says_is_won_is_not_open_when_the_next_dispute_is_won(four: Four) -> None:
    four.clicks(four.adv, four.pub, 3)
    four.close()
    number = four.moves("CHARGE", CHARGED)
    four.disputed(number, 200, event="1", dispute="dp_1")
    call(four.db, "clear_alarm", payment_attempt=number, reason="won")
    four.disputed(number, 100, event="2", dispute="dp_2")
    with expect("23B75"):  # all that is open is of the second
        lost = {"amount": Decimal(101), "reason": "lost", "now": PAID}
        call(four.db, "book_loss", payment_attempt=number, **lost)
    assert four.disputed(number, 200, "reinstated", "3", dispute="dp_1") == "NOTHING_NEW", "a person has said so"
    assert four.disputed(number, 100, "reinstated", "4", dispute="dp_2") == "APPLIED"
    assert (four.charge(four.adv)["disputed"], four.charge(four.adv)["alarm"], four.funds()) == (0, None, 300)


def test_both_of_two_disputes_are_lost_whoever_says_it_of_which(four: Four) -> None:
    four.clicks(four.adv, four.pub, 3)
    four.close()
    number = four.moves("CHARGE", CHARGED)
    for event, dispute in (("1", "dp_1"), ("2", "dp_2")):
        four.disputed(number, 100, event=event, dispute=dispute)
    lost = {"payment_attempt": number, "amount": Decimal(100), "reason": "lost", "now": PAID}
    call(four.db, "book_loss", **lost, dispute="dp_1")
    assert four.disputed(number, 100, "lost", "3", dispute="dp_2") == "APPLIED", "the gateway means the other one"
    charge = four.charge(four.adv)
    assert (charge["disputed"], charge["lost"], charge["alarm"], four.funds()) == (0, 20000, None, 100)
    assert consistency(four.db) == {}


def test_a_dispute_that_is_heard_of_after_it_was_lost_is_lost(four: Four) -> None:
    four.clicks(four.adv, four.pub, 3)
    four.close()
    number = four.moves("CHARGE", CHARGED)
    said = {"dispute": "dp_1", "occurred_at": at(2026, 2, 10)}
    assert four.disputed(number, 100, "lost", "lost", **said) == "NOTHING_NEW"  # type: ignore[arg-type]
    assert four.disputed(number, 100, event="2", dispute="dp_1", occurred_at=at(2026, 2, 4)) == "APPLIED"
    charge = four.charge(four.adv)
    assert (charge["disputed"], charge["lost"], charge["alarm"], four.funds()) == (0, 10000, None, 200)
    assert four.disputed(number, 50, event="3", dispute="dp_2", occurred_at=at(2026, 2, 11)) == "ALARM"
    assert four.disputed(number, 50, "lost", "4", dispute="dp_2", occurred_at=at(2026, 2, 12)) == "APPLIED"
    assert (four.charge(four.adv)["lost"], four.funds()) == (15000, 150)


def test_what_a_person_booked_as_won_is_not_won_once_more_when_the_gateway_says_so(four: Four) -> None:
    four.clicks(four.adv, four.pub, 3)
    four.close()
    number = four.moves("CHARGE", CHARGED)
    four.disputed(number, 300, event="1", dispute="dp_1")
    call(four.db, "book_loss", payment_attempt=number, amount=Decimal(100), reason="a part", now=PAID)
    assert four.disputed(number, 200, "reinstated", "2", dispute="dp_1") == "NOTHING_NEW"
    assert (four.charge(four.adv)["lost"], four.funds()) == (10000, 200)


def test_what_is_lost_beyond_the_charge_is_won_late_as_well(four: Four) -> None:
    four.clicks(four.adv, four.pub, 3)
    four.close()
    number = four.moves("CHARGE", CHARGED)
    four.refund(four.adv, 200, at(2026, 2, 3))
    four.moves("REFUND", at(2026, 2, 4))
    four.disputed(number, 300, event="1", dispute="dp_1")
    call(four.db, "book_loss", payment_attempt=number, amount=Decimal(300), reason="lost", now=PAID)
    assert (four.charge(four.adv)["lost"], four.funds()) == (10000, -200)
    four.disputed(number, 50, event="2", dispute="dp_2")
    call(four.db, "clear_alarm", payment_attempt=number, reason="won")
    assert four.funds() == -200, "what is lost stays so"
    assert four.disputed(number, 50, "reinstated", "won", dispute="dp_2") == "NOTHING_NEW"
    assert four.disputed(number, 300, "reinstated", "3", dispute="dp_1") == "APPLIED"
    assert (four.charge(four.adv)["lost"], four.charge(four.adv)["left_amount"], four.funds()) == (0, 10000, 100)


def test_a_refund_whose_money_went_back_in_a_dispute_is_called_off(four: Four) -> None:
    four.clicks(four.adv, four.pub, 3)
    four.close()
    number = four.moves("CHARGE", CHARGED)
    four.refund(four.adv, 300, at(2026, 2, 3))
    (refund,) = rows(four.db, "select transaction from marketplace.transaction where kind = 'REFUND'")
    off = {"transaction": refund["transaction"], "reason": "the bank gave it back", "now": PAID}
    with expect("23B75"):
        call(four.db, "call_off_refund", **off)
    with expect("P0002"):
        call(four.db, "call_off_refund", **(off | {"transaction": four.charge(four.adv)["transaction"]}))
    four.disputed(number, 300, event="1", dispute="dp_1")
    four.reserve(1000)
    call(four.db, "book_loss", payment_attempt=number, amount=Decimal(300), reason="lost", now=PAID)
    with expect("22023"):
        call(four.db, "call_off_refund", **(off | {"reason": " "}))
    call(four.db, "call_off_refund", **off)
    charge = four.charge(four.adv)
    assert (charge["refunded"], charge["lost"], charge["left_amount"], charge["alarm"]) == (0, 30000, 0, None)
    assert (four.funds(), four.balance(four.adv)) == (1000, 0)
    assert four.why(four.adv) == {JANUARY: "TAKEN_BACK"}, "nobody waits for what was called off"
    assert four.due(PAID) == {(four.pub, "PAYOUT"): (210, None)}
    with expect("23B75"):
        call(four.db, "call_off_refund", **off)
    with expect("23B72"):
        four.refund(four.adv, None, PAID)


def test_a_correction_that_meets_a_dispute_waits_and_credits_what_is_left(four: Four, connect: Connect) -> None:
    """It looked at the charge before the bank took it back, and would credit 300 of it: a raw 23514, once."""
    clicks = four.clicks(four.adv, four.pub, 3)
    four.close()
    number = four.moves("CHARGE", CHARGED)
    dispute = connect()
    dispute.execute("begin")
    call(dispute, "record_answer", payment_attempt=number, answer="returned", amount=20000, currency="NOK", now=PAID)
    made: list[Row] = []
    session = connect()

    def correct() -> None:
        keys = {f"{name}s": [row[name] for row in clicks] for name in ("profile", "click_time", "ad_click")}
        made.extend(call(session, "adjust_clicks", **keys, reason="bot", now=PAID))

    thread = threading.Thread(target=correct)
    thread.start()
    waits = "select count(*) from pg_stat_activity where pid = %s and wait_event_type = 'Lock'"
    while not one(four.db, waits, session.info.backend_pid):
        assert thread.is_alive(), "it did not wait"
    dispute.execute("commit")
    thread.join()
    assert [(row["side"], row["amount"], row["credited"]) for row in made] == [
        ("ADVERTISEMENT", -100, 200), ("WEBSITE", 210, 0),
    ]  # fmt: skip


def test_a_payment_that_bears_our_name_and_that_no_attempt_explains_stops_the_run(four: Four) -> None:
    """A webhook of a ledger that this one was restored from."""
    four.clicks(four.adv, four.pub, 3)
    four.close()
    four.prepare("CHARGE", CHARGED)
    named = one(four.db, "select request -> 'metadata' from marketplace.payment_attempt")
    key = one(four.db, "select idempotency_key from marketplace.payment_attempt")

    def said(event: str, number: str, **changed: object) -> str:
        told = {"gateway": "stripe", "event_id": event, "event_kind": "payment_intent.succeeded", "answer": "succeeded",
                "idempotency_key": key, "gateway_id": number, "amount": 30000, "currency": "NOK",
                "metadata": Jsonb(named), "now": CHARGED}  # fmt: skip
        return str(call(four.db, "record_event", **(told | changed))[0]["record_event"])

    other = dict(named) | {"ledger": "0e1f6c2a-0000-4000-8000-000000000000"}
    assert said("1", "pi_1", idempotency_key="of another", metadata=Jsonb(other)) == "NOT_OURS"
    assert said("2", "pi_1", idempotency_key="of another", metadata=None) == "NOT_OURS"
    claim = {"gateway": "stripe", "kind": "CHARGE", "job_run": four.job_run, "limit": 1, "now": CHARGED}
    assert said("3", "pi_2") == "STRAY", "prepared, and never sent by us"
    assert said("4", "pi_2") == "STRAY"
    with expect("23B68"):
        call(four.db, "claim_attempts", **claim)
    call(four.db, "take_in", gateway="stripe", gateway_id="pi_2", job_run=four.job_run, now=CHARGED)
    assert four.charge(four.adv)["gateway_id"] == "pi_2"
    assert said("5", "pi_2") == "NOTHING_NEW"
    assert call(four.db, "claim_attempts", **claim) == []


def test_what_a_gateway_has_given_back_is_taken_in_though_others_wait_for_the_same_purse(four: Four) -> None:
    four.clicks(four.adv, four.pub, 3)
    four.clicks(four.adv2, None, 2)
    four.close()
    assert four.prepare("CHARGE", CHARGED) == 2
    for _ in range(2):
        four.attempt("CHARGE", CHARGED)
    four.moves("PAYOUT", PAID)
    four.refund(four.adv2, 400, PAID)  # of the 490 that are there
    told = {"gateway": "stripe", "event_id": "evt", "event_kind": "refund", "answer": "succeeded", "gateway_id": "re_1",
            "parent": four.charge(four.adv)["gateway_id"], "amount": 10000, "currency": "NOK"}  # fmt: skip
    assert call(four.db, "record_event", **told, now=PAID)[0]["record_event"] == "STRAY"
    assert four.due(PAID)[four.adv, "REFUND"] == (100, "FUND"), "in its turn"
    taken = call(four.db, "take_in", gateway="stripe", gateway_id="re_1", job_run=four.job_run, now=PAID)
    assert (taken[0]["state"], four.funds()) == ("SUCCEEDED", 390)
    assert four.due(PAID)[four.adv2, "REFUND"] == (400, "FUND"), "what is not there any more is not given"


def test_a_request_id_stands_for_its_clicks(four: Four) -> None:
    """Whoever hears that a refund was made before may trust that these clicks were taken back."""
    clicks = four.clicks(four.adv, four.pub, 3)
    four.close()
    four.moves("CHARGE", CHARGED)
    charged = four.charge(four.adv)["transaction"]

    def refund(click: Row, request: str) -> int:
        told = {"click_times": [click["click_time"]], "ad_clicks": [click["ad_click"]], "reason": "bots"}
        made = call(four.db, "refund_clicks", transaction=charged, **told, request_id=request, now=PAID)
        return int(made[0]["refund_clicks"])

    made = refund(clicks[0], "a")
    with expect("23B13"):
        refund(clicks[1], "a")
    with expect("23B62"):  # its key is made of it
        run(four.db, "update marketplace.transaction set request_id = 'z' where transaction = %s", made)
    told = {"transaction": charged, "reason": "bots", "amount": Decimal(100), "now": PAID}
    call(four.db, "refund_transaction", **told, request_id="b")
    with expect("23B13"):
        refund(clicks[1], "b")
    assert refund(clicks[0], "a") == made
    assert one(four.db, "select count(*) from marketplace.adjustment where side = 'WEBSITE'") == 1


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_reason_has_words(four: Four, reason: str) -> None:
    clicks = four.clicks(four.adv, four.pub, 1)
    four.close()
    four.moves("CHARGE", CHARGED)
    for name, told in (
        ("refund_transaction", {"transaction": four.charge(four.adv)["transaction"], "request_id": "a"}),
        ("adjust_click", {key: clicks[0][key] for key in ("profile", "click_time", "ad_click")}),
        ("move_reserve", {"amount": Decimal(1)}),
        ("book_fee", {"amount": Decimal(1)}),
    ):
        with expect("22023"):
            call(four.db, name, **told, reason=reason, now=PAID)


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "1e20", "0.001"])
def test_an_amount_is_an_amount(four: Four, amount: str) -> None:
    four.clicks(four.adv, four.pub, 1)
    four.close()
    number = four.moves("CHARGE", CHARGED)
    for name, told in (
        ("refund_transaction", {"transaction": four.charge(four.adv)["transaction"], "request_id": "a"}),
        ("move_reserve", {}), ("book_fee", {}), ("book_loss", {"payment_attempt": number}),
        ("transfer", {"from": "main", "to": "other"}),
    ):  # fmt: skip
        with expect("22023"):
            call(four.db, name, **told, amount=Decimal(amount), reason="x", now=PAID)
