"""Payment orders to a bank: pain.001.001.09 files, the same bytes for the same requests."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

from anyascii import anyascii
from lxml import etree
from stdnum import bic as bic_number
from stdnum import iban as iban_number
from stdnum.exceptions import ValidationError
from stdnum.no import kontonr

from pybridge.payments.gateways import Request

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
NOT_PROVIDED = "NOTPROVIDED"  # the standard's word where an identification is mandatory and there is none
IDENTIFICATION = 35  # characters, as everywhere in the standard

# Currencies that are paid and read, with their decimals (ISO 4217). Of another one we do not guess them.
DECIMALS = {
    "AUD": 2, "CAD": 2, "CHF": 2, "CZK": 2, "DKK": 2, "EUR": 2, "GBP": 2, "HUF": 2, "ISK": 0, "JPY": 0, "NOK": 2,
    "NZD": 2, "PLN": 2, "RON": 2, "SEK": 2, "USD": 2,
}  # fmt: skip
LARGEST = 10**14  # minor units: the sum of a full file still fits the 18 digits of the standard

# What banks promise to carry: SEPA's basic Latin set; those in Norway carry æ, ø and å as well.
_CARRIED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-?:().,'+ æøåÆØÅ")
# A key that the bank would have to change comes back changed, and then nobody knows whose money it was.
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:+-]{0,34}")
_BATCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]{0,34}")  # is a file's name too


class Invalid(Exception):
    """A request that no bank would carry out; `code` is its error_code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Debtor:
    """Whose account is debited: ours."""

    name: str
    iban: str
    bic: str | None


@dataclass(frozen=True)
class Payment:
    """One credit transfer as it stands in the file; what is equal is the same payment."""

    key: str
    amount: int  # minor units
    currency: str
    name: str
    iban: str
    bic: str | None
    text: str
    day: date  # when the bank is to carry it out


def is_key(text: str) -> bool:
    """Whether an EndToEndId may be one of our idempotency keys."""
    return text != NOT_PROVIDED and _KEY.fullmatch(text) is not None


def is_batch(text: str) -> bool:
    return text != NOT_PROVIDED and _BATCH.fullmatch(text) is not None


def carried(text: str, length: int) -> str:
    """The text in characters that banks carry. Letters are transliterated, & is +, all else is left out."""
    kept = []
    for character in unicodedata.normalize("NFC", text):
        if character in _CARRIED:
            kept.append(character)
        elif unicodedata.category(character).startswith("L"):
            kept.extend(letter for letter in anyascii(character) if letter in _CARRIED)
        elif not unicodedata.combining(character):
            kept.append("+" if character == "&" else " ")
    return " ".join("".join(kept).split())[:length].rstrip()


def to_major(amount: int, currency: str) -> str:
    """Minor units as the standard writes amounts: 123450 NOK is 1234.50."""
    return str(Decimal(amount).scaleb(-DECIMALS[currency]))


def to_minor(text: str, currency: str) -> int:
    """The reverse; ValueError where it is not an amount, or not a whole number of minor units."""
    if not re.fullmatch(r"[0-9]{1,18}(\.[0-9]{1,17})?", text):
        raise ValueError(f"{text!r} is not an amount")
    whole, _, fraction = text.partition(".")
    decimals = DECIMALS[currency]
    if fraction[decimals:].strip("0"):
        raise ValueError(f"{text} {currency} is not a whole number of minor units")
    return int(whole + fraction[:decimals].ljust(decimals, "0"))


def payment(request: Request) -> Payment:
    """The payment that a request asks for, or Invalid. The same request has the same answer, always."""
    frozen = request.request
    if request.currency not in DECIMALS:
        raise Invalid("invalid_currency")
    if not 0 < request.amount <= LARGEST:
        raise Invalid("invalid_amount")
    if not (name := carried(_text(frozen, "name", "invalid_name"), 70)):
        raise Invalid("invalid_name")
    try:
        day = date.fromisoformat(_text(frozen, "execution_date", "invalid_execution_date"))
    except ValueError:
        raise Invalid("invalid_execution_date") from None
    return Payment(
        key=request.idempotency_key,
        amount=request.amount,
        currency=request.currency,
        name=name,
        iban=_account(_text(frozen, "iban", "invalid_iban"), _text(frozen, "account", "invalid_account")),
        bic=_bic(_text(frozen, "bic", "invalid_bic")),
        text=carried(_text(frozen, "description", "invalid_description"), 140),
        day=day,
    )


def _text(frozen: Mapping[str, Any], name: str, code: str) -> str:
    value = frozen.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Invalid(code)
    return value


def _account(iban: str, account: str) -> str:
    if bool(iban) == bool(account):  # neither, or two that may differ
        raise Invalid("invalid_account")
    try:
        if iban:
            return valid_iban(iban)
        number = kontonr.validate(account)
    except ValidationError:
        raise Invalid("invalid_iban" if iban else "invalid_account") from None
    if len(number) != 11:  # the postal giro's seven digits are no longer an account
        raise Invalid("invalid_account")
    return str(kontonr.to_iban(number))


