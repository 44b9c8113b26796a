"""One purchase, or one failed payment, to who has its key; and keys that nobody guesses."""

from uuid import uuid4

import pytest

from tests.conftest import Connection
from tests.support.domain import call, confirm, expect, make_event, net, one, rows, run, sell


def test_a_purchase_is_shown_to_who_has_its_key(db: Connection) -> None:
    event = make_event(db, prices=(100, 50))
    bought = net(db, {event.price_groups[0]: 1, event.price_groups[1]: 1}, email="kari@example.org")
    confirm(db, bought)
    (key,) = {row["purchase_key"] for row in bought.rows}
    assert (key.version, key) == (4, one(db, "select purchase_key from billig.purchase_key"))

    shown = call(db, "show_purchase", purchase=bought.purchase, key=key)

    assert [(r["ticket"], r["price_group"], r["price"]) for r in shown] == [
        (bought.tickets[0], event.price_groups[0], 100), (bought.tickets[1], event.price_groups[1], 50),
    ]  # fmt: skip
    assert {(r["owner_email"], r["sale_channel"], r["refunded"], r["paid"] is None) for r in shown} == {
        ("kari@example.org", "NET", None, False)
    }
    run(db, "update billig.event set event_name = 'Another'")
    assert {r["event_name"] for r in call(db, "show_purchase", purchase=bought.purchase, key=key)} == {
        shown[0]["event_name"]
    }, "as sold"


def test_each_purchase_has_a_key_of_its_own_and_a_raw_one_none(db: Connection) -> None:
    event = make_event(db)
    sell(db, event.price_group)
    sell(db, event.price_group)
    run(db, "insert into billig.purchase default values")
    assert rows(db, "select count(*), count(distinct purchase_key) as keys from billig.purchase_key") == [
        {"count": 2, "keys": 2}
    ]


def test_the_same_request_again_gives_the_same_key(db: Connection) -> None:
    event = make_event(db)
    first, again = (net(db, event.price_group, email="a@example.org", request_id="r1").rows for _ in range(2))
    assert first == [{**row, "purchase_key": type(first[0]["purchase_key"])(str(row["purchase_key"]))} for row in again]


@pytest.mark.parametrize("mine", [True, False], ids=["another purchase's key", "a key of nobody's"])
def test_another_key_shows_nothing_and_says_no_more_than_for_a_purchase_that_there_is_not(
    db: Connection, mine: bool
) -> None:
    event = make_event(db)
    hers, ours = sell(db, event.price_group), sell(db, event.price_group)
    key = ours.rows[0]["purchase_key"] if mine else uuid4()
    for purchase in (hers.purchase, 4711, None):
        with expect("P0002"):
            call(db, "show_purchase", purchase=purchase, key=key)
    with expect("P0002"):
        call(db, "show_purchase", purchase=hers.purchase, key=None)


def test_a_failed_payment_is_shown_to_who_has_its_key(db: Connection) -> None:
    event = make_event(db)
    failed = {"error": "e1", "message": "Declined", "owner_email": "kari@example.org"}
    key = call(db, "record_payment_error", **failed, price_groups=[event.price_group], counts=[2])[0][
        "record_payment_error"
    ]
    (shown,) = call(db, "show_payment_error", error="e1", key=key)
    assert shown["failed"] is not None
    assert {**failed, "price_group": event.price_group, "number_of_tickets": 2}.items() <= shown.items()
    bare = call(db, "record_payment_error", error="e2", message="Timed out")[0]["record_payment_error"]
    assert [r["price_group"] for r in call(db, "show_payment_error", error="e2", key=bare)] == [None]
    for error, wrong in (("e1", bare), ("e1", uuid4()), ("e3", key), ("e1", None)):
        with expect("P0002"):
            call(db, "show_payment_error", error=error, key=wrong)


def test_the_keys_of_a_buyer_who_was_erased_show_nothing_any_more(db: Connection) -> None:
    bought = net(db, make_event(db).price_group, email="kari@example.org")
    key = bought.rows[0]["purchase_key"]
    failed = call(db, "record_payment_error", error="e1", message="x", owner_email="kari@example.org")
    call(db, "erase_buyer", owner_email="kari@example.org")
    with expect("P0002"):
        call(db, "show_purchase", purchase=bought.purchase, key=key)
    with expect("P0002"):
        call(db, "show_payment_error", error="e1", key=failed[0]["record_payment_error"])
