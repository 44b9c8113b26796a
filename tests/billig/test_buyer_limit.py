"""ticket_limit is a buyer's own: of a price group, over all their live tickets, whatever door they come in by."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.conftest import Connect, Connection
from tests.support import domain
from tests.support.domain import (
    Event,
    call,
    confirm,
    consistency,
    create_purchase,
    exchange,
    expect,
    insert_ticket,
    make_event,
    net,
    one,
    refund,
    reserve,
    run,
    sell,
    wait_for,
)
from tests.support.together import sqlstates, together

KARI = "kari@example.org"


@pytest.fixture
def event(db: Connection) -> Event:
    return make_event(db, prices=(100, 50), num=300)


def refused(db: Connection, *figures: int) -> Any:
    """Refused, with limit, tickets held and tickets asked for in DETAIL, and not a word of who it is."""
    return pytest.raises(psycopg.Error, check=lambda error: told(error, figures))


def told(error: psycopg.Error, figures: tuple[int, ...]) -> bool:
    limit, held, asked = figures
    detail = error.diag.message_detail or ""
    assert error.sqlstate == "23B05", error
    assert f"at most {limit} for one buyer, who holds {held}, and {asked} more are asked for" in detail
    assert "kari" not in str(error)
    assert "ticket_limit" in (error.diag.message_hint or "")
    return True


def held(db: Connection, buyer: str = f"e-mail {KARI}") -> list[int]:
    """Live tickets of a buyer, by price group."""
    found = db.execute(
        "select count(*) from billig.ticket as t inner join billig.purchase as p on t.purchase = p.purchase"
        " where p.buyer = %s and t.refunded is null group by t.price_group order by t.price_group",
        [buyer],
    )
    return [row[0] for row in found]


def test_a_web_buyer_holds_nine_of_a_price_group_in_however_many_purchases(db: Connection, event: Event) -> None:
    for count in (5, 4):
        net(db, event.price_group, count, email=KARI)
    with refused(db, 9, 9, 1):
        net(db, event.price_group, 1, email=KARI.upper())
    with refused(db, 9, 9, 2):
        reserve(db, event.price_group, 2, seller=None, owner_email=KARI)
    with refused(db, 9, 9, 1):
        reserve(db, event.price_group, 1, owner_email=KARI)
    with refused(db, 9, 9, 1):
        sell(db, event.price_group, 1, owner_email=KARI)
    net(db, event.price_groups[1], 9, email=KARI)  # each price group by itself
    net(db, event.price_group, 9, email="ola@example.org")
    for _ in range(2):
        sell(db, event.price_group, 9)  # nobody is named: the limit is one purchase's
    assert held(db) == [9, 9]
    assert consistency(db) == {}


def test_a_ticket_group_has_a_limit_of_its_own(db: Connection) -> None:
    two = make_event(db, ticket_limit=2)
    net(db, two.price_group, 1, email=KARI)
    with refused(db, 2, 1, 2):
        net(db, two.price_group, 2, email=KARI)


def test_tickets_that_timed_out_or_were_refunded_do_not_count(db: Connection, event: Event) -> None:
    kept, gone = net(db, event.price_group, 5, email=KARI), net(db, event.price_group, 4, email=KARI)
    call(db, "abort_purchase", purchase=gone.purchase)
    paid = net(db, event.price_group, 4, email=KARI)
    confirm(db, paid)
    with refused(db, 9, 9, 1):
        net(db, event.price_group, email=KARI)
    refund(db, paid.tickets[:2])
    net(db, event.price_group, 2, email=KARI)
    assert (held(db), len(kept.tickets)) == ([9], 5)
    assert consistency(db) == {}


def test_a_buyer_is_the_member_else_the_e_mail_else_the_card(db: Connection, event: Event) -> None:
    run(
        db,
        "insert into billig.ticket_card (card, owner_member_id, membership_ends) values (1, 7, %s), (2, null, %s)",
        date(2099, 1, 1),
        date(2099, 1, 1),
    )
    create_purchase(db, "NET", event.price_group, 9, owner_member_id=7, owner_email="one@example.org")
    for named in ({"owner_member_id": 7}, {"card": 1}, {"card": 1, "owner_email": "two@example.org"}):
        with refused(db, 9, 9, 1):
            create_purchase(db, "NET", event.price_group, 1, **named)
    create_purchase(db, "NET", event.price_group, 1, owner_email="one@example.org")
    create_purchase(db, "NET", event.price_group, 9, card=2)
    with refused(db, 9, 9, 1):
        create_purchase(db, "NET", event.price_group, 1, card=2)
    assert held(db, "member 7") == [9]
    assert held(db, "card 2") == [9]


def test_raw_inserts_exchanges_changes_and_new_owners_are_held_to_it_too(db: Connection, event: Event) -> None:
    first, second = event.price_groups
    nine = sell(db, first, 9, owner_email=KARI)
    raw = int(one(db, "insert into billig.purchase (owner_email) values (%s) returning purchase", KARI))
    with refused(db, 9, 9, 1):
        insert_ticket(db, first, raw)
    insert_ticket(db, second, raw)
    with refused(db, 9, 9, 1):
        exchange(db, sell(db, second, 1, owner_email=KARI).tickets, first)
    other = sell(db, second, 2)
    with refused(db, 9, 2, 9):
        call(
            db, "change_price_group", tickets=nine.tickets, price_group=second, seller="kari", payment_methods=["CASH"]
        )
    with refused(db, 9, 9, 1):
        domain.update_ticket(db, sell(db, second, 1, owner_email=KARI).tickets, price_group=first)
    more = sell(db, first, 2)
    with refused(db, 9, 9, 2):
        run(db, "update billig.purchase set owner_email = %s where purchase = %s", KARI, more.purchase)
    run(db, "update billig.purchase set owner_email = %s where purchase = %s", KARI, other.purchase)
    exchange(db, nine.tickets, first, 9)  # given back first
    assert consistency(db) == {}


def test_money_that_comes_too_late_is_owed_back_where_the_buyer_has_enough_by_now(db: Connection, event: Event) -> None:
    late = net(db, event.price_group, 5, email=KARI)
    call(db, "abort_purchase", purchase=late.purchase)
    net(db, event.price_group, 5, email=KARI)
    assert [row["result"] for row in confirm(db, late)] == ["OWED"]
    assert one(db, "select amount from billig.owed_back") == Decimal(500)
    later = net(db, event.price_group, 4, email=KARI)
    call(db, "abort_purchase", purchase=later.purchase)
    assert {row["result"] for row in confirm(db, later)} == {"RESOLD"}
    assert held(db) == [9]
    assert consistency(db) == {}


def test_erasing_a_buyer_forgets_what_they_held(db: Connection, event: Event) -> None:
    net(db, event.price_group, 9, email=KARI)
    call(db, "erase_buyer", owner_email=KARI)
    assert one(db, "select count(*) from billig.purchase where buyer is not null") == 0
    net(db, event.price_group, 9, email=KARI)


# --- Two at once ----------------------------------------------------------------------------------------------------


def two_at_once(db: Connection, connect: Connect, event: Event) -> list[str | None]:
    """Five and five by one buyer; the second call begins while the first one's transaction is open."""
    first, second = connect(autocommit=False), connect()
    net(first, event.price_group, 5, email=KARI)

    def finish() -> None:
        wait_for(db, second.info.backend_pid)
        first.commit()

    return sqlstates(together([lambda: net(second, event.price_group, 5, email=KARI), finish]))


