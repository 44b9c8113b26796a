"""`pybridge up`, `down`, `dsn`, `psql`, `deploy`, `docs` and `check`: the database itself."""

import os
import shutil
from dataclasses import asdict
from typing import Annotated

import typer
from psycopg import pq
from rich.console import Console
from rich.text import Text

from pybridge import deploy as deploying
from pybridge.cli.common import REFUSED, Json, fail, print_json
from pybridge.cli.plain import group
from pybridge.database import connect, connection_string
from pybridge.deploy import reference
from pybridge.extras import needs
from pybridge.reports import consistency
from pybridge.terminal import new_table, progress

app = group()


@app.command()
def up() -> None:
    with needs("local"):
        from pybridge.local import server
    typer.echo(server.up().dsn())
    typer.echo(server.where(), err=True)


@app.command()
def down() -> None:
    with needs("local"):
        from pybridge.local import server
    typer.echo("stopped" if server.down() else "was not running")
    typer.echo(server.where(), err=True)


@app.command()
def dsn(
    tcp: Annotated[bool, typer.Option(help="Over TCP with a password file, for what cannot use a socket.")] = False,
) -> None:
    if not tcp:
        typer.echo(connection_string())
        return
    with needs("local"):
        from pybridge.local import server
    typer.echo(server.up().dsn(tcp=True))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def psql(context: typer.Context) -> None:
    conninfo = connection_string()
    program = shutil.which("psql")
    if program is None:
        with needs("local"):
            from pybridge.local import server
        program = str(server.bin_dir() / "psql")
    # By the environment, so that `-d other` changes the database alone, and not the server too.
    for option in pq.Conninfo.parse(conninfo.encode()):
        if option.val is not None and option.envvar:
            os.environ[option.envvar.decode()] = option.val.decode()
    os.execv(program, ["psql", *context.args])


@app.command()
def deploy(
    replace_analysis: Annotated[
        bool,
        typer.Option(
            "--replace-analysis",
            help="Drop analysts' views that are in the way of a changed one, and make them again as they were.",
        ),
    ] = False,
    wait: Annotated[
        float, typer.Option(help="Seconds to wait for a lock that somebody else holds.", min=0, max=2_000_000)
    ] = 60,
    as_json: Json = False,
) -> None:
    console = Console(stderr=True)

    def waits_for(whom: str) -> None:
        console.print(Text(f"Waiting up to {wait:g} s for {whom}."))

    try:
        with connect(deployed=False) as connection, progress() as tell:
            did = deploying.deploy(
                connection,
                replace_analysis=replace_analysis,
                wait=wait,
                progress=lambda step: tell(step, 0, None),
                waits_for=waits_for,
            )
    except deploying.DeployRefused as error:
        raise fail(REFUSED, f"Nothing was deployed. {error}") from None
    if as_json:
        print_json(asdict(did))
    else:
        typer.echo(_done(did))


def _done(did: deploying.DeployResult) -> str:
    """What a deploy did, and what it found done already."""
    lines = [
        f"migrations: {len(did.migrations)} applied, {did.applied_before} were already",
        f"files of db/: {len(did.loaded)} loaded, {did.unchanged} unchanged",
    ]
    if did.recreated:
        lines.append(f"dropped and made again: {', '.join(did.recreated)}")
    if did.left_open:
        lines.append("not this role's to do; let the database's owner, or a superuser, say once:")
        lines += [f"  {statement};" for statement in did.left_open]
    return "\n".join([*lines, f"done in {did.seconds:.1f} s"])


@app.command()
def docs() -> None:
    folder = reference.FOLDER
    if not folder.is_dir():
        hint = "Run it in a checkout, or let PYBRIDGE_ROOT name one."
        raise fail(REFUSED, f"The reference belongs to a checkout; there is no {folder}.", hint)
    with connect(deployed=True) as connection:
        pages = reference.render(connection)
    for name, text in pages.items():
        (folder / name).write_text(text, "utf-8")
    typer.echo(f"wrote {len(pages)} pages into {folder}")


@app.command()
def check(as_json: Json = False) -> None:
    with connect(deployed=True) as connection:
        findings = consistency.run(connection)
    if as_json:
        print_json([asdict(each) for each in findings])
    else:
        _print_findings(Console(), findings)
    if any(each.broken for each in findings):
        raise typer.Exit(REFUSED)


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
