"""Histories of the bank in which money might be lost, or matched with what it only may be."""

import threading
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from pybridge.files.statements import Layout
from tests.conftest import Connect, Connection
from tests.support import banking
from tests.support.banking import booked, expected, match_open, matched, route, sound
from tests.support.domain import call_in, consistency, one, rows, run, wait_for

D = Decimal
DAY = date(2026, 1, 14)


def later(days: int) -> date:
    return DAY + timedelta(days=days)


def entries(db: Connection) -> int:
    return int(one(db, "select count(*) from bank.entry"))


def camt(count: int, *, page: int = 1, number: int = 7, more: str = "") -> str:
    """A page of a statement of the day, with so many deposits of 500 that are equal in all that is said."""
    one_of_them = (
        '<Ntry><Amt Ccy="NOK">500</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>'
        f"<BookgDt><Dt>{DAY}</Dt></BookgDt>{more}</Ntry>"
    )
    return (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt><Stmt>'
        f"<Id>S</Id><StmtPgntn><PgNb>{page}</PgNb></StmtPgntn><ElctrncSeqNb>{number}</ElctrncSeqNb>"
        f"<FrToDt><FrDtTm>{DAY}T00:00:00</FrDtTm><ToDtTm>{DAY}T23:59:59</ToDtTm></FrToDt>"
        f"<Acct><Id><Othr><Id>{banking.NUMBER}</Id></Othr></Id></Acct>{one_of_them * count}"
        "</Stmt></BkToCstmrStmt></Document>"
    )


# --- Loaded, and each once ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["camt", "MT940"])
def test_equal_deposits_on_two_pages_are_not_one(db: Connection, tmp_path: Path, form: str) -> None:
    banking.account(db)
    if form == "camt":
        pages = [camt(2, page=1), camt(1, page=2)]
    else:
        second = banking.mt940([(DAY, 500, "")], opening=1000).replace(":28C:1/1", ":28C:1/2")
        pages = [banking.mt940([(DAY, 500, "")] * 2), second]
    assert [banking.load(db, tmp_path, page).new_entries for page in pages] == [2, 1]
    assert [banking.load(db, tmp_path, page + "\n").new_entries for page in pages] == [0, 0]
    # The next of the same day has two of its own, and the month's has all five.
    after = camt(2, number=8) if form == "camt" else banking.mt940([(DAY, 500, "")] * 2, number=2, opening=1500)
    assert banking.load(db, tmp_path, after).new_entries == 2
    month = banking.mt940([(DAY, 500, "")] * 5, number=1, days=(date(2026, 1, 1), date(2026, 1, 31)))
    assert banking.load(db, tmp_path, month.replace(":20:ST1", ":20:MONTH")).new_entries == 0, "in whatever words"
    assert consistency(db) == {}


def test_a_statement_goes_on_within_the_days_of_the_one_before(db: Connection, tmp_path: Path) -> None:
    """A bank dates the opening balance the day before: the day's second statement lies within its first."""
    banking.account(db)
    first = banking.mt940([(DAY, 500, "")], number=5, days=(later(-1), DAY))
    second = banking.mt940([(DAY, 500, "")], number=6, opening=500)
    assert [banking.load(db, tmp_path, each).new_entries for each in (second, first)] == [1, 1]
    assert entries(db) == 2
    assert consistency(db) == {}


def test_a_reversal_is_one_though_an_export_does_not_call_it_so(db: Connection, tmp_path: Path) -> None:
    banking.account(db)
    reversal = camt(1, more="<RvslInd>true</RvslInd><AcctSvcrRef>R1</AcctSvcrRef>")
    layout = Layout({"booked_on": "Day", "amount": "NOK", "bank_reference": "Ref"}, account=banking.NUMBER)
    export = "Day;NOK;Ref\n14.01.2026;500,00;R1\n"
    assert banking.load(db, tmp_path, reversal).new_entries == 1
    assert banking.load(db, tmp_path, export, layout).new_entries == 0
    assert consistency(db) == {}


# --- Matched, and with nothing that it only may be ------------------------------------------------------------------


@pytest.fixture
def card(db: Connection) -> int:
    return route(db, "DAY", "CARD", days_max=5)


@pytest.fixture
def by_payment(db: Connection) -> int:
    return route(db, "PAYMENT", "BANK", days_max=30)


def make(db: Connection, entry: int, item: int) -> int:
    """A match by hand."""
    found = call_in(db, "bank", "make_match", entries=[entry], expected=[item], reason="looked it up")
    return int(found[0]["make_match"])


