"""What a bank answers: pain.002 status reports, camt.053 statements and camt.054 notifications, of any version.

Elements are found by their names, whatever the namespace says: banks differ in versions, and the elements that matter
here are the same in all of them.
"""

import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from pybridge.files import iso20022
from pybridge.payments.gateways import Answer, BadPayload, Event, Word, bank_order
from pybridge.payments.gateways.bank_order import DECIMALS, NOT_PROVIDED, Payment

# Of a batch, the payments by key; null: not ours, or the journal was lost.
Journal = Callable[[str], Mapping[str, Payment] | None]

STATUS_REPORT = "CstmrPmtStsRpt"

SETTLED = {"ACSC", "ACCC"}
REFUSED = {"RJCT", "CANC"}
PARTLY = "PART"  # the transactions speak for themselves
# Accepted so far, and all codes that the standard may add: the end is still to come.

# The bank refuses because it has the same already. That says nothing about what became of the first one, least of all
# that it was not paid: were it a decline, it would be paid again under a new key.
DUPLICATE = {"AM05", "DUPL", "DU01", "DU02", "DU03", "DU04", "DU05"}
_DUPLICATE_IN_WORDS = re.compile("du[pb]l", re.IGNORECASE)  # some have no code for it

# Bank transaction codes of money that comes back: returned, cancelled by the payer, returned through a clearing house.
RETURNS = {"RRTN", "RPCR", "ARET"}


def read(payload: bytes, iban: str, journal: Journal) -> list[Event]:
    """What the file says of our payouts, each fact once; BadPayload where it cannot be read."""
    try:
        events = list(_read(payload, iban, journal))
    except etree.XMLSyntaxError as error:
        line, column = error.position
        raise BadPayload(f"line {line}, column {column}: {error.msg}", "The file is damaged: fetch it again.") from None
    # The same fact twice in one file is two facts: a bank that books a payment twice should be seen to do so.
    seen: Counter[str] = Counter()
    facts = []
    for event in events:
        seen[event.event_id] += 1
        count = seen[event.event_id]
        facts.append(event if count == 1 else replace(event, event_id=f"{event.event_id}#{count}"))
    return facts


def _read(payload: bytes, iban: str, journal: Journal) -> Iterator[Event]:
    steps = iso20022.steps(io.BytesIO(payload), start=("Document",), end=("Ntry",))
    root = None
    for step, element in steps:
        if step == "start":
            if root is None:
                root = element
                _refuse_dtd(root)
        elif iso20022.is_entry(root, element):
            yield from _entry_events(element, iso20022.kind(root), iban)
            iso20022.forget(element)
    body = None if root is None else next(root.iterchildren("{*}*"), None)
    if body is None or iso20022.name(body) not in {STATUS_REPORT, *iso20022.STATEMENTS}:
        what = "no ISO 20022 document" if root is None else iso20022.kind(root)
        raise BadPayload(f"the file is {what}", "The bank's answers are pain.002, camt.053 and camt.054.")
    if iso20022.name(body) == STATUS_REPORT:
        yield from _status_events(body, iso20022.kind(root), journal)
    elif body.find(f"{{*}}{iso20022.STATEMENTS[iso20022.name(body)]}") is None:
        raise BadPayload(f"the {iso20022.kind(root)} has no statement in it", "The file is damaged: fetch it again.")


def _refuse_dtd(root: Any) -> None:
    if iso20022.declares_type(root):
        raise BadPayload("the file declares a document type", "No bank does: entities are a way of attack.")


def _identification(element: Any, path: str) -> str:
    text = iso20022.text(element, path)
    if len(text) > 2 * bank_order.IDENTIFICATION:  # banks overstep the limit a little; nobody needs pages
        raise BadPayload(f"line {element.sourceline}: {path} is too long", "Ask the bank about this file.")
    return text


def _reason(element: Any) -> str:
    """A reason's code, or the bank's own word for it; never its prose, which may name accounts and people."""
    return (iso20022.text(element, "Rsn/Cd") or iso20022.text(element, "Rsn/Prtry"))[:35]


