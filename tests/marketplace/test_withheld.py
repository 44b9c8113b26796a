"""What clicks taken back were not credited, since their charge had gone another way, is credited once it comes back."""

from decimal import Decimal

import pytest

from tests.support import four as people
from tests.support.domain import Row, expect, one
from tests.support.four import CHARGED, PAID, Four
from tests.support.market import at, call

four = people.four

SOON, LATER = at(2026, 2, 4), at(2026, 2, 20)


@pytest.fixture
def charged(four: Four) -> tuple[int, list[Row]]:
    """Three clicks of 100, charged; the charge, and the clicks."""
    clicks = four.clicks(four.adv, four.pub, 3)
    four.close()
    number = four.moves("CHARGE", CHARGED)
    four.reserve(1000)
    return number, clicks


def left(four: Four) -> tuple[int, int, int]:
    """Of the charge: what was refunded, credited, and is left; NOK."""
    charge = four.charge(four.adv)
    return charge["refunded"] / 100, charge["credited"] / 100, charge["left_amount"] / 100


def declined_for_good(four: Four, clicks: list[Row]) -> dict[str, object]:
    """The clicks are refunded, and their card takes nothing; how the refund is called off."""
    refund = call(
        four.db, "refund_clicks", transaction=four.charge(four.adv)["transaction"], reason="bot", request_id="r1",
        click_times=[c["click_time"] for c in clicks], ad_clicks=[c["ad_click"] for c in clicks], now=SOON,
    )[0]["refund_clicks"]  # fmt: skip
    four.moves("REFUND", SOON, "declined", decline_code="lost_card")
    return {"transaction": refund, "reason": "its card is closed", "now": LATER}


@pytest.mark.parametrize("says", ["the gateway", "a person"])
def test_clicks_taken_back_while_the_bank_had_their_charge_are_credited_once_the_dispute_is_won(
    four: Four, charged: tuple[int, list[Row]], says: str
) -> None:
    """They had it by the bank, and by the end of it by nobody: 200 stayed ours, and nothing told of it."""
    number, clicks = charged
    four.disputed(number, 300, event="1", dispute="dp_1")
    assert four.take_back(clicks[:2], SOON) == 0
    if says == "the gateway":
        assert four.disputed(number, 300, "reinstated", "2", dispute="dp_1") == "APPLIED"
    else:
        call(four.db, "clear_alarm", payment_attempt=number, reason="won", now=PAID)
    assert left(four) == (0, 200, 100)
    assert four.balance(four.adv) == -200
    assert four.due(LATER)[four.adv, "PAYOUT"] == (200, None)
    assert four.take_back(clicks[2:], LATER) == 100
    assert (left(four), four.disputed(number, 300, "reinstated", "3", dispute="dp_1")) == ((0, 300, 0), "NOTHING_NEW")


def test_what_is_lost_of_a_dispute_stays_with_the_card_and_the_rest_is_credited(
    four: Four, charged: tuple[int, list[Row]]
) -> None:
    number, clicks = charged
    four.disputed(number, 300, event="1", dispute="dp_1")
    assert four.take_back(clicks, SOON) == 0
    call(four.db, "book_loss", payment_attempt=number, amount=Decimal(120), reason="in part", now=PAID)
    assert (left(four), four.balance(four.adv)) == ((0, 180, 0), -180)


def test_what_a_person_says_was_given_back_elsewhere_is_not_credited_when_a_dispute_is_won(
    four: Four, charged: tuple[int, list[Row]]
) -> None:
    number, clicks = charged
    four.disputed(number, 300, event="1", dispute="dp_1")
    key = {"profiles": [four.adv] * 2, "click_times": [c["click_time"] for c in clicks[:2]],
           "ad_clicks": [c["ad_click"] for c in clicks[:2]]}  # fmt: skip
    call(four.db, "adjust_clicks", **key, reason="paid in cash", is_credited=True, now=SOON)
    four.disputed(number, 300, "reinstated", "2", dispute="dp_1")
    assert left(four) == (0, 0, 300)


def test_a_refund_that_its_card_takes_no_more_is_called_off_and_owed_to_the_account(
    four: Four, charged: tuple[int, list[Row]]
) -> None:
    off = declined_for_good(four, charged[1][:2])
    assert call(four.db, "why", transaction=off["transaction"])[0]["code"] == "REFUND_NOT_TAKEN"
    query = "select command from marketplace.next_step where code = 'REFUND_NOT_TAKEN'"
    assert "marketplace.call_off_refund(" in one(four.db, query)
    call(four.db, "call_off_refund", **off)
    assert (left(four), four.balance(four.adv)) == ((0, 200, 100), -200)
    assert four.due(LATER)[four.adv, "PAYOUT"] == (200, None)
    with expect("23B75"):
        call(four.db, "call_off_refund", **off)
    four.moves("PAYOUT", LATER)
    assert four.balance(four.adv) == 0


def test_a_refund_that_was_declined_and_is_tried_again_is_not_called_off(
    four: Four, charged: tuple[int, list[Row]]
) -> None:
    off = declined_for_good(four, charged[1][:2])
    call(four.db, "retry_transaction", transaction=off["transaction"], reason="again", now=LATER)
    with expect("23B75"):
        call(four.db, "call_off_refund", **off)


@pytest.mark.parametrize("heard", ["before", "after"])
def test_a_refund_that_was_made_by_hand_as_well_is_called_off_and_not_credited_too(
    four: Four, charged: tuple[int, list[Row]], heard: str
) -> None:
    """Ours is declined since theirs has gone out, which has no room beside ours until that is called off."""
    off = declined_for_good(four, charged[1][:2])
    told = {"gateway": "stripe", "event_id": "evt", "event_kind": "refund", "answer": "succeeded", "gateway_id": "re_1",
            "parent": four.charge(four.adv)["gateway_id"], "amount": 20000, "currency": "NOK"}  # fmt: skip
    assert heard == "after" or call(four.db, "record_event", **told, now=LATER)[0]["record_event"] == "STRAY"
    call(four.db, "call_off_refund", **off)
    call(four.db, "record_event", **told | {"event_id": "evt 2"}, now=LATER)
    if heard == "before":
        assert (left(four), four.balance(four.adv)) == ((200, 0, 100), -200), "promised, and sent already"
        call(four.db, "take_in", gateway="stripe", gateway_id="re_1", job_run=four.job_run, now=LATER)
        assert (left(four), four.balance(four.adv)) == ((200, 0, 100), 0)
        assert (four.adv, "REFUND") not in four.due(LATER)
    else:  # nobody knew: it is owed to the account, and what went out beside it stops the run, for a person
        assert (left(four), four.balance(four.adv)) == ((0, 200, 100), -200)
        with expect("23B72"):
            call(four.db, "take_in", gateway="stripe", gateway_id="re_1", job_run=four.job_run, now=LATER)


def test_what_the_bank_took_before_a_refund_was_declined_is_not_credited_until_it_is_won(
    four: Four, charged: tuple[int, list[Row]]
) -> None:
    number, clicks = charged
    off = declined_for_good(four, clicks)
    four.disputed(number, 300, event="1", dispute="dp_1")
    call(four.db, "call_off_refund", **off)
    assert (left(four), one(four.db, "select disputed from marketplace.payment_attempt where disputed > 0")) == (
        (0, 0, 0), 30000,
    )  # fmt: skip
    four.disputed(number, 300, "reinstated", "2", dispute="dp_1")
    assert (left(four), four.balance(four.adv)) == ((0, 300, 0), -300)
