"""`pybridge clicks load`: a file of clicks goes into the database in one transaction, its bad lines into a file."""

import csv
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer
from psycopg import sql
from psycopg.rows import class_row
from rich.console import Console
from rich.text import Text

from pybridge.cli.common import Json, Tell, connect, local, print_json, problem_table, progress
from pybridge.client import Problem
from pybridge.errors import translated
from pybridge.files import click_file

Connection = psycopg.Connection[Any]
REFUSED = 1
NO_PARQUET = "Parquet is read with duckdb, which is not installed: pip install 'pybridge[parquet]', or save it as CSV"
SHOWN = 20
FAULTS = ("fault_column", "fault_value", "fault")

FIRST_PROBLEMS = """
    select line, column_name, value, reason from pg_temp.click_file_problem order by line, column_name limit %s
"""
REJECTED_LINES = """
    select p.line, p.columns, p.problem_values, p.reasons, {columns}
    from (
        select
            line, string_agg(column_name, '; ') as columns, string_agg(coalesce(value, ''), '; ') as problem_values,
            string_agg(reason, '; ') as reasons
        from pg_temp.click_file_problem
        group by line
    ) as p
    inner join pg_temp.click_file_line as l on p.line = l.line
    order by p.line
"""


@dataclass(frozen=True)
class Loaded:
    """What became of a file: `already` where its content had been loaded before, as `source`."""

    source: str
    sha256: str
    clicks: int
    rejected: int
    already: bool
    recorded_at: datetime | None
    reject_file: str | None = None
    problems: list[Problem] = field(default_factory=list)
    """The first of them; the reject file has all."""


def load(
    connection: Connection,
    path: Path,
    *,
    source: str | None = None,
    reject: Path | None = None,
    now: datetime | None = None,
    tell: Tell = lambda _what, _done, _total: None,
) -> Loaded:
    """Load a file of clicks, once; the lines that are none go into the file `reject`.

    All in one transaction: whatever ends it before its end leaves nothing behind in the database.
    """
    name = source or path.name
    with translated(), connection.transaction():
        tell("looking", 0, None)
        content = click_file.digest(path)
        before = _first(connection, "select * from marketplace.begin_click_file(%s, %s)", (name, content))
        if before:
            return Loaded(before[0], content.hex(), before[1], 0, True, before[2])
        total = click_file.size(path)
        with click_file.opened(path, lambda done: tell("reading", done, total)) as table:
            if not _copy(connection, table):
                raise click_file.Unreadable(2, "", "there are no lines beneath the header")
            columns, content = table.columns, table.digest()
        tell("loading", 0, None)
        row = _first(
            connection,
            "select * from marketplace.load_clicks(%s, %s, coalesce(%s, now()))",
            (name, content, now),
        )
        assert row is not None
        where, clicks, rejected, recorded_at, is_new = row
        if not is_new and clicks:
            return Loaded(where, content.hex(), clicks, 0, True, recorded_at)
        problems: list[Problem] = []
        if rejected:
            reject = reject or rejected_name(path)
            problems = _first_problems(connection)
            _write_rejected(connection, columns, reject)
    return Loaded(
        where,
        content.hex(),
        clicks,
        rejected,
        False,
        recorded_at if clicks else None,
        str(reject) if rejected else None,
        problems,
    )


def rejected_name(path: Path) -> Path:
    """Where bad lines go by default."""
    return path.with_name(f"{path.name}.rejected.csv")


def _first(connection: Connection, query: Any, arguments: Any) -> Any:
    return connection.execute(query, arguments).fetchone()


def _copy(connection: Connection, table: click_file.Table) -> int:
    into = sql.SQL("copy pg_temp.click_file_line ({}) from stdin").format(
        sql.SQL(", ").join(map(sql.Identifier, ("line", *table.columns, *FAULTS)))
    )
    count = 0
    with connection.cursor() as cursor, cursor.copy(into) as copy:
        for each in table.lines:
            fault = each.fault
            if fault is None:
                copy.write_row((each.line, *each.fields, None, None, None))
            else:
                copy.write_row((each.line, *each.fields, fault.column_name, fault.value, fault.reason))
            count += 1
    return count


