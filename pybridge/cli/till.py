"""`pybridge till`: opens, counts and closes tills, and prints X and Z reports. Each command is one call."""

from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from pybridge.cli.common import KEY, SMALL, Json, not_empty, print_json
from pybridge.cli.plain import group
from pybridge.client import Client
from pybridge.client.billig import TillCloseRow, TillStatusRow, XReportRow, ZReportRow
from pybridge.database import connect
from pybridge.formats import kroner, local
from pybridge.terminal import new_table

Seller = Annotated[str | None, typer.Option(help="Whose till; the login role by default.", callback=not_empty)]
Stand = Annotated[int, typer.Argument(min=0, max=2**31 - 1, help="Number of the cash point.")]


app = group()


@app.command()
def stand(
    cash_point: Stand,
    name: Annotated[str, typer.Argument(help="Its name.")],
    place: Annotated[str | None, typer.Option(help="Where it stands.")] = None,
    payment_method: Annotated[str, typer.Option(help="What legacy refunds there are paid back in.")] = "CASH",
    session_required: Annotated[
        bool | None, typer.Option(help="Whether functions take money there in an open session only.")
    ] = None,
    organisation: Annotated[
        int | None,
        typer.Option(help="Whose it is: 1 Samfundet, 2 UKA, ... A new one needs it; else it stays.", **SMALL),
    ] = None,
) -> None:
    """Register a cash point, or change it."""
    with connect(deployed=True) as connection:
        Client(connection).register_cash_point(
            cash_point=cash_point,
            name=name,
            place=place,
            payment_method=payment_method,
            session_required=session_required,
            organisation=organisation,
        )
    typer.echo(f"cash point {cash_point} is {name}")


@app.command("open")
def open_(
    cash_point: Stand,
    opening_float: Annotated[str, typer.Option("--float", help="Cash in the drawer, whole kroner.")] = "0",
    drawer: Annotated[int, typer.Option(min=1, max=2**31 - 1, help="Drawer, where each seller has their own.")] = 1,
    seller: Seller = None,
    as_json: Json = False,
) -> None:
    """Open a till session."""
    with connect(deployed=True) as connection:
        (session,) = Client(connection).till_open(
            seller=seller or connection.info.user,
            cash_point=cash_point,
            opening_float=_amount(opening_float),
            drawer=drawer,
        )
    if as_json:
        print_json(asdict(session))
    else:
        typer.echo(
            f"session {session.till_session}: {session.seller} at cash point {session.cash_point},"
            f" drawer {session.drawer}, float {session.opening_float}"
        )


@app.command()
def event(
    event_type: Annotated[
        str, typer.Argument(help="DRAWER_OPENING, PAY_IN, PAY_OUT, OVERDRAW, PRICE_LOOKUP or CORRECTED_LINE.")
    ],
    amount: Annotated[str, typer.Option(help="NOK, positive.")] = "0",
    reason: Annotated[str | None, typer.Option(help="Why; needed where cash moves.")] = None,
    key: Annotated[str, typer.Option(help="What was looked up, or how a line was corrected.")] = "",
    seller: Seller = None,
) -> None:
    """Record what happens at a till besides sales and refunds."""
    with connect(deployed=True) as connection:
        number = Client(connection).till_event(
            seller=seller or connection.info.user,
            event_type=event_type.upper().replace("-", "_"),
            amount=_amount(amount),
            reason=reason,
            item_key=key,
        )
    typer.echo(f"event {number}")


@app.command()
def owed(
    purchase: Annotated[int | None, typer.Option(help="Number of the purchase.", **KEY)] = None,
    ticket: Annotated[int | None, typer.Option(help="Number of one of its tickets.", **KEY)] = None,
    as_json: Json = False,
) -> None:
    """Say what is left of a purchase of cancelled events, and who pays it back."""
    with connect(deployed=True) as connection:
        found = Client(connection).cancelled_tickets(purchase=purchase, ticket=ticket)
    if as_json:
        print_json([asdict(each) for each in found])
        return
    if not found:
        typer.echo("Nothing is left of it, or nothing of it was cancelled.")
        return
    table = new_table("purchase", "ticket", "event", "road", "means", "NOK", right=("purchase", "ticket", "NOK"))
    for each in found:
        table.add_row(
            str(each.purchase), str(each.ticket), Text(each.event_name), each.road, each.payment_method or "",
            kroner(each.amount),
        )  # fmt: skip
    Console().print(table)


@app.command("pay-back")
def pay_back(
    purchase: Annotated[int, typer.Argument(help="Number of the purchase.", **KEY)],
    in_cash: Annotated[bool, typer.Option("--cash", help="All of it in cash, whatever it was paid with.")] = False,
    seller: Seller = None,
    as_json: Json = False,
) -> None:
    """Pay back at the seller's till what a stand owes of a purchase of cancelled events."""
    with connect(deployed=True) as connection:
        paid = Client(connection).pay_cancelled(
            purchase=purchase,
            seller=seller or connection.info.user,
            payment_methods=["CASH"] if in_cash else None,
        )
    if as_json:
        print_json([asdict(each) for each in paid])
    else:
        typer.echo(f"purchase {purchase}: {len(paid)} tickets, {kroner(-sum(each.amount for each in paid))} paid back")


