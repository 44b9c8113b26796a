"""Figures over time as charts, each with the table that it was drawn from, and a word on what is not drawn."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from pybridge.reports.tables import Table
from pybridge.web.pages import charts
from pybridge.web.pages.blocks import Block, Cell, Chart, Context, Empty, Grid

DAYS = 400  # a longer time is drawn by the days that something happened on

Values = Mapping[date, Decimal]


@dataclass
class Rest:
    """What is in the table of a chart as one column, and is not drawn: how many, and what they come to each day."""

    count: int = 0
    values: dict[date, Decimal] = field(default_factory=lambda: defaultdict(Decimal))


def chart(context: Context, title: str, svg: Any, table: Table, note: str = "") -> Chart:
    grid = context.grid(table, title)
    assert isinstance(grid, Grid)
    return Chart(title, svg, grid, note)


def days(found: Sequence[date]) -> list[date]:
    """Every day from the first to the last, so that a gap is seen as one."""
    first, last = min(found), max(found)
    if (last - first).days > DAYS:
        return sorted(found)
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _months(found: Sequence[date]) -> list[date]:
    months, last = [min(found)], max(found)
    while months[-1] < last:
        months.append((months[-1] + timedelta(days=31)).replace(day=1))
    return months


def over_time(
    context: Context,
    title: str,
    points: Mapping[tuple[Any, str], Values],
    unit: str,
    *,
    is_money: bool,
    by_month: bool = False,
    rest: Rest | None = None,
) -> Block:
    """A line for each of the largest, and what all others come to in words; all of it as a table, one row per day.

    `points`: by number and name. `rest`: others that were added up already.
    """
    words = context.words
    write = words.money if is_money else words.number
    ranked = sorted(points, key=lambda key: -abs(sum(points[key].values(), Decimal())))
    drawn = [(key[1], points[key]) for key in ranked[: charts.MOST]]
    rest = rest or Rest()
    rest.count += len(ranked) - len(drawn)
    for key in ranked[charts.MOST :]:
        for day, value in points[key].items():
            rest.values[day] += value
    found = sorted({day for _, values in drawn for day in values} | set(rest.values))
    if not found:
        return Empty()
    places = _months(found) if by_month else days(found)
    across = words("Month") if by_month else words("Day")
    if len(places) == 1:  # one day makes no line
        when = words.month(places[0]) if by_month else words.day(places[0])
        svg = charts.bars(
            words, title, [name for name, _ in drawn], [float(values.get(places[0], 0)) for _, values in drawn],
            unit, when,
        )  # fmt: skip
    else:
        svg = charts.lines(
            words,
            title,
            [words.month(day) if by_month else words.short_day(day) for day in places],
            [charts.Series(name, [float(values.get(day, 0)) for day in places]) for name, values in drawn],
            unit,
            across,
        )
    said = []
    if rest.count:
        said.append(
            words(
                "The {drawn} largest of {all} are drawn. The others come to {amount} {unit} together; in the table they"
                " are one column.",
                drawn=len(drawn),
                all=len(drawn) + rest.count,
                amount=write(sum(rest.values.values(), Decimal())),
                unit=unit,
            )
        )
    if not by_month and (places[-1] - places[0]).days > DAYS:
        said.append(words("Days without anything are left out."))
    columns = [*drawn, *([(words("other"), rest.values)] if rest.count else [])]
    grid = _grid(context, title, across, places, columns, words.month if by_month else words.day, write)
    return Chart(title, svg, grid, " ".join(said))


def _grid(
    context: Context,
    title: str,
    across: str,
    places: Sequence[date],
    columns: Sequence[tuple[str, Values]],
    when: Callable[[date], str],
    write: Callable[[Decimal], str],
) -> Grid:
    """One row for each day, or month, on which something happened."""
    rows = [
        [Cell(when(day), "w"), *(Cell(write(values.get(day, Decimal())), "n") for _, values in columns)]
        for day in places
        if any(day in values for _, values in columns)
    ]
    heads = [Cell(across, "w"), *(Cell(name, "n") for name, _ in columns)]
    sums = (sum(values.values(), Decimal()) for _, values in columns)
    return Grid(title, heads, rows, [Cell(context.words("Total")), *(Cell(write(each), "n") for each in sums)])
