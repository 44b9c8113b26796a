"""Names as sold: what event, ticket group and price group were called when a ticket was sold, whatever they are now."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import LiteralString

import pytest

from tests.conftest import Connect, Connection
from tests.support.domain import (
    Event,
    add_price_group,
    add_ticket_group,
    call,
    confirm,
    consistency,
    exchange,
    expect,
    insert_ticket,
    make_event,
    net,
    one,
    raw_purchase,
    refund,
    reserve,
    rows,
    run,
    sell,
    ticket_row,
    update_ticket,
    wait_for,
)

NAMES = "event_name", "ticket_group_name", "price_group_name"


@pytest.fixture
def play(db: Connection) -> Event:
    event = make_event(db, prices=(100, 60), vat_code=31)
    _rename(db, event, "old")
    return event


def _rename(db: Connection, event: Event, word: str) -> None:
    run(db, "update billig.event set event_name = %s where event = %s", word, event.event)
    run(db, "update billig.ticket_group set ticket_group_name = %s where event = %s", f"{word} group", event.event)
    for price_group in event.price_groups:
        run(
            db,
            "update billig.price_group set price_group_name = %s where price_group = %s",
            f"{word} {event.price_groups.index(price_group)}",
            price_group,
        )


def _told(db: Connection, ticket: int) -> list[tuple[str, str]]:
    """What the report says of a ticket's rows, oldest first."""
    found = rows(db, "select * from report.transaction where ticket = %s order by transaction_log", ticket)
    return [(row["transaction_type"], "/".join(row[name] for name in NAMES)) for row in found]


def test_each_row_keeps_the_names_that_it_was_sold_under(db: Connection, play: Event) -> None:
    kept, swapped, changed = sell(db, play.price_group, 3).tickets
    _rename(db, play, "new")
    refund(db, [kept])
    assert _told(db, kept) == [("NORMAL_SALE", "old/old group/old 0"), ("NORMAL_REFUND", "old/old group/old 0")]
    new = exchange(db, [swapped], play.price_groups[1])[0]["new_ticket"]
    assert _told(db, swapped)[-1] == ("NORMAL_REFUND", "old/old group/old 0")
    assert _told(db, new) == [("NORMAL_SALE", "new/new group/new 1")]
    call(db, "change_price_group", tickets=[changed], price_group=play.price_groups[1], seller="kari")
    assert _told(db, changed) == [("NORMAL_SALE", "old/old group/old 0"), ("NORMAL_CHANGE", "new/new group/new 1")]
    history = {row["ticket"]: row for row in rows(db, "select * from report.ticket_history")}
    assert [history[kept][name] for name in NAMES] == ["old", "old group", "old 0"]
    assert [history[changed][name] for name in NAMES] == ["new", "new group", "new 1"]
    lines = rows(db, "select distinct event_name from report.transaction_line where ticket = %s", kept)
    assert lines == [{"event_name": "old"}]
    assert consistency(db) == {}


def test_what_a_change_at_other_rates_takes_out_keeps_its_old_name(db: Connection, play: Event) -> None:
    ticket = sell(db, play.price_group).ticket
    run(db, "update books.vat_rate set rate = rate + 1 where vat_code = 31")
    _rename(db, play, "new")
    update_ticket(db, ticket, price_group=play.price_groups[1])
    assert _told(db, ticket)[1:] == [
        ("NORMAL_CHANGE", "old/old group/old 0"),
        ("NORMAL_CHANGE", "new/new group/new 1"),
    ]
    assert consistency(db) == {}


def test_raw_sql_sells_under_the_names_of_today_too(db: Connection, play: Event) -> None:
    purchase = raw_purchase(db)
    before = insert_ticket(db, play.price_group, purchase, sale_channel="RESERVATION")
    _rename(db, play, "new")
    after = insert_ticket(db, play.price_group, purchase, sale_channel="RESERVATION")
    update_ticket(db, before, price_group=play.price_groups[1])
    assert [name for _, name in _told(db, before)] == ["old/old group/old 0", "new/new group/new 1"]
    assert [name for _, name in _told(db, after)] == ["new/new group/new 0"]
    with expect("23B08"):
        update_ticket(db, after, sold_name=ticket_row(db, after)["sold_name"] - 1)
    assert consistency(db) == {}


