"""What the command line says of itself costs little, and a command whose extra is missing says which to install."""

import importlib
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.main import get_group

from pybridge.cli.main import COMMANDS
from tests.conftest import Connection
from tests.support.cli import url

HEAVY = {"psycopg", "jinja2", "lxml", "flask", "stripe", "rich", "yoyo", "xlsxwriter", "babel", "vl_convert", "psutil"}


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name != "DATABASE_URL" and not name.startswith("PG")}
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        env=kept | {"COLUMNS": "80"} | environment,
    )


def without(module: str, *arguments: str, database: str = "postgresql://nobody@127.0.0.1:1/none") -> str:
    """What `pybridge` says where that module is not installed."""
    code = f"import sys; sys.modules[{module!r}] = None\nfrom pybridge.cli.main import app\napp({list(arguments)!r})"
    ended = python(code, **({"DATABASE_URL": database} if database else {}))
    assert "Traceback" not in ended.stderr
    assert ended.returncode == 1, ended
    return " ".join(ended.stderr.split())


def test_help_imports_nothing_that_only_commands_need() -> None:
    code = """
import sys
from pybridge.cli.main import app
try:
    app(["--help"])
finally:
    print("modules:", *sorted({name.partition(".")[0] for name in sys.modules}))
"""
    ended = python(code)
    said, _, names = ended.stdout.partition("modules:")
    assert "import" in said
    assert HEAVY & set(names.split()) == set()
    assert "pybridge" in names.split()


def test_help_says_of_each_command_all_of_its_line() -> None:
    said = " ".join(python("from pybridge.cli.main import app; app(['--help'])").stdout.split())
    assert [name for name, (_, line) in COMMANDS.items() if f"{name} {line}" not in said] == []


def test_a_line_of_help_has_one_home() -> None:
    for name, (where, _) in COMMANDS.items():
        module, _, command = where.partition(".")
        group = get_group(importlib.import_module(f"pybridge.cli.{module}").app)
        assert not (group.commands[command] if command else group).help, name


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help_of_its_own(name: str) -> None:
    ended = python(f"from pybridge.cli.main import app; app([{name!r}, '--help'])")
    assert ended.returncode == 0, ended.stderr
    assert COMMANDS[name][1] in " ".join(ended.stdout.split())


def test_it_says_which_version_it_is() -> None:
    assert python("from pybridge.cli.main import app; app(['--version'])").stdout == f"pybridge {version('pybridge')}\n"


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("pybridge pa", {"payment"}),
        ("pybridge till o", {"open"}),
        ("pybridge report settlement --se", {"--seller", "--session"}),
    ],
)
def test_a_shell_completes_what_is_typed(typed: str, offered: set[str]) -> None:
    words = {"COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1)}
    code = "from pybridge.cli.main import app; app(prog_name='pybridge')"
    assert set(python(code, _PYBRIDGE_COMPLETE="complete_bash", **words).stdout.split()) == offered


@pytest.mark.parametrize(
    ("module", "arguments", "extra"),
    [
        ("psycopg", ("check",), "binary"),
        ("platformdirs", ("up",), "local"),
        ("flask", ("serve",), "web"),
        ("vl_convert", ("site", "--out", "pages"), "web"),
        ("babel", ("report", "page", "settlement", "--html", "page.html"), "web"),
        ("prometheus_client", ("metrics",), "metrics"),
        ("lxml", ("payment", "events", "bank", "/dev/null"), "bank"),
        ("stripe", ("payment", "events", "stripe", "/dev/null"), "stripe"),
    ],
)
def test_a_command_without_its_extra_says_which_to_install(module: str, arguments: tuple[str, ...], extra: str) -> None:
    assert f"pip install 'pybridge[{extra}]'" in without(module, *arguments)


def test_without_an_embedded_server_a_database_may_be_named_instead() -> None:
    said = without("platformdirs", "check", database="")
    assert "pip install 'pybridge[local]'" in said
    assert "DATABASE_URL" in said


def test_a_file_that_needs_an_extra_is_refused_and_others_are_not(shared_db: Connection, tmp_path: Path) -> None:
    where = url(shared_db)
    statement = tmp_path / "statement.xml"
    statement.write_text("<Document/>")
    assert "pybridge[bank]" in without("lxml", "bank", "import", str(statement), database=where)
    parquet = tmp_path / "clicks.parquet"
    parquet.write_bytes(b"PAR1")
    assert "pybridge[parquet]" in without("duckdb", "clicks", "load", str(parquet), database=where)
    spreadsheet = str(tmp_path / "sessions.xlsx")
    assert "pybridge[xlsx]" in without("xlsxwriter", "report", "sessions", "--xlsx", spreadsheet, database=where)
    blocked = "import sys; sys.modules['xlsxwriter'] = sys.modules['lxml'] = None\n"
    code = f"{blocked}from pybridge.cli.main import app; app(['report', 'sessions', '--csv'])"
    assert python(code, DATABASE_URL=where).returncode == 0
