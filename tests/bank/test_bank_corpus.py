"""What we read of a file is what another reader finds in it, field by field: over files of each dialect that are made
here, and over the published test suites in the folder that PYBRIDGE_CORPUS names, where they lie."""

import contextlib
import io
import os
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import mt940
import psycopg
import pytest
from lxml import etree

from pybridge.errors import Refused
from pybridge.files import bank_loading
from pybridge.files.statements import Detail, Entry, Statement, read
from pybridge.files.tables import Unreadable
from tests.conftest import Connection
from tests.support import banking, dialects
from tests.support.dialects import Move, Part

DAY = date(2026, 11, 16)
MOVES = [
    Move(DAY, Decimal("100.00"), "A1", "Pose TILL-0012", "ORDRE-1"),
    Move(DAY, Decimal("-12.50"), "A2", "Leie av scene", value_on=date(2026, 11, 15)),
    Move(date(2026, 11, 17), Decimal("7"), "nattsafe", "Innskudd fra kasse en og kasse to og kasse tre"),
]
PART = Part(MOVES, Decimal(1000), 7)
MADE = {
    **{f"{each}.sta": dialects.mt940(PART, each) for each in ("plain", "numbered", "strokes", "swift", "lines")},
    **{f"camt053.{version}.xml": dialects.camt053(PART, version) for version in range(2, 14)},
    **{f"camt054.{version}.xml": dialects.camt054(MOVES, version) for version in range(2, 14)},
}


def files() -> Iterator[Any]:
    """Those that are made here, and those of the corpus."""
    for name, content in MADE.items():
        yield pytest.param(content.encode(), id=name)
    folder = os.environ.get("PYBRIDGE_CORPUS")
    for path in sorted(Path(folder).rglob("*")) if folder else []:
        if path.is_file():
            yield pytest.param(path.read_bytes(), id=path.name)


NONE = {"", "NONREF", "NOTPROVIDED", "EREF", "KREF", "KREF+", "MARF", "PREF"}


def test_there_is_a_file_of_each_dialect() -> None:
    assert len(MADE) == 29


@pytest.mark.parametrize("content", list(files()))
def test_another_reader_finds_the_same(content: bytes) -> None:
    try:
        kind, found = read(io.BytesIO(content))
        items = list(found)
    except Unreadable as refused:
        pytest.skip(f"allowed: refused, {refused}")
    entries = [each for each in items if isinstance(each, Entry)]
    if kind.startswith("MT"):
        _as_mt940(content, entries, [each for each in items if isinstance(each, Statement)])
    else:
        _as_camt(content, entries, [each for each in items if isinstance(each, Detail)])


@pytest.mark.skipif("PYBRIDGE_CORPUS" not in os.environ, reason="allowed: PYBRIDGE_CORPUS names no folder of files")
def test_the_published_files_load_where_somebody_accepts_that_they_are_excerpts(db: Connection) -> None:
    """Interim reports are read, and left out. What loads in no way is no statement, or contradicts itself."""
    loaded: Counter[str] = Counter()
    refused: list[str] = []
    for path in sorted(each for each in Path(os.environ["PYBRIDGE_CORPUS"]).rglob("*") if each.is_file()):
        with db.transaction(force_rollback=True):
            try:
                kind, found = read(io.BytesIO(path.read_bytes()))
                items = list(found)
                currencies = {each.statement: each.currency for each in items if isinstance(each, Entry)}
                for number, each in enumerate(each for each in items if isinstance(each, Statement)):
                    with contextlib.suppress(psycopg.Error), db.transaction():  # it is there, written otherwise
                        currency = each.currency or currencies.get(each.statement) or "NOK"
                        banking.account(db, each.account, f"{number}", currency)
                bank_loading.import_file(db, path, gap_reason="an excerpt")
                loaded[kind[:2]] += 1
            except (Unreadable, Refused) as error:
                refused.append(f"{path.name}: {str(error).splitlines()[0]}")
    print(dict(loaded), *refused, sep="\n")
    assert loaded["MT"] >= 150, refused
    assert loaded["ca"] >= 40, refused


