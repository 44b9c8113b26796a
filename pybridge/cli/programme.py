"""`pybridge import`: a programme."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from pybridge.cli.common import REFUSED, Json, print_json
from pybridge.cli.plain import group
from pybridge.client import Problem
from pybridge.client.billig import ImportProgrammeRow
from pybridge.database import connect
from pybridge.files import programme
from pybridge.terminal import new_table, problem_table, progress

app = group()


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A CSV file in UTF-8.")],
    shift_weeks: Annotated[int, typer.Option(help="Move all times by this many weeks.", min=-5000, max=5000)] = 0,
    as_json: Json = False,
) -> None:
    problems: list[Problem] = []
    imported: list[ImportProgrammeRow] = []
    try:
        rows = programme.shifted(programme.read(file), shift_weeks)
        with connect(deployed=True) as connection, progress() as tell:
            problems, imported = programme.load(connection, rows, tell=tell)
    except programme.UnreadableProgramme as error:
        problems = error.problems
    refused = [each for each in problems if not each.is_warning]
    if as_json:
        answer = {"problems": [asdict(each) for each in problems], "imported": [asdict(each) for each in imported]}
        print_json(answer)
    elif refused:
        _print_problems(Console(), file, problems)
    else:
        if problems:
            Console().print(problem_table(problems, programme.HEADER_LINE))
            typer.echo(f"{_count(problems, 'warning')}: imported all the same.")
        if shift_weeks:
            typer.echo(f"All times are moved by {shift_weeks} weeks.")
        _print_imported(Console(), imported)
    if refused:
        raise typer.Exit(REFUSED)


def _print_problems(console: Console, file: Path, problems: list[Problem]) -> None:
    console.print(problem_table(problems, programme.HEADER_LINE))
    console.print(Text(f"{_count(problems, 'problem')} in {file}: nothing was imported.", style="bold red"))


def _count(problems: list[Problem], what: str) -> str:
    return f"1 {what}" if len(problems) == 1 else f"{len(problems)} {what}s"


def _print_imported(console: Console, imported: list[ImportProgrammeRow]) -> None:
    counts = ("inserted", "updated", "unchanged")
    table = new_table("", *counts, right=counts)
    for each in imported:
        table.add_row(each.what, str(each.inserted), str(each.updated), str(each.unchanged))
    console.print(table)
