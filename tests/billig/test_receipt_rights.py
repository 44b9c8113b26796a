"""Whose receipt somebody may print, and whose buyer they may name: their own sale or cash point, or by the key."""

from collections.abc import Iterator
from contextlib import ExitStack
from uuid import uuid4

import psycopg
import pytest

from tests.conftest import Connection
from tests.support.domain import (
    Event,
    call,
    close_till,
    confirm,
    expect,
    insert_ticket,
    login_role,
    make_cash_point,
    make_event,
    net,
    one,
    open_till,
    raw_purchase,
    refund,
    reserve,
    run,
    sell,
)


class Logins:
    """Real logins, by what they are."""

    def __init__(self, db: Connection, stack: ExitStack) -> None:
        self.db, self.stack = db, stack
        self.names: dict[str, str] = {}

    def __call__(self, who: str, *groups: str, service: bool = False) -> Connection:
        name = self.stack.enter_context(login_role(self.db, *groups, service=service))
        self.names[who] = name
        return self.stack.enter_context(psycopg.connect(self.db.info.dsn, user=name, autocommit=True))


@pytest.fixture
def logins(db: Connection) -> Iterator[Logins]:
    with ExitStack() as stack:
        yield Logins(db, stack)


@pytest.fixture
def event(db: Connection) -> Event:
    make_cash_point(db, 1)
    make_cash_point(db, 2)
    return make_event(db, num=100)


def printed(login: Connection, **which: object) -> bool:
    return bool(call(login, "receipt", **which))


def test_a_seller_prints_what_they_sold_and_what_was_sold_where_they_sit(
    db: Connection, logins: Logins, event: Event
) -> None:
    kari, ola = logins("kari", "billig_seller"), logins("ola", "billig_seller")
    name = logins.names["kari"]
    sale = sell(kari, event.price_group, 2, seller=name, cash_point=1)
    assert printed(kari, payment=sale.payment)
    for which in ({"payment": sale.payment}, {"purchase": sale.purchase}, {"ticket": sale.tickets[0]}):
        with expect("42501"):
            printed(ola, **which)
    open_till(ola, logins.names["ola"], cash_point=2)
    with expect("42501"):
        printed(ola, payment=sale.payment)
    close_till(ola, 0, logins.names["ola"])
    open_till(ola, logins.names["ola"], cash_point=1, opening_float=500)
    assert printed(ola, payment=sale.payment), "at the drawer that it was sold at"
    back = refund(ola, sale.tickets[:1], seller=logins.names["ola"])
    assert printed(ola, ticket=sale.tickets[0])
    with expect("42501"):
        printed(kari, payment=back[0]["payment"])
    close_till(ola, 400, logins.names["ola"])
    with expect("42501"):
        printed(ola, payment=sale.payment)
    assert printed(ola, payment=back[0]["payment"]), "their own, wherever they are"


def test_who_has_the_key_prints_the_receipt_of_a_purchase_and_no_other(
    db: Connection, logins: Logins, event: Event
) -> None:
    web, kari = logins("web", "billig_web"), logins("kari", "billig_seller")
    mine, other = net(web, event.price_group, 2), net(web, event.price_group)
    confirm(web, mine)
    confirm(web, other)
    key = mine.rows[0]["purchase_key"]
    for login in (web, kari):
        for which in ({"purchase": mine.purchase}, {"purchase": other.purchase}, {"ticket": mine.tickets[0]}):
            with expect("42501"):
                printed(login, **which)
        assert printed(login, purchase=mine.purchase, key=key)
        assert printed(login, ticket=mine.tickets[0], key=key)
        for wrong in (uuid4(), key):
            with expect("P0002"):
                printed(login, purchase=other.purchase, key=wrong)
        with expect("P0002"):
            printed(login, purchase=4711, key=key)
    call(db, "erase_buyer", owner_email="buyer@example.com")
    run(db, "update billig.purchase set owner_email = 'kari@example.org' where purchase = %s", mine.purchase)
    call(db, "erase_buyer", owner_email="kari@example.org")
    with expect("P0002"):
        printed(web, purchase=mine.purchase, key=key)


def test_a_bookkeeper_prints_any_a_service_any_sellers_and_legacy_code_what_it_did(
    db: Connection, logins: Logins, event: Event
) -> None:
    stand, bought = sell(db, event.price_group, cash_point=1), net(db, event.price_group)
    confirm(db, bought)
    bookkeeper = logins("books", "bookkeeper")
    perl = logins("perl", "billig_seller", "billig_web", "billig_legacy", service=True)
    legacy, dev = logins("legacy", "billig_legacy"), logins("dev", "billig_dev")
    for purchase in (stand.purchase, bought.purchase):
        assert printed(bookkeeper, purchase=purchase)
    assert printed(perl, purchase=stand.purchase)
    with expect("42501"):
        printed(perl, purchase=bought.purchase)
    raw = insert_ticket(dev, event.price_group, raw_purchase(dev), sale_channel="STAND", paid="now")
    for login in (legacy, dev):
        assert printed(login, ticket=raw)
        for purchase in (stand.purchase, bought.purchase):
            with expect("42501"):
                printed(login, purchase=purchase)


def test_a_buyer_is_named_by_who_sold_or_is_about_to_be_paid_or_has_the_key(
    db: Connection, logins: Logins, event: Event
) -> None:
    kari, ola, web = logins("kari", "billig_seller"), logins("ola", "billig_seller"), logins("web", "billig_web")
    sale = sell(kari, event.price_group, seller=logins.names["kari"], cash_point=1)
    with expect("42501"):
        call(ola, "name_buyer", purchase=sale.purchase, owner_name="Nobody")
    with expect("42501"):
        call(web, "name_buyer", purchase=sale.purchase, owner_name="Nobody")
    call(kari, "name_buyer", purchase=sale.purchase, owner_name="Kari Nordmann")
    held = reserve(kari, event.price_group, seller=logins.names["kari"])
    call(ola, "name_buyer", purchase=held.purchase, owner_name="Before it is paid")
    bought = net(web, event.price_group)
    confirm(web, bought)
    for login in (ola, web):
        with expect("42501"):
            call(login, "name_buyer", purchase=bought.purchase, owner_name="Nobody")
        with expect("P0002"):
            call(login, "name_buyer", purchase=bought.purchase, owner_name="Nobody", key=uuid4())
    call(web, "name_buyer", purchase=bought.purchase, owner_name="Ola", key=bought.rows[0]["purchase_key"])
    call(logins("books", "bookkeeper"), "name_buyer", purchase=bought.purchase, owner_name="Ola")
    assert one(db, "select count(*) from billig.purchase where owner_name is not null") == 3
    with expect("22023"):
        call(web, "name_buyer", purchase=bought.purchase, owner_name="", key=bought.rows[0]["purchase_key"])
