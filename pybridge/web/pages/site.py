"""All reports of a period as files that link to each other: a folder to open in a browser, or to put on a server."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import psycopg

from pybridge.errors import BadArgument
from pybridge.web.pages import PAGES, render, render_index

MARK = ".pybridge-site"  # lists the files of a site: whatever else is in its folder is somebody's own
ALWAYS = ("event-sales",)  # asked by the day of the event: what is sold in a period is for days after it


def build(connection: psycopg.Connection[Any], folder: Path, first: date | None, last: date | None, lang: str) -> int:
    """Writes the site and returns how many pages it has. All are of one snapshot.

    It is written beside `folder` and takes its place when it is whole; an error leaves what was there. 22023 where the
    folder holds anything else.
    """
    folder = folder.resolve()
    _refuse_others_files(folder)
    period = {"from": first.isoformat() if first else "", "to": last.isoformat() if last else ""}
    fresh = folder.with_name(f".{folder.name}.{os.getpid()}.new")
    stale = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    fresh.mkdir(parents=True)
    try:
        with connection.transaction():
            connection.execute("set transaction isolation level repeatable read read only")
            files = _write(connection, fresh, {name: day for name, day in period.items() if day}, lang)
        (fresh / MARK).write_text("\n".join(sorted(files)) + "\n", "utf-8")
        if folder.exists():
            folder.rename(stale)
        try:
            fresh.rename(folder)
        except OSError:
            if stale.exists():
                stale.rename(folder)
            raise
        shutil.rmtree(stale, ignore_errors=True)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return len(files)


def _refuse_others_files(folder: Path) -> None:
    if not folder.exists():
        return
    hint = "Name a folder that is not there, is empty, or holds a site that was made before."
    if not folder.is_dir():
        raise BadArgument("that is not a folder", f"{folder} is a file.", hint)
    there = {each.name for each in folder.iterdir()}
    mark = folder / MARK
    ours = {MARK, *mark.read_text("utf-8").splitlines()} if mark.is_file() else set()
    if there - ours:
        raise BadArgument("the folder holds something else", f"In {folder}: {sorted(there - ours)[0]}.", hint)


def _write(connection: psycopg.Connection[Any], folder: Path, period: Mapping[str, str], lang: str) -> set[str]:
    """Page after page, beginning with each one of the period, until none links to one that is not written."""
    entries = []
    names: dict[str, tuple[str, dict[str, str]]] = {}
    waiting: list[str] = []

    def link(name: str, values: Mapping[str, str]) -> str:
        if name == "index":
            return "index.html"
        file = _file(name, values, period)
        if file not in names:
            names[file] = (name, dict(values))
            waiting.append(file)
        return file

    for name, page in PAGES.items():
        if page.personal:
            continue
        values = {} if name in ALWAYS else {key: day for key, day in period.items() if key in page.parameters}
        entries.append((name, values, link(name, values)))
    while waiting:
        file = waiting.pop()
        name, values = names[file]
        (folder / file).write_text(render(connection, name, values, lang=lang, link=link), "utf-8")
    (folder / "index.html").write_text(render_index(connection, entries, period, lang=lang), "utf-8")
    return {"index.html", *names}


def _file(name: str, values: Mapping[str, str], period: Mapping[str, str]) -> str:
    """A file's name, which nobody's text gets into: numbers and days as they are, anything else as a digest."""
    more = {key: value for key, value in sorted(values.items()) if period.get(key) != value}
    if not more:
        return f"{name}.html"
    if all(re.fullmatch(r"\d+(-\d+)*", value, re.ASCII) for value in more.values()):
        return "-".join([name, *(f"{key}-{value}" for key, value in more.items())]) + ".html"
    return f"{name}-{hashlib.sha256(json.dumps(more).encode()).hexdigest()[:16]}.html"
