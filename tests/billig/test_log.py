"""The transaction log: what each change of a ticket is logged as, and what is refused, by functions and by raw SQL."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.conftest import Connect, Connection
from tests.support import servers
from tests.support.domain import (
    LOW_RATE,
    MIDDLE_RATE,
    REGULAR_RATE,
    Event,
    add_price_group,
    add_ticket_group,
    call,
    call_in,
    confirm,
    consistency,
    create_purchase,
    exchange,
    expect,
    insert_ticket,
    log_rows,
    log_size,
    log_types,
    make_cash_point,
    make_event,
    make_project,
    net,
    net_paid,
    num_sold,
    one,
    pay,
    payment_lines,
    raw_purchase,
    refund,
    reserve,
    rows,
    run,
    sell,
    ticket_row,
    update_ticket,
)

ME = servers.SUPERUSER
STAND = 7  # pays legacy refunds back by card
KIOSK = 8  # pays legacy refunds back in cash
# A client's word for when: near now, or it is refused.
EARLIER = datetime.now().replace(microsecond=0) - timedelta(hours=3)
LATER = EARLIER + timedelta(hours=1)

# A ticket of 101 kroner at 15 % and a fee of 15 kroner at 12 %, as the log shows them: amount, its VAT, fee, its VAT.
IN = (Decimal("101"), Decimal("13.17"), Decimal("15"), Decimal("1.61"))
OUT = tuple(-money for money in IN)
NOTHING = (Decimal(0),) * 4


@pytest.fixture(scope="module")
def db(shared_db: Connection) -> Iterator[Connection]:
    """One database for all tests here: what they do, refused or not, must leave it consistent."""
    make_cash_point(shared_db, STAND, payment_method="CARD")
    make_cash_point(shared_db, KIOSK)
    yield shared_db
    assert consistency(shared_db) == {}


@pytest.fixture(scope="module")
def play(db: Connection) -> Event:
    """Tickets of 101, 77 and 9 kroner at 15 %, with a fee of 15 kroner at 12 %."""
    return make_event(
        db,
        prices=(116, 92, 24),
        fee=15,
        fee_vat_code=LOW_RATE,
        project_vat_code=MIDDLE_RATE,
        num=20_000,
        ticket_limit=20_000,
        can_be_put_on_card=True,
    )


@pytest.fixture(scope="module")
def concert(db: Connection) -> Event:
    """Another event, of another project: 300 and 0 kroner, no VAT, no fee, and nothing that may lie on a card."""
    return make_event(db, prices=(300, 0), num=1000)


Entry = tuple[str, tuple[Decimal, ...], str | None, int | None]


def entries(db: Connection, ticket: int) -> list[Entry]:
    """Type, money, who and where of a ticket's log rows."""
    return [
        (
            row["type"],
            (row["amount"], row["vat_amount"], row["fee_amount"], row["fee_vat_amount"]),
            row["seller"],
            row["cash_point"],
        )
        for row in log_rows(db, ticket)
    ]


def last_entry(db: Connection, ticket: int) -> Entry:
    return entries(db, ticket)[-1]


# --- The table of types: through the functions, and through raw SQL -------------------------------------------------


def test_a_sale_at_a_stand_is_a_normal_sale(db: Connection, play: Event) -> None:
    sold = sell(db, play.price_group, seller="kari", cash_point=STAND).ticket
    assert entries(db, sold) == [("NORMAL_SALE", IN, "kari", STAND)]
    raw = insert_ticket(db, play.price_group, sale_channel="STAND", paid=EARLIER, cash_point=STAND)
    assert entries(db, raw) == [("NORMAL_SALE", IN, ME, STAND)], "a raw sale is its login role's"
    named = insert_ticket(db, play.price_group, sale_channel="STAND", paid=EARLIER, seller="ola")
    assert entries(db, named) == [("NORMAL_SALE", IN, "ola", None)]


def test_a_web_sale_is_a_net_sale_without_money(db: Connection, play: Event) -> None:
    assert entries(db, net(db, play.price_group).ticket) == [("NET_SALE", NOTHING, None, None)]
    raw = insert_ticket(db, play.price_group)
    assert ticket_row(db, raw)["sale_channel"] == "NET", "a raw insert that states no channel is NET"
    assert entries(db, raw) == [("NET_SALE", NOTHING, None, None)]


def test_a_web_ticket_inserted_as_paid_is_sold_and_then_paid(db: Connection, play: Event) -> None:
    raw = insert_ticket(db, play.price_group, paid=EARLIER)
    assert entries(db, raw) == [("NET_SALE", NOTHING, None, None), ("NET_PAID", IN, None, None)]
    sold, paid = log_rows(db, raw)
    assert sold["payment"] is None
    assert payment_lines(db, paid["payment"]) == {"NET_CARD": 116}


def test_paying_a_web_ticket_is_net_paid(db: Connection, play: Event) -> None:
    assert last_entry(db, net_paid(db, play.price_group).ticket) == ("NET_PAID", IN, None, None)
    raw = insert_ticket(db, play.price_group)
    update_ticket(db, raw, paid="now")
    assert last_entry(db, raw) == ("NET_PAID", IN, None, None)


def test_an_unpaid_web_ticket_let_go_is_a_net_timeout(db: Connection, play: Event) -> None:
    aborted = net(db, play.price_group)
    call(db, "abort_purchase", purchase=aborted.purchase)
    assert last_entry(db, aborted.ticket) == ("NET_TIMEOUT", NOTHING, None, None)

    raw = insert_ticket(db, play.price_group)
    update_ticket(db, raw, refunded="now")
    assert last_entry(db, raw) == ("NET_TIMEOUT", NOTHING, None, None)
    by_somebody = insert_ticket(db, play.price_group)
    update_ticket(db, by_somebody, refunded="now", refunder="perl")
    assert last_entry(db, by_somebody) == ("NET_TIMEOUT", NOTHING, "perl", None)

    expired = net(db, play.price_group).ticket
    run(db, "update billig.sale_channel set hold_for = '0' where sale_channel = 'NET'")
    call(db, "expire_net_sales")
    run(db, "update billig.sale_channel set hold_for = '20 minutes' where sale_channel = 'NET'")
    assert last_entry(db, expired) == ("NET_TIMEOUT", NOTHING, None, None)


def test_reserving_is_a_reservation_sale_without_money(db: Connection, play: Event) -> None:
    assert entries(db, reserve(db, play.price_group, seller="kari").ticket) == [
        ("RESERVATION_SALE", NOTHING, "kari", None)
    ]
    assert entries(db, reserve(db, play.price_group, seller=None).ticket) == [("RESERVATION_SALE", NOTHING, None, None)]
    raw = insert_ticket(db, play.price_group, sale_channel="RESERVATION")
    assert entries(db, raw) == [("RESERVATION_SALE", NOTHING, None, None)]


def test_paying_a_reservation_is_reservation_paid(db: Connection, play: Event) -> None:
    sale = reserve(db, play.price_group)
    pay(db, sale, seller="ola", cash_point=STAND)
    assert last_entry(db, sale.ticket) == ("RESERVATION_PAID", IN, "ola", STAND)
    raw = insert_ticket(db, play.price_group, sale_channel="RESERVATION")
    update_ticket(db, raw, paid="now")
    assert last_entry(db, raw) == ("RESERVATION_PAID", IN, ME, None)
    assert payment_lines(db, log_rows(db, raw)[-1]["payment"]) == {"CASH": 116}


def test_giving_a_reservation_back_is_a_reservation_refund(db: Connection, play: Event) -> None:
    by_seller = reserve(db, play.price_group)
    call(db, "cancel_reservation", purchase=by_seller.purchase, seller="ola")
    assert last_entry(db, by_seller.ticket) == ("RESERVATION_REFUND", NOTHING, "ola", None)
    by_buyer = reserve(db, play.price_group, seller=None)
    call(db, "cancel_reservation", purchase=by_buyer.purchase)
    assert last_entry(db, by_buyer.ticket) == ("RESERVATION_REFUND", NOTHING, ME, None)
    raw = insert_ticket(db, play.price_group, sale_channel="RESERVATION")
    update_ticket(db, raw, refunded="now", refunder="perl")
    assert last_entry(db, raw) == ("RESERVATION_REFUND", NOTHING, "perl", None)


def test_a_reservation_that_runs_out_is_a_reservation_timeout(db: Connection, play: Event) -> None:
    soon = make_event(db, event_time=datetime.now() + timedelta(minutes=10))
    expired = reserve(db, soon.price_group).ticket
    call(db, "expire_reservations")
    assert last_entry(db, expired) == ("RESERVATION_TIMEOUT", NOTHING, None, None)
    raw = insert_ticket(db, play.price_group, sale_channel="RESERVATION")
    update_ticket(db, raw, refunded="now")
    assert last_entry(db, raw) == ("RESERVATION_TIMEOUT", NOTHING, None, None)


