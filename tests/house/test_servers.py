"""The server that a run is on."""

import os

import pytest

from tests.conftest import Connection, ServerInfo
from tests.support import servers
from tests.support.domain import one


@pytest.mark.smoke
def test_it_is_of_the_version_that_was_asked_for(shared_db: Connection, server: ServerInfo) -> None:
    asked = int(os.environ.get("PYBRIDGE_TEST_PG", servers.WHEEL_VERSION))
    assert server.version == asked
    assert one(shared_db, "select current_setting('server_version_num')::int / 10000") == asked


def test_a_version_that_is_not_here_is_refused_by_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(servers.MissingVersion, match="Debian's package postgresql-9"):
        servers.check("9")
    monkeypatch.setattr("tests.support.fetched.FOLDER", servers.MEMORY / "nothing")
    with pytest.raises(servers.MissingVersion, match=r"run: python -m tests\.support\.fetched 16"):
        servers.check("16")
