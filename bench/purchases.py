"""Purchases of four tickets: through the function, and the same rows written by hand; one hot group against 64."""

from collections.abc import Iterator
from functools import partial

from bench.measure import Ratios, interleave
from bench.server import BASELINE, OURS, PLAIN, SELLER, Bench, run_file, without_triggers
from bench.sizes import Sizes

GROUPS = 64
HAND = "purchase_by_hand.sql"
FUNCTION = "purchase_by_function.sql"


def prepare(bench: Bench, sizes: Sizes) -> None:
    """Two databases with the same history, the second without our triggers."""
    bench.clone(OURS, PLAIN)
    with bench.connect(OURS) as connection:
        run_file(connection, "triggers_off.sql")
        run_file(connection, "history.sql", purchases=sizes.history)
        run_file(connection, "triggers_on.sql")
        connection.execute("vacuum analyze")
    bench.clone(BASELINE, OURS)
    with bench.connect(BASELINE) as connection:
        without_triggers(connection)
        run_file(connection, "rights_by_hand.sql")


def against_hand(bench: Bench, sizes: Sizes) -> Iterator[Ratios]:
    for clients in (1, 4, 16):
        run = partial(bench.pgbench, clients=clients, seconds=sizes.seconds)
        yield interleave(
            f"purchases of 4, by the function / by hand, {clients} clients",
            "a second",
            ">= 1.20",
            sizes.rounds,
            partial(run, OURS, FUNCTION, groups=GROUPS, user=SELLER),
            partial(run, BASELINE, HAND, groups=GROUPS, user=SELLER),
        )


def hot_group(bench: Bench, sizes: Sizes) -> Iterator[Ratios]:
    for clients in (4, 16):
        run = partial(bench.pgbench, OURS, FUNCTION, clients=clients, seconds=sizes.seconds, user=SELLER)
        yield interleave(
            f"purchases of 4, one hot ticket group / {GROUPS}, {clients} clients",
            "a second",
            ">= 0.90",
            sizes.rounds,
            partial(run, groups=1),
            partial(run, groups=GROUPS),
        )
