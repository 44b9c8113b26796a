"""Whether time is the server's: the template of all tests is marked, so that their months pass at once."""

import pytest

from tests.support import cluster
from tests.support.domain import Connection


def unmark(db: Connection) -> None:
    """As a real database, which nobody marked: what only a test does, and as a superuser."""
    if cluster.PORTS:
        pytest.skip("allowed: clicks are on a cluster, each of whose nodes keeps the mark by a trigger of its own")
    with db.transaction():
        db.execute("alter table deploy.test_clock disable trigger test_clock_keep")
        db.execute("delete from deploy.test_clock")
        db.execute("alter table deploy.test_clock enable always trigger test_clock_keep")
