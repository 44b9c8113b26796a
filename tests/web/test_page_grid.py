"""How a report's table becomes one that fits a page: nothing of it is lost on the way."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

import pytest

from pybridge.reports.tables import Table
from pybridge.web.pages.blocks import WIDE, Context, Empty, Facts, Grid, style_of
from pybridge.web.pages.words import Words

NOON = datetime(2026, 11, 26, 12, 0, 59, tzinfo=UTC)


def context() -> Context:
    return Context(cast(Any, None), {}, Words("nb"), lambda name, values: f"{name}?{values}")


def texts(grid: Any) -> list[list[str]]:
    assert isinstance(grid, Grid)
    return [[cell.text for cell in row] for row in grid.rows]


def padded(*columns: str) -> tuple[str, ...]:
    """With so many more, of nothing that is alike, that the table is a wide one."""
    return (*columns, *(f"tickets_{number}" for number in range(WIDE)))


def rest(row: int) -> list[int]:
    return [row * 100 + number for number in range(WIDE)]


def test_a_number_and_its_name_are_one_column_whose_link_is_the_numbers() -> None:
    table = Table("t", ("project", "project_name", "amount"), [(11, "UKErevyen", Decimal(1)), (None, None, Decimal(2))])
    grid = context().grid(table, "T", links={"project": lambda row: ("project-day", {"project": row["project"]})})
    assert texts(grid) == [["11 UKErevyen", "1,00"], ["", "2,00"]]
    assert isinstance(grid, Grid)
    assert [head.text for head in grid.heads] == ["Prosjekt", "Beløp"]
    assert grid.rows[0][0].href == "project-day?{'project': '11'}"
    assert grid.rows[1][0].href == ""


def test_a_name_stands_alone_where_its_number_is_hidden() -> None:
    table = Table("t", ("project", "project_name"), [(11, "UKErevyen"), (12, "Kino")])
    assert texts(context().grid(table, "T", hide=["project"])) == [["UKErevyen"], ["Kino"]]


def test_a_name_from_right_to_left_does_not_turn_its_number() -> None:
    table = Table("t", ("event", "event_name"), [(1, "\u202e123"), (2, "שלום"), (3, "Blåbær")])
    assert texts(context().grid(table, "T")) == [["1 \u2068\u202e123\u2069"], ["2 \u2068שלום\u2069"], ["3 Blåbær"]]


def test_of_a_wide_table_what_all_rows_say_is_said_once_and_sums_and_links_stay() -> None:
    columns = padded("organisation_name", "project", "project_name", "z_number", "pay_in_amount", "gross_amount")
    table = Table(
        "t",
        columns,
        [("UKA", 11, "UKErevyen", 1, Decimal(0), Decimal(5), *rest(row)) for row in range(2)],
        ("pay_in_amount", "gross_amount"),
    )
    grid = context().grid(table, "T", links={"z_number": lambda row: ("z-report", {"z_number": row["z_number"]})})
    assert isinstance(grid, Grid)
    paid_in, gross = Words("nb").column("pay_in_amount"), Words("nb").column("gross_amount")
    assert grid.caption == f"T. Organisasjon: UKA. Prosjekt: 11 UKErevyen. {paid_in}: 0,00"
    assert [head.text for head in grid.heads[:2]] == ["Z-rapport", gross]
    assert [cell.text for cell in grid.totals[:2]] == ["Sum", "10,00"]
    assert grid.rows[0][0].href


def test_a_name_that_differs_under_one_number_is_not_said_once() -> None:
    table = Table("t", padded("event", "event_name"), [(1, "A", *rest(0)), (1, "B", *rest(1))])
    assert [row[0] for row in texts(context().grid(table, "T"))] == ["1 A", "1 B"]


def test_a_narrow_table_says_everything_in_every_row() -> None:
    table = Table("t", ("organisation_name", "opened_at"), [("UKA", NOON), ("UKA", NOON)])
    assert texts(context().grid(table, "T")) == [["UKA", "26. nov. 2026, 12:00:59"]] * 2


def test_moments_of_a_wide_table_are_short_and_one_row_of_it_is_a_list() -> None:
    two = Table("t", padded("opened_at", "seller"), [(NOON, "a", *rest(0)), (None, "b", *rest(1))])
    assert texts(context().grid(two, "T"))[0][0] == "26.11.2026, 12:00"
    one = Table("t", two.columns, two.rows[:1])
    facts = context().grid(one, "T")
    assert isinstance(facts, Facts)
    assert [value for _, value in facts.pairs] == ["26.11.2026, 12:00", "a", *map(str, rest(0))]
    assert isinstance(context().grid(Table("t", two.columns, []), "T"), Empty)


@pytest.mark.parametrize(
    ("values", "style"),
    [
        ([1, None, Decimal(2)], "n"),
        ([True], "w"),
        (["kort", "kontant"], "w"),
        (["studentradioen.no"], "w"),
        (["Trollet som ikke ville sove"], "t"),
        (["to ord"], ""),
        (["x" * 25], "u"),
        (["et " + "x" * 25], "u"),
    ],
)
def test_a_column_breaks_where_its_words_do(values: list[object], style: str) -> None:
    assert style_of(values) == style