def _first_problems(connection: Connection) -> list[Problem]:
    with connection.cursor(row_factory=class_row(Problem)) as cursor:
        return cursor.execute(FIRST_PROBLEMS, (SHOWN,)).fetchall()


def _write_rejected(connection: Connection, columns: list[str], reject: Path) -> None:
    """All bad lines, with what is wrong: written before the commit, so that none is lost."""
    query = sql.SQL(REJECTED_LINES).format(
        columns=sql.SQL(", ").join(sql.Identifier("l", column) for column in columns)
    )
    with (
        connection.cursor("rejected") as cursor,
        reject.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*click_file.REJECTED, *columns])
        cursor.itersize = 2000
        writer.writerows(cursor.execute(query))


def _columns_help() -> str:
    return "\n\n".join(f"{name}: {meaning}." for name, meaning in click_file.COLUMNS.items())


app = typer.Typer(no_args_is_help=True, help="Clicks: load files of them.")


@app.callback()
def clicks() -> None:
    """Clicks: load files of them."""


@app.command(help=f"Load a file of clicks, once. Its columns, in any order:\n\n{_columns_help()}")
def load_file(
    file: Annotated[
        Path,
        typer.Argument(
            exists=True, dir_okay=False, readable=True, help="CSV in UTF-8, packed in .gz or not; or Parquet."
        ),
    ],
    reject: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Where bad lines go, with what is wrong; FILE.rejected.csv by default."),
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="The name that its clicks bear; the file's own by default.")
    ] = None,
    now: Annotated[datetime | None, typer.Option(help="The moment that it takes for now.")] = None,
    as_json: Json = False,
) -> None:
    rejects = reject or rejected_name(file)
    if rejects.exists() and rejects.samefile(file):
        raise typer.BadParameter("the file of bad lines is the file itself", param_hint="--reject")
    try:
        with connect(deployed=True) as connection, progress() as tell:
            done = load(
                connection,
                file,
                source=source,
                reject=rejects,
                now=now and local(now),
                tell=tell,
            )
    except click_file.Unreadable as error:
        _refuse(file, error.problem, as_json)
    except click_file.ParquetMissing:
        _refuse(
            file,
            Problem(
                None,
                "",
                None,
                "Parquet is read with duckdb, which is not installed: pip install 'pybridge[parquet]'",
            ),
            as_json,
        )
    else:
        _print(file, done, as_json)


app.registered_commands[-1].name = "load"


def _refuse(file: Path, problem: Problem, as_json: bool) -> None:
    if as_json:
        answer = {"clicks": 0, "rejected": 0, "already": False, "problems": [asdict(problem)]}
        print_json(answer)
    else:
        where = [] if problem.line is None else [f"line {problem.line}"]
        where += [f"column {problem.column_name}"] if problem.column_name else []
        said = ": ".join([str(file), ", ".join(where), problem.reason] if where else [str(file), problem.reason])
        Console(stderr=True, soft_wrap=True).print(Text(f"{said}. Nothing was loaded.", style="bold red"))
    raise typer.Exit(REFUSED)


def _print(file: Path, done: Loaded, as_json: bool) -> None:
    if as_json:
        print_json(asdict(done))
    elif done.already:
        when = f", {local(done.recorded_at):%Y-%m-%d %H:%M}" if done.recorded_at else ""
        typer.echo(f"{file} was loaded already, as {done.source}: {done.clicks} clicks{when}.")
    else:
        if done.problems:
            Console().print(problem_table(done.problems))
        said = f"{_count(done.clicks, 'click')} loaded from {file}"
        if done.rejected:
            said += f"; {_count(done.rejected, 'line')} rejected, see {done.reject_file}"
        typer.echo(said + ".")
    if done.rejected:
        raise typer.Exit(REFUSED)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
