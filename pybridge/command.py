"""What the commands share: the connection, and how they fail."""

import json
from decimal import Decimal
from typing import Annotated, Any

import psycopg
import typer
from rich.console import Console
from rich.text import Text

from pybridge import server

REFUSED = 1
NO_DATABASE = 3

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for a program to read.")]


def print_json(answer: object) -> None:
    """As it is, amounts and times as text: JSON's numbers would lose øre."""
    typer.echo(json.dumps(answer, default=str, ensure_ascii=False, indent=2))


def as_text(value: str) -> str:
    """A cell of a CSV file that a spreadsheet shows as it is: what a cashier typed is never taken for a formula."""
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def kroner(amount: Decimal | int) -> str:
    """1 234.50: thousands apart, and no cents' worth of doubt."""
    return f"{amount:,.2f}".replace(",", "\u00a0")


def fail(code: int, message: str, hint: str = "") -> typer.Exit:
    """Says what is wrong, and what to do; raise what it returns."""
    console = Console(stderr=True)
    console.print(Text(message.strip(), style="bold red"))
    if hint:
        console.print(Text(hint.strip()))
    return typer.Exit(code)


def connect(*, deployed: bool) -> psycopg.Connection[Any]:
    """The database that the environment names, else the embedded one. `deployed`: it must hold the ticket ledger."""
    connection = psycopg.connect(server.connection_string(), autocommit=True, application_name="pybridge")
    # Asked of the catalogue, which everybody may read: analysts may not look into schema deploy.
    ledger = "select from pg_tables where schemaname = 'deploy' and tablename = 'repeatable_object'"
    if deployed and connection.execute(ledger).fetchone() is None:
        where = f"{connection.info.dbname} on {connection.info.host or 'its socket'}"
        connection.close()
        raise fail(NO_DATABASE, f"Database {where} holds no ticket ledger.", "Run: pybridge deploy")
    return connection
