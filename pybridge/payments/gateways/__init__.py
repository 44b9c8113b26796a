"""What a payment gateway is to us: it carries a request and brings back its answer.

SQL decides who is due, how much, and what an answer means (schema `marketplace`). A gateway is a module here with a
function `open_gateway(environment)`, and a `SIGNATURE_HEADER` where it sends webhooks; and a row in
`marketplace.gateway`, with one in `marketplace.gateway_kind` for each thing that it can do. Nothing else changes.
"""

import importlib
import importlib.util
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, Protocol, runtime_checkable

from pybridge.extras import MissingExtra

Kind = Literal["CHARGE", "PAYOUT", "REFUND"]

# The words that every gateway answers with; marketplace.record_answer says what each does to an attempt.
Word = Literal[
    "succeeded",  # money has moved, or is sure to
    "processing",  # accepted; the end comes later, by look_up or by an event
    "requires_action",  # the person must do something, such as 3-D Secure
    "declined",  # refused; decline_code says why
    "rate_limited",  # not done, come back later
    "conflict",  # this idempotency key was used with other parameters
    "rejected",  # a bad request: not done, and will not be
    "unauthorized",  # bad credentials: not done, and no other request will be
    "no_answer",  # time-out, connection error, 5xx: done or not, nobody knows
    "not_found",  # of look_up: the gateway has nothing of this request
    "returned",  # of events: a payout that had succeeded came back from the bank, or a charge was taken back from us
    "reversed",  # of events: of a payout so much was taken back in all, by whoever has the gateway's own pages
    "reinstated",  # of events: a charge that was taken back is ours again
    "lost",  # of events: a dispute was decided, and its money does not come back
    "refunded",  # of events: of a charge so much was given back in all; which refunds, their own events say
    "withdrawn",  # of events: money went to our own account at a bank, or came back; the gateway's account has it
    "noted",  # of events: about money of ours, and moves none
    "unread",  # of events: of a kind that says nothing of our money
]


@dataclass(frozen=True)
class Request:
    """An attempt as it was frozen in marketplace.payment_attempt; sent again, it is the same to the byte."""

    attempt: int
    kind: Kind
    amount: int  # minor units, above 0
    currency: str  # ISO 4217, upper case
    idempotency_key: str
    request: Mapping[str, Any]  # means of payment, description, metadata; of REFUND: "refunds", the charge's gateway id
    submitted_at: datetime  # when it was first sent: look_up starts there; the same in every repetition
    gateway_id: str | None = None  # where an earlier answer told it
    batch: str | None = None  # of gateways that take many at once: the name of the batch


@dataclass(frozen=True)
class Answer:
    """What came back. `message` may be logged: it holds no key, no token, no card."""

    answer: Word
    gateway_id: str | None = None
    amount: int | None = None  # minor units, as the gateway says; checked against the attempt's by the database
    currency: str | None = None  # upper case
    error_code: str | None = None
    decline_code: str | None = None
    message: str | None = None
    action: "Action | None" = None  # of requires_action


@dataclass(frozen=True)
class Action:
    """What the site needs so that the person can confirm a charge. Never logged: it is that person's secret."""

    client_secret: str = field(repr=False)
    redirect_url: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Account:
    """How an account stands that people are paid to, as its gateway says."""

    account: str  # what the gateway calls it
    is_restricted: bool  # nothing can be paid to it, or out of it
    needs: Sequence[str] = ()  # what the gateway wants to know of its owner, in its own words
    needed_by: datetime | None = None


@dataclass(frozen=True)
class Event:
    """What a gateway says by itself: a webhook, or an entry of a file. Applied once, by gateway and event_id."""

    event_id: str
    answer: Answer
    idempotency_key: str | None = (
        None  # by the metadata that we sent; null: found by what follows, or answer.gateway_id
    )
    batch: str | None = None  # alone, without a key: it is about every request of this batch
    kind: str = ""  # the gateway's own name of it
    occurred_at: datetime | None = None
    parent: str | None = None  # of a refund: what the gateway calls that which it gives back
    dispute: str | None = None  # of a charge taken back, or given back to us: which; two of one amount are two
    metadata: Mapping[str, str] = field(default_factory=dict)  # what we gave it with the object that this is about
    status: str | None = None  # what the gateway says that the object is now
    act_by: datetime | None = None  # of a dispute: until when it takes evidence
    account: Account | None = None  # it is about an account, and about no request


# What a line of a gateway's own account is to us: marketplace.balance_entry.
Effect = Literal["ATTEMPT", "FEE", "WITHDRAWAL", "OTHER"]


@dataclass(frozen=True)
class Entry:
    """A line of a gateway's own account of our money there; the balance changes by amount less fee."""

    entry_id: str
    effect: Effect
    kind: str  # the gateway's own name of it
    amount: int  # minor units; above 0 came in
    fee: int  # minor units that it took for it
    currency: str  # upper case
    made_at: datetime  # by the gateway's clock
    about: str | None = None  # what it calls the payment