@pytest.mark.parametrize("how", [sell, net_paid])
def test_a_refund_at_a_stand_is_a_normal_refund(db: Connection, play: Event, how: Callable[..., Any]) -> None:
    by_function, raw = how(db, play.price_group, 2).tickets
    refund(db, [by_function], seller="ola", cash_point=STAND)
    assert last_entry(db, by_function) == ("NORMAL_REFUND", OUT, "ola", STAND)
    update_ticket(db, raw, refunded="now", refunder="perl", point_of_refund=STAND)
    assert last_entry(db, raw) == ("NORMAL_REFUND", OUT, "perl", STAND)


def test_what_was_sold_at_a_stand_is_refunded_there_even_when_no_stand_is_named(db: Connection, play: Event) -> None:
    sold = sell(db, play.price_group).ticket
    update_ticket(db, sold, refunded="now", refunder="perl")
    assert last_entry(db, sold) == ("NORMAL_REFUND", OUT, "perl", None)


def test_a_refund_on_the_web_is_a_net_refund(db: Connection, play: Event) -> None:
    by_web, by_seller, raw = net_paid(db, play.price_group, 3).tickets
    refund(db, [by_web], seller=None)
    assert last_entry(db, by_web) == ("NET_REFUND", OUT, None, None)
    refund(db, [by_seller], seller="ola")
    assert last_entry(db, by_seller) == ("NET_REFUND", OUT, "ola", None)
    update_ticket(db, raw, refunded="now", refunder="perl")
    assert last_entry(db, raw) == ("NET_REFUND", OUT, "perl", None)


def test_another_price_group_of_a_paid_ticket_is_a_normal_change(db: Connection, play: Event) -> None:
    cheaper = play.price_groups[1]
    difference = (Decimal(-24), Decimal("10.04") - Decimal("13.17"), Decimal(0), Decimal(0))
    by_function, raw = sell(db, play.price_group, 2).tickets
    call(db, "change_price_group", tickets=[by_function], price_group=cheaper, seller="ola", cash_point=STAND)
    assert last_entry(db, by_function) == ("NORMAL_CHANGE", difference, "ola", STAND)
    update_ticket(db, raw, price_group=cheaper)
    assert last_entry(db, raw) == ("NORMAL_CHANGE", difference, ME, None)
    for ticket in (by_function, raw):
        row = log_rows(db, ticket)[-1]
        assert (row["price_group"], row["price"]) == (cheaper, 92)
        assert payment_lines(db, row["payment"]) == {"CASH": -24}
        assert ticket_row(db, ticket)["price"] == 92, "the ticket costs what its new price group costs"


def test_another_price_group_of_a_reservation_is_a_reservation_change(db: Connection, play: Event) -> None:
    dearer = reserve(db, play.price_groups[1], 2)
    by_function, raw = dearer.tickets
    call(db, "change_price_group", tickets=[by_function], price_group=play.price_group, seller="ola")
    assert last_entry(db, by_function) == ("RESERVATION_CHANGE", NOTHING, "ola", None)
    update_ticket(db, raw, price_group=play.price_group)
    assert last_entry(db, raw) == ("RESERVATION_CHANGE", NOTHING, ME, None)
    pay(db, dearer)
    assert [last_entry(db, ticket)[1] for ticket in dearer.tickets] == [IN, IN], "it is paid at its new price"


def test_an_exchange_is_refunds_of_the_old_and_sales_of_the_new(db: Connection, play: Event, concert: Event) -> None:
    old = sell(db, play.price_group, 2).tickets
    answer = exchange(db, old, {concert.price_group: 1, play.price_groups[1]: 2}, seller="ola", cash_point=STAND)
    number = answer[0]["exchange"]
    first, second, surplus = (row["new_ticket"] for row in answer)

    assert [last_entry(db, ticket) for ticket in old] == [("NORMAL_REFUND", OUT, "ola", STAND)] * 2
    assert [entries(db, ticket) for ticket in (first, second, surplus)] == [
        [("NORMAL_SALE", (Decimal(300), Decimal(0), Decimal(0), Decimal(0)), "ola", STAND)],
        [("NORMAL_SALE", (Decimal(77), Decimal("10.04"), Decimal(15), Decimal("1.61")), "ola", STAND)],
        [("NORMAL_SALE", (Decimal(77), Decimal("10.04"), Decimal(15), Decimal("1.61")), "ola", STAND)],
    ]
    related = {ticket: log_rows(db, ticket)[-1]["related_ticket"] for ticket in (*old, first, second, surplus)}
    assert related == {old[0]: first, old[1]: second, first: old[0], second: old[1], surplus: None}
    assert {log_rows(db, ticket)[-1]["exchange"] for ticket in related} == {number}, "a surplus names the exchange"
    assert {log_rows(db, ticket)[-1]["payment"] for ticket in related} == {answer[0]["payment"]}
    assert payment_lines(db, answer[0]["payment"]) == {"CASH": 300 + 92 + 92 - 2 * 116}


def test_an_exchange_of_many_for_one_leaves_the_surplus_of_the_old(db: Connection, play: Event) -> None:
    old = net_paid(db, play.price_group, 3).tickets
    answer = exchange(db, old, play.price_groups[1], methods=None)
    new = answer[0]["new_ticket"]
    assert [last_entry(db, ticket)[0] for ticket in old] == ["NET_REFUND"] * 3
    assert [log_rows(db, ticket)[-1]["related_ticket"] for ticket in old] == [new, None, None]
    assert payment_lines(db, answer[0]["payment"]) == {"NET_CARD": 92 - 3 * 116}, "paid back by what was paid with"


def test_the_legacy_spelling_exchanges_too(db: Connection, play: Event) -> None:
    old = sell(db, play.price_group).ticket
    answer = call(db, "ticket_exchage", old_tickets=[old], price_groups=[play.price_group], counts=[1], seller="ola")
    assert log_types(db, old) == ["NORMAL_SALE", "NORMAL_REFUND"]
    assert log_types(db, answer[0]["new_ticket"]) == ["NORMAL_SALE"]


def test_use_and_a_card_are_logged_without_money(db: Connection, play: Event) -> None:
    ticket = sell(db, play.price_group).ticket
    update_ticket(db, ticket, on_card=True)
    assert last_entry(db, ticket) == ("CARD_CHANGE", NOTHING, ME, None)
    update_ticket(db, ticket, on_card=False)
    assert last_entry(db, ticket) == ("CARD_CHANGE", NOTHING, ME, None)
    update_ticket(db, ticket, used="now")
    assert last_entry(db, ticket) == ("TICKET_USED", NOTHING, ME, None)
    call(db, "unuse_ticket", tickets=[ticket], seller="ola", reason="out for air")
    assert last_entry(db, ticket) == ("TICKET_UNUSED", NOTHING, "ola", None)


def test_a_used_ticket_is_taken_back_with_a_reason_that_is_logged(db: Connection, play: Event) -> None:
    used, fresh = sell(db, play.price_group, 2).tickets
    update_ticket(db, used, used="now")
    with expect("23B11"):
        refund(db, [used])
    refund(db, [used, fresh], reason="the show was stopped", override_used=True)
    assert {ticket: log_rows(db, ticket)[-1]["override_used"] for ticket in (used, fresh)} == {
        used: True,
        fresh: False,
    }
    payment = log_rows(db, used)[-1]["payment"]
    assert rows(db, "select reason, override_used from billig.payment where payment = %s", payment) == [
        {"reason": "the show was stopped", "override_used": True}
    ]


def test_what_is_kept_reduced_charged_back_and_won_is_a_row_of_its_own(db: Connection, play: Event) -> None:
    ticket, kept = net_paid(db, play.price_group, 2).tickets
    paid = log_rows(db, ticket)[-1]["payment"]
    call(db, "reduce_price", tickets=[ticket], amounts=[1], seller="ola", reason="a test")
    assert last_entry(db, ticket) == ("PRICE_REDUCTION", (Decimal(-1), Decimal("-0.13"), *NOTHING[:2]), "ola", None)
    refund(db, [kept], kept=[15])
    assert entries(db, kept)[-2:] == [
        ("NET_REFUND", OUT, "kari", None),
        ("FEE_KEPT", (0, 0, Decimal(15), Decimal("1.61")), "kari", None),
    ]
    call(db, "record_chargeback", dispute_reference="a dispute", payment=paid, amount=115)
    parts = (Decimal("100"), Decimal("13.04"), Decimal("0"), Decimal("0"))
    assert last_entry(db, ticket)[0] == "CHARGEBACK"
    call(db, "record_chargeback_won", dispute_reference="a dispute")
    kind, _, seller, where = last_entry(db, ticket)
    assert (kind, seller, where) == ("CHARGEBACK_WON", None, None)
    assert sum(row["amount"] for row in log_rows(db, ticket)) == parts[0]
    assert sum(row["vat_amount"] for row in log_rows(db, ticket)) == parts[1]


