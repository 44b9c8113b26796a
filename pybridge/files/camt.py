"""Statements in ISO 20022: camt.053 and camt.054, entry by entry."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import IO, Any

from lxml import etree

from pybridge.files import iso20022
from pybridge.files.statements import Detail, Entry, Item, Statement
from pybridge.files.tables import TEXT, Unreadable, reference


def kind(begin: bytes) -> str:
    found = re.search(rb"camt\.05[34]\.\d{3}\.\d{2}", begin)
    return found[0].decode() if found else "camt"


def read(file: IO[bytes]) -> Iterator[Item]:
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
                    yield _entry(element, statements)
                iso20022.forget(element)
            elif root is not None and name in tags and iso20022.is_statement(root, element):
                yield _statement(element, statements)
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


def _amount(text: str, line: int, column: str) -> Decimal:
    if not re.fullmatch(r"\d{1,17}(\.\d{1,5})?", text, re.ASCII):
        raise Unreadable(line, column, f"no amount: {text[:40]!r}")
    return Decimal(text)


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


def _entry(entry: Any, statement: int) -> Entry:
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
    details = [_detail(part, currency, side, amount if alone else None) for part in parts]
    only = details[0] if alone else Detail(None)
    return Entry(
        statement,
        line,
        booked_on,
        value_on,
        amount,
        currency,
        is_reversal=iso20022.text(entry, "RvslInd") in {"true", "1"},
        bank_reference=reference(iso20022.text(entry, "AcctSvcrRef")) or only.bank_reference,
        end_to_end=only.end_to_end,
        kid=only.kid,
        code=iso20022.code(entry, *parts[:1]),
        text=only.text or iso20022.text(entry, "AddtlNtryInf")[:TEXT],
        details=details,
    )


def _detail(part: Any, currency: str | None, side: str, whole: Decimal | None) -> Detail:
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
        reference(iso20022.text(part, "Refs/AcctSvcrRef")),
        reference(iso20022.text(part, "Refs/EndToEndId")),
        reference(iso20022.text(part, "RmtInf/Strd/CdtrRefInf/Ref")),
        (" ".join(filter(None, words)) or iso20022.text(part, "AddtlTxInf"))[:TEXT],
    )


@dataclass(frozen=True)
class _Balance:
    amount: Decimal
    currency: str | None
    day: date | None


def _statement(statement: Any, number: int) -> Statement:
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
    identity = reference(iso20022.text(statement, "Id"))
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
