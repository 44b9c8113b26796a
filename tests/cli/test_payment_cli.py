"""`pybridge payment`: what is due and what was tried, what gateways say by themselves, and what a person decides."""

import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from wsgiref.util import setup_testing_defaults

import psycopg
import pytest
import requests
from psycopg.types.json import Jsonb

from examples import sandbox
from pybridge.payments import gateways, webhook
from pybridge.payments.gateways import Balance, Entry
from tests.conftest import Connect, Connection
from tests.support import market
from tests.support.cli import Run, run
from tests.support.domain import call_in, one, rows
from tests.support.payments import (
    CHARGE_DAY,
    JANUARY,
    PAYOUT_DAY,
    Scripted,
    Town,
    attempts,
    executed,
    means,
    states,
    town,
)

__all__ = ["run"]  # a fixture


@pytest.fixture
def here(db: Connection) -> Town:
    made = town(db)
    made.month()
    return made


@pytest.fixture
def at_stripe(here: Town, box: sandbox.Box, monkeypatch: pytest.MonkeyPatch) -> Town:
    """Its people are customers of the sandbox, which the environment names."""
    for name, value in box.environment.items():
        monkeypatch.setenv(name, value)
    box.clock(CHARGE_DAY)
    customer = box.customer()
    means(here.db, here.advertisers[0], "CHARGE", customer=customer.id, payment_method=customer.payment_method)
    means(here.db, here.publisher, "PAYOUT", destination=box.account())
    return here


def test_a_dry_run_says_who_would_be_charged_and_changes_nothing(here: Town, run: Run) -> None:
    for command in (("due",), ("execute", "--dry-run")):
        said = run(here.db, "payment", *command, "--now", CHARGE_DAY.isoformat()[:19])
        assert said.exit_code == 0, said.output
        assert "1 of 2 now: charge NOK 50.00, refund NOK 0.00, payout NOK 0.00" in said.stdout.replace("\u00a0", " ")
        assert "on 2026-02-16" in said.stdout
        assert max(map(len, said.stdout.splitlines())) <= 80
    told = json.loads(run(here.db, "payment", "due", "--now", "2026-02-16", "--json").stdout)
    assert [(row["kind"], row["amount"], row["hold"]) for row in told] == [
        ("CHARGE", "50.00", None),
        ("PAYOUT", "35.00", "FUND"),
    ]
    assert attempts(here.db) == []
    assert rows(here.db, "select * from jobs.job_run") == []


def test_a_month_is_executed_at_the_sandbox(at_stripe: Town, box: sandbox.Box, run: Run) -> None:
    db = at_stripe.db
    done = run(db, "payment", "execute", "--now", CHARGE_DAY.isoformat()[:19])
    assert (done.exit_code, done.stdout.split(": ")[1]) == (0, "succeeded, 1 answers\n"), done.output
    box.clock(PAYOUT_DAY)
    done = run(db, "payment", "execute", "--now", PAYOUT_DAY.isoformat()[:19], "--json")
    assert (done.exit_code, json.loads(done.stdout)["outcome"]) == (0, "succeeded"), done.output
    assert sum(box.ledger().customers().values()) == 5000
    assert sum(box.ledger().accounts().values()) == 3500
    listed = run(db, "payment", "list", "--month", "2026-01", "--state", "succeeded")
    assert listed.stdout.count("SUCCEEDED") == 2
    assert max(map(len, listed.stdout.splitlines())) <= 80
    assert run(db, "payment", "list", "--alarms").stdout == "No such attempt.\n"
    assert "Nothing is to be" in run(db, "payment", "due").stdout


def made_before_the_restore(here: Town, box: sandbox.Box, amount: int, key: str | None = None) -> str:
    """A charge that another copy of this ledger made, as the gateway has it."""
    query = "select k.* from marketplace.attempt_key(%s, 'CHARGE', 1) as k"
    (made,) = rows(here.db, query, here.charge())
    details = one(here.db, "select details from marketplace.payment_means where kind = 'CHARGE' and ended_at is null")
    metadata = made["metadata"] | {"idempotency_key": key or made["idempotency_key"]}
    form = {"amount": str(amount), "currency": "nok", "confirm": "true", "off_session": "true", **details}
    form |= {f"metadata[{name}]": value for name, value in metadata.items()}
    return str(box._post("/v1/payment_intents", data=form)["id"])


