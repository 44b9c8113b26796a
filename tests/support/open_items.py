"""Reservations and web sales over some days: what is open, paid, let go and owed back."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.support.domain import (
    LOW_RATE,
    MIDDLE_RATE,
    SAMFUNDET,
    SELLER,
    UKA,
    Connection,
    Event,
    call,
    confirm,
    make_event,
    net,
    net_paid,
    one,
    pay,
    refund,
    reserve,
    rows,
    run,
    sell,
)


def move(db: Connection, tickets: Sequence[int], *, days: int, after: int = 0) -> None:
    """What happened to these tickets happened so many days later, with the guard of the log off."""
    with db.transaction():
        run(db, "alter table billig.transaction_log disable trigger transaction_log_keep")
        run(
            db,
            """
            update billig.transaction_log
            set
                transaction_date = transaction_date + %s,
                transaction_time = transaction_time + make_interval(days => %s)
            where ticket = any (%s) and transaction_log > %s
            """,
            days,
            days,
            list(tickets),
            after,
        )
        run(db, "alter table billig.transaction_log enable always trigger transaction_log_keep")


@contextmanager
def ago(db: Connection, days: int) -> Iterator[None]:
    """What is done inside happened so many days ago."""
    after = one(db, "select coalesce(max(transaction_log), 0) from billig.transaction_log")
    yield
    move(db, [row["ticket"] for row in rows(db, "select ticket from billig.ticket")], days=-days, after=after)


def live_through_open_items(db: Connection) -> tuple[Event, Event]:
    """A reserved table and web sales over four days: changed, paid, cancelled, timed out, paid too late, paid back."""
    dinner = make_event(db, prices=(110, 70), fee=10, organisation=SAMFUNDET, vat_code=MIDDLE_RATE)
    film = make_event(db, prices=(50,), num=4, organisation=UKA, project_vat_code=None, vat_code=LOW_RATE)
    with ago(db, 3):
        table = reserve(db, dinner.price_group, 4)
        lost = net(db, film.price_group, 3)
    with ago(db, 2):
        call(db, "change_price_group", tickets=table.tickets[:1], price_group=dinner.price_groups[1], seller=SELLER)
        call(db, "abort_purchase", purchase=lost.purchase)
        refund(db, net_paid(db, film.price_group).tickets, seller=None)  # opens nothing
    with ago(db, 1):
        pay(db, table, tickets=table.tickets[:2])
        call(db, "cancel_reservation", purchase=table.purchase, seller=SELLER, tickets=table.tickets[2:3])
        sell(db, film.price_group, 4)
        (owed,) = confirm(db, lost)
        assert owed["result"] == "OWED"
    run(db, "update billig.owed_back set recorded_at = recorded_at - interval '1 day'")
    call(db, "settle_owed_back", owed_back=one(db, "select owed_back from billig.owed_back"), reference="bank 1")
    return dinner, film