def test_an_import_that_renames_counts_too(db: Connection, play: Event) -> None:
    """It writes the same tables: whoever renames, the triggers see it."""
    ticket = sell(db, play.price_group).ticket
    run(
        db,
        "insert into billig.event (event, event_name, event_time, organisation) overriding system value"
        " select event, 'imported', event_time, organisation from billig.event where event = %s"
        " on conflict (event) do update set event_name = excluded.event_name",
        play.event,
    )
    assert _told(db, ticket) == [("NORMAL_SALE", "old/old group/old 0")]
    assert _told(db, sell(db, play.price_group).ticket) == [("NORMAL_SALE", "imported/old group/old 0")]


def test_a_name_noted_is_never_changed_and_goes_with_a_price_group_that_was_never_sold(
    db: Connection, play: Event
) -> None:
    with expect("23B20"):
        run(db, "update billig.sold_name set event_name = 'forged'")
    assert run(db, "delete from billig.price_group where price_group = %s", play.price_groups[1]) == 1
    assert one(db, "select count(*) from billig.sold_name where price_group = %s", play.price_groups[1]) == 0
    names = one(db, "select count(*) from billig.sold_name")
    _rename(db, replace(play, price_groups=(play.price_group,)), "old")
    assert one(db, "select count(*) from billig.sold_name") == names, "nothing was renamed"


WORKS: dict[str, LiteralString] = {
    "the event": "update billig.event set event_name = 'renamed' where event = %s",
    "the group": "update billig.ticket_group_base set ticket_group_name = 'moved' where event = %s",
    "a new price group": "insert into billig.price_group (ticket_group, price_group_name, price)"
    " select ticket_group, 'latecomer', 5 from billig.ticket_group_base where event = %s",
    "a price group": "update billig.price_group set price_group_name = 'retold ' || price_group where ticket_group in"
    " (select ticket_group from billig.ticket_group_base where event = %s)",
}


@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(WORKS, 2)))
def test_of_two_who_name_at_once_the_second_sees_the_first(
    db: Connection, connect: Connect, play: Event, first: str, second: str
) -> None:
    ours, theirs = connect(), connect()
    with ThreadPoolExecutor(1) as pool:
        with ours.transaction():
            ours.execute(WORKS[first], [play.event])
            future = pool.submit(theirs.execute, WORKS[second], [play.event])
            wait_for(db, theirs.info.backend_pid)
        future.result(timeout=30)
    assert consistency(db) == {}


def test_a_ticket_sold_anew_for_late_money_has_the_old_names_and_its_history_names_it(
    db: Connection, play: Event
) -> None:
    sale = net(db, play.price_group)
    call(db, "abort_purchase", purchase=sale.purchase)
    _rename(db, play, "new")
    (resold,) = confirm(db, sale)
    assert [name for _, name in _told(db, resold["ticket"])] == ["old/old group/old 0"] * 2
    history = {row["ticket"]: row for row in rows(db, "select * from report.ticket_history")}
    assert history[sale.ticket]["replaced_by"] == resold["ticket"]
    assert history[resold["ticket"]]["replaces"] == sale.ticket
    assert history[resold["ticket"]]["replaced_by"] is None


def test_a_cart_on_the_web_is_told_from_a_reservation(db: Connection, play: Event) -> None:
    net(db, play.price_group)
    reserve(db, play.price_group)
    found = rows(db, "select transaction_type, kind, sale_channel from report.transaction order by transaction_log")
    assert [(row["transaction_type"], row["kind"], row["sale_channel"]) for row in found] == [
        ("NET_SALE", "RESERVATION", "NET"),
        ("RESERVATION_SALE", "RESERVATION", "RESERVATION"),
    ]


def test_groups_added_later_have_names_too(db: Connection, play: Event) -> None:
    group = add_price_group(db, add_ticket_group(db, play.event), 40)
    assert _told(db, sell(db, group).ticket)[0][1].startswith("old/")
