"""A migration that was released is never edited: databases elsewhere were made by it as it was.

`migrations/RELEASED` has them, as `sha256sum *.sql > RELEASED` writes it when a version is tagged.
"""

import hashlib
import re
from importlib import metadata
from pathlib import Path

import pytest

from pybridge.paths import ROOT

LINE = re.compile(r"([0-9a-f]{64}) [ *](\d{4}-[a-z0-9-]+\.sql)")


def edited(folder: Path) -> list[str]:
    """What of the list is not as it was released: the name of the file, or the line that names none."""
    lines = (folder / "RELEASED").read_text("utf-8").splitlines()
    assert lines, "an empty list says that nothing was ever released"
    found = []
    for line in lines:
        match = LINE.fullmatch(line)
        file = folder / match[2] if match else folder
        if not match or not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != match[1]:
            found.append(match[2] if match else line)
    return found


def test_every_released_migration_stands_as_it_was_released() -> None:
    folder = ROOT / "migrations"
    if (folder / "RELEASED").exists():
        assert edited(folder) == [], "put it back, and write a new migration for the change"
    else:
        assert ".dev" in metadata.version("pybridge"), "a release lists its migrations in migrations/RELEASED"


def test_an_edited_and_a_missing_migration_are_found_and_a_new_one_is_not(tmp_path: Path) -> None:
    for name in ("0001-roles", "0002-books", "0003-billig"):
        (tmp_path / f"{name}.sql").write_text(f"-- {name}\n")
    sums = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}" for file in sorted(tmp_path.iterdir())]
    (tmp_path / "RELEASED").write_text("\n".join(sums) + "\n")
    (tmp_path / "0004-jobs.sql").write_text("-- new\n")
    assert edited(tmp_path) == []
    (tmp_path / "0001-roles.sql").write_text("-- 0001-roles\n\n")
    (tmp_path / "0003-billig.sql").unlink()
    assert edited(tmp_path) == ["0001-roles.sql", "0003-billig.sql"]
    (tmp_path / "RELEASED").write_text("0001-roles.sql\n")
    assert edited(tmp_path) == ["0001-roles.sql"]
    (tmp_path / "RELEASED").write_text("")
    with pytest.raises(AssertionError):
        edited(tmp_path)
