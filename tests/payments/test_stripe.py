"""The gateway of Stripe, against its sandbox: each word it answers with, and what it never says."""

import json
import logging
import os
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import stripe as library

from examples.sandbox import Box, Customer, Signed
from pybridge.payments import gateways
from pybridge.payments.gateways import (
    Answer,
    BadPayload,
    BadSignature,
    Kind,
    NotConfigured,
    Request,
    open_gateway,
)
from pybridge.payments.gateways import stripe as sender
from pybridge.payments.gateways import stripe_said as stripe

NOW = datetime.now(UTC)
NUMBERS = count(1)
LOST = ("drop_after", "500_after", "503_after", "garbage")  # done, and not told


@pytest.fixture
def gateway(box: Box) -> gateways.Gateway:
    return open_gateway("stripe", box.environment)


def request(kind: Kind, amount: int = 1000, **asked: Any) -> Request:
    """A request as the database freezes it, with a key of its own."""
    number = next(NUMBERS)
    metadata = {"attempt": str(number), "transaction": "3", "profile": "4", "month": "2026-02", "kind": kind}
    frozen = {"description": "February 2026", "metadata": metadata, **asked}
    return Request(number, kind, amount, "NOK", f"key-{number}-{time.time_ns()}", frozen, NOW)


def charge(of: Customer, amount: int = 1000) -> Request:
    return request("CHARGE", amount, customer=of.id, payment_method=of.payment_method)


def payout(to: str, amount: int = 1000, group: str = "group-1") -> Request:
    return request("PAYOUT", amount, destination=to, transfer_group=group)


def refund(of: str, amount: int = 1000) -> Request:
    return request("REFUND", amount, refunds=of)


def send(gateway: gateways.Gateway, asked: Request) -> Answer:
    (answer,) = gateway.send([asked])
    return answer


def paid(gateway: gateways.Gateway, box: Box) -> str:
    """The number of a payment that succeeded."""
    answer = send(gateway, charge(box.customer()))
    assert answer.gateway_id is not None
    return answer.gateway_id


# One request of each kind that would succeed.
Maker = Callable[[gateways.Gateway, Box], Request]


def a_charge(_: gateways.Gateway, box: Box) -> Request:
    return charge(box.customer())


def a_payout(_: gateways.Gateway, box: Box) -> Request:
    box.top_up(50_000)
    return payout(box.account())


def a_refund(gateway: gateways.Gateway, box: Box) -> Request:
    return refund(paid(gateway, box), 400)


EACH_KIND = pytest.mark.parametrize("make", [a_charge, a_payout, a_refund])


# --- What became of it ----------------------------------------------------------------------------------------------


@EACH_KIND
def test_what_succeeds(box: Box, gateway: gateways.Gateway, make: Maker) -> None:
    asked = make(gateway, box)
    answer = send(gateway, asked)
    assert answer == Answer("succeeded", answer.gateway_id, asked.amount, "NOK")
    assert send(gateway, asked) == answer
    assert gateway.look_up(asked) == answer
    assert gateway.look_up(replace(asked, gateway_id=answer.gateway_id)) == answer


def test_money_moves_to_the_oere_and_its_metadata_with_it(box: Box, gateway: gateways.Gateway) -> None:
    somebody, account = box.customer(), box.account()
    first, second = charge(somebody, 12_345), charge(somebody, 1)
    answers = [send(gateway, each) for each in (first, second)]
    pay, back = payout(account, 12_000), refund(answers[0].gateway_id or "", 45)
    for each in (pay, back, pay, back, first):
        assert send(gateway, each).answer == "succeeded"
    ledger = box.ledger()
    assert ledger.customers() == {somebody.id: 12_345 + 1 - 45}
    assert ledger.accounts() == {account: 12_000}
    assert ledger.balance == {"NOK": 12_346 - 45 - 12_000}
    for row, asked in zip(
        [*ledger.charges, *ledger.refunds, *ledger.transfers], (first, second, back, pay), strict=True
    ):
        assert row.idempotency_key == asked.idempotency_key
        assert row.metadata == asked.request["metadata"] | {"idempotency_key": asked.idempotency_key}