def test_what_a_gateway_has_and_the_ledger_does_not_is_taken_in_or_declared_foreign(
    at_stripe: Town, box: sandbox.Box, run: Run
) -> None:
    db, now = at_stripe.db, CHARGE_DAY.isoformat()[:19]
    charge = made_before_the_restore(at_stripe, box, 5000)
    other = made_before_the_restore(at_stripe, box, 700, key="f" * 32)
    stopped = run(db, "payment", "execute", "--now", now)
    assert stopped.exit_code == 1
    said = " ".join(stopped.stderr.split())
    assert "2 of ours that this ledger does not know" in said
    assert "pybridge payment reconcile" in said
    taken = run(db, "payment", "reconcile", "stripe")
    assert taken.exit_code == 1
    assert "1 taken in, 1 left" in taken.stdout
    assert f"{charge}: attempt" in taken.stdout
    assert "is SUCCEEDED" in taken.stdout
    assert f"{other}: this ledger has no transaction for that" in " ".join(taken.stderr.split())
    assert run(db, "payment", "reconcile", "stripe", "--foreign", other).exit_code == 2
    foreign = run(db, "payment", "reconcile", "stripe", "--foreign", other, "--reason", "a trial")
    assert (foreign.exit_code, foreign.stdout) == (0, f"{other} is not ours\n")
    done = json.loads(run(db, "payment", "reconcile", "stripe", "--json").stdout)
    assert (done["taken"], done["left"]) == ([], [])
    assert run(db, "payment", "execute", "--now", now).exit_code == 0
    assert box.ledger().customers().popitem()[1] == 5700


