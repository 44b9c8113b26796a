"""The stand-in for Stripe does what Stripe does, ends when it should, and tells nobody its key."""

import ast
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest
import stripe
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from examples import sandbox
from examples.sandbox import Box, Customer
from examples.sandbox import server as sandbox_server
from pybridge.paths import ROOT

PATIENCE = 60


@pytest.fixture
def client(box: Box) -> stripe.StripeClient:
    return stripe.StripeClient(
        box.key,
        base_addresses={"api": box.url},
        max_network_retries=0,
        http_client=stripe.RequestsClient(timeout=5),
    )


def charge(client: stripe.StripeClient, of: Customer, amount: int = 1000, key: str | None = None, **more: Any) -> Any:
    form = {"amount": amount, "currency": "nok", "customer": of.id, "payment_method": of.payment_method}
    form |= {"off_session": True, "confirm": True, **more}
    options: Any = {"idempotency_key": key} if key else {}
    return client.v1.payment_intents.create(form, options)  # type: ignore[arg-type]


def transfer(client: stripe.StripeClient, to: str, amount: int = 1000, key: str | None = None, **more: Any) -> Any:
    options: Any = {"idempotency_key": key} if key else {}
    return client.v1.transfers.create({"amount": amount, "currency": "nok", "destination": to, **more}, options)  # type: ignore[typeddict-item]


def refund(client: stripe.StripeClient, of: str, amount: int | None = None, key: str | None = None) -> Any:
    options: Any = {"idempotency_key": key} if key else {}
    form: Any = {"payment_intent": of} | ({} if amount is None else {"amount": amount})
    return client.v1.refunds.create(form, options)


def refused(call: Callable[[], Any]) -> Any:
    """How it was refused."""
    with pytest.raises(stripe.StripeError) as caught:
        call()
    return caught.value


# --- Processes ------------------------------------------------------------------------------------------------------


def _gone(numbers: list[int]) -> bool:
    """A process may end, or be reaped by the machine's init, between any two looks at it."""
    running = []
    for each in numbers:
        with suppress(psutil.NoSuchProcess):
            running.append(psutil.Process(each))
    psutil.wait_procs(running, PATIENCE)
    return not any(_runs(each) for each in running)


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_it_listens_on_loopback_only(box: Box) -> None:
    for number in box.processes:
        listening = [
            each.laddr for each in psutil.Process(number).net_connections() if each.status == psutil.CONN_LISTEN
        ]
        assert [each.ip for each in listening] == ["127.0.0.1"]


def test_it_ends_with_its_block() -> None:
    with sandbox.run() as box:
        numbers = box.processes
        assert all(psutil.pid_exists(each) for each in numbers)
    assert _gone(numbers)
    with pytest.raises(sandbox.SandboxError):
        box.ledger()


def test_it_ends_with_its_block_when_that_raises() -> None:
    numbers: list[int] = []

    def fail() -> None:
        with sandbox.run() as box:
            numbers.extend(box.processes)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert len(numbers) == 2
    assert _gone(numbers)


OWNER = (
    "from examples import sandbox\nwith sandbox.run() as box:\n    print(*box.processes, flush=True)\n    box.wait()"
)


def _owned() -> tuple[subprocess.Popen[str], list[int]]:
    owner = subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert owner.stdout is not None
    return owner, [int(each) for each in owner.stdout.readline().split()]


def _reap(owner: subprocess.Popen[str]) -> None:
    owner.kill()
    owner.communicate()


def test_it_ends_when_its_owner_is_killed() -> None:
    owner, numbers = _owned()
    _reap(owner)
    assert len(numbers) == 2
    assert _gone(numbers)


def test_localstripe_ends_when_the_proxy_is_killed() -> None:
    owner, numbers = _owned()
    os.kill(numbers[0], signal.SIGKILL)
    try:
        assert _gone(numbers[1:])
        owner.wait(PATIENCE)  # box.wait() came back
    finally:
        _reap(owner)


