"""What a bank says was booked: camt.053 and camt.054, MT940, and CSV by a declared column map, read as a stream.

Each entry as it stands in the file; whether it may be so, the database judges.
"""

import csv
import logging
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import IO, Any, ClassVar, TypeVar

import mt940
from lxml import etree

from pybridge.files import iso20022

LONGEST = 1 << 20
"""Bytes of a line: what is longer is no statement."""
TEXT = 500
REFERENCE = 140
NO_REFERENCE = {"NOTPROVIDED", "NONREF"}

logging.getLogger("mt940").addHandler(logging.NullHandler())  # it tells at length which pattern did not fit
logging.getLogger("mt940").propagate = False


class Unreadable(Exception):
    """The file is no statement; nothing of it can be loaded."""

    def __init__(self, line: int, column: str, reason: str) -> None:
        self.line, self.column, self.reason = line, column, reason
        super().__init__(f"line {line}{f', {column}' if column else ''}: {reason}")


@dataclass(frozen=True)
class Detail:
    """A payment in an entry; the amount is signed as the entry's, None where the file does not say."""

    amount: Decimal | None
    bank_reference: str = ""
    end_to_end: str = ""
    kid: str = ""
    text: str = ""


@dataclass(frozen=True)
class Entry:
    """A booked entry: in positive, out negative."""

    statement: int
    line: int
    booked_on: date
    value_on: date | None
    amount: Decimal
    currency: str | None
    is_reversal: bool = False
    bank_reference: str = ""
    end_to_end: str = ""
    kid: str = ""
    code: str = ""
    text: str = ""
    details: list[Detail] = field(default_factory=list)


@dataclass(frozen=True)
class Statement:
    """A statement, after its entries."""

    statement: int
    line: int
    kind: str
    statement_id: str
    sequence_number: int | None
    account: str
    currency: str | None
    from_day: date | None
    to_day: date | None
    opening: Decimal | None
    closing: Decimal | None


Item = Entry | Statement


@dataclass(frozen=True)
class Table:
    """What the columns of a CSV file are, and how it is written."""

    columns: dict[str, str]
    currency: str | None = None
    delimiter: str = ";"
    encoding: str = "utf-8"
    decimal: str = ","
    date: str = "%d.%m.%Y"

    FIELDS: ClassVar[tuple[str, ...]] = ()
    NEEDED: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        texts = [*self.columns.values(), self.currency or "", self.delimiter, self.encoding, self.decimal, self.date]
        if not all(isinstance(each, str) for each in texts):
            raise ValueError("columns, currency, delimiter, encoding, decimal and date are texts")
        try:
            datetime.strptime("", self.date)
        except re.error:
            raise ValueError(f"no form of a date: {self.date!r}") from None
        except ValueError:
            pass  # that of any other day than none
        unknown = [name for name in self.columns if name not in self.FIELDS]
        if unknown:
            raise ValueError(f"unknown columns {', '.join(unknown)}; there are {', '.join(self.FIELDS)}")
        for name in self.NEEDED:
            if name not in self.columns:
                raise ValueError(f"no column for {name}")
        if len(self.delimiter) != 1 or self.decimal not in {",", "."}:
            raise ValueError("a delimiter is one character, decimal a comma or a point")
        "".encode(self.encoding)


AnyTable = TypeVar("AnyTable", bound=Table)


@dataclass(frozen=True)
class Layout(Table):
    """What the columns of a statement are."""

    account: str | None = None

    FIELDS = (
        *("booked_on", "value_on", "amount", "credit", "debit", "currency", "account"),
        *("bank_reference", "end_to_end", "kid", "code", "text"),
    )
    NEEDED = ("booked_on",)

    def __post_init__(self) -> None:
        super().__post_init__()
        if ("amount" in self.columns) == ("credit" in self.columns or "debit" in self.columns):
            raise ValueError("one column for amount, or two for credit and debit")
        if self.account is None and "account" not in self.columns:
            raise ValueError("neither an account nor a column for it")


def layout(path: Path, kind: type[AnyTable]) -> AnyTable:
    """The layout that a TOML file declares; ValueError where it is none."""
    try:
        return kind(**tomllib.loads(path.read_text("utf-8")))
    except (TypeError, AttributeError, LookupError, UnicodeError) as error:
        raise ValueError(str(error)) from None