def named(db: Connection, folder: Path, amount: int, name: str, number: int = 1) -> int:
    """An entry by which the payer names something."""
    content = banking.mt940([(later(1), amount, f"R{number}")], number=number, opening=(number - 1) * amount)
    banking.load(db, folder, content.replace("NONREF", name))
    return int(one(db, "select max(entry) from bank.entry"))


@pytest.mark.parametrize("reference", ["", "KID1"])
def test_what_is_taken_apart_makes_the_other_no_surer(
    db: Connection, by_payment: int, tmp_path: Path, reference: str
) -> None:
    first, second = (*expected(db, by_payment, (DAY, 500), (DAY, 500), reference=reference),)
    entry = named(db, tmp_path, 500, reference or "NONREF")
    assert match_open(db) == {}
    call_in(db, "bank", "undo_match", match=make(db, entry, first), reason="by mistake")
    assert match_open(db) == {}, "it fits two, as it did before"
    make(db, entry, second)
    assert sound(db)


def test_what_is_only_suggested_may_still_be_anothers(db: Connection, tmp_path: Path) -> None:
    tolerant = route(db, "DAY", "CARD", tolerance=D(1))
    expected(db, tolerant, (DAY, 500))
    (less,) = booked(db, tmp_path, (later(1), "499.50", "A"))
    assert match_open(db) == {"TOLERANCE": 1}
    expected(db, tolerant, (DAY, 500))
    (exact,) = booked(db, tmp_path, (later(1), 500, "B"), number=2)
    assert match_open(db) == {}, "it may be the first one's, which is not approved"
    call_in(db, "bank", "approve_match", match=one(db, "select match from bank.match"), reason="rounded")
    assert match_open(db) == {"AMOUNT": 1}
    assert matched(db).keys() == {less, exact}
    assert sound(db)


@pytest.mark.parametrize("way", ["end_to_end", "text"])
def test_who_names_one_item_does_not_pay_another(db: Connection, by_payment: int, tmp_path: Path, way: str) -> None:
    """Paid twice, and somebody else owes as much."""
    expected(db, by_payment, (DAY, 500), reference="KID1")
    entry = named(db, tmp_path, 500, "KID1")
    assert match_open(db) == {"REFERENCE": 1}
    (other,) = expected(db, by_payment, (DAY, 500), reference="KID2")
    again = named(db, tmp_path, 500, "KID1", number=2) if way == "end_to_end" else None
    if again is None:
        banking.load(db, tmp_path, banking.mt940([(later(2), 500, "T")], number=2, texts=["FOR KID1 AGAIN"]))
        again = int(one(db, "select max(entry) from bank.entry"))
    assert match_open(db) == {}
    assert matched(db).keys() == {entry}
    make(db, again, other)  # a person may
    assert sound(db)


@pytest.mark.parametrize("name", ["NONREF", "KID1"])
def test_an_entry_that_takes_another_back_is_no_sales(
    db: Connection, by_payment: int, tmp_path: Path, name: str
) -> None:
    expected(db, by_payment, (DAY, 500), reference="" if name == "NONREF" else name)
    content = banking.mt940([(later(1), 500, "A")]).replace("C500", "RD500").replace("NONREF", name)
    banking.load(db, tmp_path, content)
    assert one(db, "select is_reversal and amount = 500 from bank.entry")
    assert match_open(db) == {}
    run(db, "alter table bank.expected disable trigger expected_keep")
    run(db, "alter table bank.expected drop constraint expected_return_check")
    run(db, "update bank.expected set is_return = true")
    assert match_open(db) == {"AMOUNT" if name == "NONREF" else "REFERENCE": 1}


@pytest.mark.parametrize("rule", ["TEXT", "SUBSET", "TOLERANCE"])
def test_nor_is_it_suggested_as_one(db: Connection, tmp_path: Path, rule: str) -> None:
    way = route(db, "PAYMENT", "BANK", days_max=30, tolerance=D(1))
    amounts = {"TEXT": [D(500)], "SUBSET": [D(200), D(999), D(300)], "TOLERANCE": [D("500.50")]}[rule]
    for number, amount in enumerate(amounts):
        expected(db, way, (later(number - 60 * (rule == "TEXT")), amount), reference=f"REF100{number}")
    text = "REF1000" if rule == "TEXT" else "RENT"
    content = banking.mt940([(later(5), 500, "A")], texts=[text]).replace("C500,00N", "RD500,00N")
    banking.load(db, tmp_path, content)
    assert match_open(db) == {}
    run(db, "alter table bank.entry disable trigger entry_text")
    run(db, "update bank.entry set is_reversal = false")
    assert match_open(db) == {rule: 1}


