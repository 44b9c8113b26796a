"""`pybridge bank`: what the bank says came in, against what was sold. The database matches; this carries files."""

from dataclasses import asdict
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

import typer
from psycopg.rows import dict_row
from rich.console import Console
from rich.text import Text

from pybridge.cli.common import DAY, REFUSED, Json, fail, print_json
from pybridge.cli.plain import group
from pybridge.client.bank import Bank
from pybridge.database import connect
from pybridge.errors import translated
from pybridge.files import bank_loading, payouts, tables
from pybridge.files.payouts import Report
from pybridge.files.statements import Layout
from pybridge.formats import kroner
from pybridge.terminal import new_table, progress

app = group()

ENTRY_COLUMNS = ("entry", "account_name", "booked_on", "amount", "candidates", "age", "entry_text")
ITEM_COLUMNS = ("expected", "route_name", "day", "cash_point", "net", "candidates", "age_group")
MATCH_COLUMNS = ("match", "rule", "entry_amount", "item_amount", "difference", "reason")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="camt.053, camt.054, MT940, or CSV.")],
    columns: Annotated[
        Path | None, typer.Option("--map", exists=True, dir_okay=False, help="For a CSV file: its columns, in TOML.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Load a file of the bank, once."""
    try:
        layout = None if columns is None else tables.layout(columns, Layout)
    except ValueError as error:
        raise typer.BadParameter(f"{columns}: {error}", param_hint="--map") from None
    try:
        with connect(deployed=True) as connection, progress() as tell:
            done = bank_loading.import_file(connection, file, layout, tell=tell)
    except tables.Unreadable as error:
        raise fail(REFUSED, f"{file}: {error}. Nothing was loaded.") from None
    if as_json:
        print_json(asdict(done))
    elif done.already:
        typer.echo(f"{file} was loaded already.")
    else:
        typer.echo(
            f"{done.format}: {done.statements} statements, {done.known_statements} of them known;"
            f" {done.entries} entries, {done.new_entries} new."
        )


@app.command()
def payout(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Stripe's, Vipps MobilePay's, or CSV.")],
    route_name: Annotated[str, typer.Option("--route", help="The settlement route that the payouts come by.")],
    kind: Annotated[
        str | None, typer.Option("--format", help="stripe, vipps or csv; by default what the header says.")
    ] = None,
    columns: Annotated[
        Path | None, typer.Option("--map", exists=True, dir_okay=False, help="For a CSV file: its columns, in TOML.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Load an acquirer's report of its payouts, once."""
    if kind not in {None, *payouts.FORMATS}:
        raise typer.BadParameter(f"{kind}: {', '.join(payouts.FORMATS)}", param_hint="--format")
    try:
        report = None if columns is None else tables.layout(columns, Report)
    except ValueError as error:
        raise typer.BadParameter(f"{columns}: {error}", param_hint="--map") from None
    try:
        with connect(deployed=True) as connection, progress() as tell:
            done = bank_loading.import_payouts(connection, file, route_name, kind, report, tell=tell)
    except tables.Unreadable as error:
        raise fail(REFUSED, f"{file}: {error}. Nothing was loaded.") from None
    if as_json:
        print_json(asdict(done))
    elif done.already:
        typer.echo(f"{file} was loaded already.")
    else:
        typer.echo(
            f"{done.format}: {done.payouts} payouts, {done.known_payouts} of them known; {done.lines} lines,"
            f" {done.waiting_lines} more not paid out yet."
        )


@app.command()
def match(
    entry: Annotated[list[int] | None, typer.Option(help="By hand: an entry of the bank; may be repeated.")] = None,
    expected: Annotated[list[int] | None, typer.Option(help="By hand: an item; may be repeated.")] = None,
    line: Annotated[
        list[str] | None,
        typer.Option(help="By hand: what differs, KIND=NOK, of FEE, ROUNDING, WRITE_OFF, NOT_OURS; may be repeated."),
    ] = None,
    reason: Annotated[str | None, typer.Option(help="By hand: why.")] = None,
    until: Annotated[
        datetime | None, typer.Option(help="Expect goods until this day; yesterday by default.", **DAY)
    ] = None,
    as_json: Json = False,
) -> None:
    """Work out what is expected, and match it by the rules; or match by hand, with --entry and --expected."""
    with connect(deployed=True) as connection:
        bank = Bank(connection)
        if entry or expected:
            kinds, amounts = _lines(line or [])
            made = bank.make_match(
                entries=entry or [], expected=expected or [], reason=reason or "", kinds=kinds, amounts=amounts
            )
            _say({"match": made}, f"match {made}", as_json)
            return
        if line or reason:
            raise typer.BadParameter("--line and --reason go with --entry or --expected")
        with progress() as tell:
            tell("working out what to expect", 0, None)
            items = bank.expect(until=until and until.date())
            tell("matching", 0, None)
            matches = bank.match_open()
    if as_json:
        print_json({"expected": [asdict(each) for each in items], "matched": [asdict(each) for each in matches]})
        return
    for added in items:
        typer.echo(f"{added.route_name}: {added.items} more expected, NOK {kroner(added.amount)}")
    for found in matches:
        what = "matched" if found.is_automatic else "suggested, to be approved"
        typer.echo(f"{found.rule}: {found.matches} {what}, NOK {kroner(found.amount)}")
    if not matches:
        typer.echo("Nothing more can be matched by the rules.")


def _lines(lines: list[str]) -> tuple[list[str], list[Decimal]]:
    kinds, amounts = [], []
    for each in lines:
        kind, _, amount = each.partition("=")
        try:
            amounts.append(Decimal(amount))
        except InvalidOperation:
            raise typer.BadParameter(f"{each}: KIND=NOK, such as FEE=-114.50", param_hint="--line") from None
        kinds.append(kind)
    return kinds, amounts


@app.command()
def status(as_json: Json = False) -> None:
    """List what is open on either side, and what is suggested."""
    with connect(deployed=True) as connection, connection.cursor(row_factory=dict_row) as cursor:
        entries = cursor.execute(
            """
            select u.entry, u.account_name, u.booked_on, u.amount, u.currency, u.candidates, u.age, e.entry_text
            from report.unmatched_deposit as u
            inner join bank.entry as e on u.entry = e.entry
            order by u.booked_on, u.entry
            """
        ).fetchall()
        items = cursor.execute("select * from report.missing_deposit order by day, expected").fetchall()
        suggested = cursor.execute(
            "select * from report.bank_match where state = 'SUGGESTED' order by match"
        ).fetchall()
    if as_json:
        print_json({"entries": entries, "expected": items, "suggested": suggested})
        return
    _table("At the bank, and not expected", entries, ENTRY_COLUMNS)
    _table("Expected, and not at the bank", items, ITEM_COLUMNS)
    _table("Suggested", suggested, MATCH_COLUMNS)
    if not entries and not items and not suggested:
        typer.echo("Nothing is open.")


def _table(title: str, rows: list[dict[str, Any]], columns: tuple[str, ...]) -> None:
    if not rows:
        return
    numbers = [name for name in columns if isinstance(rows[0][name], Decimal | int)]
    table = new_table(*columns, right=numbers, title=title, title_justify="left")
    for row in rows:
        cells = (row[name] for name in columns)
        table.add_row(*(Text("" if v is None else kroner(v) if isinstance(v, Decimal) else str(v)) for v in cells))
    Console().print(table)


@app.command()
def approve(
    number: Annotated[int, typer.Argument(metavar="MATCH", help="The suggested match.")],
    reason: Annotated[str | None, typer.Option(help="Why; needed where there is a difference.")] = None,
    as_json: Json = False,
) -> None:
    """Approve a suggested match."""
    with connect(deployed=True) as connection:
        Bank(connection).approve_match(match=number, reason=reason)
    _say({"match": number}, f"match {number} is approved", as_json)


@app.command()
def undo(
    number: Annotated[int, typer.Argument(metavar="MATCH", help="The match.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    as_json: Json = False,
) -> None:
    """Undo a match; what was in it is open again."""
    with connect(deployed=True) as connection:
        Bank(connection).undo_match(match=number, reason=reason)
    _say({"match": number}, f"match {number} is undone", as_json)


@app.command()
def ignore(
    reason: Annotated[str, typer.Option(help="Why.")],
    entry: Annotated[int | None, typer.Option(help="An entry of the bank that is not for our goods: NOT_OURS.")] = None,
    expected: Annotated[int | None, typer.Option(help="An item that will never come: WRITE_OFF.")] = None,
    as_json: Json = False,
) -> None:
    """Set aside an entry that is not ours, or an item that never comes; `undo` takes it back."""
    if (entry is None) == (expected is None):
        raise typer.BadParameter("either --entry or --expected")
    with connect(deployed=True) as connection:
        made = Bank(connection).ignore(entry=entry, expected=expected, reason=reason)
    _say({"match": made}, f"match {made}: set aside", as_json)


@app.command()
def account(
    number: Annotated[str, typer.Argument(help="Account number, or IBAN.")],
    name: Annotated[str, typer.Argument(help="What to call it.")],
    currency: Annotated[str, typer.Option(help="Its currency.")] = "NOK",
) -> None:
    """Add an account of ours, or rename it."""
    with connect(deployed=True) as connection:
        Bank(connection).set_account(account_number=number, account_name=name, currency=currency)
    typer.echo(f"{name}: {number}, {currency}")


@app.command()
def route(
    name: Annotated[str, typer.Argument(help="What to call it.")],
    account_name: Annotated[str, typer.Option("--account", help="Where the money arrives, by name.")],
    source: Annotated[str, typer.Option(help="What one item is: SESSION, DAY, PAYMENT or ATTEMPT.")],
    method: Annotated[str | None, typer.Option(help="Of this payment method.")] = None,
    gateway: Annotated[str | None, typer.Option(help="Or of this gateway of the marketplace.")] = None,
    days: Annotated[tuple[int, int], typer.Option(help="It arrives this many days later: earliest, latest.")] = (
        0,
        7,
    ),
    fee: Annotated[str, typer.Option(help="Share that the acquirer keeps back, such as 0.01.")] = "0",
    tolerance: Annotated[str, typer.Option(help="NOK by which a deposit may differ and be suggested.")] = "0",
    run: Annotated[int, typer.Option(help="How many items one deposit may be the sum of.")] = 7,
    since: Annotated[
        datetime | None, typer.Option(help="Expect goods from this day on; all by default.", **DAY)
    ] = None,
    organisation: Annotated[int | None, typer.Option(help="Whose money: 1 Samfundet, 2 UKA, ...")] = None,
) -> None:
    """Say how money reaches the bank: add a settlement route, or change one."""
    with connect(deployed=True) as connection, translated():
        known = dict(connection.execute("select account_name, account from bank.account order by 1").fetchall())
        if account_name not in known:
            others = f"there are {', '.join(known)}" if known else "`pybridge bank account` adds one"
            raise typer.BadParameter(f"there is no account {account_name}; {others}")
        try:
            share, kept = Decimal(fee), Decimal(tolerance)
        except InvalidOperation:
            raise typer.BadParameter("--fee and --tolerance are numbers") from None
        Bank(connection).set_route(
            route_name=name,
            account=known[account_name],
            source=source,
            payment_method=method,
            gateway=gateway,
            days_min=days[0],
            days_max=days[1],
            fee_rate=share,
            tolerance=kept,
            run_max=run,
            since=since and since.date(),
            organisation=organisation,
        )
    typer.echo(f"{name}: {source} of {method or gateway}, to {account_name}")


def _say(answer: dict[str, Any], words: str, as_json: bool) -> None:
    if as_json:
        print_json(answer)
    else:
        typer.echo(words)