def test_the_proxy_ends_when_localstripe_is_killed() -> None:
    owner, numbers = _owned()
    os.kill(numbers[1], signal.SIGKILL)
    try:
        assert _gone(numbers)
    finally:
        _reap(owner)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_prints_the_environment_and_ends_when_told(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "examples.sandbox"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert running.stdout is not None
    try:
        printed = [running.stdout.readline() for _ in range(3)]
        children = [each.pid for each in psutil.Process(running.pid).children(recursive=True)]
        running.send_signal(number)
        running.wait(PATIENCE)
    finally:
        _reap(running)
    names = [each.split("=")[0] for each in printed]
    assert names == ["export STRIPE_API_BASE", "export STRIPE_API_KEY", "export STRIPE_WEBHOOK_SECRET"]
    assert len(children) == 2
    assert _gone(children)


def test_its_key_is_on_no_command_line_and_in_no_environment(box: Box) -> None:
    for number in box.processes:
        for place in ("cmdline", "environ"):
            said = Path(f"/proc/{number}/{place}").read_text("utf-8", errors="replace")
            assert said
            assert box.key not in said
            assert box.webhook_secret not in said


def test_it_hands_the_environments_own_keys_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_API_KEY", "sk_live_" + "x" * 24)
    with sandbox.run() as box:
        for number in box.processes:
            assert "sk_live_" not in Path(f"/proc/{number}/environ").read_text("utf-8", errors="replace")


def test_localstripe_leaves_no_file(box: Box, client: stripe.StripeClient) -> None:
    kept = Path("/tmp/localstripe.pickle")
    before = kept.stat().st_mtime_ns if kept.exists() else None
    charge(client, box.customer())
    assert (kept.stat().st_mtime_ns if kept.exists() else None) == before


def test_localstripe_is_never_imported() -> None:
    sources = [path for folder in ("pybridge", "examples") for path in (ROOT / folder).rglob("*.py")]
    assert len(sources) > 50
    assert any(path.parent.name == "sandbox" for path in sources)
    for path in sources:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [each for each in names if each.split(".")[0] == "localstripe"], path


def test_nobody_gets_in_without_the_key(box: Box) -> None:
    stranger = stripe.StripeClient("sk_test_other", base_addresses={"api": box.url}, max_network_retries=0)
    assert isinstance(refused(lambda: charge(stranger, box.customer())), stripe.AuthenticationError)
    with pytest.raises(sandbox.SandboxError, match="Invalid API Key"):
        Box(box.url, "sk_test_other", "", [], box._process).ledger()
    assert box.ledger().charges == []


# --- Idempotency keys -----------------------------------------------------------------------------------------------


def test_a_key_charges_once(box: Box, client: stripe.StripeClient) -> None:
    somebody = box.customer()
    first, again = charge(client, somebody, key="k"), charge(client, somebody, key="k")
    assert again.id == first.id
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert box.ledger().customers() == {somebody.id: 1000}


def test_without_idempotency_a_key_charges_twice(box: Box, client: stripe.StripeClient) -> None:
    box.reset(idempotency=False)
    somebody = box.customer()
    first, again = charge(client, somebody, key="k"), charge(client, somebody, key="k")
    assert again.id != first.id
    assert box.ledger().customers() == {somebody.id: 2000}


def test_a_key_pays_and_pays_back_once(box: Box, client: stripe.StripeClient) -> None:
    box.top_up(5000)
    account, paid = box.account(), charge(client, box.customer())
    assert transfer(client, account, key="t").id == transfer(client, account, key="t").id
    assert refund(client, paid.id, 400, key="r").id == refund(client, paid.id, 400, key="r").id
    ledger = box.ledger()
    assert ledger.accounts() == {account: 1000}
    assert [each.amount for each in ledger.refunds] == [400]
    assert ledger.balance == {"NOK": 5000 + 1000 - 400 - 1000}


def test_what_was_answered_is_said_again_though_the_object_has_changed(box: Box, client: stripe.StripeClient) -> None:
    somebody = box.customer("processing")
    assert charge(client, somebody, key="k").status == "processing"
    box.settle(charge(client, somebody, key="k").id)
    assert charge(client, somebody, key="k").status == "processing"
    assert box.ledger().customers() == {somebody.id: 1000}


def test_a_decline_is_said_again(box: Box, client: stripe.StripeClient) -> None:
    somebody = box.customer("insufficient_funds")
    errors = [refused(lambda: charge(client, somebody, key="k")) for _ in range(2)]
    first, again = [each.error.payment_intent.id for each in errors]
    assert first == again
    assert errors[1].headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("fault", ["500_before", "500_after"])
def test_a_500_is_said_again(box: Box, client: stripe.StripeClient, fault: str) -> None:
    somebody = box.customer()
    box.faults({"fault": fault})
    for _ in range(3):
        assert refused(lambda: charge(client, somebody, key="k")).http_status == 500
    assert box.ledger().customers() == ({somebody.id: 1000} if fault == "500_after" else {})


def test_a_key_is_for_one_request(box: Box, client: stripe.StripeClient) -> None:
    somebody = box.customer()
    box.top_up(5000)
    charge(client, somebody, key="k")
    others: list[Callable[[], Any]] = [
        lambda: charge(client, somebody, 1001, key="k"),
        lambda: charge(client, somebody, key="k", metadata={"attempt": "2"}),
        lambda: transfer(client, box.account(), key="k"),
    ]
    for each in others:
        assert isinstance(refused(each), stripe.IdempotencyError)
    assert box.ledger().customers() == {somebody.id: 1000}
    assert box.ledger().transfers == []


def test_a_key_in_use_is_409(box: Box, client: stripe.StripeClient) -> None:
    somebody = box.customer()
    box.faults({"fault": "delay", "seconds": 1.0})
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(charge, client, somebody, key="k")
        while box.faults_left():
            time.sleep(0.01)
        error = refused(lambda: charge(client, somebody, key="k"))
        assert (error.http_status, error.error.code) == (409, "idempotency_key_in_use")
        assert charge(client, somebody, key="another").id != first.result().id
    assert charge(client, somebody, key="k").id == first.result().id


def test_a_key_is_forgotten_after_a_day(box: Box, client: stripe.StripeClient) -> None:
    somebody = box.customer()
    day = datetime(2026, 2, 1, tzinfo=UTC)
    for now, total in ((day, 1000), (day + timedelta(hours=23), 1000), (day + timedelta(hours=25), 2000)):
        box.clock(now)
        charge(client, somebody, key="k")
        assert box.ledger().customers() == {somebody.id: total}


# --- Payments -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("insufficient_funds", "card_declined"),
        ("try_again_later", "card_declined"),
        ("lost_card", "card_declined"),
        ("stolen_card", "card_declined"),
        ("expired_card", "expired_card"),
        ("authentication_required", "authentication_required"),
    ],
)
def test_declines(box: Box, client: stripe.StripeClient, method: str, code: str) -> None:
    error = refused(lambda: charge(client, box.customer(method)))
    assert isinstance(error, stripe.CardError)
    assert (error.code, error.error.decline_code) == (code, method)  # type: ignore[union-attr]
    intent = client.v1.payment_intents.retrieve(error.error.payment_intent.id)  # type: ignore[union-attr]
    assert intent.status == "requires_payment_method"
    assert intent.last_payment_error is not None
    assert intent.last_payment_error.decline_code == method
    assert box.ledger().charges == []


