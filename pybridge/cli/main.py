"""The command line: each command is a few lines over a function that tests call directly.

Exit codes: 0 done; 1 refused, or something is wrong; 2 typed wrongly; 3 no database, or not one that is deployed.
"""

import errno
import io
import os
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

from pybridge import errors
from pybridge.cli import bank, clicks, health, serve
from pybridge.cli import payment as payment_cli
from pybridge.cli import period as period_cli
from pybridge.cli import report as report_cli
from pybridge.cli import till as till_cli
from pybridge.cli import voucher as voucher_cli
from pybridge.cli.common import (
    NO_DATABASE,
    REFUSED,
    Json,
    connect,
    fail,
    new_table,
    print_json,
    problem_table,
    progress,
)
from pybridge.client import Client, Imported, Problem
from pybridge.deploy import deploy as deploy_database
from pybridge.deploy.reference import render
from pybridge.deploy.sqlfiles import DeployRefused
from pybridge.files import programme
from pybridge.jobs import runner as jobs
from pybridge.jobs import scheduler
from pybridge.local import server
from pybridge.paths import ROOT
from pybridge.reports import consistency

REFERENCE = ROOT / "docs" / "reference.md"
ANOTHER_ROLE = "Log in as a role that may."

OTHER_VERSION = (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedFunction)


class Group(TyperGroup):
    """Says what went wrong in words, where it is not a mistake of ours."""

    def invoke(self, ctx: Any) -> Any:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")  # a terminal that has no ✓ shows something else
        try:
            return super().invoke(ctx)
        except server.ServerError as error:
            raise fail(NO_DATABASE, str(error)) from None
        except DeployRefused as error:
            raise fail(REFUSED, f"Nothing was deployed. {error}") from None
        except errors.Refused as error:
            if error.sqlstate == "42501" and error.hint is None:  # PostgreSQL's own refusal
                error.hint = ANOTHER_ROLE
            said = "\n".join(filter(None, (error.detail, error.hint)))
            raise fail(REFUSED, f"{error.message} ({error.sqlstate})", said) from None
        except psycopg.errors.InsufficientPrivilege as error:
            # Without the statement, which PostgreSQL quotes.
            raise fail(REFUSED, error.diag.message_primary or str(error), ANOTHER_ROLE) from None
        except OTHER_VERSION as error:
            raise fail(
                NO_DATABASE, f"The database was deployed by another version: {error}", "Run: pybridge deploy"
            ) from None
        except psycopg.OperationalError as error:
            raise fail(
                NO_DATABASE,
                f"The database cannot be reached: {error}",
                "DATABASE_URL, PGHOST, PGSERVICE and the like say where it is; with none set, an embedded one is used.",
            ) from None
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            raise fail(REFUSED, f"{error.filename or 'The output'} cannot be written: {error.strerror}.") from None


app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The ticket ledger's command line.",
)


app.add_typer(bank.app, name="bank")
app.add_typer(till_cli.app, name="till")
app.add_typer(report_cli.app, name="report")
app.add_typer(voucher_cli.app, name="voucher")
app.add_typer(period_cli.app, name="period")
app.add_typer(jobs.app, name="job")
app.add_typer(clicks.app, name="clicks")
app.add_typer(payment_cli.app, name="payment")
app.command()(report_cli.site)
app.command()(serve.serve)
app.command()(scheduler.schedule)
app.command()(health.health)
app.command()(health.metrics)


@app.command()
def up() -> None:
    """Start the embedded PostgreSQL if it is not running, and print how to connect to it."""
    typer.echo(server.up().dsn())


@app.command()
def down() -> None:
    """Stop the embedded PostgreSQL. Its data stays."""
    typer.echo("stopped" if server.down() else "was not running")


@app.command()
def dsn(
    tcp: Annotated[bool, typer.Option(help="Over TCP with a password file, for what cannot use a socket.")] = False,
) -> None:
    """Print the connection string that the other commands use."""
    typer.echo(server.up().dsn(tcp=True) if tcp else server.connection_string())


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def psql(context: typer.Context) -> None:
    """Open psql on the database; further arguments go to psql."""
    conninfo = server.connection_string()
    program = shutil.which("psql") or str(server.bin_dir() / "psql")
    os.execv(program, ["psql", "-d", conninfo, *context.args] if conninfo else ["psql", *context.args])


@app.command()
def deploy() -> None:
    """Bring the database up to date, in one transaction."""
    with connect(deployed=False) as connection:
        deploy_database(connection)


@app.command()
def docs() -> None:
    """Write docs/reference.md from the comments in a deployed database."""
    with connect(deployed=True) as connection:
        REFERENCE.write_text(render(connection), "utf-8")
    typer.echo(f"wrote {REFERENCE}")


@app.command()
def check(as_json: Json = False) -> None:
    """Run every consistency view: exits 1 where one returns a row."""
    with connect(deployed=True) as connection:
        findings = consistency.run(connection)
    if as_json:
        print_json([asdict(each) for each in findings])
    else:
        _print_findings(Console(), findings)
    if any(each.broken for each in findings):
        raise typer.Exit(REFUSED)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A CSV file in UTF-8.")],
    shift_weeks: Annotated[int, typer.Option(help="Move all times by so many weeks.", min=-5000, max=5000)] = 0,
    as_json: Json = False,
) -> None:
    """Import a programme: events, ticket groups and price groups. All of it, or nothing."""
    problems: list[Problem] = []
    imported: list[Imported] = []
    try:
        rows = programme.shifted(programme.read(file), shift_weeks)
        with connect(deployed=True) as connection, connection.transaction(), progress() as tell:
            client = Client(connection)
            tell(f"checking {len(rows)} lines", 0, None)
            problems = client.check_programme(rows=rows)
            if not problems:
                tell(f"importing {len(rows)} lines", 0, None)
                imported = client.import_programme(rows=rows)
    except programme.UnreadableProgramme as error:
        problems = error.problems
    if as_json:
        answer = {"problems": [asdict(each) for each in problems], "imported": [asdict(each) for each in imported]}
        print_json(answer)
    elif problems:
        _print_problems(Console(), file, problems)
    else:
        if shift_weeks:
            typer.echo(f"All times are moved by {shift_weeks} weeks.")
        _print_imported(Console(), imported)
    if problems:
        raise typer.Exit(REFUSED)


def _print_problems(console: Console, file: Path, problems: list[Problem]) -> None:
    console.print(problem_table(problems, programme.HEADER_LINE))
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    console.print(Text(f"{count} in {file}: nothing was imported.", style="bold red"))


def _print_imported(console: Console, imported: list[Imported]) -> None:
    counts = ("inserted", "updated", "unchanged")
    table = new_table("", *counts, right=counts)
    for each in imported:
        table.add_row(each.what, str(each.inserted), str(each.updated), str(each.unchanged))
    console.print(table)


def _print_findings(console: Console, findings: list[consistency.Finding]) -> None:
    for each in findings:
        if not each.broken:
            console.print(Text.assemble(("✓ ", "green"), each.view))
            continue
        console.print(Text.assemble(("✗ ", "bold red"), (each.view, "bold red"), f": {each.broken}"))
        console.print(Text(each.explanation))
        table = new_table(*each.rows[0])
        for row in each.rows:
            table.add_row(*(Text("" if value is None else str(value)) for value in row.values()))
        console.print(table)
        if each.broken > len(each.rows):
            console.print(f"... and {each.broken - len(each.rows)} more")
