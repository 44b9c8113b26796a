"""The command line, and the reading of programme files: what is printed, and the exit codes."""

import csv
import json
import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from pybridge.cli.main import app
from pybridge.files import programme
from pybridge.formats import local
from tests.conftest import Connection
from tests.support.cli import Run, run, url
from tests.support.programme import Row, row, three_lines

__all__ = ["run"]  # a fixture


def save(path: Path, rows: list[Row], *, delimiter: str = ",", encoding: str = "utf-8") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        columns = [name for name in rows[0] if name != "line"]
        writer = csv.DictWriter(file, columns, delimiter=delimiter, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


def unreadable(content: bytes) -> list[tuple[int | None, str, str]]:
    with pytest.raises(programme.UnreadableProgramme) as refused:
        programme.parse(content)
    return [(each.line, each.column_name, each.reason) for each in refused.value.problems]


# --- Files ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("delimiter", "encoding"), [(",", "utf-8"), (";", "utf-8"), (";", "utf-8-sig")])
def test_commas_semicolons_and_a_byte_order_mark_are_read(tmp_path: Path, delimiter: str, encoding: str) -> None:
    rows = [row(2, event_note="med «gåsegg»; og komma, ja"), row(3, price_group="Medlem")]
    file = save(tmp_path / "programme.csv", rows, delimiter=delimiter, encoding=encoding)
    assert programme.read(file) == rows


def test_lines_are_counted_as_an_editor_does() -> None:
    rows = programme.parse(b'a,b\r\n1,"two\r\nlines"\r\n\r\n ,\r\n3,4\r\n')
    assert [(each["line"], each["a"]) for each in rows] == [(2, "1"), (6, "3")]


NO_TABLES = [
    (b"", (1, "", "it is empty")),
    (b"a,b\n", (2, "", "there are no lines beneath the header")),
    (b"a,b\n1,2\n1\n", (3, "b", "1 fields, where the header has 2")),
    (b"a,b\n1,2,3\n", (2, "field 3", "3 fields, where the header has 2")),
    (b"a,b,a\n1,2,3\n", (1, "a", "the column stands twice")),
    (b"a,,c\n1,2,3\n", (1, "field 2", "the column has no name")),
    (b"a,line\n1,2\n", (1, "line", "unknown column")),
    (b"a,b\n1,K\xf8benhavn\n", (2, "b", "byte 0xF8 is not UTF-8: save the file as UTF-8")),
    (b"a,b\n1,2\0\n", (2, "", "a NUL character: is this a text file, in UTF-8?")),
    ("a,b\n1,2\n".encode("utf-16"), (1, "", "it is in UTF-16: save the file as UTF-8")),
    (b'a,b\n1,2\n3,"4\n5,6\n', (3, "", "cannot be read: unexpected end of data")),
]


def test_a_file_that_is_no_table_is_refused_by_line_and_column(subtests: pytest.Subtests) -> None:
    for content, problem in NO_TABLES:
        with subtests.test(content=content):
            assert unreadable(content) == [problem]


def test_every_line_of_the_wrong_length_is_named() -> None:
    assert [line for line, *_ in unreadable(b"a,b\n1\n1,2\n1,2,3\n")] == [2, 4]


def test_times_move_by_whole_weeks_and_nothing_else_does() -> None:
    (moved,) = programme.shifted([row(2, event_note="2099-10-07 19:00", sale_from="soon")], 2)
    assert moved["event_time"] == "2099-10-21 19:00"
    assert moved["sale_to"] == "2099-10-21 19:00"
    assert moved["event_note"] == "2099-10-07 19:00"
    assert moved["sale_from"] == "soon"


# --- Commands -------------------------------------------------------------------------------------------------------


def test_import_writes_the_programme_and_says_what_changed(db: Connection, run: Run, tmp_path: Path) -> None:
    file = save(tmp_path / "programme.csv", three_lines(), delimiter=";", encoding="utf-8-sig")
    first = run(db, "import", file)
    assert first.exit_code == 0, first.output
    assert [line.split() for line in first.stdout.splitlines() if "event" in line] == [["event", "2", "0", "0"]]
    again = json.loads(run(db, "import", file, "--json").stdout)
    assert again["problems"] == []
    assert {each["what"]: each["unchanged"] for each in again["imported"]} == {
        "project": 2,
        "event": 2,
        "ticket_group": 2,
        "price_group": 3,
    }
    assert "moved by 2 weeks" in run(db, "import", file, "--shift-weeks", "2").stdout
    assert db.execute("select distinct event_time::text from billig.event").fetchall() == [("2099-10-21 19:00:00",)]


def test_import_names_each_problem_and_writes_nothing(db: Connection, run: Run, tmp_path: Path) -> None:
    file = save(tmp_path / "programme.csv", [row(2), row(3, price_group="Medlem", price="-20", hidden="[red]nei")])
    refused = run(db, "import", file)
    assert refused.exit_code == 1
    for word in ("line", "column", "value", "reason", "price", "-20", "negative", "[red]nei", "not true or false"):
        assert word in refused.stdout
    assert "nothing was imported" in " ".join(refused.stdout.split())
    as_json = run(db, "import", file, "--json")
    assert as_json.exit_code == 1
    assert json.loads(as_json.stdout)["problems"] == [
        {"line": 3, "column_name": "hidden", "value": "[red]nei", "reason": "not true or false", "is_warning": False},
        {"line": 3, "column_name": "price", "value": "-20", "reason": "negative", "is_warning": False},
    ]
    (tmp_path / "bad.csv").write_bytes(b"a,b\n1\n")
    assert run(db, "import", tmp_path / "bad.csv").exit_code == 1
    assert db.execute("select count(*) from billig.event").fetchone() == (0,)


def test_import_warns_of_a_fee_over_its_price_and_imports_all_the_same(
    db: Connection, run: Run, tmp_path: Path
) -> None:
    lines = [row(2, ticket_fee="25"), row(3, price_group="Medlem", price="20", ticket_fee="25")]
    file = save(tmp_path / "programme.csv", lines)
    done = run(db, "import", file)
    assert done.exit_code == 0, done.output
    for words in ("less than the fee of 25", "1 warning: imported all the same.", "price_group"):
        assert words in " ".join(done.stdout.split())
    answer = json.loads(run(db, "import", file, "--json").stdout)
    assert [(each["line"], each["is_warning"]) for each in answer["problems"]] == [(3, True)]
    assert {each["what"]: each["unchanged"] for each in answer["imported"]}["price_group"] == 2


def test_check_is_silent_about_what_agrees_and_shows_what_does_not(db: Connection, run: Run) -> None:
    clean = run(db, "check")
    assert clean.exit_code == 0, clean.output
    assert clean.stdout.count("✓") >= 11
    assert "? z_report" in CliRunner(charset="ascii").invoke(app, ["check"]).stdout, "a terminal without that letter"
    db.execute("alter table billig.ticket disable trigger aa_follow_client_id")
    broken = run(db, "check")
    assert broken.exit_code == 1
    assert "✗ trigger_guard: 1" in broken.stdout
    assert "Every trigger stands, fires and calls what was deployed" in broken.stdout
    assert "aa_follow_client_id" in broken.stdout
    as_json = run(db, "check", "--json")
    assert as_json.exit_code == 1
    assert [each["view"] for each in json.loads(as_json.stdout) if each["broken"]] == ["trigger_guard"]


def test_a_till_is_opened_counted_and_reported_from_the_command_line(db: Connection, run: Run) -> None:
    def till(*arguments: str) -> Result:
        return run(db, "till", *arguments)

    assert till("stand", "1", "Door", "--organisation", "2").exit_code == 0
    assert till("status").stdout.strip() == "No till session is open."
    opened = till("open", "1", "--float", "500", "--seller", "kari", "--json")
    assert json.loads(opened.stdout)["opening_float"] == "500.00"
    assert till("event", "pay-in", "--amount", "100", "--reason", "change", "--seller", "kari").exit_code == 0
    assert "600.00" in till("status").stdout
    early = till("z", "1", "--seller", "kari")
    assert (early.exit_code, "23B29" in early.stderr) == (1, True)
    unexplained = till("close", "--counted", "CASH=590", "--seller", "kari")
    assert (unexplained.exit_code, "23B28" in unexplained.stderr) == (1, True)
    closed = till("close", "--pieces", "500=1", "--pieces", "10=9", "--note", "short", "--seller", "kari", "--json")
    assert [each["difference"] for each in json.loads(closed.stdout)] == ["-10.00"]
    assert till("x", "1").exit_code == 0
    made = json.loads(till("z", "1", "--json").stdout)
    assert {each["z_number"] for each in made} == {1}
    again = till("z", "1")
    assert (again.exit_code, "23B30" in again.stderr) == (1, True)
    assert "Cash difference" in till("x", "1").stdout
    for wrong in (
        ["open", "1", "--float", "much"], ["open", "1", "--float", "nan"], ["open", "one"], ["close", "--counted", "5"],
        ["close", "--counted", "=5"], ["close", "--pieces", "x=1"], ["close", "--pieces", "5=-1"], ["x"], ["y", "1"],
        ["open", "1", "--seller", ""],
    ):  # fmt: skip
        refused = till(*wrong)
        assert refused.exit_code == 2, wrong
        assert "Traceback" not in refused.output


def test_times_are_the_societys_wherever_the_machine_stands(
    db: Connection, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        run(db, "till", "stand", "1", "Door", "--organisation", "2")
        run(db, "till", "open", "1", "--seller", "kari")
        shown = run(db, "till", "status").stdout
    time.tzset()
    opened = db.execute("select billig.local_time(opened_at) from billig.till_session").fetchone()
    assert opened
    assert f" {opened[0]:%Y-%m-%d %H:%M} " in shown
    assert local(datetime.fromisoformat("2026-01-31 23:59")) == datetime(2026, 1, 31, 22, 59, tzinfo=UTC)


def test_a_period_is_closed_from_the_command_line(db: Connection, run: Run) -> None:
    today = db.execute("select billig.local_time()::date").fetchone()
    assert today
    first, last = (str(today[0] - timedelta(days=days)) for days in (7, 1))
    assert run(db, "period", "list").stdout.strip() == "No period is closed."
    closed = run(db, "period", "close", "UKA", "--from", first, "--to", last, "--json")
    assert json.loads(closed.stdout)["log_rows"] == 0
    again = run(db, "period", "close", "UKA", "--from", first, "--to", last)
    assert (again.exit_code, "23B41" in again.stderr) == (1, True)
    early = run(db, "period", "close", "Samfundet", "--from", first, "--to", str(today[0]))
    assert (early.exit_code, "23B40" in early.stderr) == (1, True)
    assert run(db, "period", "close", "Nobody", "--from", first, "--to", last).exit_code == 2
    assert f"UKA  {first} to {last}" in run(db, "period", "list").stdout
    assert run(db, "period", "roll-up").stdout.strip() == "0 rows rolled up"


def test_what_is_typed_wrongly_is_said_with_exit_code_2(db: Connection, run: Run, tmp_path: Path) -> None:
    for arguments in (
        ["import", tmp_path / "nowhere.csv"],
        ["import", tmp_path],
        ["import"],
        ["import", __file__, "--shift-weeks", "soon"],
        ["chekc"],
    ):
        result = run(db, *arguments)
        assert result.exit_code == 2, arguments
        assert "Traceback" not in result.output


def test_a_server_that_is_not_there_and_a_database_that_is_not_deployed_are_exit_code_3(
    bare_db: Connection, run: Run
) -> None:
    empty = run(bare_db, "check")
    assert (empty.exit_code, empty.stderr.splitlines()[-1]) == (3, "Run: pybridge deploy")
    for where in ("postgresql://127.0.0.1:1/x", f"{url(bare_db)}_not_there"):
        gone = run(where, "check")
        assert gone.exit_code == 3
        assert "cannot be reached" in gone.stderr
        assert "Traceback" not in gone.output
    for nonsense in ("billig", "postgresql://["):
        refused = run(nonsense, "check")
        assert (refused.exit_code, "DATABASE_URL is not the address" in refused.stderr) == (3, True)


def test_a_role_that_may_not_is_told_so(db: Connection, run: Run, tmp_path: Path) -> None:
    file = save(tmp_path / "programme.csv", three_lines())
    db.execute("create role cli_nobody login")
    try:
        db.execute("grant select on all tables in schema deploy to cli_nobody")
        db.execute("grant usage on schema deploy, billig to cli_nobody")
        refused = run(url(db, "cli_nobody"), "import", file)
    finally:
        db.execute("drop owned by cli_nobody")
        db.execute("drop role cli_nobody")
    assert refused.exit_code == 1
    assert refused.stderr.splitlines()[1:] == ["Log in as a role that may."], "and nothing of what PostgreSQL left out"
    assert "check_programme" in refused.stderr


def test_a_database_of_an_older_version_is_exit_code_3(db: Connection, run: Run, tmp_path: Path) -> None:
    db.execute("drop view report.log_position")
    result = run(db, "site", "--out", tmp_path / "site")
    assert result.exit_code == 3
    assert "deployed by another version" in result.stderr
    assert "pybridge deploy" in result.stderr


def test_the_house_is_deployed_from_the_command_line(bare_db: Connection, run: Run) -> None:
    assert run(bare_db, "deploy").exit_code == 0
    assert run(bare_db, "check").exit_code == 0


# --- Terminals ------------------------------------------------------------------------------------------------------

COLOUR = re.compile(r"\x1b\[[\d;]*3\d")


def test_colour_is_for_terminals_and_for_who_wants_it(
    db: Connection, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b" not in run(db, "till", "z", "1").stderr, "piped"
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert COLOUR.search(run(db, "till", "z", "1").stderr), "a terminal"
    monkeypatch.setenv("NO_COLOR", "1")
    assert not COLOUR.search(run(db, "till", "z", "1").stderr)


def test_progress_is_shown_on_a_terminal_alone_and_never_among_the_answer(
    db: Connection, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = save(tmp_path / "programme.csv", three_lines())
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    assert run(db, "import", file).stderr == ""
    monkeypatch.setenv("FORCE_COLOR", "1")
    again = run(db, "import", file, "--json")
    assert json.loads(again.stdout)["problems"] == []
    assert "importing 3 lines" in again.stderr
    matched = run(db, "bank", "match", "--json")
    assert json.loads(matched.stdout) == {"disputes": [], "expected": [], "matched": []}
    assert "matching" in matched.stderr


def test_an_output_that_is_full_ends_in_no_traceback() -> None:
    command = [sys.executable, "-m", "pybridge", "dsn"]
    environment = {**os.environ, "DATABASE_URL": "postgresql://localhost/billig"}
    with Path("/dev/full").open("w") as full:
        failed = subprocess.run(command, env=environment, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (failed.returncode, failed.stderr) == (1, "The output cannot be written: No space left on device.\n")
