"""`pybridge payment inbox`, and `book-entry`: what gateways said by themselves, and what waits because of it."""

from datetime import datetime
from typing import Annotated

import typer
from psycopg.rows import dict_row
from rich.console import Console
from rich.text import Text

from pybridge.cli.common import MOMENT, Json, print_json
from pybridge.client.marketplace import Marketplace
from pybridge.database import connect
from pybridge.formats import kroner, local
from pybridge.terminal import new_table

PERSON = ("DECISION", "EVIDENCE", "EXPLANATION")  # of waits_for: what no run does
SHOWN = 200


def inbox(
    waiting: Annotated[bool, typer.Option("--waiting", help="Only what something is still to be done about.")] = False,
    since: Annotated[datetime | None, typer.Option(help="Only what came since.", **MOMENT)] = None,
    as_json: Json = False,
) -> None:
    """Show what gateways said by themselves, the newest first: what it did, and what it waits for."""
    query = """
        select *, count(*) over () as found from report.gateway_inbox
        where (not %(waiting)s or waits_for is not null)
            and (%(since)s::timestamptz is null or received_at >= %(since)s)
        order by received_at desc, said_at desc nulls last, came
        limit %(limit)s
    """
    asked = {"waiting": waiting, "since": since, "limit": None if as_json else SHOWN}
    with connect(deployed=True) as connection, connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(query, asked).fetchall()
    found = rows[0]["found"] if rows else 0
    if as_json:
        print_json([{name: value for name, value in row.items() if name != "found"} for row in rows])
        return
    if not rows:
        typer.echo("Nothing waits." if waiting else "Nothing came.")
        return
    table = new_table()
    for name in ("received", "said"):
        table.add_column(name, no_wrap=True)
    table.add_column("what", overflow="fold")
    table.add_column("NOK", justify="right", no_wrap=True)
    table.add_column("did", no_wrap=True)
    table.add_column("to do", overflow="fold")
    for row in rows:
        said, amount = row["said_at"], row["amount"]
        what = " ".join(filter(None, (row["kind"], row["profile_name"], row["came"])))
        table.add_row(
            f"{local(row['received_at']):%m-%d %H:%M}",
            f"{local(said):%m-%d %H:%M}" if said else "",
            Text(what),
            "" if amount is None else kroner(amount) if row["currency"] == "NOK" else f"{amount} {row['currency']}",
            Text(row["did"], "red" if row["waits_for"] in PERSON else ""),
            Text(row["to_do"] or ""),
        )
    console = Console()
    console.print(table)
    persons = sum(row["waits_for"] in PERSON for row in rows)
    console.print(f"{len(rows)} of {found} shown; {persons} of them wait for a person")


def book_entry(
    gateway: Annotated[str, typer.Argument(help="The gateway.")],
    entry: Annotated[str, typer.Argument(help="The line of its account; see `pybridge payment inbox --waiting`.")],
    reason: Annotated[str, typer.Option(help="What it was, such as: topped up from our account at the bank.")],
    booked: Annotated[bool, typer.Option("--booked", help="It stands in our books already.")] = False,
) -> None:
    """Say what a line of a gateway's own account is: the operator's, and book it; or booked already."""
    with connect(deployed=True) as connection:
        left = Marketplace(connection).book_entry(gateway=gateway, entry=entry, reason=reason, is_booked=booked)
    typer.echo(f"NOK {kroner(left)} available")
