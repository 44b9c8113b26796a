"""What Stripe says, in the words of pybridge.payments.gateways: answers, errors, events, and what it has."""

import re
from datetime import UTC, datetime
from typing import Any

import stripe

from pybridge.payments.gateways import Account, Action, Answer, Effect, Entry, Event, Found, Kind, Word

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
REFUND_EVENTS = ("refund.created", "refund.updated", "refund.failed", "charge.refund.updated")
PAYOUT_EVENTS = ("payout.created", "payout.updated", "payout.paid", "payout.failed", "payout.canceled")
# Lines of its account of our balance (balance transactions), by `reporting_category`; any other is for a person.
EFFECTS: dict[str, Effect] = {
    **dict.fromkeys(("charge", "charge_failure", "refund", "refund_failure", "partial_capture_reversal"), "ATTEMPT"),
    **dict.fromkeys(("transfer", "transfer_reversal", "dispute", "dispute_reversal"), "ATTEMPT"),
    **dict.fromkeys(("fee", "network_cost", "tax", "contribution", "climate_order_purchase"), "FEE"),
    **dict.fromkeys(("payout", "payout_reversal"), "WITHDRAWAL"),
}
LARGEST = 2**63 - 1  # of an amount: a bigint
LONGEST = 500  # of a name that Stripe gives; its own are a tenth of that
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


def account_of(said: Object) -> Account:
    """Stripe takes transfers to it, and pays out of it, or it does not; and what it wants to know of its owner."""
    required = said.get("requirements") or {}
    can = (said.get("capabilities") or {}).get("transfers") == "active" and bool(said.get("payouts_enabled"))
    until = required.get("current_deadline")
    needs = {*(required.get("past_due") or ()), *(required.get("currently_due") or ())}
    return Account(
        account=str(said["id"]),
        is_restricted=not can,
        needs=sorted(str(each)[:100] for each in needs),
        needed_by=datetime.fromtimestamp(until, UTC) if until else None,
    )


def events_of(said: Object) -> list[Event]:
    """One: what no word is known of is said as well, so that nothing comes unseen."""
    kind, about = str(said["type"]), said["data"]["object"]
    if kind == "account.updated":
        told, when = account_of(about), datetime.fromtimestamp(said["created"], UTC)
        return [Event(said["id"], Answer("processing", told.account), kind=kind, occurred_at=when, account=told)]
    named = metadata(about, "idempotency_key")
    theirs = bool(said.get("account"))  # of a connected account's own business
    event = Event(
        event_id=said["id"],
        answer=_said_by_itself(kind, about, theirs=theirs),
        idempotency_key=None if theirs and kind != "payout.failed" else named,
        kind=kind,
        occurred_at=datetime.fromtimestamp(said["created"], UTC),
        dispute=str(about["id"]) if kind.startswith("charge.dispute.") else None,
        parent=about.get("payment_intent") if kind in REFUND_EVENTS else None,
        metadata={name: str(value) for name, value in (about.get("metadata") or {}).items()},
        status=about.get("status"),
        act_by=_due_by(about) if kind.startswith("charge.dispute.") else None,
    )
    _check(event)
    return [event]


def _said_by_itself(kind: str, about: Object, *, theirs: bool) -> Answer:
    if kind == "payout.failed" and metadata(about, "idempotency_key"):
        # One that is ours. Any other is between the person and Stripe: the money stays on the person's account there.
        return Answer("returned", about["id"], about["amount"], _currency(about), about.get("failure_code"))
    if theirs:
        return Answer("unread", about.get("id"))
    if kind in INTENT_EVENTS:
        return _of_intent(about)
    if kind in REFUND_EVENTS:
        return _of_refund(about)
    if kind == "transfer.created":
        return _of_transfer(about)
    if kind == "transfer.reversed":
        back, said = about["amount_reversed"], "transfer reversed"
        return Answer("reversed", about["id"], back, _currency(about), message=said)
    if kind == "charge.refunded" and about.get("payment_intent"):
        return Answer("refunded", about["payment_intent"], about["amount_refunded"], _currency(about))
    if kind.startswith("charge.dispute."):
        # The bank took a charge back, or gave it to us again. A dispute has no metadata: its payment intent names it.
        word = DISPUTE_EVENTS.get(kind, "noted")
        if kind == "charge.dispute.closed" and about.get("status") != "lost":
            word = "noted"
        reason = about.get("reason")
        return Answer(word, about["payment_intent"], about["amount"], _currency(about), decline_code=reason)
    if kind in PAYOUT_EVENTS:
        return Answer("withdrawn", about["id"], about["amount"], _currency(about), about.get("failure_code"))
    return Answer("unread", about.get("payment_intent") or about.get("id"))


def _due_by(about: Object) -> datetime | None:
    due = (about.get("evidence_details") or {}).get("due_by")
    return None if due is None else datetime.fromtimestamp(due, UTC)


def _check(event: Event) -> None:
    """What no row can hold, or nobody would write, is no event of Stripe's: it would come again for ever."""
    answer = event.answer
    if answer.amount is not None and (type(answer.amount) is not int or not 0 <= answer.amount <= LARGEST):
        raise ValueError("an amount that is none")
    names = (event.event_id, event.kind, event.idempotency_key, event.dispute, event.parent, event.status)
    told = (answer.gateway_id, answer.currency, answer.error_code, answer.decline_code)
    for each in (*names, *told, *event.metadata, *event.metadata.values()):
        if each is None:
            continue
        if not isinstance(each, str) or len(each) > LONGEST or not each.isprintable():
            raise ValueError("a name that is none")


def entry_of(said: Object) -> Entry:
    """A balance transaction, whose source was expanded."""
    source = said.get("source")
    source = source if isinstance(source, dict) else {"id": source}
    about = source.get("payment_intent") if source.get("object") in ("charge", "dispute") else source.get("id")
    if source.get("object") == "transfer_reversal":
        about = source.get("transfer")
    return Entry(
        entry_id=said["id"],
        effect=EFFECTS.get(str(said.get("reporting_category")), "OTHER"),
        kind=str(said["type"]),
        amount=said["amount"],
        fee=said["fee"],
        currency=str(said["currency"]).upper(),
        made_at=datetime.fromtimestamp(said["created"], UTC),
        about=about,
    )


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
