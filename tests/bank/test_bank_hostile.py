"""Files that are wrong in one place: each is refused by name, or each krone of it is booked or counted as left out."""

import io
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from pybridge.cli.common import REFUSED
from pybridge.files.statements import Entry, Item, Statement, read
from pybridge.files.tables import Unreadable
from tests.conftest import Connection
from tests.support import banking, dialects
from tests.support.cli import Run
from tests.support.cli import run as _run
from tests.support.dialects import Move, Part
from tests.support.domain import consistency, one

pybridge = _run
DAY = date(2026, 11, 16)
PART = Part([Move(DAY, Decimal(100), "A1", "en"), Move(DAY, Decimal(50), "A2", "to")], Decimal(0), 1)
CAMT = dialects.camt053(PART)
TOLD = dialects.camt054(PART.moves)
MT = dialects.mt940(PART)
AMOUNT = '<Amt Ccy="NOK">100</Amt>'
STRAY = f"<Ntry>{AMOUNT}<CdtDbtInd>CRDT</CdtDbtInd></Ntry>"
LINE = ":61:2611161116C5,00NTRFX\n"


def archive(*members: tuple[str, str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name, content in members:
            file.writestr(name, content)
    return packed.getvalue()


REFUSED_FILES: dict[str, str | bytes] = {
    "empty": "",
    "blank": " \r\n\n",
    "a page of the bank's web": "<html><body>log in</body></html>",
    "cut": CAMT[:-40],
    "twice over": CAMT + CAMT,
    "with a type": "<!DOCTYPE Document>" + CAMT.partition("?>")[2],
    "no number": CAMT.replace(">100<", ">NaN<"),
    "an exponent": CAMT.replace(">100<", ">1e2<"),
    "digits of others": CAMT.replace(">100<", ">１００<"),
    "a minus": CAMT.replace(">100<", ">-100<"),
    "an amount in two parts": CAMT.replace(">100<", ">1<x/>00<"),
    "two amounts": TOLD.replace(AMOUNT, AMOUNT + AMOUNT.replace("100", "7")),
    "two sides": TOLD.replace("<CdtDbtInd>CRDT", "<CdtDbtInd>DBIT</CdtDbtInd><CdtDbtInd>CRDT", 1),
    "two statuses": TOLD.replace("<Sts>", "<Sts><Cd>INFO</Cd></Sts><Sts>", 1),
    "two days": TOLD.replace("<BookgDt>", "<BookgDt><Dt>2026-01-01</Dt></BookgDt><BookgDt>", 1),
    "no such day": TOLD.replace(f"<BookgDt><Dt>{DAY}", "<BookgDt><Dt>2026-02-30", 1),
    "a day long ago": TOLD.replace(f"<BookgDt><Dt>{DAY}", "<BookgDt><Dt>0026-11-16", 1),
    "two accounts": TOLD.replace("</Acct>", "</Acct><Acct><Id><Othr><Id>9</Id></Othr></Id></Acct>"),
    "an entry before the statement": CAMT.replace("<Stmt>", f"{STRAY}<Stmt>"),
    "an entry after it": CAMT.replace("</Stmt>", f"</Stmt>{STRAY}"),
    "an entry in an entry": TOLD.replace("<BkTxCd/>", f"<BkTxCd/>{STRAY}", 1),
    "another currency": CAMT.replace('<Ntry><Amt Ccy="NOK">100', '<Ntry><Amt Ccy="EUR">100'),
    "a balance without a side": CAMT.replace("150</Amt><CdtDbtInd>CRDT</CdtDbtInd>", "150</Amt>"),
    "two opening balances": MT.replace(":60F:", ":60F:C261116NOK7,00\n:60F:"),
    "two closing balances": MT.replace(":62F:", ":62F:C261116NOK7,00\n:62F:"),
    "an account beside the account": MT.replace(":25:", ":25:999\n:25:"),
    "an entry before the balance": MT.replace(":60F:", f"{LINE}:60F:"),
    "an entry after the balance": MT.replace("\n-\n", f"\n{LINE}-\n"),
    "a tag that is none": MT.replace(":61:", ":6l:", 1),
    "an amount that goes on": MT.replace("C100,00N", "C1,00,00N"),
    "a point for thousands": MT.replace("C100,00N", "C1.100,00N"),
    "no currency at all": MT.replace("NOK", ""),
    "the end is missing": MT[: MT.index(":62F:")],
    "a statement without its head": MT + MT.replace(":20:", "", 1),
    "a character that is none": MT.replace("A1", "A\0"),
    "an empty archive": archive(),
    "an archive of a picture": archive(("a.png", "\x89PNG"), ("b.sta", MT)),
    "an archive in an archive": archive(("a.zip", archive(("a.sta", MT)).decode("latin-1"))),
}


@pytest.mark.parametrize("name", REFUSED_FILES)
def test_what_is_wrong_is_refused_and_nothing_of_it_is_booked(
    shared_db: Connection, pybridge: Run, tmp_path: Path, name: str
) -> None:
    banking.account(shared_db)
    content = REFUSED_FILES[name]
    path = tmp_path / "statement"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    done = pybridge(shared_db, "bank", "import", path)
    assert done.exit_code == REFUSED, done.output
    assert done.stderr.strip()
    assert "Traceback" not in done.output + done.stderr
    assert one(shared_db, "select count(*) from bank.entry") == 0


def test_the_same_files_without_the_fault_are_loaded(db: Connection, pybridge: Run, tmp_path: Path) -> None:
    """The control; each krone once, whatever it is told by."""
    banking.account(db)
    for name, content in (("a.xml", CAMT), ("b.xml", TOLD), ("c.sta", MT)):
        (tmp_path / name).write_text(content)
        assert pybridge(db, "bank", "import", tmp_path / name).exit_code == 0
    assert one(db, "select sum(amount) from bank.entry") == 150
    assert consistency(db) == {}
    (tmp_path / "d.xml").write_text(dialects.camt054([Move(DAY, Decimal(70), "A9", "tre")]))
    told = pybridge(db, "bank", "import", tmp_path / "d.xml")
    assert told.exit_code == 0
    assert "In no statement so far: 1 entries of Drift, 70.00" in told.output


def test_what_is_announced_alone_is_counted_and_is_no_success(db: Connection, pybridge: Run, tmp_path: Path) -> None:
    banking.account(db)
    path = tmp_path / "announced.xml"
    path.write_text(dialects.camt054(PART.moves, status="PDNG"))
    assert pybridge(db, "bank", "import", path).exit_code == 1
    assert one(db, "select sum(amount) from bank.import_left_out") == 150


# --- What public files have, and the standard allows or a bank writes all the same ------------------------------------


def items(content: str) -> list[Item]:
    return list(read(io.BytesIO(content.encode()))[1])


@pytest.mark.parametrize(("written", "amount"), [(".98", "0.98"), ("5.", "5"), ("+5", "5"), ("0100.00", "100")])
def test_an_amount_is_written_as_xml_has_decimals(written: str, amount: str) -> None:
    (first, _) = (each for each in items(CAMT.replace(">100<", f">{written}<")) if isinstance(each, Entry))
    assert first.amount == Decimal(amount)


def test_an_entry_without_a_day_has_that_of_the_closing_balance_else_of_the_message() -> None:
    bare = CAMT.replace(f"<BookgDt><Dt>{DAY}</Dt></BookgDt><ValDt><Dt>{DAY}</Dt></ValDt>", "")
    made = bare.replace(f"<CreDtTm>{DAY}T20:00:00</CreDtTm>", "<CreDtTm>2026-11-18T02:00:00</CreDtTm>")
    assert {each.booked_on for each in items(made) if isinstance(each, Entry)} == {DAY}
    told = TOLD.replace(f"<BookgDt><Dt>{DAY}</Dt></BookgDt><ValDt><Dt>{DAY}</Dt></ValDt>", "")
    told = told.replace("<CreDtTm>2026-11-16T10:00:00</CreDtTm>", "")
    with pytest.raises(Unreadable, match="an entry without a day"):
        items(told)
    told = told.replace("</MsgId>", "</MsgId><CreDtTm>2026-11-17T10:00:00</CreDtTm>")
    assert {each.booked_on for each in items(told) if isinstance(each, Entry)} == {date(2026, 11, 17)}


def test_a_balance_without_a_currency_has_the_others() -> None:
    (statement,) = (each for each in items(MT.replace("NOK150,00", "150,00")) if isinstance(each, Statement))
    assert (statement.currency, statement.closing, statement.flaw) == ("NOK", Decimal(150), None)