def test_a_new_vat_rate_is_two_rows(db: Connection, play: Event) -> None:
    ticket = sell(db, play.price_group).ticket
    run(db, "insert into books.vat_rate (vat_code, valid_from, rate) values (33, current_date + 1, 13)")
    call(db, "change_vat")
    run(db, "delete from books.vat_rate where vat_code = 33 and rate = 13")
    assert entries(db, ticket)[1:] == [
        ("VAT_CHANGE", OUT, ME, None),
        ("VAT_CHANGE", (*IN[:3], Decimal("1.73")), ME, None),
    ]
    call(db, "change_vat")
    assert entries(db, ticket)[3:] == [
        ("VAT_CHANGE", (*OUT[:3], Decimal("-1.73")), ME, None),
        ("VAT_CHANGE", IN, ME, None),
    ]


def test_a_late_web_payment_sells_anew_and_names_the_lost_ticket(db: Connection, play: Event) -> None:
    lost = net(db, play.price_group)
    call(db, "abort_purchase", purchase=lost.purchase)
    answer = confirm(db, lost)
    assert [row["result"] for row in answer] == ["RESOLD"]
    assert log_types(db, lost.ticket) == ["NET_SALE", "NET_TIMEOUT"], "nothing is ever un-refunded"
    new = answer[0]["ticket"]
    assert entries(db, new) == [("NET_SALE", NOTHING, None, None), ("NET_PAID", IN, None, None)]
    assert [row["related_ticket"] for row in log_rows(db, new)] == [lost.ticket] * 2


def test_every_type_of_the_table_is_tried_here(db: Connection) -> None:
    types = {row["transaction_type_name"] for row in rows(db, "select * from billig.transaction_type")}
    tried = Path(__file__).read_text("utf-8")
    assert {name for name in types if f'("{name}"' not in tried and f'"{name}",' not in tried} == set()


# --- What a row holds -----------------------------------------------------------------------------------------------


def test_each_row_copies_what_must_not_drift(db: Connection, play: Event) -> None:
    with db.transaction():
        xact = one(db, "select pg_current_xact_id()::text")
        sale = sell(db, play.price_group, cash_point=STAND)
    (row,) = log_rows(db, sale.ticket)
    today: date = one(db, "select billig.local_time()::date")
    expected = {
        "purchase": sale.purchase,
        "payment": sale.payment,
        "exchange": None,
        "related_ticket": None,
        "xact_id": xact,
        "transaction_date": today,
        "price_group": play.price_group,
        "ticket_group": play.ticket_group,
        "event": play.event,
        "organisation": 2,
        "project": play.project,
        "era": 1,
        "vat_code": MIDDLE_RATE,
        "vat_rate": 15,
        "fee_vat_code": LOW_RATE,
        "fee_vat_rate": 12,
        "login_role": ME,
        "price": 116,
        "fee": 15,
        "override_used": False,
    }
    assert {name: str(row[name]) if name == "xact_id" else row[name] for name in expected} == expected
    assert abs(row["transaction_time"].timestamp() - time.time()) < 60


def test_later_edits_of_the_programme_change_no_past_report_and_no_later_refund(connect: Connect) -> None:
    db = connect()  # the VAT rates are everybody's
    event = make_event(db, prices=(116, 65), fee=15, vat_code=MIDDLE_RATE, project_vat_code=REGULAR_RATE)
    kept, refunded, changed = sell(db, event.price_group, 3).tickets
    report = """
        select project, vat_code, vat_rate, tickets_sold, gross_amount, vat_amount from report.vat_by_project
        order by project, vat_code, vat_rate
    """
    before = rows(db, report)
    assert [(row["vat_rate"], row["gross_amount"]) for row in before] == [(15, 3 * 116)]

    elsewhere = make_project(db)
    run(db, "update billig.price_group set price = 500 where price_group = %s", event.price_group)
    run(db, "insert into books.vat_rate (vat_code, valid_from, rate) values (31, current_date - 1, 20)")
    run(db, "update books.vat_rate set rate = 16 where vat_code = 31 and valid_from = '2012-01-01'")
    run(
        db,
        "update billig.event set project = %s, ticket_fee = 99, vat_code = 3 where event = %s",
        elsewhere,
        event.event,
    )
    assert rows(db, report) == before

    refund(db, [refunded])
    (sold, back) = log_rows(db, refunded)
    copied = ("project", "price", "vat_code", "vat_rate", "fee_vat_code", "fee_vat_rate", "organisation", "event")
    assert {name: back[name] for name in copied} == {name: sold[name] for name in copied}
    assert [sold[name] for name in ("amount", "vat_amount", "fee_amount", "fee_vat_amount")] == [
        -back[name] for name in ("amount", "vat_amount", "fee_amount", "fee_vat_amount")
    ]
    with expect("23B08"):
        update_ticket(db, changed, price_group=event.price_groups[1])
    answer = exchange(db, [changed], event.price_groups[1])
    assert log_rows(db, changed)[-1]["project"] == event.project
    assert log_rows(db, answer[0]["new_ticket"])[-1]["project"] == elsewhere, "an exchange sells under the new"
    assert kept
    assert consistency(db) == {}


# --- VAT of a change ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "rate", "vat"),
    [
        (101, 77, 15, "-3.13"),
        (9, 14, 15, "0.66"),  # 1.83 - 1.17, where VAT of the difference, 5, is 0.65
        (100, 1, 15, "-12.91"),
        (1, 2, 12, "0.10"),  # 0.21 - 0.11, where VAT of 1 is 0.11
        (0, 10, 25, "2.00"),
        (10, 0, 25, "-2.00"),
        (55, 55, 25, "0.00"),
    ],
)
def test_vat_of_a_change_is_vat_of_the_new_less_vat_logged_for_the_old(
    db: Connection, old: int, new: int, rate: int, vat: str
) -> None:
    code = {12: LOW_RATE, 15: MIDDLE_RATE, 25: REGULAR_RATE}[rate]
    event = make_event(db, prices=(old, new), vat_code=code)
    by_function, raw = sell(db, event.price_group, 2).tickets
    call(
        db,
        "change_price_group",
        tickets=[by_function],
        price_group=event.price_groups[1],
        seller="ola",
        payment_methods=["CASH"] if new > old else None,
    )
    update_ticket(db, raw, price_group=event.price_groups[1])
    for ticket in (by_function, raw):
        row = log_rows(db, ticket)[-1]
        assert (row["type"], row["amount"], row["vat_amount"]) == ("NORMAL_CHANGE", new - old, Decimal(vat))


def test_a_change_after_the_vat_rate_changed_takes_the_new_rate_for_the_whole_ticket(db: Connection) -> None:
    run(db, "insert into books.vat_code (vat_code, vat_code_name, vat_code_note) values (91, 'Test', 'Test')")
    run(db, "insert into books.vat_rate (vat_code, valid_from, rate) values (91, '2020-01-01', 10)")
    for line_kind in ("REVENUE", "VAT"):
        call_in(db, "books", "set_voucher_rule", line_kind=line_kind, account=3900, vat_code=91)
    event = make_event(db, prices=(100, 130, 70), vat_code=91)
    paid = sell(db, event.price_group, 2).tickets
    reserved = reserve(db, event.price_group)
    run(db, "insert into books.vat_rate (vat_code, valid_from, rate) values (91, current_date - 1, 20)")

    for ticket, group, amount in zip(paid, event.price_groups[1:], (30, -30), strict=True):
        update_ticket(db, ticket, price_group=group)
        out, new = log_rows(db, ticket)[1:]
        new_vat = {30: Decimal("21.67"), -30: Decimal("11.67")}[amount]
        assert (out["amount"], out["vat_rate"], out["vat_amount"]) == (-100, 10, Decimal("-9.09"))
        assert (new["amount"], new["vat_rate"], new["vat_amount"]) == (100 + amount, 20, new_vat)
        refund(db, [ticket])
        assert log_rows(db, ticket)[-1]["vat_amount"] == -new_vat, "a refund takes back all VAT that was logged"
    pay(db, reserved)
    assert log_rows(db, reserved.ticket)[-1]["vat_amount"] == Decimal("9.09"), "a reservation is paid as reserved"


# --- What is refused ------------------------------------------------------------------------------------------------


def unpaid_web(db: Connection, play: Event) -> int:
    return net(db, play.price_group).ticket


def paid_ticket(db: Connection, play: Event) -> int:
    return sell(db, play.price_group).ticket


def older_payment(db: Connection, play: Event) -> int | None:
    return sell(db, play.price_group).payment


def _used(db: Connection, play: Event) -> int:
    ticket = paid_ticket(db, play)
    update_ticket(db, ticket, used=EARLIER)
    return ticket


def _refunded(db: Connection, play: Event) -> int:
    ticket = paid_ticket(db, play)
    refund(db, [ticket])
    return ticket


def _new(**columns: object) -> Callable[[Connection, Event], Callable[[], object]]:
    """Inserting a ticket with these columns."""

    def prepare(db: Connection, play: Event) -> Callable[[], object]:
        purchase = raw_purchase(db)
        return lambda: insert_ticket(db, play.price_group, purchase, **columns)

    return prepare


def _change(
    make: Callable[[Connection, Event], int], **columns: object
) -> Callable[[Connection, Event], Callable[[], object]]:
    """Updating these columns of such a ticket; a value may be a function of the database."""

    def prepare(db: Connection, play: Event) -> Callable[[], object]:
        ticket = make(db, play)
        values = {name: value(db, play) if callable(value) else value for name, value in columns.items()}
        return lambda: update_ticket(db, ticket, **values)

    return prepare


