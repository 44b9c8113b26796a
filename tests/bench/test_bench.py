"""Every benchmark runs, and what it compares with is the same work. How fast either is, no test says."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg import sql

from bench import __main__ as command
from bench import purchases, server
from bench.server import BASELINE, OURS, SELLER, Bench, NotDurable
from bench.sizes import SMOKE
from pybridge.paths import ROOT
from tests.conftest import Connection

UNLIKE = {"timestamp", "timestamptz", "uuid", "xid8"}
"""Types of columns that no two runs fill alike."""
NOT_KEPT = {"transaction_log", "first_of_payment"}
"""Which of a purchase's tickets comes first is not decided by hand, nor in which order their rows are numbered."""


@pytest.fixture(scope="module")
def bench(server_folder: Path) -> Iterator[Bench]:
    """A durable server, as a real run has, with what the benchmarks begin with."""
    with server.started(server_folder) as running:
        command.prepare(running, SMOKE)
        for origin in (OURS, BASELINE):
            running.clone(f"{origin}_as_new", origin)
        yield running


@pytest.mark.parametrize("name", command.BENCHMARKS)
def test_the_benchmark_runs(bench: Bench, name: str) -> None:
    found = list(command.BENCHMARKS[name](bench, SMOKE))
    assert found
    assert all(x > 0 for ratios in found for x in (*ratios.ours, *ratios.baseline))


def test_what_is_written_by_hand_is_what_the_database_writes(bench: Bench) -> None:
    ours, by_hand = _written(bench, OURS), _written(bench, BASELINE, "_by_hand")
    assert len(ours["ticket"]) == 4 * (SMOKE.history + server.FEW)
    assert len(ours["transaction_log"]) == len(ours["ticket"]) + 4 * 5
    differ = [name for name, rows in ours.items() if rows != by_hand[name]]
    assert differ == []


def test_a_server_that_would_lose_commits_is_refused(db: Connection) -> None:
    with pytest.raises(NotDurable, match="a benchmark needs it on"):
        server.require_durable(db)


def test_the_readme_names_every_benchmark() -> None:
    text = (ROOT / "bench" / "README.md").read_text()
    assert [name for name in command.BENCHMARKS if f"`{name}`" not in text] == []


def _written(bench: Bench, origin: str, suffix: str = "") -> dict[str, list[str]]:
    """What all tables of schema billig hold after some purchases, and refunds of both kinds."""
    name = f"written_{origin}"
    bench.clone(name, f"{origin}_as_new")
    script = f"purchase{suffix}.sql" if suffix else purchases.FUNCTION
    bench.pgbench(name, script, clients=1, seconds=0, groups=1, user=SELLER)
    with bench.connect(name) as connection:
        server.run_file(connection, f"refund_named{suffix}.sql", start=1, stop=3)
        for purchase in (3, 4, 5):  # one at a time: which payment of a statement gets which number is anybody's
            server.run_file(connection, f"refund_legacy{suffix}.sql", start=purchase, stop=purchase + 1)
        return _rows(connection)


def _rows(connection: Connection) -> dict[str, list[str]]:
    columns: dict[str, list[str]] = {}
    for table, column, kind in connection.execute(
        "select c.table_name, c.column_name, c.udt_name from information_schema.columns as c"
        " inner join information_schema.tables as t on c.table_schema = t.table_schema and c.table_name = t.table_name"
        " where c.table_schema = 'billig' and t.table_type = 'BASE TABLE'"
    ):
        if kind not in UNLIKE and column not in NOT_KEPT:
            columns.setdefault(table, []).append(column)
    queries: dict[str, sql.SQL | sql.Composed] = {
        table: sql.SQL("select {} from billig.{}").format(
            sql.SQL(", ").join(map(sql.Identifier, names)), sql.Identifier(table)
        )
        for table, names in columns.items()
    }
    # Which slot a sale takes from is chance; how many are left of the group is not.
    queries["ticket_group_slot"] = sql.SQL(
        "select ticket_group, sum(remaining) from billig.ticket_group_slot group by 1"
    )
    return {table: sorted(map(str, connection.execute(query).fetchall())) for table, query in queries.items()}
