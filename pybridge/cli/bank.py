"""`pybridge bank`: what the bank says came in, against what was sold. The database matches; this carries files."""

from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from psycopg.rows import dict_row
from rich.console import Console
from rich.text import Text

from pybridge.cli.bank_payout import payout, withdraw
from pybridge.cli.common import DAY, KEY, REFUSED, SMALL, Json, decimal_of, fail, print_json
from pybridge.cli.plain import group
from pybridge.client.bank import Bank
from pybridge.database import connect
from pybridge.errors import translated
from pybridge.files import bank_loading, tables
from pybridge.files.statements import Layout
from pybridge.formats import kroner
from pybridge.terminal import new_table, progress

app = group()

ENTRY_COLUMNS = ("entry", "account_name", "booked_on", "amount", "candidates", "age", "entry_text")
ITEM_COLUMNS = ("expected", "route_name", "day", "cash_point", "net", "candidates", "age_group")
GAP_COLUMNS = ("statement", "account_name", "statement_id", "from_day", "to_day", "gap_amount", "gap_reason")
REVERSED_COLUMNS = ("match", "rule", "entry", "reversal", "booked_on", "reversed_on", "amount", "is_named")
MATCH_COLUMNS = ("match", "rule", "entry_amount", "item_amount", "difference", "reason")


