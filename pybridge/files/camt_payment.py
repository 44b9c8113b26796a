"""A payment in an entry of ISO 20022 (TxDtls), and what is read of entries and payments alike."""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from pybridge.files import iso20022
from pybridge.files.statement_items import Detail, Reference, as_json, joined, only
from pybridge.files.tables import Unreadable, plain_amount, reference

WORDS = 140
"""Characters of a line of words; a full one goes on in the next."""
COLUMNS = ("Amt", "CdtDbtInd", "Refs/AcctSvcrRef", "Refs/EndToEndId", "AddtlTxInf")
"""What of a payment has columns of its own; words and structured references are kept in their order, too."""
Names = dict[str, "Names"]
KINDS = {"AcctSvcrRef": "BANK", "EndToEndId": "END_TO_END"}


def check_once(element: Any, *names: str) -> None:
    """What the standard has at most once stands there once: of two, nobody can say which counts."""
    seen = set()
    for each in element.iterchildren(*(f"{{*}}{name}" for name in names)):
        if (found := iso20022.name(each)) in seen:
            raise Unreadable(each.sourceline, found, "it stands there twice")
        seen.add(found)


def amount_of(element: Any) -> Decimal:
    text = (element.text or "").strip()
    amount = plain_amount(text)
    if amount is None or text.startswith("-") or len(element):
        name = iso20022.name(element.getparent()) if iso20022.name(element.getparent()) == "Bal" else "Amt"
        raise Unreadable(element.sourceline, name, f"no amount: {text[:40]!r}")
    return amount


def side_of(element: Any, otherwise: str = "") -> int:
    side = iso20022.text(element, "CdtDbtInd") or otherwise
    if side not in {"CRDT", "DBIT"}:
        raise Unreadable(element.sourceline, "CdtDbtInd", f"neither CRDT nor DBIT: {side[:40]!r}")
    return 1 if side == "CRDT" else -1


def day_of(element: Any, name: str, *within: str) -> date | None:
    """The day as the bank writes it, which is its own, whatever the time's zone."""
    found = element.find(f"{{*}}{name}")
    if found is None:
        return None
    names = within or ("Dt", "DtTm")
    text = next((said for each in names if (said := iso20022.text(found, each))), (found.text or "").strip())
    if not text:
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise Unreadable(found.sourceline, name, f"no date: {text[:40]!r}") from None


def read(payment: Any, currency: str | None, sign: int) -> Detail:
    """What is in one payment; its amount in the account's currency, where it says one."""
    check_once(payment, "Amt", "CdtDbtInd", "Refs", "RmtInf")
    side = side_of(payment, "CRDT" if sign == 1 else "DBIT")
    own = payment.find("{*}Amt")
    amount = side * amount_of(own) if own is not None and own.get("Ccy", currency) == currency else None
    if amount is None:
        amount = whole(payment, currency, side)
    named = list(_references(payment, currency, sign))
    words = [(each.text or "").strip() for each in payment.iterfind(iso20022.path("RmtInf/Ustrd"))]
    texts = [joined(words, WORDS), iso20022.text(payment, "AddtlTxInf")]
    texts += [(each.text or "").strip() for each in payment.iterfind(iso20022.path("RmtInf/Strd/AddtlRmtInf"))]
    taken, is_included = charge(payment, currency)
    return Detail(
        amount,
        only("BANK", named),
        only("END_TO_END", named),
        only("KID", named),
        " ".join(filter(None, dict.fromkeys(texts))),
        charge=taken,
        is_included=is_included,
        more=as_json(more(payment, COLUMNS)),
        references=named,
    )


def whole(element: Any, currency: str | None, sign: int) -> Decimal | None:
    """The amount of the payment before what was kept back, in the account's currency."""
    for name in ("TxAmt", "CntrValAmt"):
        found = element.find(iso20022.path(f"AmtDtls/{name}/Amt"))
        if found is not None and found.get("Ccy", currency) == currency:
            return sign * amount_of(found)
    return None


