"""How a page asks the database: one report of those that are declared, or a query of its own."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, LiteralString

from psycopg import sql

from pybridge.reports import declared
from pybridge.reports.declared import DAYS, REPORTS
from pybridge.reports.tables import Period, Report, Table, read
from pybridge.web.pages.blocks import Context, Section, Target

Links = dict[str, Callable[[dict[str, Any]], Target]]


def report(context: Context, name: str) -> Report:
    """A declared report, asked as the page is."""
    asked = {key: context.values[key] for key in REPORTS[name].filters if key != DAYS}
    return declared.answer(context.connection, name, period(context), **asked)


def ask(
    context: Context,
    name: str,
    query: LiteralString | sql.Composed,
    totals: Sequence[str] = (),
    **values: object,
) -> Table:
    return read(context.connection, name, query, {**period(context).bounds, **values}, totals)


def period(context: Context) -> Period:
    return Period(context.values.get("from"), context.values.get("to"))


def dated(context: Context) -> dict[str, Any]:
    """The period, for a link to another page of it."""
    return {"from": context.values.get("from"), "to": context.values.get("to")}


def sections_of(name: str) -> Callable[[Context], list[Section]]:
    """The page of a report that has no sections of its own: its rows, linked to the pages of what they name."""

    def sections(context: Context) -> list[Section]:
        title = context.words(REPORTS[name].title)
        links: Links = {
            "event": lambda row: ("event-sales", {"event": row["event"]}),
            "project": lambda row: to_project(context, row),
            "till_session": lambda row: ("settlement", {"session": row["till_session"]}),
        }
        flat = report(context, name).flat
        shown = {column: link for column, link in links.items() if column in flat.columns}
        return [Section(title, [context.grid(flat, title, links=shown)])]

    return sections


def to_project(context: Context, row: Mapping[str, Any]) -> Target:
    """A project's days; None of what has no project."""
    return ("project-day", {**dated(context), "project": row["project"]}) if row["project"] else None
