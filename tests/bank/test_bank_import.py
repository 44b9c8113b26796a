"""Files of the bank: what stands in them is what comes out, each entry once; what is wrong is refused, and where."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pycamt.parser
import pytest
from lxml import etree

from pybridge import errors
from pybridge.files import tables
from pybridge.files.statements import Detail, Entry, Layout, Statement, read
from pybridge.files.tables import Unreadable
from tests.conftest import Connect, Connection
from tests.support import banking
from tests.support.domain import DATA, consistency, one, rows, standards
from tests.support.waits import impatient

OURS = ("camt053.xml", "camt054.xml")
DAY = date(2026, 1, 14)
D = Decimal


@dataclass(frozen=True)
class Whole(Entry):
    """An entry with the payments in it."""

    details: list[Detail] = field(default_factory=list)


def everything(content: bytes | str, layout: Layout | None = None) -> tuple[list[Whole], list[Statement], str]:
    """Entries and statements until the end, or until the file is refused, and with what words."""
    entries: list[Whole] = []
    statements: list[Statement] = []
    details: list[Detail] = []
    data = content if isinstance(content, bytes) else content.encode()
    try:
        for item in read(io.BytesIO(data), layout)[1]:
            if isinstance(item, Entry):
                entries.append(Whole(**vars(item), details=details))
                details = []
            elif isinstance(item, Detail):
                details.append(item)
            else:
                statements.append(item)
    except Unreadable as error:
        return entries, statements, str(error)
    return entries, statements, ""


def sample(name: str) -> bytes:
    """A file of our own, or one that others published."""
    return ((DATA if name in OURS else published()) / name).read_bytes()


def published() -> Path:
    return standards("camt") / "samples"


# --- camt -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*OURS, "no_sample_053.xml", "no_sample_054.xml"])
def test_a_norwegian_file_gives_every_entry_with_all_that_matching_needs(name: str) -> None:
    entries, (statement,), refused = everything(sample(name))
    assert refused == ""
    assert [(each.amount, each.bank_reference, each.code, each.is_reversal, len(each.details)) for each in entries] == [
        (D("11385.50"), "98700001", "POSP", False, 1),
        (D("900.00"), "98700002", "VCOM", False, 3),
        (D("-50.00"), "", "CHRG", False, 0),
        (D("-50.00"), "98700004", "990", True, 0),
    ]
    assert entries[0].text == "OPPGJ BAX 568833 13.01 BRUTTO 11500,00 GEBYR 114,50"
    assert [(each.amount, each.kid) for each in entries[1].details] == [
        (D("300.00"), "1234567897"),
        (D("250.00"), "1234567905"),
        (D("350.00"), "1234567913"),
    ]
    assert (entries[3].booked_on, entries[3].value_on) == (DAY, date(2026, 1, 13))
    assert entries[2].text == "GEBYR"
    assert (statement.account, statement.currency, statement.sequence_number) == ("15060012345", "NOK", 14)
    assert (statement.opening, statement.closing) == (
        (D("100000.00"), D("112185.50")) if "053" in name else (None, None)
    )


FOREIGN: dict[str, tuple[list[tuple[str, str, str, int]], str]] = {
    # amount, currency, the bank's reference, how many payments; how it is refused, or what is wrong with its balances
    "camt053.v2.all-balance-types.xml": ([("8.850", "EUR", "", 1)], ""),
    "camt053.v2.five.decimals.xml": ([("8.850", "EUR", "", 1)], ""),
    "camt053.v2.minimal.xml": ([("8.85", "EUR", "", 1)], "balances in EUR and SEK"),
    "camt053.v4.xml": ([("8.85", "EUR", "AAAASESS-FP-CN_98765/01", 1)], "balances in EUR and SEK"),
    "camt053.v8.xml": ([("8.85", "EUR", "AAAASESS-FP-CN_98765/01", 1)], "balances in EUR and SEK"),
    "camt054.v2.xml": ([("-200000", "SEK", "AAAASESS-FP-ACCR001", 3)], ""),
    "camt054.v8.xml": ([("-200000", "SEK", "ACSR160617103200001", 3)], ""),
    "camt053.v2.wrong.xml": ([], "there is no statement in it"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_the_published_samples_give_their_rows(name: str) -> None:
    expected, refusal = FOREIGN[name]
    entries, statements, refused = everything(sample(name))
    assert [(str(e.amount), e.currency, e.bank_reference, len(e.details)) for e in entries] == expected
    wrong = [refused, *(each.flaw or "" for each in statements)]
    assert [each for each in wrong if each] == ([each for each in wrong if refusal in each] if refusal else [])
    assert len(statements) == (0 if refused else 1)


def test_no_sample_is_left_out() -> None:
    assert {path.name for path in published().glob("*.xml")} == {*FOREIGN, "no_sample_053.xml", "no_sample_054.xml"}


@pytest.mark.parametrize(
    "name", ["camt053.xml", "no_sample_053.xml", "camt053.v2.minimal.xml", "camt053.v2.five.decimals.xml"]
)
def test_another_reader_finds_the_same_amounts_and_days(name: str) -> None:
    """It gives payments, not entries; of two samples it has a detail's SEK 0 for EUR 8.85."""
    theirs = pycamt.parser.Camt053Parser(sample(name)).get_transactions()
    ours = everything(sample(name))[0]
    assert sorted((D(str(each["Amount"])), str(each["BookingDate"])[:10]) for each in theirs) == sorted(
        (abs(amount), str(each.booked_on))
        for each in ours
        # of a payment alone the entry's is its amount
        for amount in ([part.amount for part in each.details] if len(each.details) > 1 else [each.amount])
        if amount is not None
    )


