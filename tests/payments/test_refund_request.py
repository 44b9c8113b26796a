"""A refund of a charge is asked for once per request id of its caller, whatever it is a refund of."""

from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal

import psycopg
import pytest

from tests.conftest import Connection
from tests.support import market
from tests.support.domain import consistency, expect, login_role, one, run
from tests.support.market import call
from tests.support.payments import CHARGE_DAY, JANUARY, Scripted, Town, executed, town


@pytest.fixture
def here(db: Connection) -> Iterator[Town]:
    made = town(db, advertisers=2)
    made.month()
    executed(db, Scripted(), CHARGE_DAY)
    yield made
    assert consistency(db) == {}


@pytest.fixture
def books(db: Connection) -> Iterator[list[Connection]]:
    """Two bookkeepers."""
    with ExitStack() as stack:
        names = [stack.enter_context(login_role(db, "bookkeeper")) for _ in range(2)]
        yield [stack.enter_context(psycopg.connect(db.info.dsn, user=name, autocommit=True)) for name in names]


def refunded(login: Connection, transaction: int, request: str, amount: str | None = "20", reason: str = "x") -> int:
    answer = call(
        login,
        "refund_transaction",
        transaction=transaction,
        reason=reason,
        amount=amount and Decimal(amount),
        request_id=request,
        now=CHARGE_DAY,
    )
    return int(answer[0]["refund_transaction"])


def test_a_request_is_its_callers_and_the_functions_not_a_transactions(
    here: Town, db: Connection, books: list[Connection]
) -> None:
    kari, ola = books
    first, second = (market.transaction(db, each, JANUARY)["transaction"] for each in here.advertisers)
    refund = refunded(kari, first, "a")
    assert [refunded(kari, first, "a", amount) for amount in ("20", "20.00")] == [refund, refund]
    for transaction, amount, reason in (
        (second, "20", "x"),
        (first, "21", "x"),
        (first, None, "x"),
        (first, "20", "y"),
    ):
        with expect("23B13"):
            refunded(kari, transaction, "a", amount, reason)
    with expect("23B13"):
        refunded(ola, first, "a")  # of the same charge the gateway would take it for Kari's
    other = refunded(ola, second, "a")
    assert other != refund
    assert one(db, "select count(*) from marketplace.transaction where kind = 'REFUND'") == 2


def test_all_that_is_left_is_asked_for_once_too(here: Town, db: Connection, books: list[Connection]) -> None:
    charged = market.transaction(db, here.advertisers[0], JANUARY)["transaction"]
    assert refunded(books[0], charged, "all", None) == refunded(books[0], charged, "all", None)


def test_what_was_refused_may_be_asked_for_again_by_the_same_id(
    here: Town, db: Connection, books: list[Connection]
) -> None:
    charged = market.transaction(db, here.advertisers[0], JANUARY)["transaction"]
    with expect("23B72"):
        refunded(books[0], charged, "b", "1000")
    assert refunded(books[0], charged, "b", "1")


def test_a_ledger_that_has_the_refund_and_not_the_request_makes_no_second_one(
    here: Town, db: Connection, books: list[Connection]
) -> None:
    """As after a restore, where the gateway told of the refund."""
    charged = market.transaction(db, here.advertisers[0], JANUARY)["transaction"]
    refund = refunded(books[0], charged, "a")
    run(db, "delete from books.request")
    assert [refunded(books[1], charged, "a") for _ in range(2)] == [refund, refund]
    run(db, "delete from books.request")
    with expect("23B13"):
        refunded(books[1], charged, "a", "19")