def _new_with_older_payment(db: Connection, play: Event) -> Callable[[], object]:
    payment, purchase = older_payment(db, play), raw_purchase(db)
    return lambda: insert_ticket(db, play.price_group, purchase, paid=EARLIER, payment=payment)


def _moved_project(db: Connection, _: Event) -> Callable[[], object]:
    event = make_event(db, prices=(10, 20))
    ticket = sell(db, event.price_group).ticket
    run(db, "update billig.event set project = %s where event = %s", make_project(db), event.event)
    return lambda: update_ticket(db, ticket, price_group=event.price_groups[1])


def _moved_vat_code(db: Connection, _: Event) -> Callable[[], object]:
    event = make_event(db, prices=(10, 20))
    ticket = reserve(db, event.price_group).ticket
    run(db, "update billig.event set vat_code = 3 where event = %s", event.event)
    return lambda: update_ticket(db, ticket, price_group=event.price_groups[1])


def _exchange_number(db: Connection, play: Event) -> int:
    return int(exchange(db, [paid_ticket(db, play)], play.price_group)[0]["exchange"])


def _not_for_cards(db: Connection, _: Event) -> Callable[[], object]:
    ticket = sell(db, make_event(db).price_group).ticket
    return lambda: update_ticket(db, ticket, on_card=True)


def _payment_for_nothing(db: Connection, play: Event) -> Callable[[], object]:
    ticket = paid_ticket(db, play)

    def do() -> None:
        with db.transaction():
            payment = one(db, "insert into billig.payment (kind) values ('SALE') returning payment")
            update_ticket(db, ticket, payment=payment)

    return do


def _kept(db: Connection, play: Event) -> int:
    ticket = paid_ticket(db, play)
    refund(db, [ticket], kept=[50])
    return ticket


def _reduced(db: Connection, play: Event) -> int:
    ticket = paid_ticket(db, play)
    call(db, "reduce_price", tickets=[ticket], amounts=[30], seller="kari", reason="a test")
    return ticket


def _charged_back(db: Connection, play: Event) -> int:
    ticket = net_paid(db, play.price_group).ticket
    paid = log_rows(db, ticket)[-1]["payment"]
    call(db, "record_chargeback", dispute_reference=f"dispute of {ticket}", payment=paid)
    return ticket


def _disputed(
    make: Callable[[Connection, Event], int], kind: str = "CHARGEBACK", **columns: object
) -> Callable[[Connection, Event], Callable[[], object]]:
    """Updating these columns in a transaction that makes a payment of this kind for it, of no money."""

    def prepare(db: Connection, play: Event) -> Callable[[], object]:
        ticket = make(db, play)
        disputed = None if kind == "REFUND" else log_rows(db, ticket)[0]["payment"] or older_payment(db, play)

        def do() -> None:
            with db.transaction():
                payment = one(
                    db,
                    "insert into billig.payment (kind, disputed_payment) values (%s, %s) returning payment",
                    kind,
                    disputed,
                )
                update_ticket(db, ticket, payment=payment, **columns)

        return do

    return prepare


def _cancelled(
    make: Callable[[Connection, Event], Callable[[], object]],
) -> Callable[[Connection, Event], Callable[[], object]]:
    """The same, when the event has been cancelled meanwhile."""

    def prepare(db: Connection, _: Event) -> Callable[[], object]:
        other = make_event(db, prices=(100, 150))
        do = make(db, other)
        call(db, "cancel_event", event=other.event, reason="rain")
        return do

    return prepare


REFUSALS: list[tuple[int, str, Callable[[Connection, Event], Callable[[], object]]]] = [
    (-1, "born refunded", _new(refunded=EARLIER)),
    (-1, "born used", _new(paid=EARLIER, used=EARLIER)),
    (-1, "born with a refunder", _new(refunder="perl")),
    (-1, "born with a point of refund", _new(point_of_refund=STAND)),
    (-2, "an unpaid sale at a stand", _new(sale_channel="STAND")),
    (-3, "a paid reservation", _new(sale_channel="RESERVATION", paid=EARLIER)),
    (-4, "a sale that names an older payment", _new_with_older_payment),
    (-5, "another key", _change(paid_ticket, ticket=9_000_000)),
    (-6, "another purchase", _change(paid_ticket, purchase=lambda db, _: raw_purchase(db))),
    (-7, "un-refunding", _change(_refunded, refunded=None)),
    (-8, "a second refund", _change(_refunded, refunded=EARLIER, refunder="perl")),
    (-7, "un-paying", _change(paid_ticket, paid=None)),
    (-7, "another time of payment", _change(paid_ticket, paid=EARLIER)),
    (-7, "un-using", _change(_used, used=None)),
    (-7, "another time of use", _change(_used, used=LATER)),
    (-8, "another refunder of what is refunded", _change(_refunded, refunder="somebody else")),
    (-8, "use of what is refunded", _change(_refunded, used=LATER)),
    (-8, "another price group of what is refunded", _change(_refunded, price_group=lambda _, p: p.price_groups[1])),
    (-9, "paid and used at once", _change(unpaid_web, paid=EARLIER, used=EARLIER)),
    (-9, "paid and refunded at once", _change(unpaid_web, paid=EARLIER, refunded=EARLIER, refunder="perl")),
    (-9, "used and put on a card at once", _change(paid_ticket, used=EARLIER, on_card=True)),
    (-9, "refunded and changed at once", _change(
        paid_ticket, refunded=EARLIER, refunder="perl", price_group=lambda _, p: p.price_groups[1])),
    (-10, "a refunder without a refund", _change(paid_ticket, refunder="perl")),
    (-10, "a point of refund without a refund", _change(paid_ticket, point_of_refund=STAND)),
    (-10, "a point of refund with a payment", _change(unpaid_web, paid=EARLIER, point_of_refund=STAND)),
    (-11, "a refund that names an older payment", _change(
        paid_ticket, refunded=EARLIER, refunder="perl", payment=older_payment)),
    (-11, "a payment that names an older payment", _change(unpaid_web, paid=EARLIER, payment=older_payment)),
    (-11, "a used ticket that names an older payment", _change(paid_ticket, used=EARLIER, payment=older_payment)),
    (-12, "a refund that names an exchange", _change(
        paid_ticket, refunded=EARLIER, refunder="perl", exchange=_exchange_number)),
    (-13, "a refund of a used ticket", _change(_used, refunded=EARLIER, refunder="perl")),
    (-14, "a refund by nobody", _change(paid_ticket, refunded=EARLIER)),
    (-14, "a refund by nobody, spelled as nothing", _change(paid_ticket, refunded=EARLIER, refunder="")),
    (-15, "another price group after the event moved to another project", _moved_project),
    (-15, "another price group after the event's VAT code changed", _moved_vat_code),
    (-16, "another price group of an unpaid web ticket", _change(
        unpaid_web, price_group=lambda _, p: p.price_groups[1])),
    (-17, "use of an unpaid ticket", _change(unpaid_web, used=EARLIER)),
    (-18, "on a card, where the price group forbids it", _not_for_cards),
    (-11, "a payment taken off a ticket", _change(paid_ticket, payment=None)),
    (-19, "a payment of its own transaction that pays for nothing of it", _payment_for_nothing),
    (-20, "a chargeback of what is refunded that leaves what is kept", _disputed(_kept, charged_back=10)),
    (-21, "a chargeback that names no payment", _change(paid_ticket, charged_back=10)),
    (-21, "a chargeback that names a payment of another kind", _disputed(paid_ticket, "REFUND", charged_back=10)),
    (-21, "a dispute won that names a chargeback", _disputed(_charged_back, charged_back=0)),
    (-22, "a reduction that shrinks", _change(_reduced, reduced=9)),
    (-23, "use of what was charged back", _change(_charged_back, used=EARLIER)),
    (-23, "another price group of what was charged back", _change(
        _charged_back, price_group=lambda _, p: p.price_groups[1])),
    (-24, "a price group that costs less than was given back", _change(
        _reduced, price_group=lambda _, p: p.price_groups[2])),
    (-25, "a new ticket of a cancelled event", _cancelled(_new(paid=EARLIER))),
    (-25, "payment of a ticket of a cancelled event", _cancelled(_change(unpaid_web, paid=EARLIER))),
    (-25, "another price group in a cancelled event", _cancelled(_change(
        paid_ticket, price_group=lambda _, p: p.price_groups[1]))),
    (-6, "a VAT rate that is not the day of delivery's", _change(paid_ticket, fee_vat_rate=13)),
    (-8, "a reduction of what is refunded", _change(_refunded, reduced=10)),
    (-8, "what is kept of what is refunded", _change(_refunded, kept=10)),
    (-9, "used and reduced at once", _change(paid_ticket, used=EARLIER, reduced=10)),
    (-1, "born reduced", _new(paid=EARLIER, reduced=10)),
    (-1, "born charged back", _new(paid=EARLIER, charged_back=10)),
]  # fmt: skip