def test_without_idempotency_a_repetition_charges_twice_and_is_found_out(box: Box, gateway: gateways.Gateway) -> None:
    """The control of the tests above: it is the key that protects."""
    box.reset(idempotency=False)
    somebody = box.customer()
    asked = charge(somebody)
    numbers = {send(gateway, asked).gateway_id for _ in range(2)}
    assert box.ledger().customers() == {somebody.id: 2000}
    found = gateway.look_up(asked)
    assert (found.answer, found.error_code, found.amount) == ("succeeded", "duplicate", 1000)
    assert found.message is not None
    assert all(str(each) in found.message for each in numbers)


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("insufficient_funds", "card_declined"),
        ("lost_card", "card_declined"),
        ("stolen_card", "card_declined"),
        ("expired_card", "expired_card"),
        ("processing_error", "processing_error"),
    ],
)
def test_declines(box: Box, gateway: gateways.Gateway, method: str, code: str) -> None:
    asked = charge(box.customer(method))
    answer = send(gateway, asked)
    assert (answer.answer, answer.error_code, answer.decline_code) == ("declined", code, method)
    assert (answer.amount, answer.currency) == (1000, "NOK")
    assert gateway.look_up(asked) == answer


def test_authentication_is_the_persons_to_do(box: Box, gateway: gateways.Gateway) -> None:
    asked = charge(box.customer("authentication_required"))
    answer = send(gateway, asked)
    assert (answer.answer, answer.error_code) == ("requires_action", "authentication_required")
    assert answer.gateway_id is not None
    assert gateway.look_up(asked) == answer
    box.settle(answer.gateway_id)
    assert gateway.look_up(asked) == Answer("succeeded", answer.gateway_id, 1000, "NOK")


@pytest.mark.parametrize("outcome", ["succeeded", "insufficient_funds"])
def test_what_is_processed_ends(box: Box, gateway: gateways.Gateway, outcome: str) -> None:
    asked = charge(box.customer("processing"))
    answer = send(gateway, asked)
    assert answer == Answer("processing", answer.gateway_id, 1000, "NOK")
    box.settle(answer.gateway_id or "", outcome)
    found = gateway.look_up(asked)
    if outcome == "succeeded":
        assert found == Answer("succeeded", answer.gateway_id, 1000, "NOK")
    else:
        assert (found.answer, found.decline_code, found.gateway_id) == ("declined", outcome, answer.gateway_id)


@pytest.mark.parametrize(("outcome", "word"), [("succeeded", "succeeded"), ("lost_or_stolen_card", "declined")])
def test_a_refund_that_takes_its_time(box: Box, gateway: gateways.Gateway, outcome: str, word: str) -> None:
    asked = a_refund(gateway, box)
    box.faults({"fault": "pending"})
    answer = send(gateway, asked)
    assert answer == Answer("processing", answer.gateway_id, 400, "NOK")
    box.settle(answer.gateway_id or "", outcome)
    found = gateway.look_up(asked)
    assert (found.answer, found.decline_code) == (word, None if word == "succeeded" else outcome)


def test_a_transfer_without_money_is_declined(box: Box, gateway: gateways.Gateway) -> None:
    asked = payout(box.account())
    answer = send(gateway, asked)
    assert (answer.answer, answer.decline_code) == ("declined", "balance_insufficient")
    assert gateway.look_up(asked).answer == "not_found"


def test_of_an_account_it_is_said_whether_it_can_be_paid_before_it_is(gateway: gateways.Gateway, box: Box) -> None:
    assert isinstance(gateway, gateways.KeepsAccounts)
    for transfers in (True, False):
        said = gateway.account(number := box.account(transfers=transfers))
        assert said == gateways.Account(number, is_restricted=not transfers, needs=[])
    assert gateway.account("acct_nobody") is None


