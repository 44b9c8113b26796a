"""`pybridge job`."""

from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from pybridge.cli.common import KEY, REFUSED, Json, print_json
from pybridge.cli.plain import group
from pybridge.database import connect
from pybridge.formats import local
from pybridge.jobs import runner
from pybridge.terminal import new_table

HEADINGS = {
    "job_run": "run",
    "row_count": "rows",
    "error_code": "",
    "error_message": "error",
    "started_at": "started",
    "duration": "took",
    "next_at": "next",
}


app = group()


@app.command("run")
def run(
    job: Annotated[str, typer.Argument(help="Its name; see `pybridge job list`.")],
    month: Annotated[
        str | None, typer.Option(help="The month, such as 2026-02. Closing and verifying need it.")
    ] = None,
    now: Annotated[
        datetime | None, typer.Option(help="The moment that it takes for now, in a database for tests.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run a job: exits 1 where it failed."""
    first = None if month is None else _month(month)
    with connect(deployed=True) as connection:
        ended = runner.run(connection, job, first, now and local(now))
    if as_json:
        print_json(asdict(ended))
    else:
        rows = "" if ended.row_count is None else f", {ended.row_count} rows"
        typer.echo(f"run {ended.job_run} of {ended.job} {ended.period}".rstrip() + f": {ended.outcome}{rows}")
        if ended.error_message:
            code = f" ({ended.error_code})" if ended.error_code else ""
            Console(stderr=True).print(Text(f"{ended.error_message}{code}", style="bold red"))
    if ended.outcome == "failed":
        raise typer.Exit(REFUSED)


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List the jobs, how each one's newest run ended, and when the scheduler runs it next."""
    with connect(deployed=True) as connection:
        _print(runner.last_runs(connection), as_json)


@app.command("log")
def log_(
    job: Annotated[str | None, typer.Argument(help="Of one job only.")] = None,
    limit: Annotated[int, typer.Option(help="How many runs.", **KEY)] = 20,
    as_json: Json = False,
) -> None:
    """Show the newest runs."""
    with connect(deployed=True) as connection:
        _print(runner.log(connection, job, limit), as_json)


def _month(text: str) -> date:
    try:
        return date.fromisoformat(f"{text[:7]}-01")
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a month such as 2026-02") from None


def _print(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json(rows)
        return
    if not rows:
        typer.echo("No run yet.")
        return
    table = new_table()
    shown = [name for name in rows[0] if name not in ("started_by", "job_note")]  # these are in the JSON
    for name in shown:
        fold = name in ("error_message",)
        heading = HEADINGS.get(name, name.replace("_", " "))
        # What is cut off is seen to be: 1200 rows are never 12.
        table.add_column(heading, overflow="fold" if fold else "ellipsis", no_wrap=not fold)
    for row in rows:
        bad = row.get("state") in ("failed", "crashed")
        cells = (_cell(row[name])[: 7 if name == "period" else None] for name in shown)  # 2026-10
        table.add_row(*(Text(cell, "red" if bad else "") for cell in cells))
    Console().print(table)


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return f"{local(value):%m-%d %H:%M}"
    if isinstance(value, timedelta):
        return f"{value.total_seconds():.1f} s"
    return "" if value is None else str(value)
