"""Takes in what a gateway has and the ledger has forgotten: after a restore, a promotion, a recovery to a time.

It has the job's turn, so that nothing is sent meanwhile; and it sends nothing itself. See docs/decisions/0029.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg

from pybridge import errors
from pybridge.client.jobs import Jobs
from pybridge.client.marketplace import EndLookRow, Marketplace
from pybridge.payments import gateways
from pybridge.payments.execution import Open, look, look_up, take_in

Connection = psycopg.Connection[Any]
JOB = "marketplace_execute"


class Busy(Exception):
    """Another session charges and pays just now."""


@dataclass(frozen=True)
class Taken:
    """What was taken in: the attempt that it is now, and its state."""

    gateway_id: str
    attempt: int
    state: str


@dataclass(frozen=True)
class Left:
    """What could not be, and why."""

    gateway_id: str
    why: str


@dataclass
class Reconciled:
    """How much the gateway told of, and what became of what was not known."""

    seen: int = 0
    taken: list[Taken] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)


def reconcile(
    connection: Connection,
    name: str,
    now: datetime | None = None,
    open_gateway: Open = gateways.open_gateway,
) -> Reconciled:
    """Ask the gateway, and take in all that can be; each is a transaction of its own. `now`: as of `execute`."""
    if not connection.autocommit:
        raise ValueError("each step is a transaction of its own: the connection must be in autocommit mode")
    gateway = open_gateway(name)
    (begun,) = Jobs(connection).begin_run(job=JOB, now=now)
    if begun.outcome is not None:
        raise Busy("another session charges and pays just now")
    done, market, outcome = Reconciled(), Marketplace(connection), "failed"
    try:
        strays = look(market, name, gateway, begun.job_run, now)
        query = "select seen from marketplace.gateway_look where job_run = %s order by gateway_look desc limit 1"
        done.seen = connection.execute(query, (begun.job_run,)).fetchall()[0][0]
        left = _take_in(market, name, strays, begun.job_run, now, done)
        # An attempt that was under way when the ledger was saved, and had another after it, is in the way of that one.
        if left and look_up(market, name, gateway, begun.job_run, now):
            _take_in(market, name, left, begun.job_run, now, done)
        outcome = "partial" if done.left else "succeeded"
    finally:
        if not connection.closed:
            Jobs(connection).finish_run(job_run=begun.job_run, outcome=outcome, row_count=len(done.taken))
    return done


def _take_in(
    market: Marketplace, name: str, strays: list[EndLookRow], job_run: int, now: datetime | None, done: Reconciled
) -> list[EndLookRow]:
    """Round by round, while that gets further: a refund waits for its charge, a second attempt for the first."""
    while strays:
        again: list[EndLookRow] = []
        done.left = []
        for each in strays:
            try:
                taken = take_in(market, name, each, job_run, now)
            except errors.Refused as refusal:
                again.append(each)
                done.left.append(Left(each.gateway_id, f"{refusal.message}. {refusal.detail} {refusal.hint}"))
            else:
                done.taken.append(Taken(each.gateway_id, taken.payment_attempt, taken.state))
        if len(again) == len(strays):
            return strays
        strays = again
    return []