def test_the_test_cards_that_localstripe_knows(box: Box, client: stripe.StripeClient) -> None:
    somebody = box.customer()
    bad = client.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": somebody.id})
    error = refused(lambda: charge(client, Customer(somebody.id, bad.id)))
    assert (error.code, error.error.decline_code) == ("card_declined", "generic_decline")
    good = client.v1.payment_methods.attach("pm_card_visa", {"customer": somebody.id})
    assert charge(client, Customer(somebody.id, good.id)).status == "succeeded"


def test_a_means_of_payment_by_its_sandbox_name(box: Box, client: stripe.StripeClient) -> None:
    somebody = box.customer()
    lost = client.v1.payment_methods.attach("pm_sandbox_lost_card", {"customer": somebody.id})
    assert refused(lambda: charge(client, Customer(somebody.id, lost.id))).error.decline_code == "lost_card"
    direct = Customer(somebody.id, "pm_sandbox_expired_card")
    assert refused(lambda: charge(client, direct)).error.decline_code == "expired_card"


def test_a_card_that_declined_is_good_again(box: Box, client: stripe.StripeClient) -> None:
    somebody = box.customer("insufficient_funds")
    for method in ("insufficient_funds", "expired_card"):
        box.behave(somebody.payment_method, method)
        error = refused(partial(charge, client, somebody, key=f"one {method}"))
        assert error.error.decline_code == method
        assert error.error.payment_method["id"] == somebody.payment_method
    box.behave(somebody.payment_method, "visa")
    assert refused(lambda: charge(client, somebody, key="one expired_card")).error.decline_code == "expired_card"
    paid = charge(client, somebody, 700, key="another")
    assert (paid.status, paid.payment_method) == ("succeeded", somebody.payment_method)
    assert box.ledger().customers() == {somebody.id: 700}