def test_of_two_that_a_text_names_the_other_is_no_surer(db: Connection, tmp_path: Path) -> None:
    way = route(db, "PAYMENT", "BANK", days_max=0)
    first, _ = (expected(db, way, (later(-30), 500), reference=f"REF100{n}")[0] for n in range(2))
    banking.load(db, tmp_path, banking.mt940([(DAY, 500, "A")], texts=["REF1000 REF1001"]))
    assert match_open(db) == {}
    entry = int(one(db, "select entry from bank.entry"))
    call_in(db, "bank", "undo_match", match=make(db, entry, first), reason="by mistake")
    assert match_open(db) == {}


def test_all_of_many_entries_are_no_few(db: Connection, card: int, tmp_path: Path) -> None:
    expected(db, card, (DAY, 260))
    booked(db, tmp_path, *((later(1), amount, f"A{amount}") for amount in (10, 17, 38, 73, 122)))
    assert match_open(db) == {}


def test_a_difference_is_a_persons_though_the_rule_is_automatic(db: Connection, tmp_path: Path) -> None:
    expected(db, route(db, "DAY", "CARD", tolerance=D(1)), (DAY, 500))
    run(db, "update bank.match_rule set is_automatic = true where rule = 'TOLERANCE'")
    booked(db, tmp_path, (later(1), "499.50", "A"))
    assert [row["is_automatic"] for row in call_in(db, "bank", "match_open")] == [False]
    assert rows(db, "select state from report.bank_match") == [{"state": "SUGGESTED"}]
    assert sound(db)


def test_a_fee_on_an_item_of_nothing_is_in_every_report(db: Connection, card: int, tmp_path: Path) -> None:
    (item,) = expected(db, card, (DAY, 0))
    (entry,) = booked(db, tmp_path, (later(1), -50, "A"))
    call_in(
        db,
        *("bank", "make_match"),
        entries=[entry],
        expected=[item],
        reason="the month's fee",
        kinds=["FEE"],
        amounts=[-50],
    )
    for view in (sql.Identifier("report", "bank_item"), sql.Identifier("report", "bank_reconciliation")):
        query = sql.SQL("select received_amount, fee_amount, difference_amount from {}").format(view)
        assert rows(db, query) == [{"received_amount": D(-50), "fee_amount": D(50), "difference_amount": D(0)}]


# --- At once --------------------------------------------------------------------------------------------------------


def test_rules_and_a_person_wait_for_each_other_and_do_not_deadlock(
    db: Connection, connect: Connect, card: int, by_payment: int, tmp_path: Path
) -> None:
    """The rules take by name first, then by amount; a person takes of the second what goes with the first."""
    (named_item,) = expected(db, by_payment, (DAY, 300), reference="KID1")
    expected(db, card, (DAY, 500))
    named(db, tmp_path, 300, "KID1")
    (other,) = booked(db, tmp_path, (later(1), 500, "B"), number=2)
    blocker, person, rules = connect(), connect(), connect()
    outcome: dict[str, str | None] = {}

    def by_itself(name: str, deed: Callable[[], object]) -> threading.Thread:
        def go() -> None:
            try:
                deed()
                outcome[name] = "done"
            except psycopg.Error as error:
                outcome[name] = error.sqlstate

        thread = threading.Thread(target=go)
        thread.start()
        return thread

    def by_hand() -> None:
        call_in(
            person,
            *("bank", "make_match"),
            entries=[other],
            expected=[named_item],
            reason="the KID was another's",
            kinds=["NOT_OURS"],
            amounts=[200],
        )

    with blocker.transaction():  # holds both up, until each has begun
        run(blocker, "select from bank.entry where entry = %s for update", other)
        threads = [by_itself("person", by_hand)]
        wait_for(db, person.info.backend_pid)
        threads.append(by_itself("rules", lambda: match_open(rules)))
        wait_for(db, rules.info.backend_pid)
    for thread in threads:
        thread.join()
    assert outcome["person"] == "done"
    assert outcome["rules"] == "done"
    assert len(matched(db)) == 1
    assert sound(db)


def test_the_rules_are_planned_by_what_is_there(db: Connection, card: int, tmp_path: Path) -> None:
    """Without statistics candidates of 20,000 entries are sought by all with all."""
    expected(db, card, (DAY, 500))
    booked(db, tmp_path, (later(1), 500, "A"))
    assert match_open(db) == {"AMOUNT": 1}
    names = ["entry", "expected", "match", "match_entry", "match_expected", "match_approval"]
    known = "select relname, reltuples from pg_class where relnamespace = 'bank'::regnamespace and relname = any(%s)"
    assert {row["relname"]: row["reltuples"] for row in rows(db, known, names)} == dict.fromkeys(names, 1)
