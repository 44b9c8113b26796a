"""`pybridge receipt`: prints the receipts of a payment, one per organisation; after the first print they are copies.

What they say is the database's.
"""

from dataclasses import asdict
from typing import Annotated, Literal

import typer

from pybridge.cli.common import Lang
from pybridge.cli.plain import group
from pybridge.client import Client
from pybridge.database import connect
from pybridge.reports import receipts

app = group()


@app.command()
def receipt(
    payment: Annotated[int | None, typer.Argument(min=1, max=2**63 - 1, help="The payment.")] = None,
    purchase: Annotated[int | None, typer.Option(min=1, max=2**63 - 1, help="Or the purchase: its first sale.")] = None,
    ticket: Annotated[
        int | None, typer.Option(min=1, max=2**63 - 1, help="Or a ticket: its last payment, a refund's too.")
    ] = None,
    form: Annotated[Literal["text", "html"], typer.Option("--format", help="For a till printer, or a page.")] = "text",
    paper: Annotated[Literal["80mm", "a4"], typer.Option(help="What a page is printed on.")] = "80mm",
    lang: Lang = "nb",
) -> None:
    if sum(each is not None for each in (payment, purchase, ticket)) != 1:
        raise typer.BadParameter("name a payment, a purchase or a ticket, and one of them")
    with connect(deployed=True) as connection:
        rows = Client(connection).receipt(payment=payment, purchase=purchase, ticket=ticket, language=lang)
        found = receipts.laid_out(connection, map(asdict, rows), lang)
    typer.echo(receipts.to_html(found, paper) if form == "html" else receipts.to_text(found), nl=False)
