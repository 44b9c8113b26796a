"""`python -m bench`: measures ratios against a baseline of the same run, and says what they should be."""

import os
import platform
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from bench import bank, clicks, execution, purchases, refunds, reports, rollup
from bench.measure import Ratios
from bench.server import OURS, Bench, deployed, file_system, started

TEMPORARY = Path(tempfile.gettempdir())
NAMES = ("purchases", "hot_group", "refunds", "reports", "rollup", "xact_index", "clicks", "execution", "bank")


def main(
    names: Annotated[list[str] | None, typer.Argument(help=f"Which of {', '.join(NAMES)}; all by default.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of purchases, ours and the baseline in turn.")] = 5,
    heavy_rounds: Annotated[
        int, typer.Option(min=1, help="Rounds of refunds, reports, totals and nightly updates.")
    ] = 3,
    seconds: Annotated[float, typer.Option(min=1, help="Seconds a round of purchases.")] = 5,
    tickets: Annotated[int, typer.Option(min=4, help="Tickets refunded in one statement.")] = 100_000,
    short_log: Annotated[int, typer.Option(min=reports.MONTH, help="Rows of the short log.")] = 1_000_000,
    long_log: Annotated[int, typer.Option(min=reports.MONTH, help="Rows of the long log.")] = 10_000_000,
    short_month: Annotated[int, typer.Option(min=10_000, help="Clicks of the short month.")] = 1_000_000,
    long_month: Annotated[int, typer.Option(min=100_000, help="Clicks of the long month.")] = 10_000_000,
    folder: Annotated[Path, typer.Option(help="Where the server keeps its data.")] = TEMPORARY,
) -> None:
    """Run the benchmarks on a durable server of their own."""
    wanted = names or list(NAMES)
    unknown = sorted(set(wanted) - set(NAMES))
    if unknown:
        raise typer.BadParameter(f"there is no {', '.join(unknown)}; choose from {', '.join(NAMES)}")
    with started(folder) as bench:
        _introduce(bench)
        if wanted != ["clicks"]:
            deployed(bench, OURS)
            purchases.prepare(bench)
        for name in wanted:
            sizes = (short_month, long_month) if name == "clicks" else (short_log, long_log)
            for ratios in _run(bench, name, rounds, heavy_rounds, seconds, tickets, sizes):
                print(ratios, flush=True)


def _introduce(bench: Bench) -> None:
    with bench.connect("postgres") as connection:
        row = connection.execute("select version()").fetchone()
        connection.execute("create table commit_latency (id int)")
    rate = bench.pgbench("postgres", "commit.sql", clients=1, seconds=3)
    print(f"commit latency: {1000 / rate:.2f} ms, fsync, synchronous_commit and full_page_writes on")
    print(f"data on {file_system(Path(bench.server.base_dir))}; {os.cpu_count()} cores, {platform.machine()}")
    print(f"load before: {', '.join(f'{x:.1f}' for x in os.getloadavg())}; {row[0] if row else ''}", flush=True)


def _run(
    bench: Bench, name: str, rounds: int, heavy_rounds: int, seconds: float, tickets: int, sizes: tuple[int, int]
) -> Iterator[Ratios]:
    if name == "purchases":
        return purchases.against_hand(bench, rounds, seconds)
    if name == "hot_group":
        return purchases.hot_group(bench, rounds, seconds)
    if name == "refunds":
        return refunds.refunds(bench, heavy_rounds, tickets // 4 * 4)
    if name == "rollup":
        return rollup.totals(bench, heavy_rounds, sizes)
    if name == "xact_index":
        return rollup.index_cost(bench, rounds, seconds)
    if name == "execution":
        return execution.execution(bench, heavy_rounds)
    if name == "bank":
        return bank.bank(bench, heavy_rounds)
    if name == "clicks":
        return clicks.clicks(bench, heavy_rounds, sizes)
    return reports.reports(bench, heavy_rounds, sizes)


if __name__ == "__main__":
    typer.run(main)
