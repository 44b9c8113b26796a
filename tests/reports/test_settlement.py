"""The settlement's views: each row worked out here anew, from what was done; their sums against log and payments."""

import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from psycopg import sql

from pybridge.paths import ROOT
from tests.support.books import CHANGED, KINDS, MONEY, PAID, PAID_BACK, Books, Entry, live_through
from tests.support.domain import (
    LOW_RATE,
    MIDDLE_RATE,
    OUTSIDE_THE_ACT,
    REGULAR_RATE,
    SAMFUNDET,
    UKA,
    Connection,
    Event,
    Row,
    by_road,
    call,
    close_till,
    confirm,
    consistency,
    exchange,
    log_rows,
    make_cash_point,
    make_event,
    make_project,
    net,
    one,
    open_till,
    pay,
    payment_lines,
    refund,
    reserve,
    rows,
    run,
    sell,
    update_ticket,
)
from tests.support.open_items import live_through_open_items, move
from tests.support.settlement import the_sections_agree

Key = tuple[Any, ...]
Sums = dict[Key, tuple[Decimal | int, ...]]
CHANNELS = {"NORMAL_SALE": "STAND", "NET_SALE": "NET", "RESERVATION_SALE": "RESERVATION"}
RELEASED = ("NET_TIMEOUT", "RESERVATION_REFUND", "RESERVATION_TIMEOUT")


def add_up(lines: Iterable[tuple[Key, tuple[Any, ...]]]) -> Sums:
    """Sums by key."""
    sums: dict[Key, list[Any]] = {}
    for key, values in lines:
        have = sums.setdefault(key, [0] * len(values))
        for place, value in enumerate(values):
            have[place] += value
    return {key: tuple(values) for key, values in sums.items()}


def keyed(found: Iterable[Row], keys: Sequence[str], values: Sequence[str]) -> Sums:
    """A view's rows by key, each key once."""
    result: Sums = {}
    for row in found:
        key = tuple(row[name] for name in keys)
        assert key not in result, f"twice: {key}"
        result[key] = tuple(row[name] for name in values)
    return result


@pytest.fixture
def books(db: Connection) -> Books:
    return live_through(db)


def not_twice(books: Books, entry: Entry) -> int:
    """1 of each row but the second of a change that took the old out and the new in."""
    pair = [e for e in books.entries if (e.kind, e.ticket, e.at) == (entry.kind, entry.ticket, entry.at)]
    return int(entry is pair[0])


def place_of(entry: Entry) -> Key:
    """Where a row of the settlement stands: no till is open in the books."""
    return (entry.offer.organisation, entry.sale_date, entry.sale_date, entry.seller, entry.cash_point, None)


PLACE = ("organisation_name", "posting_date", "sale_date", "seller", "cash_point", "till_session")


# --- One history of every type of transaction -----------------------------------------------------------------------


def expected_vat(books: Books) -> Sums:
    return add_up(
        (
            (*place_of(entry), KINDS[entry.kind], entry.offer.project, code, rate),
            (int(component == "TICKET" and entry.kind != "FEE_KEPT"), gross, gross - vat, vat),
        )
        for entry in books.entries
        for component, code, rate, gross, vat in entry.components
    )


@pytest.mark.smoke
def test_a_sellers_vat_by_project_is_what_the_seller_did(books: Books) -> None:
    found = rows(books.db, "select * from report.seller_vat_project")
    keys = (*PLACE, "kind", "project", "vat_code", "vat_rate")
    assert keyed(found, keys, ("tickets", "gross_amount", "net_amount", "vat_amount")) == expected_vat(books)
    codes = {(row["vat_code"], row["tickets"] > 0) for row in found if row["kind"] == "SALE"}
    assert (REGULAR_RATE, False) in codes, "a fee under its own code is no ticket"


@pytest.mark.smoke
def test_the_settlement_tells_types_and_vat_alike(books: Books) -> None:
    found = rows(books.db, "select * from report.cashier_settlement")
    values = ("number", "gross_amount", "net_amount", "vat_amount")
    types = [row for row in found if row["section"] == "TRANSACTION_TYPE"]
    assert keyed(types, (*PLACE, "kind", "item"), values) == add_up(
        (
            (*place_of(entry), KINDS[entry.kind], entry.kind),
            (
                not_twice(books, entry),
                entry.amount + entry.fee,
                entry.amount + entry.fee - entry.vat - entry.fee_vat,
                entry.vat + entry.fee_vat,
            ),
        )
        for entry in books.entries
    )
    assert {row["item"] for row in types} == set(KINDS)
    vat = [row for row in found if row["section"] == "VAT_PROJECT"]
    assert keyed(vat, (*PLACE, "kind", "project", "vat_code", "vat_rate"), values) == expected_vat(books)
    assert any(row["project"] is None for row in vat), "what has no project is there"
    assert [row for row in found if row["section"] == "TILL"] == []


