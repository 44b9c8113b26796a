"""A deposit that the bank takes back when it is matched already: what was sold is missing again, and it is told."""

import threading
from pathlib import Path

import pytest

from tests.conftest import Connect, Connection
from tests.support import banking
from tests.support.banking import expected, match_open, matched, route, sound
from tests.support.domain import call_in, one, rows, run, wait_for
from tests.support.notified import DAY, camt, entry


@pytest.fixture
def cards(db: Connection) -> int:
    return route(db, "DAY", "CARD")


def load(db: Connection, folder: Path, *entries: str) -> int:
    """A notification of them; the last entry."""
    banking.load(db, folder, camt(*entries))
    return int(one(db, "select max(entry) from bank.entry"))


def told(db: Connection) -> list[tuple[str, int, bool]]:
    return [
        (row["rule"], row["entry"], row["is_named"])
        for row in rows(db, "select rule, entry, is_named from report.bank_reversed order by entry")
    ]


def missing(db: Connection) -> int:
    return len(rows(db, "select expected from report.missing_deposit"))


def test_a_rules_match_is_undone_by_the_reversal_that_bears_its_reference(
    db: Connection, cards: int, tmp_path: Path
) -> None:
    expected(db, cards, (DAY, 100))
    paid = load(db, tmp_path, entry("100", reference="A1"))
    assert match_open(db) == {"AMOUNT": 1}
    back = load(db, tmp_path, entry("-100", reference="A1", reversal=True, day=9))
    assert told(db) == [("AMOUNT", paid, True)], "until the rules have run"
    assert match_open(db) == {"REVERSAL": 1}
    assert (matched(db), missing(db), told(db)) == ({paid: set(), back: set()}, 1, [])
    undone = rows(db, "select undo_reason from report.bank_match where state = 'UNDONE'")
    assert [row["undo_reason"] for row in undone] == [
        f"Entry {back} takes entry {paid} back, which bears the same reference"
    ]
    assert match_open(db) == {}, "and stays so"
    assert sound(db)


def test_where_the_rule_is_switched_off_it_is_only_told(db: Connection, cards: int, tmp_path: Path) -> None:
    expected(db, cards, (DAY, 100))
    paid = load(db, tmp_path, entry("100", reference="A1"))
    match_open(db)
    run(db, "update bank.match_rule set enabled = false where rule = 'REVERSAL'")
    load(db, tmp_path, entry("-100", reference="A1", reversal=True, day=9))
    assert match_open(db) == {}
    assert told(db) == [("AMOUNT", paid, True)]


def test_what_a_person_matched_a_person_undoes(db: Connection, cards: int, tmp_path: Path) -> None:
    (item,) = expected(db, cards, (DAY, 90))
    paid = load(db, tmp_path, entry("100", reference="A1"))
    made = call_in(
        db, "bank", "make_match", entries=[paid], expected=[item], reason="x", kinds=["ROUNDING"], amounts=[10]
    )[0]["make_match"]
    back = load(db, tmp_path, entry("-100", reference="A1", reversal=True, day=9))
    assert match_open(db) == {}
    assert told(db) == [("PERSON", paid, True)]
    call_in(db, "bank", "undo_match", match=made, reason="the bank took it back")
    assert match_open(db) == {"REVERSAL": 1}
    assert (matched(db), missing(db), told(db)) == ({paid: set(), back: set()}, 1, [])


def test_a_reversal_without_a_name_is_told_with_all_that_it_may_take_back(
    db: Connection, cards: int, tmp_path: Path
) -> None:
    expected(db, cards, (DAY, 100))
    paid = load(db, tmp_path, entry("100", reference="A1"))
    match_open(db)
    load(db, tmp_path, entry("-100", reference="B2", reversal=True, day=9))
    assert match_open(db) == {}
    assert told(db) == [("AMOUNT", paid, False)]


def test_of_two_deposits_of_one_reference_none_is_undone(db: Connection, cards: int, tmp_path: Path) -> None:
    expected(db, cards, (DAY, 100))
    expected(db, cards, (DAY.replace(day=1), 100))
    load(db, tmp_path, entry("100", reference="SAME1", day=-12))
    load(db, tmp_path, entry("100", reference="SAME1", text="another"))
    assert match_open(db) == {"AMOUNT": 2}
    load(db, tmp_path, entry("-100", reference="SAME1", reversal=True, day=9))
    assert match_open(db) == {}
    assert len(told(db)) == 2


def test_nobody_holds_up_the_bank_by_an_advisory_lock(
    db: Connection, connect: Connect, cards: int, tmp_path: Path
) -> None:
    """Loads of one file wait for each other by a row, which no login can lock but by loading."""
    path = tmp_path / "file"
    path.write_text(camt(entry("100", reference="A1")))
    content = b"\1" * 32
    first, second = connect(), connect()
    found: list[object] = []
    with first.transaction():
        call_in(first, "bank", "begin_import", content_sha256=content)
        match_open(first)
        held = one(db, "select count(*) from pg_locks where locktype = 'advisory' and pid = %s", first.info.backend_pid)
        assert held == 0
        thread = threading.Thread(
            target=lambda: found.append(call_in(second, "bank", "begin_import", content_sha256=content))
        )
        thread.start()
        wait_for(db, second.info.backend_pid)
        assert found == []
        call_in(first, "bank", "load_import", file_name="x", content_sha256=content, format="camt")
    thread.join()
    assert [bool(each) for each in found] == [True], "the second finds that it is loaded"
