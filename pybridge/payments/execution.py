"""Charges and pays what is due: carries what the database has prepared to the gateways, and their answers back.

Every call below is a transaction of its own. Before anything is sent, the database knows that it is; whatever dies in
between, the next run finds it and asks the gateway. Who is due, how much, and what an answer means stands in schema
`marketplace`; see docs/decisions/0012.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, cast

import psycopg

from pybridge import errors
from pybridge.client.marketplace import (
    ClaimAttemptsRow,
    EndLookRow,
    Marketplace,
    RecordAnswerRow,
    TakeInRow,
    UnresolvedCallsRow,
)
from pybridge.payments import gateways
from pybridge.payments.gateways import Account, Answer, Event, Gateway, Kind, Request

Connection = psycopg.Connection[Any]
KINDS = ("CHARGE", "REFUND", "PAYOUT")  # money comes in before it goes out
WELL = ("SUCCEEDED", "PROCESSING")  # nothing is left for us to do
SHORT = "balance"  # of record_answer: what it says is ours to mend
RATE_LIMITS = 3  # so many in a row, and the gateway is left alone until the next run

# Of looking and taking in: what stops one gateway and leaves the others alone.
STOPS = tuple(
    each.sqlstate for each in (errors.NotReconciled, errors.LiveKeyInTest, errors.RefundTooLarge, errors.OwedToOthers)
)

Open = Callable[[str], Gateway]


@dataclass
class Executed:
    """What a run did: how many attempts came to which state, and why it stopped early at a gateway."""

    prepared: int = 0
    states: Counter[str] = field(default_factory=Counter)
    alarms: int = 0
    short: Counter[str] = field(default_factory=Counter)  # gateway: so often our own balance did not suffice
    stopped: dict[str, str] = field(default_factory=dict)  # gateway: why
    unread: dict[str, str] = field(default_factory=dict)  # gateway: why its account of our money was not read
    open_entries: Counter[str] = field(default_factory=Counter)  # gateway: lines there that nothing of ours explains

    @property
    def answered(self) -> int:
        return self.states.total()

    @property
    def outcome(self) -> str:
        """As of a job's run: partial where something is left to do, or to look at."""
        left = self.answered - sum(self.states[state] for state in WELL)
        if not left and not self.alarms and not self.stopped and not self.unread and not self.open_entries:
            return "succeeded"
        return "partial" if self.answered > left or not (left or self.alarms or self.stopped) else "failed"

    @property
    def amiss(self) -> str | None:
        said = [f"{count} {state}" for state, count in sorted(self.states.items()) if state not in WELL]
        said += [f"{self.alarms} to be looked at"] if self.alarms else []
        said += [f"our balance at {name} does not suffice for {count}" for name, count in sorted(self.short.items())]
        said += [f"{name}: {why}" for name, why in sorted(self.stopped.items())]
        said += [f"{name}: its account was not read: {why}" for name, why in sorted(self.unread.items())]
        said += [
            f"{name}: {count} lines of its account to be explained" for name, count in sorted(self.open_entries.items())
        ]
        return ", ".join(said) or None


@dataclass(frozen=True)
class Due:
    """A transaction that is to be charged, given back or paid; `amount` is NOK, `hold` says why not now."""

    transaction: int
    profile: int
    profile_name: str
    month: str
    kind: str
    amount: Decimal
    due_on: date
    attempt_number: int
    gateway: str | None
    hold: str | None
    next_retry_at: datetime | None


def due(connection: Connection, now: datetime | None = None) -> list[Due]:
    """Who would be charged or paid what, and why others would not; changes nothing."""
    return [
        Due(
            transaction=row.transaction,
            profile=row.profile,
            profile_name=row.profile_name,
            month=f"{row.month:%Y-%m}",
            kind=row.kind,
            amount=Decimal(row.amount).scaleb(-2),
            due_on=row.due_on,
            attempt_number=row.attempt_number,
            gateway=row.gateway,
            hold=row.hold,
            next_retry_at=row.next_retry_at,
        )
        for row in Marketplace(connection).due_transactions(now=now)
    ]


def execute(
    connection: Connection,
    job_run: int,
    now: datetime | None = None,
    open_gateway: Open = gateways.open_gateway,
    stopping: Callable[[], bool] = lambda: False,
) -> Executed:
    """First finds out what became of what an earlier run left open, then sends what is due: charges, refunds, payouts.

    The connection must be in autocommit mode, and the session be the one that began `job_run`. `stopping` is asked
    before each call: what is prepared then waits for the next run. `now` is null but in a database marked for tests.
    """
    if not connection.autocommit:
        raise ValueError("each step is a transaction of its own: the connection must be in autocommit mode")
    run = _Run(connection, job_run, now, open_gateway, stopping)
    for gateway in run.names():
        run.resolve(gateway)
    run.ask_accounts()
    for kind in KINDS:
        run.done.prepared += run.market.prepare_attempts(kind=kind, now=now)
        for gateway in run.names():
            run.send(gateway, kind)
    run.read_balances()
    return run.done


