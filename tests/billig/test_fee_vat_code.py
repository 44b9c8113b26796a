"""The VAT code of a fee: the ticket's, unless a bookkeeper sets another with its source."""

import pytest

from tests.conftest import Connect, Connection
from tests.support.domain import (
    MIDDLE_RATE,
    REGULAR_RATE,
    call,
    consistency,
    expect,
    log_rows,
    login_role,
    make_event,
    one,
    refund,
    rows,
    run,
    sell,
)


def test_a_bookkeeper_sets_the_code_and_what_is_sold_keeps_its_own(db: Connection, connect: Connect) -> None:
    event = make_event(db, prices=(115,), fee=15, vat_code=MIDDLE_RATE)
    before = sell(db, event.price_group, methods=["CARD"]).ticket
    with login_role(db, "bookkeeper") as role, connect(user=role) as books:
        (row,) = call(
            books, "set_fee_vat_code", event=event.event, vat_code=REGULAR_RATE, source="Letter of 2 March 2026"
        )
        assert row == {"set_fee_vat_code": event.event}
    said = "select ticket_fee_vat_code, ticket_fee_vat_source from billig.event where event = %s"
    assert rows(db, said, event.event) == [
        {"ticket_fee_vat_code": REGULAR_RATE, "ticket_fee_vat_source": "Letter of 2 March 2026"}
    ]
    after = sell(db, event.price_group, methods=["CARD"]).ticket
    refund(db, [before, after])
    codes = [[(row["fee_vat_code"], row["fee_vat_rate"]) for row in log_rows(db, ticket)] for ticket in (before, after)]
    assert codes == [[(MIDDLE_RATE, 15)] * 2, [(REGULAR_RATE, 25)] * 2]
    call(db, "set_fee_vat_code", event=event.event, vat_code=None, source=None)
    assert rows(db, said, event.event) == [{"ticket_fee_vat_code": None, "ticket_fee_vat_source": None}]
    assert log_rows(db, sell(db, event.price_group).ticket)[0]["fee_vat_code"] == MIDDLE_RATE
    assert consistency(db) == {}


@pytest.mark.parametrize(
    ("code", "source"), [(REGULAR_RATE, None), (REGULAR_RATE, " \t"), (None, "A letter"), (4, "A letter")]
)
def test_a_code_without_a_source_and_a_source_without_a_code_are_refused(
    db: Connection, code: int | None, source: str | None
) -> None:
    event = make_event(db, fee=10)
    with expect("22023"):
        call(db, "set_fee_vat_code", event=event.event, vat_code=code, source=source)
    assert one(db, "select ticket_fee_vat_code from billig.event") is None


def test_an_event_that_is_none_has_no_fee(db: Connection) -> None:
    for event in (404, None):
        with expect("P0002"):
            call(db, "set_fee_vat_code", event=event, vat_code=REGULAR_RATE, source="A letter")


def test_raw_sql_says_the_source_too(db: Connection) -> None:
    event = make_event(db, fee=10)
    for change in (
        "ticket_fee_vat_code = 3",
        "ticket_fee_vat_source = 'A letter'",
        "ticket_fee_vat_code = 3, ticket_fee_vat_source = ' '",
    ):
        with expect("23514", native=True):
            run(db, f"update billig.event set {change} where event = %s", event.event)


def test_nobody_else_sets_it(db: Connection, connect: Connect) -> None:
    event = make_event(db, fee=10)
    for group in ("billig_seller", "billig_web", "analyst", "auditor"):
        with login_role(db, group) as role, connect(user=role) as other, expect("42501", native=True):
            call(other, "set_fee_vat_code", event=event.event, vat_code=REGULAR_RATE, source="A letter")
