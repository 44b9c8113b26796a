"""The command line: each command is a few lines over a function that tests call directly."""

import os
import shutil
from typing import Annotated

import psycopg
import typer

from pybridge import server
from pybridge.deploy import deploy as deploy_database

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The ticket ledger's command line.")


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
    with psycopg.connect(server.connection_string()) as connection:
        deploy_database(connection)