@pytest.mark.parametrize(("number", "prepare"), [(n, p) for n, _, p in REFUSALS], ids=[what for _, what, _ in REFUSALS])
def test_is_refused_and_changes_nothing(
    db: Connection, play: Event, number: int, prepare: Callable[[Connection, Event], Callable[[], object]]
) -> None:
    do = prepare(db, play)
    (refusal,) = rows(db, "select error_code, message from billig.ticket_refusal where ticket_refusal = %s", number)
    fingerprint = """
        select
            (select md5(string_agg(t::text, '' order by t.ticket)) from billig.ticket as t where t.event = %s),
            (select count(*) from billig.transaction_log), (select count(*) from billig.payment),
            (select sum(remaining) from billig.ticket_group_slot)
    """
    before = db.execute(fingerprint, [play.event]).fetchone()
    with expect(refusal["error_code"]) as refused:
        do()
    assert refused.value.diag.message_primary == refusal["message"]
    assert db.execute(fingerprint, [play.event]).fetchone() == before


def test_every_refusal_of_the_table_is_tried(db: Connection) -> None:
    listed = {row["ticket_refusal"] for row in rows(db, "select ticket_refusal from billig.ticket_refusal")}
    assert {number for number, _, _ in REFUSALS} == listed


SOLD_AS: dict[str, object] = {
    "sale_channel": "NET",
    "seller": "somebody else",
    "cash_point": KIOSK,
    "organisation": 1,
    "project": None,
    "vat_code": REGULAR_RATE,
    "vat_rate": 25,
    "fee_vat_code": REGULAR_RATE,
    "fee_vat_rate": 25,
    "price": 101,
    "fee": 1,
    "sold_name": None,
}


def test_what_a_ticket_was_sold_as_is_never_changed(db: Connection, play: Event, concert: Event) -> None:
    ticket, other = sell(db, play.price_group, 2, cash_point=STAND).tickets
    attempts = {**SOLD_AS, "event": concert.event, "replaces": other}
    for column, value in attempts.items():
        with expect("23B08"):
            update_ticket(db, ticket, **{column: value})
    with expect("23B08"):
        update_ticket(db, ticket, refunded="now", refunder="perl", price=101)
    with expect("23503", native=True):
        update_ticket(db, ticket, price_group=concert.price_group)
    free_to_change = {
        "ticket", "price_group", "purchase", "used", "refunded", "on_card", "refunder", "point_of_refund", "paid",
        "payment", "exchange", "replaced_by", "ticket_group", "reduced", "charged_back", "kept",
    }  # fmt: skip
    columns = one(
        db,
        "select array_agg(attname::text) from pg_attribute where attrelid = 'billig.ticket'::regclass and attnum > 0",
    )
    assert set(columns) == free_to_change | set(attempts), "a new column belongs in one of the two"
    assert log_types(db, ticket) == ["NORMAL_SALE"]


def test_a_price_group_of_another_ticket_group_is_refused(db: Connection, play: Event, concert: Event) -> None:
    ticket = sell(db, play.price_group).ticket
    with expect("23B08"):
        update_ticket(db, ticket, price_group=concert.price_group, ticket_group=concert.ticket_group)
    with expect("23B08"):
        call(db, "change_price_group", tickets=[ticket], price_group=concert.price_group, seller="ola")


def test_changed_keys_are_seen_also_when_they_land_on_other_old_keys(db: Connection, play: Event) -> None:
    purchase, base = raw_purchase(db), one(db, "select max(ticket) + 100 from billig.ticket")
    with db.transaction():  # one payment, so that the two are alike but for their keys
        for ticket in (base + 1, base):  # in this order + 1 does not collide on the way
            insert_ticket(db, play.price_group, purchase, ticket=ticket, paid=EARLIER)
    before = log_size(db)
    for shift in (1, 2, -100_000):
        with expect("23B08"):
            run(db, "update billig.ticket set ticket = ticket + %s where purchase = %s", shift, purchase)
    with expect("23505", native=True):  # two keys swapped: the primary key itself forbids it
        run(db, "update billig.ticket set ticket = %s - ticket where purchase = %s", 2 * base + 1, purchase)
    assert log_size(db) == before


def test_two_transitions_one_after_the_other_are_two_rows(db: Connection, play: Event) -> None:
    with db.transaction():
        ticket = insert_ticket(db, play.price_group)
        update_ticket(db, ticket, paid=EARLIER)
        update_ticket(db, ticket, used=LATER)
    assert log_types(db, ticket) == ["NET_SALE", "NET_PAID", "TICKET_USED"]


def test_one_refused_row_refuses_the_statement(db: Connection, play: Event) -> None:
    good, used = sell(db, play.price_group, 2).tickets
    update_ticket(db, used, used=EARLIER)
    with expect("23B11") as refused:
        update_ticket(db, [good, used], refunded="now", refunder="perl")
    assert str(used) in str(refused.value.diag.message_detail), "the refusal names the ticket"
    assert ticket_row(db, good)["refunded"] is None


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        ("delete from billig.ticket", "23B25"),
        ("delete from billig.ticket where false", "23B25"),
        ("truncate billig.ticket", "23B25"),
        ("truncate billig.ticket cascade", "23B25"),
        ("truncate billig.purchase cascade", "23B20"),  # its payments come first
    ],
)
def test_tickets_are_never_deleted(db: Connection, statement: str, refusal: str) -> None:
    before = one(db, "select count(*) from billig.ticket")
    with expect(refusal):
        db.execute(statement)
    assert one(db, "select count(*) from billig.ticket") == before


# --- The log is append-only -----------------------------------------------------------------------------------------

TAMPERING = [
    "update billig.transaction_log set amount = 0",
    "update billig.transaction_log set amount = 0 where false",
    "delete from billig.transaction_log",
    "delete from billig.transaction_log where false",
    "truncate billig.transaction_log",
    "insert into billig.transaction_log select * from billig.transaction_log",
    "insert into billig.transaction_log select * from billig.transaction_log where false",
    "copy billig.transaction_log from stdin",
    """
    merge into billig.transaction_log as l using (values (1)) as s (x) on l.transaction_log = s.x
    when matched then delete when not matched then do nothing
    """,
    "insert into billig.transaction_log select * from billig.transaction_log on conflict do nothing",
    "do 'begin delete from billig.transaction_log; end'",
    "with gone as (delete from billig.transaction_log returning 1) select count(*) from gone",
]


@pytest.mark.parametrize("role", ["none", "pybridge_owner"])
@pytest.mark.parametrize("replication", ["origin", "replica"])
def test_nobody_writes_the_log(connect: Connect, db: Connection, play: Event, role: str, replication: str) -> None:
    with db.transaction(force_rollback=True):
        run(db, "select set_config('session_replication_role', %s, true)", replication)
        db.execute(sql.SQL("set local role {}").format(sql.SQL("none") if role == "none" else sql.Identifier(role)))
        before = one(
            db, "select md5(string_agg(l::text, '' order by transaction_log)) from billig.transaction_log as l"
        )
        for statement in TAMPERING:
            with expect("23B07"), db.transaction():
                if statement.startswith("copy"):
                    with db.cursor().copy(statement) as copy:
                        copy.write("")
                else:
                    db.execute(statement)
        after = one(db, "select md5(string_agg(l::text, '' order by transaction_log)) from billig.transaction_log as l")
        assert after == before


def test_the_log_takes_rows_of_the_tickets_own_triggers_and_of_no_other(db: Connection, play: Event) -> None:
    """Any trigger has a depth; and the ticket's trigger function logs for no table but ticket."""
    insert_ticket(db, play.price_group)
    forge = "insert into billig.transaction_log select * from billig.transaction_log"
    with db.transaction(force_rollback=True):
        db.execute("create table analysis.mine (a int)")
        for name in ("forge", "ticket_log_insert", '"a ""ticket_log_insert"""'):
            db.execute(
                f"create function analysis.{name}() returns trigger language plpgsql as"
                f" 'begin {forge}; return null; end'".encode()
            )
            trigger = f"after insert on analysis.mine execute function analysis.{name}()"
            db.execute(f"create or replace trigger forge {trigger}".encode())
            with expect("23B07"), db.transaction():
                db.execute("insert into analysis.mine values (1)")
        with expect("23B07"), db.transaction():
            db.execute(f"do 'begin {forge}; end'".encode())
        db.execute("create table analysis.ticket (like billig.ticket)")
        db.execute(
            "create trigger forge after insert on analysis.ticket referencing new table as new_ticket"
            " for each statement execute function billig.ticket_log_insert()"
        )
        with expect("23B07"), db.transaction():
            db.execute("insert into analysis.ticket select * from billig.ticket")
    ticket = insert_ticket(db, play.price_group)  # the control
    assert len(log_types(db, ticket)) == 1


