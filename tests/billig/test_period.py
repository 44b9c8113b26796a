"""A closed period stays as it is: whatever was still open while it closed counts on the next open day, visibly so."""

import threading
import time
from collections.abc import Callable
from datetime import date, timedelta

import psycopg
import pytest
from psycopg import sql

from tests.conftest import Connect, Connection
from tests.support.days import Calendar, day_after, figures, late, movable_clock, takings
from tests.support.domain import (
    SAMFUNDET,
    UKA,
    Event,
    call,
    call_in,
    consistency,
    expect,
    login_role,
    make_event,
    one,
    refund,
    rows,
    run,
    sell,
    wait_for,
)
from tests.support.waits import impatient


@pytest.fixture
def calendar(db: Connection) -> Calendar:
    return movable_clock(db)


@pytest.fixture
def event(calendar: Calendar) -> Event:
    return make_event(calendar.db, prices=(110,), fee=10, vat_code=3, num=1000)


def by_date_alone(db: Connection) -> None:
    """The rule taken away: every row counts on its own date."""
    db.execute(
        "create or replace view billig.posted_log as"
        " select l.transaction_date as posting_date, false as is_late, false as is_second_row, l.*"
        " from billig.transaction_log as l"
    )


@pytest.mark.smoke
def test_what_was_open_while_the_period_closed_counts_on_the_next_open_day(
    db: Connection, connect: Connect, calendar: Calendar, event: Event
) -> None:
    first_day = calendar.today
    sell(db, event.price_group, 2)
    slow = connect(autocommit=False)
    ticket = sell(slow, event.price_group, seller="ola").ticket
    next_day = calendar.forward()

    calendar.close(first_day)

    before = figures(db, first_day, first_day)
    assert takings(db, first_day) == 220
    slow.commit()
    assert figures(db, first_day, first_day) == before
    assert (takings(db, first_day), takings(db, next_day)) == (220, 110)
    (row,) = late(db)
    assert (row["ticket"], row["sale_date"], row["posting_date"]) == (ticket, first_day, next_day)
    assert (row["closed_last_day"], row["posted_last_day"], row["seller"]) == (first_day, None, "ola")
    assert one(db, "select late_rows from report.closed_period") == 1
    assert one(db, "select is_late from billig.posted_log where ticket = %s", ticket)
    assert one(db, "select count(*) from billig.posted_log") == one(db, "select count(*) from billig.transaction_log")
    assert one(db, "select sale_date from report.transaction where ticket = %s", ticket) == first_day
    assert consistency(db) == {}

    call(db, "roll_up_log")
    assert late(db) == [row], "kept by the roll-up, as it was found before"
    assert figures(db, first_day, first_day) == before
    assert consistency(db) == {}

    with db.transaction(force_rollback=True):  # positive control: by date alone the closed figures change, and it shows
        by_date_alone(db)
        assert figures(db, first_day, first_day) != before
        assert takings(db, first_day) == 330
        assert consistency(db).keys() == {"period", "rollup"}


def test_it_stays_in_the_period_it_went_to_when_that_one_closes(
    db: Connection, connect: Connect, calendar: Calendar, event: Event
) -> None:
    monday = calendar.today
    slow, slower = connect(autocommit=False), connect(autocommit=False)
    sell(slow, event.price_group)
    sell(slower, event.price_group, 2)
    sell(db, event.price_group, 3)
    tuesday = calendar.forward()
    calendar.close(monday)
    closed_monday = figures(db, monday, monday)
    slow.commit()
    sell(db, event.price_group, 4)
    wednesday = calendar.forward()
    calendar.close(tuesday)
    closed_tuesday = figures(db, tuesday, tuesday)
    slower.commit()

    assert [takings(db, day) for day in (monday, tuesday, wednesday)] == [330, 550, 220]
    assert one(db, "select gross_amount from report.closed_period where first_day = %s", tuesday) == 550
    went_to = {(row["posting_date"], row["posted_last_day"]) for row in late(db)}
    assert went_to == {(tuesday, tuesday), (wednesday, None)}

    calendar.forward(30)
    calendar.close(wednesday, day_after(wednesday, 20))
    for _ in range(2):
        assert figures(db, monday, monday) == closed_monday
        assert figures(db, tuesday, tuesday) == closed_tuesday
        assert [takings(db, day) for day in (monday, tuesday, wednesday)] == [330, 550, 220]
        assert consistency(db) == {}
        call(db, "roll_up_log")