def test_bad_requests_are_rejected(box: Box, gateway: gateways.Gateway) -> None:
    box.top_up(50_000)
    somebody = box.customer()
    for asked in (
        charge(Customer("cus_nobody", somebody.payment_method)),
        charge(Customer(somebody.id, box.customer().payment_method)),
        payout("acct_nobody"),
        payout(box.account(transfers=False)),
        refund("pi_nothing"),
        refund(paid(gateway, box), 1001),
    ):
        assert send(gateway, asked).answer == "rejected"
    assert len(box.ledger().charges) == 1


@EACH_KIND
def test_a_key_with_other_parameters_is_a_conflict(box: Box, gateway: gateways.Gateway, make: Maker) -> None:
    asked = make(gateway, box)
    send(gateway, asked)
    assert send(gateway, replace(asked, amount=asked.amount - 1)).answer == "conflict"


def test_a_key_in_use_says_nothing_of_the_outcome(box: Box, gateway: gateways.Gateway) -> None:
    asked = charge(box.customer())
    box.faults({"fault": "delay", "seconds": 1.0})
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(send, gateway, asked)
        while box.faults_left():
            time.sleep(0.01)
        assert send(gateway, asked).answer == "no_answer"
        assert first.result().answer == "succeeded"


@EACH_KIND
@pytest.mark.parametrize("fault", ["drop_before", "500_before", "503_before", *LOST])
def test_no_answer_and_what_is_found_then(box: Box, gateway: gateways.Gateway, make: Maker, fault: str) -> None:
    asked = make(gateway, box)
    box.faults({"fault": fault})
    assert send(gateway, asked).answer == "no_answer"
    found = gateway.look_up(asked)
    moved = [each for rows in (box.ledger().charges, box.ledger().refunds, box.ledger().transfers) for each in rows]
    mine = [each for each in moved if each.idempotency_key == asked.idempotency_key]
    if fault in LOST:
        assert found == Answer("succeeded", mine[0].id, asked.amount, "NOK")
    else:
        assert found == Answer("not_found")
        assert mine == []


@pytest.mark.parametrize(("fault", "word"), [("429", "rate_limited"), ("401", "unauthorized"), ("403", "unauthorized")])
@EACH_KIND
def test_what_was_not_let_in_is_not_done(
    box: Box, gateway: gateways.Gateway, make: Maker, fault: str, word: str
) -> None:
    asked = make(gateway, box)
    box.faults({"fault": fault, "times": 2, "path": "*"})
    assert send(gateway, asked).answer == word
    assert gateway.look_up(asked).answer == word
    assert gateway.look_up(asked) == Answer("not_found")
    assert send(gateway, asked).answer == "succeeded"


def test_a_time_out_is_no_answer(box: Box) -> None:
    hasty = open_gateway("stripe", box.environment | {"STRIPE_TIMEOUT": "0.2"})
    asked = charge(box.customer())
    box.faults({"fault": "delay", "seconds": 0.6})
    assert send(hasty, asked).answer == "no_answer"
    time.sleep(0.7)
    assert hasty.look_up(asked).answer == "succeeded"


def test_nobody_there_is_no_answer() -> None:
    gateway = open_gateway("stripe", {"STRIPE_API_KEY": "sk_test_x", "STRIPE_API_BASE": "http://127.0.0.1:9"})
    asked = charge(Customer("cus_1", "pm_1"))
    assert send(gateway, asked).answer == "no_answer"
    assert gateway.look_up(asked).answer == "no_answer"


def test_a_wrong_key_is_unauthorized(box: Box) -> None:
    gateway = open_gateway("stripe", box.environment | {"STRIPE_API_KEY": "sk_test_wrong"})
    assert send(gateway, charge(box.customer())).answer == "unauthorized"


def test_each_answers_its_request_in_order(box: Box, gateway: gateways.Gateway) -> None:
    asked = [charge(box.customer("lost_card"), 1), charge(box.customer(), 2), charge(Customer("cus_x", "pm_x"), 3)]
    assert [each.answer for each in gateway.send(asked)] == ["declined", "succeeded", "rejected"]
    assert gateway.batch_limit == 1


