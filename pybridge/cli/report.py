"""`pybridge report`: each command asks one function of `pybridge.reports.questions` and writes the answer down."""

import os
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer
from rich.console import Console
from rich.text import Text

from pybridge import errors
from pybridge.cli.common import REFUSED, From, Json, Lang, To, fail, not_empty, period
from pybridge.cli.plain import group
from pybridge.database import connect
from pybridge.extras import needs
from pybridge.reports import output as report_output
from pybridge.reports import questions as reports
from pybridge.reports.questions import Period, Report, UnknownReport

app = group()

Seller = Annotated[str | None, typer.Option(help="Of this seller alone.", callback=not_empty)]
Session = Annotated[int | None, typer.Option("--session", help="Of this till session alone.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV, every column.")]
Xlsx = Annotated[Path | None, typer.Option("--xlsx", dir_okay=False, help="Write a spreadsheet to this file.")]
Html = Annotated[Path | None, typer.Option("--html", dir_okay=False, help="Write a page to this file.")]
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
        report_output.print_report(report, Console())


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
        found = reports.views(connection)
    for each in found.values():
        Console().print(Text.assemble((each.name, "bold"), f"  {each.comment}\n"))


@app.command()
def settlement(
    seller: Seller = None,
    first: From = None,
    last: To = None,
    till_session: Session = None,
    as_csv: Csv = False,
    as_json: Json = False,
    xlsx: Xlsx = None,
    html: Html = None,
    lang: Lang = "nb",
) -> None:
    """Kasseoppgjør: what a seller did in a period or a till session. Without dates and session: today."""
    asked = period(first, last)

    def ask(connection: psycopg.Connection[Any]) -> Report:
        day: date | None = None
        if asked == reports.ALWAYS and till_session is None:
            day = reports.today(connection)
        return reports.settlement(connection, Period(day, day) if day else asked, seller, till_session)

    _write(
        ask,
        as_csv,
        as_json,
        xlsx,
        html,
        lang,
        ("settlement", {"seller": seller, "from": asked.first, "to": asked.last, "session": till_session}),
    )


@app.command("vat-project")
def vat_project(
    seller: Seller = None,
    first: From = None,
    last: To = None,
    as_csv: Csv = False,
    as_json: Json = False,
    xlsx: Xlsx = None,
    html: Html = None,
    lang: Lang = "nb",
) -> None:
    """Transactions by VAT code and UKE project: sales, refunds and changes apart."""
    asked = period(first, last)
    _write(
        lambda connection: reports.vat_project(connection, asked, seller),
        as_csv,
        as_json,
        xlsx,
        html,
        lang,
        ("vat-project", {"seller": seller, "from": asked.first, "to": asked.last}),
    )


@app.command("project-day")
def project_day(
    project: Annotated[int | None, typer.Option(help="Of this project alone.")] = None,
    first: From = None,
    last: To = None,
    as_csv: Csv = False,
    as_json: Json = False,
    xlsx: Xlsx = None,
    html: Html = None,
    lang: Lang = "nb",
) -> None:
    """A project's days: sold, refunded and changed, by sale channel."""
    asked = period(first, last)
    _write(
        lambda connection: reports.project_day(connection, asked, project),
        as_csv,
        as_json,
        xlsx,
        html,
        lang,
        ("project-day", {"project": project, "from": asked.first, "to": asked.last}),
    )


@app.command("open-items")
def open_items(
    event: Annotated[int | None, typer.Option(help="Of this event alone.")] = None,
    first: From = None,
    last: To = None,
    as_csv: Csv = False,
    as_json: Json = False,
    xlsx: Xlsx = None,
    html: Html = None,
    lang: Lang = "nb",
) -> None:
    """Web sales and reservations not paid yet: open before, what happened, open after; what is owed back."""
    asked = period(first, last)
    _write(
        lambda connection: reports.open_items(connection, asked, event),
        as_csv,
        as_json,
        xlsx,
        html,
        lang,
        ("open-items", {"event": event, "from": asked.first, "to": asked.last}),
    )


