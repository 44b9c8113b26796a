"""What a bank says of an entry in MT940's :86:, in the three ways that banks have: numbered fields, codes between
strokes, or words."""

import re
from dataclasses import dataclass, field

from pybridge.files.statement_items import Reference, joined
from pybridge.files.tables import reference

LINE = 65
"""Characters of a line; a full one goes on in the next."""
FIELD = 27
"""Characters of a numbered field of the purpose."""
PURPOSE = {*range(20, 30), *range(60, 64)}
NUMBERED = re.compile(r"(\d{3})?([^\w\s/+])(?=\d\d)")
WORDS = r"EREF|KREF|MREF|CRED|DEBT|SVWZ|ABWA|ABWE|COAM|OAMT|IBAN|BIC|RCDT|PURP"
"""What begins a part of a purpose as SEPA has it, before a +."""
CODES = (
    "ACCW|ADDR|BENM|BIC|BUSP|CHGS|CNTP|CREF|CSID|EREF|EXCH|IBAN|ID|INIT|IREF|ISDT|KREF|MARF|NAME|OCMT|ORDP|PREF|PURP"
    "|REMI|RTRN|SVCL|TRCD|TRTP|ULTB|ULTC|ULTD"
)
KINDS = {
    **dict.fromkeys(("EREF",), "END_TO_END"),
    **dict.fromkeys(("KREF", "MREF", "MARF", "PREF", "IREF", "CREF"), "OTHER"),
}


@dataclass(frozen=True)
class Words:
    """The words, without what only names the parts, and the references among them."""

    text: str
    references: list[Reference] = field(default_factory=list)


def read(lines: list[str]) -> Words:
    """The words of one entry, line by line as they stand."""
    whole = "".join(lines)
    if numbered := NUMBERED.match(whole):
        return _numbered(whole[numbered.end(1) if numbered[1] else 0 :], numbered[2])
    text = joined(lines, LINE)
    if re.match(rf"/(?:{CODES})/", whole):
        return Words(text, _coded(whole))
    return Words(text, _references(re.findall(rf"(?:^|\s)({WORDS})\+\s*(\S+)", text)))


def _numbered(whole: str, separator: str) -> Words:
    """?00 what it is, ?20 to ?29 and ?60 to ?63 the purpose, the others about the payer."""
    _, *parts = re.split(rf"{re.escape(separator)}(\d\d)", whole)
    fields = list(zip(map(int, parts[::2]), parts[1::2], strict=True))
    named: list[tuple[str, list[str]]] = [("", [])]
    for number, text in fields:
        if number not in PURPOSE:
            continue
        before, *within = re.split(rf"(?:^|(?<=\s))({WORDS})\+", text)
        if before or not within:
            named[-1][1].append(before)
        for name, own in zip(within[::2], within[1::2], strict=True):
            named.append((name, [own]))
    said = [(name, joined(texts, _full(name))) for name, texts in named]
    words = [text.strip() for number, text in fields if number == 0]
    words += [text for name, text in said if text and name in {"", "SVWZ"}]
    return Words(" ".join(filter(None, words)), _references(said))


def _full(name: str) -> int:
    """How long a field is that goes on in the next: its first has the name in it."""
    return FIELD - (len(name) + 1 if name else 0)


def _coded(whole: str) -> list[Reference]:
    """/EREF/.../REMI/...: what stands after a code, until the next."""
    _, *parts = re.split(rf"/({CODES})/", whole)
    said = [(name, text.strip("/ ")) for name, text in zip(parts[::2], parts[1::2], strict=True)]
    found = _references(said)
    for name, text in said:
        if name == "REMI" and (structured := re.match(r"STRD/(?:[A-Z]{3}/)?([^/\s]+)", text)):
            found.append(Reference("KID", structured[1]))
    return found


def _references(said: list[tuple[str, str]]) -> list[Reference]:
    found = (Reference(KINDS[name], reference(text)) for name, text in said if name in KINDS)
    return [each for each in found if each.reference]
