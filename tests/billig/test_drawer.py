"""No more cash is taken out of a drawer than it can hold, whatever door; and what is done at a till is written down."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.conftest import Connect, Connection
from tests.support import domain
from tests.support.domain import (
    Event,
    call,
    close_till,
    consistency,
    expect,
    make_cash_point,
    make_event,
    one,
    open_till,
    refund,
    rows,
    run,
    sell,
    update_ticket,
)
from tests.support.together import sqlstates, together


@pytest.fixture
def play(db: Connection) -> Event:
    make_cash_point(db, 1, session_required=True)
    return make_event(db, prices=(100, 250))


def happens(db: Connection, event_type: str, amount: int = 0, reason: str | None = "as told", **more: Any) -> int:
    row = call(db, "till_event", seller="kari", event_type=event_type, amount=amount, reason=reason, **more)[0]
    return int(row["till_event"])


def expected(db: Connection) -> Any:
    return one(db, "select expected from billig.till_status(1) where payment_method = 'CASH'")


def test_a_pay_out_of_more_than_the_drawer_can_hold_is_refused(db: Connection, play: Event) -> None:
    session = open_till(db, opening_float=200)
    sell(db, play.price_group)
    sell(db, play.price_group, methods=["CARD"])  # in no drawer
    with expect("23B90") as refusal:
        happens(db, "PAY_OUT", 301)
    assert f"Session {session}" in str(refusal.value.diag.message_detail)
    assert "NOK -1.00 would be left" in str(refusal.value.diag.message_detail)
    happens(db, "PAY_OUT", 300)
    with expect("23B90"):
        happens(db, "PAY_OUT", 1)
    happens(db, "PAY_IN", 1)
    happens(db, "PAY_OUT", 1)
    assert close_till(db, 0)["CASH"]["difference"] == 0
    assert consistency(db) == {}


def test_raw_sql_takes_no_more_out_either(db: Connection, play: Event) -> None:
    session = open_till(db, opening_float=200)
    pay_out = (
        "insert into billig.till_event (till_session, event_type, amount, reason) values (%s, 'PAY_OUT', -201, 'x')"
    )
    with expect("23B90"):
        run(db, pay_out, session)
    run(db, "alter table billig.till_event disable trigger till_event_pay_out")
    run(db, pay_out, session)
    assert expected(db) == -1, "without the guard"


def test_what_is_given_back_in_cash_must_lie_in_the_drawer(db: Connection, play: Event) -> None:
    open_till(db, opening_float=500)
    sale = sell(db, play.price_group, 4)
    reservation = domain.reserve(db, play.price_group)
    last = domain.pay(db, reservation)
    assert last
    web = domain.net_paid(db, play.price_group)
    happens(db, "PAY_OUT", 950)
    tries: tuple[Callable[[], Any], ...] = (
        lambda: refund(db, sale.tickets[:1]),
        lambda: refund(db, web.tickets, payment_methods=["CASH"], reason="the card has expired"),
        lambda: call(db, "reduce_price", tickets=sale.tickets[:1], amounts=[60], seller="kari", reason="no seat"),
        lambda: call(db, "undo_last_sale", seller="kari"),
    )
    for taken in tries:
        with expect("23B90"):
            taken()
    refund(db, sale.tickets[:1], payment_methods=["BANK"], reason="the drawer is empty")
    call(db, "reduce_price", tickets=sale.tickets[1:2], amounts=[50], seller="kari", reason="no seat")
    assert expected(db) == 0
    assert consistency(db) == {}


def test_a_reason_lets_a_drawer_give_out_what_was_not_written_down(db: Connection, play: Event) -> None:
    open_till(db, opening_float=0)
    sale = sell(db, play.price_group, methods=["CARD"])
    for reason in (None, "", " "):
        with expect("22023"):
            happens(db, "OVERDRAW", 60, reason)
    for amount in (0, -1, 10**6):
        with expect("22023"):
            happens(db, "OVERDRAW", amount)
    happens(db, "OVERDRAW", 60, "the float was 60, not 0")
    happens(db, "PAY_OUT", 50)
    with expect("23B90"):
        refund(db, sale.tickets, payment_methods=["CASH"], reason="the terminal is down")
    happens(db, "OVERDRAW", 90, "and the guard's own hundred")
    refund(db, sale.tickets, payment_methods=["CASH"], reason="the terminal is down")
    assert expected(db) == -150
    assert not [row for row in call(db, "x_report", cash_point=1) if row["item"] == "OVERDRAW"], (
        "no cash has moved by it"
    )
    assert close_till(db, 0, note="the 150 that were there")["CASH"]["difference"] == 150
    open_till(db)
    with expect("23B90"):
        happens(db, "PAY_OUT", 1)
    assert consistency(db) == {}


def test_a_legacy_refund_is_not_refused_but_what_follows_is(db: Connection, play: Event) -> None:
    open_till(db)
    sale = sell(db, play.price_group, 2)
    happens(db, "PAY_OUT", 200)
    update_ticket(db, sale.tickets[0], refunded="now", refunder="kari", point_of_refund=1)
    assert expected(db) == -100
    with expect("23B90"):
        refund(db, sale.tickets[1:])


def test_many_connections_take_the_same_cash_out_once(db: Connection, connect: Connect, play: Event) -> None:
    open_till(db, opening_float=100)
    card = sell(db, play.price_group, 4, methods=["CARD"])
    speakers = [connect() for _ in range(8)]
    answers = together(
        [partial(happens, speaker, "PAY_OUT", 100) for speaker in speakers[:4]]
        + [
            partial(refund, speaker, [ticket], payment_methods=["CASH"], reason="the terminal is down")
            for speaker, ticket in zip(speakers[4:], card.tickets, strict=True)
        ]
    )
    assert sqlstates(answers) == ["23B90"] * 7
    assert expected(db) == 0
    assert rows(db, "select cash, overdraw from billig.till_drawer") == [{"cash": 0, "overdraw": 0}]


def test_without_the_lock_two_connections_take_the_same_cash_out(db: Connection, connect: Connect, play: Event) -> None:
    """The control: whoever counts without waiting does not see what the other takes."""
    open_till(db, opening_float=100)
    run(
        db,
        """
        create or replace function billig.take_cash(p_till_session bigint) returns void language plpgsql as $$
        begin
            if exists (select from billig.till_expected where till_session = p_till_session and expected < 0) then
                raise exception 'counted without a lock' using errcode = '23B90';
            end if;
        end $$
        """,
    )
    with connect(autocommit=False) as one_of_them, connect(autocommit=False) as other:
        happens(one_of_them, "PAY_OUT", 100)
        happens(other, "PAY_OUT", 100)
        one_of_them.commit()
        other.commit()
    assert expected(db) == -100


# --- What is written down -------------------------------------------------------------------------------------------


def test_x_reports_and_drawer_openings_are_written_down(db: Connection, play: Event) -> None:
    session = open_till(db, opening_float=300)
    happens(db, "DRAWER_OPENING", reason="a guest wanted change")
    happens(db, "PAY_OUT", 100, "to the safe")
    call(db, "x_report", cash_point=1, seller="kari", reason="a new shift")
    call(db, "x_report", cash_point=1, seller="ola")  # who stands at no till
    close_till(db, 199, note="a krone rolled away")
    call(db, "z_report", cash_point=1, seller="kari")
    found = rows(
        db,
        "select event_type, till_session, seller, value, reason from report.till_log order by logged_at, event_type",
    )
    assert [tuple(row.values()) for row in found] == [
        ("OPENED", session, "kari", 300, None),
        ("DRAWER_OPENING", session, "kari", 0, "a guest wanted change"),
        ("PAY_OUT", session, "kari", -100, "to the safe"),
        ("X_REPORT", session, "kari", None, "a new shift"),
        ("X_REPORT", None, "ola", None, None),
        ("CLOSED", session, "kari", 199, "a krone rolled away"),
        ("Z_REPORT", None, "kari", None, None),
    ]
    assert one(db, "select count(distinct login_role) from report.till_log where login_role = session_user") == 1
    assert one(db, "select bool_and(log_date = billig.local_time(logged_at)::date) from report.till_log")


def test_what_was_written_down_of_a_till_stays(db: Connection, play: Event) -> None:
    open_till(db)
    happens(db, "DRAWER_OPENING")
    call(db, "x_report", cash_point=1)
    for table in ("x_report", "till_event"):
        for statement in ("update billig.{} set reason = 'x'", "delete from billig.{}", "truncate billig.{}"):
            with expect("23B20"):
                run(db, statement.format(table))
    run(db, "alter table billig.x_report disable trigger user")
    run(db, "delete from billig.x_report")  # the control
    assert rows(db, "select * from report.till_log where event_type = 'X_REPORT'") == []


def test_a_seller_makes_an_x_report_in_their_own_name(db: Connection, connect: Connect, play: Event) -> None:
    with domain.login_role(db, "billig_seller") as name, connect(user=name) as seller:
        call(seller, "x_report", cash_point=1)
        with expect("42501"):
            call(seller, "x_report", cash_point=1, seller="kari")
        assert rows(db, "select seller, made_by from billig.x_report") == [{"seller": name, "made_by": name}]


def test_what_stands_give_back_of_web_payments_is_listed(db: Connection, play: Event) -> None:
    session = open_till(db, opening_float=100)
    sale, other, third = (
        domain.net_paid(db, play.price_group, 2),
        *(domain.net_paid(db, play.price_group) for _ in "ab"),
    )
    took = one(db, "select payment from billig.payment where purchase = %s", sale.purchase)
    update_ticket(db, sale.tickets[0], refunded="now", refunder="kari", point_of_refund=1)
    refund(db, sale.tickets[1:], cash_point=1, payment_methods=["CASH"], reason="no card")
    refund(db, other.tickets)  # by the provider, at no stand
    refund(db, third.tickets, seller=None)
    stand = sell(db, play.price_group)
    refund(db, stand.tickets)
    found = rows(
        db,
        """
        select till_session, purchase, gives_back, payment_method, amount, is_cash, is_legacy, reason
        from report.web_refund order by payment_time, payment
        """,
    )
    assert [tuple(row.values()) for row in found] == [
        (session, sale.purchase, took, "NET_CARD", -100, False, True, None),
        (session, sale.purchase, took, "CASH", -100, True, False, "no card"),
    ]