def test_the_card_of_nobody_does_not_change(box: Box) -> None:
    with pytest.raises(sandbox.SandboxError, match="No such payment_method"):
        box.behave("pm_of_nobody", "visa")


def test_nobody_pays_with_anothers_card(box: Box, client: stripe.StripeClient) -> None:
    one, other = box.customer(), box.customer()
    error = refused(lambda: charge(client, Customer(one.id, other.payment_method)))
    assert isinstance(error, stripe.InvalidRequestError)
    assert box.ledger().charges == []


@pytest.mark.parametrize("method", ["processing", "authentication_required"])
@pytest.mark.parametrize("outcome", ["succeeded", "insufficient_funds"])
def test_what_waits_is_settled(box: Box, client: stripe.StripeClient, method: str, outcome: str) -> None:
    somebody = box.customer(method)
    if method == "processing":
        number = charge(client, somebody).id
        assert client.v1.payment_intents.retrieve(number).status == "processing"
    else:
        number = refused(lambda: charge(client, somebody)).error.payment_intent.id
    assert box.ledger().customers() == {}
    box.settle(number, outcome)
    intent = client.v1.payment_intents.retrieve(number)
    if outcome == "succeeded":
        assert (intent.status, intent.last_payment_error) == ("succeeded", None)
        assert box.ledger().customers() == {somebody.id: 1000}
    else:
        assert intent.status == "requires_payment_method"
        assert intent.last_payment_error is not None
        assert intent.last_payment_error.decline_code == outcome
        assert box.ledger().customers() == {}
    with pytest.raises(sandbox.SandboxError, match="nothing to settle"):
        box.settle(number)


def test_a_payment_that_waits_is_cancelled(box: Box, client: stripe.StripeClient) -> None:
    number = refused(lambda: charge(client, box.customer("authentication_required"))).error.payment_intent.id
    assert client.v1.payment_intents.cancel(number, {"cancellation_reason": "abandoned"}).status == "canceled"
    with pytest.raises(sandbox.SandboxError):
        box.settle(number)


def test_what_localstripe_does_not_take_is_kept_beside_it(box: Box, client: stripe.StripeClient) -> None:
    made = charge(client, box.customer(), description="January", transfer_group="g", metadata={"attempt": "7"})
    for each in (made, client.v1.payment_intents.retrieve(made.id), client.v1.payment_intents.list().data[0]):
        assert (each.description, each.transfer_group) == ("January", "g")
        assert each.metadata.to_dict() == {"attempt": "7"}


def test_lists_are_filtered_and_paged_newest_first(box: Box, client: stripe.StripeClient) -> None:
    one, other = box.customer(), box.customer()
    start = datetime(2026, 2, 1, tzinfo=UTC)
    numbers = []
    for hour in range(7):
        box.clock(start + timedelta(hours=hour))
        numbers.append(charge(client, one).id)
        charge(client, other)
    since: Any = {"customer": one.id, "created": {"gte": int(start.timestamp()) + 2 * 3600}, "limit": 2}
    listed = client.v1.payment_intents.list(since)
    assert len(listed.data) == 2
    assert [each.id for each in listed.auto_paging_iter()] == numbers[:1:-1]
    unknown: Any = {"payment": "x"}
    assert refused(lambda: client.v1.payment_intents.list(unknown)).code == "parameter_unknown"


def test_what_the_ledger_would_not_see_is_refused(box: Box, client: stripe.StripeClient) -> None:
    somebody = box.customer()
    assert (
        refused(lambda: client.v1.charges.create({"amount": 5, "currency": "nok", "customer": somebody.id})).http_status
        == 404
    )
    assert refused(lambda: client.v1.payouts.create({"amount": 5, "currency": "nok"})).http_status == 404