def _as_mt940(content: bytes, entries: list[Entry], statements: list[Statement]) -> None:
    """By the raw fields, and what the library mt-940 makes of each of them by itself."""
    text = _text(content)
    lines = [line[4:] for line in re.split(r"\r\n|\r|\n", text) if line.startswith(":61:")]
    assert len(entries) == len(lines)
    for line, entry in zip(lines, entries, strict=True):
        theirs = _their_line(line)
        if theirs is None:
            continue  # it reads only what follows the standard to the letter
        if "." not in line.partition("N")[0]:  # øre after a point it takes for something else
            assert abs(theirs["amount"].amount) == abs(entry.amount)
        if entry.value_on is not None and theirs["date"].month:
            assert (theirs["date"].year, theirs["date"].month, theirs["date"].day) == (
                entry.value_on.year,
                entry.value_on.month,
                entry.value_on.day,
            )
        status = str(theirs["status"]).upper()
        assert (entry.amount >= 0) == (status in {"C", "RD"}) or not entry.amount
        assert entry.is_reversal == status.startswith("R")
        assert entry.code == (theirs["id"] or entry.code).strip()
        named = {each.reference for each in entry.references}
        for each in (theirs["customer_reference"], theirs["bank_reference"]):
            said = (each or "").strip()
            # what it cuts at sixteen characters, we do not; and it takes some codes for references
            misread = entry.code != (theirs["id"] or "").strip()
            assert said in NONE or misread or any(name.startswith(said) for name in named)
    for statement, balance in zip(statements, re.findall(r"^:60[FM]:[CD](.{6})", text, re.MULTILINE), strict=False):
        assert statement.from_day is None or f"{statement.from_day:%y%m%d}" == balance
    # no word of a text is lost
    for said, entry in zip(re.findall(r"(?m)^:61:.*(?:\r?\n(?!:).*)*\r?\n:86:(.*)", text), entries, strict=False):
        for word in re.findall(r"[^\W_]{4,}", said) if len(lines) == text.count(":86:") else []:
            assert word in f"{entry.text} {entry.more}"


def _their_line(line: str) -> Any:
    try:
        found = mt940.models.Transactions()
        found.parse(f":20:X\n:60F:C260101NOK0,00\n:61:{line}\n")
        return next((each.data for each in found if "amount" in each.data), None)
    except (RuntimeError, ValueError, ArithmeticError, AttributeError, KeyError):
        return None


def _text(content: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")


def _as_camt(content: bytes, entries: list[Entry], details: list[Detail]) -> None:
    """By paths of the elements."""
    tree = etree.fromstring(content, etree.XMLParser(resolve_entities=False, huge_tree=False))

    def paths(element: Any, path: str) -> list[str]:
        steps = "/".join(f"*[local-name()='{step}']" for step in path.split("/"))
        return [(each.text or "").strip() for each in element.xpath(steps)]

    theirs = tree.xpath(
        "//*[local-name()='Stmt' or local-name()='Ntfctn' or local-name()='Rpt']/*[local-name()='Ntry']"
    )
    assert len(entries) == len(theirs)
    for element, entry in zip(theirs, entries, strict=True):
        sign = 1 if paths(element, "CdtDbtInd") == ["CRDT"] else -1
        assert [entry.amount] == [sign * Decimal(each) for each in paths(element, "Amt")]
        days = [
            *(paths(element, "BookgDt/Dt") or [each[:10] for each in paths(element, "BookgDt/DtTm")]),
            *(paths(element, "ValDt/Dt") or [each[:10] for each in paths(element, "ValDt/DtTm")]),
        ]
        # some have a zone after the day, some no strokes in it
        assert not days or f"{entry.booked_on:%Y%m%d}" == days[0].replace("-", "")[:8]
        assert paths(element, "AcctSvcrRef") in ([entry.bank_reference], [], ["NOTPROVIDED"], ["NONREF"])
        for word in " ".join(paths(element, "AddtlNtryInf")).split():
            assert word in entry.text
    payments = tree.xpath("//*[local-name()='Ntry']/*[local-name()='NtryDtls']/*[local-name()='TxDtls']")
    assert len(details) == len(payments)
    for element, detail in zip(payments, details, strict=True):
        said = [each.reference for each in detail.references]
        for path in ("Refs/EndToEndId", "Refs/AcctSvcrRef", "Refs/InstrId", "Refs/TxId", "RmtInf/Strd/CdtrRefInf/Ref"):
            assert {each for each in paths(element, path) if each} - {"NOTPROVIDED", "NONREF"} <= set(said)
        kept = f"{detail.text} {detail.more} {said}"
        # no text of a payment is lost, wherever it stands, but for its amount and side
        for each in element.iter("*"):
            word = (each.text or "").strip()
            name = etree.QName(each).localname
            if word and not len(each) and name not in {"Amt", "CdtDbtInd"} and word not in {"NOTPROVIDED", "NONREF"}:
                assert all(part in kept for part in re.findall(r"\w+", word)), name
