"""Statements in MT940, statement by statement."""

import logging
import re
from collections.abc import Iterator
from datetime import date
from typing import IO, Any

import mt940

from pybridge.files.statements import Entry, Item, Statement
from pybridge.files.tables import TEXT, Unreadable, lines, reference

logging.getLogger("mt940").addHandler(logging.NullHandler())  # it tells at length which pattern did not fit
logging.getLogger("mt940").propagate = False


def read(file: IO[bytes]) -> Iterator[Item]:
    """Statement by statement: each begins with :20:, and is read whole."""
    number = 0
    block: list[tuple[int, str]] = []
    for line, text in lines(file, "utf-8"):
        begins = re.match(r"(\{.*?)?:20:", text)
        if begins and block:
            number += 1
            yield from _statement(block, number)
            block = []
        if begins or block:
            block.append((line, text[text.index(":20:") :] if begins else text))
    if not block:
        raise Unreadable(1, ":20:", "there is no statement in it")
    yield from _statement(block, number + 1)


TAGS = re.compile(r":(\d\d[A-Z]?):")


def _statement(block: list[tuple[int, str]], number: int) -> Iterator[Item]:
    first = block[0][0]
    at: dict[str, list[int]] = {}
    for line, text in block:
        if tag := TAGS.match(text):
            at.setdefault(tag[1], []).append(line)
    content = "".join(text for _, text in block if text.strip() not in {"-", "-}"})
    found = mt940.models.Transactions()
    try:
        found.parse(content)
    except (RuntimeError, ValueError, ArithmeticError, AttributeError, KeyError) as error:
        raise Unreadable(*_fault(block, error)) from None
    said = found.data
    places = at.get("61", [])
    transactions = [each.data for each in found if "amount" in each.data]
    if len(transactions) != len(places):
        raise Unreadable(first, ":61:", f"{len(places)} entries stand there, {len(transactions)} can be read")
    for needed in ("25", "28C"):
        if needed not in at and not (needed == "28C" and "28" in at):
            raise Unreadable(first, f":{needed}:", "it is missing")
    for line, each in zip(places, transactions, strict=True):
        sign = 1 if str(each["status"]).upper() in {"C", "RD"} else -1
        yield Entry(
            number,
            line,
            _plain(each.get("entry_date") or each["date"]),
            _plain(each["date"]),
            sign * abs(each["amount"].amount),
            each.get("currency") or None,
            is_reversal=str(each["status"]).upper().startswith("R"),
            bank_reference=reference(each.get("bank_reference")),
            end_to_end=reference(each.get("customer_reference")),
            code=str(each.get("id") or "")[:35],
            text=" ".join(str(each.get("transaction_details") or each.get("extra_details") or "").split())[:TEXT],
        )
    opening = said.get("final_opening_balance") or said.get("intermediate_opening_balance")
    closing = said.get("final_closing_balance") or said.get("intermediate_closing_balance")
    if opening is None or closing is None:
        raise Unreadable(first, ":60F:" if opening is None else ":62F:", "a balance is missing")
    for begin, balance in (("60", opening), ("62", closing)):
        if not re.fullmatch("[A-Z]{3}", balance.amount.currency or "", re.ASCII):
            field_name = next(name for name in at if name.startswith(begin))
            raise Unreadable(at[field_name][0], f":{field_name}:", f"no currency: {balance.amount.currency!r}")
    if opening.amount.currency != closing.amount.currency:
        raise Unreadable(first, ":62F:", f"balances in {opening.amount.currency} and {closing.amount.currency}")
    sequence, page = str(said.get("statement_number") or ""), str(said.get("sequence_number") or "")
    yield Statement(
        number,
        first,
        "STATEMENT",
        f"{reference(said.get('transaction_reference'))} {sequence}/{page}".strip(" /"),
        int(sequence) if sequence.isdecimal() and page in {"", "1", "01", "001", "00001"} else None,
        str(said["account_identification"]).strip(),
        opening.amount.currency,
        _plain(opening.date),
        _plain(closing.date),
        opening.amount.amount,
        closing.amount.amount,
    )


def _plain(day: Any) -> date:
    return date(day.year, day.month, day.day)


def _fault(block: list[tuple[int, str]], error: Exception) -> tuple[int, str, str]:
    """The first field that cannot be read by itself, since the library does not say where it stood."""
    for line, text in block:
        tag = TAGS.match(text)
        if tag is None:
            continue
        try:
            mt940.models.Transactions().parse(f":20:X\n{text}" if tag[1] != "20" else text)
        except (RuntimeError, ValueError, ArithmeticError, AttributeError, KeyError):
            return line, f":{tag[1]}:", f"cannot be read: {text.strip()[:60]!r}"
    return block[0][0], "", f"cannot be read: {str(error)[:100]}"