def test_a_projects_day_is_told_by_the_channel_that_its_tickets_were_sold_on(books: Books) -> None:
    channels = {entry.ticket: CHANNELS[entry.kind] for entry in books.entries if entry.kind in CHANNELS}
    found = rows(books.db, "select * from report.project_day")
    keys = ("organisation_name", "posting_date", "sale_date", "project", "sale_channel")
    values = (
        "tickets_sold", "tickets_refunded", "tickets_changed", "sold_amount", "refunded_amount", "changed_amount",
        "gross_amount", "net_amount", "vat_amount",
    )  # fmt: skip
    lines = []
    for entry in books.entries:
        if entry.kind in MONEY:
            is_sale, is_refund = entry.kind in PAID, KINDS[entry.kind] == "REFUND"
            is_change = not is_sale and not is_refund
            gross, vat = entry.amount + entry.fee, entry.vat + entry.fee_vat
            lines.append(
                (
                    (
                        entry.offer.organisation,
                        entry.sale_date,
                        entry.sale_date,
                        entry.offer.project,
                        channels[entry.ticket],
                    ),
                    (
                        *(is_sale, entry.kind in PAID_BACK, is_change * not_twice(books, entry)),
                        *(is_sale * gross, is_refund * gross, is_change * gross),
                        *(gross, gross - vat, vat),
                    ),
                )
            )
    assert keyed(found, keys, values) == add_up(lines)
    assert {row["sale_channel"] for row in found} == {"STAND", "NET", "RESERVATION"}


def test_an_events_sales_are_those_of_its_life(books: Books) -> None:
    db = books.db
    unsold = make_event(db, num=70, organisation=SAMFUNDET)
    found = rows(db, "select * from report.ticket_sales_by_event")
    keys = ("event", "organisation_name", "project")
    values = (
        "tickets_live", "tickets_unpaid", "tickets_sold", "tickets_refunded", "tickets_free", "sold_amount",
        "refunded_amount", "changed_amount", "gross_amount", "net_amount", "vat_amount",
    )  # fmt: skip
    lines: list[tuple[Key, tuple[Any, ...]]] = [((unsold.event, "Samfundet", unsold.project), (0,) * 11)]
    for entry in books.entries:
        is_sale, is_refund = entry.kind in PAID, entry.kind in PAID_BACK
        is_change, is_begun = entry.kind in CHANGED, entry.kind in CHANNELS
        is_unpaid = is_begun and entry.kind != "NORMAL_SALE"
        gross, vat = entry.amount + entry.fee, entry.vat + entry.fee_vat
        lines.append(
            (
                (entry.offer.event, entry.offer.organisation, entry.offer.project),
                (
                    is_begun - is_refund - (entry.kind in RELEASED),
                    is_unpaid - (entry.kind in RELEASED) - (is_sale and entry.kind != "NORMAL_SALE"),
                    *(int(is_sale), int(is_refund), int(is_sale and gross == 0)),
                    *(is_sale * gross, (KINDS[entry.kind] == "REFUND") * gross, is_change * gross),
                    *(gross, gross - vat, vat),
                ),
            )
        )
    assert keyed(found, keys, values) == add_up(lines)
    assert {row["capacity"] for row in found if row["event"] == unsold.event} == {70}
    live = "select count(*) from billig.ticket where refunded is null"
    assert sum(row["tickets_live"] for row in found) == one(db, live)


def test_an_event_that_changed_hands_after_sales_has_a_row_for_each(db: Connection) -> None:
    event = make_event(db, num=50, organisation=UKA)
    sell(db, event.price_group, 2)
    elsewhere = make_project(db, organisation=SAMFUNDET)
    run(db, "update billig.event set organisation = %s, project = %s", SAMFUNDET, elsewhere)
    sell(db, event.price_group, 3)
    found = rows(db, "select * from report.ticket_sales_by_event order by project")
    told = [(row["organisation_name"], row["capacity"], row["tickets_live"], row["gross_amount"]) for row in found]
    assert told == [("UKA", 0, 2, 200), ("Samfundet", 50, 3, 300)]