# --- Looking up -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["drop_before", "drop_after", "400", "500_before", "503_before", "garbage"])
def test_a_look_up_that_fails_finds_nothing_out(box: Box, gateway: gateways.Gateway, fault: str) -> None:
    asked = charge(box.customer())
    number = send(gateway, asked).gateway_id
    for each in (asked, replace(asked, gateway_id=number)):
        box.faults({"fault": fault, "path": "GET *"})
        assert gateway.look_up(each).answer == "no_answer"
        assert gateway.look_up(each).answer == "succeeded"


def test_a_look_up_that_fails_on_its_second_page_finds_nothing_out(
    box: Box, gateway: gateways.Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "PAGE", 2)
    somebody = box.customer()
    asked = [charge(somebody) for _ in range(5)]
    for each in asked:
        send(gateway, each)
    box.faults({"fault": "500_before", "path": "GET *", "skip": 1})
    assert gateway.look_up(asked[0]).answer == "no_answer"
    assert gateway.look_up(asked[0]).answer == "succeeded"


def test_a_number_that_stripe_does_not_know_is_not_found(box: Box, gateway: gateways.Gateway) -> None:
    assert gateway.look_up(replace(charge(box.customer()), gateway_id="pi_nothing")).answer == "not_found"


def test_a_look_up_begins_an_hour_before_it_was_sent(box: Box, gateway: gateways.Gateway) -> None:
    asked = charge(box.customer())
    for minutes, word in ((61, "not_found"), (59, "succeeded")):
        box.clock(NOW - timedelta(minutes=minutes))
        send(gateway, replace(asked, idempotency_key=f"{asked.idempotency_key}-{minutes}"))
        assert gateway.look_up(replace(asked, idempotency_key=f"{asked.idempotency_key}-{minutes}")).answer == word


def test_a_payout_without_group_is_found_by_its_account(box: Box, gateway: gateways.Gateway) -> None:
    box.top_up(50_000)
    asked = request("PAYOUT", destination=box.account())
    answer = send(gateway, asked)
    assert answer.answer == "succeeded"
    assert gateway.look_up(asked) == answer


def test_a_cancelled_payment_is_declined(box: Box, gateway: gateways.Gateway) -> None:
    asked = charge(box.customer("authentication_required"))
    number = send(gateway, asked).gateway_id or ""
    client = library.StripeClient(box.key, base_addresses={"api": box.url}, max_network_retries=0)
    client.v1.payment_intents.cancel(number, {"cancellation_reason": "abandoned"})
    found = gateway.look_up(asked)
    assert (found.answer, found.error_code, found.decline_code) == ("declined", "canceled", "abandoned")


@pytest.mark.parametrize("kind", ["CHARGE", "PAYOUT", "REFUND"])
def test_a_status_we_do_not_know_is_no_answer(kind: str) -> None:
    said = {"id": "x_1", "object": "new", "status": "new", "amount": 1, "currency": "nok", "metadata": {}}
    answer = stripe.answer_of(kind, said)
    assert (answer.answer, answer.gateway_id) == ("no_answer", "x_1")


def test_an_error_we_do_not_know_is_no_answer() -> None:
    assert stripe.answer_of_error(library.StripeError("new")).answer == "no_answer"


@pytest.mark.parametrize(("status", "word"), [(400, "conflict"), (409, "no_answer")])
def test_a_key_in_use_is_no_conflict_whatever_the_library_calls_it(status: int, word: str) -> None:
    assert stripe.answer_of_error(library.IdempotencyError("key", http_status=status)).answer == word


# --- Events ---------------------------------------------------------------------------------------------------------


def read(gateway: gateways.Gateway, signed: Signed) -> list[gateways.Event]:
    return gateway.read_events(signed.payload, signed.signature)


def test_events_say_what_look_up_says(box: Box, gateway: gateways.Gateway) -> None:
    box.top_up(50_000)
    asked = [charge(box.customer(each)) for each in ("visa", "lost_card", "authentication_required", "processing")]
    asked.append(payout(box.account()))
    answers = [send(gateway, each) for each in asked]
    events = [event for each in box.events() for event in read(gateway, each)]
    assert [each.answer for each in events] == answers
    assert [each.idempotency_key for each in events] == [each.idempotency_key for each in asked]
    assert [each.kind for each in events] == [
        "payment_intent.succeeded",
        "payment_intent.payment_failed",
        "payment_intent.payment_failed",
        "payment_intent.processing",
        "transfer.created",
    ]
    for each in events:
        assert each.event_id.startswith("evt_")
        assert each.occurred_at is not None
        assert abs(each.occurred_at - datetime.now(UTC)) < timedelta(minutes=5)
    box.settle(answers[3].gateway_id or "")
    (settled,) = read(gateway, box.events()[-1])
    assert settled.answer == gateway.look_up(asked[3])


