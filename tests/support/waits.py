"""Who waits in vain for a lock: at once, where a test is about what is then said."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import sql

from pybridge.deploy import bounds
from tests.conftest import Connection
from tests.support.domain import rows


@contextmanager
def impatient(db: Connection, wait: str = "200ms") -> Iterator[None]:
    """Functions of ours wait no longer than this, and as long as they did afterwards.

    A SET clause of theirs bounds them: what a session sets is none of their business (pybridge.deploy.bounds).
    """
    bounded = rows(
        db,
        """
        select p.oid::regprocedure::text as name from pg_proc as p
        where p.pronamespace::regnamespace::text <> 'pg_catalog' and %s = any(p.proconfig)
        """,
        f"lock_timeout={bounds.LOCK_TIMEOUT}",
    )
    assert len(bounded) > 100

    def bound(setting: str) -> None:
        with db.transaction():
            for row in bounded:
                statement = sql.SQL("alter function {} set lock_timeout = {}")
                db.execute(statement.format(sql.SQL(row["name"]), sql.Literal(setting)))

    bound(wait)
    try:
        yield
    finally:
        bound(bounds.LOCK_TIMEOUT)
