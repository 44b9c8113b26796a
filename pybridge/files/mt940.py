"""Statements in MT940, and interim reports in MT942, message by message, in the dialects that banks write.

Banks agree on the tags and on little else: what stands before and between messages, how an account is written, where a
text goes on. What each tag says is kept as it stands (`more`), beside what we make of it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import IO

from pybridge.files import mt940_text
from pybridge.files.statement_items import Entry, Item, Reference, Statement, as_json, only
from pybridge.files.tables import Unreadable, lines, plain_amount, reference

TAG = re.compile(r"[\x00-\x20]*:(\d\d[A-Z]?|NS):(.*)", re.DOTALL)
BALANCE = re.compile(r"\s*([CD])\s*(\d{6})\s*([A-Z]{3})?\s*(-?\d[\d.]*,?\d*|,\d+)\s*")
ENTRY = re.compile(
    r"\s*(\d{6})(\d{4})?\s*((?i:R[CD]|E[CD]|[CD]))([A-Z])?\s*(-?\d[\d.]*,?\d*|,\d+)(?![\d.,])"
    r"\s*([NFS][A-Z0-9 ]{3}|[A-Z][A-Z0-9]{3})?(.*)",
    re.DOTALL,
)
ONCE = {"25", "25P", "28", "28C", "60F", "60M", "62F", "62M"}
"""What a statement has at most once: of two that differ, nobody can say which counts."""
ELSEWHERE = {"EREF", "EREF+", "KREF", "KREF+", "MREF", "MARF", "PREF"}
"""What stands for a reference that :86: has."""
BLOCK = re.compile(r"\s*\{4:|\s*\{[1-35S]:(?:[^{}]|\{[^{}]*\})*\}")
"""A block of SWIFT's around the text: {1:...}, {2:...}, {3:{108:...}}, {5:...}, or its begin, {4:."""


@dataclass
class Tag:
    """A field: its line, its name, and its own lines."""

    line: int
    name: str
    texts: list[str]

    def fault(self, reason: str = "") -> Unreadable:
        return Unreadable(self.line, f":{self.name}:", reason or f"cannot be read: {self.texts[0].strip()[:60]!r}")


@dataclass
class _Message:
    tags: list[Tag] = field(default_factory=list)
    is_interim: bool = False


def read(file: IO[bytes], encoding: str) -> tuple[str, Iterator[Item]]:
    """The format, by its first message, and what is in the file."""
    # a carriage return alone ends a line, too
    messages = _messages(
        (number, part) for number, text in lines(file, encoding) for part in text.rstrip("\r\n").split("\r")
    )
    first = next(messages, None)
    if first is None:
        raise Unreadable(1, ":20:", "there is no statement in it")
    return "MT942" if first.is_interim else "MT940", _items(first, messages)


def _items(first: _Message, others: Iterator[_Message]) -> Iterator[Item]:
    number = 0
    message: _Message | None = first
    while message is not None:
        for part in _parts(message.tags):
            number += 1
            yield from _Reader(number, part, message.is_interim).items()
        message = next(others, None)


def _messages(source: Iterator[tuple[int, str]]) -> Iterator[_Message]:
    """Each begins with :20: and ends with a dash, or where the next begins; what stands between is no part of it."""
    now: _Message | None = None
    between = ""  # what stood before the message: its type may stand there
    for line, raw in source:
        text = raw.lstrip("\x01\x02\x03")
        if now is not None and (text.startswith("-}") or (text.strip() == "-" and _is_closed(now))):
            yield _judged(now, between)
            now, between, text = None, "", text[2:]
        while block := BLOCK.match(text):
            between, text = between + block[0], text[block.end() :]
        found = TAG.match(text)
        if found and found[1] == "20":
            if now is not None:
                yield _judged(now, between)
                between = ""
            now = _Message()
        if now is None:
            between += text.strip() + "\n"
            if found:
                raise Unreadable(line, f":{found[1]}:", "it stands in no statement")
        elif found:
            now.tags.append(Tag(line, found[1], [found[2]]))
        else:
            now.tags[-1].texts.append(text)
    if now is not None:
        yield _judged(now, between)


def _is_closed(message: _Message) -> bool:
    return any(each.name in {"62F", "62M", "90D", "90C", "34F"} for each in message.tags)


