"""Approved matches are vouchers: what came, what was owed until then, what was kept back; and the bank's balance."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from tests.conftest import Connect, Connection
from tests.support import banking
from tests.support.days import Calendar, movable_clock
from tests.support.domain import SAMFUNDET, UKA, call_in, consistency, expect, one, rows, run

BANK, CARD, FEE, LOST, BETWEEN = 1920, 1571, 7770, 7830, 1560
NO_SALE = {"bank_expected"}
"""What is found of items that no sale is behind."""


@pytest.fixture
def calendar(db: Connection) -> Calendar:
    return movable_clock(db)


@pytest.fixture
def card(db: Connection) -> int:
    return banking.route(db, "DAY", "CARD")


def match(
    db: Connection, entries: list[int], items: list[int], kinds: list[str] | None = None, *amounts: Decimal | int
) -> int:
    made = call_in(
        db, "bank", "make_match", entries=entries, expected=items, reason="so it is", kinds=kinds, amounts=list(amounts)
    )
    return int(made[0]["make_match"])


def booked(db: Connection, day: date | None = None, organisation: int | None = None) -> dict[int, Decimal]:
    """NOK by account: of a day, of an organisation, or of all."""
    found = rows(
        db,
        """
        select account, sum(amount) as amount from report.voucher_line
        where (%(day)s::date is null or posting_date = %(day)s)
            and (%(organisation)s::int is null or organisation = %(organisation)s)
        group by 1 having sum(amount) <> 0
        """,
        {"day": day, "organisation": organisation},
    )
    assert rows(db, "select 1 from report.voucher_line group by voucher having sum(amount) <> 0") == []
    return {row["account"]: row["amount"] for row in found}


def balance(db: Connection, day: date, account: str = banking.ACCOUNT) -> tuple[object, ...]:
    """Statement, opening, booked, other, open and difference."""
    (found,) = rows(
        db,
        """
        select statement_balance, opening_balance, booked_amount, other_amount, open_amount, difference_amount
        from report.bank_balance where account_name = %s and day = %s
        """,
        account,
        day,
    )
    return tuple(found.values())


def test_a_match_settles_what_was_owed_and_undoing_it_takes_that_back(
    db: Connection, card: int, calendar: Calendar, tmp_path: Path
) -> None:
    day = calendar.today
    items = banking.expected(db, card, (day, 1000), (day, 600))
    entries = banking.booked(db, tmp_path, (day, 990, "A"), (day, 500, "B"))
    assert booked(db) == {}, "nothing is approved"
    made = match(db, entries[:1], items[:1], ["FEE"], -10)
    match(db, entries[1:], items[1:], ["WRITE_OFF"], -100)
    assert booked(db, day) == {BANK: 1490, CARD: -1600, FEE: 10, LOST: 100}
    call_in(db, "bank", "undo_match", match=made, reason="another one")
    assert booked(db, day) == {BANK: 500, CARD: -600, LOST: 100}
    assert set(consistency(db)) <= NO_SALE


def test_what_is_suggested_counts_when_it_is_approved(
    db: Connection, card: int, calendar: Calendar, tmp_path: Path
) -> None:
    day = calendar.today
    run(db, "update bank.match_rule set is_automatic = false")
    run(db, "update bank.route set days_min = 0")
    banking.expected(db, card, (day, 1000), reference="REF-1000")
    banking.booked(db, tmp_path, (day, 1000, "REF-1000"))
    banking.match_open(db)
    (made,) = rows(db, "select match from bank.match")
    assert booked(db) == {}
    call_in(db, "bank", "approve_match", **made)
    assert booked(db, day) == {BANK: 1000, CARD: -1000}
    assert set(consistency(db)) <= NO_SALE


def test_a_suggestion_that_is_undone_never_counted(
    db: Connection, card: int, calendar: Calendar, tmp_path: Path
) -> None:
    run(db, "update bank.match_rule set is_automatic = false")
    run(db, "update bank.route set days_min = 0")
    banking.expected(db, card, (calendar.today, 1000), reference="REF-1000")
    banking.booked(db, tmp_path, (calendar.today, 1000, "REF-1000"))
    banking.match_open(db)
    (made,) = rows(db, "select match from bank.match")
    call_in(db, "bank", "undo_match", reason="no", **made)
    assert rows(db, "select * from bank.match_posting") == []
    assert set(consistency(db)) <= NO_SALE


def test_a_closed_period_stays_and_what_is_decided_later_counts_on_the_first_open_day(
    db: Connection, card: int, calendar: Calendar, tmp_path: Path
) -> None:
    day = calendar.today
    items = banking.expected(db, card, (day, 1000), (day, 600))
    entries = banking.booked(db, tmp_path, (day, 1000, "A"), (day, 600, "B"))
    early = match(db, entries[:1], items[:1])
    following = calendar.forward()
    calendar.close(day)
    assert balance(db, day) == (1600, 0, 1000, 0, 600, 0)
    match(db, entries[1:], items[1:])
    call_in(db, "bank", "undo_match", match=early, reason="another one")
    assert booked(db, day) == {BANK: 1000, CARD: -1000}, "as it was closed"
    assert booked(db, following) == {BANK: -400, CARD: 400}
    assert balance(db, day) == (1600, 0, 1000, 0, 600, 0)
    assert balance(db, following) == (None, 0, 600, 0, 1000, None)
    assert set(consistency(db)) <= NO_SALE


def test_no_period_closes_while_a_match_is_being_approved(
    db: Connection, connect: Connect, card: int, calendar: Calendar, tmp_path: Path
) -> None:
    day = calendar.today
    items = banking.expected(db, card, (day, 1000))
    entries = banking.booked(db, tmp_path, (day, 1000, "A"))
    calendar.forward()
    session = connect(autocommit=False)
    match(session, entries, items)
    with expect("55P03"):
        calendar.close(day)
    session.commit()
    calendar.close(day)
    assert booked(db, day) == {BANK: 1000, CARD: -1000}
    # the control: without the trigger it closes, and the day changes behind its back
    run(db, "alter table bank.match_approval disable trigger match_approval_post")
    more = banking.expected(db, card, (calendar.today, 5))
    calendar.forward()
    match(session, [], more, ["WRITE_OFF"], -5)
    calendar.close(calendar.today - timedelta(days=1))
    session.commit()
    assert "bank_posting" in consistency(db)


def test_what_arrives_on_anothers_account_stands_between(
    db: Connection, card: int, calendar: Calendar, tmp_path: Path
) -> None:
    day = calendar.today
    other = banking.account(db, "15060054321", "Huset", organisation=SAMFUNDET)
    theirs = call_in(
        db, "bank", "set_route", route_name="theirs", account=other, source="DAY", payment_method="CARD"
    )[0]["set_route"]  # fmt: skip
    items = [*banking.expected(db, card, (day, 100)), *banking.expected(db, theirs, (day, 50))]
    entries = banking.booked(db, tmp_path, (day, 148, "A"))
    match(db, entries, items, ["FEE"], -2)
    assert booked(db, day, UKA) == {BANK: 148, CARD: -100, FEE: 2, BETWEEN: -50}
    assert booked(db, day, SAMFUNDET) == {CARD: -50, BETWEEN: 50}


def test_what_is_not_ours_stands_in_no_voucher_and_beside_the_books(
    db: Connection, card: int, calendar: Calendar, tmp_path: Path
) -> None:
    day = calendar.today
    items = banking.expected(db, card, (day, 1000))
    lines = [(day, 1000, "A"), (day, 77, "GIFT"), (day, -30, "RENT"), (day, 5, "WHO")]
    banking.load(db, tmp_path, banking.mt940(lines, opening=500))
    entries = [row["entry"] for row in rows(db, "select entry from bank.entry order by entry")]
    match(db, entries[:1], items)
    for entry in entries[1:3]:
        call_in(db, "bank", "ignore", entry=entry, expected=None, reason="a gift, and the rent")
    assert booked(db) == {BANK: 1000, CARD: -1000}
    assert balance(db, day) == (1552, 500, 1000, 47, 5, 0)


def test_a_statement_that_is_missing_is_a_difference(db: Connection, calendar: Calendar, tmp_path: Path) -> None:
    day = calendar.today
    banking.account(db)
    banking.load(db, tmp_path, banking.mt940([(day, 10, "A")], number=1, opening=0))
    banking.load(db, tmp_path, banking.mt940([(day + timedelta(days=2), 10, "C")], number=3, opening=25))
    assert balance(db, day) == (10, 0, 0, 0, 10, 0)
    assert balance(db, day + timedelta(days=2)) == (35, 0, 0, 0, 20, 15)


# --- Whose an account is --------------------------------------------------------------------------------------------


def test_an_account_is_an_organisations_and_stays_so(db: Connection) -> None:
    account = banking.account(db, organisation=SAMFUNDET)
    given = {"account_number": banking.NUMBER, "account_name": "Drift"}
    (same,) = call_in(db, "bank", "set_account", **given)
    assert same["set_account"] == account
    for organisation, code in ((UKA, "22023"), (404, "P0002")):
        with expect(code):
            call_in(db, "bank", "set_account", organisation=organisation, **given)
    with expect("22023"):
        call_in(db, "bank", "set_account", account_number="15060054321", account_name="Another")
    assert one(db, "select organisation from bank.account") == SAMFUNDET


def test_money_arrives_on_an_account_of_whose_it_is(db: Connection) -> None:
    account = banking.account(db, organisation=SAMFUNDET)
    route = {"route_name": "cards", "account": account, "source": "DAY", "payment_method": "CARD"}
    with expect("P0002"):
        call_in(db, "bank", "set_route", organisation=UKA, **route)
    call_in(db, "bank", "set_route", **route)
    assert one(db, "select organisation from bank.route") == SAMFUNDET
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        run(db, "update bank.route set organisation = %s", UKA)
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        run(db, "update bank.account set organisation = %s", UKA)
