"""The demo's tickets of which a part goes back: kept of a refund, taken off a price, disputed with the provider.

And a VAT rate, made up, that will be another on the day of some events, where the database is the demo's own.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.rows import dict_row
from rich.console import Console

from pybridge.client import Client
from pybridge.formats import kroner

from .show import heading, table

HISTORY = """
    select
        h.ticket, h.paid_amount, h.reduced_amount, h.charged_back_amount, h.refunded_amount,
        h.paid_amount + h.reduced_amount + h.charged_back_amount + h.refunded_amount as left_amount,
        (
            select string_agg(t.transaction_type, ', ' order by t.first_row)
            from (
                select t.transaction_type, min(t.transaction_log) as first_row
                from report.transaction as t
                where t.ticket = h.ticket and t.kind in ('REFUND', 'CHANGE')
                group by t.transaction_type
            ) as t
        ) as what
    from report.ticket_history as h
    where h.ticket = any (%s)
    order by h.ticket
"""
# From the last event's day on, of the code that fewest tickets have: few change.
NEW_RATE = """
    insert into books.vat_rate (vat_code, valid_from, rate)
    select t.vat_code, max(e.event_time)::date, max(t.vat_rate) - 1
    from billig.ticket as t
    inner join billig.event as e on t.event = e.event
    where t.vat_rate > 1 and t.paid is not null and t.refunded is null and e.event_time > billig.local_time()
    group by t.vat_code
    order by count(*), t.vat_code
    limit 1
    on conflict (vat_code, valid_from) do nothing
"""


def give_back(till: Client, seller: str, price_group: int, fee: Decimal) -> list[int]:
    """Two at a stand: one is refunded but for its fee, and the price of the other is reduced."""
    sold = till.create_purchase(
        sale_channel="STAND", price_groups=[price_group], counts=[2], seller=seller, payment_methods=["CARD"]
    )
    first, second = (each.ticket for each in sold)
    till.refund(tickets=[first], seller=seller, kept=[fee])
    till.reduce_price(tickets=[second], amounts=[Decimal(20)], seller=seller, reason="Rain on the stage")
    return [first, second]


def dispute(web: Client, price_group: int) -> list[int]:
    """Two bought on the web, each disputed by its buyer: one dispute is won."""
    tickets = []
    for turn in ("lost", "won"):
        (bought,) = web.create_purchase(
            sale_channel="NET", price_groups=[price_group], counts=[1], owner_email=f"{turn}@example.org"
        )
        web.confirm_net_payment(
            purchase=bought.purchase, amount=bought.price, provider_reference=f"demo-{bought.purchase}"
        )
        name = f"demo-dispute-{bought.purchase}"
        web.record_chargeback(dispute_reference=name, provider_reference=f"demo-{bought.purchase}")
        if turn == "won":
            web.record_chargeback_won(dispute_reference=name, reason="The buyer was let in at the door")
        tickets.append(bought.ticket)
    return tickets


def change_vat(connection: psycopg.Connection[Any], books: Client) -> list[int]:
    """A rate from the day of the last events on: what was sold for them takes it over. One such ticket, if any."""
    connection.execute(NEW_RATE)
    if not books.change_vat():
        return []
    query = "select min(ticket) from report.transaction where transaction_type = 'VAT_CHANGE' and total_amount <> 0"
    found = connection.execute(query).fetchone()
    return [found[0]] if found and found[0] else []


def show(connection: psycopg.Connection[Any], console: Console, tickets: Sequence[int]) -> None:
    heading(
        console,
        "Given back in part, disputed, or at another VAT rate",
        "From report.ticket_history: what was paid for a ticket, what went back, and what is left.",
    )
    names = ("paid", "reduced", "charged back", "refunded", "left")
    drawn = table("ticket", "what happened", *names, right=("ticket", *names))
    with connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(HISTORY, [list(tickets)]):
            amounts = [row[f"{name.replace(' ', '_')}_amount"] for name in names]
            drawn.add_row(str(row["ticket"]), row["what"], *(kroner(each) if each else "" for each in amounts))
    console.print(drawn)
