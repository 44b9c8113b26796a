"""What Stripe says, in the words of pybridge.payments.gateways: answers, errors, events, and what it has."""

import re
from datetime import UTC, datetime
from typing import Any

import stripe

from pybridge.payments.gateways import Action, Answer, Event, Found, Kind, Word

Object = dict[str, Any]

# A payment intent's status, where it says all. It can still be charged in requires_confirmation, but we never confirm.
INTENT: dict[str, Word] = {
    "succeeded": "succeeded",
    "processing": "processing",
    "requires_capture": "processing",
    "requires_action": "requires_action",
    "requires_payment_method": "declined",
    "requires_confirmation": "declined",
    "canceled": "declined",
}
REFUND: dict[str, Word] = {
    "succeeded": "succeeded",
    "pending": "processing",
    "requires_action": "requires_action",
    "failed": "declined",
    "canceled": "declined",
}
INTENT_EVENTS = (
    "payment_intent.succeeded",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
)
DISPUTE_EVENTS: dict[str, Word] = {
    "charge.dispute.funds_withdrawn": "returned",
    "charge.dispute.funds_reinstated": "reinstated",
    "charge.dispute.closed": "lost",  # of what was won, the money comes back as an event of its own
}
REFUND_EVENTS = ("refund.created", "refund.updated", "refund.failed")
# What no list of objects tells of things made long ago: those are asked for as events, in case nobody heard them.
SAID_OF_OLD = (*DISPUTE_EVENTS, "transfer.reversed", "refund.failed", "payout.failed")
# Of two payments for one key, the one that counts is the one that went furthest.
FURTHEST: tuple[Word, ...] = ("succeeded", "processing", "requires_action", "declined")

# Keys, ids of means of payment and client secrets, and anything that could be the number of a card.
CONFIDENTIAL = re.compile(
    r"\b(?:sk|rk|pk|whsec)_[\w*]+|\b(?:pm|card|src|tok|ba|seti)_(?=\w*\d)\w{10,}"
    r"|\bpi_\w+_secret_\w+|\b\d(?:[ -]?\d){11,18}\b"
)


def answer_of(kind: str, said: Object) -> Answer:
    return {"CHARGE": _of_intent, "PAYOUT": _of_transfer}.get(kind, _of_refund)(said)


def _of_intent(said: Object) -> Answer:
    status = said.get("status")
    word = INTENT.get(str(status))
    if word is None:
        return _unknown(said)
    error = said.get("last_payment_error") or {}
    code, decline = error.get("code"), error.get("decline_code")
    message = error.get("message")
    if word == "declined":
        if status == "requires_payment_method" and "authentication_required" in (code, decline):
            word = "requires_action"  # refused because nobody was there to authenticate; with the person it can go on
        elif status == "canceled":
            code, decline = "canceled", said.get("cancellation_reason")
        code = code or str(status)
    elif word != "requires_action":
        code = decline = message = None  # of an earlier try
    amount = said.get("amount_received") if word == "succeeded" else said.get("amount")
    action = _action(said) if word == "requires_action" else None
    return Answer(word, said.get("id"), amount, _currency(said), code, decline, clean(message), action)


LONGEST_URL = 500  # what marketplace.record_action takes; without the address, the secret does as well


def _action(intent: Object) -> Action | None:
    """What the person's browser is given: the intent's secret, and where the issuer wants the person, if it says so."""
    if not (secret := intent.get("client_secret")):
        return None
    to = ((intent.get("next_action") or {}).get("redirect_to_url") or {}).get("url")
    return Action(str(secret), str(to) if to and len(str(to)) <= LONGEST_URL else None)


def _of_transfer(said: Object) -> Answer:
    """A transfer is made at once or not at all; that it was reversed since comes as an event."""
    if said.get("object") != "transfer":
        return _unknown(said)
    return Answer("succeeded", said.get("id"), said.get("amount"), _currency(said))


def _of_refund(said: Object) -> Answer:
    status = str(said.get("status"))
    word = REFUND.get(status)
    if word is None:
        return _unknown(said)
    code, reason = (f"refund_{status}", said.get("failure_reason")) if word == "declined" else (None, None)
    return Answer(word, said.get("id"), said.get("amount"), _currency(said), code, reason)


def _unknown(said: Object) -> Answer:
    """Done, but we do not know what it means: to be looked up, never repeated with a new key."""
    return Answer("no_answer", said.get("id"), error_code="unknown_status", message=clean(str(said.get("status"))))


