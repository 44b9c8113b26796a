"""Receipts on paper: what a till printer and a page show is what the database says, in either language."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Literal

import pytest
from lxml import html
from typer.testing import CliRunner, Result

from pybridge.cli.main import app
from pybridge.reports import receipts
from tests.conftest import Connection
from tests.support import domain
from tests.support.cli import url
from tests.support.domain import SAMFUNDET, call, exchange, expect, make_event, run, sell

HOSTILE = "<script>alert('x')</script> & Æ"


def printed(db: Connection, *, payment: int, lang: str) -> list[receipts.Receipt]:
    return receipts.laid_out(db, call(db, "receipt", payment=payment, language=lang), lang)


def shown(db: Connection, payment: int) -> list[receipts.Receipt]:
    return receipts.laid_out(db, call(db, "show_receipt", payment=payment), "nb")


@pytest.fixture
def payment(db: Connection) -> int:
    """An exchange over two organisations, in cash with a rounding, under a name that is no markup."""
    event = make_event(db, prices=(125, Decimal("99.50")), fee=25, vat_code=3)
    other = make_event(db, organisation=SAMFUNDET)
    domain.make_cash_point(db, 9)
    run(
        db,
        "update billig.event set event_name = %s, event_location = 'Storsalen' where event = %s",
        HOSTILE,
        event.event,
    )
    sale = sell(db, event.price_groups[1], cash_point=9)
    back = exchange(db, sale.tickets, other.price_group, methods=("CASH",), cash_point=9)
    return int(back[0]["payment"])


@pytest.mark.parametrize("lang", ["nb", "en"])
@pytest.mark.parametrize("paper", ["80mm", "a4"])
def test_a_page_shows_all_that_the_receipt_says(
    db: Connection, payment: int, lang: str, paper: Literal["80mm", "a4"]
) -> None:
    found = printed(db, payment=payment, lang=lang)
    page = html.fromstring(receipts.to_html(found, paper))
    assert page.get("lang") == lang
    articles = page.findall(".//article")
    assert len(articles) == len(found) == 2
    for receipt, article in zip(found, articles, strict=True):
        found_here = re.sub(r"\s+", " ", article.text_content())
        for row in receipt.rows:
            for said in (row["description"], row["detail"]):
                assert said is None or re.sub(r"\s+", " ", said) in found_here, said
            if row["amount"] is not None and row["section"] != "SELLER":
                assert receipt.amount(row["amount"]).replace("\u00a0", " ") in found_here
    assert page.findall(".//script") == []
    (size,) = re.findall(r"@page { size: (\w+)", html.tostring(page, encoding="unicode"))
    assert size == {"80mm": "80mm", "a4": "A4"}[paper]


def test_the_heading_is_half_as_large_again_as_the_amounts(db: Connection, payment: int) -> None:
    page = receipts.to_html(printed(db, payment=payment, lang="nb"), "80mm")
    (size,) = re.findall(r"h1, .copy { font-size: ([\d.]+)em", page)
    assert float(size) >= 1.5


def test_the_text_fits_a_till_printer(db: Connection, payment: int) -> None:
    text = receipts.to_text(printed(db, payment=payment, lang="nb"))
    assert max(map(len, text.splitlines())) <= receipts.WIDTH
    assert text.count("\f") == 1
    first, second = text.split("\f")
    assert "Salgskvittering" in first
    assert "Returkvittering" in second
    assert "Gjelder Salgskvittering 1, Kasse 9" in re.sub(r"\s+", " ", second)
    assert "MVA 25 %" in second
    assert "Gebyr" in second


def test_an_office_sees_what_was_printed_as_a_copy_and_counts_no_print(db: Connection, payment: int) -> None:
    with expect("P0002"):
        shown(db, payment)
    original = printed(db, payment=payment, lang="nb")
    run(db, "update billig.event set event_name = 'Renamed'")
    for _ in range(2):
        copies = shown(db, payment)
        for copy, first in zip(copies, original, strict=True):
            assert [row["description"] for row in copy.of("COPY")] == ["KOPI"]
            told = ("section", "description", "detail", "amount")
            said = [[row[name] for name in told] for row in copy.rows if row["section"] != "COPY"]
            assert said == [[row[name] for name in told] for row in first.rows]
    assert domain.one(db, "select count(*) from billig.receipt_print") == 1


def test_receipts_speak_bokmaal_and_english_and_nothing_else(db: Connection, payment: int) -> None:
    """Every word that is said has both."""
    words = "select array_agg(word order by word) from billig.receipt_word where language = %s"
    assert domain.one(db, words, "nb") == domain.one(db, words, "en")
    for lang in ("nn", "", None):
        with expect("22023"):
            call(db, "receipt", payment=payment, language=lang)
    for named in ({}, {"payment": payment, "ticket": 1}):
        with expect("22023"):
            call(db, "receipt", **named)
    assert domain.one(db, "select count(*) from billig.receipt_print") == 0


@pytest.fixture
def pybridge(monkeypatch: pytest.MonkeyPatch, db: Connection) -> Callable[..., Result]:
    monkeypatch.setenv("DATABASE_URL", url(db))
    return lambda *arguments: CliRunner().invoke(app, ["receipt", *map(str, arguments)])


def test_a_receipt_is_printed_from_the_command_line(pybridge: Callable[..., Result], payment: int) -> None:
    first: Any = pybridge(payment)
    assert first.exit_code == 0
    assert "Returkvittering" in first.stdout
    assert "KOPI" not in first.stdout
    assert "KOPI (copy)" in pybridge(payment, "--format", "html", "--paper", "a4", "--lang", "en").stdout
    assert "Returkvittering" in pybridge("--ticket", 1).stdout
    assert "Salgskvittering" in pybridge("--purchase", 1).stdout
    assert pybridge(404).exit_code == 1
    assert pybridge().exit_code == 2
    assert pybridge(payment, "--ticket", 1).exit_code == 2
