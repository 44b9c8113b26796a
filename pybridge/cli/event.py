"""`pybridge event`: cancels an event and gives back what was sold of it, or moves it. The database decides."""

import time
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.text import Text

from pybridge.cli.common import REFUSED, Json, fail, print_json
from pybridge.cli.plain import group
from pybridge.client import Client
from pybridge.client.billig import RefundCancelledRow
from pybridge.database import connect
from pybridge.errors import Busy, Deadlock
from pybridge.formats import kroner
from pybridge.terminal import new_table, progress

PATIENCE = 60.0
"""Seconds that nothing moves, since somebody else has what is left in hand, until the command gives up."""

Number = Annotated[int, typer.Argument(min=1, max=2**31 - 1, help="Number of the event.")]

app = group()


@app.command()
def cancel(
    event: Number,
    reason: Annotated[
        str | None, typer.Option(help="Why. Leave it out to go on with a cancellation that was begun.")
    ] = None,
    used: Annotated[
        Literal["refund", "keep"], typer.Option(help="Whether tickets that were used are paid back.")
    ] = "refund",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it would come to, and what is in the way; change nothing.")
    ] = False,
    batch: Annotated[int, typer.Option(min=1, max=10_000, help="How many purchases are done at a time.")] = 100,
    as_json: Json = False,
) -> None:
    """Cancel an event, and give back what was sold of it. Stopped anywhere, it goes on where it was."""
    with connect(deployed=True) as connection:
        client = Client(connection)
        if dry_run:
            items = client.preview_cancel(event=event, used_tickets=used.upper())
            if as_json:
                print_json([asdict(each) for each in items])
            else:
                _tell(items)
            return
        if reason is not None:
            client.cancel_event(event=event, reason=reason, used_tickets=used.upper())
        done = _give_back(client, event, batch)
    if as_json:
        print_json(done)
    else:
        typer.echo(
            f"event {event}: {done['purchases_done']} purchases done; {done['tickets_refunded']} tickets,"
            f" {kroner(done['refunded_amount'])}, go back by their providers; {done['tickets_let_go']} unpaid ones"
            f" let go; {done['tickets_owed']} tickets, {kroner(done['owed_amount'])}, are owed at stands;"
            f" {done['tickets_kept']} kept, {done['tickets_disputed']} in dispute"
        )
    if done["purchases_refused"]:
        raise fail(
            REFUSED,
            f"{done['purchases_left']} purchases are left; {done['purchases_refused']} of them were refused.",
            f"What stands in the way: pybridge event cancel {event} --dry-run",
        )
    if done["purchases_left"]:
        raise fail(
            REFUSED,
            f"{done['purchases_left']} purchases are left: somebody else has them in hand.",
            f"Go on later: pybridge event cancel {event}",
        )


def _give_back(client: Client, event: int, batch: int) -> dict[str, Any]:
    """Call after call, each its own transaction, until nothing is left or nothing moves."""
    total: dict[str, Any] = {"purchases_refused": 0}
    moved = time.monotonic()
    with progress() as tell:
        while True:
            found: RefundCancelledRow | None = None
            try:
                (found,) = client.refund_cancelled(event=event, purchases=batch)
            except (Busy, Deadlock):
                if time.monotonic() - moved > PATIENCE:
                    raise
            if found is not None:
                refused_before = total["purchases_refused"]
                for name, value in asdict(found).items():
                    is_state = name in ("purchases_left", "purchases_refused")
                    total[name] = value if is_state else total.get(name, 0) + value
                tell("purchases", total["purchases_done"], total["purchases_done"] + found.purchases_left)
                is_stuck = found.purchases_refused == found.purchases_left and not found.purchases_done
                if not found.purchases_left or is_stuck:
                    return total
                if found.purchases_done or found.purchases_refused > refused_before:
                    moved = time.monotonic()
                    continue
                if time.monotonic() - moved > PATIENCE:
                    return total
            time.sleep(0.5)


def _tell(items: list[Any]) -> None:
    if not items:
        typer.echo("There are no live tickets, and nothing is in the way.")
        return
    table = new_table("", "means", "purchases", "tickets", "NOK", "", right=("purchases", "tickets", "NOK"))
    for each in items:
        table.add_row(
            Text(each.item),
            Text(each.payment_method or ""),
            str(each.purchases),
            str(each.tickets),
            kroner(each.amount or Decimal(0)),
            Text(("! " if each.is_in_the_way else "") + each.note),
        )
    Console().print(table)
    if any(each.is_in_the_way for each in items):
        typer.echo("! look at these first")


def _time(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M")
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a local time such as '2026-10-08 21:00'") from None


TIME: dict[str, Any] = {"parser": _time, "metavar": "'YYYY-MM-DD HH:MM'"}


@app.command()
def move(
    event: Number,
    to: Annotated[datetime, typer.Option("--to", help="When it is to begin, local time.", **TIME)],
    reason: Annotated[str, typer.Option(help="Why.")],
    place: Annotated[str | None, typer.Option(help="Where, if that is another place.")] = None,
    sale_from: Annotated[datetime | None, typer.Option("--sale-from", help="When its sale opens.", **TIME)] = None,
    sale_to: Annotated[datetime | None, typer.Option("--sale-to", help="When its sale ends.", **TIME)] = None,
    past: Annotated[bool, typer.Option("--past", help="The new time may be past: it was held already.")] = False,
    as_json: Json = False,
) -> None:
    """Move an event to another time; one that was cancelled is to be held again."""
    with connect(deployed=True) as connection:
        (moved,) = Client(connection).move_event(
            event=event,
            event_time=to,
            reason=reason,
            event_location=place,
            sale_from=sale_from,
            sale_to=sale_to,
            past=past,
        )
    if as_json:
        print_json(asdict(moved))
    else:
        typer.echo(
            f"event {event} is at {to:%Y-%m-%d %H:%M}: {moved.tickets} live tickets, {moved.vat_tickets} of them at"
            " another VAT rate than before"
        )
