"""What the commands share: the connection, and how they fail."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import psycopg
import typer
from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from pybridge.client import Problem
from pybridge.local import server

REFUSED = 1
NO_DATABASE = 3
OSLO = ZoneInfo("Europe/Oslo")  # where the society is, wherever the machine says that it stands

Tell = Callable[[str, int, int | None], None]
"""Told what is being done, how far it has come, and of how much, where that is known."""


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d")
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no day, such as 2026-02-28") from None


DAY: dict[str, Any] = {"parser": _day, "metavar": "YYYY-MM-DD"}
"""Of an option that takes a day."""

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for a program to read.")]


def print_json(answer: object) -> None:
    """As it is, amounts and times as text: JSON's numbers would lose øre."""
    typer.echo(json.dumps(answer, default=str, ensure_ascii=False, indent=2))


def as_text(value: str) -> str:
    """A cell of a CSV file that a spreadsheet shows as it is: what a cashier typed is never taken for a formula."""
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def local(moment: datetime) -> datetime:
    """By the society's clocks; a time that was typed without a zone is meant so too."""
    return moment.replace(tzinfo=OSLO) if moment.tzinfo is None else moment.astimezone(OSLO)


def kroner(amount: Decimal | int) -> str:
    """1 234.50: thousands apart, and no cents' worth of doubt."""
    return f"{amount:,.2f}".replace(",", "\u00a0")


def new_table(*columns: str, right: Collection[str] = (), **options: Any) -> Table:
    """A table as all commands draw it; columns that need more than to fold are added by the caller."""
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), **options)
    for name in columns:
        drawn.add_column(name, justify="right" if name in right else "left", overflow="fold")
    return drawn


def problem_table(problems: Iterable[Problem], header_line: int = 1) -> Table:
    """What is wrong with a file, line by line; what is wrong with all of it stands at its header."""
    drawn = new_table()
    drawn.add_column("line", justify="right")
    drawn.add_column("column", style="bold")
    drawn.add_column("value", overflow="fold", max_width=30)
    drawn.add_column("reason", overflow="fold")
    for each in problems:
        line = header_line if each.line is None else each.line
        drawn.add_row(str(line), Text(each.column_name), Text(each.value or ""), Text(each.reason))
    return drawn


@contextmanager
def progress() -> Iterator[Tell]:
    """How far long work has come: a bar on standard error where that is a terminal, nothing elsewhere."""
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("", total=None)

        def tell(what: str, done: int, total: int | None) -> None:
            bar.update(task, description=what, completed=done, total=total)

        yield tell


def not_empty(value: str | None) -> str | None:
    """For an option whose default is somebody: a script's unset variable must not be taken for it."""
    if value == "":
        raise typer.BadParameter("it is empty; leave it out for the default")
    return value


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
