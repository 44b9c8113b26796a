"""Stripe: an off-session payment intent charges, a transfer to a connected account pays, a refund pays back.

Environment: STRIPE_API_KEY, STRIPE_WEBHOOK_SECRET (each, or NAME_FILE), STRIPE_API_BASE (the sandbox's address) and
STRIPE_TIMEOUT (seconds to wait for an answer).
"""

import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import requests
import stripe

from pybridge.payments.gateways import (
    Account,
    Answer,
    BadPayload,
    BadSignature,
    Balance,
    Event,
    Found,
    NotAnswered,
    NotConfigured,
    Request,
    Secret,
    secret,
)
from pybridge.payments.gateways.stripe_said import (
    SAID_OF_OLD,
    account_of,
    answer_of,
    answer_of_error,
    clean,
    entry_of,
    events_of,
    found_of,
    metadata,
    rank,
)

Object = dict[str, Any]

SIGNATURE_HEADER = "Stripe-Signature"
CONNECT_SECONDS = 5
ANSWER_SECONDS = 30
WEBHOOK_TOLERANCE = 300  # seconds; what is older is refused, so that a copied webhook is of no use later
CLOCKS_APART = timedelta(hours=1)
PAGE = 100
DEEPEST = 100  # levels of an event; Stripe's have about ten
SIGNATURE_HINT = "It is forged, older than 5 minutes, of the future, or signed with the secret of another endpoint."

# What reading an answer raises that is JSON, and not what Stripe writes: it came after we sent, so nobody knows.
UNREADABLE = (AttributeError, KeyError, TypeError, ValueError)


def open_gateway(environment: Mapping[str, str]) -> "Stripe":
    """Raises NotConfigured without a key, or for an address that a key should not be sent to."""
    key = secret(environment, "STRIPE_API_KEY")
    if key is None:
        raise NotConfigured("STRIPE_API_KEY is not set", "Set it, or STRIPE_API_KEY_FILE, in the environment.")
    base = environment.get("STRIPE_API_BASE", "").strip().rstrip("/")
    if base:
        _check_base(base, key)
    try:
        wait = float(environment.get("STRIPE_TIMEOUT", "") or ANSWER_SECONDS)
    except ValueError:
        wait = 0
    if not 0 < wait < 3600:
        raise NotConfigured("STRIPE_TIMEOUT is not a number of seconds between 0 and 3600")
    # Its debug log has each request's body, with customers and their means of payment.
    logging.getLogger("stripe").setLevel(logging.WARNING)
    return Stripe(key, secret(environment, "STRIPE_WEBHOOK_SECRET"), base, wait)


def _check_base(base: str, key: Secret) -> None:
    try:
        parts = urlsplit(base)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise NotConfigured("STRIPE_API_BASE is not an address") from None
    if parts.scheme not in ("http", "https") or not host or parts.username or parts.path or parts.query:
        raise NotConfigured("STRIPE_API_BASE is not an address", "It is like http://127.0.0.1:12111, without a path.")
    if _is_loopback(host):
        if _is_live(key):
            raise NotConfigured("a live key is not for a sandbox", "Set a test key, or no STRIPE_API_BASE.")
    elif parts.scheme != "https":
        raise NotConfigured("STRIPE_API_BASE would send the key unencrypted", "Only a loopback address may be http.")


