"""`pybridge bank payout`, and `withdraw`: what acquirers say that they paid out."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from pybridge.cli.common import KEY, REFUSED, Json, fail, print_json
from pybridge.client.bank import Bank
from pybridge.database import connect
from pybridge.files import payout_loading, payouts, tables
from pybridge.files.payouts import Report
from pybridge.files.payouts.explained import Explained, explain
from pybridge.formats import kroner
from pybridge.terminal import new_table, progress


def payout(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The acquirer's report.")],
    route_name: Annotated[
        str | None, typer.Option("--route", help="The settlement route that the payouts come by.")
    ] = None,
    kind: Annotated[
        str | None, typer.Option("--format", help=f"{', '.join(payouts.FORMATS)}; by default what it looks like.")
    ] = None,
    columns: Annotated[
        Path | None, typer.Option("--map", exists=True, dir_okay=False, help="For a CSV file: its columns, in TOML.")
    ] = None,
    explained: Annotated[
        bool, typer.Option("--explain", help="Say what would be read, and load nothing; no database is asked.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Load an acquirer's report of its payouts, once."""
    if kind not in {None, *payouts.FORMATS}:
        raise typer.BadParameter(f"{kind}: {', '.join(payouts.FORMATS)}", param_hint="--format")
    try:
        report = None if columns is None else tables.layout(columns, Report)
    except ValueError as error:
        raise typer.BadParameter(f"{columns}: {error}", param_hint="--map") from None
    if explained:
        _explain(file, kind, report, as_json)
        return
    if route_name is None:
        raise typer.BadParameter("by which settlement route do they come?", param_hint="--route")
    try:
        with connect(deployed=True) as connection, progress() as tell:
            done = payout_loading.import_payouts(connection, file, route_name, kind, report, tell=tell)
    except tables.Unreadable as error:
        raise fail(REFUSED, f"{file}: {error}. Nothing was loaded.") from None
    if as_json:
        print_json(asdict(done))
    elif done.already:
        typer.echo(f"{file} was loaded already.")
    else:
        typer.echo(
            f"{done.format}: {done.payouts} payouts, NOK {kroner(done.amount)}, {done.known_payouts} of them known;"
            f" {done.lines} lines, {done.waiting_lines} more not paid out yet, NOK {kroner(done.waiting_amount)}."
        )
        for each in done.left_out:
            typer.echo(f"Left out: {each}.")
    if not done.is_whole:
        raise fail(REFUSED, f"{file}: there is no payout in it; nothing can be matched by it.")


def _explain(file: Path, kind: str | None, report: Report | None, as_json: bool) -> None:
    try:
        with file.open("rb") as opened:
            found = explain(payouts.read(opened, kind, report))
    except tables.Unreadable as error:
        raise fail(REFUSED, f"{file}: {error}.") from None
    if as_json:
        print_json(asdict(found))
    else:
        _tell(found)
    if not found.is_whole:
        raise fail(REFUSED, f"{file}: it would be refused, or nothing could be matched by it.")


def _tell(found: Explained) -> None:
    typer.echo(f"Format: {found.format}. Nothing is loaded.")
    for ours, theirs in found.columns.items():
        typer.echo(f"  {ours}: {theirs}")
    console = Console()
    names = ("payout", "paid on", "lines", "gross", "fee", "other", "net", "the report says", "currency")
    table = new_table(*names, right=names[2:8], title="Payouts", title_justify="left")
    for each in found.payouts:
        said = "" if each.said is None else kroner(each.said) if each.adds_up else f"{kroner(each.said)} (!)"
        cells = (
            *(each.payout_id, str(each.paid_on or ""), str(each.lines)),
            *(kroner(amount) for amount in (each.gross, each.fee, each.other, each.net)),
            *(said, each.currency),
        )
        table.add_row(*map(Text, cells))
    console.print(table)
    columns = ("line", "kind", "day", "gross", "fee", "net", "names")
    table = new_table(*columns, right=("line", *columns[3:6]), title="The first lines", title_justify="left")
    for line in found.first:
        cells = (
            *(str(line.line), line.kind, str(line.occurred_on or "")),
            *(kroner(amount) for amount in (line.gross, line.fee, line.net)),
            " ".join(line.refs),
        )
        table.add_row(*map(Text, cells))
    console.print(table)
    for kind, count in sorted(found.kinds.items()):
        typer.echo(f"{kind}: {count} lines")
    for reason, count in sorted(found.left_out.items()):
        typer.echo(f"Left out: {count} lines: {reason}.")


def withdraw(
    number: Annotated[int, typer.Argument(metavar="PAYOUT", help="The payout, by its number in report.payout.", **KEY)],
    reason: Annotated[str, typer.Option(help="Why, such as that its report was not whole.")],
    as_json: Json = False,
) -> None:
    """Withdraw a payout: it counts no more, and a whole report of it may be loaded."""
    with connect(deployed=True) as connection:
        Bank(connection).withdraw_payout(payout=number, reason=reason)
    if as_json:
        print_json({"payout": number})
    else:
        typer.echo(f"payout {number} is withdrawn")
