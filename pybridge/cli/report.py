"""`pybridge report`: a command for each declared report, and for any view; it asks, and writes the answer down."""

import inspect
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer
from rich.console import Console
from rich.text import Text

from pybridge import errors
from pybridge.cli.common import KEY, REFUSED, SMALL, From, Json, Lang, To, day, fail, not_empty, period, print_json
from pybridge.cli.plain import group
from pybridge.database import connect
from pybridge.extras import needs
from pybridge.reports import extract as extracting
from pybridge.reports import known, questions
from pybridge.reports import output as report_output
from pybridge.reports.columns import label
from pybridge.reports.declared import DAYS, FILTERS, REPORTS, Declared, answer
from pybridge.reports.tables import Report, UnknownReport

app = group()

Csv = Annotated[bool, typer.Option("--csv", help="Print CSV, every column.")]
Xlsx = Annotated[Path | None, typer.Option("--xlsx", dir_okay=False, help="Write a spreadsheet to this file.")]
Html = Annotated[Path | None, typer.Option("--html", dir_okay=False, help="Write a page to this file.")]
ROOMY = 10_000  # characters: wider than any report
PageOf = tuple[str, dict[str, object]]  # a page, and what it is asked


def _write(
    ask: Callable[[psycopg.Connection[Any]], Report],
    as_csv: bool,
    as_json: bool,
    xlsx: Path | None,
    html: Path | None = None,
    lang: str = "nb",
    page: PageOf | None = None,
) -> None:
    """Asks, in one snapshot and reading only, and writes the answer down the one way that was chosen."""
    if as_csv + as_json + (xlsx is not None) + (html is not None) > 1:
        raise typer.BadParameter("choose one of --csv, --json, --xlsx and --html")
    for file, option in ((xlsx, "--xlsx"), (html, "--html")):
        if file is not None and not file.absolute().parent.is_dir():
            raise typer.BadParameter(f"{file.absolute().parent} is not a folder", param_hint=option)
    if html is not None and page is not None:
        name, asked = page
        _save_page(html, name, {key: str(value) for key, value in asked.items() if value is not None}, lang)
        return
    with connect(deployed=True) as connection, connection.transaction():
        connection.execute("set transaction isolation level repeatable read read only")
        try:
            report = ask(connection)
            if report.is_empty:
                _check(connection, report.asked)
        except UnknownReport as error:
            raise typer.BadParameter(f"{error}; there are: {', '.join(error.known)}") from None
        except psycopg.DataError as error:
            raise typer.BadParameter(str(error).splitlines()[0]) from None
    if as_csv:
        sys.stdout.write(report_output.to_csv(report))
    elif as_json:
        typer.echo(report_output.to_json(report))
    elif xlsx is not None:
        _save(report, xlsx)
    else:
        report_output.print_report(report, _console())


def _console() -> Console:
    """A terminal's width is what it is; a file or a pipe has room for every column."""
    return Console() if sys.stdout.isatty() or "COLUMNS" in os.environ else Console(width=ROOMY)


def _check(connection: psycopg.Connection[Any], asked: Mapping[str, Any]) -> None:
    try:
        known.check(connection, asked)
    except known.UnknownName as error:
        raise _refused(error) from None


def _refused(error: known.UnknownName) -> typer.Exit:
    return fail(REFUSED, error.message, error.hint or "")


def _save(report: Report, file: Path) -> None:
    """The file is there whole, or as it was."""
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        count = report_output.to_xlsx(report, partial)
        partial.replace(file)
    except report_output.TooLong as error:
        raise fail(REFUSED, f"{file} was not written: {error}.", "Use --csv, or ask for less.") from None
    except OSError as error:
        raise fail(REFUSED, f"{file} cannot be written: {error}") from None
    finally:
        partial.unlink(missing_ok=True)
    typer.echo(f"wrote {file}: {count} rows" if count else f"wrote {file}: there is nothing to report")


def _save_page(file: Path, name: str, values: dict[str, str], lang: str) -> None:
    """The file is there whole, or as it was."""
    with needs("web"):
        from pybridge.web import pages
    with connect(deployed=True) as connection:
        try:
            page = pages.render(connection, name, values, lang=lang, link=pages.no_link)
        except known.UnknownName as error:
            raise _refused(error) from None
        except (errors.BadArgument, errors.NotFound) as error:
            raise typer.BadParameter(f"{error.message}. {error.detail} {error.hint}") from None
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        partial.write_text(page, "utf-8")
        partial.replace(file)
    except OSError as error:
        raise fail(REFUSED, f"{file} cannot be written: {error}") from None
    finally:
        partial.unlink(missing_ok=True)
    typer.echo(f"wrote {file}")


def _pairs(given: list[str] | None, option: str) -> list[tuple[str, str]]:
    pairs = []
    for each in given or []:
        name, equals, value = each.partition("=")
        if not equals:
            raise typer.BadParameter(
                f"{each} is not {'COLUMN' if option == '--where' else 'NAME'}=VALUE", param_hint=option
            )
        pairs.append((name, value))
    return pairs


@app.command("list")
def list_() -> None:
    """List the views of schema report, which `pybridge report view` prints."""
    with connect(deployed=True) as connection:
        found = questions.views(connection)
    if not found:
        raise fail(REFUSED, "There is no view of schema report that this role may read.", "Log in as a role that may.")
    for each in found.values():
        Console().print(Text.assemble((each.name, "bold"), f"  {each.comment}\n"))


