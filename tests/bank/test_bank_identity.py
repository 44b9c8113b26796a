"""Each krone stands in the ledger once, however many files tell of it: a place in the account's chain is what it is."""

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.conftest import Connection
from tests.support import banking, dialects
from tests.support.bank_histories import BALANCED, DAY, EXPORT, OLD_RULE, D, History
from tests.support.dialects import Move, Part
from tests.support.domain import consistency, one, rows, run

NEXT = DAY + timedelta(days=1)


def booked(db: Connection) -> Counter[tuple[date, Decimal]]:
    return Counter((row["booked_on"], row["amount"]) for row in rows(db, "select booked_on, amount from bank.entry"))


def bag(reference: str = "nattsafe", day: date = DAY) -> Move:
    return Move(day, D(100), reference, "fra kasse")


def test_two_bags_that_a_bank_calls_the_same_are_two(db: Connection, tmp_path: Path) -> None:
    banking.account(db)
    parts = [Part([bag()], D(0), 7), Part([bag()], D(100), 8)]
    assert [banking.load(db, tmp_path, dialects.mt940(each)).new_entries for each in parts] == [1, 1]
    assert [banking.load(db, tmp_path, dialects.mt940(each, "swift")).new_entries for each in parts] == [0, 0]
    assert consistency(db) == {}


@pytest.mark.parametrize("number", [0, 1])
def test_and_so_they_are_where_statements_have_no_numbers_or_all_the_same(
    db: Connection, tmp_path: Path, number: int
) -> None:
    banking.account(db)
    for place in range(3):
        assert banking.load(db, tmp_path, dialects.mt940(Part([bag()], D(100) * place, number))).new_entries == 1
    assert consistency(db) == {}


def test_a_day_told_in_two_formats_is_one(db: Connection, tmp_path: Path) -> None:
    banking.account(db)
    part = Part([bag(), bag("R1"), Move(DAY, D(-5), "R2")], D(0), 7)
    assert banking.load(db, tmp_path, dialects.mt940(part)).new_entries == 3
    other = Part(part.moves, D(0), 211, name="OTHER")
    assert banking.load(db, tmp_path, dialects.camt053(other)).new_entries == 0
    assert banking.load(db, tmp_path, dialects.csv(part.moves), EXPORT).new_entries == 0
    assert banking.load(db, tmp_path, dialects.csv(part.moves, D(0)), BALANCED).new_entries == 0
    assert consistency(db) == {}


@pytest.mark.parametrize("first", ["notification", "statement"])
@pytest.mark.parametrize("reference", ["R1", ""])
def test_a_notification_and_its_statement_a_day_apart_are_one(
    db: Connection, tmp_path: Path, first: str, reference: str
) -> None:
    banking.account(db)
    told = dialects.camt054([Move(DAY, D(100), reference, "a", "ORDRE-1")])
    stated = dialects.camt053(Part([Move(DAY + timedelta(days=1), D(100), reference, "b", "ORDRE-1")], D(0), 1))
    files = [told, stated] if first == "notification" else [stated, told]
    assert [banking.load(db, tmp_path, each).new_entries for each in files] == [1, 0]
    assert consistency(db) == {}


def test_a_notification_whose_name_never_changes_is_many(db: Connection, tmp_path: Path) -> None:
    banking.account(db)
    for hour in range(3):
        told = dialects.camt054([bag("")], created=f"2026-11-16T1{hour}:00:00")
        assert banking.load(db, tmp_path, told).new_entries == 1
        assert banking.load(db, tmp_path, told + "\n").known_statements == 1
    stated = dialects.camt053(Part([bag("")] * 4, D(0), 1))
    assert banking.load(db, tmp_path, stated).new_entries == 1, "three were told of"
    assert consistency(db) == {}


