"""Numbers on the command line: what no column holds is a bad option, and never a traceback."""

from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from pybridge.cli.common import decimal_of
from pybridge.cli.main import Group, app
from tests.conftest import Connection
from tests.support.cli import url


def options() -> Iterator[tuple[str, Any]]:
    """Every option and argument of every command, with the command's name."""

    def walk(name: str, command: Any) -> Iterator[tuple[str, Any]]:
        for each in command.params:
            yield name, each
        for inner in getattr(command, "commands", {}).values():
            yield from walk(f"{name} {inner.name}", inner)

    commands: Any = Group(name="pybridge").commands
    for name, command in commands.items():
        yield from walk(name, command.load())


def test_every_number_has_a_smallest_and_a_largest() -> None:
    numbers, loose = 0, []
    for command, each in options():
        if each.type_descriptor.annotation in (int, float, tuple[int, int]):
            numbers += 1
            if each.min is None or each.max is None:
                loose.append(f"{command}: {each.name}")
    assert loose == []
    assert numbers > 20


@pytest.mark.parametrize(
    "call",
    [
        ("job", "log", "--limit", str(10**30)),
        ("job", "log", "--limit", str(2**63)),
        ("report", "ticket", str(10**30)),
        ("bank", "route", "R", "--account", "A", "--source", "DAY", "--days", "0", str(10**30)),
        ("bank", "undo", str(10**30), "--reason", "x"),
        ("bank", "match", "--entry", str(10**30), "--expected", "1"),
        ("bank", "match", "--entry", "1=NaN", "--expected", "1"),
        ("bank", "match", "--entry", "1=1e99", "--expected", "1"),
        ("bank", "ignore", "--entry", "-1", "--reason", "x"),
        ("payment", "cancel", str(10**30), "--reason", "x"),
        ("payment", "fee", "1e400", "--reason", "x"),
        ("till", "open", str(10**30)),
        ("receipt", "--purchase", str(10**30)),
        ("receipt", "--purchase", "1", "--key", "not a key"),
    ],
    ids=lambda call: " ".join(call)[:40],
)
def test_a_number_that_no_column_holds_is_a_bad_option(db: Connection, call: tuple[str, ...]) -> None:
    done = CliRunner().invoke(app, call, env={"DATABASE_URL": url(db)})
    assert (done.exit_code, done.exception.__class__) == (2, SystemExit), done.output


@pytest.mark.parametrize("text", ["", "x", "NaN", "inf", "-Infinity", "1e15", "12,50"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        decimal_of(text)