def _moment(text: str) -> datetime | None:
    """A date or a time; without a zone it is UTC's, which in Norway is the same day."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


# --- Status reports -------------------------------------------------------------------------------------------------


def _status_events(body: Any, kind: str, journal: Journal) -> Iterator[Event]:
    """One event a transaction that is named, then those that are meant by naming their block or batch alone."""
    message = _identification(body, "GrpHdr/MsgId")
    batch = _identification(body, "OrgnlGrpInfAndSts/OrgnlMsgId")
    if not message or not batch:
        raise BadPayload(f"line {body.sourceline}: no MsgId or no OrgnlMsgId", "Ask the bank about this file.")
    group = body.find("{*}OrgnlGrpInfAndSts")
    if batch == NOT_PROVIDED:
        raise BadPayload(
            f"the bank refuses a file that it could not read ({_said(group, 'GrpSts').reason or 'no reason'})",
            "It does not say which: find the file, and ask the bank, before anything is sent again.",
        )
    report = _Report(kind, message, batch, _moment(iso20022.text(body, "GrpHdr/CreDtTm")))
    whole = _said(group, "GrpSts")
    words: set[Word] = set()
    for block in body.iterchildren("{*}OrgnlPmtInfAndSts"):
        said = _said(block, "PmtInfSts", whole)
        named = {}
        for transaction in block.iterchildren("{*}TxInfAndSts"):
            own = _said(transaction, "TxSts", said)
            if own.status in {"", PARTLY}:
                continue
            key = _key(transaction, "OrgnlEndToEndId", "OrgnlInstrId")
            answer = _answer(own, key)
            words.add(answer.answer)
            if key is not None:
                named[key] = answer.answer
                amount, currency = _money(transaction.find("{*}OrgnlTxRef/{*}Amt/{*}InstdAmt"))
                yield report.event(replace(answer, amount=amount, currency=currency), own.status, key)
        if not iso20022.text(block, "PmtInfSts") or said.status == PARTLY:
            continue
        word = _answer(said).answer
        if word == "declined":
            _refuse_contradiction(block, set(named.values()))
        elif named or word == "processing":  # accepted ones are all named, or none is
            continue
        words.add(word)
        if _answer(whole).answer != "declined":
            for key in sorted(_keys_of_block(block, batch, journal, required=not named) - named.keys()):
                yield report.event(_answer(said, key), said.status, key)
    if whole.status in {"", PARTLY}:
        return
    answer = _answer(whole)
    if answer.answer == "declined":
        _refuse_contradiction(group, words)
    if answer.answer == "declined" or not words:
        yield report.event(answer, whole.status, None)


@dataclass(frozen=True)
class _Said:
    """A status and the reason for it."""

    status: str
    reason: str
    duplicate: bool


def _said(element: Any, path: str, above: _Said | None = None) -> _Said:
    """What an element says of itself, else what was said of what it is in."""
    reasons = element.findall("{*}StsRsnInf")
    codes = [code for reason in reasons if (code := _reason(reason))]
    duplicate = bool(DUPLICATE.intersection(codes)) or any(
        _DUPLICATE_IN_WORDS.search(text.text or "")
        for reason in reasons
        for text in reason.iter("{*}Prtry", "{*}AddtlInf")
    )
    said = _Said(iso20022.text(element, path), codes[0] if codes else "", duplicate)
    if above is None:
        return said
    status = said.status or above.status
    return _Said(status, said.reason or above.reason, said.duplicate or (above.duplicate and above.status in REFUSED))


def _refuse_contradiction(element: Any, words: set[Word]) -> None:
    if words - {"declined"}:
        raise BadPayload(
            f"line {element.sourceline}: refused as a whole, and accepted in part",
            "Ask the bank which of the two is true, before anything is sent again.",
        )


@dataclass(frozen=True)
class _Report:
    """What the events of one status report share."""

    kind: str
    message: str
    batch: str
    moment: datetime | None

    def event(self, answer: Answer, status: str, key: str | None) -> Event:
        return Event(
            event_id=":".join(["pain.002", self.message, self.batch, *([key] if key else []), status]),
            answer=answer,
            idempotency_key=key,
            batch=None if key else self.batch,
            kind=f"{self.kind} {status}",
            occurred_at=self.moment,
        )


def _answer(said: _Said, key: str | None = None) -> Answer:
    message = f"{said.status} {said.reason}".strip()
    if said.status in SETTLED:
        return Answer("succeeded", gateway_id=key, message=message)
    if said.status not in REFUSED:
        return Answer("processing", gateway_id=key, message=message)
    if said.duplicate:
        code = said.reason or said.status
        return Answer("processing", gateway_id=key, error_code=code, message=f"{message}: the bank has it already")
    return Answer("declined", gateway_id=key, decline_code=said.reason or said.status, message=message)


def _keys_of_block(block: Any, batch: str, journal: Journal, *, required: bool) -> set[str]:
    """The payments of a block that the bank means by naming the block."""
    name = _identification(block, "OrgnlPmtInfId")
    held = (journal(batch) if bank_order.is_batch(batch) else None) or {}
    keys = {key for key, payment in held.items() if bank_order.block_name(batch, payment.day) == name}
    if required and not keys:
        raise BadPayload(
            f"line {block.sourceline}: the journal has no payments {name!r} of batch {batch!r}",
            "Bring the outbox's journal back, or leave the file to the system that sent the batch.",
        )
    return keys


def _key(element: Any, *paths: str) -> str | None:
    """Our idempotency key by the first of these that is there; null: no key of ours."""
    for path in paths:
        text = iso20022.text(element, path)
        if text and text != NOT_PROVIDED:
            return text if bank_order.is_key(text) else None
    return None


def _money(element: Any) -> tuple[int | None, str | None]:
    """Minor units and currency; no amount of currencies that we never pay."""
    if element is None:
        return None, None
    currency = element.get("Ccy", "")
    if currency not in DECIMALS:
        return None, currency or None
    try:
        return bank_order.to_minor((element.text or "").strip(), currency), currency
    except ValueError as error:
        raise BadPayload(f"line {element.sourceline}: {error}", "Ask the bank about this file.") from None


# --- Statements and notifications -----------------------------------------------------------------------------------


def _entry_events(entry: Any, kind: str, iban: str) -> Iterator[Event]:
    """What a booked entry of our account says of payouts: money that went out, or came back."""
    if not _is_ours(entry.getparent(), iban):
        return
    if not iso20022.is_booked(entry):
        return
    booked = iso20022.text(entry, "BookgDt/Dt") or iso20022.text(entry, "BookgDt/DtTm")
    details = entry.findall("{*}NtryDtls/{*}TxDtls")
    for detail in details:
        key = _key(detail, "Refs/EndToEndId", "Refs/InstrId")
        word = _word(entry, detail)
        if key is None or word is None:
            continue
        amount, currency = _amount(entry, detail, alone=len(details) == 1)
        back = detail.find("{*}RtrInf")
        reason = "" if back is None else _reason(back)
        code = iso20022.code(detail, entry)
        yield Event(
            event_id=f"{word}:{booked[:10]}:{_reference(entry, detail)}:{key}",
            answer=Answer(
                word,
                gateway_id=key,
                amount=amount,
                currency=currency,
                decline_code=(reason or code or None) if word == "returned" else None,
                message=f"{kind} {code} {reason}".strip(),
            ),
            idempotency_key=key,
            kind=f"{kind} {code}".strip(),
            occurred_at=_moment(booked),
        )


def _is_ours(statement: Any, iban: str) -> bool:
    account = statement.find("{*}Acct/{*}Id")
    if account is None:
        raise BadPayload(f"line {statement.sourceline}: no account", "Ask the bank about this file.")
    number = re.sub(r"[ .]", "", iso20022.text(account, "IBAN") or iso20022.text(account, "Othr/Id")).upper()
    return number == iban or (iban.startswith("NO") and number == iban[4:])


def _word(entry: Any, detail: Any) -> Word | None:
    side = iso20022.text(detail, "CdtDbtInd") or iso20022.text(entry, "CdtDbtInd")
    reversal = iso20022.text(entry, "RvslInd") in {"true", "1"}
    comes_back = detail.find("{*}RtrInf") is not None or iso20022.code(detail, entry) in RETURNS
    if side == "DBIT" and not reversal and not comes_back:
        return "succeeded"
    if side == "CRDT" and (reversal or comes_back):  # a reversal that is a credit takes a debit back
        return "returned"
    return None


def _reference(entry: Any, detail: Any) -> str:
    """The bank's own name of the booking, the same in 053 and 054; else where it stands, which differs by file."""
    for element, path in ((detail, "Refs/AcctSvcrRef"), (entry, "AcctSvcrRef")):
        if reference := _identification(element, path):
            return reference
    statement = entry.getparent()
    message = _identification(statement.getparent(), "GrpHdr/MsgId")
    return f"{message}/{_identification(statement, 'Id')}/{_identification(entry, 'NtryRef')}"


def _amount(entry: Any, detail: Any, *, alone: bool) -> tuple[int | None, str | None]:
    """What was moved; what was ordered, where the account has another currency or the bank tells no more.

    An entry's own amount may hold charges or many payments: it is asked last, and only where the entry has no other.
    """
    moved = detail.find("{*}AmtDtls/{*}TxAmt/{*}Amt")
    if moved is None:
        moved = detail.find("{*}Amt")
    ordered = detail.find("{*}AmtDtls/{*}InstdAmt/{*}Amt")
    if ordered is not None and (moved is None or moved.get("Ccy") != ordered.get("Ccy")):
        return _money(ordered)
    if moved is None and alone and iso20022.text(entry, "NtryDtls/Btch/NbOfTxs") in {"", "1"}:
        moved = entry.find("{*}Amt")
    return _money(moved)