def test_payments_at_stands_without_a_session_are_listed(books: Books) -> None:
    db = books.db
    stand = {
        entry.payment
        for entry in books.entries
        if entry.payment is not None
        and (entry.cash_point is not None or entry.kind.startswith("NORMAL") or entry.kind == "RESERVATION_PAID")
    }
    found = rows(db, "select * from report.unattached_payment order by payment")
    assert {row["payment"] for row in found} == stand
    for row in found:
        lines = payment_lines(db, row["payment"])
        assert row["amount"] == sum(lines.values())
        assert row["cash_amount"] == lines.get("CASH", 0)
        for method, amount in lines.items():
            assert f"{method} {amount}" in row["payment_methods"]
        assert row["reason"] == ("no cash point" if row["cash_point"] is None else "this cash point needs no session")
        assert row["tickets"] == sum(
            not_twice(books, entry)
            for entry in books.entries
            if entry.payment == row["payment"] and entry.kind != "FEE_KEPT"
        )
    assert any(row["is_legacy"] for row in found)
    assert any(not row["is_legacy"] for row in found)


def test_a_legacy_refund_where_a_session_is_asked_for_is_unattached_and_never_lost(db: Connection) -> None:
    make_cash_point(db, 7, payment_method="CARD", session_required=True)
    ticket = sell(db, make_event(db).price_group).ticket
    update_ticket(db, ticket, refunded="now", refunder="perl", point_of_refund=7)
    (row,) = rows(db, "select * from report.unattached_payment where seller = 'perl'")
    assert (row["reason"], row["amount"], row["cash_amount"]) == ("no open session", -100, -100)
    assert (row["payment_methods"], row["is_legacy"], row["cash_point_name"]) == ("CASH -100.00", True, "Stand 7")
    settled = rows(db, "select * from report.cashier_settlement where seller = 'perl' and section = 'PAYMENT_METHOD'")
    assert [(row["till_session"], row["item"], row["kind"], row["gross_amount"]) for row in settled] == [
        (None, "CASH", "OUT", -100)  # as it was paid: no terminal gives back what it never took
    ]


# --- How it was paid ------------------------------------------------------------------------------------------------


def by_method(db: Connection) -> Sums:
    return keyed(
        rows(
            db,
            "select organisation_name, payment_method, direction, sum(payments) as payments, sum(amount) as amount"
            " from report.payment_by_method group by 1, 2, 3",
        ),
        ("organisation_name", "payment_method", "direction"),
        ("payments", "amount"),
    )


def test_the_sections_of_the_settlement_come_to_the_same_money(books: Books) -> None:
    the_sections_agree(books.db)
    assert one(books.db, "select sum(payments) from report.payment_by_method where payment_method = 'NONE'") > 0


def test_a_payment_for_two_organisations_is_whole_where_it_is_and_one_owes_the_other(db: Connection) -> None:
    uka = make_event(db, prices=(100,), organisation=UKA, vat_code=REGULAR_RATE)
    house = make_event(db, prices=(Decimal("50.30"),), organisation=SAMFUNDET, fee=Decimal("0.30"))
    sell(
        db,
        {uka.price_group: 1, house.price_group: 1},
        methods=["CASH", "CARD", "VIPPS"],
        amounts=[Decimal("50"), Decimal("66.67"), Decimal("33.63")],
    )
    assert by_method(db) == {
        ("UKA", "CASH", "IN"): (1, Decimal("50")),
        ("UKA", "CARD", "IN"): (1, Decimal("66.67")),
        ("UKA", "VIPPS", "IN"): (1, Decimal("33.63")),
        ("UKA", "BETWEEN", "NONE"): (0, Decimal("-50.30")),
        ("Samfundet", "BETWEEN", "NONE"): (0, Decimal("50.30")),
    }
    the_sections_agree(db)


def test_organisations_that_exchange_tickets_evenly_owe_each_other(db: Connection) -> None:
    uka = make_event(db, organisation=UKA)
    house = make_event(db, prices=(100, 175), organisation=SAMFUNDET)
    first, second = sell(db, uka.price_group, 2, methods=["CARD"]).tickets
    exchange(db, [first], house.price_groups[0], methods=None)
    expected: Sums = {
        ("UKA", "CARD", "IN"): (1, 200),
        ("UKA", "NONE", "NONE"): (1, 0),
        ("UKA", "BETWEEN", "NONE"): (0, -100),
        ("Samfundet", "BETWEEN", "NONE"): (0, 100),
    }
    assert by_method(db) == expected
    exchange(db, [second], house.price_groups[1], methods=["VIPPS"])
    expected |= {
        ("UKA", "VIPPS", "IN"): (1, 75),
        ("UKA", "BETWEEN", "NONE"): (0, -275),
        ("Samfundet", "BETWEEN", "NONE"): (0, 275),
    }
    assert by_method(db) == expected
    the_sections_agree(db)