def test_exports_that_overlap_are_one(db: Connection, tmp_path: Path) -> None:
    banking.account(db)
    moves = [Move(DAY + timedelta(days=n // 2), D(100), text="Gave") for n in range(8)]
    assert banking.load(db, tmp_path, dialects.csv(moves[:5]), EXPORT).new_entries == 5
    assert banking.load(db, tmp_path, dialects.csv(moves[2:]), EXPORT).new_entries == 3
    assert booked(db) == Counter((each.day, each.amount) for each in moves)


def test_a_stretch_that_two_statements_share_is_one_though_they_begin_and_end_elsewhere(
    db: Connection, tmp_path: Path
) -> None:
    banking.account(db)
    moves = [bag(day=DAY + timedelta(days=n)) for n in range(6)]
    banking.load(db, tmp_path, dialects.mt940(Part(moves[:4], D(0), 0)))
    assert banking.load(db, tmp_path, dialects.mt940(Part(moves[2:], D(200), 0, name="X"))).new_entries == 2
    assert consistency(db) == {}


def test_where_a_balance_comes_back_within_a_day_numbered_statements_of_other_references_are_others(
    db: Connection, tmp_path: Path
) -> None:
    """0, -100, 0, -100, told of in any order: the first looks like the third."""
    banking.account(db)
    moves = [Move(DAY, D(-100), "R1", "a", "E-1"), Move(DAY, D(100), "R2", "b"), Move(DAY, D(-100), "R3", "c")]
    parts = [
        Part([move], opening, number)
        for move, opening, number in zip(moves, (D(0), D(-100), D(0)), (5, 6, 7), strict=True)
    ]
    for part in (parts[2], parts[1], parts[0]):
        assert banking.load(db, tmp_path, dialects.mt940(part)).new_entries == 1
    assert consistency(db) == {}


def test_and_so_they_are_on_other_days_or_where_notifications_told_of_them_first_or_another_format_does(
    db: Connection, tmp_path: Path
) -> None:
    """100 comes, goes, and comes again as another 100: from 0 to 100 both, and numbers that are not side by side."""
    first, back = Move(DAY, D(100), "R1", "a", "E-1"), Move(DAY, D(-100), "R2", "b", "E-2")
    around = [Move(DAY, D(-50), "R3", "c"), Move(NEXT, D(50), "R4", "d")]
    again, same_day = Move(NEXT, D(100), "R5", "a", "E-5"), Move(DAY, D(100), "R5", "a", "E-5")
    stated = dialects.mt940(Part([first], D(0), 5))
    notified = [dialects.camt054([each]) for each in (first, same_day)]
    histories = {
        "4001": ([*around, again], [], [stated]),
        "4002": ([same_day, Move(NEXT, D(7), "R6", "e")], notified, [stated]),
        "4003": ([*around, again], [], [dialects.camt053(Part([first], D(0), 0)), stated]),
    }
    for number, (third, told, last) in histories.items():
        account = f"1506001{number}"
        banking.account(db, account, number)
        seventh, sixth = dialects.mt940(Part(third, D(0), 7)), dialects.mt940(Part([back], D(100), 6))
        for content in [*told, seventh, sixth, *last]:
            banking.load(db, tmp_path, content.replace(banking.NUMBER, account) + "\n" * int(number[-1]))
    found = rows(db, "select account_name, amount from bank.entry inner join bank.account using (account)")
    assert Counter(row["account_name"] for row in found if row["amount"] == 100) == dict.fromkeys(histories, 2)
    assert unstated(db) == Counter()
    assert consistency(db) == {}


# --- Any history ----------------------------------------------------------------------------------------------------


def loaded(db: Connection, folder: Path, history: History) -> Counter[Decimal]:
    banking.account(db)
    for content, layout in history.files():
        banking.load(db, folder, content, layout)
    return Counter(row["amount"] for row in rows(db, "select amount from bank.entry"))


def unstated(db: Connection) -> Counter[Decimal]:
    return Counter(row["amount"] for row in rows(db, "select amount from report.bank_unstated"))


def test_each_krone_is_in_the_ledger_once(db: Connection, tmp_path: Path, identity_seed: int) -> None:
    each_krone_once(db, tmp_path, identity_seed)


@pytest.mark.parametrize("seed", [55, 149])
def test_it_is_so_where_what_was_told_first_looks_like_anothers(db: Connection, tmp_path: Path, seed: int) -> None:
    """By its day, or in the words of another format."""
    each_krone_once(db, tmp_path, seed)


def each_krone_once(db: Connection, tmp_path: Path, seed: int) -> None:
    history = History(seed)
    assert loaded(db, tmp_path, history) == Counter(each.amount for each in history.moves)
    assert unstated(db) == Counter()
    assert rows(db, "select * from report.bank_statement_gap") == [], "all of it was told of"
    assert consistency(db) == {}


def test_what_no_statement_has_on_its_days_is_named(db: Connection, tmp_path: Path) -> None:
    banking.account(db)
    banking.load(db, tmp_path, dialects.mt940(Part([bag()], D(0), 7)))
    banking.load(db, tmp_path, dialects.csv([bag(), Move(DAY, D(70), "R70")]), EXPORT)
    assert unstated(db) == Counter([D(70)])
    assert consistency(db) == {}


def test_what_the_bank_calls_it_is_no_identity(db: Connection, tmp_path: Path) -> None:
    """The control: by the rule that was, the same histories lose krones, or have them twice, and the chain says so."""
    run(db, OLD_RULE)
    banking.account(db)
    parts = [Part([bag()], D(0), 7), Part([bag()], D(100), 8)]
    assert [banking.load(db, tmp_path, dialects.mt940(each)).new_entries for each in parts] == [1, 0]
    assert consistency(db).keys() == {"bank_chain"}


@pytest.mark.parametrize("seed", range(2))
def test_nor_does_it_keep_any_history(db: Connection, tmp_path: Path, seed: int) -> None:
    run(db, OLD_RULE)
    history = History(seed)
    assert loaded(db, tmp_path, history) != Counter(each.amount for each in history.moves)


# --- Of many, few are asked for ---------------------------------------------------------------------------------------


def read_in_turn(db: Connection) -> int:
    """Rows of payments and references that were read one after the other, without an index."""
    run(db, "select pg_stat_force_next_flush()")
    db.commit()
    found = one(
        db,
        "select sum(seq_tup_read) from pg_stat_user_tables"
        " where schemaname = 'bank' and relname in ('entry_detail', 'entry_reference')",
    )
    db.commit()
    return int(found)


def test_what_is_known_is_looked_up_and_the_payments_of_others_are_not_read_for_each(
    db: Connection, tmp_path: Path
) -> None:
    """By statistics, after a batch of thousands, every entry has thousands: of one without any, all were read."""
    banking.account(db)
    batch = dialects.camt053(Part([Move(DAY - timedelta(days=60), D(3000), "B1")], D(0), 1))
    begin, end = batch.index("<TxDtls>"), batch.index("</NtryDtls>")
    part = '<TxDtls><Refs><EndToEndId>E-{0}</EndToEndId></Refs><Amt Ccy="NOK">1</Amt></TxDtls>'
    banking.load(db, tmp_path, batch[:begin] + "".join(part.format(n) for n in range(3000)) + batch[end:])
    moves = [Move(DAY, D(n + 1), f"R{n}") for n in range(100)]
    banking.load(db, tmp_path, dialects.mt940(Part(moves, D(3000), 2)))
    run(db, "analyze bank.entry_detail, bank.entry_reference")
    before = read_in_turn(db)
    assert banking.load(db, tmp_path, dialects.camt054(moves)).known_entries == 100
    assert read_in_turn(db) - before < 20_000, "100 times 3,000"
