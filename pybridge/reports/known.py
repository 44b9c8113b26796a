"""Whether what a report or page is asked about is there: an empty answer about a name typed wrongly is none.

Whichever it is, and whatever filter, what is not there is refused here, and what is like it is named.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, LiteralString

from pybridge.errors import NotFound
from pybridge.reports.tables import Connection

NEAR = 5  # so many names are told


class UnknownName(NotFound):
    """There is no such seller, event, ...; the hint names those that are like it."""

    def __init__(self, what: str, value: object, near: list[str]) -> None:
        hint = f"There are: {', '.join(near)}." if near else "None is near it."
        super().__init__(f"There is no {what} {value}.", hint=hint)


@dataclass(frozen=True)
class Numbered:
    """What has a number: whether it is there, and its neighbours."""

    what: str
    there: LiteralString
    near: LiteralString  # those next to the number, and what they are called


# Ticket by ticket, and no further than what lies about it: there may be a hundred million.
NUMBERED = {
    "event": Numbered(
        "event",
        "select from report.event where event = %(value)s",
        "select event, event_name || coalesce(' ' || event_date, '') from report.event"
        " order by abs(event::bigint - %(value)s), event limit %(near)s",
    ),
    "project": Numbered(
        "project",
        "select from report.project where project = %(value)s",
        "select project, project_name from report.project"
        " order by abs(project::bigint - %(value)s), project limit %(near)s",
    ),
    "session": Numbered(
        "till session",
        "select from report.till_log where till_session = %(value)s limit 1",
        "select distinct till_session, seller, abs(till_session - %(value)s) from report.till_log"
        " where till_session is not null order by abs(till_session - %(value)s), till_session limit %(near)s",
    ),
    "ticket": Numbered(
        "ticket",
        "select from report.transaction where ticket = %(value)s limit 1",
        "select ticket, event_name, abs(ticket - %(value)s) from report.ticket_history"
        " where ticket between %(value)s - 1000 and %(value)s + 1000 order by abs(ticket - %(value)s) limit %(near)s",
    ),
}
NAMED: dict[str, LiteralString] = {  # what has a name: all there are
    "seller": "select seller from report.seller order by seller",
    "job": "select job from report.job_health union select job from report.job_run order by job",
}
CALLED = {"till_session": "session"}  # a column of a view, and the filter that is the same
BIGGEST = 2**62  # beyond it no number's neighbours can be told


def check(connection: Connection, asked: Mapping[str, Any]) -> None:
    """Refuses the first of these filters that names what does not exist (UnknownName)."""
    for name, value in asked.items():
        if value is None or value == "":
            continue
        if name in NAMED:
            _name(connection, NAMED[name], name, str(value))
        elif numbered := NUMBERED.get(CALLED.get(name, name)):
            _number(connection, numbered, value)


def _number(connection: Connection, of: Numbered, value: Any) -> None:
    try:
        number = int(value)
    except ValueError:
        return  # refused by its type already
    if abs(number) < BIGGEST and connection.execute(of.there, {"value": number}).fetchone() is not None:
        return
    number = max(-BIGGEST, min(BIGGEST, number))
    found = connection.execute(of.near, {"value": number, "near": NEAR}).fetchall()
    raise UnknownName(of.what, value, [f"{row[0]} ({row[1]})" if row[1] else str(row[0]) for row in found])


def _name(connection: Connection, query: LiteralString, what: str, value: str) -> None:
    names = [row[0] for row in connection.execute(query).fetchall()]
    if value in names:
        return
    by_lower = {name.lower(): name for name in names}
    alike = [name for name in by_lower if value.lower() in name]
    alike += get_close_matches(value.lower(), [name for name in by_lower if name not in alike], n=NEAR, cutoff=0.5)
    raise UnknownName(what, value, [by_lower[each] for each in alike[:NEAR]] or names[:NEAR])
