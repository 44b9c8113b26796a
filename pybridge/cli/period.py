"""`pybridge period`: a bookkeeper closes periods, and the log is rolled up."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer

from pybridge.cli.common import DAY, Json, print_json
from pybridge.cli.plain import group
from pybridge.client import Client
from pybridge.database import connect
from pybridge.formats import kroner, local

app = group()


@app.command()
def close(
    organisation: Annotated[str, typer.Argument(help="Whose books, by name.")],
    first: Annotated[datetime, typer.Option("--from", help="First day.", **DAY)],
    last: Annotated[datetime, typer.Option("--to", help="Last day, inclusive.", **DAY)],
    note: Annotated[str | None, typer.Option(help="What to remember of it.")] = None,
    as_json: Json = False,
) -> None:
    """Close a period: from then on a report over it returns the same figures for ever."""
    with connect(deployed=True) as connection:
        known = dict(
            connection.execute("select organisation_name, organisation from billig.organisation order by 1").fetchall()
        )
        if organisation not in known:
            raise typer.BadParameter(f"there is no organisation {organisation}; there are {', '.join(known)}")
        (closed,) = Client(connection).books.close_period(
            organisation=known[organisation], first_day=first.date(), last_day=last.date(), note=note
        )
    if as_json:
        print_json(asdict(closed))
    else:
        typer.echo(
            f"{organisation}, {first.date()} to {last.date()}, is closed: {closed.log_rows} rows,"
            f" NOK {kroner(closed.gross_amount)}, of it VAT {kroner(closed.vat_amount)}"
        )


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List the closed periods."""
    with connect(deployed=True) as connection:
        cursor = connection.execute("select * from report.closed_period order by organisation_name, first_day")
        names = [column.name for column in cursor.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in cursor]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        late = f", {row['late_rows']} rows came late" if row["late_rows"] else ""
        typer.echo(
            f"{row['organisation_name']}  {row['first_day']} to {row['last_day']}  NOK {kroner(row['gross_amount'])}"
            f"  closed {local(row['closed_at']):%Y-%m-%d %H:%M} by {row['closed_by']}{late}"
        )
    if not rows:
        typer.echo("No period is closed.")


@app.command("roll-up")
def roll_up() -> None:
    """Sum the log's new rows, so that totals stay fast; they are exact without it."""
    with connect(deployed=True) as connection:
        typer.echo(f"{Client(connection).roll_up_log()} rows rolled up")