def test_a_reversed_transfer_has_come_back(box: Box, gateway: gateways.Gateway) -> None:
    asked = a_payout(gateway, box)
    number = send(gateway, asked).gateway_id or ""
    box.reverse(number)
    (event,) = read(gateway, box.events()[-1])
    assert (event.answer.answer, event.answer.gateway_id, event.answer.amount) == ("reversed", number, 1000)
    assert event.idempotency_key == asked.idempotency_key


def test_a_refund_that_fails_later(box: Box, gateway: gateways.Gateway) -> None:
    asked = a_refund(gateway, box)
    box.faults({"fault": "pending"})
    number = send(gateway, asked).gateway_id or ""
    box.settle(number, "expired_or_canceled_card")
    events = [event for each in box.events()[-2:] for event in read(gateway, each)]
    assert [each.kind for each in events] == ["refund.updated", "refund.failed"]
    for event in events:
        assert (event.answer.answer, event.answer.decline_code) == ("declined", "expired_or_canceled_card")
        assert event.idempotency_key == asked.idempotency_key


def test_a_failed_payout_is_ours_only_by_its_metadata(box: Box, gateway: gateways.Gateway) -> None:
    about = {"id": "po_1", "object": "payout", "amount": 7, "currency": "nok", "failure_code": "account_closed"}
    box.emit("payout.failed", about | {"metadata": {}})
    box.emit("payout.failed", about | {"metadata": {"idempotency_key": "k9"}})
    theirs, ours = [read(gateway, each) for each in box.events()]
    assert theirs[0].answer.answer == "withdrawn", "Stripe's own, of our balance"
    assert (ours[0].idempotency_key, ours[0].answer.answer, ours[0].answer.error_code) == (
        "k9",
        "returned",
        "account_closed",
    )


def test_a_charge_that_the_bank_takes_back_is_known_by_its_payment_intent(box: Box, gateway: gateways.Gateway) -> None:
    dispute = {"id": "dp_1", "object": "dispute", "amount": 7, "currency": "nok", "metadata": {}}
    box.emit("charge.dispute.funds_withdrawn", dispute | {"reason": "fraudulent", "payment_intent": "pi_1"})
    ((event,),) = [read(gateway, each) for each in box.events()]
    assert event.idempotency_key is None
    assert event.answer == Answer("returned", "pi_1", 7, "NOK", decline_code="fraudulent")
    box.emit("charge.dispute.funds_reinstated", dispute | {"reason": "fraudulent", "payment_intent": "pi_1"})
    (event,) = read(gateway, box.events()[-1])
    assert (event.answer.answer, event.answer.gateway_id, event.answer.amount) == ("reinstated", "pi_1", 7)


def test_which_dispute_is_lost_is_said_by_its_number(box: Box, gateway: gateways.Gateway) -> None:
    dispute = {
        "id": "dp_1",
        "object": "dispute",
        "amount": 7,
        "currency": "nok",
        "metadata": {},
        "payment_intent": "pi_1",
    }
    for status in ("won", "warning_closed", "lost"):
        box.emit("charge.dispute.closed", dispute | {"status": status})
    won, warning, (lost,) = [read(gateway, each) for each in box.events()]
    assert [each.answer.answer for each in (*won, *warning)] == ["noted"] * 2, (
        "what is won comes back as an event of its own"
    )
    assert (lost.dispute, lost.answer) == ("dp_1", Answer("lost", "pi_1", 7, "NOK"))


