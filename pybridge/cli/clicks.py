"""`pybridge clicks`."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from pybridge.cli.common import REFUSED, SMALL, Json, print_json
from pybridge.cli.plain import group
from pybridge.client import Problem
from pybridge.client.marketplace import Marketplace
from pybridge.database import connect
from pybridge.files import click_loading, clicks, earlier
from pybridge.formats import OSLO, local
from pybridge.terminal import new_table, problem_table, progress


def _columns_help() -> str:
    return "\n\n".join(f"{name}: {meaning}." for name, meaning in clicks.COLUMNS.items())


app = group()


@app.command("load", help=f"Load a file of clicks, once. Its columns, in any order:\n\n{_columns_help()}")
def load(
    file: Annotated[
        Path,
        typer.Argument(
            exists=True, dir_okay=False, readable=True, help="CSV in UTF-8, packed in .gz or not; or Parquet."
        ),
    ],
    reject: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Where bad lines go, with what is wrong; FILE.rejected.csv by default."),
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="The name that its clicks are stored under; the file's own by default.")
    ] = None,
    now: Annotated[
        datetime | None, typer.Option(help="The moment that it takes for now, in a database for tests.")
    ] = None,
    as_json: Json = False,
) -> None:
    rejects = reject or click_loading.rejected_name(file)
    if rejects.exists() and rejects.samefile(file):
        raise typer.BadParameter("the file of bad lines is the file itself", param_hint="--reject")
    try:
        with connect(deployed=True) as connection, progress() as tell:
            done = click_loading.load(
                connection,
                file,
                source=source,
                reject=rejects,
                now=now and local(now),
                tell=tell,
            )
    except clicks.Unreadable as error:
        _refuse(file, error.problem, as_json)
    else:
        _print(file, done, as_json)


@app.command("history", help="Record clicks that an earlier marketplace has charged: they never are again.")
def history(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="As for load, with a column click_id.")],
    as_json: Json = False,
) -> None:
    try:
        with connect(deployed=True) as connection, progress() as tell:
            done = earlier.load_clicks(connection, file, OSLO, tell)
    except clicks.Unreadable as error:
        _refuse(file, error.problem, as_json)
    else:
        _tell_history(file, done, "click", as_json)


@app.command("charged", help="Record what an earlier marketplace charged and paid, to compare it with the clicks.")
def charged(
    file: Annotated[
        Path,
        typer.Argument(
            exists=True, dir_okay=False, help="CSV in UTF-8: profile, month, amount (NOK, below 0: paid), document."
        ),
    ],
    as_json: Json = False,
) -> None:
    try:
        with connect(deployed=True) as connection:
            done = earlier.load_charges(connection, file)
    except clicks.Unreadable as error:
        _refuse(file, error.problem, as_json)
    else:
        _tell_history(file, done, "charge", as_json)


@app.command("distribute", help="Spread the clicks over the workers of a Citus cluster: docs/howto/scale-out.md.")
def distribute(
    shards: Annotated[
        int, typer.Option(help="In how many parts; several for each worker that there will ever be.", **SMALL)
    ] = 32,
    as_json: Json = False,
) -> None:
    with connect(deployed=True) as connection:
        market = Marketplace(connection)
        before = market.click_nodes()
        clicks_there = market.distribute_clicks(shards=shards)
        nodes = market.click_nodes()
    if as_json:
        print_json({"clicks": clicks_there, "already": bool(before), "nodes": [asdict(node) for node in nodes]})
        return
    on = f"{_count(clicks_there, 'click')} on {_count(len(nodes), 'node')}"
    if before:
        typer.echo(f"Distributed already: {on}. What the nodes need of the last deploy, they have now.")
    else:
        typer.echo(f"Distributed: {on}, in {_count(shards, 'shard')} a month.")


@app.command("where", help="Where clicks are: on which machines, how much of them, and how many of each month.")
def where(as_json: Json = False) -> None:
    with connect(deployed=True) as connection:
        market = Marketplace(connection)
        nodes, months = market.click_nodes(), market.click_months()
    if as_json:
        print_json({"nodes": [asdict(node) for node in nodes], "months": [asdict(month) for month in months]})
    else:
        if nodes:
            drawn = new_table("node", "shards", "MB", "unfinished", right=("shards", "MB", "unfinished"))
            for node in nodes:
                name = f"{node.node_name}:{node.node_port}"
                drawn.add_row(name, str(node.shards), f"{node.size / 1e6:.1f}", _unfinished(node.unfinished))
            Console().print(drawn)
        else:
            typer.echo("not distributed: one machine")
        drawn = new_table("month", "clicks", right=("clicks",))
        for month in months:
            drawn.add_row(f"{month.month:%Y-%m}", str(month.clicks))
        Console().print(drawn)
        typer.echo(f"{_count(sum(month.clicks for month in months), 'click')} in all.")
    if not all(node.is_reached for node in nodes):
        raise typer.Exit(REFUSED)


def _unfinished(number: int | None) -> str:
    return "not reached" if number is None else str(number)


def _tell_history(file: Path, done: earlier.Read, what: str, as_json: bool) -> None:
    if as_json:
        print_json(done._asdict())
    else:
        known = done.lines - done.new
        typer.echo(f"{_count(done.new, what)} of {file} recorded as history" + (f"; {known} known." if known else "."))


def _refuse(file: Path, problem: Problem, as_json: bool) -> None:
    if as_json:
        answer = {"clicks": 0, "rejected": 0, "already": False, "problems": [asdict(problem)]}
        print_json(answer)
    else:
        where = [] if problem.line is None else [f"line {problem.line}"]
        where += [f"column {problem.column_name}"] if problem.column_name else []
        said = ": ".join([str(file), ", ".join(where), problem.reason] if where else [str(file), problem.reason])
        Console(stderr=True, soft_wrap=True).print(Text(f"{said}. Nothing was loaded.", style="bold red"))
    raise typer.Exit(REFUSED)


def _print(file: Path, done: click_loading.Loaded, as_json: bool) -> None:
    if as_json:
        print_json(asdict(done))
    elif done.already:
        when = f", {local(done.recorded_at):%Y-%m-%d %H:%M}" if done.recorded_at else ""
        typer.echo(f"{file} was loaded already, as {done.source}: {done.clicks} clicks{when}.")
    else:
        if done.problems:
            Console().print(problem_table(done.problems))
        said = f"{_count(done.clicks, 'click')} loaded from {file}"
        if done.rejected:
            said += f"; {_count(done.rejected, 'line')} rejected, see {done.reject_file}"
        typer.echo(said + ".")
    if done.rejected:
        raise typer.Exit(REFUSED)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
