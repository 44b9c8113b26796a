"""Charts say what they leave out, and never leave out what matters."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from lxml import html

from pybridge.reports.tables import Table
from pybridge.web.pages import charts
from pybridge.web.pages.blocks import Chart, Context, Note
from pybridge.web.pages.content import drawing, tills
from pybridge.web.pages.words import Words

NOBODY: Any = None  # what is drawn here asks no database


def context(lang: str = "en") -> Context:
    return Context(NOBODY, {}, Words(lang), lambda name, values: "")


def counted(*differences: int) -> Table:
    """Till sessions 1, 2, ... that differ by so much in cash."""
    rows = [(number, "kari", "CASH", Decimal(each)) for number, each in enumerate(differences, start=1)]
    return Table("sessions", ("till_session", "seller", "payment_method", "difference_amount"), rows)


def labels(chart: Chart) -> list[str]:
    """What stands along the axis of names, or in the legend."""
    drawn = html.fragment_fromstring(str(chart.svg))
    kind = "legend-label" if drawn.xpath(".//*[contains(@class, 'legend-label')]") else "role-axis-label"
    found = [each.text_content() for each in drawn.xpath(f".//*[contains(@class, '{kind}')]//*[name()='text']")]
    return [text for text in found if text]


def test_the_one_session_that_differs_is_drawn_however_many_agree_after_it() -> None:
    chart = tills._cash_differences(context(), counted(505, *[0] * 320))
    assert isinstance(chart, Chart)
    assert "1" in labels(chart)
    assert [cell.text for cell in chart.table.rows[0]] == ["1", "kari", "505.00"]
    assert chart.note == "320 of the 321 that were counted held the cash expected, and are not drawn."


def test_of_many_differences_the_largest_are_drawn_and_the_others_are_added_up() -> None:
    chart = tills._cash_differences(context(), counted(*range(1, 46)))
    assert isinstance(chart, Chart)
    assert {str(number) for number in range(6, 46)} <= set(labels(chart))
    assert chart.note == "The 40 largest of 45 differences are drawn. The others come to 15.00 NOK together."
    assert len(chart.table.rows) == 45


def test_where_all_agree_nothing_is_drawn() -> None:
    note = tills._cash_differences(context(), counted(0, 0))
    assert note == Note("All 2 that were counted held the cash expected.")


def days(count: int, value: int) -> dict[date, Decimal]:
    return {date(2031, 1, 1) + timedelta(days=number): Decimal(value) for number in range(count)}


def test_what_is_left_of_many_series_is_said_and_is_no_line() -> None:
    points = {(number, f"p {number}"): days(2, number) for number in range(1, 12)}
    chart = drawing.over_time(context(), "t", points, "NOK", is_money=True)
    assert isinstance(chart, Chart)
    assert labels(chart) == [f"p {number}" for number in range(11, 3, -1)]
    assert len(labels(chart)) == charts.MOST
    assert chart.note.startswith("The 8 largest of 11 are drawn. The others come to 12.00 NOK together;")
    assert [cell.text for cell in chart.table.totals][-2:] == ["8.00", "12.00"]


def test_what_was_added_up_before_is_said_as_well() -> None:
    rest = drawing.Rest(392, defaultdict(Decimal, {date(2031, 1, 3): Decimal(500)}))
    chart = drawing.over_time(context(), "t", {(1, "one"): days(2, 7)}, "clicks", is_money=False, rest=rest)
    assert isinstance(chart, Chart)
    assert chart.note.startswith("The 1 largest of 393 are drawn. The others come to 500 clicks together;")
    assert [row[0].text for row in chart.table.rows] == ["1 Jan 2031", "2 Jan 2031", "3 Jan 2031"]


def test_days_that_are_left_out_of_a_long_time_are_said_to_be() -> None:
    points = {(1, "one"): {date(2030, 1, 1): Decimal(1), date(2032, 1, 1): Decimal(2)}}
    chart = drawing.over_time(context("nb"), "t", points, "kr", is_money=True)
    assert isinstance(chart, Chart)
    assert chart.note == "Dager uten hendelser er utelatt."