@app.command()
def close(
    counted: Annotated[
        list[str] | None, typer.Option(help="What was counted, METHOD=NOK: CASH=1200. May be given several times.")
    ] = None,
    pieces: Annotated[
        list[str] | None, typer.Option(help="Notes and coins, NOK=PIECES: 500=3. May be given several times.")
    ] = None,
    note: Annotated[str | None, typer.Option(help="What is known of a difference.")] = None,
    session: Annotated[
        int | None, typer.Option(help="The session; for a bookkeeper who closes another's.", **KEY)
    ] = None,
    seller: Seller = None,
    as_json: Json = False,
) -> None:
    """Count a till and close its session."""
    methods = [_pair(each) for each in counted or []]
    denominations = [_pair(each) for each in pieces or []]
    with connect(deployed=True) as connection:
        answer = Client(connection).till_close(
            seller=seller or connection.info.user,
            payment_methods=[name.upper() for name, _ in methods] or None,
            counted=[_amount(value) for _, value in methods] or None,
            denominations=[_whole(name) for name, _ in denominations] or None,
            pieces=[_whole(value) for _, value in denominations] or None,
            note=note,
            till_session=session,
        )
    if as_json:
        print_json([asdict(each) for each in answer])
    else:
        _print_counted(Console(), answer)


@app.command()
def status(
    cash_point: Annotated[int | None, typer.Option(min=0, max=2**31 - 1, help="Of one cash point only.")] = None,
    as_json: Json = False,
) -> None:
    """List the open sessions, and what should be in them now."""
    with connect(deployed=True) as connection:
        answer = Client(connection).till_status(cash_point=cash_point)
    if as_json:
        print_json([asdict(each) for each in answer])
    else:
        _print_status(Console(), answer)


@app.command()
def x(
    cash_point: Stand,
    reason: Annotated[str | None, typer.Option(help="Why; written down with who made it and when.")] = None,
    seller: Annotated[
        str | None, typer.Option(help="Who makes it; the login role by default. A bookkeeper needs none.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Print the X report: what has come since the last Z report."""
    with connect(deployed=True) as connection:
        answer = Client(connection).x_report(cash_point=cash_point, seller=seller, reason=reason)
    if as_json:
        print_json([asdict(each) for each in answer])
    else:
        _print_report(Console(), f"X report, cash point {cash_point}", answer)


@app.command()
def z(
    cash_point: Stand,
    seller: Annotated[
        str | None, typer.Option(help="Who makes it; the login role by default. A bookkeeper needs none.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make the Z report of today, once all sessions are closed."""
    with connect(deployed=True) as connection:
        answer = Client(connection).z_report(cash_point=cash_point, seller=seller)
    if as_json:
        print_json([asdict(each) for each in answer])
    else:
        _print_report(Console(), f"Z report {answer[0].z_number}, cash point {cash_point}", answer)


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text.replace(",", "."))
    except InvalidOperation:
        raise typer.BadParameter(f"{text!r} is not an amount in kroner such as 1200 or 99.50") from None
    if not amount.is_finite() or abs(amount) >= 10**9 or amount != round(amount, 2):
        raise typer.BadParameter(f"{text!r} is not an amount in kroner")
    return amount


def _whole(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise typer.BadParameter(f"{text!r} is not a whole number")
    return int(text)


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not (name and separator and value):
        raise typer.BadParameter(f"{text!r} is not of the form CASH=1200 or 500=3")
    return name.strip(), value.strip()


def _nok(amount: Decimal | None) -> str:
    return "" if amount is None else kroner(amount)


def _print_counted(console: Console, answer: list[TillCloseRow]) -> None:
    names = ("expected", "counted", "difference")
    table = new_table("method", *names, right=names)
    for each in answer:
        style = "bold red" if each.difference else ""
        table.add_row(each.payment_method, _nok(each.expected), _nok(each.counted), Text(_nok(each.difference), style))
    console.print(f"Session {answer[0].till_session} is closed.", highlight=False)
    console.print(table)


def _print_status(console: Console, answer: list[TillStatusRow]) -> None:
    if not answer:
        console.print("No till session is open.")
        return
    names = ("receipts", "expected")
    table = new_table("session", "cash point", "drawer", "seller", "opened", "method", *names, right=names)
    for each in answer:
        table.add_row(
            str(each.till_session),
            Text(f"{each.cash_point} {each.cash_point_name}"),
            str(each.drawer),
            Text(each.seller),
            f"{local(each.opened_at):%Y-%m-%d %H:%M}",
            each.payment_method,
            str(each.receipts),
            _nok(each.expected),
        )
    console.print(table)


def _print_report(console: Console, title: str, answer: Sequence[XReportRow | ZReportRow]) -> None:
    for seller in dict.fromkeys(each.seller for each in answer):
        console.rule(Text(f"{title}{f', {seller}' if seller else ''}", style="bold"), align="left")
        names = ("number", "NOK", "VAT")
        table = new_table("item", "", *names, right=names)
        for each in answer:
            if each.seller == seller:
                table.add_row(
                    each.item.replace("_", " ").capitalize().replace("Vat", "VAT"),
                    Text(each.item_key),
                    str(each.number),
                    _nok(each.amount),
                    _nok(each.vat_amount),
                )
        console.print(table)