def test_the_namespace_and_its_prefix_do_not_matter() -> None:
    plain = sample("camt053.xml")
    bare = plain.replace(b' xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"', b"")
    assert everything(bare)[:2] == everything(plain)[:2]
    newer = plain.replace(b"camt.053.001.02", b"camt.053.001.13")
    assert everything(newer)[:2] == everything(plain)[:2]


def test_what_is_only_announced_is_not_booked() -> None:
    pending = sample("camt053.xml").replace(b"<Sts>BOOK</Sts>", b"<Sts>PDNG</Sts>", 1)
    assert [each.is_booked for each in everything(pending)[0]] == [False, True, True, True]


ATTACKS = {
    "entities": b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
    b"<Document><BkToCstmrStmt><Stmt><Id>&b;</Id></Stmt></BkToCstmrStmt></Document>",
    "a file of the machine": b'<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    b"<Document><BkToCstmrStmt><Stmt><Id>&a;</Id></Stmt></BkToCstmrStmt></Document>",
    "depth": b"<Document><BkToCstmrStmt><Stmt>" + b"<a>" * 5000 + b"</a>" * 5000,
    "a text of eleven megabytes": b"<Document><BkToCstmrStmt><Stmt><Id>"
    + b"x" * 11_000_000
    + b"</Id></Stmt></BkToCstmrStmt></Document>",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused(attack: str) -> None:
    entries, statements, refused = everything(ATTACKS[attack])
    assert (entries, statements) == ([], [])
    assert refused


WRONG: dict[str, tuple[bytes, bytes, str]] = {
    "no amount": (b">11385.50<", b">11,385.50<", "line 18, Amt"),
    "a negative amount": (b">11385.50<", b">-11385.50<", "line 18, Amt"),
    "neither side": (
        b"DBIT</CdtDbtInd><RvslInd>",
        b"BOTH</CdtDbtInd><RvslInd>",
        "line 65, CdtDbtInd",
    ),
    "no date": (b"<Dt>2026-01-14</Dt></BookgDt>", b"<Dt>14.01.2026</Dt></BookgDt>", "line 19, BookgDt"),
    "cut off": (b"</Document>", b"", "column"),
    "no account": (b"<Id>15060012345</Id>", b"<Id></Id>", "line 6, Acct"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_refused_with_its_line(what: str) -> None:
    old, new, words = WRONG[what]
    content = sample("camt053.xml")
    assert old in content
    assert words in everything(content.replace(old, new, 1))[2]


def test_a_stream_holds_one_entry_at_a_time() -> None:
    """What was read is gone: the tree does not grow with the file."""
    begin, rest = sample("camt053.xml").split(b"<Ntry>", 1)
    one_entry = b"<Ntry>" + rest.split(b"</Ntry>", 1)[0] + b"</Ntry>"
    content = begin + one_entry * 5000 + b"</Stmt></BkToCstmrStmt></Document>"
    sizes = []
    reading = read(io.BytesIO(content))[1]
    for place, _ in enumerate(reading):
        if place % 1000 == 500:
            sizes.append(sum(1 for each in _trees() for _ in each.iter("{*}Ntry")))
    assert len(sizes) == 10
    assert max(sizes) < 500, "entries that were read are still held"


def _trees() -> Iterator[Any]:
    import gc

    return (each for each in gc.get_objects() if isinstance(each, etree._Element) and each.getparent() is None)


# --- MT940 ----------------------------------------------------------------------------------------------------------


def test_mt940_gives_signs_references_and_lines() -> None:
    content = (
        ":20:START\n:25:15060012345\n:28C:14/1\n:60F:C260113NOK100,00\n"
        ":61:2601140114C11385,50NMSC12345//98700001\n:86:OPPGJ BAX\nmore\n:61:2601140114D50,00NMSCNONREF\n:86:GEBYR\n"
        ":61:2601130114RC10,00NMSCNONREF//9\n:61:2601130114RD3,00NMSCNONREF//10\n:62F:C260114NOK11428,50\n-\n"
    )
    entries, (statement,), refused = everything(content)
    assert refused == ""
    assert [(e.line, e.amount, e.bank_reference, e.end_to_end, e.is_reversal) for e in entries] == [
        (5, D("11385.50"), "98700001", "12345", False),
        (8, D("-50.00"), "", "", False),
        (10, D("-10.00"), "9", "", True),
        (11, D("3.00"), "10", "", True),
    ]
    assert entries[0].text == "OPPGJ BAX more"
    assert (entries[2].booked_on, entries[2].value_on) == (DAY, date(2026, 1, 13))
    assert (statement.opening, statement.closing, statement.sequence_number) == (D("100.00"), D("11428.50"), 14)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (":61:260114", ":61:261314", "line 5, :61:"),
        ("C1,00", "X1,00", "line 5, :61:"),
        (":25:15060012345\n", "", ":25:"),
        (":60F:C260114NOK", ":60F:C260114NK", "line 4, :60F:"),
        (":20:", ":21:", "neither XML nor MT940"),
        ("TEXT", "TE\0XT", "line 6, column"),
    ],
)
def test_a_damaged_mt940_is_refused_with_its_line(old: str, new: str, words: str) -> None:
    content = banking.mt940([(DAY, 1, "A")])
    assert old in content
    assert words in everything(content.replace(old, new, 1))[2]


# --- CSV ------------------------------------------------------------------------------------------------------------

COLUMNS = {"booked_on": "Bokført", "amount": "Beløp", "bank_reference": "Arkivref", "kid": "KID", "text": "Tekst"}
LAYOUT = Layout(COLUMNS, account=banking.NUMBER, currency="NOK")
HEADER = "Bokført;Beløp;Arkivref;KID;Tekst;Annet\n"


def test_csv_by_a_declared_map() -> None:
    content = HEADER + '14.01.2026;1 234,50;A1;;"to\nlinjer";x\n15.01.2026;-1.000.000,00;;123;;\n'
    entries, (statement,), refused = everything(content, LAYOUT)
    assert refused == ""
    assert [(e.line, e.booked_on, e.amount, e.bank_reference, e.kid) for e in entries] == [
        (2, DAY, D("1234.50"), "A1", ""),
        (4, date(2026, 1, 15), D("-1000000.00"), "", "123"),
    ]
    assert (statement.kind, statement.from_day, statement.to_day) == ("EXPORT", DAY, date(2026, 1, 15))


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("14.01.2026;12x;A;;;", "line 2, Beløp: no amount: '12x'"),
        ("14.01.2026;1.23;A;;;", "line 2, Beløp: no amount"),  # a point for a comma: a hundred times as much
        ("14.01.2026;;A;;;", "line 2, Beløp: no amount"),
        ("2026-01-14;1,00;A;;;", "line 2, Bokført: no date"),
        ("14.01.2026;1,00;A;;", "line 2: 5 fields"),
        ('14.01.2026;1,00;"A;;;', "cannot be read"),
    ],
)
def test_a_bad_line_of_csv_is_refused_by_line_and_column(row: str, words: str) -> None:
    assert words in everything(HEADER + row + "\n", LAYOUT)[2]