def test_of_several_closes_that_see_it_the_first_has_it(
    db: Connection, connect: Connect, calendar: Calendar, event: Event
) -> None:
    """In no batch all the while, since an older transaction stays open."""
    days = [calendar.today]
    oldest, slow = connect(autocommit=False), connect(autocommit=False)
    sell(oldest, event.price_group)
    sell(slow, event.price_group, 2)
    days.append(calendar.forward())
    calendar.close(days[0])
    slow.commit()
    for _ in range(2):
        days.append(calendar.forward())
        calendar.close(days[-2])
    assert one(db, "select count(*) from billig.rollup_batch") == 0
    for last in (0, 110):
        assert [takings(db, day) for day in days] == [0, 220, 0, last]
        assert consistency(db) == {}
        oldest.commit()
    call(db, "roll_up_log")
    assert [takings(db, day) for day in days] == [0, 220, 0, 110]
    assert consistency(db) == {}


def test_a_subtransaction_belongs_to_its_transaction(
    db: Connection, connect: Connect, calendar: Calendar, event: Event
) -> None:
    first_day = calendar.today
    slow = connect(autocommit=False)
    sell(slow, event.price_group)
    with slow.transaction():  # a savepoint, released before the close: its row is the whole transaction's all the same
        kept = sell(slow, event.price_group).ticket
    with slow.transaction(force_rollback=True):
        lost = sell(slow, event.price_group).ticket
    next_day = calendar.forward()
    calendar.close(first_day)
    slow.commit()
    assert (takings(db, first_day), takings(db, next_day)) == (0, 220)
    assert one(db, "select posting_date from billig.posted_log where ticket = %s", kept) == next_day
    assert one(db, "select count(*) from billig.posted_log where ticket = %s", lost) == 0
    assert consistency(db) == {}


def test_a_transaction_that_is_rolled_back_leaves_nothing_late(
    db: Connection, connect: Connect, calendar: Calendar, event: Event
) -> None:
    first_day = calendar.today
    slow = connect(autocommit=False)
    sell(slow, event.price_group)
    calendar.forward()
    calendar.close(first_day)
    slow.rollback()
    call(db, "roll_up_log")
    assert late(db) == []
    assert consistency(db) == {}


def test_a_row_dated_back_by_the_clock_is_late_too(db: Connection, calendar: Calendar, event: Event) -> None:
    """Nothing was open at the close: the server's clock was set back afterwards."""
    first_day = calendar.today
    sell(db, event.price_group)
    next_day = calendar.forward()
    calendar.close(first_day)
    closed = figures(db, first_day, first_day)
    calendar.forward(-1)
    sell(db, event.price_group)
    calendar.forward()
    for _ in range(2):
        assert figures(db, first_day, first_day) == closed
        assert [row["posting_date"] for row in late(db)] == [next_day]
        assert consistency(db) == {}
        assert call(db, "roll_up_log")


def test_periods_close_beside_sellers_and_roll_ups_that_do_not_stop(
    db: Connection, connect: Connect, calendar: Calendar, event: Event
) -> None:
    stop = threading.Event()
    failed: list[BaseException] = []

    def work(do: Callable[[Connection], object]) -> Callable[[], None]:
        connection = connect(autocommit=False)

        def until_told() -> None:
            try:
                while not stop.is_set():
                    do(connection)
                    connection.commit()
            except BaseException as error:
                failed.append(error)

        return until_told

    def trade(connection: Connection) -> None:
        tickets = sell(connection, event.price_group, 2).tickets
        connection.commit()
        refund(connection, tickets[:1])

    def roll_up(connection: Connection) -> None:
        call(connection, "roll_up_log")

    threads = [threading.Thread(target=work(do)) for do in (trade, trade, trade, roll_up)]
    for thread in threads:
        thread.start()
    closed = {}
    for _ in range(8):
        day = calendar.today
        until = time.monotonic() + 10
        while not one(db, "select count(*) from billig.transaction_log where transaction_date = %s", day):
            assert time.monotonic() < until, "nobody sells"
        calendar.forward()
        calendar.close(day)
        closed[day] = figures(db, day, day)
    stop.set()
    for thread in threads:
        thread.join(timeout=20)
    assert failed == []
    call(db, "roll_up_log")
    assert {day: figures(db, day, day) for day in closed} == closed
    assert one(db, "select count(*) from billig.posted_log") == one(db, "select count(*) from billig.transaction_log")
    assert consistency(db) == {}


