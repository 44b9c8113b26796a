"""`pybridge voucher`: the journal for people, and what goes out to the accounting system, once."""

import enum
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer
from rich.console import Console
from rich.text import Text

from pybridge.cli.common import DAY, KEY, REFUSED, fail
from pybridge.cli.plain import group
from pybridge.client import Client
from pybridge.database import connect
from pybridge.formats import local
from pybridge.reports import vouchers
from pybridge.terminal import new_table

Connection = psycopg.Connection[Any]
Out = Annotated[Path | None, typer.Option(dir_okay=False, help="Write to this file.")]


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
        typer.Option(
            "--format", help="csv: the journal, to look at. accounting: GBAT10, to import, each voucher once."
        ),
    ] = Format.CSV,
    out: Out = None,
    first_number: Annotated[
        int | None,
        typer.Option(min=1, max=9_999_999, help="Number of the first voucher (GBAT10); they go on from the last one."),
    ] = None,
    no_vat_code: Annotated[str, typer.Option(help="VAT code of lines without one (GBAT10; in Mamut itself: 1).")] = "0",
    despite_problems: Annotated[
        bool,
        typer.Option(help="Write a journal of vouchers that do not balance, or have lines that no rule knows."),
    ] = False,
) -> None:
    """Export the vouchers of some days: debits and credits by day and project."""
    if last < first:
        raise typer.BadParameter("the last day lies before the first")
    goes_out = layout is Format.ACCOUNTING
    if goes_out and despite_problems:
        raise typer.BadParameter("what has problems does not go out", param_hint="--despite-problems")
    with connect(deployed=True) as connection:
        known = vouchers.organisations(connection)
        if organisation is not None and organisation not in known:
            raise typer.BadParameter(f"there is no organisation {organisation}; there are {', '.join(known)}")
        if goes_out and organisation is None:
            raise fail(
                REFUSED,
                f"Nothing was exported: {vouchers.GBAT10.name} does not say whose a voucher is.",
                f"Export each with --organisation: {', '.join(known)}.",
            )
        found = vouchers.read(connection, first.date(), last.date(), organisation)
        if found.problems:
            _print_problems(found.problems)
            if not despite_problems:
                raise fail(
                    REFUSED, "Nothing was exported.", "A journal can be written all the same: --despite-problems."
                )
        if organisation is not None and goes_out:
            _send_out(connection, (organisation, known[organisation]), first, last, first_number, no_vat_code, out)
            return
    with _written(out) as write:
        write(vouchers.render(found.lines, vouchers.JOURNAL))
    if out is not None:
        count = len({line.voucher for line in found.lines})
        typer.echo(f"wrote {count} vouchers, {len(found.lines)} lines, to {out}")


@app.command()
def again(
    voucher_export: Annotated[int, typer.Argument(help="The export, by its number.", **KEY)],
    out: Out = None,
) -> None:
    """Write the file of an export again: the same bytes, under the same numbers."""
    with connect(deployed=True) as connection:
        known = {each.voucher_export: each for each in vouchers.exports(connection)}
        if voucher_export not in known:
            which = f"there are {min(known)} to {max(known)}" if known else "nothing went out yet"
            raise typer.BadParameter(f"there is no export {voucher_export}; {which}")
        exported = known[voucher_export]
        with _written(out) as write:
            _deliver(connection, exported, out, write)
    typer.echo(
        f"{'Written again' if exported.files else 'Written, which it had not been'}: {_said(exported)}", err=True
    )


def _send_out(
    connection: Connection,
    of: tuple[str, int],
    first: datetime,
    last: datetime,
    first_number: int | None,
    no_vat_code: str,
    out: Path | None,
) -> None:
    """What is new of these days, recorded and then written. If it is interrupted in between, the next one says so."""
    organisation, number = of
    for each in vouchers.exports(connection, organisation):
        if not each.files:
            raise fail(
                REFUSED,
                f"Nothing was exported: {_said(each)} was recorded, and its file was never written.",
                f"First write that: pybridge voucher again {each.voucher_export} --out FILE",
            )
    with _written(out) as write:
        made = Client(connection).books.export_vouchers(
            organisation=number,
            first_day=first.date(),
            last_day=last.date(),
            first_number=first_number,
            no_vat_code=no_vat_code,
        )
        if not made:
            before = [
                each
                for each in vouchers.exports(connection, organisation)
                if each.first_day <= last.date() and each.last_day >= first.date()
            ]
            raise fail(
                REFUSED,
                f"Nothing was exported: of {organisation}, {first.date()} to {last.date()}, there is nothing new.",
                "\n".join(
                    f"Went out before: {_said(each)}; pybridge voucher again {each.voucher_export}" for each in before
                )
                or "Nothing of these days went out before, and they have no vouchers.",
            )
        (exported,) = (
            each for each in vouchers.exports(connection, organisation) if each.voucher_export == made[0].voucher_export
        )
        _deliver(connection, exported, out, write)
    corrections = f", {made[0].corrections} of them corrections" if made[0].corrections else ""
    to = f", to {out}" if out else ""
    typer.echo(f"{_said(exported)}: {made[0].lines} lines{corrections}{to}", err=out is None)


def _deliver(connection: Connection, exported: vouchers.Exported, out: Path | None, write: Any) -> None:
    """The file in its place, and then recorded as such: it has the bytes that it had before, or is refused."""
    content = vouchers.file_of(connection, exported)
    with connection.transaction():
        Client(connection).books.record_export_file(
            voucher_export=exported.voucher_export,
            sha256=hashlib.sha256(content).digest(),
            file_name=out.name if out else "-",
        )
        write(content)


def _said(exported: vouchers.Exported) -> str:
    days = f"{exported.first_day} to {exported.last_day}"
    by = f"by {exported.exported_by}, {local(exported.exported_at):%Y-%m-%d %H:%M}"
    return f"export {exported.voucher_export} of {exported.organisation_name}, {days}, {exported.numbers}, {by}"


@contextmanager
def _written(out: Path | None) -> Iterator[Any]:
    """What writes a file's content: whole, or not at all. That a file can be there is tried before anything is done."""
    if out is None:
        yield lambda content: typer.echo(content, nl=False)
        return
    partial = out.with_name(f".{out.name}.{os.getpid()}")

    def write(content: bytes) -> None:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(out)

    try:
        partial.touch()
        yield write
    except OSError as error:
        raise fail(REFUSED, f"{out} was not written: {error.strerror}.", "Name a file that can be.") from None
    finally:
        partial.unlink(missing_ok=True)


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
