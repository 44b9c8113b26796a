"""The command line, run in this process on a test's database."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from pybridge.cli.main import app
from tests.conftest import Connection

Run = Callable[..., Result]


def url(connection: Connection, user: str | None = None) -> str:
    info = connection.info
    return f"postgresql://{user or info.user}@{info.host}:{info.port}/{info.dbname}"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """`pybridge` with these arguments, on the database of this connection."""
    monkeypatch.setenv("COLUMNS", "120")

    def run(connection: Connection | str, *arguments: str | Path) -> Result:
        where = connection if isinstance(connection, str) else url(connection)
        monkeypatch.setenv("DATABASE_URL", where)
        return CliRunner().invoke(app, [str(each) for each in arguments])  # type: ignore[return-value]

    return run
