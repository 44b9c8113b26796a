"""Whether time is the server's: the template of all tests is marked, so that their months pass at once."""

import psycopg

from tests.support import cluster, servers
from tests.support.domain import Connection


def unmark(db: Connection) -> None:
    """As a real database, which nobody marked: what only a test does, and as a superuser."""
    if cluster.PORTS:
        with psycopg.connect(db.info.dsn, user=servers.SUPERUSER, autocommit=True) as above:
            above.execute("set citus.enable_unsafe_triggers = on")
            _unmark(above)
    else:
        _unmark(db)


def _unmark(db: Connection) -> None:
    with db.transaction():
        db.execute("alter table deploy.test_clock disable trigger test_clock_keep")
        db.execute("delete from deploy.test_clock")
        db.execute("alter table deploy.test_clock enable always trigger test_clock_keep")
