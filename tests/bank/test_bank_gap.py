"""What does not add up, such as a part of a day or a file that was cut, is loaded when somebody accepts it: with its
gap, which is listed until whole statements tell of the rest; each krone stands in the ledger once all the same."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from pybridge.errors import BadArgument, StatementRefused
from pybridge.files import bank_loading
from tests.conftest import Connection
from tests.support import banking, dialects
from tests.support.bank_histories import DAY, OLD_RULE, D, History
from tests.support.dialects import Move, Part
from tests.support.domain import consistency, one, rows, run

NEXT = DAY + timedelta(days=1)
BEFORE = Part([Move(DAY - timedelta(days=1), D(100), "R0")], D(0), 6, name="S6")
MOVES = [
    Move(DAY, D(100), "nattsafe", "fra kasse"),
    Move(DAY, D(100), "nattsafe", "fra kasse"),
    Move(DAY, D(-30), "R2"),
]
WHOLE = Part(MOVES, D(100), 7, name="S7")
AFTER = Part([Move(NEXT, D(5), "R9")], D(270), 8, name="S8")


def cut(part: Part, *places: int) -> str:
    """The statement, with these of its entries alone: its balances are those of the whole."""
    content = dialects.mt940(replace(part, moves=[part.moves[place] for place in places], days=(part.first, part.last)))
    closing = dialects.mt940(part).partition(":62F:")[2]
    return content.partition(":62F:")[0] + ":62F:" + closing


def load(db: Connection, folder: Path, content: str, reason: str | None = None) -> bank_loading.Loaded:
    path = folder / "statement"
    path.write_text(content)
    return bank_loading.import_file(db, path, gap_reason=reason)


def booked(db: Connection) -> list[Decimal]:
    return sorted(row["amount"] for row in rows(db, "select amount from bank.entry"))


def open_gaps(db: Connection) -> list[Decimal]:
    found = rows(db, "select gap_amount from report.bank_accepted_gap where explained_by is null order by statement")
    return [row["gap_amount"] for row in found]


def test_a_part_is_refused_and_the_refusal_names_how_it_is_accepted(db: Connection, tmp_path: Path) -> None:
    banking.account(db)
    with pytest.raises(StatementRefused) as refused:
        load(db, tmp_path, cut(WHOLE, 0))
    assert "opening balance 100.00 and entries 100.00 are 200.00, not the closing balance 270.00" in str(refused.value)
    assert "--accept-gap" in str(refused.value.hint)
    assert booked(db) == []


def test_an_accepted_gap_says_how_much_who_and_why(db: Connection, tmp_path: Path) -> None:
    banking.account(db)
    load(db, tmp_path, dialects.mt940(BEFORE))
    part = load(db, tmp_path, cut(WHOLE, 0), "the bank's export of the morning")
    assert (part.new_entries, part.is_whole, [each.amount for each in part.accepted]) == (1, True, [D(70)])
    (gap,) = rows(db, "select * from report.bank_accepted_gap")
    assert (gap["gap_amount"], gap["gap_reason"]) == (D(70), "the bank's export of the morning")
    assert (gap["accepted_by"], gap["explained_by"]) == (one(db, "select session_user::text"), None)
    assert consistency(db) == {}


@pytest.mark.parametrize("order", ["part first", "whole first"])
def test_the_whole_statement_explains_it_and_each_krone_is_there_once(
    db: Connection, tmp_path: Path, order: str
) -> None:
    banking.account(db)
    load(db, tmp_path, dialects.mt940(BEFORE))
    part = (cut(WHOLE, 1, 2), "cut by hand")
    files = [part, (dialects.mt940(WHOLE), None)]
    for content, reason in files if order == "part first" else files[::-1]:
        load(db, tmp_path, content, reason)
    load(db, tmp_path, dialects.mt940(AFTER))
    assert booked(db) == [D(-30), D(5), D(100), D(100), D(100)]
    assert open_gaps(db) == []
    assert rows(db, "select statement from report.bank_accepted_gap where explained_by is not null"), (
        "it stays on record"
    )
    assert (
        rows(db, "select statement from report.bank_unstated union all select statement from report.bank_statement_gap")
        == []
    )
    assert consistency(db) == {}


def test_parts_of_a_day_that_overlap_are_one_and_the_next_day_goes_on_from_them(db: Connection, tmp_path: Path) -> None:
    banking.account(db)
    load(db, tmp_path, dialects.mt940(BEFORE))
    assert load(db, tmp_path, cut(WHOLE, 0, 2), "morning").new_entries == 2
    assert load(db, tmp_path, cut(WHOLE, 0, 1), "noon").new_entries == 1
    assert load(db, tmp_path, cut(WHOLE, 0, 1) + "\n", "noon").known_statements == 1, "the same part again"
    after = load(db, tmp_path, dialects.mt940(AFTER))
    assert after.is_whole, "what is before it was accepted"
    (between,) = rows(db, "select missing_amount, accepted_gap from report.bank_statement_gap")
    assert between["missing_amount"] == D(170)
    assert between["accepted_gap"] is not None
    assert open_gaps(db) == [D(100), D(-30)]
    assert consistency(db) == {}


def test_without_the_part_the_next_day_says_what_is_missing(db: Connection, tmp_path: Path) -> None:
    """The control: and so it does where the part ends elsewhere."""
    banking.account(db)
    load(db, tmp_path, dialects.mt940(BEFORE))
    load(db, tmp_path, cut(replace(WHOLE, moves=MOVES[:2], name="S77"), 0), "ends at 300, not at 270")
    after = load(db, tmp_path, dialects.mt940(AFTER))
    assert [each.amount for each in after.gaps] == [D(170)]


def test_a_part_that_begins_where_nothing_ended_says_what_is_missing_before_it(db: Connection, tmp_path: Path) -> None:
    banking.account(db)
    load(db, tmp_path, dialects.mt940(BEFORE))
    part = load(db, tmp_path, cut(replace(WHOLE, opening=D(400)), 0), "cut")
    assert [each.amount for each in part.gaps] == [D(300)]


def test_a_part_that_goes_on_where_a_whole_one_ended_is_no_part_of_that(db: Connection, tmp_path: Path) -> None:
    """Two bags of one day, told of in the same words: one until noon, whole, and one after it, in a part."""
    banking.account(db)
    noon = Part(MOVES[:1], D(100), 0, name="X")
    load(db, tmp_path, dialects.mt940(noon))
    rest = replace(noon, moves=MOVES[1:], opening=D(200))
    assert load(db, tmp_path, cut(rest, 0), "cut").new_entries == 1


def test_what_the_whole_says_in_more_words_is_still_the_same(db: Connection, tmp_path: Path) -> None:
    banking.account(db)
    load(db, tmp_path, cut(WHOLE, 0, 2), "the bank writes the texts in the night")
    told = dialects.mt940(WHOLE).replace(":86:fra kasse", ":86:fra kasse 2, TILL-0012")
    assert load(db, tmp_path, told).new_entries == 1
    assert open_gaps(db) == []
    assert consistency(db) == {}


def test_a_statement_that_was_cut_off_lacks_its_balance(db: Connection, tmp_path: Path) -> None:
    banking.account(db)
    content = dialects.mt940(WHOLE).partition(":62F:")[0]
    with pytest.raises(StatementRefused) as refused:
        load(db, tmp_path, content)
    assert "the balance :62F: is missing" in str(refused.value)
    assert "Line 1." in str(refused.value.detail)
    assert load(db, tmp_path, content, "the mail was cut off").new_entries == 3
    assert open_gaps(db) == [D(0)], "nobody can tell how much"
    assert load(db, tmp_path, dialects.mt940(WHOLE)).new_entries == 0
    assert open_gaps(db) == []


def test_balances_of_two_currencies_are_refused_or_accepted(db: Connection, tmp_path: Path) -> None:
    banking.account(db)
    content = dialects.mt940(WHOLE).replace(":62F:C261116NOK", ":62F:C261116SEK")
    with pytest.raises(StatementRefused):
        load(db, tmp_path, content)
    load(db, tmp_path, content, "a test file")
    assert open_gaps(db) == [D(0)]


def test_what_adds_up_has_no_gap_whatever_is_accepted(db: Connection, tmp_path: Path) -> None:
    banking.account(db)
    assert load(db, tmp_path, dialects.mt940(WHOLE), "in case").accepted == []
    assert rows(db, "select statement from report.bank_accepted_gap") == []


@pytest.mark.parametrize("reason", ["", " ", "\u200b", "\u202e", "cut\nby hand"])
def test_a_reason_must_say_something(db: Connection, tmp_path: Path, reason: str) -> None:
    banking.account(db)
    with pytest.raises(BadArgument):
        load(db, tmp_path, cut(WHOLE, 0), reason)


@pytest.mark.parametrize(("amount", "reason"), [(70, None), (70, " "), (0, " "), (69, "a reason")])
def test_by_no_door_is_there_a_gap_without_a_reason_or_of_another_amount(
    db: Connection, tmp_path: Path, amount: int, reason: str | None
) -> None:
    banking.account(db)
    load(db, tmp_path, dialects.mt940(BEFORE))
    with pytest.raises(psycopg.errors.CheckViolation), db.transaction():
        db.execute(
            "insert into bank.statement (import_file, account, kind, statement_id, issued, from_day, to_day,"
            " opening_balance, closing_balance, entries, entry_sum, content_key, gap_amount, gap_reason)"
            " select import_file, account, kind, 'X', '', from_day, to_day, 0, 170, 1, 100, '', %s, %s"
            " from bank.statement",
            (amount, reason),
        )


# --- Any history ----------------------------------------------------------------------------------------------------


def _chain(history: History) -> list[Part]:
    moves = history.moves
    return [
        Part(moves[begin:end], history.balance(begin), number, name=f"S{number}")
        for number, (begin, end) in enumerate(history.cuts(), 5)
    ]


def _parts(history: History, chain: Sequence[Part]) -> list[str]:
    """Of some statements parts, in the words of the whole."""
    found = []
    for part in history.chance.sample(chain, min(3, len(chain))):
        for _ in range(history.chance.choice([1, 2])):
            places = sorted(
                history.chance.sample(range(len(part.moves)), history.chance.randint(0, len(part.moves) - 1))
            )
            if sum(part.moves[place].amount for place in places) != part.closing - part.opening and places:
                found.append(cut(part, *places))
    return found


def test_whatever_parts_come_before_or_after_each_krone_is_there_once(
    db: Connection, tmp_path: Path, gap_seed: int
) -> None:
    history, parts = _told(db, tmp_path, gap_seed)
    assert Counter(booked(db)) == Counter(each.amount for each in history.moves)
    assert open_gaps(db) == []
    assert len(rows(db, "select statement from report.bank_accepted_gap")) == len(set(parts))
    assert rows(db, "select statement from report.bank_unstated") == []
    assert consistency(db) == {}


def test_by_what_the_bank_calls_it_krones_are_lost(db: Connection, tmp_path: Path) -> None:
    """The control."""
    run(db, OLD_RULE)
    history, _ = _told(db, tmp_path, 0)
    assert Counter(booked(db)) != Counter(each.amount for each in history.moves)


def _told(db: Connection, folder: Path, seed: int) -> tuple[History, list[str]]:
    """Statements and parts of them, in any order."""
    history = History(seed)
    chain = _chain(history)
    parts = _parts(history, chain)
    banking.account(db)
    files = [(each, "a part") for each in parts] + [(dialects.mt940(each), None) for each in chain]
    random.Random(seed).shuffle(files)
    for content, reason in files:
        load(db, folder, content, reason)
    return history, parts
