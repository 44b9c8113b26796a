"""Whether clicks can be distributed over several nodes: what each statement that reads them keeps to.

docs/howto/scale-out.md has the rules. PostgreSQL's own parser reads the files of `db/`, and that of PL/pgSQL finds the
statements of a function. A tree is what they give as JSON: `{"SelectStmt": {...}}`, a node of that kind.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import postgast
from google.protobuf.json_format import MessageToDict

CLICKS = frozenset({"ad_click", "ad_click_default"})
STABLE = frozenset(
    {"format", "concat", "concat_ws", "to_char", "to_timestamp", "to_json", "to_jsonb", "date_trunc", "age"}
)
LEVELS = ("SelectStmt", "UpdateStmt", "DeleteStmt")
# PL/pgSQL's parser, outside a server, knows no types but PostgreSQL's own: those of arguments, and of variables.
OURS = r"(?:marketplace|books|jobs|billig|bank)\.\w+(\[\])?"
ARGUMENT = re.compile(rf"(\bp_\w+ +){OURS}")
VARIABLE = re.compile(rf"(\bv_\w+ +(?:constant +)?){OURS}")
RETURNED = re.compile(rf"(\breturns +(?:setof +)?){OURS}")


@dataclass(frozen=True, order=True)
class Fault:
    """A statement that cannot run where clicks are distributed, or only by bringing them all to one node."""

    name: str  # of the function or view
    what: str


def faults(paths: Iterable[Path]) -> set[Fault]:
    texts = {path.stem: path.read_text("utf-8") for path in paths}
    becoming = inlined(texts.values())
    return {Fault(name, what) for name, text in texts.items() for what in of_text(text, becoming)}


def inlined(texts: Iterable[str]) -> set[str]:
    """Functions that become a part of the statement that calls them in its FROM, with the tables that they read."""
    found = set()
    for text in texts:
        for raw in _parsed(text) if "create or replace function" in text else ():
            made = raw["stmt"].get("CreateFunctionStmt", {})
            options = {each["defname"] for each in _all(made.get("options"), "DefElem")}
            if "sql_body" in made and not options & {"set", "security"} and _names(made["sql_body"]):
                found.add(made["funcname"][-1]["String"]["sval"])
    return found


def reads_clicks(text: str) -> bool:
    return not CLICKS.isdisjoint(re.findall(r"\w+", text))


def of_text(text: str, becoming: Iterable[str] = ()) -> Iterator[str]:
    """What is wrong with the statements of a file that creates functions or views; `becoming`: see inlined."""
    if reads_clicks(text):
        for statement in _statements(text):
            yield from _of_statement(statement)
            if any(not CLICKS.isdisjoint(_tables(level)) for kind in LEVELS for level in _all(statement, kind)):
                for call in _all([each["functions"] for each in _all(statement, "RangeFunction")], "FuncCall"):
                    if call["funcname"][-1]["String"]["sval"] in becoming:
                        yield f"{call['funcname'][-1]['String']['sval']} becomes a part of it"


def called(paths: Iterable[Path]) -> set[str]:
    """Functions of ours that are called where clicks are: each node must have them."""
    found = set()
    for path in paths:
        text = path.read_text("utf-8")
        for statement in _statements(text) if reads_clicks(text) else ():
            for level in (each for kind in LEVELS for each in _all(statement, kind)):
                if not CLICKS.isdisjoint(_tables(level)):
                    calls = [[part["String"]["sval"] for part in each["funcname"]] for each in _all(level, "FuncCall")]
                    found |= {".".join(each) for each in calls if len(each) > 1 and each[0] != "pg_catalog"}
    return found


def _parsed(text: str) -> list[Any]:
    found: list[Any] = _named(MessageToDict(postgast.parse(text))).get("stmts", [])
    return found


def _named(tree: Any) -> Any:
    """The tree with both sides of a set operation as nodes of their kind; the parser leaves out what it knows."""
    if isinstance(tree, list):
        return [_named(each) for each in tree]
    if not isinstance(tree, dict):
        return tree
    return {
        key: {"SelectStmt": _named(value)} if key in ("larg", "rarg") and "limitOption" in value else _named(value)
        for key, value in tree.items()
    }


def _statements(text: str) -> Iterator[Any]:
    for raw in _parsed(text):
        if "ViewStmt" in raw["stmt"]:
            yield raw["stmt"]["ViewStmt"]["query"]
        elif "CreateFunctionStmt" in raw["stmt"]:
            made = raw["stmt"]["CreateFunctionStmt"]
            options = {each["defname"]: each["arg"] for each in _all(made.get("options"), "DefElem")}
            if "sql_body" in made:
                yield made["sql_body"]
            elif options["language"]["String"]["sval"] == "sql":
                body = options["as"]["List"]["items"][0]["String"]["sval"]
                yield from (each["stmt"] for each in _parsed(body))
            else:
                begins = raw.get("stmt_location", 0)  # counted in bytes; the last statement's length is not said
                ends = begins + raw["stmt_len"] if "stmt_len" in raw else None
                yield from _of_plpgsql(text.encode()[begins:ends].decode())


def _of_plpgsql(function: str) -> Iterator[Any]:
    for ours in (ARGUMENT, VARIABLE, RETURNED):
        function = ours.sub(lambda found: found[1] + ("text[]" if found[2] else "record"), function)
    body = postgast.parse_plpgsql(function)
    for found in set(re.findall(r'"query": *("(?:[^"\\]|\\.)*")', json.dumps(body))):
        query = json.loads(found)
        if reads_clicks(query):
            try:
                parsed = _parsed(query)
            except postgast.PgQueryError:  # an expression, or an assignment
                parsed = _parsed("select " + re.sub(r"^\w+ *:= *", "", query))
            yield from (each["stmt"] for each in parsed)


def _of_statement(statement: Any) -> Iterator[str]:
    with_names = {each["ctename"] for each in _all(statement, "CommonTableExpr")}
    for kind in LEVELS:
        for level in _all(statement, kind):
            nested = _from(level.get("fromClause", level.get("usingClause", [])))[1]
            here = _tables(level)
            looked_up = [
                _names(each["subselect"])
                for each in _all([level.get(part) for part in ("targetList", "whereClause", "havingClause")], "SubLink")
            ]
            if not CLICKS.isdisjoint(here):
                yield from _of_clicks(level, here, [*looked_up], with_names)
                for name in sorted(
                    {name for each in nested for name in _names(each["subquery"])} - with_names - CLICKS
                ):
                    yield f"joins clicks with a subquery of {name}"
            elif here and any(each & CLICKS for each in looked_up):
                yield "looks clicks up for each row, by a subquery"
            if any(each.get("lateral") and _names(each["subquery"]) & CLICKS for each in nested):
                yield "looks clicks up for each row, by a lateral subquery"


def _tables(level: Any) -> list[str]:
    """What a level names in its FROM, or changes."""
    named = _from(level.get("fromClause", level.get("usingClause", [])))[0]
    return [level["relation"]["relname"], *named] if "relation" in level else named


def _of_clicks(level: Any, here: list[str], looked_up: list[set[str]], with_names: set[str]) -> Iterator[str]:
    """Of a level whose FROM, or target, is clicks."""
    for name in here:
        if name not in CLICKS and name not in with_names:
            yield f"joins clicks with {name}"
    if sum(name in CLICKS for name in here) > 1:
        yield "joins clicks with clicks"
    for join in _all(level.get("fromClause"), "JoinExpr"):
        optional = {
            "JOIN_LEFT": [join["rarg"]],
            "JOIN_RIGHT": [join["larg"]],
            "JOIN_FULL": [join["larg"], join["rarg"]],
        }.get(join["jointype"], [])
        if not CLICKS.isdisjoint(_from(optional)[0]):
            yield "clicks are the optional side of a join"
    for name in sorted(set[str]().union(*looked_up) - with_names):
        yield f"asks {name} for each click"
    if "lockingClause" in level:
        yield "locks clicks"
    if "targetList" not in level and "fromClause" in level:
        yield "names no column"
    targets = [each["ResTarget"] for each in level.get("targetList", [])]
    if "relation" in level and any(each.get("name") == "profile" for each in targets):
        yield "moves a click to another profile"
    groups = level.get("groupClause", [])
    if groups and not any("A_Const" in each for each in groups):
        grouped = [_column(each) for each in groups]
        for each in targets:
            if "ColumnRef" in each["val"] and _column(each["val"]) not in grouped:
                yield f"{_column(each['val'])[-1]} is not in GROUP BY"
    for call in (
        _all([level.get(part) for part in ("targetList", "whereClause")], "FuncCall") if "relation" in level else ()
    ):
        name = call["funcname"][-1]["String"]["sval"]
        if name in STABLE and any(True for _ in _all(call.get("args"), "ColumnRef")):
            yield f"{name} of a column of theirs is not immutable"
    for call in _all(level, "FuncCall"):
        if call["funcname"][-1]["String"]["sval"] == "date_trunc" and len(call["args"]) < 3:
            yield "date_trunc by the session's time zone"


def _column(node: Any) -> list[str]:
    return [each.get("String", {}).get("sval", "*") for each in node.get("ColumnRef", {}).get("fields", [])]


def _names(tree: Any) -> set[str]:
    """Tables and CTEs that are named anywhere in it."""
    return {each["relname"] for each in _all(tree, "RangeVar")}


def _from(tree: Any) -> tuple[list[str], list[Any]]:
    """Names in a FROM, and its subqueries, those of its joins included."""
    if isinstance(tree, list):
        parts = [_from(each) for each in tree]
    elif "JoinExpr" in tree:
        parts = [_from(tree["JoinExpr"]["larg"]), _from(tree["JoinExpr"]["rarg"])]
    elif "RangeVar" in tree:
        return [tree["RangeVar"]["relname"]], []
    else:
        return [], [tree["RangeSubselect"]] if "RangeSubselect" in tree else []
    return [each for found, _ in parts for each in found], [each for _, found in parts for each in found]


def _all(tree: Any, kind: str) -> Iterator[Any]:
    """Each node of a kind, from this one down."""
    if isinstance(tree, list):
        for each in tree:
            yield from _all(each, kind)
    elif isinstance(tree, dict):
        for key, value in tree.items():
            if key == kind:
                yield value
            yield from _all(value, kind)