def test_a_map_that_is_none_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "map.toml"
    file.write_text('account = "1506"\n[columns]\nbooked_on = "A"\namount = "B"\ncredit = "C"\n')
    with pytest.raises(ValueError, match="amount"):
        tables.layout(file, Layout)
    file.write_text('account = "1506"\ndecimal = "."\n[columns]\nbooked_on = "A"\ncredit = "C"\ndebit = "D"\n')
    assert tables.layout(file, Layout).columns == {"booked_on": "A", "credit": "C", "debit": "D"}


# --- Into the database ----------------------------------------------------------------------------------------------


def amounts(db: Connection) -> list[Decimal]:
    return [row["amount"] for row in rows(db, "select amount from bank.entry order by booked_on, amount desc")]


@pytest.mark.smoke
def test_a_statement_its_notification_and_its_repetition_are_one(db: Connection, tmp_path: Path) -> None:
    banking.account(db, "NO93 8601 1117 947", "Other")  # one of several
    banking.account(db)
    notice = banking.load(db, tmp_path, sample("camt054.xml"))
    assert (notice.format, notice.statements, notice.entries, notice.new_entries) == ("camt.054.001.02", 1, 4, 4)
    statement = banking.load(db, tmp_path, sample("camt053.xml"))
    assert (statement.entries, statement.new_entries) == (4, 0)
    assert banking.load(db, tmp_path, sample("camt053.xml")).already
    again = banking.load(db, tmp_path, sample("camt053.xml") + b"\n")
    assert (again.already, again.known_statements, again.new_entries) == (False, 1, 0)
    assert amounts(db) == [D("11385.50"), D(900), D(-50), D(-50)]
    assert one(db, "select count(*) from bank.entry_detail") == 4
    assert consistency(db) == {}