def test_lines_that_cancel_out_are_told_and_what_they_leave_is_owed(db: Connection) -> None:
    """A legacy write that makes one organisation's ticket as much dearer as another's cheaper, by two methods."""
    uka = make_event(db, prices=(100, 150), organisation=UKA)
    house = make_event(db, prices=(150, 100), organisation=SAMFUNDET)
    sale = sell(db, {uka.price_group: 1, house.price_group: 1}, methods=["CASH"])
    with db.transaction():
        for ticket, price_group in zip(sale.tickets, (uka.price_groups[1], house.price_groups[1]), strict=True):
            update_ticket(db, ticket, price_group=price_group)
        payment = log_rows(db, sale.tickets[0])[-1]["payment"]
        assert payment != sale.payment
        run(db, "insert into billig.payment_line (payment, payment_method, amount) values (%s, 2, 50)", payment)
        run(
            db,
            "insert into billig.payment_line (payment, payment_method, amount, gives_back, gives_back_method)"
            " values (%s, 4, -50, %s, 1)",
            payment,
            sale.payment,
        )
    assert payment_lines(db, payment) == {"CASH": 0, "CARD": 50, "BANK": -50}
    assert by_method(db) == {
        ("UKA", "CASH", "IN"): (1, 250),
        ("UKA", "CASH", "NONE"): (1, 0),
        ("UKA", "CARD", "IN"): (1, 50),
        ("UKA", "BANK", "OUT"): (1, -50),
        ("UKA", "BETWEEN", "NONE"): (0, -100),
        ("Samfundet", "BETWEEN", "NONE"): (0, 100),
    }
    the_sections_agree(db)


def test_a_payment_around_midnight_is_told_by_the_day_of_its_rows(db: Connection) -> None:
    event = make_event(db, prices=(100, 33), organisation=UKA, vat_code=LOW_RATE)
    sale = sell(
        db,
        {event.price_groups[0]: 1, event.price_groups[1]: 2},
        methods=["CASH", "CARD"],
        amounts=[Decimal("100"), Decimal("66")],
    )
    move(db, sale.tickets[1:], days=-1)
    found = rows(db, "select posting_date, sum(amount) as amount from report.payment_by_method group by 1 order by 1")
    assert [row["amount"] for row in found] == [66, 100]
    assert one(db, "select sum(payments) from report.payment_by_method") == 2
    the_sections_agree(db)


def test_what_is_posted_later_stands_under_its_posting_date_everywhere(db: Connection) -> None:
    """As where one organisation's period was closed when the row came: the other's money stays on its day."""
    columns = [
        row["column_name"]
        for row in rows(
            db,
            "select column_name from information_schema.columns"
            " where table_schema = 'billig' and table_name = 'transaction_log'"
            " and column_name in (select column_name from information_schema.columns"
            " where table_schema = 'billig' and table_name = 'posted_log') order by ordinal_position",
        )
    ]
    uka = make_event(db, prices=(100,), organisation=UKA, vat_code=REGULAR_RATE)
    house = make_event(db, prices=(50,), organisation=SAMFUNDET)
    run(db, "drop view if exists billig.posted_log cascade")
    run(
        db,
        sql.SQL(
            "create view billig.posted_log as select {},"
            " case when organisation = 1 then transaction_date + 40 else transaction_date end as posting_date,"
            " organisation = 1 as is_late, false as is_second_row from billig.transaction_log"
        ).format(sql.SQL(", ").join(map(sql.Identifier, columns))),
    )
    load_views(db)
    sell(db, {uka.price_group: 1, house.price_group: 2}, methods=["CASH", "CARD"], amounts=[120, 80])
    reserve(db, house.price_group)
    the_sections_agree(db)
    for view, amount in {
        "payment_by_method": "amount",
        "seller_vat_project": "gross_amount",
        "project_day": "gross_amount",
    }.items():
        found = rows(
            db,
            sql.SQL(
                "select organisation_name, posting_date - sale_date as later, sum({}) as amount"
                " from {} group by 1, 2 order by 1"
            ).format(sql.Identifier(amount), sql.Identifier("report", view)),
        )
        assert [tuple(row.values()) for row in found] == [("Samfundet", 40, 100), ("UKA", 0, 100)], view
    assert one(db, "select posting_date - billig.local_time()::date from report.open_items") == 40


def load_views(db: Connection) -> None:
    """The views of the settlement anew, over another posted_log."""
    views = ("payment_by_method", "seller_vat_project", "project_day", "unattached_payment", "open_items")
    for path in ("billig/posted_between", *(f"report/{view}" for view in (*views, "cashier_settlement"))):
        db.execute((ROOT / "db" / "views" / f"{path}.sql").read_text("utf-8").encode())


def swap(db: Connection, old: int, price_group: int, methods: list[str] | None) -> list[Row]:
    return exchange(db, [old], price_group, seller="per", methods=methods)