def test_what_was_said_and_nobody_heard_is_asked_for_in_the_order_in_which_it_was_said(
    box: Box, gateway: gateways.Gateway
) -> None:
    dispute = {
        "id": "dp_1",
        "object": "dispute",
        "amount": 7,
        "currency": "nok",
        "metadata": {},
        "payment_intent": "pi_1",
    }
    since = NOW - timedelta(days=3)
    box.clock(since - timedelta(days=1))
    box.emit("charge.dispute.funds_withdrawn", dispute | {"id": "dp_0"})
    box.clock(NOW)
    send(gateway, charge(box.customer()))  # its events are in the lists of objects
    box.emit("charge.dispute.funds_withdrawn", dispute)
    box.emit("charge.dispute.closed", dispute | {"status": "lost"})
    box.emit("customer.created", {"id": "cus_1", "object": "customer"})
    transfer = {
        "id": "tr_1",
        "object": "transfer",
        "amount": 9,
        "amount_reversed": 4,
        "currency": "nok",
        "metadata": {},
    }
    box.emit("transfer.reversed", transfer)
    said = gateway.heard(since)
    assert [(each.answer.answer, each.dispute, each.answer.amount) for each in said] == [
        ("returned", "dp_1", 7),
        ("lost", "dp_1", 7),
        ("reversed", None, 4),
    ]
    box.faults({"fault": "500_before", "path": "GET /v1/events"})
    with pytest.raises(gateways.NotAnswered):
        gateway.heard(since)


@pytest.mark.parametrize("kind", ["charge.refunded", "customer.created", "something.new"])
def test_events_that_are_not_about_our_money_are_told_and_say_nothing(
    box: Box, gateway: gateways.Gateway, kind: str
) -> None:
    box.emit(kind, {"id": "x_1", "object": "x", "metadata": {"attempt": "1"}})
    (event,) = read(gateway, box.events()[0])
    assert (event.kind, event.answer) == (kind, Answer("unread", "x_1"))


def test_another_programmes_payment_has_no_key_of_ours(box: Box, gateway: gateways.Gateway) -> None:
    about = {"id": "pi_1", "object": "payment_intent", "status": "succeeded", "amount": 5, "amount_received": 5}
    box.emit("payment_intent.succeeded", about | {"currency": "nok", "metadata": {"attempt": "7"}})
    ((event,),) = [read(gateway, each) for each in box.events()]
    assert event.idempotency_key is None
    assert event.answer == Answer("succeeded", "pi_1", 5, "NOK")


def test_a_copy_of_a_webhook_has_the_same_id(box: Box, gateway: gateways.Gateway) -> None:
    send(gateway, charge(box.customer()))
    first, again = box.events()[0], box.events()[0]
    assert read(gateway, first) == read(gateway, first) == read(gateway, again)


def test_forged_webhooks_are_refused(box: Box, gateway: gateways.Gateway) -> None:
    send(gateway, charge(box.customer()))
    (good,) = box.events()
    (old,) = box.events(at=int(time.time()) - 301)
    (recent,) = box.events(at=int(time.time()) - 200)
    assert len(read(gateway, recent)) == 1
    other = open_gateway("stripe", box.environment | {"STRIPE_WEBHOOK_SECRET": "whsec_other"})
    for each, reader in (
        (old, gateway),
        (Signed(good.payload.replace(b"1000", b"9000"), good.signature), gateway),
        (Signed(good.payload, "t=1,v1=00"), gateway),
        (Signed(good.payload, "nonsense"), gateway),
        (Signed(good.payload, ""), gateway),
        (good, other),
    ):
        with pytest.raises(BadSignature) as caught:
            read(reader, each)
        assert caught.value.hint
    with pytest.raises(BadSignature):
        gateway.read_events(good.payload, None)


@pytest.mark.parametrize("body", ["", "[]", "nonsense", '{"object": "event"}', '{"object": "v2.core.event"}', "null"])
def test_a_signed_body_that_is_no_event_is_refused(box: Box, gateway: gateways.Gateway, body: str) -> None:
    signature = library.WebhookSignature.generate_signature_header(body, box.webhook_secret)
    with pytest.raises(BadPayload) as caught:
        gateway.read_events(body.encode(), signature)
    assert not isinstance(caught.value, BadSignature)


