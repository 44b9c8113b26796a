"""A file of clicks goes into the database in one transaction, its bad lines into a file."""

import csv
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from pybridge.client import Problem
from pybridge.client.marketplace import Marketplace
from pybridge.errors import translated
from pybridge.files import Tell, clicks, in_silence

Connection = psycopg.Connection[Any]
SHOWN = 20
FAULTS = ("fault_column", "fault_value", "fault")

FIRST_PROBLEMS = """
    select line, column_name, value, reason, false as is_warning
    from pg_temp.click_file_problem
    order by line, column_name
    limit %s
"""
REJECTED_LINES = """
    select p.line, p.columns, p.problem_values, p.reasons, {columns}
    from (
        select
            line, string_agg(column_name, '; ') as columns, string_agg(coalesce(value, ''), '; ') as problem_values,
            string_agg(reason, '; ') as reasons
        from pg_temp.click_file_problem
        group by line
    ) as p
    inner join pg_temp.click_file_line as l on p.line = l.line
    order by p.line
"""


@dataclass(frozen=True)
class Loaded:
    """What became of a file: `already` where its content had been loaded before, as `source`."""

    source: str
    sha256: str
    clicks: int
    rejected: int
    already: bool
    recorded_at: datetime | None
    reject_file: str | None = None
    problems: list[Problem] = field(default_factory=list)
    """The first of them; the reject file has all."""


def load(
    connection: Connection,
    path: Path,
    *,
    source: str | None = None,
    reject: Path | None = None,
    now: datetime | None = None,
    tell: Tell = in_silence,
) -> Loaded:
    """Load a file of clicks, once; the lines that are none go into the file `reject`.

    All in one transaction: whatever ends it before its end leaves nothing behind in the database.
    """
    name = source or path.name
    market = Marketplace(connection)
    with translated(), connection.transaction():
        tell("looking", 0, None)
        content = clicks.digest(path)
        for before in market.begin_click_file(source=name, content_sha256=content):
            return Loaded(before.source, content.hex(), before.clicks, 0, True, before.recorded_at)
        total = clicks.size(path)
        with clicks.opened(path, lambda done: tell("reading", done, total)) as table:
            if not _copy(connection, table):
                raise clicks.Unreadable(2, "", "there are no lines beneath the header")
            columns, content = table.columns, table.digest()
        tell("loading", 0, None)
        (loaded,) = market.load_clicks(source=name, content_sha256=content, now=now)
        if not loaded.is_new and loaded.clicks:
            return Loaded(loaded.source, content.hex(), loaded.clicks, 0, True, loaded.recorded_at)
        problems: list[Problem] = []
        if loaded.rejected:
            reject = reject or rejected_name(path)
            problems = _first_problems(connection)
            _write_rejected(connection, columns, reject)
    return Loaded(
        loaded.source,
        content.hex(),
        loaded.clicks,
        loaded.rejected,
        False,
        loaded.recorded_at if loaded.clicks else None,
        str(reject) if loaded.rejected else None,
        problems,
    )


def rejected_name(path: Path) -> Path:
    """Where bad lines go by default."""
    return path.with_name(f"{path.name}.rejected.csv")


def _copy(connection: Connection, table: clicks.Table) -> int:
    into = sql.SQL("copy pg_temp.click_file_line ({}) from stdin").format(
        sql.SQL(", ").join(map(sql.Identifier, ("line", *table.columns, *FAULTS)))
    )
    count = 0
    with connection.cursor() as cursor, cursor.copy(into) as copy:
        for each in table.lines:
            fault = each.fault
            if fault is None:
                copy.write_row((each.line, *each.fields, None, None, None))
            else:
                copy.write_row((each.line, *each.fields, fault.column_name, fault.value, fault.reason))
            count += 1
    return count


def _first_problems(connection: Connection) -> list[Problem]:
    with connection.cursor(row_factory=class_row(Problem)) as cursor:
        return cursor.execute(FIRST_PROBLEMS, (SHOWN,)).fetchall()


def _write_rejected(connection: Connection, columns: list[str], reject: Path) -> None:
    """All bad lines, with what is wrong: written before the commit, so that none is lost."""
    query = sql.SQL(REJECTED_LINES).format(
        columns=sql.SQL(", ").join(sql.Identifier("l", column) for column in columns)
    )
    with (
        connection.cursor("rejected") as cursor,
        reject.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*clicks.REJECTED, *columns])
        cursor.itersize = 2000
        writer.writerows(cursor.execute(query))
