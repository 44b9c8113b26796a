"""Runs the snippets of a page of documentation, in order, on a database of its own, and compares what they print.

A snippet is a fenced block; the word behind the fence says what it is. SQL goes to psql, shell's `pybridge` commands to
the command line in this process, all else to its interpreter; `PGHOST` and the like lead them to the page's database.

- A `text` block right behind a snippet is what it prints. `…` stands for what differs from day to day; alone on a line,
  for any lines.
- A snippet with a second word `refused` must fail, and prints why.
- A block of data with a second word is written into a file of that name, for the snippets that follow.
- `<!-- not run: reason -->` before a block leaves it out.

With PYBRIDGE_WRITE_EXAMPLES=1 the page is written anew.
"""

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from typer.testing import CliRunner

from pybridge.cli.main import app
from tests.conftest import Database, ServerInfo

RUN = ("sql", "sh", "python", "perl", "php", "cron")
DATA = ("text", "csv", "toml", "ini", "xml", "json", "mermaid")
PLAIN = "plain"  # an indented block: nobody knows what it is
NOT_RUN = re.compile(r"<!-- not run: (\S.*?) -->\s*")
SHELL = re.compile(r"[|><;&$`]|^(?!pybridge )|^pybridge psql")  # what needs a shell, not this process
CRON = re.compile(r"^(?:\S+ +){5}(.*)$", re.M)


class PageError(AssertionError):
    """A snippet does not do what its page says."""


@dataclass(frozen=True)
class Block:
    """A snippet: what it is, and, where the page shows it, what it prints; `lines` are those of that output."""

    line: int
    language: str
    word: str
    code: str
    output: str | None = None
    lines: tuple[int, int] | None = None
    not_run: bool = False


def tokens(page: str) -> list[Token]:
    return MarkdownIt("commonmark").parse(page)


def blocks(page: str) -> Iterator[Block]:
    """A page's blocks. What nobody could run, or leaves out without a reason, is refused here."""
    parsed = tokens(page)
    shown = set()
    for place, token in enumerate(parsed):
        if token.map is None or place in shown:
            continue
        line = token.map[0] + 1
        if token.type == "html_block" and "not run" in token.content and not NOT_RUN.fullmatch(token.content):
            raise PageError(f"line {line}: no reason is given for not running what follows")
        if token.type == "code_block":
            yield Block(line, PLAIN, "", token.content)
        if token.type != "fence":
            continue
        language, _, word = token.info.partition(" ")
        if language not in (*RUN, *DATA):
            raise PageError(f"line {line}: {language or 'a block without a language'} is neither run nor known as data")
        before = parsed[place - 1] if place else None
        not_run = before is not None and before.type == "html_block" and bool(NOT_RUN.fullmatch(before.content))
        output = lines = None
        if language in RUN and place + 1 < len(parsed) and parsed[place + 1].info == "text":
            behind = parsed[place + 1]
            assert behind.map is not None
            output, lines = behind.content, (behind.map[0] + 1, behind.map[1] - 1)
            shown.add(place + 1)
        yield Block(line, language, word.strip(), token.content, output, lines, not_run)


def agrees(expected: str, printed: str) -> bool:
    """Whether that was printed, `…` standing for anything."""
    pattern = ""
    for line in expected.splitlines():
        parts = re.split(r" *… *", line)  # the spaces are there for the eye
        pattern += r"(?:.*\n)*?" if line == "…" else ".*".join(map(re.escape, parts)) + r"\n"
    return re.fullmatch(pattern, printed) is not None