def test_shares_sum_both_ways_whatever_is_sold_and_however_it_is_paid(db: Connection) -> None:
    """Random sales, refunds and exchanges over three organisations with fees in øre, by several methods."""
    chance = random.Random(27)
    run(db, "insert into billig.organisation (organisation, organisation_name) values (3, 'ISFiT')")
    events = [
        make_event(
            db,
            prices=(chance.randrange(1, 400), 0),
            fee=Decimal(chance.randrange(0, 2000)) / 100,
            num=1000,
            organisation=organisation,
            vat_code=chance.choice([REGULAR_RATE, MIDDLE_RATE, LOW_RATE]),
            ticket_limit=50,
        )
        for organisation in (1, 2, 3, 3)
    ]
    groups = [group for event in events for group in event.price_groups]
    held: list[int] = []
    with db.transaction():
        for _ in range(60):
            wanted = {group: chance.randrange(1, 4) for group in chance.sample(groups, chance.randrange(1, 5))}
            total = sum(
                count * one(db, "select price from billig.offer where price_group = %s", group)
                for group, count in wanted.items()
            )
            card = (total * chance.randrange(1, 99) / 100).quantize(Decimal("0.01"))
            vipps = ((total - card) / 3).quantize(Decimal("0.01"))
            several = total > 10 and chance.random() < 0.8
            sale = sell(
                db,
                wanted,
                seller=chance.choice(["kari", "ola"]),
                methods=["CARD", "VIPPS", "GIFT_CARD"] if several else ["CASH"],
                amounts=[card, vipps, total - card - vipps] if several else None,
            )
            held += sale.tickets
            chance.shuffle(held)
            if chance.random() < 0.4:
                refund(db, [held.pop() for _ in range(min(len(held), 3))], seller="per")
            elif chance.random() < 0.5:
                answer = by_road(db, partial(swap, db, held.pop(), chance.choice(groups)), "CASH")
                held.append(answer[0]["new_ticket"])
    the_sections_agree(db)


# --- A day at two tills ---------------------------------------------------------------------------------------------


def settled(db: Connection, section: str, seller: str) -> list[Key]:
    """A section of a seller's settlement: organisation, session, kind, item, number, NOK."""
    return [
        tuple(row.values())
        for row in rows(
            db,
            """
            select organisation_name, till_session, kind, item, number, gross_amount
            from report.cashier_settlement
            where section = %s and seller = %s
            order by till_session, organisation_name, item, kind, payment_method
            """,
            section,
            seller,
        )
    ]


