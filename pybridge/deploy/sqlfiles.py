"""The files of db/: where they stand, and which functions, views and triggers each one says it defines."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from pybridge.deploy.catalogue import SCHEMAS

ROOMS = set(SCHEMAS) - {"deploy"}
PLACES = (
    "a file of db/ stands at db/<functions, views or triggers>/<schema>/<name>.sql;"
    " functions that no client may call at db/functions/<schema>/internal/<name>.sql"
)
KINDS = ("functions", "views", "triggers")
NOTHING_HERE = (
    "The folder that holds db/ and migrations/ is a checkout, or an installed package; PYBRIDGE_ROOT, where it is set,"
    " names another."
)
LITERAL = re.compile(
    r"(?P<do>\bdo\s+)?(?P<tag>\$(?:[a-z_]\w*)?\$)(?P<body>.*?)(?P=tag)|'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.I | re.S
)
CREATES = re.compile(r"\bcreate\s+(?:or\s+replace\s+)?(function|procedure|aggregate|view)\s+([\w.]+)", re.I)
CREATES_TRIGGER = re.compile(
    r"\bcreate\s+(?:or\s+replace\s+)?(?:constraint\s+)?trigger\s+(\w+)\b[^;]*?\bon\s+([\w.]+)", re.I
)


class DeployRefused(Exception):
    """The deploy changed nothing, because of this object."""

    def __init__(self, object_name: str, reason: str, hint: str = "") -> None:
        super().__init__(f"{object_name}: {reason}" + (f"\n{hint}" if hint else ""))
        self.object_name = object_name
        self.reason = reason
        self.hint = hint


@dataclass(frozen=True)
class File:
    """A file of db/, and the functions, views and triggers that it defines."""

    path: str
    kind: str
    object_name: str
    text: str
    sha256: str
    defines: frozenset[tuple[str, str]]


def read_files(folder: Path) -> list[File]:
    """The files of db/, functions first, and what each says it defines."""
    files: list[File] = []
    for path in sorted(folder.rglob("*.sql")):
        where = path.relative_to(folder)
        if where != Path("grants.sql"):
            files.append(_read_file(path, where))
    for kind in KINDS:
        if all(file.kind != kind for file in files):
            raise DeployRefused(f"db/{kind}", f"there are none in {folder / kind}", NOTHING_HERE)
    files.sort(key=lambda file: KINDS.index(file.kind))
    homes: dict[tuple[str, str], str] = {}
    for file in files:
        for thing in sorted(file.defines):
            if homes.setdefault(thing, file.path) != file.path:
                raise DeployRefused(thing[1], f"both {homes[thing]} and {file.path} define it")
    return files


def _read_file(path: Path, where: Path) -> File:
    name = f"db/{where.as_posix()}"
    match where.parts:
        case (kind, schema, _) | ("functions" as kind, schema, "internal", _) if kind in KINDS and schema in ROOMS:
            pass
        case ("triggers" | "functions" | "views", "deploy", _):
            pass  # what the deploy keeps in tables of its own is guarded, and asked, as all else is
        case _:
            raise DeployRefused(name, PLACES)
    text = path.read_text("utf-8")
    code = code_of(text).lower()
    defines = {("view" if what == "view" else "function", full) for what, full in CREATES.findall(code)}
    defines |= {("trigger", f"{trigger} on {table}") for trigger, table in CREATES_TRIGGER.findall(code)}
    object_name = f"{schema}.{path.stem}"
    if kind == "triggers":
        fits = bool(defines) and all(
            what != "view" and full.split(" on ")[-1].startswith(f"{schema}.") for what, full in defines
        )
    else:
        fits = defines == {(kind.removesuffix("s"), object_name)}
    if not fits:
        found = ", ".join(sorted(f"{what} {full}" for what, full in defines)) or "nothing"
        raise DeployRefused(name, f"its name does not say what it defines: {found}", "Names are written schema.name.")
    return File(name, kind, object_name, text, hashlib.sha256(text.encode()).hexdigest(), frozenset(defines))


def code_of(text: str) -> str:
    """SQL without its literals, comments and bodies of functions; what a DO block says is executed, and stays."""

    def shorten(match: re.Match[str]) -> str:
        if match["do"]:
            return f"do ; {code_of(match['body'])} ;"
        return " " if match[0][0] in "-/" else "''"

    return LITERAL.sub(shorten, text)


def key_of(kind: str, identity: str) -> tuple[str, str]:
    """An object of the catalogue as a file names it: functions and procedures without their arguments."""
    if kind in ("function", "procedure", "aggregate"):
        return "function", identity.split("(")[0]
    return kind, identity
