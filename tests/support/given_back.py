"""Words for what goes back in part: reductions, what is kept of refunds, disputes; and what is left then."""

from decimal import Decimal
from typing import Any

from tests.support.domain import Connection, Row, Sale, Wanted, call, confirm, log_rows, net, rows

REASON = "the headliner fell ill"


def reduce(db: Connection, tickets: list[int], *amounts: object, **arguments: object) -> list[Decimal]:
    arguments = {"seller": "kari", "reason": REASON, **arguments}
    return [row["amount"] for row in call(db, "reduce_price", tickets=tickets, amounts=list(amounts), **arguments)]


def moved(db: Connection, ticket: int) -> list[tuple[Any, ...]]:
    """Of a ticket's rows that move money: type, the ticket's part, the fee's."""
    return [(r["type"], r["amount"], r["fee_amount"]) for r in log_rows(db, ticket) if r["amount"] or r["fee_amount"]]


def left(db: Connection, ticket: int) -> tuple[Any, ...]:
    """What the log says is left of a ticket: its part, the fee's, and the VAT of both."""
    (row,) = rows(
        db,
        "select sum(amount) as amount, sum(fee_amount) as fee, sum(vat_amount + fee_vat_amount) as vat"
        " from billig.transaction_log where ticket = %s",
        ticket,
    )
    return row["amount"], row["fee"], row["vat"]


def web(db: Connection, wanted: Wanted, count: int = 1, *, reference: str | None = None) -> Sale:
    """Sold on the web and paid, under this reference of the provider."""
    sale = net(db, wanted, count)
    confirm(db, sale, reference=reference)
    return sale


def charge_back(db: Connection, dispute: str = "dp_1", provider: str | None = "ref-1", **more: object) -> list[Row]:
    return call(db, "record_chargeback", dispute_reference=dispute, provider_reference=provider, **more)


def won(db: Connection, dispute: str = "dp_1", **more: object) -> list[Row]:
    return call(db, "record_chargeback_won", dispute_reference=dispute, **more)
