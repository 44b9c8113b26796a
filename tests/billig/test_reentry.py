"""TICKET_UNUSED: the use of a ticket is taken back, and it lets its holder in again."""

import pytest
from psycopg import sql

from tests.conftest import Connection
from tests.support.domain import (
    Event,
    call,
    consistency,
    expect,
    log_rows,
    log_types,
    login_role,
    make_event,
    net,
    one,
    refund,
    rows,
    run,
    sell,
    ticket_row,
    update_ticket,
)


@pytest.fixture
def play(db: Connection) -> Event:
    return make_event(db)


def _used(db: Connection, play: Event, count: int = 1) -> list[int]:
    tickets = sell(db, play.price_group, count).tickets
    update_ticket(db, tickets, used="now")
    return tickets


def _unuse(db: Connection, tickets: list[int], **arguments: object) -> list[int]:
    arguments = {"seller": "kari", "reason": "out for air", **arguments}
    return [row["ticket"] for row in call(db, "unuse_ticket", tickets=tickets, **arguments)]


def test_a_used_ticket_lets_in_again_with_no_money_and_the_reason_is_kept(db: Connection, play: Event) -> None:
    tickets = _used(db, play, 2)
    moved = one(db, "select count(*) from billig.payment")
    assert _unuse(db, tickets) == tickets
    for ticket in tickets:
        assert ticket_row(db, ticket)["used"] is None
        row = log_rows(db, ticket)[-1]
        assert (row["seller"], row["amount"], row["fee_amount"], row["payment"]) == ("kari", 0, 0, None)
    assert one(db, "select count(*) from billig.payment") == moved
    assert {(row["ticket"], row["seller"], row["reason"]) for row in rows(db, "select * from billig.reentry")} == {
        (ticket, "kari", "out for air") for ticket in tickets
    }
    update_ticket(db, tickets[0], used="now")
    assert log_types(db, tickets[0]) == ["NORMAL_SALE", "TICKET_USED", "TICKET_UNUSED", "TICKET_USED"]
    history = {row["ticket"]: row for row in rows(db, "select * from report.ticket_history")}
    assert [(history[t]["used_at"] is not None, history[t]["reentries"]) for t in tickets] == [(True, 1), (False, 1)]
    assert consistency(db) == {}
    _unuse(db, tickets[:1])
    refund(db, tickets, override_used=True, reason="let in by mistake")
    assert consistency(db) == {}


def test_what_is_not_used_or_is_gone_or_unknown_is_refused_whole(db: Connection, play: Event) -> None:
    (used,), fresh, gone = _used(db, play), sell(db, play.price_group).ticket, sell(db, play.price_group).ticket
    refund(db, [gone])
    unpaid = net(db, play.price_group).ticket
    for sqlstate, ticket in (("23B12", fresh), ("23B10", gone), ("23B12", unpaid), ("P0002", 999_999)):
        with expect(sqlstate):
            _unuse(db, [used, ticket])
    nothing: tuple[list[int] | None, ...] = ([], None)
    for tickets in nothing:
        with expect("22023"):
            call(db, "unuse_ticket", tickets=tickets, seller="kari", reason="out for air")
    for reason in (None, "", " \t\n"):
        with expect("22023"):
            _unuse(db, [used], reason=reason)
    with expect("22023"):
        _unuse(db, [used], seller=None)
    assert log_types(db, used) == ["NORMAL_SALE", "TICKET_USED"]
    assert one(db, "select count(*) from billig.reentry") == 0


def test_the_same_request_twice_lets_in_once(db: Connection, play: Event) -> None:
    tickets = _used(db, play)
    assert _unuse(db, tickets, request_id="a") == _unuse(db, tickets, request_id="a") == tickets
    assert log_types(db, tickets[0]).count("TICKET_UNUSED") == 1
    with expect("23B13"):
        _unuse(db, tickets, request_id="a", reason="another")


def test_sql_of_ones_own_takes_no_use_back_not_even_beside_the_function(db: Connection, play: Event) -> None:
    first, second = _used(db, play, 2)
    with expect("23B22") as refused:
        update_ticket(db, first, used=None)
    assert "unuse_ticket" in str(refused.value.diag.message_hint)
    _unuse(db, [first])
    update_ticket(db, first, used="now")
    with expect("23B22"):
        update_ticket(db, first, used=None)
    with db.transaction():
        _unuse(db, [first])
        update_ticket(db, first, used="now")
        for ticket in (first, second):
            with expect("23B22"), db.transaction():
                update_ticket(db, ticket, used=None)
        _unuse(db, [first])
    with expect("23B20"):
        run(db, "update billig.reentry set reason = 'forged'")
    assert consistency(db) == {}


def test_only_sellers_may_and_as_themselves(db: Connection, play: Event) -> None:
    tickets = _used(db, play)
    for group, sqlstate in (("billig_web", "42501"), ("billig_legacy", "42501"), ("billig_seller", "42501")):
        with login_role(db, group) as role:
            run(db, sql.SQL("set session authorization {}").format(sql.Identifier(role)))
            try:
                with expect(sqlstate, native=group != "billig_seller"):
                    _unuse(db, tickets, seller="kari")
                if group == "billig_seller":
                    assert _unuse(db, tickets, seller=role) == tickets
            finally:
                run(db, "reset session authorization")
    assert log_rows(db, tickets[0])[-1]["login_role"] == log_rows(db, tickets[0])[-1]["seller"]