def test_equal_deposits_stay_two_and_are_not_four(db: Connection, tmp_path: Path) -> None:
    banking.account(db)
    twice = [(DAY, 500, ""), (DAY, 500, "")]
    banking.load(db, tmp_path, banking.mt940(twice, number=1))
    assert amounts(db) == [D(500)] * 2
    # The month so far has the same two.
    month = banking.mt940(twice, number=77, days=(date(2026, 1, 1), DAY))
    assert banking.load(db, tmp_path, month).new_entries == 0
    # A second statement of the day that follows the first has two of its own.
    assert banking.load(db, tmp_path, banking.mt940(twice, number=2, opening=1000)).new_entries == 2
    # An export has all four, and the next one, that overlaps, has as many.
    export = HEADER + "14.01.2026;500,00;;;TEXT;\n" * 4
    assert banking.load(db, tmp_path, export, LAYOUT).new_entries == 0, "in other words"
    assert banking.load(db, tmp_path, export + "15.01.2026;1,00;;;;\n", LAYOUT).new_entries == 1
    assert consistency(db) == {}


def test_a_reference_of_the_banks_makes_one_of_what_two_files_say(db: Connection, tmp_path: Path) -> None:
    banking.account(db)
    banking.load(db, tmp_path, banking.mt940([(DAY, 500, "R1"), (DAY, 500, "R2")], number=1))
    export = HEADER + "14.01.2026;500,00;R2;;x;\n14.01.2026;500,00;R3;;x;\n"
    assert banking.load(db, tmp_path, export, LAYOUT).new_entries == 1
    assert amounts(db) == [D(500)] * 3


def refused_with(db: Connection, folder: Path, content: str | bytes, kind: type[errors.Refused]) -> str:
    before = rows(db, "select (select count(*) from bank.entry), (select count(*) from bank.import_file)")
    with pytest.raises(kind) as refused:
        banking.load(db, folder, content)
    assert rows(db, "select (select count(*) from bank.entry), (select count(*) from bank.import_file)") == before
    return f"{refused.value.message} {refused.value.detail}"