def _command(report: Declared) -> None:
    """The command of a declared report: its options are its filters, and how the answer is written down."""
    filters = _filters(report)
    options = filters | {
        "as_csv": (Csv, False), "as_json": (Json, False), "xlsx": (Xlsx, None), "html": (Html, None),
        "lang": (Lang, "nb"),
    }  # fmt: skip

    def run(first: Any = None, last: Any = None, **given: Any) -> None:
        days = period(first, last)
        asked = {name: given.pop(name) for name in filters if name in given}
        on_page = {name: "yes" if value is True else value for name, value in asked.items() if value is not False}
        _write(
            lambda connection: answer(connection, report.name, report.days(connection, days, asked), **asked),
            page=(report.name, on_page | days.asked),
            **given,
        )

    parameters = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, (kind, default) in options.items()
    ]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    app.command(report.name, help=report.lead + (" Asked for no days: today." if report.today else ""))(run)


def _filters(report: Declared) -> dict[str, tuple[Any, Any]]:
    """What it may be asked by: the type of each option, and its default."""
    options: dict[str, tuple[Any, Any]] = {}
    for name in report.filters:
        if name == DAYS:
            of = label(report.day).lower()
            options["first"] = (day("--from", f"First day of the period, by {of}."), None)
            options["last"] = (day("--to", f"Last day of the period, in it, by {of}."), None)
            continue
        asked = FILTERS[name]
        default = False if asked.type is bool else None
        kind: Any = bool if asked.type is bool else asked.type | None
        checked: dict[str, Any] = {}
        if asked.type is str:
            checked = {"callback": not_empty}
        elif asked.type is int:
            checked = KEY if asked.is_long else SMALL
        options[name] = (Annotated[kind, typer.Option(f"--{name}", help=asked.help, **checked)], default)
    return options


for each in REPORTS.values():
    _command(each)


@app.command()
def history(
    ticket: Annotated[int, typer.Argument(help="The ticket's number.", **KEY)],
    as_csv: Csv = False,
    as_json: Json = False,
    xlsx: Xlsx = None,
) -> None:
    """All that happened to a ticket, when and by whom."""
    _write(lambda connection: questions.history(connection, ticket), as_csv, as_json, xlsx)


@app.command()
def view(
    name: Annotated[str, typer.Argument(help="A view of schema report: see `pybridge report list`.")],
    where: Annotated[
        list[str] | None,
        typer.Option(help="COLUMN=VALUE, as often as wanted; nothing after the = for what is null."),
    ] = None,
    first: From = None,
    last: To = None,
    limit: Annotated[int | None, typer.Option(min=0, max=2**63 - 1, help="At most this many rows.")] = None,
    as_csv: Csv = False,
    as_json: Json = False,
    xlsx: Xlsx = None,
) -> None:
    """Any view of schema report, its rows filtered. The period is of its posting date, sale date or the like."""
    asked = period(first, last)
    pairs = _pairs(where, "--where")
    _write(lambda connection: questions.view(connection, name, asked, pairs, limit), as_csv, as_json, xlsx)


@app.command()
def extract(
    name: Annotated[str, typer.Argument(help="A view with a history_position, such as transaction_line.")],
    file: Annotated[Path, typer.Argument(dir_okay=False, help="The Parquet file to write.")],
    since: Annotated[
        int, typer.Option(min=0, max=2**63 - 1, help="Where the last one ended; 0: from the beginning.")
    ] = 0,
    as_json: Json = False,
) -> None:
    """What became final since the last extract, as a Parquet file; says where the next one begins."""
    if not file.absolute().parent.is_dir():
        raise typer.BadParameter(f"{file.absolute().parent} is not a folder", param_hint="FILE")
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    with connect(deployed=True) as connection, connection.transaction():
        connection.execute("set transaction isolation level repeatable read read only")
        try:
            did = extracting.write(connection, name, since, partial)
            partial.replace(file)
        except UnknownReport as error:
            raise typer.BadParameter(f"{error}; these can: {', '.join(error.known)}") from None
        except errors.BadArgument as error:
            raise typer.BadParameter(f"{error.detail} {error.hint}", param_hint="--since") from None
        except OSError as error:
            raise fail(REFUSED, f"{file} cannot be written: {error}") from None
        finally:
            partial.unlink(missing_ok=True)
    if as_json:
        print_json(asdict(did))
    else:
        typer.echo(f"wrote {file}: {did.rows} rows of {did.view}; next time: --since {did.final_before}")


@app.command()
def page(
    name: Annotated[str, typer.Argument(help="Its name, such as vat-project; an unknown name lists them all.")],
    html: Annotated[Path, typer.Option("--html", dir_okay=False, help="Write it to this file.")],
    ask: Annotated[list[str] | None, typer.Option(help="NAME=VALUE, as often as wanted, such as profile=7.")] = None,
    lang: Lang = "nb",
) -> None:
    """Any page: those that no command here prints too."""
    if not html.absolute().parent.is_dir():
        raise typer.BadParameter(f"{html.absolute().parent} is not a folder", param_hint="--html")
    _save_page(html, name, dict(_pairs(ask, "--ask")), lang)