def test_a_replica_session_gets_round_no_trigger(db: Connection, play: Event) -> None:
    with db.transaction():
        run(db, "set local session_replication_role = replica")
        ticket = insert_ticket(db, play.price_group, sale_channel="STAND", paid=EARLIER)
        update_ticket(db, ticket, refunded="now", refunder="perl")
    assert log_types(db, ticket) == ["NORMAL_SALE", "NORMAL_REFUND"]
    small = make_event(db, num=1)
    with expect("23B01"), db.transaction():
        run(db, "set local session_replication_role = replica")
        insert_ticket(db, small.price_group)
        insert_ticket(db, small.price_group)
    with expect("23B20"), db.transaction():
        run(db, "set local session_replication_role = replica")
        run(db, "update billig.payment set seller = 'nobody'")
    with expect("23B14"), db.transaction():
        run(db, "set local session_replication_role = replica")
        _payment_with_line(db, 100)


# --- Statements of every shape --------------------------------------------------------------------------------------


def test_an_update_of_nothing_new_logs_nothing(db: Connection, play: Event) -> None:
    ticket = sell(db, play.price_group).ticket
    before = log_size(db)
    assert run(
        db, "update billig.ticket set used = used, refunded = refunded, on_card = false where ticket = %s", ticket
    )
    assert run(db, "update billig.ticket set refunded = null where ticket = -1") == 0
    assert log_size(db) == before


def test_one_statement_may_refund_some_and_leave_others(db: Connection, play: Event) -> None:
    kept = sell(db, play.price_group, 2)
    back = sell(db, play.price_group, 2)
    before = log_size(db)
    run(
        db,
        """
        update billig.ticket
        set
            refunded = case when purchase = %(back)s then billig.local_time() end,
            refunder = case when purchase = %(back)s then 'perl' end
        where purchase in (%(kept)s, %(back)s)
        """.replace("%(back)s", "%s").replace("%(kept)s", "%s"),
        back.purchase,
        back.purchase,
        kept.purchase,
        back.purchase,
    )
    assert log_size(db) == before + 2
    assert [log_types(db, ticket)[-1] for ticket in back.tickets] == ["NORMAL_REFUND"] * 2
    assert payment_lines(db, log_rows(db, back.tickets[0])[-1]["payment"]) == {"CASH": -232}


def test_one_statement_may_make_different_changes_of_different_tickets(db: Connection, play: Event) -> None:
    paid, unpaid, reserved = sell(db, play.price_group), net(db, play.price_group), reserve(db, play.price_group)
    tickets = [paid.ticket, unpaid.ticket, reserved.ticket]
    update_ticket(db, tickets, refunded="now", refunder="perl")
    assert [log_types(db, ticket)[-1] for ticket in tickets] == ["NORMAL_REFUND", "NET_TIMEOUT", "RESERVATION_REFUND"]


def test_merge_is_logged_like_any_update_and_insert(db: Connection, play: Event) -> None:
    old, purchase = sell(db, play.price_group).ticket, raw_purchase(db)
    before, sold = log_size(db), num_sold(db, play.ticket_group)
    run(
        db,
        """
        merge into billig.ticket as t
        using (values (%s::bigint), (null)) as s (ticket) on t.ticket = s.ticket
        when matched then update set refunded = billig.local_time(), refunder = 'perl'
        when not matched then insert (price_group, purchase) values (%s, %s)
        """,
        old,
        play.price_group,
        purchase,
    )
    new = one(db, "select ticket from billig.ticket where purchase = %s", purchase)
    assert (log_types(db, old), log_types(db, new)) == (["NORMAL_SALE", "NORMAL_REFUND"], ["NET_SALE"])
    assert (log_size(db), num_sold(db, play.ticket_group)) == (before + 2, sold)
    with expect("23B25"):
        run(db, "merge into billig.ticket as t using (values (1)) as s on true when matched then delete")


def test_insert_on_conflict_is_logged_as_what_it_did(db: Connection, play: Event) -> None:
    old, purchase = sell(db, play.price_group).ticket, raw_purchase(db)
    before, sold = log_size(db), num_sold(db, play.ticket_group)
    run(
        db,
        """
        insert into billig.ticket as t (ticket, price_group, purchase)
        values (%s, %s, %s), (nextval('billig.ticket_ticket_seq'), %s, %s)
        on conflict (ticket) do update set refunded = billig.local_time(), refunder = 'perl'
        """,
        old,
        play.price_group,
        purchase,
        play.price_group,
        purchase,
    )
    new = one(db, "select ticket from billig.ticket where purchase = %s", purchase)
    assert (log_types(db, old), log_types(db, new)) == (["NORMAL_SALE", "NORMAL_REFUND"], ["NET_SALE"])
    assert (log_size(db), num_sold(db, play.ticket_group)) == (before + 2, sold)


def test_copy_of_tickets_is_logged(db: Connection, play: Event) -> None:
    purchase, sold = raw_purchase(db), num_sold(db, play.ticket_group)
    with db.cursor().copy("copy billig.ticket (price_group, purchase, paid) from stdin") as copy:
        copy.write_row((play.price_group, purchase, EARLIER))
        copy.write_row((play.price_group, purchase, None))
    types = [log_types(db, row["ticket"]) for row in rows(
        db, "select ticket from billig.ticket where purchase = %s order by ticket", purchase)]  # fmt: skip
    assert types == [["NET_SALE", "NET_PAID"], ["NET_SALE"]]
    assert num_sold(db, play.ticket_group) == sold + 2


def _rescans(node: dict[str, Any], inner: bool = False) -> bool:
    """Whether a plan reads a transition table again for each row of something else."""
    if node["Node Type"] == "Named Tuplestore Scan":
        return inner
    for child in node.get("Plans", []):
        again = (node["Node Type"] == "Nested Loop" and child["Parent Relationship"] == "Inner") or (
            child["Parent Relationship"] == "SubPlan" and "Hash" not in child.get("Subplan Name", "hashed")
        )
        if _rescans(child, inner or again):
            return True
    return False


def test_no_plan_of_the_triggers_loops_over_what_a_statement_changed(connect: Connect) -> None:
    """Plans are kept for the session: one made for a single row must do for a hundred thousand, too."""
    db = connect()
    plans: list[dict[str, Any]] = []

    def collect(notice: psycopg.errors.Diagnostic) -> None:
        text = notice.message_primary or ""
        if "plan:" in text:
            plans.append(json.loads(text[text.index("{") :]))

    db.add_notice_handler(collect)
    event = make_event(db, num=1000, ticket_limit=1000, prices=(50, 60))
    for statement in (
        "load 'auto_explain'",
        "set auto_explain.log_min_duration = 0",
        "set auto_explain.log_nested_statements = on",
        "set auto_explain.log_format = json",
        "set client_min_messages = log",
    ):
        run(db, statement)
    for size in (1, 1, 1, 1, 1, 1, 200):
        tickets = [sell(db, event.price_group).ticket for _ in range(min(size, 3))]
        run(
            db,
            """
            with bought as (insert into billig.purchase (seller) select 'p' from generate_series(1, %s) returning purchase)
            insert into billig.ticket (price_group, purchase, paid) select %s, purchase, billig.local_time() from bought
            """,  # noqa: E501
            size,
            event.price_group,
        )
        update_ticket(db, tickets[0], price_group=event.price_groups[1])
        run(db, "update billig.ticket set refunded = billig.local_time(), refunder = 'perl' where refunded is null")
    of_triggers = [plan for plan in plans if "_ticket" in plan["Query Text"] and "Named Tuplestore" in str(plan)]
    assert len(of_triggers) > 50
    assert [plan["Query Text"] for plan in of_triggers if _rescans(plan["Plan"])] == []


# --- Payments of legacy writes --------------------------------------------------------------------------------------


def last_payment(db: Connection, ticket: int) -> int:
    return int(log_rows(db, ticket)[-1]["payment"])


@pytest.mark.parametrize(
    ("paid", "stand", "back"),
    [("CASH", STAND, "CASH"), ("CARD", STAND, "CARD"), ("VIPPS", STAND, "VIPPS"), ("CARD", KIOSK, "CASH")],
)
def test_a_legacy_refund_goes_back_as_it_was_paid_or_in_cash_where_the_stand_pays_out_cash(
    db: Connection, play: Event, paid: str, stand: int, back: str
) -> None:
    ticket = sell(db, play.price_group, methods=[paid]).ticket
    update_ticket(db, ticket, refunded="now", refunder="perl", point_of_refund=stand)
    assert payment_lines(db, last_payment(db, ticket)) == {back: -116}


def test_a_payment_that_nobody_named_stands_in_the_log_alone(db: Connection, play: Event) -> None:
    sale = sell(db, play.price_group, 2)
    update_ticket(db, sale.tickets[0], refunded="now", refunder="perl")
    unnamed = insert_ticket(db, play.price_group, paid=EARLIER)
    assert last_payment(db, sale.tickets[0]) != sale.payment
    assert last_payment(db, unnamed) is not None
    assert [ticket_row(db, ticket)["payment"] for ticket in (*sale.tickets, unnamed)] == [sale.payment] * 2 + [None]
    with expect("23B06"):
        update_ticket(db, sale.tickets[1], payment=last_payment(db, sale.tickets[0]))
    assert consistency(db) == {}


