"""Which kind a receipt is, where a client has its own transaction and asks for its checks early."""

from datetime import datetime

import pytest

from tests.conftest import Connection
from tests.support.domain import (
    consistency,
    insert_ticket,
    make_cash_point,
    make_event,
    refund,
    rows,
    run,
    sell,
    update_ticket,
)


def checked_early(db: Connection) -> None:
    run(db, "set constraints all immediate")
    run(db, "set constraints all deferred")


@pytest.mark.parametrize("early", [True, False])
def test_what_comes_after_the_checks_that_a_client_asks_for_early_has_a_receipt_of_its_own_kind(
    db: Connection, early: bool
) -> None:
    """A dearer price group, then a cheaper one, in one transaction: one receipt for both, or one for each."""
    make_cash_point(db)
    event = make_event(db, prices=(100, 150))
    low, high = event.price_groups
    first, second = sell(db, {low: 1, high: 1}, cash_point=1).tickets
    with db.transaction():
        update_ticket(db, first, price_group=high)
        if early:
            checked_early(db)
        update_ticket(db, second, price_group=low)
        update_ticket(db, second, refunded="now", refunder="perl", point_of_refund=1)
    receipts = rows(
        db,
        "select p.kind, r.receipt_kind from billig.receipt as r inner join billig.payment as p on r.payment = p.payment"
        " order by r.payment",
    )
    kinds = [(row["kind"], row["receipt_kind"]) for row in receipts]
    changes = [("CHANGE", "SALE"), ("CHANGE", "RETURN")] if early else [("CHANGE", "BOTH")]
    assert sorted(kinds) == sorted([("SALE", "SALE"), *changes, ("REFUND", "RETURN")])
    assert consistency(db) == {}


def test_a_sale_and_its_return_in_one_transaction_are_a_receipt_each_in_the_numbers_of_its_kind(db: Connection) -> None:
    make_cash_point(db)
    event = make_event(db)
    for turn in range(2):
        with db.transaction():
            raw = insert_ticket(db, event.price_group, sale_channel="STAND", paid=datetime.now(), cash_point=1)
            checked_early(db)
            update_ticket(db, raw, refunded="now", refunder="perl", point_of_refund=1)
            sold = sell(db, event.price_group, cash_point=1).ticket
            checked_early(db)
            refund(db, [sold], cash_point=1)
        numbers = rows(
            db,
            "select receipt_kind as kind, max(receipt_number) as last, count(*) from billig.receipt"
            " group by 1 order by 1",
        )
        assert [(row["kind"], row["last"], row["count"]) for row in numbers] == [
            (kind, 2 * turn + 2, 2 * turn + 2) for kind in ("RETURN", "SALE")
        ]
    assert consistency(db) == {}
