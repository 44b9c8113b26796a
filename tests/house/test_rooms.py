"""The package is rooms with doors: who may import whom, and how large a file and a function may grow."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pybridge

PACKAGE = Path(pybridge.__file__).parent
CHECKOUT = Path(__file__).parents[2]
MOST_LINES_OF_FILE, MOST_LINES_OF_FUNCTION = 400, 80

DOORS: dict[str, set[str]] = {
    "client": {"errors"},
    "database": {"extras", "local"},  # the embedded server, where no other is named
    "deploy": {"database", "paths"},  # calls.py is a program, too: `make client`
    "errors": set(),
    "extras": set(),
    "files": {"client", "errors", "extras"},
    "formats": set(),
    "jobs": {"client", "database", "errors", "formats", "payments", "reports"},
    "local": {"database", "formats"},
    "paths": set(),
    "payments": {"client", "errors", "extras", "files"},
    "reports": {"errors", "extras", "formats"},
    "terminal": {"client", "files"},
    "web": {"database", "errors", "reports"},
}
"""What each room may import of the others; `cli` imports what it likes, and nobody imports `cli`."""

LONG_FILES = {
    "errors.py": "a class of a few lines for each SQLSTATE: a list",
    "client/billig.py": "generated: a method for each function of the database",
    "client/marketplace.py": "generated likewise",
}
LONG_FUNCTIONS: dict[str, str] = {}


def modules() -> Iterator[tuple[str, str, ast.Module]]:
    """Each file of the package: its room, its path in the package, and what stands in it."""
    for path in sorted(PACKAGE.rglob("*.py")):
        inside = path.relative_to(PACKAGE)
        room = inside.parts[0].removesuffix(".py")
        if room not in {"__init__", "__main__", "cli"}:
            yield room, inside.as_posix(), ast.parse(path.read_text("utf-8"))


def imported(tree: ast.Module) -> Iterator[str]:
    """The names of all modules that are imported anywhere in it, in full."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                yield "relative"
                continue
            yield node.module or ""
            yield from (f"{node.module}.{each.name}" for each in node.names)


def rooms(tree: ast.Module) -> set[str]:
    """The rooms of ours that it imports."""
    ours = {each.name.removesuffix(".py") for each in PACKAGE.iterdir()}
    parts = (name.split(".") for name in imported(tree))
    return {part[1] for part in parts if part[0] == "pybridge" and len(part) > 1 and part[1] in ours}


def test_a_room_imports_only_those_that_it_has_a_door_to() -> None:
    unknown = {
        f"{path} imports {', '.join(sorted(others))}"
        for room, path, tree in modules()
        if (others := rooms(tree) - {room} - DOORS[room])
    }
    assert unknown == set()
    assert [path for _, path, tree in modules() if "relative" in imported(tree)] == []


def test_examples_and_benchmarks_go_in_by_the_same_doors_as_anyone() -> None:
    files = [path for folder in ("examples", "bench") for path in sorted((CHECKOUT / folder).rglob("*.py"))]
    assert len(files) > 10
    guilty = {path.name for path in files if "cli" in rooms(ast.parse(path.read_text("utf-8")))}
    assert guilty == set()


def test_only_the_command_line_imports_typer() -> None:
    files = list(modules())
    assert len(files) > 30
    guilty = [path for _, path, tree in files if any(name.split(".")[0] == "typer" for name in imported(tree))]
    assert guilty == []


def test_the_files_of_the_command_line_are_all_commands_of_its_table() -> None:
    from pybridge.cli.main import COMMANDS

    shared = {"__init__", "main", "common", "failures", "plain", "bank_payout", "payment_inbox"}
    assert {path.stem for path in (PACKAGE / "cli").glob("*.py")} - shared == {
        where.partition(".")[0] for where, _ in COMMANDS.values()
    }


def test_no_file_is_too_long_to_read_at_once() -> None:
    lengths = {
        path.relative_to(PACKAGE).as_posix(): len(path.read_text("utf-8").splitlines())
        for path in PACKAGE.rglob("*.py")
    }
    assert {path for path, lines in lengths.items() if lines > MOST_LINES_OF_FILE} == set(LONG_FILES)


def test_no_function_is_too_long_to_see_whole() -> None:
    found = {
        f"{path.relative_to(PACKAGE).as_posix()}: {node.name}"
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno + 1 > MOST_LINES_OF_FUNCTION
    }
    assert found == set(LONG_FUNCTIONS)


def test_architecture_shows_these_doors() -> None:
    text = (CHECKOUT / "ARCHITECTURE.md").read_text("utf-8")
    table = re.findall(
        r"^\| (`\w+`(?:, `\w+`)*) \| .* \| (.*) \|$", text.partition("may import |")[2].partition("\n\n")[0], re.M
    )
    shown = {room: set(re.findall(r"`(\w+)`", doors)) for names, doors in table for room in re.findall(r"\w+", names)}
    assert shown.pop("cli") == set()
    assert shown == DOORS
