"""A bank that is asked twice says more, or the same in other words; a page or a number may be missing."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from pybridge import errors
from tests.conftest import Connection
from tests.support import banking, dialects
from tests.support.dialects import Move, Part
from tests.support.domain import consistency, one, rows

D = Decimal
DAY, NEXT = date(2026, 11, 16), date(2026, 11, 17)
BAG = Move(DAY, D(100), "nattsafe")
RENT = Move(DAY, D(-30), "R1", "Leie")
NOON = Part([BAG], D(0), 7, name="ST7", days=(DAY, DAY))
EVENING = replace(NOON, moves=[BAG, RENT])
NIGHT = replace(NOON, moves=[RENT, BAG, Move(DAY, D(1), "z")])
"""Of the same day, and in another order."""


def gaps(db: Connection) -> list[Decimal]:
    return [row["missing_amount"] for row in rows(db, "select missing_amount from report.bank_statement_gap")]


def sums(db: Connection) -> tuple[Decimal, Decimal | None]:
    """What the account has by its entries, and how far that is from what its last statement closed with."""
    return one(db, "select sum(amount) from bank.entry"), one(
        db, "select difference_amount from report.bank_balance order by day desc limit 1"
    )


@pytest.mark.parametrize(("dialect", "way"), [(dialects.mt940, 1), (dialects.camt053, -1)], ids=["on", "backwards"])
def test_a_day_that_is_told_of_while_it_goes_on_is_one(
    db: Connection, tmp_path: Path, dialect: Callable[[Part], str], way: int
) -> None:
    banking.account(db)
    for part in [NOON, EVENING, NIGHT][::way]:
        assert banking.load(db, tmp_path, dialect(part)).is_whole
    assert sums(db) == (D(71), D(0))
    after = banking.load(db, tmp_path, dialect(Part([Move(NEXT, D(9))], D(71), 8, name="ST8")))
    assert (after.is_whole, gaps(db), sums(db)) == (True, [], (D(80), D(0)))
    assert consistency(db) == {}


def test_a_statement_of_the_same_name_in_other_words_is_the_same(db: Connection, tmp_path: Path) -> None:
    banking.account(db)
    banking.load(db, tmp_path, dialects.mt940(EVENING).replace(":28C:7/1", ":28C:7"))
    told = replace(EVENING, moves=[replace(each, text=f"{each.text} ORDRE-1") for each in EVENING.moves])
    for content in (dialects.mt940(told).replace(":28C:7/1", ":28C:7"), dialects.camt053(told)):
        found = banking.load(db, tmp_path, content)
        assert (found.new_entries, found.known_entries, found.is_whole) == (0, 2, True)
    assert (sums(db), consistency(db)) == ((D(70), D(0)), {})


def test_one_of_other_money_is_refused_and_the_first_entry_that_differs_is_named(
    db: Connection, tmp_path: Path
) -> None:
    banking.account(db)
    banking.load(db, tmp_path, dialects.mt940(EVENING))
    other = replace(EVENING, moves=[BAG, replace(RENT, amount=D(-31)), Move(DAY, D(5))])
    with pytest.raises(errors.StatementDiffers) as refused:
        banking.load(db, tmp_path, dialects.mt940(other))
    assert "The first that is another: line 7, -31.00 of 2026-11-16" in str(refused.value)
    assert sums(db) == (D(70), D(0))


@pytest.mark.parametrize("kind", ["each with its balances", "each with those of the whole"])
def test_a_page_that_is_missing_is_told_at_once(db: Connection, tmp_path: Path, kind: str) -> None:
    banking.account(db)
    moves = [BAG, RENT, Move(NEXT, D(100), "nattsafe")]
    first, second, third = (
        Part([move], sum((each.amount for each in moves[:place]), D(0)), 7, place + 1, last_page=place == 2)
        for place, move in enumerate(moves)
    )

    def told(part: Part) -> str:
        return (
            dialects.mt940(part) if kind == "each with its balances" else dialects.camt053(part, whole=(D(0), D(170)))
        )

    assert banking.load(db, tmp_path, told(first)).is_whole
    missed = banking.load(db, tmp_path, told(third))
    assert [(gap.statement, gap.amount) for gap in missed.gaps] == [("ST", D(-30))]
    assert consistency(db) == {}, "it is missing: nothing is broken"
    assert banking.load(db, tmp_path, told(second)).is_whole
    assert (gaps(db), sums(db), consistency(db)) == ([], (D(170), D(0)), {})


def test_a_months_statement_beside_those_of_its_days_leaves_no_gap(db: Connection, tmp_path: Path) -> None:
    banking.account(db)
    days = [Part([BAG], D(0), 7), Part([replace(BAG, day=NEXT)], D(100), 8)]
    for each in days:
        banking.load(db, tmp_path, dialects.mt940(each))
    month = Part([each.moves[0] for each in days], D(0), 11, name="MONTH")
    assert banking.load(db, tmp_path, dialects.mt940(month)).is_whole
    assert (gaps(db), sums(db), consistency(db)) == ([], (D(200), D(0)), {})


def test_statements_of_a_day_that_come_backwards_and_have_one_name_are_a_chain(db: Connection, tmp_path: Path) -> None:
    banking.account(db)
    parts = [Part([BAG], D(0), 1), Part([RENT], D(100), 1), Part([BAG], D(70), 1)]
    for each in reversed(parts):
        banking.load(db, tmp_path, dialects.mt940(each))
    assert (gaps(db), sums(db), consistency(db)) == ([], (D(170), D(0)), {})


@pytest.mark.parametrize(
    ("dialect", "missing"), [(dialects.camt053, []), (dialects.mt940, [D(0)])], ids=["another format", "the same"]
)
def test_numbers_of_another_format_are_not_counted_on(
    db: Connection, tmp_path: Path, dialect: Callable[[Part], str], missing: list[Decimal]
) -> None:
    banking.account(db)
    banking.load(db, tmp_path, dialects.mt940(EVENING))
    banking.load(db, tmp_path, dialect(Part([Move(NEXT, D(5))], D(70), 212, name="C")))
    assert gaps(db) == missing