def _is_live(key: Secret) -> bool:
    return not key.value.startswith(("sk_test_", "rk_test_"))  # of an unknown kind: it may be


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Stripe:
    """A gateway (see pybridge.payments.gateways); each request is a call of its own."""

    name = "stripe"
    batch_limit = 1

    def __init__(self, key: Secret, webhook_secret: Secret | None, base: str, wait: float) -> None:
        self._webhook_secret = webhook_secret
        self.is_live = _is_live(key)
        session = None
        if base and _is_loopback(urlsplit(base).hostname or ""):
            session = requests.Session()
            session.trust_env = False  # no proxy stands between us and the sandbox
        self._client = stripe.StripeClient(
            key.value,
            base_addresses={"api": base} if base else {},
            max_network_retries=0,  # repeating is the database's decision
            http_client=stripe.RequestsClient(timeout=(CONNECT_SECONDS, wait), session=session),
        )
        v1 = self._client.v1
        self._services: dict[str, Any] = {"CHARGE": v1.payment_intents, "PAYOUT": v1.transfers, "REFUND": v1.refunds}

    def __repr__(self) -> str:
        return "Stripe()"

    def send(self, requests: Sequence[Request]) -> list[Answer]:
        """One call each; a key that Stripe knows brings back the answer it gave then."""
        return [self._send(each) for each in requests]

    def _send(self, request: Request) -> Answer:
        try:
            form, options = _form(request), {"idempotency_key": request.idempotency_key}
        except KeyError as error:  # never sent, nor ever will be: the others must not wait for it
            return Answer("rejected", error_code="parameter_missing", message=f"{error.args[0]} is missing")
        create = self._services[request.kind].create
        try:
            return answer_of(request.kind, create(form, options).to_dict())
        except stripe.StripeError as error:
            return answer_of_error(error)
        except UNREADABLE:
            return Answer("no_answer", error_code="unreadable")

    def look_up(self, request: Request) -> Answer:
        """By its gateway id, else among what was made since shortly before it was sent, by the key in its metadata."""
        key = request.idempotency_key
        try:
            if request.gateway_id:
                return self._retrieve(request.kind, request.gateway_id)
            answers = [
                answer_of(request.kind, each)
                for each in self._list(request)
                if metadata(each, "idempotency_key") == key
            ]
        except stripe.StripeError as error:
            answer = answer_of_error(error)
            if error.http_status == 404:
                return Answer("not_found", error_code=answer.error_code, message=answer.message)
            known = answer.answer in ("unauthorized", "rate_limited")
            return answer if known else Answer("no_answer", error_code=answer.error_code, message=answer.message)
        except UNREADABLE:
            return Answer("no_answer", error_code="unreadable")
        if not answers:
            return Answer("not_found")
        if len(answers) == 1:
            return answers[0]
        furthest = min(answers, key=lambda each: rank(each.answer))
        numbers = ", ".join(each.gateway_id or "?" for each in answers)
        return Answer(
            furthest.answer,
            furthest.gateway_id,
            furthest.amount,
            furthest.currency,
            "duplicate",
            furthest.decline_code,
            f"{len(answers)} have this idempotency key: {numbers}",
        )

    def cancel(self, request: Request) -> Answer:
        """A payment intent that waits for its person is called off; if that is too late, what became of it."""
        if request.kind != "CHARGE" or not request.gateway_id:
            return self.look_up(request)
        try:
            return answer_of("CHARGE", self._client.v1.payment_intents.cancel(request.gateway_id).to_dict())
        except stripe.InvalidRequestError:
            return self.look_up(request)
        except stripe.StripeError as error:
            return answer_of_error(error)
        except UNREADABLE:
            return Answer("no_answer", error_code="unreadable")

    def account(self, account: str) -> Account | None:
        """How a connected account stands; None where Stripe does not say, or knows of none."""
        try:
            return account_of(self._client.v1.accounts.retrieve(account).to_dict())
        except (stripe.StripeError, *UNREADABLE):
            return None

    def _retrieve(self, kind: str, number: str) -> Answer:
        return answer_of(kind, self._services[kind].retrieve(number).to_dict())

    def _list(self, request: Request) -> Iterator[Object]:
        asked = request.request
        since = {"created": {"gte": int((request.submitted_at - CLOCKS_APART).timestamp())}, "limit": PAGE}
        match request.kind:
            case "CHARGE":
                by = {"customer": asked["customer"]} if asked.get("customer") else {}
            case "PAYOUT":
                name = "transfer_group" if asked.get("transfer_group") else "destination"
                by = {name: asked[name]}
            case "REFUND":
                by = {"payment_intent": asked["refunds"]}
        pages = self._services[request.kind].list(since | by)
        for each in pages.auto_paging_iter():
            yield each.to_dict()

    def newest(self, since: datetime, ledger: str) -> list[Found]:
        """Payment intents, refunds and transfers; lists have what was made a moment ago, and are newest first."""
        since_then = {"created": {"gte": int(since.timestamp())}, "limit": PAGE}
        found: list[Found] = []
        try:
            for kind, service in self._services.items():
                pages = service.list(since_then)
                found += filter(None, (found_of(kind, each.to_dict()) for each in pages.auto_paging_iter()))  # type: ignore[arg-type]
        except stripe.StripeError as error:
            answer = answer_of_error(error)
            raise NotAnswered(answer.message or answer.error_code or answer.answer) from None
        except UNREADABLE:
            raise NotAnswered("what it has cannot be read") from None
        return found

    def heard(self, since: datetime) -> list[Event]:
        """Disputes, reversals and failures: Stripe keeps what it said for thirty days."""
        asked: Any = {"created": {"gte": int(since.timestamp())}, "types": list(SAID_OF_OLD), "limit": PAGE}
        try:
            pages = [each.to_dict() for each in self._client.v1.events.list(asked).auto_paging_iter()]
            return [event for said in reversed(pages) for event in events_of(said)]  # they are newest first
        except stripe.StripeError as error:
            answer = answer_of_error(error)
            raise NotAnswered(answer.message or answer.error_code or answer.answer) from None
        except UNREADABLE:
            raise NotAnswered("what it said cannot be read") from None

    def balance(self, since: datetime) -> Balance:
        """Its balance, and the balance transactions that made it."""
        asked: Any = {"created": {"gte": int(since.timestamp())}, "limit": PAGE, "expand": ["data.source"]}
        try:
            pages = self._client.v1.balance_transactions.list(asked)
            entries = [entry_of(each.to_dict()) for each in pages.auto_paging_iter()]
            said = self._client.v1.balance.retrieve().to_dict()
            available, pending = (
                sum(each["amount"] for each in said[name] if each["currency"] == "nok")
                for name in ("available", "pending")
            )
        except stripe.StripeError as error:
            answer = answer_of_error(error)
            raise NotAnswered(answer.message or answer.error_code or answer.answer) from None
        except UNREADABLE:
            raise NotAnswered("its account of our money cannot be read") from None
        return Balance(available, pending, entries)

    def read_events(self, payload: bytes, signature: str | None) -> list[Event]:
        """A webhook's body: one event, of whatever kind."""
        if self._webhook_secret is None:
            raise NotConfigured("STRIPE_WEBHOOK_SECRET is not set", "The webhook's page in Stripe's dashboard has it.")
        wrong: BadPayload | None = None
        try:
            stripe.WebhookSignature.verify_header(payload, signature, self._webhook_secret.value, WEBHOOK_TOLERANCE)
            _check_not_from_the_future(signature or "")
            return events_of(_json(payload))
        except stripe.SignatureVerificationError as error:
            wrong = BadSignature(clean(error.user_message) or "bad signature", SIGNATURE_HINT)
        except BadSignature:
            raise
        except (KeyError, ValueError, AttributeError, TypeError, RecursionError, OverflowError, OSError):
            wrong = BadPayload("the webhook's body is not an event of Stripe")
        raise wrong  # here, where no other exception holds the body


