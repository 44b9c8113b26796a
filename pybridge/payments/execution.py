"""Charges and pays what is due: carries what the database has prepared to the gateways, and their answers back.

Every call below is a transaction of its own. Before anything is sent, the database knows that it is; whatever dies in
between, the next run finds it and asks the gateway. Who is due, how much, and what an answer means stands in schema
`marketplace`; see docs/decisions/0019.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, LiteralString

import psycopg
from psycopg.rows import class_row, dict_row

from pybridge.payments import gateways
from pybridge.payments.gateways import Answer, Event, Gateway, Request

Connection = psycopg.Connection[Any]
KINDS = ("CHARGE", "REFUND", "PAYOUT")  # money comes in before it goes out
WELL = ("SUCCEEDED", "PROCESSING")  # nothing is left for us to do
RATE_LIMITS = 3  # so many in a row, and the gateway is left alone until the next run

Open = Callable[[str], Gateway]

_CALL: LiteralString = (
    "payment_attempt, kind, amount, currency, idempotency_key, request, submitted_at, gateway_id, batch"
)


@dataclass
class Executed:
    """What a run did: how many attempts came to which state, and why it stopped early at a gateway."""

    prepared: int = 0
    states: Counter[str] = field(default_factory=Counter)
    alarms: int = 0
    stopped: dict[str, str] = field(default_factory=dict)  # gateway: why

    @property
    def answered(self) -> int:
        return self.states.total()

    @property
    def outcome(self) -> str:
        """As of a job's run: partial where something is left to do, or to look at."""
        left = self.answered - sum(self.states[state] for state in WELL)
        if not left and not self.alarms and not self.stopped:
            return "succeeded"
        return "partial" if self.answered > left else "failed"

    @property
    def amiss(self) -> str | None:
        said = [f"{count} {state}" for state, count in sorted(self.states.items()) if state not in WELL]
        said += [f"{self.alarms} to be looked at"] if self.alarms else []
        said += [f"{name}: {why}" for name, why in sorted(self.stopped.items())]
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
    due_on: Any
    attempt_number: int
    gateway: str | None
    hold: str | None
    next_retry_at: datetime | None


def due(connection: Connection, now: datetime | None = None) -> list[Due]:
    """Who would be charged or paid what, and why others would not; changes nothing."""
    query = """
        select d.transaction, d.profile, d.profile_name, to_char(d.month, 'YYYY-MM') as month, d.kind,
            (d.amount / 100.0)::numeric(14, 2) as amount, d.due_on, d.attempt_number, d.gateway, d.hold, d.next_retry_at
        from marketplace.due_transactions(null, coalesce(%s, now())) as d
    """
    with connection.cursor(row_factory=class_row(Due)) as cursor:
        return cursor.execute(query, (now,)).fetchall()


def execute(
    connection: Connection,
    job_run: int,
    now: datetime,
    open_gateway: Open = gateways.open_gateway,
    stopping: Callable[[], bool] = lambda: False,
) -> Executed:
    """First finds out what became of what an earlier run left open, then sends what is due: charges, refunds, payouts.

    The connection must be in autocommit mode, and the session be the one that began `job_run`. `stopping` is asked
    before each call: what is prepared then waits for the next run.
    """
    if not connection.autocommit:
        raise ValueError("each step is a transaction of its own: the connection must be in autocommit mode")
    run = _Run(connection, job_run, now, open_gateway, stopping)
    for gateway in run.names():
        run.resolve(gateway)
    for kind in KINDS:
        (prepared,) = run.row("select marketplace.prepare_attempts(%s, %s)", kind, now)
        run.done.prepared += prepared
        for gateway in run.names():
            run.send(gateway, kind)
    return run.done


