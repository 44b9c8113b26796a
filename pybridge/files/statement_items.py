"""What every reader of statements gives: entries with the payments and references in them, and statements.

What has no field goes into `more`, by the file's own names: nothing that was read is lost.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal


@dataclass(frozen=True)
class Reference:
    """A reference, and how much of the payment is for it, where the file says; kinds as in bank.entry_reference."""

    kind: str
    reference: str
    amount: Decimal | None = None


@dataclass(frozen=True)
class Detail:
    """A payment in an entry, before it; the amount is signed as the entry's, None where the file does not say."""

    amount: Decimal | None
    bank_reference: str = ""
    end_to_end: str = ""
    kid: str = ""
    text: str = ""
    charge: Decimal = Decimal(0)
    is_included: bool | None = None
    more: str | None = None
    references: list[Reference] = field(default_factory=list)


@dataclass(frozen=True)
class Entry:
    """An entry, after its payments: in positive, out negative."""

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
    charge: Decimal = Decimal(0)
    payments: int | None = None
    is_booked: bool = True
    more: str | None = None
    references: list[Reference] = field(default_factory=list)


@dataclass(frozen=True)
class Statement:
    """A statement, after its entries; `flaw`: what is wrong with its balances, for the database to judge."""

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
    page: int | None = None
    issued: str = ""
    is_descending: bool = False
    flaw: str | None = None
    more: str | None = None


Item = Entry | Detail | Statement


_JSON = json.JSONEncoder(ensure_ascii=False)


def as_json(more: dict[str, object]) -> str | None:
    return _JSON.encode(more) if more else None


def only(kind: str, references: Iterable[Reference]) -> str:
    """The reference of that kind, if there is one and no other."""
    found = {each.reference for each in references if each.kind == kind}
    return found.pop() if len(found) == 1 else ""


def joined(parts: Iterable[str], full: int) -> str:
    """Words that a bank broke into lines of at most so many characters: a full line goes on in the next."""
    text, last = "", full
    for each in parts:
        text += each if last >= full else f" {each}"
        last = len(each)
    return " ".join(text.split())
