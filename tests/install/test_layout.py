"""The layout of the tests: each file runs alone."""

import ast
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


def imported(source: str) -> set[str]:
    """The modules that a source names in its imports, and what it takes from them, as modules."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names}
    return found


def names_a_test(module: str) -> bool:
    return any(part.startswith("test_") for part in module.split("."))


def test_no_test_module_imports_another() -> None:
    sources = sorted(TESTS.rglob("*.py"))
    assert len(sources) > 80, "the tests are elsewhere"
    found = {(str(path.relative_to(TESTS)), name) for path in sources for name in imported(path.read_text("utf-8"))}
    assert [each for each in sorted(found) if names_a_test(each[1])] == []
    assert any(name.startswith("tests.support.") for _, name in found)


def test_it_is_seen_when_one_does() -> None:
    for line in ("from tests.cli.test_cli import run", "from tests.cli import test_cli", "import tests.cli.test_cli"):
        assert any(names_a_test(name) for name in imported(line)), line
    assert any(names_a_test(name) for name in imported("from .test_cli import run"))


def test_every_folder_of_tests_is_a_package() -> None:
    folders = {path.parent for path in TESTS.rglob("*.py")}
    assert [folder for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []
