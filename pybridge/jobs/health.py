"""How the jobs do."""

from typing import Any

import psycopg
from psycopg.rows import dict_row

from pybridge.errors import NotFound

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
    """Each job of the schedule, as report.job_health has it; `is_wrong`: it is late, or fails.

    Where no job is scheduled at all, nothing runs, and nothing is well.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(HEALTH).fetchall()
    if not found:
        raise NotFound(
            "no job is scheduled",
            "Table jobs.schedule is empty, so nothing runs by itself.",
            "Put its rows back, as migrations/ has them.",
        )
    return found