@dataclass
class Runner:
    """Where a page's snippets are run."""

    server: ServerInfo
    database: Database
    folder: Path
    names: dict[str, Any]  # Python's, from snippet to snippet

    @property
    def environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(self.server.bin_dir), str(Path(sys.executable).parent), os.environ["PATH"]])
        return {
            "PGHOST": self.database.host,
            "PGPORT": str(self.database.port),
            "PGUSER": self.server.user,
            "PGDATABASE": self.database.name,
            "PGCLIENTENCODING": "UTF8",
            "PATH": path,
            "COLUMNS": "80",
            "HOME": str(self.folder),
        }

    def __call__(self, block: Block) -> str:
        """What a snippet prints, without the spaces at the ends of its lines."""
        done, printed = getattr(self, f"_{block.language}")(block.code)
        if done != (block.word != "refused"):
            raise PageError(f"line {block.line}: it {'worked' if done else 'failed'}:\n{block.code}\n{printed}")
        return "".join(f"{line.rstrip()}\n" for line in printed.rstrip().splitlines())

    def _program(self, arguments: list[str], text: str) -> tuple[bool, str]:
        done = subprocess.run(
            arguments,
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd=self.folder,
            timeout=60,
            env={**{name: value for name, value in os.environ.items() if name != "DATABASE_URL"}, **self.environment},
        )
        return done.returncode == 0, done.stdout

    def _sql(self, code: str) -> tuple[bool, str]:
        psql = [
            str(self.server.bin_dir / "psql"),
            "-X",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-v",
            "SHOW_CONTEXT=never",
            "--pset",
            "footer=off",
        ]
        done, printed = self._program([*psql, "-f", "-"], f"set time zone 'Europe/Oslo';\n{code}")
        return done, re.sub(r"^psql:<stdin>:\d+: ", "", printed, flags=re.M)

    def _perl(self, code: str) -> tuple[bool, str]:
        return self._program(["perl", "-Mstrict", "-Mwarnings=FATAL,all", "-MDBI", "-"], code)

    def _php(self, code: str) -> tuple[bool, str]:
        if not code.startswith("<?php"):
            code = f'<?php $pdo = new PDO("pgsql:");\n{code}'
        return self._program(["php", "-d", "display_errors=1", "-d", "html_errors=0"], code)

    def _python(self, code: str) -> tuple[bool, str]:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, "a page", "exec"), self.names)
        return True, printed.getvalue()

    def _sh(self, code: str) -> tuple[bool, str]:
        lines = [
            line.split(" #")[0].strip().removeprefix(".venv/bin/")
            for line in code.replace("\\\n", " ").splitlines()
            if line.strip() and not line.lstrip().startswith("#")
        ]
        if any(SHELL.search(line) for line in lines):
            return self._program(["bash", "-euo", "pipefail"], code.replace(".venv/bin/", ""))
        printed = ""
        for line in lines:
            done = CliRunner().invoke(app, shlex.split(line)[1:])
            if done.exception is not None and not isinstance(done.exception, SystemExit):
                raise done.exception
            printed += done.output
            if done.exit_code:
                return False, printed
        return True, printed

    def _cron(self, code: str) -> tuple[bool, str]:
        return self._sh("\n".join(CRON.findall(code)))


def play(page: str, run: Runner, replaced: Mapping[str, str] | None = None) -> str:
    """Runs a page from top to bottom; returns it with the output that there was, and raises where that is another."""
    lines, moved = page.splitlines(keepends=True), 0
    rewrite = bool(os.environ.get("PYBRIDGE_WRITE_EXAMPLES"))
    for block in blocks(page):
        if block.not_run or block.language == PLAIN:
            continue
        code = block.code
        for old, new in (replaced or {}).items():
            code = code.replace(old, new)
        if block.language in DATA:
            if block.word:
                (run.folder / block.word).write_text(code, "utf-8")
            continue
        printed = run(Block(block.line, block.language, block.word, code))
        if block.output is None or agrees(block.output, printed):
            continue
        if not rewrite:
            raise PageError(f"line {block.line} prints\n{printed}and the page says\n{block.output}")
        assert block.lines is not None
        first, last = (place + moved for place in block.lines)
        indent = re.match(" *", lines[first - 1])[0]  # type: ignore[index]
        new_lines = [f"{indent}{line}" if line.strip() else line for line in printed.splitlines(keepends=True)]
        lines[first:last] = new_lines
        moved += len(new_lines) - (last - first)
    return "".join(lines)