class _Run:
    """One run: its gateways, opened when they are first wanted, and what it did."""

    def __init__(
        self,
        connection: Connection,
        job_run: int,
        now: datetime | None,
        open_gateway: Open,
        stopping: Callable[[], bool],
    ) -> None:
        self.connection, self.job_run, self.now = connection, job_run, now
        self.market = Marketplace(connection)
        self.done = Executed()
        self._open, self._stopping = open_gateway, stopping
        self._gateways: dict[str, Gateway] = {}
        self._idle: set[str] = set()
        self._rate_limits: Counter[str] = Counter()

    def names(self) -> list[str]:
        """The gateways that have anything to do."""
        query = "select gateway, is_idle from marketplace.open_gateways order by gateway"
        found: dict[str, bool] = dict(self.connection.execute(query).fetchall())
        self._idle = {name for name, is_idle in found.items() if is_idle}
        return [name for name in found if name not in self.done.stopped]

    def gateway(self, name: str) -> Gateway | None:
        """None where it cannot be opened, or has what we do not know: the others go on."""
        if name in self.done.stopped:
            return None
        if name not in self._gateways:
            try:
                gateway = self._gateways[name] = self._open(name)
                strays = look(self.market, name, gateway, self.job_run, self.now)
                for each in strays:
                    if each.is_by_hand:  # of a charge that is known: booked as its event would be
                        take_in(self.market, name, each, self.job_run, self.now)
                left = [each for each in strays if not each.is_by_hand]
            except (gateways.NotConfigured, gateways.NotAnswered) as error:
                if isinstance(error, gateways.NotConfigured) and name in self._idle:
                    return None  # nothing is to be done there, and it is not used any more
                self.done.stopped[name] = str(error)
            except errors.Refused as refusal:
                if refusal.sqlstate not in STOPS:
                    raise
                self.done.stopped[name] = f"{refusal.message}: {refusal.detail}"
            else:
                if left:
                    self.done.stopped[name] = _unknown(left)
        return None if name in self.done.stopped else self._gateways[name]

    def resolve(self, name: str) -> None:
        """Ask about what is open until nothing is left that this run has not asked about."""
        if not (gateway := self.gateway(name)):
            return
        while self._goes_on(name):
            calls = self.market.unresolved_calls(gateway=name, job_run=self.job_run, now=self.now)
            if not calls:
                return
            action = calls[0].action
            requests = [_request(call) for call in calls]
            if action == "SEND":
                self._record(name, requests, gateway.send(requests))
            else:
                ask = gateway.look_up if action == "LOOK_UP" else gateway.cancel
                self._record(name, requests, map(ask, requests))

    def ask_accounts(self) -> None:
        """How the accounts stand that people are paid to: before their day, so that there is time to mend it."""
        for (name,) in self.connection.execute("select gateway from marketplace.gateway_kind where kind = 'PAYOUT'"):
            accounts = self.market.accounts_to_ask(gateway=name, now=self.now)
            try:
                gateway = self._open(name) if accounts else None
            except gateways.NotConfigured:
                continue  # where anything is to be sent by it, the run says so
            if not isinstance(gateway, gateways.KeepsAccounts):
                continue
            for account in accounts:
                if self._stopping():
                    return
                if (said := gateway.account(account.account)) is not None:
                    keep_account(self.market, name, said, None, self.now)

    def send(self, name: str, kind: str) -> None:
        """Claim and send until nothing is still prepared."""
        if not (gateway := self.gateway(name)):
            return
        while self._goes_on(name):
            calls = self.market.claim_attempts(
                gateway=name, kind=kind, job_run=self.job_run, limit=gateway.batch_limit, now=self.now
            )
            if not calls:
                return
            requests = [_request(call) for call in calls]
            self._record(name, requests, gateway.send(requests))

    def read_balances(self) -> None:
        """Last, what each gateway has of our money. That it does not say stops nothing."""
        for name, gateway in self._gateways.items():
            if name in self.done.stopped or (since := self.market.balance_since(gateway=name, now=self.now)) is None:
                continue
            try:
                balance = gateway.balance(since)
            except gateways.NotAnswered as error:
                self.done.unread[name] = str(error)
                continue
            (recorded,) = self.market.record_balance(
                gateway=name,
                job_run=self.job_run,
                since=since,
                available=balance.available,
                pending=balance.pending,
                entries=[asdict(each) | {"made_at": each.made_at.isoformat()} for each in balance.entries],
                now=self.now,
            )
            if recorded.open_entries:
                self.done.open_entries[name] = recorded.open_entries

    def _goes_on(self, name: str) -> bool:
        if self._stopping():
            self.done.stopped[name] = "we were told to stop"
        return name not in self.done.stopped

    def _record(self, name: str, requests: Sequence[Request], answers: Iterable[Answer]) -> None:
        for request, answer in zip(requests, answers, strict=True):
            recorded = record(self.market, request, answer, self.job_run, self.now)
            self.done.states[recorded.state] += recorded.outcome != "NOTHING_NEW"
            self.done.alarms += recorded.alarm not in (None, SHORT)
            if recorded.alarm == SHORT:
                self.done.short[name] += 1
            self._rate_limits[name] = self._rate_limits[name] + 1 if answer.answer == "rate_limited" else 0
            if answer.answer == "unauthorized":
                self.done.stopped[name] = answer.message or "it does not accept our credentials"
            elif self._rate_limits[name] >= RATE_LIMITS:
                self.done.stopped[name] = "it asks us to slow down"