def test_a_sale_that_legacy_writes_changed_since_is_not_undone(db: Connection, play: Event) -> None:
    changes: list[dict[str, object]] = [{"refunded": "now", "refunder": "perl"}, {"price_group": play.price_groups[1]}]
    for number, change in enumerate(changes):
        seller = f"undoes {number}"
        sale = sell(db, play.price_group, 2, seller=seller)
        update_ticket(db, sale.tickets[0], **change)
        with expect("23B18"):
            call(db, "undo_last_sale", seller=seller)


def test_a_stand_that_nobody_registered_is_registered_by_its_refund(db: Connection, play: Event) -> None:
    ticket = sell(db, play.price_group).ticket
    update_ticket(db, ticket, refunded="now", refunder="perl", point_of_refund=4711)
    assert payment_lines(db, last_payment(db, ticket)) == {"CASH": -116}
    assert one(db, "select cash_point_name from billig.cash_point where cash_point = 4711") == "Cash point 4711"


def test_a_legacy_refund_elsewhere_is_paid_by_the_original_methods_in_proportion(db: Connection, play: Event) -> None:
    sale = sell(db, play.price_group, 3, methods=["CASH", "CARD", "VIPPS"], amounts=[48, 100, 200])
    update_ticket(db, sale.tickets[0], refunded="now", refunder="perl")
    assert payment_lines(db, last_payment(db, sale.tickets[0])) == {
        "CASH": -16,
        "CARD": Decimal("-33.33"),
        "VIPPS": Decimal("-66.67"),
    }
    update_ticket(db, sale.tickets[1:], refunded="now", refunder="perl")
    lines = payment_lines(db, last_payment(db, sale.tickets[2]))
    assert lines == {"CASH": -32, "CARD": Decimal("-66.67"), "VIPPS": Decimal("-133.33")}


def test_a_legacy_refund_follows_an_exchange_back_to_the_money(db: Connection, play: Event) -> None:
    old = sell(db, play.price_group, methods=["VIPPS"]).ticket
    new = exchange(db, [old], play.price_group)[0]["new_ticket"]
    update_ticket(db, new, refunded="now", refunder="perl")
    assert payment_lines(db, last_payment(db, new)) == {"VIPPS": -116}


def test_a_legacy_refund_after_a_change_pays_back_what_was_paid(db: Connection, play: Event) -> None:
    ticket = sell(db, play.price_groups[1], methods=["VIPPS"]).ticket
    call(
        db,
        "change_price_group",
        tickets=[ticket],
        price_group=play.price_group,
        seller="ola",
        payment_methods=["CASH"],
    )
    update_ticket(db, ticket, refunded="now", refunder="perl")
    assert payment_lines(db, last_payment(db, ticket)) == {"VIPPS": -92, "CASH": -24}


def test_a_legacy_refund_of_a_free_ticket_makes_a_payment_without_lines(db: Connection, concert: Event) -> None:
    ticket = sell(db, concert.price_groups[1]).ticket
    update_ticket(db, ticket, refunded="now", refunder="perl")
    assert log_types(db, ticket) == ["NORMAL_SALE", "NORMAL_REFUND"]
    assert payment_lines(db, last_payment(db, ticket)) == {}


def test_one_transaction_makes_one_payment_a_purchase(connect: Connect, db: Connection, play: Event) -> None:
    one_purchase, another = sell(db, play.price_group, 3), sell(db, play.price_group, 1)
    script = _same_database(db, autocommit=False)
    for ticket in (*one_purchase.tickets[:2], *another.tickets):
        update_ticket(script, ticket, refunded="now", refunder="perl")
    script.commit()
    payments = [last_payment(db, ticket) for ticket in (*one_purchase.tickets[:2], *another.tickets)]
    assert payments[0] == payments[1] != payments[2]
    assert payment_lines(db, payments[0]) == {"CASH": -232}
    assert payment_lines(db, payments[2]) == {"CASH": -116}

    update_ticket(script, one_purchase.tickets[2], refunded="now", refunder="perl")
    script.commit()
    assert last_payment(db, one_purchase.tickets[2]) not in payments, "a new transaction, a new payment"
    script.close()


def test_with_autocommit_each_statement_makes_its_own_payments(db: Connection, play: Event) -> None:
    sale = sell(db, play.price_group, 3)
    update_ticket(db, sale.tickets[0], refunded="now", refunder="perl")
    update_ticket(db, sale.tickets[1:], refunded="now", refunder="perl")
    first, second, third = (last_payment(db, ticket) for ticket in sale.tickets)
    assert first != second == third


def test_a_rolled_back_legacy_refund_leaves_nothing(db: Connection, play: Event) -> None:
    sale = sell(db, play.price_group)
    with db.transaction(force_rollback=True):
        update_ticket(db, sale.ticket, refunded="now", refunder="perl")
    assert log_types(db, sale.ticket) == ["NORMAL_SALE"]
    assert one(db, "select count(*) from billig.payment where purchase = %s", sale.purchase) == 1


def test_sales_refunds_refunders_and_stands_do_not_share_a_payment(db: Connection, play: Event) -> None:
    purchase = raw_purchase(db)
    with db.transaction():
        tickets = [insert_ticket(db, play.price_group, purchase, paid=EARLIER) for _ in range(5)]
        update_ticket(db, tickets[0], refunded="now", refunder="perl")
        update_ticket(db, tickets[1], refunded="now", refunder="ola")
        update_ticket(db, tickets[2], refunded="now", refunder="perl", point_of_refund=KIOSK)
        update_ticket(db, tickets[3], price_group=play.price_groups[1])
    made = rows(
        db,
        """
        select p.kind, p.seller, p.cash_point, sum(l.amount) as amount
        from billig.payment as p
        left join billig.payment_line as l on p.payment = l.payment
        where p.purchase = %s and p.made_by = 'TRIGGER'
        group by p.payment
        order by p.payment
        """,
        purchase,
    )
    assert [tuple(row.values()) for row in made] == [
        ("SALE", None, None, 5 * 116),
        ("REFUND", "perl", None, -116),
        ("REFUND", "ola", None, -116),
        ("REFUND", "perl", KIOSK, -116),
        ("CHANGE", ME, None, -24),
    ]


def test_a_function_and_raw_sql_may_share_a_transaction(db: Connection, play: Event) -> None:
    with db.transaction():
        sale = sell(db, play.price_group, 2)
        update_ticket(db, sale.tickets[0], refunded="now", refunder="perl")
        refund(db, [sale.tickets[1]])
    assert [log_types(db, ticket) for ticket in sale.tickets] == [["NORMAL_SALE", "NORMAL_REFUND"]] * 2


# --- Guards of payments ---------------------------------------------------------------------------------------------


def _payment_with_line(db: Connection, amount: int) -> int:
    payment = int(one(db, "insert into billig.payment (kind, seller) values ('SALE', 'perl') returning payment"))
    run(db, "insert into billig.payment_line (payment, payment_method, amount) values (%s, 1, %s)", payment, amount)
    return payment


@pytest.mark.parametrize(
    "statement",
    [
        "update billig.payment set seller = 'somebody else' where payment = %(payment)s",
        "update billig.payment set seller = seller where false",
        "delete from billig.payment where payment = %(payment)s",
        "truncate billig.payment cascade",
        "insert into billig.payment_line (payment, payment_method, amount) values (%(payment)s, 2, 0)",
        "update billig.payment_line set amount = 0 where payment = %(payment)s",
        "update billig.payment_line set amount = amount where payment = %(payment)s",
        "update billig.payment_line set payment_method = 2 where payment = %(payment)s",
        "delete from billig.payment_line where payment = %(payment)s",
        "truncate billig.payment_line cascade",  # the bank refers to it
        """
        insert into billig.payment_line (payment, payment_method, amount) values (%(payment)s, 1, 5)
        on conflict on constraint payment_line_pkey do update set amount = excluded.amount
        """,
    ],
)
def test_a_payment_is_never_changed_afterwards(db: Connection, play: Event, statement: str) -> None:
    sale = sell(db, play.price_group)
    with expect("23B20"):
        db.execute(statement, {"payment": sale.payment})
    assert payment_lines(db, sale.payment or 0) == {"CASH": 116}


def test_a_line_moves_to_no_other_payment_even_in_its_own_transaction(db: Connection) -> None:
    with expect("23B20"), db.transaction():
        first, second = _payment_with_line(db, 0), _payment_with_line(db, 0)
        run(db, "update billig.payment_line set payment = %s, payment_method = 2 where payment = %s", second, first)


def test_one_line_of_a_finished_payment_refuses_all_of_a_statement(db: Connection, play: Event) -> None:
    sale = sell(db, play.price_group)
    with expect("23B20") as refused, db.transaction():
        own = _payment_with_line(db, 0)
        run(
            db,
            "insert into billig.payment_line (payment, payment_method, amount) values (%s, 8, 0), (%s, 8, 0)",
            own,
            sale.payment,
        )
    assert str(sale.payment) in str(refused.value.diag.message_detail)


