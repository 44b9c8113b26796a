"""The command line: which commands there are. Each is imported when it is called, or its own help is asked for.

Exit codes: 0 done; 1 refused, or something is wrong; 2 typed wrongly; 3 no database, or not one that is deployed.
"""

import importlib
import io
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from pybridge.cli.plain import PlainGroup, group
from pybridge.extras import MissingExtra

COMMANDS = {
    "bank": ("bank", "The bank: load statements, match them with what was sold."),
    "till": ("till", "Tills: sessions, counting, X and Z reports."),
    "event": ("event", "Cancel an event and give back what was sold of it, or move it."),
    "dispute": ("dispute", "Say how a dispute of tickets was decided."),
    "receipt": (
        "receipt.receipt",
        "Print the receipts of a payment, as text or as a page. Each call counts: after the first they are copies.",
    ),
    "report": ("report", "Print a report: as a table, CSV, JSON or a spreadsheet."),
    "voucher": ("voucher", "Vouchers (bilag) for the accounts."),
    "period": ("period", "Accounting periods: close them, and roll up the log."),
    "job": ("job", "Jobs: run one, list them, see what became of their runs."),
    "clicks": ("clicks", "Clicks: load files of them."),
    "payment": ("payment", "Charges and payouts: what is due, what was tried, what a person decides."),
    "profile": ("profile", "People's accounts: settle, give, hold, pause, close, move a website, erase; and undo it."),
    "site": (
        "web.site",
        "Write all reports of a period as pages that link to each other, for a role that may read all of them.",
    ),
    "serve": (
        "web.serve",
        "Show the reports in a browser on this machine, to anyone who logs in as a role of the database, until Ctrl-C.",
    ),
    "schedule": ("watch.schedule", "Run the jobs that are due, until SIGTERM or Ctrl-C. Two at once do each job once."),
    "health": ("watch.health", "Say how the jobs do: exits 1 where one is late or fails, 3 without a database."),
    "metrics": ("watch.metrics", "Print how the jobs do as OpenMetrics text, for Prometheus."),
    "up": ("database.up", "Start the embedded PostgreSQL if it is not running, and print how to connect to it."),
    "down": ("database.down", "Stop the embedded PostgreSQL. Its data stays."),
    "dsn": ("database.dsn", "Print the connection string that the other commands use."),
    "psql": ("database.psql", "Open psql on the database; further arguments go to psql."),
    "deploy": ("database.deploy", "Bring the database up to date, in one transaction."),
    "docs": ("database.docs", "Write docs/reference/ from the comments in a deployed database."),
    "check": ("database.check", "Run every consistency view: exits 1 where one returns a row."),
    "import": (
        "programme.import",
        "Import a programme: events, ticket groups and price groups. All of it, or nothing.",
    ),
}
"""Of each command its module in this folder, and which of that module's commands it is where it is not the whole
group; and its help, which has its home here: none of them is imported to print it."""


class Lazy(TyperCommand):
    """A command of which only the help is known, until it is called."""

    def __init__(self, name: str, where: str, help_line: str) -> None:
        super().__init__(name, help=help_line, rich_markup_mode=None)
        self.where = where

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        return self.load().make_context(info_name, args, parent, **extra)

    def load(self) -> TyperCommand | TyperGroup:
        """The command itself."""
        try:
            importlib.import_module("psycopg")
        except ImportError:  # it is there, and finds no libpq
            raise MissingExtra("binary", "psycopg") from None
        module, _, name = self.where.partition(".")
        found = get_group(importlib.import_module(f"pybridge.cli.{module}").app)
        command: Any = found.commands[name] if name else found
        command.help = self.help
        return command  # type: ignore[no-any-return]


class Group(PlainGroup):
    """Says what went wrong in words, where it is not a mistake of ours."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands = {name: Lazy(name, *each) for name, each in COMMANDS.items()}

    def invoke(self, ctx: Any) -> Any:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")  # a terminal that has no ✓ shows something else
        try:
            return super().invoke(ctx)
        except MissingExtra as error:
            typer.secho(str(error), err=True, fg="red", bold=True)
            if error.extra == "local":
                typer.echo("Or say where a database is: DATABASE_URL, PGHOST, PGSERVICE and the like.", err=True)
            raise typer.Exit(1) from None
        except Exception as error:
            from pybridge.cli import failures

            said = failures.in_words(error)
            if said is None:
                raise
            raise said from None


app = group(Group, pretty_exceptions_enable=False)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"pybridge {version('pybridge')}")
        raise typer.Exit


@app.callback(help="The ticket ledger's command line.")
def main(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Print the version and exit.")
    ] = False,
) -> None:
    del version  # it has ended