def test_bytes_that_are_no_text_are_refused(gateway: gateways.Gateway) -> None:
    with pytest.raises(BadPayload):
        gateway.read_events(b"\xff\xfe", "t=1,v1=00")


def test_webhooks_need_their_secret(box: Box) -> None:
    environment = {name: value for name, value in box.environment.items() if name != "STRIPE_WEBHOOK_SECRET"}
    with pytest.raises(NotConfigured, match="STRIPE_WEBHOOK_SECRET"):
        open_gateway("stripe", environment).read_events(b"{}", "t=1,v1=00")


# --- The environment ------------------------------------------------------------------------------------------------


def test_a_key_is_needed() -> None:
    with pytest.raises(NotConfigured, match="STRIPE_API_KEY"):
        open_gateway("stripe", {})


def test_a_key_in_a_file_that_only_its_owner_reads(box: Box, tmp_path: Path) -> None:
    kept = tmp_path / "key"
    kept.write_text(box.key + "\n")
    environment = {"STRIPE_API_BASE": box.url, "STRIPE_API_KEY_FILE": str(kept)}
    kept.chmod(0o640)
    with pytest.raises(NotConfigured, match="may be read by others"):
        open_gateway("stripe", environment)
    kept.chmod(0o600)
    assert send(open_gateway("stripe", environment), charge(box.customer())).answer == "succeeded"


@pytest.mark.parametrize(
    "base",
    [
        "http://api.example.org",
        "http://10.0.0.1:80",
        "http://127.0.0.1.example.org",
        "http://127.0.0.1@example.org",
        "ftp://127.0.0.1",
        "127.0.0.1:80",
        "http://127.0.0.1/path",
        "http://127.0.0.1:port",
        "https://",
    ],
)
def test_addresses_that_get_no_key(base: str) -> None:
    with pytest.raises(NotConfigured):
        open_gateway("stripe", {"STRIPE_API_KEY": "sk_test_x", "STRIPE_API_BASE": base})


@pytest.mark.parametrize(
    "base", ["", "http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1", "https://example.org"]
)
def test_addresses_that_get_one(base: str) -> None:
    open_gateway("stripe", {"STRIPE_API_KEY": "sk_test_x", "STRIPE_API_BASE": base})


@pytest.mark.parametrize("key", ["sk_live_x", "rk_live_x"])
def test_a_live_key_is_not_for_a_sandbox(key: str) -> None:
    open_gateway("stripe", {"STRIPE_API_KEY": key})
    with pytest.raises(NotConfigured, match="live key"):
        open_gateway("stripe", {"STRIPE_API_KEY": key, "STRIPE_API_BASE": "http://127.0.0.1:1"})


@pytest.mark.parametrize("wait", ["0", "-1", "soon", "nan"])
def test_a_time_out_is_a_number(wait: str) -> None:
    with pytest.raises(NotConfigured, match="STRIPE_TIMEOUT"):
        open_gateway("stripe", {"STRIPE_API_KEY": "sk_test_x", "STRIPE_TIMEOUT": wait})