# --- Webhooks -------------------------------------------------------------------------------------------------------


def _check_not_from_the_future(signature: str) -> None:
    """Stripe's library refuses only what is old: one that is signed for next year would be good until then."""
    signed_at = int(next(each for each in signature.split(",") if each.startswith("t="))[2:])
    if signed_at > time.time() + WEBHOOK_TOLERANCE:
        raise BadSignature("signed for a time to come", SIGNATURE_HINT)


def _json(payload: bytes) -> Object:
    """Raises ValueError for what could be read in two ways, or is deeper than any event."""

    def pairs(found: list[tuple[str, Any]]) -> Object:
        if len(dict(found)) < len(found):
            raise ValueError("a key twice")
        return dict(found)

    def no_number(name: str) -> None:
        raise ValueError(f"{name} is no number")

    if payload.count(b"{") + payload.count(b"[") > DEEPEST and _depth(payload) > DEEPEST:
        raise ValueError("too deep")
    said = json.loads(payload, object_pairs_hook=pairs, parse_constant=no_number)
    if not isinstance(said, dict) or said.get("object") != "event":
        raise ValueError("no event")
    return said


def _depth(payload: bytes) -> int:
    """How deep its brackets go; those in texts count, so it is never less than it is."""
    depth = deepest = 0
    for each in payload:
        if each in b"{[":
            depth += 1
            deepest = max(deepest, depth)
        elif each in b"]}":
            depth = max(0, depth - 1)
    return deepest


# --- Requests -------------------------------------------------------------------------------------------------------


def _form(request: Request) -> Any:
    """What is sent: of the frozen request what is there, and nothing else."""
    asked = request.request
    form: Object = {
        "amount": request.amount,
        "metadata": {**asked.get("metadata", {}), "idempotency_key": request.idempotency_key},
    }
    match request.kind:
        case "CHARGE":
            form |= {"currency": request.currency.lower(), "off_session": True, "confirm": True}
            names = ["customer", "payment_method", "description"]
        case "PAYOUT":
            form |= {"currency": request.currency.lower(), "destination": asked["destination"]}
            names = ["description", "transfer_group"]
        case "REFUND":
            form |= {"payment_intent": asked["refunds"]}
            names = []  # Stripe takes no description of a refund
    return form | {name: asked[name] for name in names if asked.get(name) is not None}
