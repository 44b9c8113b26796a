"""`pybridge voucher`: the journal, for people and for accounting systems."""

import enum
import os
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from pybridge.cli.common import DAY, REFUSED, fail
from pybridge.cli.plain import group
from pybridge.database import connect
from pybridge.reports import vouchers
from pybridge.terminal import new_table


class Format(enum.StrEnum):
    CSV = "csv"
    ACCOUNTING = "accounting"


app = group()


@app.command()
def export(
    first: Annotated[datetime, typer.Option("--from", help="First day.", **DAY)],
    last: Annotated[datetime, typer.Option("--to", help="Last day, inclusive.", **DAY)],
    organisation: Annotated[str | None, typer.Option(help="Only this organisation's, by name.")] = None,
    layout: Annotated[
        Format,
        typer.Option("--format", help="csv: the journal. accounting: GBAT10, which accounting systems import."),
    ] = Format.CSV,
    out: Annotated[Path | None, typer.Option(dir_okay=False, help="Write to this file.")] = None,
    first_number: Annotated[int, typer.Option(min=1, max=9_999_999, help="Number of the first voucher (GBAT10).")] = 1,
    no_vat_code: Annotated[str, typer.Option(help="VAT code of lines without one (GBAT10; in Mamut itself: 1).")] = "0",
    despite_problems: Annotated[
        bool,
        typer.Option(help="Export vouchers that do not balance, or have lines that no rule knows, all the same."),
    ] = False,
) -> None:
    """Export the vouchers of some days: debits and credits by day and project."""
    if last < first:
        raise typer.BadParameter("the last day lies before the first")
    with connect(deployed=True) as connection:
        names = vouchers.organisations(connection)
        if organisation is not None and organisation not in names:
            raise typer.BadParameter(f"there is no organisation {organisation}; there are {', '.join(names)}")
        found = vouchers.read(connection, first.date(), last.date(), organisation)
    if found.problems:
        _print_problems(found.problems)
        if not despite_problems:
            raise fail(REFUSED, "Nothing was exported.", "--despite-problems exports all the same.")
    chosen = vouchers.FORMATS[layout]
    if chosen.of_one_organisation and len({line.organisation_name for line in found.lines}) > 1:
        raise fail(
            REFUSED,
            f"Nothing was exported: {chosen.name} does not say whose a voucher is.",
            f"Export each with --organisation: {', '.join(names)}.",
        )
    content = vouchers.render(found.lines, chosen, first_number=first_number, no_vat_code=no_vat_code)
    if out is None:
        typer.echo(content, nl=False)
    else:
        partial = out.with_name(f".{out.name}.{os.getpid()}")
        try:
            partial.write_bytes(content)
            partial.replace(out)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise fail(REFUSED, f"{out} was not written: {error.strerror}.", "Name a file that can be.") from None
        count = len({line.voucher for line in found.lines})
        typer.echo(f"wrote {count} vouchers, {len(found.lines)} lines, to {out}")


def _print_problems(problems: list[vouchers.Problem]) -> None:
    table = new_table()
    for name in ("day", "organisation", "project"):
        table.add_column(name)
    table.add_column("problem", overflow="fold")
    table.add_column("NOK", justify="right")
    for each in problems:
        project = "" if each.project is None else str(each.project)
        table.add_row(
            str(each.posting_date), Text(each.organisation_name), project, Text(each.problem), str(each.difference)
        )
    Console(stderr=True).print(table)