class _Run:
    """One run: its gateways, opened when they are first wanted, and what it did."""

    def __init__(
        self, connection: Connection, job_run: int, now: datetime, open_gateway: Open, stopping: Callable[[], bool]
    ) -> None:
        self.connection, self.job_run, self.now = connection, job_run, now
        self.done = Executed()
        self._open, self._stopping = open_gateway, stopping
        self._gateways: dict[str, Gateway] = {}
        self._rate_limits: Counter[str] = Counter()

    def row(self, query: LiteralString, *arguments: object) -> Any:
        (row,) = self.connection.execute(query, arguments).fetchall()
        return row

    def names(self) -> list[str]:
        """The gateways that have anything to do."""
        query = "select gateway from marketplace.open_gateways order by gateway"
        return [name for (name,) in self.connection.execute(query) if name not in self.done.stopped]

    def gateway(self, name: str) -> Gateway | None:
        """None where it cannot be opened: the others go on."""
        if name not in self._gateways:
            try:
                self._gateways[name] = self._open(name)
            except gateways.NotConfigured as error:
                self.done.stopped[name] = str(error)
                return None
        return self._gateways[name]

    def resolve(self, name: str) -> None:
        """Ask about what is open until nothing is left that this run has not asked about."""
        if not (gateway := self.gateway(name)):
            return
        while self._goes_on(name):
            query = f"select action, {_CALL} from marketplace.unresolved_calls(%s, %s, %s)"
            calls = self._calls(query, name, self.job_run, self.now)
            if not calls:
                return
            action, *_ = [call.pop("action") for call in calls]
            requests = [_request(call) for call in calls]
            if action == "SEND":
                self._record(name, requests, gateway.send(requests))
            else:
                ask = gateway.look_up if action == "LOOK_UP" else gateway.cancel
                self._record(name, requests, map(ask, requests))

    def send(self, name: str, kind: str) -> None:
        """Claim and send until nothing is prepared any more."""
        if not (gateway := self.gateway(name)):
            return
        while self._goes_on(name):
            query = f"select {_CALL} from marketplace.claim_attempts(%s, %s, %s, %s, %s)"
            calls = self._calls(query, name, kind, self.job_run, gateway.batch_limit, self.now)
            if not calls:
                return
            requests = [_request(call) for call in calls]
            self._record(name, requests, gateway.send(requests))

    def _goes_on(self, name: str) -> bool:
        if self._stopping():
            self.done.stopped[name] = "we were told to stop"
        return name not in self.done.stopped

    def _calls(self, query: LiteralString, *arguments: object) -> list[dict[str, Any]]:
        with self.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, arguments).fetchall()

    def _record(self, name: str, requests: Sequence[Request], answers: Iterable[Answer]) -> None:
        for request, answer in zip(requests, answers, strict=True):
            outcome, state, alarm = self.row(
                "select outcome, state, alarm from marketplace.record_answer(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                request.attempt,
                answer.answer,
                answer.gateway_id,
                answer.amount,
                answer.currency,
                answer.error_code,
                answer.decline_code,
                answer.message,
                self.now,
                self.job_run,
            )
            self.done.states[state] += outcome != "NOTHING_NEW"
            self.done.alarms += alarm is not None
            self._rate_limits[name] = self._rate_limits[name] + 1 if answer.answer == "rate_limited" else 0
            if answer.answer == "unauthorized":
                self.done.stopped[name] = answer.message or "it does not accept our credentials"
            elif self._rate_limits[name] >= RATE_LIMITS:
                self.done.stopped[name] = "it asks us to slow down"


def _request(call: dict[str, Any]) -> Request:
    return Request(attempt=call.pop("payment_attempt"), **call)


def receive(connection: Connection, gateway: str, events: Sequence[Event], now: datetime | None = None) -> Counter[str]:
    """Tell the database what a gateway said by itself; how many events had which outcome.

    Whoever calls this has the events from `Gateway.read_events`, which checks their signature.
    """
    outcomes: Counter[str] = Counter()
    for event in events:
        said = asdict(event.answer)
        (outcome,) = connection.execute(
            "select marketplace.record_event(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s,"
            " coalesce(%s, now()))",
            (
                gateway,
                event.event_id,
                event.kind,
                said["answer"],
                event.attempt,
                event.idempotency_key,
                event.batch,
                said["gateway_id"],
                said["amount"],
                said["currency"],
                said["error_code"],
                said["decline_code"],
                said["message"],
                event.occurred_at,
                now,
            ),
        ).fetchone() or ("",)
        outcomes[outcome] += 1
    return outcomes
