"""How the jobs do, who holds others up, and which logins have no bounds."""

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

LONG = 3.0  # seconds that somebody may wait for another before it is worth a word

BLOCKERS = """
    select pid, login_role, application_name, state, open_for, waiting, waited, tables,
        extract(epoch from waited) > %s as is_wrong
    from report.blocker
    order by waited desc
"""

LOGINS = "select login_role, group_role, unset from report.login where cardinality(unset) > 0 order by 1, 2"

# What waits, by what for: `is_wrong` where it is overdue and not the person's turn, who is reminded by their own page.
WAITING = """
    select w.code, w.turn, count(*) as waiting, count(*) filter (where w.is_overdue) as overdue,
        greatest(extract(epoch from max(w.waited)), 0)::float8 as oldest,
        min(w.command) filter (where w.is_overdue) as command,
        bool_or(w.is_overdue) and w.turn <> 'PERSON' as is_wrong
    from report.waiting as w
    group by w.code, w.turn
    order by w.code
"""

OWN_BALANCE = """
    select w.gateway, count(*) as payments, sum(w.amount)::float8 as amount
    from report.waiting as w
    where w.code = 'WAITS_FOR_US'
    group by w.gateway
    order by w.gateway
"""

# What a gateway says it has beside what our books say; `is_wrong`: a line of its account that a person must explain.
BALANCES = """
    select b.gateway, b.difference::float8 as difference, b.open_entries, b.read_at,
        extract(epoch from now() - b.read_at)::float8 as age,
        b.open_entries > 0 as is_wrong
    from report.gateway_balance as b
    order by b.gateway
"""


def balances(connection: psycopg.Connection[Any]) -> list[Row]:
    """Each gateway that was asked: what it has more than our books say, NOK, and lines that nothing explains."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(BALANCES).fetchall()


def waiting(connection: psycopg.Connection[Any]) -> list[Row]:
    """What of the marketplace waits, and for what: report.waiting tells of each."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(WAITING).fetchall()


def own_balance(connection: psycopg.Connection[Any]) -> list[Row]:
    """Gateways at which our own balance did not suffice, and for what that waits, NOK."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(OWN_BALANCE).fetchall()


def blockers(connection: psycopg.Connection[Any]) -> list[Row]:
    """Sessions that others wait for; `is_wrong`: for longer than moments."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(BLOCKERS, [LONG]).fetchall()


def unbounded_logins(connection: psycopg.Connection[Any]) -> list[Row]:
    """Logins whose sessions begin without time-outs that their group has."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(LOGINS).fetchall()


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
