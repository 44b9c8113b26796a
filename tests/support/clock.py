"""Whether time is the server's: the template of all tests is marked, so that their months pass at once."""

from tests.support import cluster
from tests.support.domain import Connection


def unmark(db: Connection) -> None:
    """As a real database, which nobody marked: what only a test does, and as a superuser."""
    with db.transaction():
        if cluster.PORTS:  # the workers' copies have none
            db.execute("set citus.enable_ddl_propagation = off")
            db.execute("set citus.enable_unsafe_triggers = on")
        db.execute("alter table deploy.test_clock disable trigger test_clock_keep")
        db.execute("delete from deploy.test_clock")
        db.execute("alter table deploy.test_clock enable always trigger test_clock_keep")
