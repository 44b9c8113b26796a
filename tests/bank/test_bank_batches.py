"""What a statement books as one sum and a notification tells of singly is in the ledger once, whichever comes first."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

from pybridge.files import bank_loading
from pybridge.files.statements import Layout
from tests.conftest import Connection
from tests.support import banking, dialects
from tests.support.bank_histories import BALANCED, EXPORT, BatchHistory
from tests.support.dialects import Move, Part
from tests.support.domain import consistency, rows, run

D = Decimal
DAY = date(2026, 11, 16)
NEXT = date(2026, 11, 17)
OTHER = Move(DAY, D(70), "X7", "Gave")
SUM = Move(DAY, D(300), "", "Innbetalinger")
SINGLE = [Move(DAY, D(100), f"S{n}", f"Fra {n}", f"E-{n}") for n in range(3)]
STATEMENT = Part([OTHER, SUM, Move(NEXT, D(-30), "R1", "Leie")], D(0), 7)


def told(moves: Sequence[Move] = SINGLE, hour: int = 10) -> str:
    return dialects.camt054(moves, created=f"2026-11-16T{hour}:00:00")


FILES = [
    (dialects.camt053(STATEMENT), None),
    (dialects.mt940(replace(STATEMENT, name="M", number=99)), None),
    (dialects.csv(STATEMENT.moves), EXPORT),
    (dialects.csv(STATEMENT.moves, D(0)), BALANCED),
    (told(), None),
]


def load(db: Connection, folder: Path, account: int, content: str, layout: Layout | None = None) -> bank_loading.Loaded:
    """The file, of the account of that number: many share a database."""
    number = f"1506001{account:04}"
    layout = None if layout is None else replace(layout, account=number)
    return banking.load(db, folder, content.replace(banking.NUMBER, number) + "\n" * account, layout)


def open_account(db: Connection, account: int) -> None:
    banking.account(db, f"1506001{account:04}", f"A{account}")


def sums(db: Connection, account: int) -> tuple[list[Decimal], list[Decimal], Decimal | None]:
    """What the account has, what of it no statement has, and how far it is from the last closing balance."""
    name = f"A{account}"
    entries = rows(
        db,
        "select amount from bank.entry inner join bank.account using (account) where account_name = %s order by 1",
        name,
    )
    unstated = rows(db, "select amount from report.bank_unstated where account_name = %s order by 1", name)
    difference = rows(
        db, "select difference_amount from report.bank_balance where account_name = %s order by day desc limit 1", name
    )
    return (
        [row["amount"] for row in entries],
        [row["amount"] for row in unstated],
        difference[0]["difference_amount"] if difference else None,
    )


NONE: list[Decimal] = []
ONE = [D(-30), D(70), D(300)]
SEVERAL = [D(-30), D(70), D(100), D(100), D(100)]


def test_a_sum_that_is_told_of_singly_is_once_whatever_comes_when(db: Connection, tmp_path: Path) -> None:
    found = {}
    for account in (0, 2, 4):
        open_account(db, account)
        for content, layout in [*FILES[account:], *FILES[:account]]:
            load(db, tmp_path, account, content, layout)
        found[account] = sums(db, account)
    assert found == {account: (SEVERAL if account == 4 else ONE, NONE, D(0)) for account in (0, 2, 4)}
    assert consistency(db) == {}


def test_it_is_so_by_its_name_a_day_off_and_by_what_each_notification_adds(db: Connection, tmp_path: Path) -> None:
    """A batch has its reference in both; else notifications of an hour each are together the day's sum."""
    named = [replace(each, day=NEXT, reference="B77") for each in SINGLE]
    batch = replace(STATEMENT, moves=[OTHER, replace(SUM, reference="B77"), STATEMENT.moves[2]])
    hourly = [told(SINGLE[:2], 12), told(SINGLE[2:], 13)]
    stated = dialects.camt053(STATEMENT)
    histories = {
        11: [dialects.camt053(batch), told(named)],
        12: [told(named), dialects.camt053(batch)],
        13: [*hourly, stated, dialects.camt053(replace(STATEMENT, name="AGAIN"))],
        14: [stated, told(), told(hour=11)],
        15: [told(), told(hour=11), stated],
    }
    found = {}
    for account, files in histories.items():
        open_account(db, account)
        for content in files:
            load(db, tmp_path, account, content)
        found[account] = sums(db, account)
    assert found == {account: (ONE if account in {11, 14} else SEVERAL, NONE, D(0)) for account in histories}
    assert consistency(db) == {}


def test_what_may_be_of_two_sums_is_named_and_what_a_statement_has_singly_is_no_sum(
    db: Connection, tmp_path: Path
) -> None:
    two = replace(STATEMENT, moves=[SUM, SUM])
    both = replace(STATEMENT, moves=[*SINGLE, SUM])
    found, told_of = {}, {}
    for account, part in {21: two, 22: both}.items():
        open_account(db, account)
        load(db, tmp_path, account, dialects.camt053(part))
        told_of[account] = load(db, tmp_path, account, told()).unstated
        found[account] = sums(db, account)
    assert found[21][1] == [D(100)] * 3
    assert told_of == {21: [bank_loading.Unstated("A21", DAY, 3, D(300))], 22: []}
    assert found[22] == ([D(100)] * 3 + [D(300)], NONE, D(0))
    assert consistency(db) == {}


def history(db: Connection, folder: Path, seed: int) -> list[Decimal]:
    """What the account has of a random history, with each sum that is there singly made one."""
    story = BatchHistory(seed)
    open_account(db, seed)
    for content, layout in story.files():
        load(db, folder, seed, content, layout)
    found, unstated, difference = sums(db, seed)
    assert (unstated, difference) == (NONE, D(0)), seed
    parts = [each for each in found if each == 300]
    expected = sorted(each.amount for each in story.moves)
    return (
        [] if sorted([*(each for each in found if each != 300), *[D(900)] * (len(parts) // 3)]) == expected else found
    )


SEED, HISTORIES = 105, 3
"""In the second a balance comes back on another day."""


def test_each_krone_of_any_history_is_there_once(db: Connection, tmp_path: Path) -> None:
    assert {seed: history(db, tmp_path, seed) for seed in range(SEED, SEED + HISTORIES)} == {
        seed: [] for seed in range(SEED, SEED + HISTORIES)
    }
    assert consistency(db) == {}


def test_without_that_it_stands_twice(db: Connection, tmp_path: Path) -> None:
    """The control."""
    for name, more, given in (("merge_parts", "", "void"), ("split_sums", ", p_others bigint[]", "jsonb")):
        run(
            db,
            f"create or replace function bank.{name}(p_file_statement int, p_new bank.statement{more}) returns {given}"
            f" language sql as 'select null::{given}'",
        )
    open_account(db, 31)
    load(db, tmp_path, 31, dialects.camt053(STATEMENT))
    load(db, tmp_path, 31, told())
    assert sums(db, 31)[:2] == (sorted([*ONE, *[D(100)] * 3]), [D(100)] * 3)