# --- Refunds --------------------------------------------------------------------------------------------------------


def test_no_more_is_paid_back_than_was_paid(box: Box, client: stripe.StripeClient) -> None:
    somebody = box.customer()
    paid = charge(client, somebody).id
    refund(client, paid, 400)
    assert isinstance(refused(lambda: refund(client, paid, 601)), stripe.InvalidRequestError)
    refund(client, paid, 600)
    assert refused(lambda: refund(client, paid)).code == "charge_already_refunded"
    assert box.ledger().customers() == {somebody.id: 0}


def test_refunds_at_once_pay_back_no_more_than_was_paid(box: Box, client: stripe.StripeClient) -> None:
    somebody = box.customer()
    paid = charge(client, somebody).id

    def attempt(_: int) -> str:
        try:
            return str(refund(client, paid, 300).status)
        except stripe.InvalidRequestError:
            return "refused"

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(attempt, range(8))) == ["refused"] * 5 + ["succeeded"] * 3
    assert box.ledger().customers() == {somebody.id: 100}


def test_only_what_was_charged_is_paid_back(box: Box, client: stripe.StripeClient) -> None:
    declined = refused(lambda: charge(client, box.customer("lost_card"))).error.payment_intent.id
    processing = charge(client, box.customer("processing")).id
    for number in (declined, processing, "pi_nothing"):
        assert isinstance(refused(lambda number=number: refund(client, number, 5)), stripe.InvalidRequestError)  # type: ignore[misc]
    assert box.ledger().refunds == []


def test_a_pending_refund_that_fails_gives_its_money_back(box: Box, client: stripe.StripeClient) -> None:
    somebody = box.customer()
    paid = charge(client, somebody).id
    box.faults({"fault": "pending"})
    made = refund(client, paid, 400)
    assert made.status == "pending"
    assert box.ledger().customers() == {somebody.id: 600}
    box.settle(made.id, "lost_or_stolen_card")
    assert client.v1.refunds.retrieve(made.id).status == "failed"
    assert box.ledger().customers() == {somebody.id: 1000}
    refund(client, paid, 1000)


# --- Transfers ------------------------------------------------------------------------------------------------------


def test_transfers_are_paid_from_the_balance(box: Box, client: stripe.StripeClient) -> None:
    account = box.account()
    assert refused(lambda: transfer(client, account, 1)).code == "balance_insufficient"
    charge(client, box.customer(), 999)
    assert refused(lambda: transfer(client, account, 1000)).code == "balance_insufficient"
    transfer(client, account, 999)
    assert box.ledger().accounts() == {account: 999}
    assert box.ledger().balance == {"NOK": 0}
    assert client.v1.balance.retrieve().available[0].amount == 0


def test_transfers_that_are_refused(box: Box, client: stripe.StripeClient) -> None:
    box.top_up(5000)
    assert refused(lambda: transfer(client, "acct_nobody")).code == "resource_missing"
    closed = box.account(transfers=False)
    assert refused(lambda: transfer(client, closed)).code == "insufficient_capabilities_for_transfer"
    assert refused(lambda: transfer(client, box.account(), 0)).http_status == 400
    assert refused(lambda: transfer(client, box.account(), memo="x")).code == "parameter_unknown"
    assert box.ledger().transfers == []


def test_transfers_are_listed_by_group_and_by_account(box: Box, client: stripe.StripeClient) -> None:
    box.top_up(5000)
    one, other = box.account(), box.account()
    numbers = [transfer(client, to, 10, transfer_group=group).id for to in (one, other) for group in ("a", "b")]
    by_group = client.v1.transfers.list({"transfer_group": "a"}).data
    by_account = client.v1.transfers.list({"destination": other}).data
    assert [each.id for each in by_group] == [numbers[2], numbers[0]]
    assert [each.id for each in by_account] == [numbers[3], numbers[2]]
    assert client.v1.transfers.retrieve(numbers[1]).transfer_group == "b"