@pytest.mark.smoke
def test_two_sellers_settle_a_day_to_the_krone(db: Connection) -> None:
    make_cash_point(db, 1, session_required=True)
    make_cash_point(db, 2, session_required=True)
    revue = make_event(db, prices=(400, 300, 0), organisation=UKA, project=make_project(db, project=11))
    food = make_event(
        db,
        prices=(Decimal("113.40"),),
        fee=Decimal("12.40"),
        organisation=SAMFUNDET,
        project_vat_code=None,
        vat_code=MIDDLE_RATE,
        fee_vat_code=REGULAR_RATE,
    )
    kari, ola = open_till(db, "kari", 1, 1000), open_till(db, "ola", 2, 700)

    four = sell(
        db, revue.price_groups[0], 4, seller="kari", cash_point=1, methods=["CASH", "CARD"], amounts=[600, 1000]
    )
    meal = sell(db, food.price_group, seller="kari", cash_point=1)  # 113.40: 113 in the drawer
    sell(db, revue.price_groups[2], 2, seller="kari", cash_point=1, methods=[])  # free
    table = reserve(db, food.price_group, 2, seller="kari")
    call(db, "till_event", seller="kari", event_type="PAY_IN", amount=200, reason="change")
    call(db, "till_event", seller="kari", event_type="PAY_OUT", amount=50, reason="batteries")
    call(db, "till_event", seller="kari", event_type="DRAWER_OPENING")

    # Ola takes kari's reservation's money, gives one of kari's tickets back, and changes and exchanges two more.
    pay(db, table, seller="ola", cash_point=2, methods=["VIPPS"])
    refund(db, [four.tickets[0]], seller="ola", cash_point=2, payment_methods=["CASH"], reason="no card")
    call(
        db, "change_price_group",
        tickets=[four.tickets[1]], price_group=revue.price_groups[1], seller="ola", cash_point=2,
        payment_methods=["CASH"],
    )  # fmt: skip
    exchange(db, [four.tickets[2]], food.price_group, 2, seller="ola", cash_point=2, methods=["CARD"])
    refund(db, meal.tickets, seller="ola", cash_point=2, payment_methods=["CASH"], reason="no card")  # 113 out

    close_till(db, 1863, "kari")
    close_till(db, 0, "ola", note="the drawer was robbed")  # 700 - 400 - 100 - 113 = 87

    assert settled(db, "TILL", "kari") == [
        ("UKA", kari, None, "DIFFERENCE", 1, 0),
        ("UKA", kari, None, "DRAWER_OPENING", 1, 0),
        ("UKA", kari, None, "OPENING_FLOAT", 1, 1000),
        ("UKA", kari, None, "PAYMENTS", 1, 1000),  # CARD
        ("UKA", kari, None, "PAYMENTS", 2, 713),
        ("UKA", kari, None, "PAY_IN", 1, 200),
        ("UKA", kari, None, "PAY_OUT", 1, -50),
    ]
    assert settled(db, "TILL", "ola") == [
        ("UKA", ola, None, "DIFFERENCE", 1, -87),
        ("UKA", ola, None, "OPENING_FLOAT", 1, 700),
        ("UKA", ola, None, "PAYMENTS", 1, Decimal("-173.20")),  # CARD
        ("UKA", ola, None, "PAYMENTS", 3, -613),
        ("UKA", ola, None, "PAYMENTS", 1, Decimal("226.80")),  # VIPPS
    ]
    assert settled(db, "PAYMENT_METHOD", "kari") == [
        ("Samfundet", kari, "NONE", "BETWEEN", 0, Decimal("113.40")),
        ("UKA", kari, "NONE", "BETWEEN", 0, Decimal("-113.40")),
        ("UKA", kari, "IN", "CARD", 1, 1000),
        ("UKA", kari, "IN", "CASH", 2, 713),
        ("UKA", kari, "NONE", "NONE", 1, 0),
        ("UKA", kari, "IN", "ROUNDING", 1, Decimal("0.40")),
    ]
    assert settled(db, "PAYMENT_METHOD", "ola") == [
        ("Samfundet", ola, "NONE", "BETWEEN", 0, Decimal("340.20")),
        ("UKA", ola, "NONE", "BETWEEN", 0, Decimal("-340.20")),
        ("UKA", ola, "OUT", "CARD", 1, Decimal("-173.20")),  # of the exchange: -400 + 226.80 went back
        ("UKA", ola, "OUT", "CASH", 3, -613),
        ("UKA", ola, "OUT", "ROUNDING", 1, Decimal("-0.40")),
        ("UKA", ola, "IN", "VIPPS", 1, Decimal("226.80")),
    ]
    assert settled(db, "TRANSACTION_TYPE", "kari") == [
        ("Samfundet", kari, "SALE", "NORMAL_SALE", 1, Decimal("113.40")),
        ("UKA", kari, "SALE", "NORMAL_SALE", 6, 1600),
        ("Samfundet", None, "RESERVATION", "RESERVATION_SALE", 2, 0),
    ]
    assert settled(db, "TRANSACTION_TYPE", "ola") == [
        ("Samfundet", ola, "REFUND", "NORMAL_REFUND", 1, Decimal("-113.40")),
        ("Samfundet", ola, "SALE", "NORMAL_SALE", 2, Decimal("226.80")),
        ("Samfundet", ola, "SALE", "RESERVATION_PAID", 2, Decimal("226.80")),
        ("UKA", ola, "CHANGE", "NORMAL_CHANGE", 1, -100),
        ("UKA", ola, "REFUND", "NORMAL_REFUND", 2, -800),
    ]
    # 101 of food with 15 % in it, and a fee of 12.40 with 25 %.
    assert vat_by_project(db, kari) == {
        ("SALE", None, MIDDLE_RATE): (1, 101, Decimal("87.83"), Decimal("13.17")),
        ("SALE", None, REGULAR_RATE): (0, Decimal("12.40"), Decimal("9.92"), Decimal("2.48")),
        ("SALE", 11, OUTSIDE_THE_ACT): (6, 1600, 1600, 0),
    }
    assert vat_by_project(db, ola) == {
        ("SALE", None, MIDDLE_RATE): (4, 404, Decimal("351.32"), Decimal("52.68")),
        ("SALE", None, REGULAR_RATE): (0, Decimal("49.60"), Decimal("39.68"), Decimal("9.92")),
        ("REFUND", None, MIDDLE_RATE): (1, -101, Decimal("-87.83"), Decimal("-13.17")),
        ("REFUND", None, REGULAR_RATE): (0, Decimal("-12.40"), Decimal("-9.92"), Decimal("-2.48")),
        ("REFUND", 11, OUTSIDE_THE_ACT): (2, -800, -800, 0),
        ("CHANGE", 11, OUTSIDE_THE_ACT): (1, -100, -100, 0),
    }
    assert rows(db, "select * from report.unattached_payment") == []
    the_sections_agree(db)
    assert consistency(db) == {}


