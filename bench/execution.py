"""Execution: what the database does for each charge, against the same rows written by hand, and with a long history."""

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import psycopg

from bench.measure import Ratios, interleave
from bench.server import PLAIN, Bench
from bench.sizes import Sizes

NOW = "2026-02-20"

# Of profiles that advertise, a click each, in a month that is closed.
PEOPLE = """
    truncate marketplace.minimum_amount;
    insert into marketplace.profile (profile_name) select 'p' || g from generate_series(1, {people}) as g;
    insert into marketplace.advertisement (profile, advertisement_name) select profile, 'a' from marketplace.profile;
    insert into marketplace.advertisement_price select advertisement, '2000-01-01', 10 from marketplace.advertisement;
    select marketplace.ensure_partitions('2026-01-01', 3);
    select marketplace.record_clicks(array_agg(advertisement), null, array_agg(timestamptz '2026-01-10'))
    from marketplace.advertisement;
    insert into marketplace.payment_means (profile, kind, gateway, details, set_at)
    select profile, 'CHARGE', 'stripe', '{{"customer": "c", "payment_method": "p"}}', '2026-01-01'
    from marketplace.profile;
    select * from marketplace.update_transactions('2026-01-01', '2026-01-31');
    select * from marketplace.close_month('2026-01-01', '2026-02-01 01:00');
    select marketplace.prepare_attempts('CHARGE', '2026-02-20')
"""
# What lies behind: attempts that ended, of transactions of other months, with their steps.
HISTORY = """
    set session_replication_role = replica;
    alter table marketplace.payment_attempt disable trigger user;
    insert into marketplace.payment_attempt (
        transaction, profile, kind, attempt_number, amount, gateway, payment_means, idempotency_key, request, state,
        from_state, event, gateway_id, sent, prepared_at, submitted_at, changed_at, resolved_at, job_run
    )
    select
        -g, 1, 'CHARGE', 1, 1000, 'stripe', 1, 'old' || g, '{{"metadata": {{}}}}', 'SUCCEEDED', 'SUBMITTED',
        'succeeded', 'old' || g, 1, '2025-01-01', '2025-01-01', '2025-01-01', '2025-01-01', 1
    from generate_series(1, {attempts}) as g;
    insert into marketplace.payment_attempt_event (payment_attempt, from_state, event, to_state, happened_at)
    select a.payment_attempt, s.from_state, s.event, s.to_state, '2025-01-01'
    from marketplace.payment_attempt as a
    cross join (
        values ('', 'prepared', 'PREPARED'), ('PREPARED', 'claimed', 'SUBMITTED'),
        ('SUBMITTED', 'succeeded', 'SUCCEEDED')
    ) as s (from_state, event, to_state)
    where a.transaction < 0;
    set session_replication_role = default;
    alter table marketplace.payment_attempt enable always trigger payment_attempt_keep;
    alter table marketplace.payment_attempt enable always trigger payment_attempt_follow
"""


def execution(bench: Bench, sizes: Sizes) -> Iterator[Ratios]:
    """Claim and answer of a charge, a commit each, on one connection; no gateway is called."""
    rounds, charges = sizes.heavy_rounds, sizes.charges
    plain, short, long, hand = (f"execution_{name}" for name in ("plain", "short", "long", "hand"))
    bench.clone(plain, PLAIN)
    with bench.connect(plain) as connection:
        connection.execute(PEOPLE.format(people=4 * rounds * charges).encode())
        connection.execute("vacuum analyze")
    bench.clone(short, plain)
    bench.clone(long, plain)
    bench.clone(hand, plain)
    with bench.connect(long) as connection:
        connection.execute(HISTORY.format(attempts=sizes.attempts).encode())
        connection.execute("vacuum analyze")
    with bench.connect(hand) as connection:
        for table in ("payment_attempt", "transaction"):
            connection.execute(f"alter table marketplace.{table} disable trigger user".encode())
    what = f"charges of {charges:,}, claimed and answered"
    yield interleave(
        f"{what} / by hand",
        "ms",
        "none",
        rounds,
        partial(_ours, bench, plain, charges),
        partial(_hand, bench, hand, charges),
    )
    yield interleave(
        f"{what}, {sizes.attempts:,} attempts before / none",
        "ms",
        "<= 1.30",
        rounds,
        partial(_ours, bench, long, charges),
        partial(_ours, bench, short, charges),
    )


def _begin(connection: psycopg.Connection[Any]) -> Any:
    row = connection.execute("select job_run from jobs.begin_run('marketplace_execute')").fetchone()
    assert row is not None
    connection.execute(
        "select e.* from marketplace.begin_look('stripe', %s, false) as b"
        " cross join lateral marketplace.end_look(b.gateway_look, '[]') as e",
        row,
    )
    return row[0]


def _ours(bench: Bench, dbname: str, charges: int) -> float:
    with bench.connect(dbname) as connection:
        number = _begin(connection)
        begun = time.monotonic()
        for _ in range(charges):
            claim = "select payment_attempt from marketplace.claim_attempts('stripe', 'CHARGE', %s, 1, %s)"
            ((attempt,),) = connection.execute(claim, (number, NOW)).fetchall()
            answer = (
                "select * from marketplace.record_answer(%s, 'succeeded', %s, 1000, 'NOK', null, null, null, %s, %s)"
            )
            connection.execute(answer, (attempt, f"pi_{attempt}", NOW, number))
        return (time.monotonic() - begun) * 1000


def _hand(bench: Bench, dbname: str, charges: int) -> float:
    """The same rows, by who knows which attempt and what its answer means, and checks nothing."""
    with bench.connect(dbname) as connection:
        number = _begin(connection)
        todo = (
            "select payment_attempt, transaction from marketplace.payment_attempt"
            " where state = 'PREPARED' order by 1 limit %s"
        )
        chosen = connection.execute(todo, (charges,)).fetchall()
        begun = time.monotonic()
        for attempt, transaction in chosen:
            with connection.transaction():
                connection.execute(
                    "update marketplace.payment_attempt set state = 'SUBMITTED', from_state = 'PREPARED',"
                    " event = 'claimed', sent = 1, submitted_at = %s, changed_at = %s, job_run = %s"
                    " where payment_attempt = %s",
                    (NOW, NOW, number, attempt),
                )
                _event(connection, attempt, "PREPARED", "claimed", "SUBMITTED")
            with connection.transaction():
                connection.execute(
                    "update marketplace.payment_attempt set state = 'SUCCEEDED', from_state = 'SUBMITTED',"
                    " event = 'succeeded', gateway_id = %s, resolved_at = %s, changed_at = %s"
                    " where payment_attempt = %s",
                    (f"pi_{attempt}", NOW, NOW, attempt),
                )
                _event(connection, attempt, "SUBMITTED", "succeeded", "SUCCEEDED")
                connection.execute("update marketplace.purse set came_in = came_in + 1000")
                connection.execute(
                    "update marketplace.transaction set status = 'EXECUTED', executed = %s where transaction = %s",
                    (NOW, transaction),
                )
        return (time.monotonic() - begun) * 1000


def _event(connection: psycopg.Connection[Any], attempt: int, before: str, event: str, after: str) -> None:
    connection.execute(
        "insert into marketplace.payment_attempt_event (payment_attempt, from_state, event, to_state, happened_at)"
        " values (%s, %s, %s, %s, %s)",
        (attempt, before, event, after, NOW),
    )