def record(
    market: Marketplace, request: Request, answer: Answer, job_run: int, now: datetime | None = None
) -> RecordAnswerRow:
    (recorded,) = market.record_answer(
        payment_attempt=request.attempt,
        answer=answer.answer,
        gateway_id=answer.gateway_id,
        amount=answer.amount,
        currency=answer.currency,
        error_code=answer.error_code,
        decline_code=answer.decline_code,
        message=answer.message,
        now=now,
        job_run=job_run,
    )
    if answer.action is not None and recorded.state == "REQUIRES_ACTION":
        market.record_action(
            payment_attempt=request.attempt, client_secret=answer.action.client_secret,
            redirect_url=answer.action.redirect_url, now=now,
        )  # fmt: skip
    return recorded


def look_up(market: Marketplace, name: str, gateway: Gateway, job_run: int, now: datetime | None = None) -> int:
    """Of what this gateway has and we do not know: ask what became of earlier attempts at the same; how many."""
    asked = 0
    while calls := market.unresolved_calls(gateway=name, job_run=job_run, now=now):
        for request in map(_request, calls):
            record(market, request, gateway.look_up(request), job_run, now)
            asked += 1
    return asked


def look(
    market: Marketplace, name: str, gateway: Gateway, job_run: int, now: datetime | None = None
) -> list[EndLookRow]:
    """Ask a gateway what it has of ours; what no attempt explains, in the order in which it can be taken in."""
    (begun,) = market.begin_look(gateway=name, job_run=job_run, is_live=gateway.is_live, now=now)
    found = gateway.newest(begun.since, str(begun.ledger))
    receive(market.connection, name, gateway.heard(begun.since), now)  # what was done there by hand, and nobody heard
    objects = [asdict(each) | {"made_at": each.made_at.isoformat()} for each in found]
    return market.end_look(gateway_look=begun.gateway_look, objects=objects)


def take_in(market: Marketplace, name: str, stray: EndLookRow, job_run: int, now: datetime | None = None) -> TakeInRow:
    (taken,) = market.take_in(gateway=name, gateway_id=stray.gateway_id, job_run=job_run, now=now)
    return taken


def keep_account(
    market: Marketplace, name: str, said: Account, said_at: datetime | None, now: datetime | None = None
) -> int:
    return market.record_account(
        gateway=name,
        account=said.account,
        is_restricted=said.is_restricted,
        needs=list(said.needs),
        needed_by=said.needed_by,
        said_at=said_at,
        now=now,
    )


def _unknown(strays: Sequence[EndLookRow]) -> str:
    named = ", ".join(each.gateway_id for each in strays[:3]) + (", ..." if len(strays) > 3 else "")
    return f"it has {len(strays)} of ours that this ledger does not know ({named}): pybridge payment reconcile"


def _request(call: ClaimAttemptsRow | UnresolvedCallsRow) -> Request:
    return Request(
        attempt=call.payment_attempt,
        kind=cast(Kind, call.kind),  # as its foreign key has it
        amount=call.amount,
        currency=call.currency,
        idempotency_key=call.idempotency_key,
        request=call.request,
        submitted_at=call.submitted_at,
        gateway_id=call.gateway_id,
        batch=call.batch,
    )


def receive(connection: Connection, gateway: str, events: Sequence[Event], now: datetime | None = None) -> Counter[str]:
    """Tell the database what a gateway said by itself; how many events had which outcome.

    Whoever calls this has the events from `Gateway.read_events`, which checks their signature.
    """
    outcomes: Counter[str] = Counter()
    for event in events:
        if event.account is not None:
            kept = keep_account(Marketplace(connection), gateway, event.account, event.occurred_at, now)
            outcomes["APPLIED" if kept else "NOT_OURS"] += 1
            continue
        outcome = Marketplace(connection).record_event(
            gateway=gateway,
            event_id=event.event_id,
            event_kind=event.kind,
            answer=event.answer.answer,
            idempotency_key=event.idempotency_key,
            batch=event.batch,
            gateway_id=event.answer.gateway_id,
            amount=event.answer.amount,
            currency=event.answer.currency,
            error_code=event.answer.error_code,
            decline_code=event.answer.decline_code,
            message=event.answer.message,
            occurred_at=event.occurred_at,
            now=now,
            dispute=event.dispute,
            metadata=dict(event.metadata),
            parent=event.parent,
            status=event.status,
            act_by=event.act_by,
        )
        outcomes[outcome] += 1
    return outcomes