def test_a_proxy_of_the_environment_does_not_see_the_sandbox(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    gateway = open_gateway("stripe", box.environment)
    assert send(gateway, charge(box.customer())).answer == "succeeded"


# --- What it never says ---------------------------------------------------------------------------------------------


def test_no_key_card_or_token_is_ever_said(
    box: Box, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """In answers, exceptions with all they hold, logs and reprs, whatever goes wrong."""
    caplog.set_level(logging.DEBUG)
    gateway = open_gateway("stripe", box.environment)
    wrong = open_gateway("stripe", box.environment | {"STRIPE_API_KEY": "sk_test_wrongwrongwrong"})
    somebody = box.customer()
    said: list[object] = [repr(gateway), str(gateway), repr(box), vars(gateway).get("_webhook_secret")]
    for fault in ("drop_before", "500_before", "429", "401", "403", "garbage"):
        box.faults({"fault": fault, "times": 2, "path": "*"})
        asked = charge(somebody)
        said += [send(gateway, asked), gateway.look_up(asked)]
    for method in ("lost_card", "authentication_required"):
        said.append(send(gateway, charge(box.customer(method))))
    said += [send(wrong, charge(somebody)), send(gateway, charge(Customer(somebody.id, box.customer().payment_method)))]
    said.append(send(gateway, charge(Customer(somebody.id, "pm_1NoSuchMethod234567"))))
    for signature in ("t=1,v1=00", None, "x"):
        try:
            gateway.read_events(json.dumps({"key": box.key}).encode(), signature)
        except BadSignature as error:
            said += [repr(error), error.args, error.hint, *traceback.format_exception(error), repr(error.__context__)]
    said += [each.getMessage() for each in caplog.records]
    said += list(capfd.readouterr())
    everything = "\n".join(map(str, said))
    assert "card was declined" in everything
    for word in (box.key, box.webhook_secret, "wrongwrongwrong", somebody.payment_method, "pm_1NoSuchMethod", "whsec_"):
        assert word not in everything


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Invalid API Key provided: sk_test_51H*********8xYz", "Invalid API Key provided: ***"),
        ("Expired: rk_live_abc, pk_test_1, whsec_Ab1", "Expired: ***, ***, ***"),
        ("No such PaymentMethod: 'pm_1MqLiJLkdIwHu7ix'; seen", "No such PaymentMethod: '***'; seen"),
        ("Card 4242 4242 4242 4242 and 4000000000000341", "Card *** and ***"),
        ("Secret pi_3MtwBw_secret_YrKJUKribcBj", "Secret ***"),
        ("code card_declined of pi_3MtwBwLkdIwHu7ix, 1000 NOK", "code card_declined of pi_3MtwBwLkdIwHu7ix, 1000 NOK"),
    ],
)
def test_messages_are_cleaned(said: str, shown: str) -> None:
    assert stripe.clean(said) == shown


# --- Stripe itself --------------------------------------------------------------------------------------------------


@pytest.mark.skipif(
    "STRIPE_TEST_KEY" not in os.environ, reason="allowed: no STRIPE_TEST_KEY for Stripe's own test mode"
)
def test_stripes_own_test_mode() -> None:
    key = os.environ["STRIPE_TEST_KEY"]
    assert key.startswith(("sk_test_", "rk_test_")), "STRIPE_TEST_KEY is no test key"
    gateway = open_gateway("stripe", {"STRIPE_API_KEY": key})
    client = library.StripeClient(key, max_network_retries=2)
    somebody = client.v1.customers.create({"description": "pybridge's tests"})
    try:
        good = client.v1.payment_methods.attach("pm_card_visa", {"customer": somebody.id})
        bad = client.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": somebody.id})
        strict = client.v1.payment_methods.attach("pm_card_authenticationRequired", {"customer": somebody.id})

        asked = charge(Customer(somebody.id, good.id), 1234)
        answer = send(gateway, asked)
        assert answer == Answer("succeeded", answer.gateway_id, 1234, "NOK")
        assert send(gateway, asked) == answer
        assert gateway.look_up(asked) == answer
        assert gateway.look_up(replace(asked, gateway_id=answer.gateway_id)) == answer
        assert send(gateway, replace(asked, amount=1235)).answer == "conflict"

        back = refund(answer.gateway_id or "", 234)
        answered = send(gateway, back)
        assert answered.answer in ("succeeded", "processing")
        assert gateway.look_up(back) == answered
        assert send(gateway, refund(answer.gateway_id or "", 1001)).answer == "rejected"

        assert send(gateway, charge(Customer(somebody.id, bad.id))).answer == "declined"
        assert send(gateway, charge(Customer(somebody.id, strict.id))).answer == "requires_action"
        assert gateway.look_up(charge(Customer(somebody.id, good.id))).answer == "not_found"
        assert send(gateway, payout("acct_1nobody")).answer == "rejected"
    finally:
        client.v1.customers.delete(somebody.id)
    with_wrong_key = open_gateway("stripe", {"STRIPE_API_KEY": "sk_test_wrong"})
    assert send(with_wrong_key, payout("acct_1nobody")).answer == "unauthorized"
