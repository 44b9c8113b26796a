"""`pybridge receipt`: prints the receipts of a payment, one per organisation; after the first print they are copies.

What they say is the database's.
"""

from dataclasses import asdict
from typing import Annotated, Literal
from uuid import UUID

import typer

from pybridge.cli.common import KEY, Lang
from pybridge.cli.plain import group
from pybridge.client import Client
from pybridge.database import connect
from pybridge.reports import receipts

app = group()


@app.command()
def receipt(
    payment: Annotated[int | None, typer.Argument(help="The payment.", **KEY)] = None,
    purchase: Annotated[int | None, typer.Option(help="Or the purchase: its first sale.", **KEY)] = None,
    ticket: Annotated[int | None, typer.Option(help="Or a ticket: its last payment, a refund's too.", **KEY)] = None,
    key: Annotated[
        UUID | None, typer.Option(help="The purchase's key: for who did not sell it, and sits elsewhere.")
    ] = None,
    form: Annotated[Literal["text", "html"], typer.Option("--format", help="For a till printer, or a page.")] = "text",
    paper: Annotated[Literal["80mm", "a4"], typer.Option(help="What a page is printed on.")] = "80mm",
    lang: Lang = "nb",
) -> None:
    if sum(each is not None for each in (payment, purchase, ticket)) != 1:
        raise typer.BadParameter("name a payment, a purchase or a ticket, and one of them")
    with connect(deployed=True) as connection:
        rows = Client(connection).receipt(payment=payment, purchase=purchase, ticket=ticket, language=lang, key=key)
        found = receipts.laid_out(connection, map(asdict, rows), lang)
    typer.echo(receipts.to_html(found, paper) if form == "html" else receipts.to_text(found), nl=False)
