"""`python -m bench`: measures ratios against a baseline of the same run, and says what they should be."""

import os
import platform
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from bench import bank, clicks, execution, purchases, refunds, reports, rollup, statements
from bench.measure import Ratios
from bench.server import PLAIN, Bench, deployed, file_system, started
from bench.sizes import SMOKE, Sizes
from pybridge.paths import ROOT

TEMPORARY = Path(tempfile.gettempdir())
BENCHMARKS: dict[str, Callable[[Bench, Sizes], Iterator[Ratios]]] = {
    "purchases": purchases.against_hand,
    "hot_group": purchases.hot_group,
    "refunds": refunds.refunds,
    "reports": reports.reports,
    "rollup": rollup.totals,
    "xact_index": rollup.index_cost,
    "clicks": clicks.clicks,
    "execution": execution.execution,
    "bank": bank.bank,
    "statements": statements.statements,
}
"""All there are; a run takes them in this order, and tests/bench runs each of them small."""


def main(
    names: Annotated[
        list[str] | None, typer.Argument(help=f"Which of {', '.join(BENCHMARKS)}; all by default.")
    ] = None,
    rounds: Annotated[
        int, typer.Option(min=1, help="Rounds of purchases, ours and the baseline in turn.")
    ] = Sizes.rounds,
    heavy_rounds: Annotated[
        int, typer.Option(min=1, help="Rounds of refunds, reports, totals, nights, charges and matching.")
    ] = Sizes.heavy_rounds,
    seconds: Annotated[float, typer.Option(min=1, help="Seconds per round of purchases.")] = Sizes.seconds,
    tickets: Annotated[int, typer.Option(min=4, help="Tickets refunded in one statement.")] = Sizes.tickets,
    short_log: Annotated[int, typer.Option(min=Sizes.log_month, help="Rows of the short log.")] = Sizes.short_log,
    long_log: Annotated[int, typer.Option(min=Sizes.log_month, help="Rows of the long log.")] = Sizes.long_log,
    short_month: Annotated[int, typer.Option(min=10_000, help="Clicks of the short month.")] = Sizes.short_month,
    long_month: Annotated[int, typer.Option(min=100_000, help="Clicks of the long month.")] = Sizes.long_month,
    deposits: Annotated[int, typer.Option(min=100, help="Deposits at the bank.")] = Sizes.deposits,
    payments: Annotated[int, typer.Option(min=900, help="Payments in a file of the bank.")] = Sizes.payments,
    smoke: Annotated[
        bool, typer.Option("--smoke", help="Tiny, in place of all these sizes: shows that they run, and no more.")
    ] = False,
    folder: Annotated[Path, typer.Option(help="Where the server keeps its data.")] = TEMPORARY,
) -> None:
    """Run the benchmarks on a durable server of their own."""
    wanted = names or list(BENCHMARKS)
    unknown = sorted(set(wanted) - set(BENCHMARKS))
    if unknown:
        raise typer.BadParameter(f"there is no {', '.join(unknown)}; choose from {', '.join(BENCHMARKS)}")
    sizes = Sizes(
        rounds=rounds,
        heavy_rounds=heavy_rounds,
        seconds=seconds,
        tickets=tickets,
        short_log=short_log,
        long_log=long_log,
        short_month=short_month,
        long_month=long_month,
        deposits=deposits,
        payments=payments,
    )
    with started(folder) as bench:
        introduce(bench)
        if smoke:
            print("so small that the ratios below say nothing", flush=True)
            sizes = SMOKE
        prepare(bench, sizes)
        for name in wanted:
            for ratios in BENCHMARKS[name](bench, sizes):
                print(ratios, flush=True)


def prepare(bench: Bench, sizes: Sizes) -> None:
    """What the benchmarks begin with, on a server that is new."""
    deployed(bench, PLAIN)
    purchases.prepare(bench, sizes)


def introduce(bench: Bench) -> None:
    with bench.connect("postgres") as connection:
        row = connection.execute("select version()").fetchone()
        connection.execute("create table commit_latency (id int)")
    print(f"of commit {commit()}")
    rate = bench.pgbench("postgres", "commit.sql", clients=1, seconds=3)
    print(f"commit latency: {1000 / rate:.2f} ms, fsync, synchronous_commit and full_page_writes on")
    print(f"data on {file_system(Path(bench.server.base_dir))}; {os.cpu_count()} cores, {platform.machine()}")
    print(f"load before: {', '.join(f'{x:.1f}' for x in os.getloadavg())}; {row[0] if row else ''}", flush=True)


def commit() -> str:
    """What is measured: without it, figures are worth nothing tomorrow."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--exclude=*"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return described.stdout.strip() or "unknown: this is no checkout of git"


if __name__ == "__main__":
    typer.run(main)
