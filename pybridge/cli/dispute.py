"""`pybridge dispute`: says how a dispute of tickets was decided. The database decides what that means."""

from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

import typer

from pybridge.cli.common import DAY, Json, print_json
from pybridge.cli.plain import group
from pybridge.client import Client
from pybridge.database import connect
from pybridge.formats import kroner

Dispute = Annotated[str, typer.Argument(help="The provider's reference of the dispute.")]
Why = Annotated[str | None, typer.Option("--reason", help="Why.")]

app = group()


@app.command()
def decide(
    dispute: Dispute,
    verdict: Annotated[
        Literal["lost", "accepted", "open"],
        typer.Argument(help="Lost; accepted, where you do not contest it; open takes that back, for a reason."),
    ],
    on: Annotated[
        datetime | None, typer.Option("--on", help="The day it was decided; today, if left out.", **DAY)
    ] = None,
    reason: Why = None,
    as_json: Json = False,
) -> None:
    """Say that a dispute was lost, that it is accepted, or that it is open again. No money moves."""
    with connect(deployed=True) as connection:
        (stands,) = Client(connection).decide_dispute(
            dispute_reference=dispute, verdict=verdict.upper(), decided_on=on and on.date(), reason=reason
        )
    if as_json:
        print_json(asdict(stands))
    else:
        typer.echo(f"dispute {dispute}: {stands.status}" + (f" on {stands.decided_on}" if stands.decided_on else ""))


@app.command()
def won(dispute: Dispute, reason: Why = None, as_json: Json = False) -> None:
    """Say that the provider gave back what a dispute had taken."""
    with connect(deployed=True) as connection:
        rows = Client(connection).record_chargeback_won(dispute_reference=dispute, reason=reason)
    if as_json:
        print_json([asdict(each) for each in rows])
        return
    amount = kroner(sum((each.amount for each in rows), Decimal(0)))
    typer.echo(f"dispute {dispute}: WON, NOK {amount}, {sum(each.ticket is not None for each in rows)} tickets")
