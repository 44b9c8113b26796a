"""PayPal: the settlement report (STL, sections of typed lines), and the activity download (CSV, in English)."""

import csv
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import IO

from pybridge.files.payouts.ledger import Ledger
from pybridge.files.payouts.model import (
    NOT_PAID,
    Begin,
    Header,
    Item,
    Left,
    Line,
    Report,
    name_of,
    needed_money,
    refs_of,
)
from pybridge.files.tables import REFERENCE, Row, Unreadable, csv_rows, lines

NAME = "paypal"
ACTIVITY = ("Date", "Type", "Status", "Currency", "Gross", "Fee", "Net", "Transaction ID")
ZERO = Decimal(0)


def looks(begin: Begin) -> bool:
    """By the types of the settlement report's lines, or the columns of the activity download."""
    types = {re.split(r"[,\t|]", each, maxsplit=1)[0].strip('"\ufeff') for each in begin.lines}
    return {"RH", "CH"} <= types or begin.header(*ACTIVITY) is not None


def read(file: IO[bytes], begin: Begin, header: Header) -> Iterator[Item]:
    """A withdrawal is the payout of what stands since the one before."""
    activity = begin.header(*ACTIVITY)
    return _settlement(file, begin) if activity is None else _activity(file, begin, activity)


# --- STL ------------------------------------------------------------------------------------------------------------


class _Body:
    """A line SB, by the names of line CH; amounts have no decimal point, and their side in a column."""

    def __init__(self, line: int, names: list[str], fields: list[str]) -> None:
        self.line = line
        self._cell = dict(zip(names, (each.strip() for each in fields), strict=False))

    def text(self, name: str) -> str:
        text = self._cell.get(name)
        if text is None:
            raise Unreadable(self.line, name, "the column is missing")
        return text

    def refs(self) -> list[str]:
        names = ("transactionid", "invoiceid", "paypalreferenceid", "customfield")
        return [text for each in names if (text := self._cell.get(each, "")[:REFERENCE])]

    def money(self, amount: str, side: str) -> Decimal:
        text = self.text(amount) or "0"
        if not re.fullmatch(r"\d{1,17}", text, re.ASCII):
            raise Unreadable(self.line, amount, f"no amount: {text[:40]!r}")
        found = Decimal(text) / 100
        if found and self.text(side) not in {"CR", "DR"}:
            raise Unreadable(self.line, side, f"neither CR nor DR: {self.text(side)[:40]!r}")
        return -found if self.text(side) == "DR" else found

    def day(self, name: str) -> date:
        try:
            return datetime.strptime(self.text(name)[:10].replace("-", "/"), "%Y/%m/%d").date()
        except ValueError:
            raise Unreadable(self.line, name, f"no date: {self.text(name)[:40]!r}") from None


def _settlement(file: IO[bytes], begin: Begin) -> Iterator[Item]:
    first = next(each for each in begin.lines if each.strip('"\ufeff').startswith("RH"))
    delimiter = max(",\t|", key=first.count)
    reader = csv.reader((text for _, text in lines(file, begin.encoding)), delimiter=delimiter, strict=True)
    names: list[str] = []
    ledger, number = Ledger(), 0
    try:
        for fields in reader:
            match fields[:1]:
                case ["CH"]:
                    names = [re.sub(r"\s+", "", each).lower() for each in fields]
                case ["SB"]:
                    number += 1
                    yield from _body(_Body(reader.line_num, names, fields), ledger)
                case ["RC"] if len(fields) > 1 and fields[1].strip().isdecimal() and int(fields[1]) != number:
                    raise Unreadable(reader.line_num, "RC", f"{number} lines, not {fields[1].strip()} as it says")
    except csv.Error as error:
        raise Unreadable(max(reader.line_num, 1), "", f"cannot be read: {error}") from None


def _body(row: _Body, ledger: Ledger) -> Iterator[Item]:
    code = row.text("transactioneventcode")
    currency = row.text("grosstransactioncurrency").upper()
    gross = row.money("grosstransactionamount", "transactiondebitorcredit")
    fee = -row.money("feeamount", "feedebitorcredit")
    day = row.day("transactioncompletiondate")
    if code.startswith("T04") and gross < 0:
        name = row.text("transactionid")[:REFERENCE]
        yield ledger.payout(currency, row.line, name, row.refs(), day, -gross, currency)
        if fee:
            raise Unreadable(row.line, "Fee Amount", "a withdrawal with a fee")
        return
    kind = "PAYMENT" if code.startswith("T00") and gross > 0 else "ADJUSTMENT"
    if (code in {"T1107", "T1108"} and gross < 0) or (code.startswith("T00") and gross < 0):
        kind = "REFUND"
    elif code.startswith("T01"):
        kind, gross, fee = "FEE", ZERO, fee - gross
    net = gross - fee
    yield Line(ledger.add(currency, net), row.line, kind, row.refs(), day, gross, fee, net, currency)