def test_a_transfer_is_reversed(box: Box, client: stripe.StripeClient) -> None:
    box.top_up(5000)
    account = box.account()
    number = transfer(client, account).id
    box.reverse(number, 300)
    assert box.ledger().accounts() == {account: 700}
    client.v1.transfers.reversals.create(number, {"amount": 700})
    assert client.v1.transfers.retrieve(number).reversed
    assert box.ledger().balance == {"NOK": 5000}
    with pytest.raises(sandbox.SandboxError):
        box.reverse(number, 1)


# --- Faults ---------------------------------------------------------------------------------------------------------

# Whether money has moved when the call failed, and how the call with the same key is answered then.
FAULTS = {
    "drop_before": (False, "succeeded"),
    "drop_after": (True, "succeeded"),
    "500_before": (False, "500"),
    "500_after": (True, "500"),
    "503_before": (False, "succeeded"),
    "503_after": (True, "succeeded"),
    "garbage": (True, "succeeded"),
    "400": (False, "succeeded"),
    "429": (False, "succeeded"),
    "401": (False, "succeeded"),
    "403": (False, "succeeded"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults(box: Box, client: stripe.StripeClient, fault: str) -> None:
    moved, again = FAULTS[fault]
    box.top_up(5000)
    account = box.account()
    box.faults({"fault": fault, "path": "POST /v1/transfers"})
    error = refused(lambda: transfer(client, account, key="k"))
    assert box.faults_left() == 0
    assert box.ledger().accounts() == ({account: 1000} if moved else {})
    if again == "succeeded":
        transfer(client, account, key="k")
        assert box.ledger().accounts() == {account: 1000}
    else:
        assert refused(lambda: transfer(client, account, key="k")).http_status == int(again)
    assert error.http_status == {"g": 200, "d": None}.get(fault[0], fault[:3].isdigit() and int(fault[:3]))


def test_every_fault_is_tested() -> None:
    assert set(FAULTS) | {"delay", "pending"} == set(sandbox_server.FAULTS)


def test_who_does_not_wait_is_charged_all_the_same(box: Box) -> None:
    hasty = stripe.StripeClient(
        box.key,
        base_addresses={"api": box.url},
        max_network_retries=0,
        http_client=stripe.RequestsClient(timeout=0.2),
    )
    somebody = box.customer()
    box.faults({"fault": "delay", "seconds": 0.6})
    assert isinstance(refused(lambda: charge(hasty, somebody, key="k")), stripe.APIConnectionError)
    deadline = time.monotonic() + PATIENCE
    while not box.ledger().charges and time.monotonic() < deadline:
        time.sleep(0.05)
    assert box.ledger().customers() == {somebody.id: 1000}


def test_a_plan_names_calls_and_keys(box: Box, client: stripe.StripeClient) -> None:
    somebody = box.customer()
    box.faults(
        {"fault": "429", "path": "POST /v1/payment_intents", "skip": 1, "times": 2},
        {"fault": "503_before", "key": "special*"},
        {"fault": "drop_before", "path": "GET *"},
    )
    seen = []
    for key in ("a", "special-1", "b", "c", "d"):
        try:
            seen.append(charge(client, somebody, key=key).status)
        except stripe.StripeError as error:
            seen.append(error.http_status)
    assert seen == ["succeeded", 429, 429, "succeeded", "succeeded"]
    assert refused(lambda: charge(client, somebody, key="special-2")).http_status == 503
    assert box.faults_left() == 1
    assert isinstance(refused(lambda: client.v1.payment_intents.list()), stripe.APIConnectionError)
    assert box.faults_left() == 0


def test_a_fault_that_does_not_exist_is_refused(box: Box) -> None:
    with pytest.raises(sandbox.SandboxError, match="no such fault"):
        box.faults({"fault": "flood"})


def test_reset_forgets_everything(box: Box, client: stripe.StripeClient) -> None:
    somebody = box.customer()
    box.top_up(10)
    box.faults({"fault": "429"})
    box.reset()
    assert box.faults_left() == 0
    assert box.ledger() == sandbox.Ledger([], [], [], {})
    assert box.events() == []
    assert refused(lambda: charge(client, somebody)).http_status == 404


# --- Events ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def inbox() -> Iterator[tuple[str, list[tuple[bytes, str]]]]:
    """A web server that takes webhooks: its address, and what it got."""
    got: list[tuple[bytes, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((self.rfile.read(int(self.headers["Content-Length"])), self.headers["Stripe-Signature"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    web = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=web.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{web.server_port}/", got
    web.shutdown()
    thread.join()
    web.server_close()


def test_webhooks_are_posted_and_signed(
    box: Box, client: stripe.StripeClient, inbox: tuple[str, list[tuple[bytes, str]]]
) -> None:
    url, got = inbox
    box.webhooks(url)
    charge(client, box.customer(), key="k", metadata={"attempt": "7"})
    assert len(box.events()) == 1
    ((body, signature),) = got
    event = client.construct_event(body, signature, box.webhook_secret)
    assert event.type == "payment_intent.succeeded"
    assert event.data.object["metadata"]["attempt"] == "7"
    assert event.request is not None
    assert event.request.idempotency_key == "k"
    with pytest.raises(stripe.SignatureVerificationError):
        client.construct_event(body, signature, box.webhook_secret + "x")


def test_webhooks_to_nobody_hold_nothing_up(box: Box, client: stripe.StripeClient) -> None:
    box.webhooks("http://127.0.0.1:9/")
    charge(client, box.customer())
    assert [each.kind for each in box.events()] == ["payment_intent.succeeded"]


def test_everything_that_happens_is_told(box: Box, client: stripe.StripeClient) -> None:
    paid = charge(client, box.customer()).id
    refund(client, paid, 10)
    transfer_ = transfer(client, box.account(), 10).id
    box.reverse(transfer_)
    refused(lambda: charge(client, box.customer("lost_card")))
    box.settle(charge(client, box.customer("processing")).id)
    waiting = refused(lambda: charge(client, box.customer("authentication_required"))).error.payment_intent.id
    client.v1.payment_intents.cancel(waiting)
    events = [json.loads(each.payload) for each in box.events()]
    assert len({each["id"] for each in events}) == len(events)
    assert [each["type"] for each in events] == [
        "payment_intent.succeeded",
        "refund.created",
        "charge.refunded",
        "transfer.created",
        "transfer.reversed",
        "payment_intent.payment_failed",
        "payment_intent.processing",
        "payment_intent.succeeded",
        "payment_intent.payment_failed",
        "payment_intent.canceled",
    ]


# --- All together ---------------------------------------------------------------------------------------------------

AMOUNTS = st.one_of(st.integers(1, 9), st.integers(1, 99_999))  # small ones, so that refunds and transfers fit
STEPS = st.lists(
    st.tuples(st.sampled_from(["charge", "refund", "transfer"]), AMOUNTS, st.sampled_from([None, *FAULTS])), max_size=12
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_goes_wrong_a_key_moves_money_once(
    box: Box, client: stripe.StripeClient, steps: list[tuple[str, int, str | None]]
) -> None:
    """Each call is made three times with its key; a model says what has moved, and the ledger agrees to the øre."""
    box.reset()
    somebody, account = box.customer(), box.account()
    paid, back, out, left, newest = 0, 0, 0, 0, "pi_none"
    for number, (what, amount, fault) in enumerate(steps):
        calls: dict[str, Callable[[], Any]] = {
            "charge": partial(charge, client, somebody, amount, f"key-{number}"),
            "refund": partial(refund, client, newest, amount, f"key-{number}"),
            "transfer": partial(transfer, client, account, amount, f"key-{number}"),
        }
        box.faults(*([{"fault": fault}] if fault else []))
        for _ in range(3):
            with suppress(stripe.StripeError):
                calls[what]()
        moved, again = FAULTS[fault] if fault else (True, "succeeded")
        if not moved and again != "succeeded":
            continue
        if what == "charge":
            paid, left = paid + amount, amount
            newest = client.v1.payment_intents.list({"limit": 1}).data[0].id
        elif what == "refund" and amount <= left:
            back, left = back + amount, left - amount
        elif what == "transfer" and amount <= paid - back - out:
            out += amount
    ledger = box.ledger()
    keys = [each.idempotency_key for each in [*ledger.charges, *ledger.refunds, *ledger.transfers]]
    assert len(set(keys)) == len(keys)
    assert ledger.customers().get(somebody.id, 0) == paid - back
    assert ledger.accounts().get(account, 0) == out
    assert ledger.balance.get("NOK", 0) == paid - back - out
