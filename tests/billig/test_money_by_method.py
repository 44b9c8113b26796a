"""A purchase is paid back by each method as it came in, to the øre; and what is refused of payments and keys."""

import random
import threading
import time
from decimal import Decimal

import pytest

from tests.conftest import Connect
from tests.support import domain
from tests.support.domain import Connection, expect, one, run, sell


@pytest.mark.parametrize(
    ("count", "amounts"),
    [(3, {"CASH": "100", "CARD": "200"}), (7, {"CASH": "256.67", "CARD": "256.67", "VIPPS": "186.66"})],
)
def test_tickets_refunded_one_by_one_pay_back_what_came_in(db: Connection, count: int, amounts: dict[str, str]) -> None:
    event = domain.make_event(db, prices=[100], fee=0)
    sale = sell(db, event.price_group, count, methods=list(amounts), amounts=[Decimal(a) for a in amounts.values()])
    for ticket in random.Random(count).sample(sale.tickets, count):
        domain.refund(db, [ticket])
    assert domain.money_left(db) == {}


def test_money_given_back_when_a_price_group_changed_is_not_given_back_again(db: Connection) -> None:
    event = domain.make_event(db, prices=[100, 150], fee=0)
    low, high = event.price_groups
    sale = sell(db, low, methods=["CARD"])
    for price_group in (high, low, high, low):
        domain.call(
            db,
            "change_price_group",
            tickets=sale.tickets,
            price_group=price_group,
            seller=domain.SELLER,
            payment_methods=["CASH"],
        )
    domain.refund(db, sale.tickets)
    assert domain.money_left(db) == {}


def test_after_an_exchange_the_rest_is_paid_back_as_it_came_in(db: Connection) -> None:
    event = domain.make_event(db, prices=[100, 70], fee=0)
    high, low = event.price_groups
    sale = sell(db, high, 3, methods=["CASH", "CARD"], amounts=[100, 200])
    new = domain.call(
        db, "ticket_exchange", old_tickets=sale.tickets, price_groups=[low], counts=[1], seller=domain.SELLER
    )
    domain.refund(db, [row["new_ticket"] for row in new if row["new_ticket"]])
    assert domain.money_left(db) == {}


def test_what_is_given_for_nothing_is_refused(db: Connection) -> None:
    event = domain.make_event(db, prices=[0], fee=0)
    with expect("22023"):
        sell(db, event.price_group, methods=["CASH"], amounts=[100])
    with expect("22023"):
        sell(db, event.price_group, methods=["SHELLS"])


def test_a_method_is_named_once(db: Connection) -> None:
    event = domain.make_event(db, prices=[100], fee=0)
    with expect("22023"):
        sell(db, event.price_group, methods=["CASH", "CASH"], amounts=[50, 50])


@pytest.mark.parametrize("amount", ["Infinity", "NaN"])
def test_what_is_no_amount_is_a_bad_argument(db: Connection, amount: str) -> None:
    event = domain.make_event(db, prices=[100], fee=0)
    with expect("22023"):
        sell(db, event.price_group, methods=["CASH"], amounts=[Decimal(amount)])


def test_a_refund_with_amounts_and_no_methods_is_refused(db: Connection) -> None:
    sale = sell(db, domain.make_event(db).price_group)
    with expect("22023"):
        domain.refund(db, sale.tickets, payment_amounts=[Decimal(50)])


@pytest.mark.parametrize("table", ["ticket", "purchase"])
def test_a_client_cannot_choose_a_key_that_ends_the_sequence(db: Connection, table: str) -> None:
    event = domain.make_event(db)
    last = 2**63 - 1
    with expect("22023"):
        if table == "purchase":
            domain.raw_purchase(db, last)
        else:
            domain.insert_ticket(db, event.price_group, ticket=last)
    assert sell(db, event.price_group).tickets


def test_num_changed_meanwhile_survives_a_client_that_writes_num_sold(db: Connection, connect: Connect) -> None:
    group = domain.make_event(db, num=10).ticket_group
    client = connect()
    with db.transaction():
        run(db, "update billig.ticket_group set num = 60 where ticket_group = %s", group)
        # The client's statement sees num 10 still, and waits at the lock until 60 is committed.
        run(db, "select pg_advisory_xact_lock(4711)")
        writer = threading.Thread(
            target=run,
            args=(
                client,
                """
                update billig.ticket_group set num_sold = 0
                where ticket_group = %s and pg_advisory_xact_lock(4711) is not null
                """,
                group,
            ),
        )
        writer.start()
        while not one(db, "select count(*) from pg_locks where locktype = 'advisory' and not granted"):
            time.sleep(0.01)
    writer.join()
    assert one(db, "select num from billig.ticket_group where ticket_group = %s", group) == 60
    assert domain.consistency(db) == {}


def test_an_empty_email_erases_nobody_else(db: Connection) -> None:
    run(db, "insert into billig.purchase (owner_member_id, owner_email) values (42, null)")
    domain.call(db, "erase_buyer", owner_member_id=7, owner_email="")
    assert one(db, "select count(*) from billig.purchase where owner_member_id = 42") == 1


def test_tickets_bought_by_card_alone_are_its_members(db: Connection) -> None:
    run(db, "insert into billig.ticket_card (card, owner_member_id) values (77, 7)")
    sale = domain.create_purchase(db, "NET", domain.make_event(db).price_group, card=77)
    assert one(db, "select owner_member_id from billig.purchase where purchase = %s", sale.purchase) == 7


def test_free_tickets_confirmed_after_they_are_gone_are_sold_out(db: Connection) -> None:
    event = domain.make_event(db, prices=[0], fee=0, num=1)
    sale = domain.net(db, event.price_group)
    domain.call(db, "abort_purchase", purchase=sale.purchase)
    sell(db, event.price_group, methods=())
    with expect("23B01"):
        domain.confirm(db, sale)