def _judged(message: _Message, between: str) -> _Message:
    names = {each.name for each in message.tags}
    message.is_interim = not names & {"60F", "60M", "62F", "62M"} and (
        "34F" in names or re.search(r"(?:^|\{2:[IO]|MT|:)942", between, re.MULTILINE) is not None
    )
    return message


def _parts(tags: list[Tag]) -> Iterator[list[Tag]]:
    """Some banks write several statements after one :20:, each with balances of its own."""
    head: list[Tag] = []
    part: list[Tag] = []
    is_closed = False
    for tag in tags:
        if is_closed and tag.name in {"25", "25P", "28", "28C", "60F", "60M"}:
            yield part
            renewed = {"25", "25P", "28", "28C"} if tag.name.startswith("25") else {tag.name}
            head = [each for each in head if each.name not in renewed]
            part, is_closed = [*head], False
        if tag.name in {"20", "25", "25P", "28", "28C"}:
            head.append(tag)
        part.append(tag)
        is_closed = is_closed or tag.name in {"62F", "62M"}
    yield part


@dataclass(frozen=True)
class _Balance:
    day: date | None
    currency: str | None
    amount: Decimal


class _Reader:
    """One statement."""

    def __init__(self, number: int, tags: list[Tag], is_interim: bool) -> None:
        self._number, self._tags, self._is_interim = number, tags, is_interim
        self._first: dict[str, Tag] = {}
        for tag in tags:
            if (
                self._first.setdefault(tag.name, tag) is not tag
                and tag.name in ONCE
                and tag.texts != self._first[tag.name].texts
            ):
                raise tag.fault("it stands there twice")
        self._more: dict[str, object] = {}
        self._flaw: str | None = None

    def items(self) -> Iterator[Item]:
        opening, closing = self._balance("60F", "60M"), self._balance("62F", "62M")
        said = [each.currency for each in (opening, closing) if each and each.currency]  # one may leave it to the other
        if not said and (opening or closing):
            raise self._tag("60F", "60M", "62F", "62M").fault("no balance has a currency")
        currency = said[0] if said else self._interim_currency()
        if len({*said}) > 1:
            self._flaw = f"balances in {' and '.join(said)}"
            closing = None
        about: list[Tag] = []
        entry: Tag | None = None
        for tag in self._tags:
            if tag.name == "61" or (entry is not None and tag.name != "86"):
                if entry is not None:
                    yield self._entry(entry, about, currency)
                entry, about = (tag, []) if tag.name == "61" else (None, [])
            elif tag.name == "86" and entry is not None:
                about.append(tag)
            if entry is None and tag.name not in {"20", "25", "28", "28C", "60F", "60M", "62F", "62M"}:
                self._keep(tag)
        if entry is not None:
            yield self._entry(entry, about, currency)
        yield self._statement(opening, closing, currency)

    def _keep(self, tag: Tag) -> None:
        """What is about the statement, and has no column."""
        text = "\n".join(tag.texts).strip()
        before = self._more.get(tag.name)
        self._more[tag.name] = text if before is None else f"{before}\n{text}"

    def _tag(self, *names: str) -> Tag:
        found = next((self._first[name] for name in names if name in self._first), None)
        if found is None:
            raise Unreadable(self._tags[0].line, f":{names[0]}:", "it is missing")
        return found

    def _balance(self, *names: str) -> _Balance | None:
        if not any(name in self._first for name in names):
            if not self._is_interim:
                self._flaw = self._flaw or f"the balance :{names[0]}: is missing"
            return None
        tag = self._tag(*names)
        found = BALANCE.fullmatch(tag.texts[0])
        if found is None:
            raise tag.fault()
        side, day, currency, amount = found.groups()
        written = None if day == "000000" else _day(tag, day)
        return _Balance(written, currency, _money(tag, amount) * (1 if side == "C" else -1))

    def _interim_currency(self) -> str | None:
        """An interim report names it with the smallest amount that it tells of."""
        tag = self._first.get("34F")
        found = re.match(r"\s*([A-Z]{3})", tag.texts[0]) if tag else None
        return found[1] if found else None

    def _entry(self, tag: Tag, said: list[Tag], currency: str | None) -> Entry:
        found = ENTRY.fullmatch(tag.texts[0])
        if found is None:
            raise tag.fault()
        value, booked, side, _, written, kind, rest = found.groups()
        mark = side.upper()
        value_on = _day(tag, value)
        amount = _money(tag, written) * (1 if mark in {"C", "RD", "EC"} else -1)
        customers, _, banks = rest.partition("//")
        raw = [text for each in said for text in each.texts]
        words = mt940_text.read(raw)
        more: dict[str, object] = {"61": "\n".join(tag.texts).strip()}
        if "\n".join(raw).strip() != words.text:
            more["86"] = "\n".join(raw).strip()
        bank_reference, customer = reference(banks), reference(customers)
        customer = "" if customer in ELSEWHERE else customer
        named = [*words.references]
        named += [Reference("BANK", bank_reference)] if bank_reference else []
        if customer and not any(each.reference == customer and each.kind != "BANK" for each in named):
            named.append(Reference("OTHER" if only("END_TO_END", named) else "END_TO_END", customer))
        return Entry(
            self._number,
            tag.line,
            _booked_on(tag, value_on, booked) if booked else value_on,
            value_on,
            amount,
            currency,
            is_reversal=mark.startswith("R"),
            bank_reference=bank_reference,
            end_to_end=only("END_TO_END", named),
            kid=only("KID", named),
            code=(kind or "").strip(),
            text=words.text or " ".join(" ".join(tag.texts[1:]).split()),
            charge=_charge([*tag.texts, *raw], amount, currency),
            is_booked=not mark.startswith("E"),
            more=as_json(more),
            references=named,
        )

    def _statement(self, opening: _Balance | None, closing: _Balance | None, currency: str | None) -> Statement:
        sequence, _, page = self._tag("28C", "28").texts[0].strip().partition("/")
        is_number = sequence.isdecimal() and int(sequence) > 0 and len(sequence) < 19
        own = reference(self._tag("20").texts[0])
        paged = re.match(r"\d{1,9}", page)
        days = (opening.day if opening else None, closing.day if closing else None)
        if days[0] and days[1] and days[0] > days[1]:
            days = (None, None)  # some banks write the day of the export: of what it is, the entries say
        return Statement(
            self._number,
            self._tags[0].line,
            "INTERIM" if self._is_interim else "STATEMENT",
            own if is_number else f"{own} {sequence}".strip(),
            int(sequence) if is_number else None,
            self._tag("25", "25P").texts[0].strip(),
            currency,
            *days,
            opening.amount if opening else None,
            closing.amount if closing else None,
            page=(int(paged[0]) or None) if paged else None,
            flaw=self._flaw,
            more=as_json(self._more),
        )


