"""Python calls the database's functions through the typed calls, by name, and examples as anybody may."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from pybridge.paths import CHECKOUT, DB, PACKAGE
from tests.support import typed

FESTIVAL = CHECKOUT / "examples" / "festival"
CALL = re.compile(r"\b(\w+)\.(\w+)\s*\(")

# Statements that are more than a call: where, what, and why.
MORE_THAN_A_CALL = {
    ("cli/watch.py", "deploy.create_login"): "a hint, which a person runs",
    ("jobs/runner.py", "marketplace.close_month"): "adds up what it gives; the database refuses a month that is null",
    ("jobs/runner.py", "marketplace.verify_month"): "counts its errors, of what may be very many rows",
    ("jobs/scheduler.py", "jobs.outlook"): "how long until the first of what it gives, by the server's clock",
    ("reports/consistency.py", "marketplace.hold_clicks"): "reports know no client, and ask in SQL alone",
    ("reports/questions.py", "report.prepaid"): "some of its rows, as all reports are asked",
    ("reports/questions.py", "report.vat_between"): "read as all reports are",
    ("reports/questions.py", "report.vat_return"): "read as all reports are",
    ("web/console.py", "billig.show_receipt"): "asked as all queries of the pages are",
    ("web/pages/content/marketplace.py", "books.time_zone"): "part of a query",
    ("web/pages/content/marketplace.py", "marketplace.own_statement_line"): "part of a query",
    ("web/pages/content/marketplace.py", "marketplace.profile_statement"): "some of its rows, as all queries are asked",
    ("web/pages/content/marketplace.py", "marketplace.own_profile"): "asked as all queries of the pages are",
}


def callable_functions() -> set[str]:
    return {f"{schema}.{name}" for schema, room in typed.rooms().items() for name in typed.methods(room)}


def internal_functions() -> set[str]:
    return {f"{path.parts[-3]}.{path.stem}" for path in (DB / "functions").glob("*/internal/*.sql")}


def texts(path: Path) -> Iterator[str]:
    """The strings of a file; what explains it is none."""
    tree = ast.parse(path.read_text("utf-8"))
    explains = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in explains:
            yield node.value


def called(folder: Path) -> set[tuple[str, str]]:
    """Which files of a folder call which functions in statements of their own."""
    return {
        (path.relative_to(folder).as_posix(), ".".join(found))
        for path in sorted(folder.rglob("*.py"))
        for text in texts(path)
        for found in CALL.findall(text)
    }


def test_what_has_a_typed_call_is_called_by_it() -> None:
    functions = callable_functions()
    assert len(functions) > 70
    found = {(path, name) for path, name in called(PACKAGE) if name in functions and not path.startswith("client/")}
    assert found == set(MORE_THAN_A_CALL)


def test_what_is_more_than_a_call_names_its_arguments_all_the_same() -> None:
    for path, name in MORE_THAN_A_CALL:
        (text,) = [each for each in texts(PACKAGE / path) if re.search(rf"\b{name}\s*\(", each)]
        assert re.search(rf"\b{name}\s*\(\s*(\)|p_\w+ => )", text), f"{path}: {name}"


def test_no_program_calls_what_no_client_may_call() -> None:
    internal = internal_functions()
    assert len(internal) > 50
    files = [*PACKAGE.rglob("*.py"), *FESTIVAL.rglob("*.py")]
    assert len(files) > 60
    assert {name for folder in (PACKAGE, FESTIVAL) for _, name in called(folder) if name in internal} == set()


def test_the_festival_uses_nothing_private() -> None:
    private = []
    files = sorted(FESTIVAL.glob("*.py"))
    assert len(files) > 4
    for path in files:
        tree = ast.parse(path.read_text("utf-8"))
        ours = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "pybridge":
                names = [*(node.module or "").split("."), *(each.name for each in node.names)]
                ours |= {each.asname or each.name for each in node.names}
                private += [f"{path.name}: {name}" for name in names if name.startswith("_")]
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
                of = node.value
                if isinstance(of, ast.Name) and of.id in ours:
                    private.append(f"{path.name}: {of.id}.{node.attr}")
    assert private == []
