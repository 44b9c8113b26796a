"""Statements in ISO 20022: camt.053, camt.054, and interim reports in camt.052, payment by payment."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import IO, Any

from lxml import etree

from pybridge.files import camt_payment, iso20022
from pybridge.files.camt_payment import amount_of, check_once, day_of, side_of
from pybridge.files.statement_items import Detail, Entry, Item, Reference, Statement, as_json, only
from pybridge.files.tables import Unreadable, reference

KINDS = {
    "BkToCstmrStmt": ("Stmt", "STATEMENT"),
    "BkToCstmrDbtCdtNtfctn": ("Ntfctn", "NOTIFICATION"),
    "BkToCstmrAcctRpt": ("Rpt", "INTERIM"),
}
ANNOUNCED = ("PDNG", "INFO", "FUTR")
COLUMNS = ("Amt", "CdtDbtInd", "Sts", "RvslInd", "BookgDt/Dt", "ValDt/Dt", "AcctSvcrRef", "AddtlNtryInf", "NtryDtls")
"""What of an entry has columns of its own."""


def kind(begin: bytes) -> str:
    found = re.search(rb"camt\.05[234]\.\d{3}\.\d{2}", begin)
    return found[0].decode() if found else "camt"


def read(file: IO[bytes]) -> Iterator[Item]:
    root: Any = None
    now: _Statement | None = None
    number = 0
    tags = tuple(tag for tag, _ in KINDS.values())
    try:
        for step, element in iso20022.steps(file, start=("Document", "Ntry", *tags), end=("TxDtls", "Ntry", *tags)):
            name = iso20022.name(element)
            if step == "start":
                if root is None and iso20022.declares_type(element):
                    raise Unreadable(1, "", "the file declares a document type; no bank does")
                if root is None or name == "Document":
                    root = element
                if _is_statement(root, element):
                    number += 1
                    now = _Statement(number, element)
            elif now is not None and name == "TxDtls" and (entry := _entry_above(root, element)) is not None:
                yield now.payment(entry, element)
                _forget(element)
            elif now is not None and name == "Ntry" and _is_statement(root, element.getparent()):
                yield now.entry(element)
                _forget(element)
            elif name == "Ntry" and iso20022.name(element.getparent()) in {*KINDS, "Ntry", "NtryDtls"}:
                raise Unreadable(element.sourceline, "Ntry", "it stands in no statement")
            elif now is not None and _is_statement(root, element):
                yield now.itself(element)
                _forget(element)
                now = None
    except etree.XMLSyntaxError as error:
        line, column = error.position
        raise Unreadable(line, f"column {column}", error.msg or "cannot be read") from None
    if not number:
        body = None if root is None else next(root.iterchildren("{*}*"), None)
        if body is None or iso20022.name(body) not in KINDS:
            raise Unreadable(1, "", "no camt.053, no camt.054 and no camt.052")
        raise Unreadable(body.sourceline, iso20022.name(body), "there is no statement in it")


def _is_statement(root: Any, element: Any) -> bool:
    """Whether it is a statement at its place, and not something of that name."""
    body = element.getparent()
    if body is None or body.getparent() is not root:
        return False
    return KINDS.get(iso20022.name(body), ("",))[0] == iso20022.name(element)


def _entry_above(root: Any, payment: Any) -> Any:
    details = payment.getparent()
    entry = details.getparent() if details is not None and iso20022.name(details) == "NtryDtls" else None
    is_there = entry is not None and iso20022.name(entry) == "Ntry" and _is_statement(root, entry.getparent())
    return entry if is_there else None


def _forget(element: Any) -> None:
    """Statements may be large: what was read makes room for the next."""
    name = iso20022.name(element)
    element.clear()
    while (before := element.getprevious()) is not None and iso20022.name(before) == name:
        element.getparent().remove(before)


def _what(balance: Any) -> str:
    return iso20022.text(balance, "Tp/CdOrPrtry/Cd") or iso20022.text(balance, "Tp/CdOrPrtry/Prtry")


@dataclass(frozen=True)
class _Balance:
    amount: Decimal
    currency: str | None
    day: date | None


@dataclass
class _Statement:
    """One statement, as far as it was read."""

    number: int
    element: Any
    total: Decimal = Decimal(0)
    flaw: str | None = None
    _payments: int = 0
    _first: Detail | None = None
    _batches: list[int] = field(default_factory=list)

    def payment(self, entry: Any, element: Any) -> Detail:
        amount = entry.find("{*}Amt")
        if amount is None:
            raise Unreadable(entry.sourceline, "Amt", "an entry without an amount")
        found = camt_payment.read(element, amount.get("Ccy"), side_of(entry))
        self._payments += 1
        self._first = found if self._payments == 1 else None
        return found

    def entry(self, entry: Any) -> Entry:
        line = entry.sourceline
        check_once(entry, "Amt", "CdtDbtInd", "Sts", "RvslInd", "BookgDt", "ValDt", "AcctSvcrRef")
        alone = self._first
        payments, self._payments, self._first = self._payments, 0, None
        element = entry.find("{*}Amt")
        if element is None:
            raise Unreadable(line, "Amt", "an entry without an amount")
        sign = side_of(entry)
        amount, currency = sign * amount_of(element), element.get("Ccy")
        value_on = day_of(entry, "ValDt")
        booked_on = day_of(entry, "BookgDt") or value_on or self._day()
        if booked_on is None:
            raise Unreadable(line, "BookgDt", "an entry without a day")
        is_booked = self._is_booked(entry)
        self.total += amount if is_booked else 0
        counts = [
            int(text)
            for each in entry.iterfind("{*}NtryDtls")
            if (text := iso20022.text(each, "Btch/NbOfTxs")).isdecimal()
        ]
        named = [
            Reference(kind, found)
            for kind, name in (("BANK", "AcctSvcrRef"), ("OTHER", "NtryRef"))
            if (found := reference(iso20022.text(entry, name)))
        ]
        said = sum(counts) if counts else payments or None
        own = [iso20022.text(entry, "AddtlNtryInf")]
        if alone is not None and (said or 1) == 1:
            own.insert(0, alone.text)
        else:
            alone = None
        charge, is_included = camt_payment.charge(entry, currency)
        whole = camt_payment.whole(entry, currency, sign)
        counted = is_included or (whole is not None and whole - charge == amount)
        batches = [camt_payment.more(each, ("TxDtls",)) for each in entry.iterfind("{*}NtryDtls")]
        more = camt_payment.more(entry, COLUMNS) | ({"NtryDtls": batches} if any(batches) else {})
        return Entry(
            self.number,
            line,
            booked_on,
            value_on,
            amount,
            currency,
            is_reversal=iso20022.text(entry, "RvslInd") in {"true", "1"},
            bank_reference=only("BANK", named) or (alone.bank_reference if alone else ""),
            end_to_end=alone.end_to_end if alone else "",
            kid=alone.kid if alone else "",
            code=iso20022.code(entry) or (camt_payment.code_of(alone.more) if alone else ""),
            text=" ".join(filter(None, dict.fromkeys(own))),
            charge=charge if counted else Decimal(0),
            payments=said,
            is_booked=is_booked,
            more=as_json(more),
            references=named,
        )

    def _is_booked(self, entry: Any) -> bool:
        """A statement is of what is booked; a notification says it of each entry."""
        status = iso20022.text(entry, "Sts/Cd") or iso20022.text(entry, "Sts/Prtry") or iso20022.text(entry, "Sts")
        if status == "BOOK" or (not status and iso20022.name(self.element) == "Stmt"):
            return True
        if status not in ANNOUNCED and iso20022.name(self.element) != "Rpt":  # of which nothing is booked
            place = entry.find("{*}Sts")
            line = entry.sourceline if place is None else place.sourceline
            raise Unreadable(
                line, "Sts", f"neither booked (BOOK) nor announced ({', '.join(ANNOUNCED)}): {status[:40]!r}"
            )
        return False

    def _day(self) -> date | None:
        """Of an entry that has no day of its own: that of the last balance, else the one when it was made."""
        days = [day_of(each, "Dt") for each in self.element.iterfind("{*}Bal") if _what(each) == "CLBD"]
        head = self.element.getparent().find("{*}GrpHdr")
        made = day_of(self.element, "CreDtTm") or (None if head is None else day_of(head, "CreDtTm"))
        return max(filter(None, days), default=made)

    def _page(self) -> tuple[int | None, bool]:
        """Which page it is, and whether the last: of the statement, or of the message that it is in."""
        head = self.element.getparent().find("{*}GrpHdr")
        for above in (self.element, head):
            for name in ("StmtPgntn", "NtfctnPgntn", "RptPgntn", "MsgPgntn"):
                page = "" if above is None else iso20022.text(above, f"{name}/PgNb")
                if page.isdecimal():
                    is_last = iso20022.text(above, f"{name}/LastPgInd") in {"true", "1"}
                    return (None if is_last and int(page) == 1 else int(page[:9])), is_last
        return None, True

    def itself(self, statement: Any) -> Statement:
        line = statement.sourceline
        check_once(statement, "Id", "Acct", "ElctrncSeqNb", "CreDtTm", "FrToDt")
        account = iso20022.text(statement, "Acct/Id/IBAN") or iso20022.text(statement, "Acct/Id/Othr/Id")
        page, is_last = self._page()
        opening, closing = self._balances(page, is_last)
        said = [iso20022.text(statement, "Acct/Ccy"), *(each.currency for each in (opening, closing) if each)]
        currencies = {each for each in said if each}
        currency = next((each for each in said if each), None)
        if len(currencies) > 1:
            self.flaw = f"balances in {' and '.join(sorted(currencies))}"
            opening, closing = (each if each and each.currency == currency else None for each in (opening, closing))
        sequence = iso20022.text(statement, "ElctrncSeqNb") or iso20022.text(statement, "LglSeqNb")
        identity = reference(iso20022.text(statement, "Id"))
        if not account or not identity:
            raise Unreadable(line, "Acct" if not account else "Id", "a statement without account or Id")
        return Statement(
            self.number,
            line,
            KINDS[iso20022.name(statement.getparent())][1],
            identity,
            int(sequence) or None if re.fullmatch(r"\d{1,18}", sequence, re.ASCII) else None,
            account,
            currency,
            day_of(statement, "FrToDt", "FrDtTm", "FrDt") or (None if opening is None else opening.day),
            day_of(statement, "FrToDt", "ToDtTm", "ToDt") or (None if closing is None else closing.day),
            None if opening is None else opening.amount,
            None if closing is None else closing.amount,
            page=page,
            issued=iso20022.text(statement, "CreDtTm"),
            flaw=self.flaw,
            more=as_json(camt_payment.more(statement, ("Ntry", "Id", "CreDtTm"))),
        )

    def _balances(self, page: int | None, is_last: bool) -> tuple[_Balance | None, _Balance | None]:
        """What it opened and closed with. A page may bear the balances of the whole: then only the ends are its own."""
        found: dict[str, list[_Balance]] = {}
        for each in self.element.iterfind("{*}Bal"):
            element = each.find("{*}Amt")
            what = _what(each)
            if element is None or what not in {"OPBD", "PRCD", "CLBD", "ITBD"}:
                continue
            if any(iso20022.text(line, "Incl") in {"true", "1"} for line in each.iterfind("{*}CdtLine")):
                continue
            check_once(each, "Amt", "CdtDbtInd", "Dt")
            if each.find("{*}CdtDbtInd") is None:
                self.flaw = f"the balance {what} has no CdtDbtInd"
                continue
            balance = _Balance(side_of(each) * amount_of(element), element.get("Ccy"), day_of(each, "Dt"))
            others = found.setdefault(what, [])
            if what != "ITBD" and any(other.day == balance.day and other != balance for other in others):
                raise Unreadable(each.sourceline, "Bal", f"two balances {what}")
            others.append(balance)
        days = {
            what: sorted(each, key=lambda one: one.day or date.min) for what, each in found.items() if what != "ITBD"
        }
        opening = next((days[what][0] for what in ("OPBD", "PRCD") if what in days), None)
        closing = days["CLBD"][-1] if "CLBD" in days else None
        if page is not None:
            between = found.get("ITBD", [])
            if page > 1 and between:
                opening = between[0]
            if not is_last and between:
                closing = between[-1]
            if (
                opening
                and closing
                and opening.currency == closing.currency
                and opening.amount + self.total != closing.amount
            ):
                opening, closing = (opening if page == 1 else None), (closing if is_last else None)
        return opening, closing