def _day(tag: Tag, written: str) -> date:
    year, month, day = int(written[:2]), int(written[2:4]), int(written[4:])
    try:
        return date(year + (1900 if year >= 80 else 2000), month, day)
    except ValueError:
        raise tag.fault() from None


def _booked_on(tag: Tag, value_on: date, written: str) -> date:
    """The day of that month and date which is nearest: around New Year its year is not the value date's."""
    found = []
    for year in (value_on.year - 1, value_on.year, value_on.year + 1):
        try:
            found.append(date(year, int(written[:2]), int(written[2:])))
        except ValueError:
            continue
    if not found:
        raise tag.fault()
    return min(found, key=lambda each: abs(each - value_on) + timedelta(0))


def _money(tag: Tag, written: str) -> Decimal:
    plain = written.replace(",", ".") if written.count(".") + written.count(",") <= 1 else ""
    amount = plain_amount(plain)
    if amount is None:
        raise tag.fault()
    return amount


def _charge(texts: list[str], amount: Decimal, currency: str | None) -> Decimal:
    """What the bank kept back, where it says both that and what was paid, and they make the amount."""
    said = dict(re.findall(r"/(OCMT|CHGS)/([A-Z]{3}\d[\d.]*,?\d*)", "".join(texts)))
    if len(said) < 2 or not all(each.startswith(currency or "-") for each in said.values()):
        return Decimal(0)
    paid, kept = (Decimal(said[name][3:].replace(".", "").replace(",", ".")) for name in ("OCMT", "CHGS"))
    whole = paid if amount >= 0 else -paid
    return kept if whole - kept == amount else Decimal(0)