def vat_by_project(db: Connection, till_session: int) -> Sums:
    found = rows(
        db, "select * from report.cashier_settlement where section = 'VAT_PROJECT' and till_session = %s", till_session
    )
    return keyed(found, ("kind", "project", "vat_code"), ("number", "gross_amount", "net_amount", "vat_amount"))


def test_a_session_shows_what_should_be_there_and_then_what_was(db: Connection) -> None:
    make_cash_point(db, 4, session_required=True)
    event = make_event(db, prices=(Decimal("100.30"),), fee=Decimal("0.30"))
    session = open_till(db, "kari", 4, 250, drawer=2)
    look = "select * from report.till_session where till_session = %s order by payment_method desc"

    def told() -> list[Key]:
        money = ("opening", "payment", "pay_in", "pay_out", "expected", "counted", "difference")
        names = ["opening_float", *(f"{name}_amount" for name in money[1:])]
        return [
            (row["status"], row["payment_method"], row["payments"], *(row[name] for name in names), row["note"])
            for row in rows(db, look, session)
        ]

    assert told() == [("OPEN", "CASH", 0, 250, 0, 0, 0, 250, None, None, None)], "cash is there before any is taken"
    sell(db, event.price_group, 2, seller="kari", cash_point=4)  # 200.60: 201 in the drawer
    ticket = sell(db, event.price_group, seller="kari", cash_point=4, methods=["CARD"]).ticket
    call(db, "till_event", seller="kari", event_type="PAY_IN", amount=100, reason="change")
    call(db, "till_event", seller="kari", event_type="PAY_OUT", amount=30, reason="tape")
    card = ("CARD", 1, 0, Decimal("100.30"), 0, 0, Decimal("100.30"))
    cash = ("CASH", 1, 250, 201, 100, -30, 521)
    assert told() == [("OPEN", *cash, None, None, None), ("OPEN", *card, None, None, None)]
    update_ticket(db, ticket, refunded="now", refunder="kari", point_of_refund=4)  # legacy: in cash, the stand's own
    cash = ("CASH", 2, 250, 101, 100, -30, 421)
    assert told() == [("OPEN", *cash, None, None, None), ("OPEN", *card, None, None, None)]
    call(
        db, "till_close", seller="kari", payment_methods=["CASH", "CARD"], counted=[Decimal(420), Decimal("100.30")],
        note="a krone short",
    )  # fmt: skip
    assert [(row[0], row[1], *row[7:10]) for row in told()] == [
        ("CLOSED", "CASH", 421, 420, -1),
        ("CLOSED", "CARD", Decimal("100.30"), Decimal("100.30"), 0),
    ]
    assert told()[0][-1] == "a krone short"
    call(db, "z_report", cash_point=4, seller="kari")
    (first, _) = rows(db, look, session)
    assert (first["status"], first["z_number"], first["drawer"], first["cash_point_name"]) == (
        "REPORTED",
        1,
        2,
        "Stand 4",
    )
    till = rows(
        db,
        "select payment_method, sum(gross_amount) as counted from report.cashier_settlement"
        " where section = 'TILL' and till_session = %s group by 1 order by 1",
        session,
    )
    assert [tuple(row.values()) for row in till] == [("CARD", Decimal("100.30")), ("CASH", 420)]
    assert consistency(db) == {}


# --- Open items -----------------------------------------------------------------------------------------------------


OPEN = (
    "tickets_open_before", "tickets_sold", "tickets_paid", "tickets_released", "tickets_open_after",
    "open_before_amount", "sold_amount", "changed_amount", "paid_amount", "released_amount", "paid_back_amount",
    "open_after_amount", "receivable_amount", "owed_back_amount",
)  # fmt: skip