def test_a_gateway_without_a_key_cannot_be_reconciled(here: Town, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STRIPE_API_KEY", raising=False)
    said = run(here.db, "payment", "reconcile", "stripe")
    assert said.exit_code == 1
    assert "nothing was taken in" in said.stderr


def test_without_a_key_nothing_is_sent(here: Town, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STRIPE_API_KEY", raising=False)
    done = run(here.db, "payment", "execute", "--now", CHARGE_DAY.isoformat()[:19])
    assert done.exit_code == 1
    assert "stripe: STRIPE_API_KEY is not set" in done.stderr
    assert states(here.db) == ["PREPARED"]


def test_a_person_decides(here: Town, run: Run) -> None:
    db, gateway = here.db, Scripted()
    gateway.will("no_answer", "not_found")
    executed(db, gateway, CHARGE_DAY)
    executed(db, gateway, market.at(2026, 2, 4))
    number = attempts(db)[0]["payment_attempt"]
    assert "look: not_found" in run(db, "payment", "list", "--alarms").stdout
    refused = run(db, "payment", "resolve", number, "--done", "--reason", "it is there")
    assert (refused.exit_code, "22023" in refused.stderr) == (1, True)
    said = run(db, "payment", "resolve", number, "--not-done", "--reason", "it is not there")
    assert said.stdout == f"attempt {number} is CANCELLED\n", said.output
    executed(db, gateway, market.at(2026, 2, 4))
    transaction = market.transaction(db, here.advertisers[0], JANUARY)["transaction"]
    for amount in ("50.01", "x"):
        wrong = run(
            db, "payment", "refund", transaction, "--amount", amount, "--reason", "a mistake", "--request-id", "q"
        )
        assert wrong.exit_code == (1 if amount == "50.01" else 2)
    given = run(db, "payment", "refund", transaction, "--amount", "20", "--reason", "a mistake", "--request-id", "r")
    assert given.exit_code == 0, given.output
    assert (
        run(db, "payment", "refund", transaction, "--amount", "20", "--reason", "a mistake", "--request-id", "r").stdout
        == given.stdout
    )
    put = run(db, "payment", "reserve", "100", "--reason", "ours")
    assert put.stdout == "NOK 150.00 available\n", put.output
    taken = run(db, "payment", "reserve", "-100", "--reason", "back")
    assert taken.exit_code == 1
    assert "Purse main has NOK 150.00, all have NOK 150.00, owed are NOK 55.00, and NOK 100 " in taken.stderr
    assert run(db, "payment", "reserve", "-95", "--reason", "back").stdout == "NOK 55.00 available\n"
    for command in (("retry", transaction), ("cancel", number), ("clear-alarm", number)):
        refused = run(db, "payment", *command, "--reason", "x")
        assert refused.exit_code == 1
        assert "23B7" in refused.stderr


def test_a_webhooks_body_from_a_file(at_stripe: Town, box: sandbox.Box, run: Run, tmp_path: Any) -> None:
    db = at_stripe.db
    customer = box.customer("processing")
    means(db, at_stripe.advertisers[0], "CHARGE", customer=customer.id, payment_method=customer.payment_method)
    run(db, "payment", "execute", "--now", CHARGE_DAY.isoformat()[:19])
    (attempt,) = attempts(db)
    assert attempt["state"] == "PROCESSING"
    box.settle(attempt["gateway_id"])
    signed = box.events()[-1]
    file = tmp_path / "event.json"
    file.write_bytes(signed.payload)
    forged = run(db, "payment", "events", "stripe", file, "--signature", "t=1,v1=00")
    assert (forged.exit_code, states(db)) == (1, ["PROCESSING"])
    for outcome in ("APPLIED", "SEEN"):
        told = run(db, "payment", "events", "stripe", file, "--signature", signed.signature, "--json")
        assert json.loads(told.stdout) == {"events": 1, "outcomes": {outcome: 1}}
    assert states(db) == ["SUCCEEDED"]


# --- Webhooks -------------------------------------------------------------------------------------------------------


@contextmanager
def listening(application: webhook.Application) -> Iterator[str]:
    """A server in a thread, as `pybridge payment webhook` has one."""
    chosen: list[int] = []
    ready = threading.Event()

    def begun(port: int) -> None:
        chosen.append(port)
        ready.set()

    threading.Thread(target=webhook.serve, args=(application, 0, begun), daemon=True).start()
    assert ready.wait(10)
    yield f"http://127.0.0.1:{chosen[0]}/webhooks/stripe"


def test_webhooks_are_heard_once_each(at_stripe: Town, box: sandbox.Box, run: Run, connect: Connect) -> None:
    db = at_stripe.db
    customer = box.customer("processing")
    means(db, at_stripe.advertisers[0], "CHARGE", customer=customer.id, payment_method=customer.payment_method)
    run(db, "payment", "execute", "--now", CHARGE_DAY.isoformat()[:19])
    with listening(webhook.Application(connect, lambda _: gateways.open_gateway("stripe", box.environment))) as url:
        box.webhooks(url)
        box.settle(attempts(db)[0]["gateway_id"])
        signed = box.events()  # waits until all were posted
        box.webhooks(None)
        assert states(db) == ["SUCCEEDED"]
        headers = {"Stripe-Signature": signed[-1].signature}
        again = requests.post(url, data=signed[-1].payload, headers=headers, timeout=10)
        assert (again.status_code, again.text) == (200, "1 SEEN\n")
        forged = requests.post(url, data=signed[-1].payload, headers={"Stripe-Signature": "t=1,v1=0"}, timeout=10)
        assert forged.status_code == 400
    assert one(db, "select count(*) from marketplace.gateway_event where outcome = 'APPLIED'") == 1


@pytest.mark.parametrize(
    ("path", "method", "length", "status"),
    [
        ("/webhooks/nobody", "POST", "5", 404),
        ("/webhooks/bank", "POST", "5", 404),
        ("/webhooks/os.path", "POST", "5", 404),
        ("/webhooks/__init__", "POST", "5", 404),
        ("/webhooks/", "POST", "5", 404),
        ("/", "POST", "5", 404),
        ("/webhooks/stripe", "GET", "5", 405),
        ("/webhooks/stripe", "POST", "", 413),
        ("/webhooks/stripe", "POST", "9999999", 413),
        ("/webhooks/stripe", "POST", "five", 400),
        ("/webhooks/stripe", "POST", "5", 503),
    ],
)
def test_what_is_no_webhook_is_refused(path: str, method: str, length: str, status: int) -> None:
    def nowhere() -> psycopg.Connection[Any]:
        raise psycopg.OperationalError("no database")

    environ: dict[str, Any] = {"PATH_INFO": path, "REQUEST_METHOD": method, "CONTENT_LENGTH": length}
    setup_testing_defaults(environ)
    environ["wsgi.input"] = io.BytesIO(b"hello")
    said: list[str] = []
    application = webhook.Application(nowhere, lambda _: Hears())
    application(environ, lambda answer, *_: said.append(answer))  # type: ignore[arg-type]
    assert int(said[0].split()[0]) == status


class Hears(Scripted):
    def read_events(self, payload: bytes, signature: str | None) -> list[gateways.Event]:
        return [gateways.Event("evt_1", gateways.Answer("succeeded"), idempotency_key="k")]


def test_the_bank_answers_by_files(here: Town, run: Run, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A payout by pain.001 into the outbox; the bank's pain.002 ends it."""
    db = here.db
    (tmp_path / "out").mkdir(mode=0o700)
    for name, value in (
        ("OUTBOX", str(tmp_path / "out")),
        ("MODE", "test"),
        ("DEBTOR_NAME", "Websuggest AS"),
        ("DEBTOR_IBAN", "NO9386011117947"),
    ):
        monkeypatch.setenv(f"BANK_{name}", value)
    executed(db, Scripted(), CHARGE_DAY)
    details = Jsonb({"name": "Kari Nordmann", "iban": "NO9386011117947"})
    call_in(
        db, "marketplace", "set_payment_means", profile=here.publisher, kind="PAYOUT", gateway="bank", details=details
    )
    done = run(db, "payment", "execute", "--now", PAYOUT_DAY.isoformat()[:19])
    assert done.exit_code == 0, done.output
    payout = attempts(db, here.publisher)[0]
    assert payout["state"] == "PROCESSING"
    (order,) = (tmp_path / "out").glob("*.xml")
    assert (order.stem, "35.00" in order.read_text()) == (payout["batch"], True)
    report = tmp_path / "pain002.xml"
    report.write_text(
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.03"><CstmrPmtStsRpt>'
        "<GrpHdr><MsgId>R1</MsgId><CreDtTm>2026-02-16T12:00:00</CreDtTm></GrpHdr>"
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>{payout['batch']}</OrgnlMsgId><OrgnlMsgNmId>pain.001</OrgnlMsgNmId>"
        "</OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>1</OrgnlPmtInfId><TxInfAndSts>"
        f"<OrgnlEndToEndId>{payout['idempotency_key']}</OrgnlEndToEndId><TxSts>ACSC</TxSts>"
        "</TxInfAndSts></OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"
    )
    said = run(db, "payment", "events", "bank", report)
    assert (said.exit_code, "1 APPLIED" in said.stdout) == (0, True), said.output
    assert here.status(here.publisher) == "EXECUTED"
    assert "1 SEEN" in run(db, "payment", "events", "bank", report).stdout
    report.write_text("<Document>")
    assert run(db, "payment", "events", "bank", report).exit_code == 1


def test_the_inbox_says_what_came_what_it_did_and_what_waits(here: Town, run: Run) -> None:
    line = Entry("txn_1", "OTHER", "topup", 2000, 0, "NOK", CHARGE_DAY)
    executed(here.db, Scripted(money=Balance(2000, 0, [line])), CHARGE_DAY)
    said = {"gateway": "stripe", "event_id": "evt_1", "event_kind": "customer.created", "now": CHARGE_DAY}
    call_in(here.db, "marketplace", "record_event", **said, answer="unread", gateway_id="cus_1")
    both = run(here.db, "payment", "inbox")
    assert "UNREAD" in both.output, both.output
    assert "2 of 2 shown; 1 of them wait for a person" in both.output
    (waits,) = json.loads(run(here.db, "payment", "inbox", "--waiting", "--json").output)
    assert (waits["came"], waits["did"], waits["waits_for"]) == ("txn_1", "UNEXPLAINED", "EXPLANATION")
    assert waits["to_do"].startswith("pybridge payment book-entry stripe txn_1")
    assert "Nothing came" in run(here.db, "payment", "inbox", "--since", "2026-03-01").output
    assert "is not a day or a local time" in run(here.db, "payment", "inbox", "--since", "5").output
    booked = run(here.db, "payment", "book-entry", "stripe", "txn_1", "--reason", "topped up")
    assert booked.output == "NOK 70.00 available\n", booked.output
    assert "Nothing waits" in run(here.db, "payment", "inbox", "--waiting").output
    assert run(here.db, "payment", "book-entry", "stripe", "txn_1", "--reason", "again").exit_code == 1
