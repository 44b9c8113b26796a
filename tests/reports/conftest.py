"""What was sold, in random histories and in the demo: played once for all tests of this folder, which leave it so."""

from collections.abc import Iterator
from io import StringIO

import psycopg
import pytest
from psycopg import sql
from pytest_postgresql.executors import NoopExecutor
from rich.console import Console

from examples.festival import play as demo
from tests.conftest import Clone, Connection, ServerInfo
from tests.support import raw_tables, servers
from tests.support.histories import History

STEPS = 90
SMALL = demo.Size(sellers=3, web_buyers=3, days=2, actions=25)


@pytest.fixture(scope="package", params=["demo", 18])
def played(request: pytest.FixtureRequest, server: ServerInfo, template: NoopExecutor) -> Iterator[Connection]:
    """The demo, and random histories of every type of transaction."""
    janitor = Clone(
        user=server.user, host=server.host, port=server.port, dbname="answers",
        template_dbname=template.template_dbname, password=None,
    )  # fmt: skip
    janitor.drop()
    with janitor:
        opened: list[Connection] = [
            psycopg.connect(
                host=str(server.socket_dir), port=server.port, dbname="answers", user=servers.SUPERUSER, autocommit=auto
            )
            for auto in (True, False)
        ]
        if request.param == "demo":
            demo.play(opened[0].info.dsn, Console(file=StringIO(), width=100), SMALL)
        else:
            History(opened[0], opened[1], request.param).play(STEPS)
            opened[1].commit()
        yield opened[0]
        for each in opened:
            each.close()
    if request.param == "demo":  # its roles are the whole server's
        with psycopg.connect(
            host=str(server.socket_dir), port=server.port, dbname="postgres", user=servers.SUPERUSER, autocommit=True
        ) as connection:
            for role in demo.ROLES:
                connection.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(role)))


@pytest.fixture(scope="package")
def raw(played: Connection) -> raw_tables.Frames:
    return raw_tables.read(played)