def test_of_two_calls_at_once_the_second_waits_and_is_refused(db: Connection, connect: Connect, event: Event) -> None:
    assert two_at_once(db, connect, event) == ["23B05"]
    assert held(db) == [5]


def test_control_without_the_row_that_a_sale_takes_both_get_in(db: Connection, connect: Connect, event: Event) -> None:
    run(
        db,
        "create or replace function billig.take_buyer_turn(p_buyers text[]) returns void language sql"
        " return null::void",
    )
    first, second = connect(autocommit=False), connect()
    net(first, event.price_group, 5, email=KARI)
    net(second, event.price_group, 5, email=KARI)
    first.commit()
    assert held(db) == [10], "the guard is what held it to 9"


def test_an_older_snapshot_fails_instead_of_counting_too_few(db: Connection, connect: Connect, event: Event) -> None:
    older = connect(autocommit=False)
    older.execute("set transaction isolation level repeatable read")
    older.execute("select 1 from billig.event")
    net(db, event.price_group, 5, email=KARI)
    with expect("40001", native=True):
        net(older, event.price_group, 5, email=KARI)
    assert held(db) == [5]


def test_buyers_of_a_rush_hold_no_more_than_their_limit(db: Connection, connect: Connect, event: Event) -> None:
    emails = [f"buyer{n % 3}@example.org" for n in range(12)]
    connections = [connect() for _ in emails]
    works = [lambda c=c, e=e: net(c, event.price_group, 4, email=e) for c, e in zip(connections, emails, strict=True)]
    assert sqlstates(together(works)) == ["23B05"] * 6
    for n in range(3):
        assert held(db, f"e-mail buyer{n}@example.org") == [8]
    assert consistency(db) == {}


