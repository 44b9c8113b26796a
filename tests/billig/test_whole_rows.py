"""What clients that save whole rows may say, each guard with its control; and what rows of the old schema become."""

from typing import Any

import psycopg
import pytest

from tests.conftest import Connect, Connection
from tests.support.domain import (
    consistency,
    expect,
    insert_ticket,
    log_rows,
    make_event,
    make_project,
    net,
    one,
    raw_purchase,
    rows,
    run,
    sell,
    ticket_row,
    update_ticket,
)
from tests.support.hall import login_roles

DEVELOPER = "whole_developer"


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "control"])
def test_a_client_states_no_price(db: Connection, connect: Connect, guarded: bool) -> None:
    event = make_event(db)
    if not guarded:
        run(db, "alter table billig.ticket disable trigger refuse_stated")
    as_sold = ticket_row(db, net(db, event.price_group).ticket)
    cheap = {**as_sold, "ticket": as_sold["ticket"] + 1, "price": 1, "fee": 0}
    with login_roles(db, {DEVELOPER: ["billig_dev"]}), connect(DEVELOPER) as developer:
        if guarded:
            with expect("42501"):
                insert_ticket(developer, **cheap)
        else:
            assert ticket_row(db, insert_ticket(developer, **cheap))["price"] == 1


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "control"])
def test_a_client_takes_no_payment_and_gives_no_part_back(db: Connection, connect: Connect, guarded: bool) -> None:
    event = make_event(db)
    if not guarded:
        run(db, "alter table billig.ticket disable trigger refuse_moved")
    unpaid, live = net(db, event.price_group).ticket, sell(db, event.price_group).ticket
    changes: list[tuple[int, dict[str, Any]]] = [(unpaid, {"paid": "2026-11-01"}), (live, {"reduced": 40})]
    with login_roles(db, {DEVELOPER: ["billig_dev"]}), connect(DEVELOPER) as developer:
        for ticket, change in changes:
            if guarded:
                with expect("42501"):
                    update_ticket(developer, ticket, **change)
            else:
                assert update_ticket(developer, ticket, **change) == 1
                assert log_rows(db, ticket)[-1]["amount"] in (100, -40)


# --- What rows of the old schema become -----------------------------------------------------------------------------


def test_a_clients_purchase_was_made_at_a_time_that_there_is(db: Connection, connect: Connect) -> None:
    with login_roles(db, {DEVELOPER: ["billig_dev"]}), connect(DEVELOPER) as developer:
        for made in ("infinity", "-infinity", "1999-01-01", "2102-01-01"):
            for statement in (
                b"insert into billig.purchase (purchase_time) values (%s)",
                b"insert into billig.purchase (erased) values (%s)",
            ):
                with pytest.raises(psycopg.errors.CheckViolation, match="moment"):
                    developer.execute(statement, (made,))
        purchase = one(
            developer, "insert into billig.purchase (purchase_time) values ('2026-11-01') returning purchase"
        )
    assert one(db, "select purchase_time from billig.purchase where purchase = %s", purchase).year == 2026


def test_an_event_without_a_day_loads_and_is_sold_once_it_has_one(db: Connection) -> None:
    project = make_project(db)
    (seed,) = rows(
        db,
        "insert into billig.event (event_name, event_type, organisation, project, external_id, a4_ticket_layout)"
        " values ('Planned', 'concert', 2, %s, 4711, 3) returning event, sale_from::text, sale_to::text, hidden",
        project,
    )
    assert seed == {
        "event": seed["event"], "sale_from": "2000-01-01 00:00:00", "sale_to": "2099-12-31 00:00:00", "hidden": False,
    }  # fmt: skip
    group = one(
        db,
        "insert into billig.ticket_group (event, ticket_group_name, num) values (%s, 'Floor', 9)"
        " returning ticket_group",
        seed["event"],
    )
    price = one(
        db,
        "insert into billig.price_group (ticket_group, price_group_name, price) values (%s, 'All', 100)"
        " returning price_group",
        group,
    )
    with expect("23B16"):
        sell(db, price)
    with expect("23B16"):
        insert_ticket(db, price, raw_purchase(db))
    assert consistency(db) == {}
    run(db, "update billig.event set event_time = '2099-10-08 20:00' where event = %s", seed["event"])
    assert rows(
        db, "select known_on::text, event_date::text from billig.event_date where event = %s", seed["event"]
    ) == [{"known_on": "0001-01-01", "event_date": "2099-10-08"}]
    sell(db, price)
    with expect("23B20"):
        run(db, "update billig.event set event_time = null where event = %s", seed["event"])
    run(db, "update billig.event set event_time = '2099-10-09 20:00' where event = %s", seed["event"])
    assert consistency(db) == {}