def read(file: IO[bytes], csv_layout: Layout | None = None, *, name: str = "CSV") -> tuple[str, Iterator[Item]]:
    """The format, and what is in the file: entries, each statement after its own. Unreadable, from either."""
    if csv_layout is not None:
        return "CSV", _csv(file, csv_layout, name)
    begin = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    file.seek(0)
    if begin.startswith(b"<"):
        return _camt_kind(begin), _camt(file)
    if begin.startswith((b":20:", b"{1:")):
        return "MT940", _mt940(file)
    raise Unreadable(1, "", "neither XML nor MT940: CSV needs a map of its columns")


def _reference(text: str | None) -> str:
    cut = (text or "").strip()[:REFERENCE]
    return "" if cut in NO_REFERENCE else cut


def _amount(text: str, line: int, column: str) -> Decimal:
    if not re.fullmatch(r"\d{1,17}(\.\d{1,5})?", text, re.ASCII):
        raise Unreadable(line, column, f"no amount: {text[:40]!r}")
    return Decimal(text)


# --- camt -----------------------------------------------------------------------------------------------------------


def _camt_kind(begin: bytes) -> str:
    found = re.search(rb"camt\.05[34]\.\d{3}\.\d{2}", begin)
    return found[0].decode() if found else "camt"


def _camt(file: IO[bytes]) -> Iterator[Item]:
    root: Any = None
    statements = 0
    tags = tuple(iso20022.STATEMENTS.values())
    try:
        for step, element in iso20022.steps(file, start=("Document", *tags), end=("Ntry", *tags)):
            name = iso20022.name(element)
            if step == "start":
                if root is None:
                    root = element
                    if iso20022.declares_type(root):
                        raise Unreadable(1, "", "the file declares a document type; no bank does")
                statements += name in tags and iso20022.is_statement(root, element)
            elif root is not None and name == "Ntry" and iso20022.is_entry(root, element):
                if iso20022.is_booked(element):
                    yield _camt_entry(element, statements)
                iso20022.forget(element)
            elif root is not None and name in tags and iso20022.is_statement(root, element):
                yield _camt_statement(element, statements)
                element.clear()
    except etree.XMLSyntaxError as error:
        line, column = error.position
        raise Unreadable(line, f"column {column}", error.msg or "cannot be read") from None
    body = None if root is None else next(root.iterchildren("{*}*"), None)
    if body is None or iso20022.name(body) not in iso20022.STATEMENTS:
        raise Unreadable(1, "", "no camt.053 and no camt.054")
    if not statements:
        raise Unreadable(body.sourceline, iso20022.name(body), "there is no statement in it")


def _day(element: Any, path: str) -> date | None:
    """The day as the bank writes it, which is its own, whatever the time's zone."""
    text = iso20022.text(element, f"{path}/Dt") or iso20022.text(element, f"{path}/DtTm")
    return _date(text[:10], element.find(f"{{*}}{path}").sourceline, path) if text else None