# --- Activity -------------------------------------------------------------------------------------------------------

COLUMNS = {
    "paid_on": ("Date",),
    "kind": ("Type",),
    "status": ("Status",),
    "currency": ("Currency",),
    "gross": ("Gross",),
    "fee": ("Fee",),
    "net": ("Net",),
    "transaction": ("Transaction ID",),
    "payment": ("Reference Txn ID",),
    "order": ("Invoice Number",),
    "balance": ("Balance",),
    "impact": ("Balance Impact",),
}
NEEDED = ("paid_on", "kind", "status", "currency", "gross", "fee", "net", "transaction")
WITHDRAWALS = ("withdrawal", "auto-sweep", "transfer to bank")


class _Table(Report):
    FIELDS = (*Report.FIELDS, "status", "balance", "impact")
    NEEDED = ()


def _activity(file: IO[bytes], begin: Begin, header: Header) -> Iterator[Item]:
    """Oldest first, whichever way the file has them."""
    table = _Table(
        header.columns(COLUMNS, NEEDED),
        delimiter=header.delimiter,
        encoding=begin.encoding,
        date="%d.%m.%Y",
        currency="NOK",
    )
    rows = list(csv_rows(file, table))
    form, decimal = _date_form(rows), _decimal(rows)
    table = replace(table, date=form, decimal=decimal)
    rows = [replace(row, table=table) for row in rows]
    days = [row.day("paid_on") or date.min for row in rows]
    if days != sorted(days):
        if days != sorted(days, reverse=True):
            raise Unreadable(rows[0].line, "Date", "the lines are in no order of days")
        rows.reverse()
    ledger = Ledger()
    for row in rows:
        yield from _active(row, ledger)


def _active(row: Row, ledger: Ledger) -> Iterator[Item]:
    if row.cell.get("impact", "").lower() == "memo":
        yield Left(row.line, "moves no money (Memo)")
        return
    kind, currency = row.cell["kind"].lower(), row.cell["currency"].upper()
    gross, net = needed_money(row, "gross"), needed_money(row, "net")
    fee = -(row.money("fee") or ZERO)
    day = row.day("paid_on")
    if day is None:
        raise row.fault("paid_on", "no day")
    is_done = row.cell["status"].lower() == "completed"
    if is_done and net < 0 and any(word in kind for word in WITHDRAWALS):
        after = row.money("balance")
        if after is not None:
            yield from ledger.rest(currency, row.line, day, -net, after, currency)
        name = name_of(row, "transaction")
        yield ledger.payout(currency, row.line, name, refs_of(row)[1:], day, -net, currency)
        return
    ours = "ADJUSTMENT"
    if "refund" in kind and gross < 0:
        ours = "REFUND"
    elif "fee" in kind:
        ours, gross, fee = "FEE", ZERO, -net
    elif gross > 0 and "payment" in kind and "reversal" not in kind and "hold" not in kind:
        ours = "PAYMENT"
    number = ledger.add(currency, net) if is_done else NOT_PAID
    yield Line(number, row.line, ours, refs_of(row), day, gross, fee, net, currency)


def _date_form(rows: list[Row]) -> str:
    """Days are written as the reader's country does. Where nothing tells day from month, it is refused."""
    texts = {row.cell["paid_on"] for row in rows}
    for form in ("%d.%m.%Y", "%Y-%m-%d"):
        if all(_is_day(text, form) for text in texts):
            return form
    forms = [form for form in ("%m/%d/%Y", "%d/%m/%Y") if all(_is_day(text, form) for text in texts)]
    if len(forms) != 1:
        reason = "day or month first? nothing in the file tells" if forms else "no date that is known"
        raise Unreadable(rows[0].line, "Date", f"{reason}: use a map of its columns")
    return forms[0]


def _is_day(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form)
    except ValueError:
        return False
    return True


def _decimal(rows: list[Row]) -> str:
    """Comma or point: what stands before the last two digits."""
    found = {
        text[-3]
        for row in rows
        for each in ("gross", "net")
        if len(text := row.cell[each]) > 3 and not text[-3].isdigit()
    }
    if not found <= {",", "."} or len(found) > 1:
        raise Unreadable(rows[0].line, "Gross", f"decimals after {' and '.join(sorted(found))}")
    return found.pop() if found else "."