def charge(element: Any, currency: str | None) -> tuple[Decimal, bool | None]:
    """What the bank took for it, and whether out of the amount: None where it does not say."""
    total, included = Decimal(0), set()
    for charges in element.findall("{*}Chrgs"):
        records = charges.findall("{*}Rcrd") or [charges]
        for each in records:
            amount = each.find("{*}Amt")
            if amount is None or amount.get("Ccy", currency) != currency:
                continue
            said = iso20022.text(each, "ChrgInclInd")
            if said in {"false", "0"}:
                continue
            included.add(True if said else None)
            total -= side_of(each, "DBIT") * amount_of(amount)
    return total, True if included == {True} else None


def _references(payment: Any, currency: str | None, sign: int) -> Iterator[Reference]:
    for each in payment.iterfind(iso20022.path("Refs/*")):
        text = iso20022.text(each, "Ref") or (each.text or "").strip()
        if found := reference(text):
            yield Reference(KINDS.get(iso20022.name(each), "OTHER"), found)
    for part in payment.iterfind(iso20022.path("RmtInf/Strd")):
        amount = _amount_for(part, currency, sign)
        kid = reference(iso20022.text(part, "CdtrRefInf/Ref"))
        documents = [reference(iso20022.text(each, "Nb")) for each in part.iterfind("{*}RfrdDocInf")]
        if kid:
            yield Reference("KID", kid, amount)
        for document in filter(None, documents):
            yield Reference("DOCUMENT", document, amount if not kid and len(documents) == 1 else None)


def _amount_for(part: Any, currency: str | None, sign: int) -> Decimal | None:
    """What of the payment is for it: what was remitted, else what was due; a credit note the other way."""
    amounts = part.find("{*}RfrdDocAmt")
    if amounts is None:
        return None
    for name, way in (("RmtdAmt", 1), ("DuePyblAmt", 1), ("CdtNoteAmt", -1)):
        for within in (name, f"{name}AndTp/Amt"):
            found = amounts.find(iso20022.path(within))
            if found is not None and found.get("Ccy", currency) == currency:
                return sign * way * amount_of(found)
    return None


def more(element: Any, columns: tuple[str, ...]) -> dict[str, object]:
    """All that is said in it, by the file's names, but for what has columns."""
    found = _plain(element, _tree(columns))
    return found if isinstance(found, dict) else {}


@lru_cache
def _tree(columns: tuple[str, ...]) -> Names:
    """A, B/C, B/D as names within names: what is to be left out."""
    found: Names = {}
    for each in columns:
        now = found
        for name in each.split("/"):
            now = now.setdefault(name, {})
    return found


def _plain(element: Any, left_out: Names) -> object:
    """Names with what is in them: text, or names again; several of one name are a list."""
    said: dict[str, object] = {}
    if currency := element.get("Ccy"):
        said["@Ccy"] = currency
    for each in element:
        name = iso20022.name(each)
        if (known := left_out.get(name)) == {}:
            continue
        within = _plain(each, known or {}) if len(each) or each.attrib else (each.text or "").strip()
        if within in ({}, ""):
            continue
        before = said.get(name)
        said[name] = within if before is None else [*before, within] if isinstance(before, list) else [before, within]
    text = (element.text or "").strip()
    return {**said, "#": text} if said and text else said or text


def code_of(more: str | None) -> str:
    """The bank's code in what is kept of a payment: of an entry that has none of its own."""
    found = json.loads(more).get("BkTxCd") if more else None
    if not isinstance(found, dict):
        return ""
    domain = found.get("Domn")
    family = domain.get("Fmly") if isinstance(domain, dict) else None
    inner = family.get("SubFmlyCd") if isinstance(family, dict) else None
    own = found.get("Prtry")
    return str(inner or (own.get("Cd") if isinstance(own, dict) else "") or "")