def valid_iban(text: str) -> str:
    """Without spaces; ValidationError where its check digits, or its country's form, are wrong."""
    return str(iban_number.validate(text))


def _bic(text: str) -> str | None:
    try:
        return str(bic_number.validate(text)) if text else None
    except ValidationError:
        raise Invalid("invalid_bic") from None


def block_name(batch: str, day: date) -> str:
    """The PmtInfId of a batch's payments of one day."""
    room = IDENTIFICATION - len("-20260101")
    stem = batch if len(batch) <= room else hashlib.sha256(batch.encode()).hexdigest()[:room]
    return f"{stem}-{day:%Y%m%d}"


def write(batch: str, debtor: Debtor, created: datetime, payments: Iterable[Payment]) -> bytes:
    """The file, with a block for each day of execution. Its time and names are what it is given."""
    by_day = sorted(payments, key=lambda payment: payment.day)
    document = etree.Element(_tag("Document"), nsmap={None: NAMESPACE})
    body = _add(document, "CstmrCdtTrfInitn")
    header = _add(body, "GrpHdr")
    _add(header, "MsgId", batch)
    _add(header, "CreDtTm", created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    _add_totals(header, by_day)
    _add(_add(header, "InitgPty"), "Nm", debtor.name)
    for day, group in groupby(by_day, key=lambda payment: payment.day):
        _add_block(body, block_name(batch, day), debtor, day, list(group))
    return bytes(etree.tostring(document, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _add_block(body: Any, name: str, debtor: Debtor, day: date, payments: list[Payment]) -> None:
    block = _add(body, "PmtInf")
    _add(block, "PmtInfId", name)
    _add(block, "PmtMtd", "TRF")
    _add(block, "BtchBookg", "false")  # a debit each on the statement, so that each names its EndToEndId
    _add_totals(block, payments)
    _add(_add(block, "ReqdExctnDt"), "Dt", day.isoformat())
    _add(_add(block, "Dbtr"), "Nm", debtor.name)
    _add(_add(_add(block, "DbtrAcct"), "Id"), "IBAN", debtor.iban)
    bank = _add(_add(block, "DbtrAgt"), "FinInstnId")
    if debtor.bic:
        _add(bank, "BICFI", debtor.bic)
    else:
        _add(_add(bank, "Othr"), "Id", NOT_PROVIDED)
    _add(block, "ChrgBr", "SLEV")
    for item in payments:
        _add_payment(block, item)


def _add_payment(block: Any, item: Payment) -> None:
    transfer = _add(block, "CdtTrfTxInf")
    names = _add(transfer, "PmtId")
    _add(names, "InstrId", item.key)
    _add(names, "EndToEndId", item.key)
    _add(_add(transfer, "Amt"), "InstdAmt", to_major(item.amount, item.currency)).set("Ccy", item.currency)
    if item.bic:
        _add(_add(_add(transfer, "CdtrAgt"), "FinInstnId"), "BICFI", item.bic)
    _add(_add(transfer, "Cdtr"), "Nm", item.name)
    _add(_add(_add(transfer, "CdtrAcct"), "Id"), "IBAN", item.iban)
    if item.text:
        _add(_add(transfer, "RmtInf"), "Ustrd", item.text)


def _add_totals(parent: Any, payments: list[Payment]) -> None:
    """NbOfTxs and CtrlSum; the standard adds amounts whatever their currency."""
    _add(parent, "NbOfTxs", str(len(payments)))
    total = sum((Decimal(item.amount).scaleb(-DECIMALS[item.currency]) for item in payments), Decimal(0))
    _add(parent, "CtrlSum", f"{total:f}")


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def _add(parent: Any, name: str, text: str | None = None) -> Any:
    element = etree.SubElement(parent, _tag(name))
    element.text = text
    return element


def read(data: bytes) -> dict[str, Payment]:
    """The payments of a file that `write` made, by key."""
    document = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))
    payments = {}
    for block in document.iter(_tag("PmtInf")):
        day = date.fromisoformat(_value(block, "ReqdExctnDt", "Dt"))
        for transfer in block.iter(_tag("CdtTrfTxInf")):
            amount = transfer.find(f"{_tag('Amt')}/{_tag('InstdAmt')}")
            item = Payment(
                key=_value(transfer, "PmtId", "EndToEndId"),
                amount=to_minor(amount.text, amount.get("Ccy")),
                currency=amount.get("Ccy"),
                name=_value(transfer, "Cdtr", "Nm"),
                iban=_value(transfer, "CdtrAcct", "Id", "IBAN"),
                bic=_value(transfer, "CdtrAgt", "FinInstnId", "BICFI") or None,
                text=_value(transfer, "RmtInf", "Ustrd"),
                day=day,
            )
            payments[item.key] = item
    return payments


def _value(element: Any, *path: str) -> str:
    return str(element.findtext("/".join(map(_tag, path)), ""))
