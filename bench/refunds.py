"""A refund of many tickets in one statement: with our triggers, and with a hand-written insert of the same log rows."""

import time
from collections.abc import Iterator
from functools import partial

from bench.measure import Ratios, interleave
from bench.server import BASELINE, OURS, Bench, Connection, run_file
from bench.sizes import Sizes

CASES = {
    "named": "refund of {} tickets, naming its payment as billig.refund does, with / without triggers",
    "legacy": "refund of {} tickets, naming no payment as legacy does, with / without triggers",
}


def refunds(bench: Bench, sizes: Sizes) -> Iterator[Ratios]:
    """Each round refunds tickets of its own, the same ones on both sides, after VACUUM and CHECKPOINT."""
    rounds, tickets = sizes.heavy_rounds, sizes.tickets // 4 * 4
    first: dict[str, int] = {}
    for dbname in (OURS, BASELINE):
        with bench.connect(dbname) as connection:
            run_file(connection, "triggers_off.sql")
            row = connection.execute("select max(purchase) + 1 from billig.purchase").fetchone()
            assert row is not None
            first[dbname] = row[0]
            run_file(connection, "history.sql", purchases=tickets // 4 * rounds * len(CASES))
            if dbname == OURS:
                run_file(connection, "triggers_on.sql")

    taken = {OURS: 0, BASELINE: 0}

    def refund(dbname: str, script: str) -> float:
        start = first[dbname] + taken[dbname] * (tickets // 4)
        taken[dbname] += 1
        with bench.connect(dbname) as connection:
            connection.execute("vacuum analyze")
            connection.execute("checkpoint")
            _check(connection, start, tickets, refunded=False)
            begun = time.monotonic()
            run_file(connection, script, start=start, stop=start + tickets // 4)
            elapsed = time.monotonic() - begun
            _check(connection, start, tickets, refunded=True)
        return elapsed

    for case, name in CASES.items():
        yield interleave(
            name.format(f"{tickets:,}"),
            "s",
            "<= 1.05",
            rounds,
            partial(refund, OURS, f"refund_{case}.sql"),
            partial(refund, BASELINE, f"refund_{case}_by_hand.sql"),
        )


def _check(connection: Connection, start: int, tickets: int, *, refunded: bool) -> None:
    """What is measured is the work that was meant: the tickets, and a log row for each refund."""
    row = connection.execute(
        "select count(*) filter (where refunded is not null), count(*), (select count(*) from billig.transaction_log"
        " as l join billig.ticket as t on l.ticket = t.ticket where t.purchase >= %(start)s and t.purchase < %(stop)s"
        " and billig.is_refund(l.transaction_type)) from billig.ticket where purchase >= %(start)s and purchase < %(stop)s",
        {"start": start, "stop": start + tickets // 4},
    ).fetchone()
    expected = (tickets, tickets, tickets) if refunded else (0, tickets, 0)
    if row != expected:
        raise RuntimeError(f"refunded, tickets and log rows are {row}, not {expected}")
