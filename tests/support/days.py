"""A clock that a test can move: the database's date is taken from a table, and figures are asked by posting date."""

from dataclasses import dataclass
from datetime import date, timedelta

from psycopg import sql

from tests.support.domain import UKA, Connection, Row, call_in, one, rows, run

REPORTS = ("transaction", "transaction_line", "seller_activity", "vat_by_project")


@dataclass(frozen=True)
class Calendar:
    """The date of the database, in every session. It starts on the real one."""

    db: Connection

    @property
    def today(self) -> date:
        found = one(self.db, "select billig.local_time(clock_timestamp())::date")
        assert isinstance(found, date)
        return found

    def forward(self, days: int = 1) -> date:
        """Moves on (or back), and says what day it is then."""
        run(
            self.db,
            "insert into public.clock select clock_timestamp(), max(days) filter (where since ="
            " (select max(since) from public.clock)) + %s from public.clock",
            days,
        )
        return self.today

    def close(self, first_day: date, last_day: date | None = None, organisation: int = UKA) -> int:
        """Closes a period; of one day if no last one is named."""
        closed = call_in(
            self.db,
            "books",
            "close_period",
            organisation=organisation,
            first_day=first_day,
            last_day=last_day or first_day,
        )
        return int(closed[0]["accounting_period"])


def movable_clock(db: Connection) -> Calendar:
    """Puts a clock of the test's own where every date of the ledger comes from: billig.local_time.

    A moment that was before the clock was moved keeps the day that it had.
    """
    run(db, "create table public.clock as select timestamptz '-infinity' as since, 0 as days")
    run(db, "grant select on public.clock to public")
    run(
        db,
        """
        create or replace function billig.local_time(p_time timestamptz default now())
        returns timestamp
        language sql stable parallel safe
        return (p_time at time zone 'Europe/Oslo') + (
            select c.days * interval '1 day'
            from public.clock as c
            where c.since <= p_time
            order by c.since desc
            limit 1
        )
        """,
    )
    return Calendar(db)


def figures(db: Connection, first_day: date, last_day: date, organisation_name: str = "UKA") -> dict[str, list[str]]:
    """Every report over a period, by posting date: what must never change once the period is closed.

    But for the place of a row in the history of commits, which a restored dump's rows have anew.
    """
    query = sql.SQL(
        "select (to_jsonb(r) - 'history_position')::text as row from {} as r"
        " where r.posting_date between %s and %s and r.organisation_name = %s order by 1"
    )
    return {
        report: [
            row["row"]
            for row in rows(db, query.format(sql.Identifier("report", report)), first_day, last_day, organisation_name)
        ]
        for report in REPORTS
    }


def takings(db: Connection, first_day: date, last_day: date | None = None) -> int:
    """NOK of a period, all organisations."""
    query = "select coalesce(sum(gross_amount), 0) from report.vat_by_project where posting_date between %s and %s"
    return int(one(db, query, first_day, last_day or first_day))


def late(db: Connection) -> list[Row]:
    return rows(db, "select * from report.late_transaction order by transaction_log")


def day_after(day: date, days: int = 1) -> date:
    return day + timedelta(days=days)