@dataclass(frozen=True)
class Balance:
    """What a gateway has of our money, in minor units of kroner, and the lines that it has added since."""

    available: int
    pending: int
    entries: Sequence[Entry]


@dataclass(frozen=True)
class Found:
    """What a gateway has: `newest` tells of all that bears a ledger's name, and of every refund."""

    gateway_id: str
    kind: Kind
    answer: Word  # what became of it; succeeded, processing, requires_action or declined
    amount: int  # minor units
    currency: str  # upper case
    made_at: datetime  # by the gateway's clock
    ledger: str | None = None  # in its metadata: whose it is
    idempotency_key: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    party: str | None = None  # the customer or the account that it is with
    parent: str | None = None  # of a refund: the charge's gateway id
    batch: str | None = None
    error_code: str | None = None
    decline_code: str | None = None


class Gateway(Protocol):
    """Calls return what the gateway said, whatever it is; they raise only for our own mistakes, before they send."""

    name: str
    is_live: bool  # whether the key that it was opened with moves real money
    batch_limit: int  # how many requests one call of send carries; 1 where each is a call of its own

    def send(self, requests: Sequence[Request]) -> list[Answer]:
        """Carry the requests, with their idempotency keys; one answer each, in order. Safe to repeat."""
        ...

    def look_up(self, request: Request) -> Answer:
        """What became of a request: by gateway_id if it is known, else by the metadata that we sent."""
        ...

    def cancel(self, request: Request) -> Answer:
        """Call off a request that waits for its person; what became of it: declined, or succeeded after all."""
        ...

    def newest(self, since: datetime, ledger: str) -> list[Found]:
        """All that was made since; raises NotAnswered where it cannot be had whole."""
        ...

    def heard(self, since: datetime) -> list[Event]:
        """What it has said by itself since, whether anybody heard it or not; raises NotAnswered as newest does."""
        ...

    def balance(self, since: datetime) -> Balance:
        """What it has of our money, and its lines since; raises NotAnswered. Of gateway.looks_up alone."""
        ...

    def read_events(self, payload: bytes, signature: str | None) -> list[Event]:
        """Read a webhook's body, or a file; raises BadSignature, or BadPayload, where it cannot be trusted or read."""
        ...


@runtime_checkable
class KeepsAccounts(Protocol):
    """A gateway that can say of the accounts that people are paid to how they stand."""

    def account(self, account: str) -> Account | None:
        """How it stands; None where the gateway does not say just now."""
        ...


class NotAnswered(Exception):
    """The gateway did not say what it has."""


class BadPayload(Exception):
    """What came is not a message of this gateway; `hint` says what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class BadSignature(BadPayload):
    """The message is not signed with the secret that we share with the gateway."""


class NotConfigured(Exception):
    """A key or a folder that the gateway needs is not in the environment, or anybody could read it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True)
class Secret:
    """A key: never shown by repr, str or a traceback's locals."""

    value: str = field(repr=False)

    def __repr__(self) -> str:  # our own: what prints dataclasses field by field, as hypothesis does, asks this instead
        return "***"


def secret(environment: Mapping[str, str], name: str) -> Secret | None:
    """The key in NAME, or in the file that NAME_FILE names, which only its owner may read; null: neither is set."""
    if value := environment.get(name, "").strip():
        return Secret(value)
    if not (place := environment.get(f"{name}_FILE", "").strip()):
        return None
    path = Path(place)
    try:
        mode = path.stat().st_mode
        value = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise NotConfigured(f"{name}_FILE cannot be read: {error}") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise NotConfigured(f"{path} may be read by others than its owner", f"Run: chmod 600 {path}")
    if not value:
        raise NotConfigured(f"{path} is empty", f"It holds what {name} would.")
    return Secret(value)


def open_gateway(name: str, environment: Mapping[str, str] | None = None) -> Gateway:
    """The gateway of this name: its module `pybridge.payments.gateways.NAME`, or another's, named `package.module`."""
    gateway: Gateway = _module(name).open_gateway(os.environ if environment is None else environment)
    return gateway


def signature_header(name: str) -> str | None:
    """The header that a gateway of ours signs its webhooks in; None: it sends none, or there is no such gateway."""
    if not name.isidentifier() or name.startswith("_") or importlib.util.find_spec(f"{__name__}.{name}") is None:
        return None  # a name that a stranger sent imports nothing but what lies here
    header: str | None = getattr(_module(name), "SIGNATURE_HEADER", None)
    return header


def _module(name: str) -> ModuleType:
    module_name = name if "." in name else f"{__name__}.{name}"
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name == module_name:
            raise NotConfigured(f"there is no gateway {name!r}", f"A module {module_name} would be one.") from None
        if name == module_name:
            raise  # another's, and what it needs is its own matter
        raise NotConfigured(str(MissingExtra(name))) from None  # an extra has the name of the gateway that needs it