def test_a_correction_is_a_new_row_in_an_open_period(db: Connection, calendar: Calendar, event: Event) -> None:
    first_day = calendar.today
    tickets = sell(db, event.price_group, 2).tickets
    next_day = calendar.forward()
    calendar.close(first_day)
    closed = figures(db, first_day, first_day)
    refund(db, tickets)
    assert figures(db, first_day, first_day) == closed
    assert (takings(db, first_day), takings(db, next_day)) == (220, -220)
    assert late(db) == []


def test_organisations_close_by_themselves(db: Connection, connect: Connect, calendar: Calendar, event: Event) -> None:
    house = make_event(db, organisation=SAMFUNDET)
    day = calendar.today
    slow = connect(autocommit=False)
    sell(slow, {event.price_group: 1, house.price_group: 1})
    next_day = calendar.forward()
    calendar.close(day, organisation=SAMFUNDET)
    slow.commit()
    assert [(row["organisation_name"], row["posting_date"]) for row in late(db)] == [("Samfundet", next_day)]
    calendar.close(day, organisation=UKA)
    assert rows(db, "select organisation_name, gross_amount from report.closed_period order by 1") == [
        {"organisation_name": "Samfundet", "gross_amount": 0},
        {"organisation_name": "UKA", "gross_amount": 110},
    ]
    assert consistency(db) == {}


# --- What is refused ------------------------------------------------------------------------------------------------


def close(db: Connection, first_day: date | None, last_day: date | None, organisation: int = UKA) -> None:
    call_in(db, "books", "close_period", organisation=organisation, first_day=first_day, last_day=last_day, note="x")


def test_a_period_is_refused_that_is_none_or_has_not_ended(db: Connection, calendar: Calendar) -> None:
    today = calendar.today
    with expect("22023"):
        close(db, None, day_after(today, -1))
    with expect("22023"):
        close(db, day_after(today, -1), day_after(today, -2))
    with expect("P0002"):
        close(db, day_after(today, -2), day_after(today, -1), organisation=999)
    with expect("23B40"):
        close(db, day_after(today, -1), today)
    assert rows(db, "select * from books.accounting_period") == []


def test_periods_follow_each_other_without_overlap_or_hole(db: Connection, calendar: Calendar, event: Event) -> None:
    day = calendar.today
    sell(db, event.price_group)
    calendar.forward(40)
    with expect("23B42"):  # the day of the first sale could never be closed
        close(db, day_after(day), day_after(day, 2))
    close(db, day_after(day, -5), day_after(day, 9))
    for first, last in ((9, 12), (0, 2), (-9, -6), (-9, 30)):
        with expect("23B41"):
            close(db, day_after(day, first), day_after(day, last))
    with expect("23B42"):
        close(db, day_after(day, 11), day_after(day, 12))
    close(db, day_after(day, 10), day_after(day, 12))
    assert one(db, "select count(*) from books.accounting_period") == 2


def test_no_day_can_be_closed_twice_even_by_hand(db: Connection, calendar: Calendar) -> None:
    calendar.forward(10)
    close(db, day_after(calendar.today, -5), day_after(calendar.today, -3))
    copy = """
        insert into books.accounting_period
            (organisation, first_day, last_day, era, snapshot, log_rows, gross_amount, vat_amount, voucher_debit)
        select organisation + %s, first_day - 3, last_day - 1, era, snapshot, 0, 0, 0, 0 from books.accounting_period
    """
    with expect("23P01", native=True):
        run(db, copy, 0)
    run(db, copy, SAMFUNDET - UKA)