# --- Two raw connections, and no function ---------------------------------------------------------------------------


def raw(db: Connection, buyer: str | None, price_group: int, tickets: int) -> int:
    """A purchase and its tickets, as a client's own INSERTs make them; the purchase."""
    made = int(one(db, "insert into billig.purchase (owner_email) values (%s) returning purchase", buyer))
    add(db, made, price_group, tickets)
    return made


def add(db: Connection, purchase: int, price_group: int, tickets: int) -> None:
    run(
        db,
        "insert into billig.ticket (price_group, purchase, on_card) select %s, %s, false from generate_series(1, %s)",
        price_group,
        purchase,
        tickets,
    )


def after(db: Connection, first: Connection, second: Connection, work: Callable[[], object]) -> list[str | None]:
    """What becomes of the second's work while the first one's transaction is open, and ends once it is waited for."""

    def finish() -> None:
        wait_for(db, second.info.backend_pid)
        first.commit()

    return sqlstates(together([work, finish]))


def test_of_two_raw_sales_at_once_the_second_waits_and_is_refused(
    db: Connection, connect: Connect, event: Event
) -> None:
    first, second = connect(autocommit=False), connect()
    raw(first, KARI, event.price_group, 5)
    assert after(db, first, second, lambda: raw(second, KARI, event.price_group, 5)) == ["23B05"]
    assert held(db) == [5]


def test_a_purchase_that_is_named_while_tickets_are_inserted_into_it_counts_them(
    db: Connection, connect: Connect, event: Event
) -> None:
    raw(db, KARI, event.price_group, 5)
    nobodys = raw(db, None, event.price_group, 1)
    first, second = connect(autocommit=False), connect()
    add(first, nobodys, event.price_group, 4)
    name = "update billig.purchase set owner_email = %s where purchase = %s"
    assert after(db, first, second, lambda: run(second, name, KARI, nobodys)) == ["23B05"]
    assert held(db) == [5]


@pytest.mark.parametrize(
    ("isolation", "refusal"), [("read committed", "23B05"), ("repeatable read", "40001")], ids=lambda value: value
)
def test_tickets_that_are_inserted_while_their_purchase_is_named_are_counted_as_the_buyers(
    db: Connection, connect: Connect, event: Event, isolation: str, refusal: str
) -> None:
    raw(db, KARI, event.price_group, 5)
    nobodys = raw(db, None, event.price_group, 1)
    first, second = connect(autocommit=False), connect(autocommit=False)
    second.execute(f"set transaction isolation level {isolation}".encode())
    second.execute("select from billig.purchase")
    run(first, "update billig.purchase set owner_email = %s where purchase = %s", KARI, nobodys)
    assert after(db, first, second, lambda: add(second, nobodys, event.price_group, 4)) == [refusal]
    second.rollback()
    assert held(db) == [6]


def test_control_without_the_lock_of_the_purchase_the_limit_is_passed(
    db: Connection, connect: Connect, event: Event
) -> None:
    (fill,) = db.execute("select pg_get_functiondef('billig.purchase_fill'::regproc)").fetchone() or ("",)
    assert "for update" in fill
    db.execute(fill.replace("for update", "").encode())
    raw(db, KARI, event.price_group, 5)
    nobodys = raw(db, None, event.price_group, 1)
    first, second = connect(autocommit=False), connect()
    add(first, nobodys, event.price_group, 4)
    run(second, "update billig.purchase set owner_email = %s where purchase = %s", KARI, nobodys)
    first.commit()
    assert held(db) == [10], "the lock is what held it to 9"
