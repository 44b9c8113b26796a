"""What a document has to say of a buyer who is erased: the name, where NOK 40,000 or more was paid in cash."""

from datetime import date
from typing import Any

import pytest

from pybridge.jobs import runner as jobs
from tests.conftest import Connection
from tests.support.domain import (
    Event,
    call,
    consistency,
    expect,
    make_event,
    one,
    pay,
    reserve,
    rows,
    run,
    sell,
)

KARI: dict[str, Any] = {"owner_email": "kari@example.com", "owner_name": "Kari Nordmann"}


@pytest.fixture
def gala(db: Connection) -> Event:
    return make_event(db, prices=(40_000, 100))


def printed(db: Connection, payment: int | None) -> list[str]:
    return [row["description"] for row in call(db, "receipt", payment=payment) if row["section"] == "BUYER"]


def test_the_name_stays_on_the_document_that_has_to_say_it_and_nowhere_else(db: Connection, gala: Event) -> None:
    large = sell(db, gala.price_group, **KARI)
    by_card = sell(db, gala.price_group, methods=["CARD"], **KARI)
    small = sell(db, gala.price_groups[1], **KARI)
    answer = {row["what"]: row for row in call(db, "erase_buyer", owner_email="kari@example.com")}
    assert answer["purchase"]["erased_rows"] == 3
    assert answer["purchase"]["kept_until"] == date(date.today().year + 5, 12, 31)
    assert {row["kept_until"] for what, row in answer.items() if what != "purchase"} == {None}
    assert printed(db, large.payment) == ["Kjøper Kari Nordmann"]
    assert printed(db, by_card.payment) == printed(db, small.payment) == []
    left = rows(
        db, "select purchase, owner_email, owner_member_id, owner_name from billig.purchase where erased is not null"
    )
    assert {row["purchase"]: row["owner_name"] for row in left} == {
        large.purchase: "Kari Nordmann", by_card.purchase: None, small.purchase: None,
    }  # fmt: skip
    assert {(row["owner_email"], row["owner_member_id"]) for row in left} == {(None, None)}
    assert consistency(db) == {}


def test_it_goes_when_the_documents_need_not_be_kept_any_more(db: Connection, gala: Event) -> None:
    sale = sell(db, gala.price_group, **KARI)
    call(db, "erase_buyer", owner_email="kari@example.com")
    assert jobs.run(db, "kept_names").row_count == 0
    run(
        db,
        "create or replace function books.kept_until(p_day date) returns date language sql immutable return p_day - 1",
    )
    assert jobs.run(db, "kept_names").row_count == 1
    assert one(db, "select owner_name from billig.purchase where purchase = %s", sale.purchase) is None
    stranger = sell(db, gala.price_group, owner_name="Ola Nordmann")
    assert jobs.run(db, "kept_names").row_count == 0, "who was not erased keeps the name"
    assert one(db, "select owner_name from billig.purchase where purchase = %s", stranger.purchase) == "Ola Nordmann"


def test_who_was_erased_and_pays_so_much_in_cash_is_named_anew(db: Connection, gala: Event) -> None:
    held = reserve(db, gala.price_group, owner_email="kari@example.com")
    call(db, "erase_buyer", owner_email="kari@example.com")
    with expect("23B36"):
        pay(db, held)
    call(db, "name_buyer", purchase=held.purchase, owner_name="Kari Nordmann")
    assert jobs.run(db, "kept_names").row_count == 0, "what is not paid yet may need it"
    pay(db, held)
    assert jobs.run(db, "kept_names").row_count == 0
    with expect("23B20"):
        call(db, "name_buyer", purchase=held.purchase, owner_name="Ola Nordmann")
    assert consistency(db) == {}


def test_money_back_is_no_reason_to_keep_a_name(db: Connection, gala: Event) -> None:
    """It is the sale that names its buyer: a refund of a sale by card hands nothing over that would."""
    sale = sell(db, gala.price_group, methods=["CARD"], **KARI)
    call(db, "refund", tickets=sale.tickets, seller="kari", payment_methods=["CASH"], reason="no card")
    (purchase, *_) = call(db, "erase_buyer", owner_email="kari@example.com")
    assert purchase["kept_until"] is None
    assert one(db, "select owner_name from billig.purchase where purchase = %s", sale.purchase) is None
