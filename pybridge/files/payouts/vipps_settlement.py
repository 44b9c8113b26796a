"""Vipps' settlement report: CSV in sections (SettlementInfo, FeeInfo, TransactionInfo), and XML 2.0 and 3.0."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any

from pybridge.extras import needs
from pybridge.files.payouts.model import Begin, Header, Item, Left, Line, Payout, Payouts
from pybridge.files.tables import REFERENCE, Unreadable, lines, plain_amount

NAME = "vipps-settlement"
SECTIONS = ("SettlementInfo", "FeeInfo", "TransactionInfo")
ZERO = Decimal(0)


def looks(begin: Begin) -> bool:
    """By the names of its sections, or its root."""
    text = "\n".join(begin.lines)
    return (text.lstrip("\ufeff \r\n").startswith("<") and "SettlementReport" in text) or any(
        each.startswith("SettlementInfo,") for each in begin.lines
    )


def read(file: IO[bytes], begin: Begin, header: Header) -> Iterator[Item]:
    """Each settlement is a payout; their numbers begin anew at each sale unit."""
    if begin.raw.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"<"):
        return _xml(file)
    return _sections(file, begin)


def _line(number: int, line: int, refs: list[str], day: date | None, fee: Decimal, net: Decimal, currency: str) -> Line:
    """What it costs is told with a minus, or without one."""
    gross = net + fee
    kind = "PAYMENT" if gross > 0 else "REFUND" if gross < 0 else "FEE"
    return Line(number, line, kind, [each for each in refs if each], day, gross, fee, net, currency)


# --- CSV ------------------------------------------------------------------------------------------------------------


class _Row:
    """A line of a section, by the names that the section's first line gives."""

    def __init__(self, line: int, names: list[str], fields: list[str]) -> None:
        if len(fields) != len(names):
            raise Unreadable(line, "", f"{len(fields)} fields, where the section has {len(names)}")
        self.line = line
        self._cell = dict(zip((each.lower() for each in names), (each.strip() for each in fields), strict=True))

    def text(self, name: str) -> str:
        text = self._cell.get(name.lower())
        if text is None:
            raise Unreadable(self.line, name, "the column is missing")
        if len(text) > REFERENCE:
            raise Unreadable(self.line, name, f"longer than {REFERENCE} characters")
        return text

    def money(self, name: str) -> Decimal:
        found = plain_amount(self.text(name).replace(" ", "").replace(",", ".") or "0")
        if found is None:
            raise Unreadable(self.line, name, f"no amount: {self.text(name)[:40]!r}")
        return found

    def day(self, name: str) -> date:
        for form in ("%d.%m.%Y", "%Y-%m-%d"):
            try:
                return datetime.strptime(self.text(name)[:10], form).date()
            except ValueError:
                continue
        raise Unreadable(self.line, name, f"no date: {self.text(name)[:40]!r}")


def _sections(file: IO[bytes], begin: Begin) -> Iterator[Item]:
    names: dict[str, list[str]] = {}
    payouts = Payouts()
    seen: set[tuple[str, ...]] = set()
    first = next(each for each in begin.lines if each.startswith("SettlementInfo"))
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader((text for _, text in lines(file, begin.encoding)), delimiter=delimiter, strict=True)
    try:
        for fields in reader:
            line = reader.line_num
            section = fields[0].strip() if fields else ""
            if section not in SECTIONS:
                continue  # the name and address of merchant and Vipps
            header = [each.strip() for each in fields]
            if "SettlementDate" in header:
                names[section] = header
                continue
            if section not in names:
                raise Unreadable(line, section, "a section without the names of its columns")
            # A report of several accounts has each section again, with what the others have too.
            if tuple(header) in seen and section != "FeeInfo":
                continue
            seen.add(tuple(header))
            yield from _section(section, _Row(line, names[section], fields), payouts)
    except csv.Error as error:
        raise Unreadable(max(reader.line_num, 1), "", f"cannot be read: {error}") from None
    yield from payouts