def test_an_event_type_is_a_name_that_there_is_and_follows_it(db: Connection) -> None:
    event = make_event(db).event
    with expect("23503", native=True):
        run(db, "update billig.event set event_type = 'no such type' where event = %s", event)
    run(db, "update billig.event set event_type = 'concert' where event = %s", event)
    run(db, "update billig.event_type set event_type_name = 'konsert' where event_type_name = 'concert'")
    assert one(db, "select event_type from billig.event_lim_web where event = %s", event) == "konsert"


def test_what_legacy_has_as_not_null_is_not_null_and_a_fee_is_whole_kroner(db: Connection) -> None:
    event = make_event(db, fee=10).event
    for column in ("sale_from", "sale_to", "hidden", "ticket_fee"):
        with pytest.raises(psycopg.errors.NotNullViolation):
            db.execute(f"update billig.event set {column} = null where event = {event}".encode())
    with expect("23514", native=True):
        run(db, "update billig.event set ticket_fee = 12.5 where event = %s", event)
    assert one(db, "select ticket_fee::text from billig.event where event = %s", event) == "10"
    with pytest.raises(psycopg.errors.NotNullViolation):
        run(db, "insert into billig.payment_error (error, failed) values ('e', now())")


# --- Keys -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "control"])
def test_a_purchase_keeps_its_number_whoever_saves_it(db: Connection, connect: Connect, guarded: bool) -> None:
    if not guarded:
        run(db, "alter table billig.purchase disable trigger purchase_fill")
    purchase = raw_purchase(db)
    statement = "update billig.purchase set purchase = %s, owner_email = 'kari@example.com' where purchase = %s"
    with login_roles(db, {DEVELOPER: ["billig_dev"]}), connect(DEVELOPER) as developer:
        for somebody in (developer, db):
            if guarded:
                with expect("23B20"):
                    run(somebody, statement, purchase + 1, purchase)
            run(somebody, statement, purchase, purchase)  # a whole row, its key as it was read
        if not guarded:
            run(developer, statement, purchase + 1, purchase)
    found = one(db, "select array_agg(purchase) from billig.purchase where owner_email = 'kari@example.com'")
    assert found == [purchase if guarded else purchase + 1]


def test_a_clients_key_is_near_the_largest_and_the_owner_brings_history(db: Connection, connect: Connect) -> None:
    """Keys that follow go on from it: one number typed wrongly would use them up."""
    price_group = make_event(db).price_group
    last = raw_purchase(db)
    with login_roles(db, {DEVELOPER: ["billig_dev"]}), connect(DEVELOPER) as developer:
        with expect("22023"):
            raw_purchase(developer, last + 1_000_001)
        assert raw_purchase(developer) < last + 10, "what was refused moved nothing"
        last = raw_purchase(developer)
        assert raw_purchase(developer, last + 1_000_000) == last + 1_000_000
        purchase = raw_purchase(developer)
        assert purchase == last + 1_000_001
        ticket = insert_ticket(developer, price_group, purchase)
        with expect("22023"):
            insert_ticket(developer, price_group, purchase, ticket=ticket + 1_000_001)
        assert insert_ticket(developer, price_group, purchase, ticket=ticket + 5000) == ticket + 5000
    assert raw_purchase(db, purchase + 50_000_000) == purchase + 50_000_000
    assert raw_purchase(db) == purchase + 50_000_001
    assert consistency(db) == {}


def test_a_role_that_cannot_log_in_is_no_seller_and_is_listed_where_somebody_named_it(db: Connection) -> None:
    event = make_event(db)
    named = "select seller, registered_at is not null as known from billig.seller where lower(seller) = 'auditor'"
    for name in ("auditor", "Auditor"):
        with expect("22023"):
            run(db, "select billig.register_seller(%s)", name)
    assert rows(db, named) == []
    sell(db, event.price_group, seller="Auditor")  # a service's word, by one who may name anybody
    assert rows(db, named) == [{"seller": "Auditor", "known": False}]
    assert one(db, "select count(*) from report.seller where seller = 'Auditor'") == 1
    with expect("22023"):
        run(db, "select billig.register_seller('Auditor')")
    run(db, "select billig.register_seller('Auditorium')")  # the control