def test_lines_without_their_log_rows_are_refused_at_commit(db: Connection) -> None:
    with expect("23B14"), db.transaction():
        _payment_with_line(db, 100)


def test_log_rows_without_their_lines_are_refused_at_commit(db: Connection, play: Event) -> None:
    purchase = raw_purchase(db)
    with expect("23B14"), db.transaction():
        payment = one(db, "insert into billig.payment (kind) values ('SALE') returning payment")
        insert_ticket(db, play.price_group, purchase, paid=EARLIER, payment=payment)


def test_asking_early_does_not_ask_too_little(db: Connection, play: Event) -> None:
    """SET CONSTRAINTS checks what is there by then, and what comes after it at once or at commit.

    It writes the receipt too, after which the payment is of no more tickets.
    """
    purchase = raw_purchase(db)
    with expect("23B14"), db.transaction():
        _payment_with_line(db, 100)
        run(db, "set constraints all immediate")
        pytest.fail("the imbalance was not seen")

    def balanced() -> tuple[int, int]:
        payment = _payment_with_line(db, 116)
        ticket = insert_ticket(db, play.price_group, purchase, paid=EARLIER, payment=payment)
        run(db, "set constraints all immediate")
        return payment, ticket

    for mode in ("set constraints all immediate", "set constraints all deferred"):
        with expect("23B14"), db.transaction():
            payment, _ = balanced()
            db.execute(sql.SQL(mode))
            run(db, "update billig.payment_line set amount = 100 where payment = %s", payment)
        with expect("23B06"), db.transaction():
            payment, _ = balanced()
            db.execute(sql.SQL(mode))
            insert_ticket(db, play.price_group, purchase, paid=EARLIER, payment=payment)
        with expect("23B06"), db.transaction():
            unpaid = insert_ticket(db, play.price_group, purchase)
            payment, _ = balanced()
            db.execute(sql.SQL(mode))
            update_ticket(db, unpaid, paid=EARLIER, payment=payment)
        with expect("23B06"), db.transaction():
            payment, paid = balanced()
            unpaid = insert_ticket(db, play.price_group, purchase)
            db.execute(sql.SQL(mode))
            # the paid one is in the statement, and first, but nothing of it changes
            run(
                db,
                "update billig.ticket set paid = %s, payment = %s where ticket in (%s, %s)",
                EARLIER,
                payment,
                paid,
                unpaid,
            )


# --- Ids and writes of clients --------------------------------------------------------------------------------------


def _same_database(db: Connection, *, autocommit: bool = True) -> Connection:
    return psycopg.connect(db.info.dsn, autocommit=autocommit)


@pytest.mark.parametrize("gap", [1, 5, 100_000])
def test_the_sequence_moves_past_ids_that_a_client_chose(db: Connection, play: Event, gap: int) -> None:
    """max + 1 is one step ahead; whoever leaves a gap is followed too."""
    purchase = raw_purchase(db, one(db, "select max(purchase) + %s from billig.purchase", gap))
    ticket = one(db, "select max(ticket) + %s from billig.ticket", gap)
    assert insert_ticket(db, play.price_group, purchase, ticket=ticket) == ticket
    sale = sell(db, play.price_group, 2)
    assert sale.purchase > purchase
    assert min(sale.tickets) > ticket


def test_programmes_made_with_max_plus_one_are_followed_too(db: Connection) -> None:
    run(
        db,
        """
        insert into billig.event (event, event_name, event_time, organisation)
        select max(event) + 1, 'Chosen', now(), 1 from billig.event
        """,
    )
    event = make_event(db)
    group = one(
        db,
        """
        insert into billig.ticket_group (ticket_group, event, ticket_group_name, num)
        select max(ticket_group) + 1, %s, 'Chosen', 7 from billig.ticket_group
        returning ticket_group
        """,
        event.event,
    )
    run(
        db,
        """
        insert into billig.price_group (price_group, ticket_group, price_group_name, price)
        select max(price_group) + 1, %s, 'Chosen', 7 from billig.price_group
        """,
        group,
    )
    add_price_group(db, add_ticket_group(db, event.event), 5)


def _sequence_back(db: Connection, table: str) -> None:
    """As when clients committed ids that the sequence did not see."""
    highest = sql.SQL("select max({}) - 2 from {}").format(sql.Identifier(table), sql.Identifier("billig", table))
    run(db, "select setval(pg_get_serial_sequence('billig.' || %s, %s), %s)", table, table, one(db, highest))


def test_functions_get_past_ids_that_clients_committed_ahead_of_the_sequence(db: Connection, play: Event) -> None:
    last = insert_ticket(db, play.price_group)
    lost = net(db, play.price_group, 2)
    call(db, "abort_purchase", purchase=lost.purchase)
    _sequence_back(db, "ticket")
    _sequence_back(db, "purchase")
    sale = sell(db, {play.price_group: 3, play.price_groups[1]: 2})
    assert len(sale.tickets) == 5
    assert min(sale.tickets) > last
    _sequence_back(db, "ticket")
    assert len(exchange(db, sale.tickets[:3], play.price_group, 3)) == 3
    _sequence_back(db, "ticket")
    assert [row["result"] for row in confirm(db, lost)] == ["RESOLD", "RESOLD"]


@pytest.mark.parametrize("ending", ["commit", "rollback"])
def test_a_function_waits_for_ids_that_a_client_has_not_committed(db: Connection, play: Event, ending: str) -> None:
    client, seller = _same_database(db, autocommit=False), _same_database(db)
    purchase = raw_purchase(client)
    ticket = insert_ticket(client, play.price_group, purchase)
    for column, value in (("ticket", ticket - 1), ("purchase", purchase - 1)):
        run(db, "select setval(pg_get_serial_sequence('billig.' || %s, %s), %s)", column, column, value)
    sold: list[int] = []
    selling = threading.Thread(target=lambda: sold.extend(sell(seller, play.price_group, 2).tickets))
    selling.start()
    waiting = "select count(*) from pg_stat_activity where pid = %s and wait_event_type = 'Lock'"
    deadline = time.monotonic() + 20
    while not one(db, waiting, seller.info.backend_pid):
        assert time.monotonic() < deadline, "the seller never came to wait"
        time.sleep(0.01)
    getattr(client, ending)()
    selling.join(20)
    assert len(sold) == 2
    assert (ticket in sold) == (ending == "rollback")
    client.close()
    seller.close()


def test_num_sold_is_the_databases_own(db: Connection) -> None:
    event = make_event(db, num=10)
    sell(db, event.price_group, 3)
    for statement in (
        "update billig.ticket_group set num_sold = num_sold + 1 where ticket_group = %s",
        "update billig.ticket_group set num_sold = 0 where ticket_group = %s",
    ):
        assert db.execute(statement, [event.ticket_group]).rowcount == 1, "it reports success"
        assert num_sold(db, event.ticket_group) == 3
    assert run(db, "update billig.ticket_group set num = 3, num_sold = 99 where ticket_group = %s", event.ticket_group)
    assert num_sold(db, event.ticket_group) == 3
    with expect("23B15"):
        run(db, "update billig.ticket_group set num = 2 where ticket_group = %s", event.ticket_group)


def test_raw_inserts_never_oversell(db: Connection) -> None:
    event = make_event(db, num=3)
    purchase = raw_purchase(db)
    for _ in range(3):
        insert_ticket(db, event.price_group, purchase)
    with expect("23B01"):
        insert_ticket(db, event.price_group, purchase)
    update_ticket(db, one(db, "select min(ticket) from billig.ticket where purchase = %s", purchase), refunded="now")
    with expect("23B01"):
        run(
            db,
            "insert into billig.ticket (price_group, purchase) select %s, %s from generate_series(1, 2)",
            event.price_group,
            purchase,
        )
    insert_ticket(db, event.price_group, purchase)
    assert num_sold(db, event.ticket_group) == 3


def test_the_webs_view_of_events_can_be_written(db: Connection) -> None:
    event = one(
        db,
        """
        insert into billig.event_lim_web (event_name, event_time, organisation) values ('Web', now(), 1)
        returning event
        """,
    )
    assert run(db, "update billig.event_lim_web set event_note = 'Moved', hidden = true where event = %s", event) == 1
    assert rows(db, "select event_note, hidden, project, vat_code from billig.event where event = %s", event) == [
        {"event_note": "Moved", "hidden": True, "project": None, "vat_code": None}
    ]


def test_nothing_is_sold_without_a_vat_code(db: Connection) -> None:
    event = make_event(db, project_vat_code=None)
    with expect("23B16"):
        sell(db, event.price_group)
    with expect("23B16"):
        insert_ticket(db, event.price_group)
    run(db, "update billig.event set vat_code = 3 where event = %s", event.event)
    assert log_types(db, sell(db, event.price_group).ticket) == ["NORMAL_SALE"]


def test_an_unknown_price_group_is_refused(db: Connection) -> None:
    with expect("P0002"):
        create_purchase(db, "STAND", 999_999, seller="kari", payment_methods=["CASH"])
    with expect("23503"):
        insert_ticket(db, 999_999)