def _section(section: str, row: _Row, payouts: Payouts) -> Iterator[Item]:
    if section == "FeeInfo":  # drawn from an account by itself
        yield Left(row.line, f"fees drawn by themselves, {row.text('Fee')} {row.text('Currency')}")
        return
    unit, settlement = row.text("SaleUnitNumber"), row.text("SettlementId")
    name = f"{unit}-{settlement}"
    if section == "SettlementInfo":
        if payouts.known(name) is not None:
            raise Unreadable(row.line, "SettlementID", f"settlement {settlement} stands there twice")
        payouts.add(
            Payout(0, row.line, name, [settlement], row.day("SettlementDate"), row.money("Net"), row.text("Currency"))
        )
        return
    number = payouts.known(name)
    if number is None:
        raise Unreadable(row.line, "SettlementId", f"there is no settlement {settlement} of sale unit {unit}")
    net, fee = row.money("Net"), abs(row.money("Fee"))
    refs = [row.text("TransactionId"), row.text("OrderID")]
    yield _line(number, row.line, refs, row.day("SalesDate"), fee, net, row.text("Currency"))


# --- XML ------------------------------------------------------------------------------------------------------------


def _xml(file: IO[bytes]) -> Iterator[Item]:
    with needs("bank"):
        from lxml import etree

        from pybridge.files import iso20022
    payouts = Payouts()
    serial, place = "", 0
    try:
        for _, element in iso20022.steps(file, end=("SerialNumber", "SettlementInfo")):
            if iso20022.declares_type(element):
                raise Unreadable(1, "", "a document type: refused")
            if iso20022.name(element) == "SerialNumber":
                serial = (element.text or "").strip()
                continue
            # Places, since all of it may stand on one line.
            for each in _settlement(element, serial, payouts):
                place += 1
                yield replace(each, line=place)
            element.clear()
    except etree.XMLSyntaxError as error:
        raise Unreadable(max(error.lineno or 1, 1), "", f"cannot be read: {error.msg}") from None
    yield from payouts


def _settlement(element: Any, serial: str, payouts: Payouts) -> Iterator[Line]:
    from pybridge.files import iso20022

    def money(of: Any, name: str) -> Decimal:
        text = iso20022.text(of, name)
        found = plain_amount(text)
        if found is None:
            raise Unreadable(of.sourceline, name, f"no amount: {text[:40]!r}")
        return found

    def day(of: Any, name: str) -> date:
        text = iso20022.text(of, name)
        try:
            return date.fromisoformat(text[:10])
        except ValueError:
            raise Unreadable(of.sourceline, name, f"no date: {text[:40]!r}") from None

    line = element.sourceline
    settlement = iso20022.text(element, "SettlementID")
    name = f"{serial}-{settlement}" if serial else settlement
    if not settlement or len(name) > REFERENCE:
        raise Unreadable(line, "SettlementID", "a settlement without a name")
    if payouts.known(name) is not None:
        raise Unreadable(line, "SettlementID", f"settlement {settlement} stands there twice")
    currency = iso20022.text(element, "SettlementCurrencyCode") or "NOK"
    is_gross = iso20022.text(element, "SettlementType") == "Gross"  # fees are drawn by themselves
    number = payouts.add(
        Payout(0, line, name, [settlement], day(element, "SettlementDate"), money(element, "SettledAmount"), currency)
    )
    for each in element.iterchildren("{*}TransactionInfo"):
        net = money(each, "TransactionGrossAmount" if is_gross else "TransactionNetAmount")
        fee = ZERO if is_gross else abs(money(each, "TransactionFeeAmount"))
        moment = "TransactionTime" if iso20022.text(each, "TransactionTime") else "TransactionDate"
        refs = [iso20022.text(each, "TransactionID")[:REFERENCE], iso20022.text(each, "OrderID")[:REFERENCE]]
        yield _line(number, each.sourceline, refs, day(each, moment), fee, net, currency)