@app.command("import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(exists=True, dir_okay=False, help="camt.053, camt.054, MT940, CSV, or a ZIP archive of them."),
    ],
    columns: Annotated[
        Path | None, typer.Option("--map", exists=True, dir_okay=False, help="For a CSV file: its columns, in TOML.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="How MT940 is written, such as latin-1; by default what its bytes look like.")
    ] = None,
    ours: Annotated[bool, typer.Option("--ours", help="Leave out statements of accounts that are not ours.")] = False,
    accept_gap: Annotated[
        str | None,
        typer.Option(metavar="REASON", help="Load what does not add up all the same, with its gap, for this reason."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Load a file of the bank, once. Exit code 1 where something is missing."""
    try:
        layout = None if columns is None else tables.layout(columns, Layout)
        "".encode(encoding or "utf-8")
    except (ValueError, LookupError) as error:
        wrong = columns if columns else encoding
        raise typer.BadParameter(f"{wrong}: {error}", param_hint="--map" if columns else "--encoding") from None
    done: list[bank_loading.Loaded] = []
    name = file.name
    try:
        with connect(deployed=True) as connection, progress() as tell, bank_loading.members(file) as members:
            for member in members:
                name = member.name
                found = bank_loading.import_file(
                    connection, member, layout, encoding=encoding, ours_only=ours, gap_reason=accept_gap, tell=tell
                )
                done.append(found)
                name = file.name  # what is wrong between two members is wrong with the archive
    except tables.Unreadable as error:
        _tell_before(done)
        raise fail(REFUSED, f"{name}: {error}. Nothing{' of it' if done else ''} was loaded.") from None
    except Exception:  # refused by the database: said by whoever called
        _tell_before(done)
        if name != file.name:
            typer.echo(f"{name} was refused.", err=True)
        raise
    if as_json:
        print_json([asdict(each) for each in done] if len(done) > 1 else asdict(done[0]) if done else [])
    for each in [] if as_json else done:
        _tell_import(each)
    if not done:
        raise fail(REFUSED, f"{file}: there is no file in it.")
    if not all(each.is_whole for each in done):
        raise typer.Exit(REFUSED)


def _tell_before(done: list[bank_loading.Loaded]) -> None:
    """An archive that stops half-way: what was loaded stays loaded."""
    if done:
        typer.echo(f"Loaded before that, and kept: {', '.join(each.file for each in done)}.", err=True)


LEFT_OUT = {
    "ANNOUNCED": "only announced",
    "INTERIM": "of an interim report, to be booked by a statement",
    "NOT_OURS": "of an account that is not ours",
}


def _tell_import(done: bank_loading.Loaded) -> None:
    """What was read, what of it is new, known and left out, and what is missing before it."""
    if done.already:
        typer.echo(f"{done.file} was loaded already.")
        return
    typer.echo(
        f"{done.file}: {done.format}, {done.statements} statements, {done.known_statements} of them known;"
        f" {done.entries} entries, {kroner(done.amount)}: {done.new_entries} new, {kroner(done.new_amount)},"
        f" and {done.known_entries} known, {kroner(done.known_amount)}."
    )
    for out in done.left_out:
        typer.echo(
            f"  Left out: {out.entries} entries, {out.currency} {kroner(out.amount)}, of {out.account},"
            f" {LEFT_OUT[out.reason]} (line {out.line})."
        )
    for gap in done.gaps:
        typer.echo(
            f"  Missing: what is before {gap.statement} of {gap.account}, {gap.from_day}: {kroner(gap.amount)} of it."
        )
    for each in done.accepted:
        typer.echo(
            f"  Accepted: {each.statement} of {each.account}, {each.from_day}, has a gap of {kroner(each.amount)}."
            if each.amount
            else f"  Accepted: {each.statement} of {each.account}, {each.from_day}, says not all of its balances."
        )
    for lone in done.unstated:
        typer.echo(
            f"  In no statement so far: {lone.entries} entries of {lone.account}, {kroner(lone.amount)}, from"
            f" {lone.from_day} on (report.bank_unstated): to be booked, or told of twice."
        )
    if not done.entries and done.left_out:
        typer.echo("  Nothing of it was booked.")


app.command()(payout)
app.command()(withdraw)


@app.command()
def match(
    entry: Annotated[
        list[str] | None,
        typer.Option(metavar="ENTRY[=NOK]", help="By hand: an entry of the bank, or NOK of it; may be repeated."),
    ] = None,
    expected: Annotated[
        list[str] | None, typer.Option(metavar="ITEM[=NOK]", help="By hand: an item, or NOK of it; may be repeated.")
    ] = None,
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
            entries, entry_amounts = _parts(entry or [], "--entry")
            wanted, item_amounts = _parts(expected or [], "--expected")
            made = bank.make_match(
                entries=entries,
                expected=wanted,
                reason=reason or "",
                kinds=kinds,
                amounts=amounts,
                entry_amounts=entry_amounts,
                expected_amounts=item_amounts,
            )
            _say({"match": made}, f"match {made}", as_json)
            return
        if line or reason:
            raise typer.BadParameter("--line and --reason go with --entry or --expected")
        with progress() as tell:
            disputes = bank.record_disputes()
            tell("working out what to expect", 0, None)
            items = bank.expect(until=until and until.date())
            tell("matching", 0, None)
            matches = bank.match_open()
    if as_json:
        print_json(
            {
                "disputes": [asdict(each) for each in disputes],
                "expected": [asdict(each) for each in items],
                "matched": [asdict(each) for each in matches],
            }
        )
        return
    for dispute in disputes:
        done = "recorded" if dispute.outcome == "RECORDED" else f"not recorded: {dispute.outcome}"
        of = f" of payout {dispute.payout_id}" if dispute.payout_id else ""  # else its name says of which entry
        amount = "" if dispute.amount is None else f", NOK {kroner(dispute.amount)}"
        typer.echo(f"Dispute {dispute.dispute_reference}{of}{amount}: {done}")
    for added in items:
        typer.echo(f"{added.route_name}: {added.items} more expected, NOK {kroner(added.amount)}")
    for found in matches:
        what = "matched" if found.is_automatic else "suggested, to be approved"
        typer.echo(f"{found.rule}: {found.matches} {what}, NOK {kroner(found.amount)}")
    if not matches:
        typer.echo("Nothing more can be matched by the rules.")


def _parts(said: list[str], hint: str) -> tuple[list[int], list[Decimal] | None]:
    """Numbers, and how much of each, unless it is all that is open."""
    numbers: list[int] = []
    amounts: list[Decimal] = []
    for each in said:
        number, _, amount = each.partition("=")
        if not (number.isdecimal() and KEY["min"] <= int(number) <= KEY["max"]):
            raise typer.BadParameter(f"{each}: NUMBER or NUMBER=NOK, such as 12=50.00", param_hint=hint)
        numbers.append(int(number))
        if amount:
            amounts.append(decimal_of(amount))
    if len(amounts) not in {0, len(numbers)}:
        raise typer.BadParameter("say how much of each of them, or of none", param_hint=hint)
    return numbers, amounts or None


def _lines(lines: list[str]) -> tuple[list[str], list[Decimal]]:
    kinds, amounts = [], []
    for each in lines:
        kind, _, amount = each.partition("=")
        if not amount:
            raise typer.BadParameter(f"{each}: KIND=NOK, such as FEE=-114.50", param_hint="--line")
        amounts.append(decimal_of(amount))
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
        gaps = cursor.execute(
            "select * from report.bank_accepted_gap where explained_by is null order by from_day, statement"
        ).fetchall()
        reversed_ = cursor.execute("select * from report.bank_reversed order by reversal, match").fetchall()
    if as_json:
        said = {"entries": entries, "expected": items, "suggested": suggested, "gaps": gaps, "reversed": reversed_}
        print_json(said)
        return
    _table("At the bank, and not expected", entries, ENTRY_COLUMNS)
    _table("Expected, and not at the bank", items, ITEM_COLUMNS)
    _table("Suggested", suggested, MATCH_COLUMNS)
    _table("Loaded with a gap, and not explained yet", gaps, GAP_COLUMNS)
    _table("Matched, and taken back by the bank", reversed_, REVERSED_COLUMNS)
    if not any((entries, items, suggested, gaps, reversed_)):
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
    number: Annotated[int, typer.Argument(metavar="MATCH", help="The suggested match.", **KEY)],
    reason: Annotated[str | None, typer.Option(help="Why; needed where there is a difference.")] = None,
    as_json: Json = False,
) -> None:
    """Approve a suggested match."""
    with connect(deployed=True) as connection:
        Bank(connection).approve_match(match=number, reason=reason)
    _say({"match": number}, f"match {number} is approved", as_json)


@app.command()
def undo(
    number: Annotated[int, typer.Argument(metavar="MATCH", help="The match.", **KEY)],
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
    entry: Annotated[
        int | None, typer.Option(help="An entry of the bank that is not for our goods: NOT_OURS.", **KEY)
    ] = None,
    expected: Annotated[int | None, typer.Option(help="An item that will never come: WRITE_OFF.", **KEY)] = None,
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
    organisation: Annotated[int | None, typer.Option(help="Whose it is: 1 Samfundet, 2 UKA, ...", **SMALL)] = None,
) -> None:
    """Add an account of ours, or rename it."""
    with connect(deployed=True) as connection:
        Bank(connection).set_account(
            account_number=number, account_name=name, currency=currency, organisation=organisation
        )
    typer.echo(f"{name}: {number}, {currency}")


@app.command()
def route(
    name: Annotated[str, typer.Argument(help="What to call it.")],
    account_name: Annotated[str, typer.Option("--account", help="Where the money arrives, by name.")],
    source: Annotated[str, typer.Option(help="What one item is: SESSION, DAY, PAYMENT or ATTEMPT.")],
    method: Annotated[str | None, typer.Option(help="Of this payment method.")] = None,
    gateway: Annotated[str | None, typer.Option(help="Or of this gateway of the marketplace.")] = None,
    days: Annotated[
        tuple[int, int],
        typer.Option(help="It arrives this many days later: earliest, latest.", min=-36_500, max=36_500),
    ] = (0, 7),
    fee: Annotated[str, typer.Option(help="Share that the acquirer keeps back, such as 0.01.")] = "0",
    tolerance: Annotated[str, typer.Option(help="NOK by which a deposit may differ and be suggested.")] = "0",
    run: Annotated[int, typer.Option(help="How many items one deposit may be the sum of.", **SMALL)] = 7,
    since: Annotated[
        datetime | None, typer.Option(help="Expect goods from this day on; all by default.", **DAY)
    ] = None,
    organisation: Annotated[int | None, typer.Option(help="Whose money: 1 Samfundet, 2 UKA, ...", **SMALL)] = None,
) -> None:
    """Say how money reaches the bank: add a settlement route, or change one."""
    with connect(deployed=True) as connection, translated():
        known = dict(connection.execute("select account_name, account from bank.account order by 1").fetchall())
        if account_name not in known:
            others = f"there are {', '.join(known)}" if known else "`pybridge bank account` adds one"
            raise typer.BadParameter(f"there is no account {account_name}; {others}")
        Bank(connection).set_route(
            route_name=name,
            account=known[account_name],
            source=source,
            payment_method=method,
            gateway=gateway,
            days_min=days[0],
            days_max=days[1],
            fee_rate=decimal_of(fee),
            tolerance=decimal_of(tolerance),
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
