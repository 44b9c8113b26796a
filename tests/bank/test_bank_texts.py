"""What banks and payers wrote is kept as long as the law has documents kept, and goes then; each krone stays."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from pybridge.jobs import runner as jobs
from tests.conftest import Connection
from tests.support import banking, dialects
from tests.support.bank_histories import EXPORT
from tests.support.banking import expected, match_open, route
from tests.support.dialects import Move, Part
from tests.support.domain import consistency, expect, one, rows, run

OLD = date(date.today().year - 6, 5, 4)
LATE = OLD.replace(year=OLD.year + 1)
MOVES = [Move(OLD, Decimal(100), "A1", "fra Kari Nordmann", "E-1"), Move(OLD, Decimal(-30), "", "til Ola")]
PART = Part(MOVES, Decimal(50), 7, name="S7")
STATEMENT = (
    dialects.camt053(PART)
    .replace("<RmtInf>", "<RltdPties><Dbtr><Nm>Kari Nordmann</Nm></Dbtr></RltdPties><RmtInf>")
    .replace("<BkTxCd/>", "<BkTxCd><Prtry><Cd>NTRF</Cd></Prtry></BkTxCd>")
    .replace("<Ntry>", "<AddtlStmtInf>Nordmann</AddtlStmtInf><Ntry>", 1)
)
NEW = dialects.camt053(Part([Move(LATE, Decimal(5), "B1", "fra Per")], PART.closing, 8, name="S8"))


@pytest.fixture
def bank(db: Connection, tmp_path: Path) -> Connection:
    banking.account(db)
    for content in (STATEMENT, NEW):
        banking.load(db, tmp_path, content)
    return db


def said(db: Connection) -> str:
    """All that rows of the bank's say, whatever the column."""
    tables = ("statement", "entry", "entry_detail", "entry_reference", "statement_entry", "import_file")
    return " ".join(str(one(db, f"select array_agg(to_jsonb(t)) from bank.{each} as t")) for each in tables)


def figures(db: Connection) -> list[dict[str, object]]:
    return rows(
        db,
        """
        select e.entry, e.booked_on, e.amount, e.bank_reference, e.end_to_end, e.code, d.amount as paid, s.entry_key
        from bank.entry as e
        inner join bank.statement_entry as s on e.entry = s.entry
        left join bank.entry_detail as d on e.entry = d.entry
        order by e.entry
        """,
    )


def test_words_and_names_go_after_the_term_and_all_that_counts_stays(bank: Connection, tmp_path: Path) -> None:
    before = figures(bank)
    assert {"Kari", "Nordmann", "Ola", "Per"} <= set(said(bank).replace("'", " ").split())
    assert jobs.run(bank, "bank_texts").row_count == 2
    left = said(bank)
    assert not any(name in left for name in ("Kari", "Nordmann", "Ola")), left
    assert "fra Per" in left, "of the year after, for a year more"
    assert figures(bank) == before
    assert one(bank, "select more from bank.entry order by entry limit 1") == {"BkTxCd": {"Prtry": {"Cd": "NTRF"}}}
    assert jobs.run(bank, "bank_texts").row_count == 0
    assert consistency(bank) == {}


@pytest.mark.parametrize("again", ["file", "statement", "dialect", "export"])
def test_what_was_erased_is_known_when_it_comes_again(bank: Connection, tmp_path: Path, again: str) -> None:
    jobs.run(bank, "bank_texts")
    moves = MOVES if again != "export" else MOVES[:1]
    content, layout = {
        "file": (STATEMENT, None),
        "statement": (STATEMENT + " ", None),
        "dialect": (dialects.mt940(PART, "numbered"), None),
        "export": (dialects.csv(moves), EXPORT),
    }[again]
    loaded = banking.load(bank, tmp_path, content, layout)
    assert loaded.new_entries == 0
    assert one(bank, "select count(*) from bank.entry") == 3
    assert consistency(bank) == {}


def test_an_entry_that_counts_in_a_later_year_is_kept_for_that_year(bank: Connection) -> None:
    way = route(bank, "PAYMENT", "BANK", days_max=10)
    expected(bank, way, (OLD, 100), reference="E-1")
    assert match_open(bank) == {"REFERENCE": 1}
    run(bank, "alter table bank.match_posting disable trigger match_posting_keep")
    run(bank, "update bank.match_posting set posting_date = %s", LATE)
    assert jobs.run(bank, "bank_texts").row_count == 1
    assert "fra Kari" in said(bank)
    run(bank, "update bank.match_posting set posting_date = %s", OLD)
    assert jobs.run(bank, "bank_texts").row_count == 1, "the control"


def test_the_term_is_a_row_with_its_source(bank: Connection) -> None:
    assert "§ 13" in one(bank, "select source from books.retention")
    run(bank, "update books.retention set years = years + 1")
    assert jobs.run(bank, "bank_texts").row_count == 0


def test_nobody_erases_sooner_or_changes_anything_else(bank: Connection) -> None:
    with expect("23B98"):
        run(bank, "update bank.entry set entry_text = '', more = bank.nameless(more) where booked_on = %s", LATE)
    with expect("23B98"):
        run(bank, "update bank.statement set more = null where to_day = %s", LATE)
    for change in (
        "entry set entry_text = 'another'",
        "entry set entry_text = '', more = bank.nameless(more), amount = amount + 1",
        "entry set entry_text = '', more = null, booked_on = booked_on + 1",
        "entry_detail set detail_text = '', more = bank.nameless(more), amount = 0",
        "statement set more = null, opening_balance = null",
    ):
        with expect("23B84"):
            run(bank, f"update bank.{change}")
    assert jobs.run(bank, "bank_texts").row_count == 2, "the control"
