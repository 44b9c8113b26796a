"""A report that is declared says what its view says, whatever folds, and is asked by what it declares."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from pybridge.reports.columns import adds_up, is_count, label
from pybridge.reports.declared import DAYS, FILTERS, REPORTS, Declared, answer
from pybridge.reports.tables import Period
from tests.conftest import Connection
from tests.support import banking, given_back, market
from tests.support.domain import (
    UKA,
    call,
    call_in,
    make_cash_point,
    make_event,
    make_project,
    net_paid,
    one,
    open_till,
    refund,
    rows,
    sell,
)

OF_ROWS = [each for each in REPORTS.values() if each.question is None]


@pytest.fixture
def sold(db: Connection, tmp_path: Path) -> date:
    """A day of sales, refunds and a payment at no till; some of it went out, and the bank said something."""
    make_cash_point(db, 1)
    revue = make_event(db, prices=(410, 310), fee=10, project=make_project(db, project=11))
    open_till(db, "kari", 1, 1000)
    bought = sell(db, revue.price_group, 2, seller="kari", cash_point=1, methods=["CARD"])
    today: date = one(db, "select billig.local_time()::date")
    call_in(db, "books", "export_vouchers", organisation=UKA, first_day=today, last_day=today)
    banking.account(db)
    banking.load(db, tmp_path, banking.mt940([(today, 100, "A")]))
    refund(db, bought.tickets[:1], seller="kari", cash_point=1, payment_methods=["CASH"], reason="no card")
    sell(db, make_event(db, prices=(100,)).price_group, seller="per", methods=["VIPPS"])
    net_paid(db, revue.price_group)
    web = net_paid(db, make_event(db, prices=(100,)).price_group, email="another@example.com")
    refund(db, web.tickets, seller="kari", cash_point=1)
    given_back.web(db, make_event(db, prices=(100,)).price_group, reference="pi_1")
    given_back.charge_back(db, provider="pi_1")
    given_back.won(db)
    earlier = {"profiles": [market.profile(db)], "months": [date(2019, 1, 1)], "amounts": [7], "documents": ["c1"]}
    call_in(db, "marketplace", "record_earlier_charges", **earlier)
    call(db, "confirm_net_payment", purchase=None, amount=1, provider_reference="pi_2")
    return today


@pytest.mark.parametrize("report", OF_ROWS, ids=lambda each: each.name)
def test_a_report_adds_up_to_its_view(db: Connection, sold: date, report: Declared) -> None:
    flat = answer(db, report.name).flat
    assert flat.columns == report.columns
    # Nothing came late, was flagged or was said by a gateway: rows of those are in their own rooms' tests.
    assert flat.rows or report.name in ("late-transaction", "click-flags", "gateway-inbox", "waiting")
    for column in flat.columns:
        if adds_up(column) or is_count(column):
            query = sql.SQL("select coalesce(sum({}), 0) as sum from {}").format(
                sql.Identifier(column), sql.Identifier("report", report.view)
            )
            assert flat.total(column) == rows(db, query)[0]["sum"], column
    keys = [place for place, column in enumerate(flat.columns) if not (adds_up(column) or is_count(column))]
    if report.folds:
        assert len({tuple(row[place] for place in keys) for row in flat.rows}) == len(flat.rows), "one row per key"


@pytest.mark.parametrize("report", REPORTS.values(), ids=lambda each: each.name)
def test_every_filter_of_a_report_leaves_some_out(db: Connection, sold: date, report: Declared) -> None:
    assert answer(db, report.name, Period(sold - timedelta(9), sold - timedelta(8))).is_empty
    nothing: dict[str, Any] = {"seller": "nobody", "project": 999, "event": 999, "session": 999}
    for name in report.filters:
        if name in nothing:
            assert answer(db, report.name, **{name: nothing[name]}).is_empty, name
    assert {DAYS} <= set(report.filters) <= {DAYS, *FILTERS}


def test_vat_by_project_is_asked_by_project_and_day(db: Connection, sold: date) -> None:
    found = answer(db, "vat-by-project", Period(sold, sold), project=11)
    assert [(row[1], row[3], row[5], row[6]) for row in found.flat.rows if row[5]] == [(11, 6, 3, 1)]
    assert found.flat.total("gross_amount") == 2 * Decimal(410)
    assert found.asked == {"project": 11, "from": sold, "to": sold}


# Without money, and in whatever currency a gateway says.
OTHERWISE = ("click-flags", "gateway-inbox")


def test_a_report_says_what_its_figures_are(db: Connection) -> None:
    for name in REPORTS:
        assert "NOK" in answer(db, name).meaning or name in OTHERWISE, name


def test_a_column_is_called_by_its_name_in_plain_words() -> None:
    assert [label(each) for each in ("gross_amount", "opened_at", "project_name", "is_legacy", "vat_code")] == [
        "Gross", "Opened", "Project", "Legacy", "VAT code",
    ]  # fmt: skip
    assert label("project_name", ("project", "project_name")) == "Project name"
    assert label("due_amount") == "Due"