def _date(text: str, line: int, column: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Unreadable(line, column, f"no date: {text[:40]!r}") from None


def _side(element: Any, otherwise: str = "") -> int:
    side = iso20022.text(element, "CdtDbtInd") or otherwise
    if side not in {"CRDT", "DBIT"}:
        raise Unreadable(element.sourceline, "CdtDbtInd", f"neither CRDT nor DBIT: {side[:40]!r}")
    return 1 if side == "CRDT" else -1


def _camt_entry(entry: Any, statement: int) -> Entry:
    line = entry.sourceline
    element = entry.find("{*}Amt")
    if element is None:
        raise Unreadable(line, "Amt", "an entry without an amount")
    sign = _side(entry)
    amount = sign * _amount((element.text or "").strip(), element.sourceline, "Amt")
    currency = element.get("Ccy")
    value_on = _day(entry, "ValDt")
    booked_on = _day(entry, "BookgDt") or value_on
    if booked_on is None:
        raise Unreadable(line, "BookgDt", "an entry without a day")
    parts = entry.findall(iso20022.path("NtryDtls/TxDtls"))
    counts = [iso20022.text(batch, "Btch/NbOfTxs") for batch in entry.iterfind("{*}NtryDtls")]
    alone = len(parts) == 1 and not set(counts) - {"", "1"}
    side = "CRDT" if sign == 1 else "DBIT"
    details = [_camt_detail(part, currency, side, amount if alone else None) for part in parts]
    only = details[0] if alone else Detail(None)
    return Entry(
        statement,
        line,
        booked_on,
        value_on,
        amount,
        currency,
        is_reversal=iso20022.text(entry, "RvslInd") in {"true", "1"},
        bank_reference=_reference(iso20022.text(entry, "AcctSvcrRef")) or only.bank_reference,
        end_to_end=only.end_to_end,
        kid=only.kid,
        code=iso20022.code(entry, *parts[:1]),
        text=only.text or iso20022.text(entry, "AddtlNtryInf")[:TEXT],
        details=details,
    )


def _camt_detail(part: Any, currency: str | None, side: str, whole: Decimal | None) -> Detail:
    amount = whole
    if whole is None:
        element = part.find(iso20022.path("AmtDtls/TxAmt/Amt"))
        if element is None:
            element = part.find("{*}Amt")
        if element is not None and element.get("Ccy", currency) == currency:
            amount = _side(part, side) * _amount((element.text or "").strip(), element.sourceline, "Amt")
    words = [(each.text or "").strip() for each in part.iterfind(iso20022.path("RmtInf/Ustrd"))]
    return Detail(
        amount,
        _reference(iso20022.text(part, "Refs/AcctSvcrRef")),
        _reference(iso20022.text(part, "Refs/EndToEndId")),
        _reference(iso20022.text(part, "RmtInf/Strd/CdtrRefInf/Ref")),
        (" ".join(filter(None, words)) or iso20022.text(part, "AddtlTxInf"))[:TEXT],
    )


@dataclass(frozen=True)
class _Balance:
    amount: Decimal
    currency: str | None
    day: date | None


def _camt_statement(statement: Any, number: int) -> Statement:
    line = statement.sourceline
    account = iso20022.text(statement, "Acct/Id/IBAN") or iso20022.text(statement, "Acct/Id/Othr/Id")
    balances: dict[str, _Balance] = {}
    for each in statement.iterfind("{*}Bal"):
        element = each.find("{*}Amt")
        what = iso20022.text(each, "Tp/CdOrPrtry/Cd")
        if element is None or what not in {"OPBD", "PRCD", "CLBD"}:
            continue
        amount = _side(each) * _amount((element.text or "").strip(), element.sourceline, "Bal")
        if what in balances:
            raise Unreadable(each.sourceline, "Bal", f"two balances {what}")
        balances[what] = _Balance(amount, element.get("Ccy"), _day(each, "Dt"))
    opening, closing = balances.get("OPBD") or balances.get("PRCD"), balances.get("CLBD")
    currencies = {iso20022.text(statement, "Acct/Ccy") or None}
    currencies |= {each.currency for each in (opening, closing) if each is not None}
    currencies.discard(None)
    if len(currencies) > 1:
        raise Unreadable(line, "Bal", f"balances in {' and '.join(sorted(map(str, currencies)))}")
    period = {
        end: _date(text[:10], line, end)
        for end in ("FrDtTm", "ToDtTm")
        if (text := iso20022.text(statement, f"FrToDt/{end}"))
    }
    page = iso20022.text(statement, "StmtPgntn/PgNb") or iso20022.text(statement, "NtfctnPgntn/PgNb")
    sequence = iso20022.text(statement, "ElctrncSeqNb") or iso20022.text(statement, "LglSeqNb")
    identity = _reference(iso20022.text(statement, "Id"))
    if not account or not identity:
        raise Unreadable(line, "Acct" if not account else "Id", "a statement without account or Id")
    return Statement(
        number,
        line,
        "STATEMENT" if iso20022.name(statement) == "Stmt" else "NOTIFICATION",
        f"{identity} p{page[:5]}" if page else identity,
        int(sequence) if re.fullmatch(r"\d{1,18}", sequence, re.ASCII) else None,
        account,
        next(iter(currencies), None),
        period.get("FrDtTm") or (None if opening is None else opening.day),
        period.get("ToDtTm") or (None if closing is None else closing.day),
        None if opening is None else opening.amount,
        None if closing is None else closing.amount,
    )


# --- MT940 ----------------------------------------------------------------------------------------------------------


def _lines(file: IO[bytes], encoding: str) -> Iterator[tuple[int, str]]:
    number = 0
    while raw := file.readline(LONGEST + 1):
        number += 1
        if len(raw) > LONGEST:
            raise Unreadable(number, "", f"longer than {LONGEST} bytes")
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError as error:
            raise Unreadable(number, f"column {error.start + 1}", f"not {encoding}") from None
        if "\0" in text:
            raise Unreadable(number, f"column {text.index(chr(0)) + 1}", "a NUL character")
        yield number, text.removeprefix("\ufeff") if number == 1 else text


def _mt940(file: IO[bytes]) -> Iterator[Item]:
    """Statement by statement: each begins with :20:, and is read whole."""
    number = 0
    block: list[tuple[int, str]] = []
    for line, text in _lines(file, "utf-8"):
        begins = re.match(r"(\{.*?)?:20:", text)
        if begins and block:
            number += 1
            yield from _mt940_statement(block, number)
            block = []
        if begins or block:
            block.append((line, text[text.index(":20:") :] if begins else text))
    if not block:
        raise Unreadable(1, ":20:", "there is no statement in it")
    yield from _mt940_statement(block, number + 1)


MT940_TAGS = re.compile(r":(\d\d[A-Z]?):")


def _mt940_statement(block: list[tuple[int, str]], number: int) -> Iterator[Item]:
    first = block[0][0]
    at: dict[str, list[int]] = {}
    for line, text in block:
        if tag := MT940_TAGS.match(text):
            at.setdefault(tag[1], []).append(line)
    content = "".join(text for _, text in block if text.strip() not in {"-", "-}"})
    found = mt940.models.Transactions()
    try:
        found.parse(content)
    except (RuntimeError, ValueError, ArithmeticError, AttributeError, KeyError) as error:
        raise Unreadable(*_mt940_fault(block, error)) from None
    said = found.data
    lines = at.get("61", [])
    transactions = [each.data for each in found if "amount" in each.data]
    if len(transactions) != len(lines):
        raise Unreadable(first, ":61:", f"{len(lines)} entries stand there, {len(transactions)} can be read")
    for needed in ("25", "28C"):
        if needed not in at and not (needed == "28C" and "28" in at):
            raise Unreadable(first, f":{needed}:", "it is missing")
    for line, each in zip(lines, transactions, strict=True):
        sign = 1 if str(each["status"]).upper() in {"C", "RD"} else -1
        yield Entry(
            number,
            line,
            _plain(each.get("entry_date") or each["date"]),
            _plain(each["date"]),
            sign * abs(each["amount"].amount),
            each.get("currency") or None,
            is_reversal=str(each["status"]).upper().startswith("R"),
            bank_reference=_reference(each.get("bank_reference")),
            end_to_end=_reference(each.get("customer_reference")),
            code=str(each.get("id") or "")[:35],
            text=" ".join(str(each.get("transaction_details") or each.get("extra_details") or "").split())[:TEXT],
        )
    opening = said.get("final_opening_balance") or said.get("intermediate_opening_balance")
    closing = said.get("final_closing_balance") or said.get("intermediate_closing_balance")
    if opening is None or closing is None:
        raise Unreadable(first, ":60F:" if opening is None else ":62F:", "a balance is missing")
    for begin, balance in (("60", opening), ("62", closing)):
        if not re.fullmatch("[A-Z]{3}", balance.amount.currency or "", re.ASCII):
            field_name = next(name for name in at if name.startswith(begin))
            raise Unreadable(at[field_name][0], f":{field_name}:", f"no currency: {balance.amount.currency!r}")
    if opening.amount.currency != closing.amount.currency:
        raise Unreadable(first, ":62F:", f"balances in {opening.amount.currency} and {closing.amount.currency}")
    sequence, page = str(said.get("statement_number") or ""), str(said.get("sequence_number") or "")
    yield Statement(
        number,
        first,
        "STATEMENT",
        f"{_reference(said.get('transaction_reference'))} {sequence}/{page}".strip(" /"),
        int(sequence) if sequence.isdecimal() and page in {"", "1", "01", "001", "00001"} else None,
        str(said["account_identification"]).strip(),
        opening.amount.currency,
        _plain(opening.date),
        _plain(closing.date),
        opening.amount.amount,
        closing.amount.amount,
    )


def _plain(day: Any) -> date:
    return date(day.year, day.month, day.day)


def _mt940_fault(block: list[tuple[int, str]], error: Exception) -> tuple[int, str, str]:
    """The first field that cannot be read by itself, since the library does not say where it stood."""
    for line, text in block:
        tag = MT940_TAGS.match(text)
        if tag is None:
            continue
        try:
            mt940.models.Transactions().parse(f":20:X\n{text}" if tag[1] != "20" else text)
        except (RuntimeError, ValueError, ArithmeticError, AttributeError, KeyError):
            return line, f":{tag[1]}:", f"cannot be read: {text.strip()[:60]!r}"
    return block[0][0], "", f"cannot be read: {str(error)[:100]}"


# --- CSV ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """A line of a CSV file, its cells by our names."""

    line: int
    cell: dict[str, str]
    table: Table

    def fault(self, ours: str, reason: str) -> Unreadable:
        return Unreadable(self.line, self.table.columns.get(ours, ""), reason)

    def day(self, ours: str) -> date | None:
        text = self.cell.get(ours, "")
        try:
            return datetime.strptime(text, self.table.date).date() if text else None
        except ValueError:
            raise self.fault(ours, f"no date: {text[:40]!r}") from None

    def money(self, ours: str) -> Decimal | None:
        text = self.cell.get(ours, "")
        if not text:
            return None
        decimal = self.table.decimal
        thousands = "." if decimal == "," else ","
        plain = re.sub(r"[\s\u00a0\u202f]", "", text).replace("\u2212", "-")
        if thousands in plain and not re.fullmatch(
            rf"[+-]?\d{{1,3}}(\{thousands}\d{{3}})+(\{decimal}\d+)?", plain, re.ASCII
        ):
            raise self.fault(ours, f"no amount: {text[:40]!r}")
        plain = plain.replace(thousands, "").replace(decimal, ".")
        try:
            if not re.fullmatch(r"[+-]?\d{1,17}(\.\d{1,5})?", plain, re.ASCII):
                raise InvalidOperation
            return Decimal(plain)
        except InvalidOperation:
            raise self.fault(ours, f"no amount: {text[:40]!r}") from None


def csv_rows(file: IO[bytes], table: Table) -> Iterator[Row]:
    """The lines beneath the header; Unreadable where one is none."""
    reader = csv.reader((text for _, text in _lines(file, table.encoding)), delimiter=table.delimiter, strict=True)
    try:
        header = [each.strip() for each in next(reader, [])]
        place = {}
        for ours, theirs in table.columns.items():
            if header.count(theirs) != 1:
                raise Unreadable(
                    1, theirs, "the column is missing" if theirs not in header else "the column stands twice"
                )
            place[ours] = header.index(theirs)
        before = reader.line_num
        for fields in reader:
            line, before = before + 1, reader.line_num
            if not any(each.strip() for each in fields):
                continue
            if len(fields) != len(header):
                raise Unreadable(line, "", f"{len(fields)} fields, where the header has {len(header)}")
            yield Row(line, {ours: fields[index].strip() for ours, index in place.items()}, table)
    except csv.Error as error:
        raise Unreadable(max(reader.line_num, 1), "", f"cannot be read: {error}") from None


def _csv(file: IO[bytes], columns: Layout, name: str) -> Iterator[Item]:
    account, first, last = columns.account, None, None
    for row in csv_rows(file, columns):
        row_account = row.cell.get("account") or columns.account
        if account is not None and row_account != account:
            raise row.fault("account", "another account: one file is of one")
        account = row_account
        entry = _csv_entry(row, columns)
        first = min(first or entry.booked_on, entry.booked_on)
        last = max(last or entry.booked_on, entry.booked_on)
        yield entry
    if first is None or account is None:
        raise Unreadable(2, "", "there are no lines beneath the header")
    yield Statement(1, 1, "EXPORT", name, None, account, columns.currency, first, last, None, None)


def _csv_entry(row: Row, columns: Layout) -> Entry:
    cell = row.cell
    booked_on = row.day("booked_on")
    if booked_on is None:
        raise row.fault("booked_on", "no day")
    if "amount" in columns.columns:
        amount = row.money("amount")
    else:
        credit, debit = row.money("credit"), row.money("debit")
        if credit is not None and debit is not None:
            raise row.fault("credit", "both a credit and a debit")
        amount = credit if credit is not None else None if debit is None else -abs(debit)
    if amount is None:
        raise row.fault("amount" if "amount" in columns.columns else "credit", "no amount")
    return Entry(
        1,
        row.line,
        booked_on,
        row.day("value_on"),
        amount,
        cell.get("currency") or columns.currency,
        bank_reference=_reference(cell.get("bank_reference")),
        end_to_end=_reference(cell.get("end_to_end")),
        kid=_reference(cell.get("kid")),
        code=cell.get("code", "")[:35],
        text=cell.get("text", "")[:TEXT],
    )