@pytest.mark.smoke
def test_open_items_go_from_day_to_day(db: Connection) -> None:
    dinner, film = live_through_open_items(db)
    today = one(db, "select billig.local_time()::date")

    def told(event: Event) -> list[Key]:
        found = rows(db, "select * from report.open_items where event = %s order by posting_date", event.event)
        for row, following in zip(found, [*found[1:], None], strict=True):
            assert row["next_posting_date"] == (following and following["posting_date"])
        return [((row["posting_date"] - today).days, *(row[name] for name in OPEN)) for row in found]

    assert told(dinner) == [
        (-3, *(0, 4, 0, 0, 4), *(0, 440, 0, 0, 0, 0, 440), 440, 0),
        (-2, *(4, 0, 0, 0, 4), *(440, 0, -40, 0, 0, 0, 400), 400, 0),
        (-1, *(4, 0, 2, -1, 1), *(400, 0, 0, 180, -110, 0, 110), 110, 0),
    ]
    assert told(film) == [
        (-3, *(0, 3, 0, 0, 3), *(0, 150, 0, 0, 0, 0, 150), 150, 0),
        (-2, *(3, 1, 1, -3, 0), *(150, 50, 0, 50, -150, 0, 0), 0, 0),
        (-1, *(0, 0, 0, 0, 0), *(0, 0, 0, 150, 0, 0, -150), 0, 150),
        (0, *(0, 0, 0, 0, 0), *(-150, 0, 0, 0, 0, 150, 0), 0, 0),
    ]
    channels = {row["sale_channel"] for row in rows(db, "select * from report.open_items")}
    assert channels == {"NET", "RESERVATION"}


def test_open_items_balance_and_are_what_is_unpaid(books: Books) -> None:
    db = books.db
    for row in rows(db, "select * from report.open_items"):
        assert row["tickets_open_after"] == (
            row["tickets_open_before"] + row["tickets_sold"] + row["tickets_released"] - row["tickets_paid"]
        )
        assert row["open_after_amount"] == row["receivable_amount"] - row["owed_back_amount"] == (
            row["open_before_amount"] + row["sold_amount"] + row["changed_amount"] + row["released_amount"]
            - row["paid_amount"] + row["paid_back_amount"]
        )  # fmt: skip
    now = (
        "select sum(tickets_open_after), sum(receivable_amount) from report.open_items where next_posting_date is null"
    )
    unpaid = "select count(*), coalesce(sum(price), 0) from billig.ticket where paid is null and refunded is null"
    assert db.execute(now).fetchone() == db.execute(unpaid).fetchone()
    kinds = Counter(entry.kind for entry in books.entries)
    found = rows(db, "select sum(tickets_sold) as sold, -sum(tickets_released) as released from report.open_items")
    assert found == [
        {
            "sold": kinds["NET_SALE"] + kinds["RESERVATION_SALE"],
            "released": sum(kinds[kind] for kind in RELEASED),
        }
    ]


def test_money_owed_back_is_told_by_the_events_it_was_for(db: Connection) -> None:
    first = make_event(db, prices=(100,), num=1, organisation=UKA)
    second = make_event(db, prices=(Decimal("33.33"),), num=1, fee=Decimal("0.33"), organisation=SAMFUNDET)
    lost = net(db, {first.price_group: 1, second.price_group: 1})
    call(db, "abort_purchase", purchase=lost.purchase)
    for event in (first, second):
        sell(db, event.price_group)
    confirm(db, lost)
    found = rows(db, "select * from report.open_items order by event")
    assert [(row["organisation_name"], row["owed_back_amount"], row["open_after_amount"]) for row in found] == [
        ("UKA", 100, -100),
        ("Samfundet", Decimal("33.33"), Decimal("-33.33")),
    ]


# --- Speed ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "view", ["cashier_settlement", "payment_by_method", "project_day", "seller_vat_project", "unattached_payment"]
)
def test_the_date_asked_for_reaches_the_log(shared_db: Connection, view: str) -> None:
    """Then its index on time finds the period: nothing that a view does to the rows stands in between."""
    query = sql.SQL("explain (format json) select * from {} where posting_date = '2026-01-01'")
    plan = one(shared_db, query.format(sql.Identifier("report", view)))
    scans = [node for node in walk(plan[0]["Plan"]) if node.get("Relation Name") == "transaction_log"]
    assert scans
    for node in scans:
        conditions = " ".join(str(node.get(name, "")) for name in ("Index Cond", "Recheck Cond", "Filter"))
        by_key = re.search(r"\((payment|transaction_log) = ", conditions)
        by_ticket = str(node.get("Index Cond", "")).startswith("(ticket = ")  # whose rows are few
        assert by_key or by_ticket or "transaction_date = '2026-01-01'" in conditions, node


def walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from walk(child)


def test_a_refund_takes_back_what_its_sale_gave_to_each_organisation(db: Connection) -> None:
    """To the øre, also where a share lies half way between two."""
    house, uka = make_event(db, prices=(100,), organisation=SAMFUNDET), make_event(db, prices=(100,), organisation=UKA)
    sale = sell(
        db,
        {house.price_group: 1, uka.price_group: 1},
        methods=["CARD", "VIPPS"],
        amounts=[Decimal("99.99"), Decimal("100.01")],
    )
    refund(db, sale.tickets)
    left = rows(
        db,
        "select organisation_name, payment_method from report.payment_by_method group by 1, 2 having sum(amount) <> 0",
    )
    assert left == []
