"""Receipts for paper: as text of a till printer's width, and as HTML for rolls of 80 mm and sheets of A4.

What a receipt says, and in which language, is the database's: `billig.receipt` gives rows in order, and the heads of
columns are in `billig.receipt_word`. Here they are put in their places.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from textwrap import wrap
from typing import Any, Literal

import jinja2
import psycopg
from psycopg.rows import tuple_row

from pybridge.formats import kroner

Paper = Literal["80mm", "a4"]
PAPERS: dict[str, Paper] = {"80mm": "80mm", "a4": "a4"}
Row = dict[str, Any]
WIDTH = 42  # characters of a till printer's line
TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Receipt:
    """One receipt: its rows by section. `lang`: of its words."""

    rows: Sequence[Row]
    words: dict[str, str]
    lang: str

    def of(self, *sections: str) -> list[Row]:
        return [row for row in self.rows if row["section"] in sections]

    def amount(self, value: Decimal | int) -> str:
        return kroner(value).replace(".", ",") if self.lang == "nb" else kroner(value)


def laid_out(connection: psycopg.Connection[Any], rows: Iterable[Row], lang: str) -> list[Receipt]:
    """The receipts of one call of `billig.receipt` or `billig.show_receipt`, one per organisation."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        words: dict[str, str] = dict(
            cursor.execute("select word, said from billig.receipt_word where language = %s", [lang]).fetchall()
        )
    return [Receipt(list(each), words, lang) for _, each in groupby(rows, key=itemgetter("organisation"))]


def to_html(receipts: Sequence[Receipt], paper: Paper) -> str:
    """A whole document that fetches nothing, each receipt on paper of its own."""
    title = receipts[0].rows[0]["description"]
    return _template().render(receipts=receipts, paper=paper, lang=receipts[0].lang, title=title)


@cache
def _template() -> jinja2.Template:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    ).get_template("receipt.html.j2")


def to_text(receipts: Sequence[Receipt]) -> str:
    """Lines of WIDTH characters, a form feed between receipts."""
    return "\f\n".join("\n".join(_lines(receipt)) + "\n" for receipt in receipts)


def _lines(receipt: Receipt) -> list[str]:
    rule = "-" * WIDTH
    lines = [
        line.center(WIDTH).rstrip() for row in receipt.of("HEADING", "COPY") for line in wrap(row["description"], WIDTH)
    ]
    lines += ["", *_plain(receipt.of("SELLER")), ""]
    lines += _plain(receipt.of("NUMBER", "DATE", "CASH_POINT", "SERVED_BY", "BUYER", "REFERS_TO"))
    lines.append(rule)
    for row in receipt.of("LINE"):
        lines += wrap(row["description"], WIDTH)
        lines += [f"  {line}" for line in wrap(row["detail"] or "", WIDTH - 2)]
        each = f"  {row['quantity']} x {receipt.amount(row['unit_price'])}"
        lines += _pair(each, receipt.amount(row["amount"]))
    lines.append(rule)
    for row in receipt.of("TOTAL"):
        lines += _pair(f"{row['description']} NOK", receipt.amount(row["amount"]))
    for row in receipt.of("VAT"):
        lines += _pair(row["description"], receipt.amount(row["amount"]))
        if row["vat_rate"]:
            lines += _pair(f"  {receipt.words['OF_WHICH_VAT']}", receipt.amount(row["vat_amount"]))
            lines += _pair(f"  {receipt.words['WITHOUT_VAT']}", receipt.amount(row["amount"] - row["vat_amount"]))
    paid = receipt.of("TOGETHER", "ROUNDING", "PAYMENT")
    if paid:
        lines.append(rule)
    for row in paid:
        lines += _pair(row["description"], receipt.amount(row["amount"]))
    return lines


def _plain(rows: Sequence[Row]) -> list[str]:
    return [line for row in rows for line in wrap(row["description"], WIDTH)]


def _pair(left: str, right: str) -> list[str]:
    """Words to the left, broken where they must be, and an amount to the right of the last of them."""
    indent = " " * (len(left) - len(left.lstrip()))
    lines = wrap(left, WIDTH - len(right) - 1, initial_indent=indent, subsequent_indent=indent, drop_whitespace=True)
    return [*lines[:-1], lines[-1].ljust(WIDTH - len(right)) + right]