def test_a_close_is_never_changed(db: Connection, connect: Connect, calendar: Calendar, event: Event) -> None:
    day = calendar.today
    slow = connect(autocommit=False)
    sell(slow, event.price_group)
    calendar.forward()
    calendar.close(day)
    slow.commit()
    call(db, "roll_up_log")
    for schema, table in (("books", "accounting_period"), ("billig", "rollup_batch"), ("billig", "late_row")):
        name = sql.Identifier(schema, table)
        for statement in ("update {} set organisation = 1", "delete from {}", "truncate {} cascade"):
            if table == "rollup_batch":
                statement = statement.replace("organisation = 1", "log_rows = 1")
            with expect("23B20"):
                db.execute(sql.SQL(statement).format(name))


def test_a_close_stands_alone_in_its_transaction(db: Connection, connect: Connect, calendar: Calendar) -> None:
    event = make_event(db)
    day = day_after(calendar.today, -1)
    mine = connect(autocommit=False)
    sell(mine, event.price_group)
    with expect("23B43"):
        close(mine, day, day)
    mine.rollback()
    for level in (psycopg.IsolationLevel.REPEATABLE_READ, psycopg.IsolationLevel.SERIALIZABLE):
        mine.isolation_level = level
        with expect("23B43"):
            close(mine, day, day)
        mine.rollback()
        with expect("23B43"):
            call(mine, "roll_up_log")
        mine.rollback()
    mine.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
    close(mine, day, day)
    mine.rollback()
    assert rows(db, "select * from books.accounting_period") == []


def test_a_restored_dump_is_deployed_first(db: Connection, calendar: Calendar) -> None:
    run(db, "update deploy.era set system_identifier = 1")
    day = day_after(calendar.today, -1)
    with expect("23B44"):
        close(db, day, day)
    with expect("23B44"):
        call(db, "roll_up_log")


def test_only_a_bookkeeper_closes(db: Connection, connect: Connect, calendar: Calendar) -> None:
    day = day_after(calendar.today, -1)
    for group in ("billig_seller", "scheduler", "analyst", "auditor"):
        with login_role(db, group) as name, connect(name) as connection, expect("42501", native=True):
            close(connection, day, day)
    with login_role(db, "bookkeeper") as name, connect(name) as connection:
        close(connection, day, day)
        assert rows(connection, "select closed_by, note, first_day from report.closed_period") == [
            {"closed_by": name, "note": "x", "first_day": day}
        ]


def test_of_two_closes_at_once_one_wins(db: Connection, connect: Connect, calendar: Calendar, event: Event) -> None:
    day = calendar.today
    sell(db, event.price_group)
    calendar.forward()
    first, second = connect(autocommit=False), connect()
    close(first, day, day)
    refused: list[str | None] = []

    def other() -> None:
        try:
            close(second, day, day)
        except psycopg.Error as error:
            refused.append(error.sqlstate)

    thread = threading.Thread(target=other)
    thread.start()
    wait_for(db, second.info.backend_pid)
    first.commit()
    thread.join(timeout=20)
    assert refused == ["23B41"]
    assert one(db, "select count(*) from books.accounting_period") == 1


def test_a_close_and_a_roll_up_wait_for_each_other_but_no_sale_waits(
    db: Connection, connect: Connect, calendar: Calendar, event: Event
) -> None:
    day = calendar.today
    sell(db, event.price_group)
    calendar.forward()
    closing, other = connect(autocommit=False), connect()
    close(closing, day, day)
    with impatient(db), expect("55P03", native=True):
        call(other, "roll_up_log")
    sell(other, event.price_group)
    assert one(other, "select sum(gross_amount) from report.total_by_year") == 220
    closing.rollback()
    call(other, "roll_up_log")
    assert consistency(db) == {}


def test_a_report_over_a_period_is_as_fast_by_posting_date(db: Connection, calendar: Calendar, event: Event) -> None:
    """The condition reaches the log itself, so that its index on time serves it."""
    day = calendar.today
    calendar.forward(1)
    close(db, day, day)
    run(db, "set enable_seqscan = off")
    for view in ("transaction", "transaction_line", "seller_activity", "vat_by_project"):
        query = sql.SQL("explain select * from {} where posting_date between %s and %s")
        plan = rows(db, query.format(sql.Identifier("report", view)), day, day + timedelta(days=30))
        lines = "\n".join(row["QUERY PLAN"] for row in plan)
        assert "transaction_log_time_idx" in lines, f"{view}:\n{lines}"
        assert "Seq Scan on transaction_log" not in lines, f"{view}:\n{lines}"
