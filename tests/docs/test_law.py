"""docs/law.md answers the regulation of cash registers item by item, with places and tests that there are."""

import ast
import re
import string
from functools import cache

from pybridge.paths import ROOT
from tests.conftest import Connection
from tests.support import pages
from tests.support.domain import rows

LAW = ROOT / "docs/law.md"
HEAD = ["item", "asked", "where", "test"]
PARAGRAPHS = {"2-5", "2-6", "2-7", "2-8-1", "2-8-2", "2-8-3", "2-8-4", "2-8-5", "2-8-6", "2-8-7"}
ITEM = re.compile(r"§ (2-\d(?:-\d)?)(?: ([a-z]|\(\d\)))?")
MISSING = ("not here", "not yet")
NO_TEST = "–"


def table(text: str) -> list[dict[str, str]]:
    """The rows of the table of items."""
    head = "| " + " | ".join(HEAD) + " |"
    lines = text.partition(head + "\n")[2].partition("\n\n")[0].splitlines()[1:]
    return [dict(zip(HEAD, (cell.strip() for cell in line.strip("|").split(" | ")), strict=True)) for line in lines]


@cache
def declared(file: str) -> set[str]:
    path = ROOT / file
    if not path.is_file():
        return set()
    return {each.name for each in ast.parse(path.read_text("utf-8")).body if isinstance(each, ast.FunctionDef)}


def faults(db: Connection, found: list[dict[str, str]]) -> list[str]:
    """What is wrong with the table: a place or a test that is not there, a gap that is not called one."""
    objects = {
        f"{row['schema']}.{row['name']}"
        for row in rows(
            db,
            "select relnamespace::regnamespace::text as schema, relname::text as name from pg_class"
            " union select pronamespace::regnamespace::text, proname::text from pg_proc",
        )
    }
    items = {row["item"] for row in rows(db, "select item from billig.till_report_item")}
    wrong = []
    for row in found:
        named = re.findall(r"`([^`]+)`", row["where"])
        excused = any(word in row["where"] for word in MISSING)
        for name in named:
            if not ((ROOT / name).exists() if "/" in name else name in objects | items):
                wrong.append(f"{row['item']}: no {name}")
        if not (named or excused):
            wrong.append(f"{row['item']}: nowhere")
        test = row["test"].strip("`")
        file, _, name = test.partition("::")
        if test == NO_TEST and not excused:
            wrong.append(f"{row['item']}: neither a test nor a reason")
        if test != NO_TEST and name not in declared(file):
            wrong.append(f"{row['item']}: no {test}")
    return wrong


def test_each_place_and_each_test_that_the_law_is_answered_with_is_there(shared_db: Connection) -> None:
    assert faults(shared_db, table(LAW.read_text("utf-8"))) == []


def test_a_place_or_a_test_that_is_not_there_is_found(shared_db: Connection) -> None:
    this = "tests/docs/test_law.py::test_a_place_or_a_test_that_is_not_there_is_found"
    good = {"item": "§ 2-5", "asked": "", "where": "`billig.receipt`, `TIP`, `docs/law.md`", "test": f"`{this}`"}
    assert faults(shared_db, [good]) == []
    for changed in (
        {"where": "`billig.reciept`"},
        {"where": "`docs/lore`"},
        {"where": "`CASH_SALES`"},
        {"where": "somewhere"},
        {"test": "`tests/docs/test_law.py::test_nothing`"},
        {"test": "`tests/docs/lore::test_nothing`"},
        {"test": NO_TEST},
    ):
        assert len(faults(shared_db, [{**good, **changed}])) == 1, changed
    assert faults(shared_db, [{**good, "where": "not here: nothing is sold on credit", "test": NO_TEST}]) == []


def test_every_paragraph_and_every_letter_of_a_report_is_answered(shared_db: Connection) -> None:
    parsed = [ITEM.fullmatch(row["item"]) for row in table(LAW.read_text("utf-8"))]
    assert all(parsed)
    items = [(each[1], each[2]) for each in parsed if each]
    assert {paragraph for paragraph, _ in items} == PARAGRAPHS
    assert [paragraph for paragraph, _ in items] == sorted(paragraph for paragraph, _ in items)
    letters = [letter for paragraph, letter in items if paragraph == "2-8-2" and letter and letter.isalpha()]
    assert letters == list(string.ascii_lowercase)


def test_every_item_of_the_reports_is_told_of(shared_db: Connection) -> None:
    """But two that the regulation does not ask for."""
    named = {name for row in table(LAW.read_text("utf-8")) for name in re.findall(r"`([A-Z_]+)`", row["where"])}
    items = {row["item"] for row in rows(shared_db, "select item from billig.till_report_item")}
    assert items - named == {"ROUNDING", "CASH_DIFFERENCE"}


def test_what_is_always_0_is_what_the_table_of_items_says_is(shared_db: Connection) -> None:
    said = {
        name
        for row in table(LAW.read_text("utf-8"))
        if row["where"].endswith(": always 0")
        for name in re.findall(r"`([A-Z_]+)`", row["where"])
    }
    always = rows(shared_db, "select item from billig.till_report_item where item_note like 'Always 0%'")
    assert said == {row["item"] for row in always}


def test_the_page_says_at_once_that_this_is_no_cash_register() -> None:
    text = LAW.read_text("utf-8")
    headings = [token.content for token in pages.tokens(text) if token.type == "inline"]
    assert "This is no cash register" in headings[:3]
    assert all(word in text for word in ("may not be home-made", "RF-1348", "§ 10 a", "No supplier has declared"))


def test_every_vat_code_of_tickets_is_explained(shared_db: Connection) -> None:
    """Code 5 and 7 are no entry."""
    said = set(re.findall(r"^\|[^|]+\| (\d+) \|", LAW.read_text("utf-8"), re.M))
    codes = {str(row["vat_code"]) for row in rows(shared_db, "select vat_code from books.vat_code")}
    assert said == codes - {"5", "7"}