def test_a_statement_that_does_not_add_up_is_refused_whole(db: Connection, tmp_path: Path) -> None:
    banking.account(db)
    good = banking.mt940([(DAY, 1, "A")], number=1)
    short = banking.mt940([(DAY, "0.99", "B")], number=2, opening=1, closing=D(2))
    words = refused_with(db, tmp_path, good + short, errors.StatementRefused)
    assert "1.99, not the closing balance 2.00 Line 9." in words.replace("1 and", "1.00 and")


def test_another_account_currency_or_content_is_refused(db: Connection, tmp_path: Path) -> None:
    content = banking.mt940([(DAY, 1, "A")])
    assert "Line 1" in refused_with(db, tmp_path, content, errors.UnknownAccount)
    banking.account(db)
    refused_with(db, tmp_path, content.replace("NOK", "EUR"), errors.StatementRefused)
    banking.load(db, tmp_path, content)
    changed = banking.mt940([(DAY, 2, "A")])
    refused_with(db, tmp_path, changed, errors.StatementDiffers)
    cents = sample("camt053.xml").replace(b">11385.50<", b">11385.501<").replace(b">112185.50<", b">112185.501<")
    assert "decimals" in refused_with(db, tmp_path, cents, errors.StatementRefused)


def test_the_published_sample_that_does_not_add_up_is_refused(db: Connection, tmp_path: Path) -> None:
    banking.account(db, "NL26VAYB8060476890", "Abroad", "EUR")
    refused_with(db, tmp_path, sample("camt053.v2.five.decimals.xml"), errors.StatementRefused)
    banking.account(db, "CH2801234000123456789", "Switzerland", "SEK")
    assert banking.load(db, tmp_path, sample("camt054.v8.xml")).new_entries == 1


def test_a_bad_file_changes_nothing(db: Connection, tmp_path: Path) -> None:
    banking.account(db)
    with pytest.raises(Unreadable):
        banking.load(db, tmp_path, banking.mt940([(DAY, 1, "A")]) + ":20:X\n:61:rubbish\n")
    assert one(db, "select count(*) from bank.import_file") == 0
    assert one(db, "select count(*) from bank.entry") == 0


def test_a_gap_is_reported_and_not_refused(db: Connection, tmp_path: Path) -> None:
    banking.account(db)
    days = [date(2026, 1, day) for day in (14, 15, 17)]
    banking.load(db, tmp_path, banking.mt940([(days[0], 10, "A")], number=1))
    banking.load(db, tmp_path, banking.mt940([(days[1], 10, "B")], number=2, opening=10))
    assert rows(db, "select * from report.bank_statement_gap") == []
    banking.load(db, tmp_path, banking.mt940([(days[2], 10, "C")], number=4, opening=25))
    (gap,) = rows(db, "select * from report.bank_statement_gap")
    assert (gap["previous_number"], gap["sequence_number"], gap["missing_amount"]) == (2, 4, D(5))


def test_one_content_loaded_by_two_at_once_is_loaded_once(connect: Connect, db: Connection, tmp_path: Path) -> None:
    banking.account(db)
    first, second = connect(), connect()
    content = banking.mt940([(DAY, 1, "")])
    with first.transaction():
        banking.load(first, tmp_path, content)
        with impatient(db), pytest.raises(errors.Busy):
            banking.load(second, tmp_path, content)
    assert banking.load(second, tmp_path, content).already
    assert amounts(db) == [D(1)]


def test_a_large_file_is_looked_at_at_once_and_a_small_one_left_to_autovacuum(db: Connection, tmp_path: Path) -> None:
    """Reports would else be planned as if there were nothing: a hundred seconds where it should be one."""
    known = "select reltuples::int from pg_class where oid = 'bank.entry'::regclass"
    banking.account(db)
    banking.load(db, tmp_path, banking.mt940([(banking.days_ago(3), 1, "A")]))
    assert one(db, known) == -1
    banking.load(db, tmp_path, banking.mt940([(banking.days_ago(2), n, f"R{n}") for n in range(1, 1200)], number=2))
    assert one(db, known) == 1200