@app.command("event-sales")
def event_sales(
    event: Annotated[int | None, typer.Option(help="Of this event alone.")] = None,
    project: Annotated[int | None, typer.Option(help="Of this project alone.")] = None,
    first: From = None,
    last: To = None,
    as_csv: Csv = False,
    as_json: Json = False,
    xlsx: Xlsx = None,
    html: Html = None,
    lang: Lang = "nb",
) -> None:
    """What was sold of each event: tickets, capacity, revenue. The period is of the events' dates."""
    asked = period(first, last)
    _write(
        lambda connection: reports.event_sales(connection, asked, event, project),
        as_csv,
        as_json,
        xlsx,
        html,
        lang,
        ("event-sales", {"event": event, "project": project, "from": asked.first, "to": asked.last}),
    )


@app.command()
def unattached(
    seller: Seller = None,
    first: From = None,
    last: To = None,
    as_csv: Csv = False,
    as_json: Json = False,
    xlsx: Xlsx = None,
) -> None:
    """Payments at a stand that lie in no till session."""
    asked = period(first, last)
    _write(lambda connection: reports.unattached(connection, asked, seller), as_csv, as_json, xlsx)


@app.command()
def sessions(
    seller: Seller = None,
    first: From = None,
    last: To = None,
    till_session: Session = None,
    is_open: Annotated[bool, typer.Option("--open", help="Open ones alone.")] = False,
    as_csv: Csv = False,
    as_json: Json = False,
    xlsx: Xlsx = None,
    html: Html = None,
    lang: Lang = "nb",
) -> None:
    """Till sessions: expected, counted and difference by means of payment. The period is of their opening."""
    asked = period(first, last)
    _write(
        lambda connection: reports.sessions(connection, asked, seller, till_session, is_open),
        as_csv,
        as_json,
        xlsx,
        html,
        lang,
        (
            "sessions",
            {
                "seller": seller,
                "from": asked.first,
                "to": asked.last,
                "session": till_session,
                "open": "yes" if is_open else None,
            },
        ),
    )


@app.command()
def history(
    ticket: Annotated[int, typer.Argument(help="The ticket's number.")],
    as_csv: Csv = False,
    as_json: Json = False,
    xlsx: Xlsx = None,
) -> None:
    """All that happened to a ticket, when and by whom."""
    _write(lambda connection: reports.history(connection, ticket), as_csv, as_json, xlsx)


@app.command()
def view(
    name: Annotated[str, typer.Argument(help="A view of schema report: see `pybridge report list`.")],
    where: Annotated[
        list[str] | None,
        typer.Option(help="COLUMN=VALUE, as often as wanted; nothing after the = for what is null."),
    ] = None,
    first: From = None,
    last: To = None,
    limit: Annotated[int | None, typer.Option(min=0, help="At most so many rows.")] = None,
    as_csv: Csv = False,
    as_json: Json = False,
    xlsx: Xlsx = None,
) -> None:
    """Any view of schema report, its rows filtered. The period is of its posting date, sale date or the like."""
    asked = period(first, last)
    pairs = _pairs(where, "--where")
    _write(lambda connection: reports.view(connection, name, asked, pairs, limit), as_csv, as_json, xlsx)


@app.command()
def page(
    name: Annotated[str, typer.Argument(help="Its name, such as vat-project; a wrong one is told all.")],
    html: Annotated[Path, typer.Option("--html", dir_okay=False, help="Write it to this file.")],
    ask: Annotated[list[str] | None, typer.Option(help="NAME=VALUE, as often as wanted, such as profile=7.")] = None,
    lang: Lang = "nb",
) -> None:
    """Any page: those that no command here prints too."""
    if not html.absolute().parent.is_dir():
        raise typer.BadParameter(f"{html.absolute().parent} is not a folder", param_hint="--html")
    _save_page(html, name, dict(_pairs(ask, "--ask")), lang)