def answer_of_error(error: stripe.StripeError) -> Answer:
    """Whatever is not certainly without effect is no_answer."""
    detail = error.error.to_dict() if error.error else {}
    code, message = error.code or detail.get("code"), clean(error.user_message)
    match error:
        case stripe.CardError():
            intent = detail.get("payment_intent") or {}
            decline = detail.get("decline_code")
            word: Word = "requires_action" if "authentication_required" in (code, decline) else "declined"
            action = _action(intent) if word == "requires_action" else None
            return Answer(
                word, intent.get("id"), intent.get("amount"), _currency(intent), code, decline, message, action
            )  # fmt: skip
        case stripe.RateLimitError():
            return Answer("rate_limited", error_code=code, message=message)
        case stripe.IdempotencyError() if error.http_status != 409:
            return Answer("conflict", error_code=code or "idempotency_error", message=message)
        case stripe.InvalidRequestError(code="balance_insufficient"):
            return Answer("declined", error_code=code, decline_code="balance_insufficient", message=message)
        case stripe.InvalidRequestError():
            return Answer("rejected", error_code=code, message=message)
        case stripe.AuthenticationError() | stripe.PermissionError():
            return Answer("unauthorized", error_code=code, message=message)
        case _:
            return Answer("no_answer", error_code=code or type(error).__name__, message=message)


def found_of(kind: Kind, said: Object) -> Found | None:
    """None for what is certainly not ours: it bears no ledger's name, and is no refund."""
    ledger = metadata(said, "ledger")
    if not ledger and kind != "REFUND":
        return None
    answer = answer_of(kind, said)
    return Found(
        gateway_id=said["id"],
        kind=kind,
        answer=answer.answer,
        amount=said["amount"],
        currency=str(said["currency"]).upper(),
        made_at=datetime.fromtimestamp(said["created"], UTC),
        ledger=ledger,
        idempotency_key=metadata(said, "idempotency_key"),
        metadata={name: str(value) for name, value in (said.get("metadata") or {}).items()},
        party=said.get("customer") or said.get("destination"),
        parent=said.get("payment_intent"),
        error_code=answer.error_code,
        decline_code=answer.decline_code,
    )


def events_of(said: Object) -> list[Event]:
    kind, about = said["type"], said["data"]["object"]
    dispute = None
    if kind in INTENT_EVENTS:
        answer = _of_intent(about)
    elif kind in REFUND_EVENTS:
        answer = _of_refund(about)
    elif kind == "transfer.created":
        answer = _of_transfer(about)
    elif kind == "transfer.reversed":
        answer = Answer(
            "returned", about["id"], about["amount_reversed"], _currency(about), message="transfer reversed"
        )
    elif kind in DISPUTE_EVENTS and (kind != "charge.dispute.closed" or about.get("status") == "lost"):
        dispute = str(about["id"])
        # The bank took a charge back, or gave it to us again. A dispute has no metadata: its payment intent names it.
        word, intent = DISPUTE_EVENTS[kind], about["payment_intent"]
        answer = Answer(word, intent, about["amount"], _currency(about), decline_code=about.get("reason"))
    elif kind == "payout.failed" and metadata(about, "idempotency_key"):
        # One that is ours. Any other is between the person and Stripe: the money stays on the person's account there.
        answer = Answer("returned", about["id"], about["amount"], _currency(about), about.get("failure_code"))
    else:
        return []
    if said.get("account") and kind != "payout.failed":
        return []  # of a connected account's own business
    return [
        Event(
            event_id=said["id"],
            answer=answer,
            idempotency_key=metadata(about, "idempotency_key"),
            kind=kind,
            occurred_at=datetime.fromtimestamp(said["created"], UTC),
            dispute=dispute,
            parent=about.get("payment_intent") if kind in REFUND_EVENTS else None,
            metadata={name: str(value) for name, value in (about.get("metadata") or {}).items()},
        )
    ]


def metadata(said: Object, name: str) -> str | None:
    value = (said.get("metadata") or {}).get(name)
    return None if value is None else str(value)


def _currency(said: Object) -> str | None:
    currency = said.get("currency")
    return currency.upper() if currency else None


def rank(word: Word) -> int:
    return FURTHEST.index(word) if word in FURTHEST else len(FURTHEST)


def clean(message: str | None) -> str | None:
    """A message without keys, cards and tokens, and not a page long."""
    return None if message is None else CONFIDENTIAL.sub("***", " ".join(message.split()))[:300]
