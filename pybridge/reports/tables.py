"""What a report is: tables, what was asked, and how the database is asked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from pybridge.formats import OSLO
from pybridge.reports.columns import adds_up

Connection = psycopg.Connection[Any]
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Table:
    """Rows, and which of their columns add up."""

    name: str
    columns: tuple[str, ...]
    rows: list[Row]
    totals: tuple[str, ...] = ()
    first: tuple[str, ...] = ()  # columns to show where there is not room for all

    def total(self, column: str) -> Decimal | int:
        """The sum of a column; what is null adds nothing."""
        place = self.columns.index(column)
        values: list[Decimal | int] = [row[place] for row in self.rows if row[place] is not None]
        return sum(values)


@dataclass(frozen=True)
class Report:
    """An answer. `tables` are for people; `flat` is all of it in one table, for programs."""

    name: str
    asked: Mapping[str, Any]  # the filters that were given
    tables: list[Table]
    flat: Table
    facts: Mapping[str, Any] = field(default_factory=dict)  # what is true of the whole answer
    meaning: str = ""  # what the figures are, for who is handed a report and has not the manual

    @property
    def is_empty(self) -> bool:
        return not self.flat.rows


@dataclass(frozen=True)
class Period:
    """From the first day to the last, both in it; either may be open."""

    first: date | None = None
    last: date | None = None

    @property
    def asked(self) -> dict[str, Any]:
        return {"from": self.first, "to": self.last}

    @property
    def bounds(self) -> dict[str, Any]:
        """Parameters: a comparison with infinity leaves the index on the date in use."""
        return {"first": self.first or "-infinity", "last": self.last or "infinity"}


ALWAYS = Period()


class UnknownReport(Exception):
    """There is no such view, or it has no such column; `known` are those that there are."""

    def __init__(self, message: str, known: Iterable[str]) -> None:
        super().__init__(message)
        self.known = sorted(known)


def prepare(connection: Connection) -> None:
    """Local times in the answers, whatever the client's own zone is."""
    connection.execute(sql.SQL("set time zone {}").format(sql.Literal(OSLO.key)))


def today(connection: Connection) -> date:
    """The server's local date."""
    prepare(connection)
    found = connection.execute("select current_date").fetchone()
    assert found is not None
    day: date = found[0]
    return day


def read(
    connection: Connection,
    name: str,
    query: LiteralString | sql.Composed,
    parameters: Mapping[str, Any] | Sequence[object] = (),
    totals: Sequence[str] = (),
) -> Table:
    """The answer to a query."""
    prepare(connection)
    with connection.cursor(row_factory=tuple_row) as cursor:
        cursor.execute(query, parameters)
        assert cursor.description is not None
        return Table(name, tuple(column.name for column in cursor.description), cursor.fetchall(), tuple(totals))


def single(flat: Table, asked: Mapping[str, Any], first: tuple[str, ...] = ()) -> Report:
    """A report of one table, which is named as it. Balances of open items add up over its rows, since each has a key of
    its own."""
    totals = tuple(column for column in flat.columns if adds_up(column))
    flat = replace(flat, totals=totals, first=first)
    return Report(flat.name, asked, [flat] if flat.rows else [], flat)
