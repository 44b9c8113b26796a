"""How the jobs do."""

from typing import Any

import psycopg
from psycopg.rows import dict_row

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
