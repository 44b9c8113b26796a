"""`pybridge health` and `pybridge metrics`: how the jobs do, for people and for what watches over them."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import psycopg
import typer
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry
from psycopg.rows import dict_row
from rich.console import Console
from rich.text import Text

from pybridge.cli.common import REFUSED, Json, connect, local, new_table, print_json

Row = dict[str, Any]

HEALTH = """
    select
        h.*,
        extract(epoch from h.last_success_at)::float8 as success_timestamp,
        extract(epoch from h.last_success_age)::float8 as success_age,
        extract(epoch from now() - h.due_since)::float8 as overdue,
        h.late or h.failing_periods > 0 as is_wrong
    from report.job_health as h
    order by h.job
"""


def jobs(connection: psycopg.Connection[Any]) -> list[Row]:
    """Each job of the schedule, as report.job_health has it; `is_wrong`: it is late, or fails."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(HEALTH).fetchall()


# Name, the column, and what it says. All are gauges: the database says how things are, not this program.
METRICS = (
    ("last_success_timestamp_seconds", "success_timestamp", "When the newest run that succeeded ended."),
    ("last_success_age_seconds", "success_age", "How long ago that is."),
    ("overdue_seconds", "overdue", "How long it has been due without success; 0: it is not due."),
    ("consecutive_failures", "consecutive_failures", "Runs that failed or crashed since the last success."),
    ("failing_periods", "failing_periods", "Periods that are due and whose newest run failed or crashed."),
    ("late", "late", "1: due for longer than its grace."),
    ("enabled", "enabled", "0: the schedule leaves it out."),
    ("last_row_count", "last_row_count", "Rows of the newest run; of consistency, rows that should not be there."),
)


class _Jobs(Collector):
    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows

    def collect(self) -> Iterator[Metric]:
        for name, column, what in METRICS:
            unit = "seconds" if name.endswith("_seconds") else ""
            family = GaugeMetricFamily(f"pybridge_job_{name}", what, labels=["job"], unit=unit)
            for row in self.rows:
                value = 0 if column == "overdue" and row[column] is None else row[column]
                if value is not None:  # what never was has no value
                    family.add_metric([row["job"]], float(value))
            yield family


def openmetrics(rows: list[Row]) -> str:
    """The same as OpenMetrics text."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Jobs(rows))
    text: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]
    return text.decode()


def health(as_json: Json = False) -> None:
    """Say how the jobs do: exits 1 where one is late or fails, 3 without a database."""
    with connect(deployed=True) as connection:
        rows = jobs(connection)
    wrong = [row["job"] for row in rows if row["is_wrong"]]
    if as_json:
        print_json(rows)
    else:
        _print(rows)
        what = f"late or failing: {', '.join(wrong)}" if wrong else "all is well"
        Console().print(Text(what, style="bold red" if wrong else "green"))
    if wrong:
        raise typer.Exit(REFUSED)


def metrics() -> None:
    """Print how the jobs do as OpenMetrics text, for Prometheus."""
    with connect(deployed=True) as connection:
        typer.echo(openmetrics(jobs(connection)), nl=False)


def _print(rows: list[Row]) -> None:
    table = new_table()
    for name in ("job", "succeeded", "newest run", "failures", "next", ""):
        table.add_column(
            name, no_wrap=name in ("next", ""), overflow="fold", justify="right" if name == "failures" else "left"
        )
    for row in rows:
        note = "late" if row["late"] else "" if row["enabled"] else "off"
        cells = (
            *(row["job"], _ago(row["last_success_age"]), row["last_state"] or ""),
            *(str(row["consecutive_failures"]), _moment(row["next_at"]), note),
        )
        style = "red" if row["is_wrong"] else "dim" if not row["enabled"] else ""
        table.add_row(*(Text(cell, style) for cell in cells))
    console = Console()
    console.print(table)
    for row in rows:
        if row["error_message"]:
            code = f" ({row['error_code']})" if row["error_code"] else ""
            console.print(Text(f"{row['job']}: {row['error_message']}{code}"))


def _ago(age: timedelta | None) -> str:
    if age is None:
        return "never"
    seconds = age.total_seconds()
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else f"{local(moment):%m-%d %H:%M}"
