"""Writes the modules of typed calls, one for each schema, from the catalogue of a deployed database: `make client`.

A function that a client may call is a file in db/functions/<schema>/, and not in its folder internal/. The catalogue
says all about it but which of its columns and arguments may be null: that is the last sentence of its COMMENT, such as
"May be null: payment, p_account, p_websites[], the result." `[]` is said of the elements of an array.
"""

import builtins
import keyword
import re
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from pybridge.paths import DB, PACKAGE

CLIENT = PACKAGE / "client"
WIDTH = 120
RESULT = "the result"
NULLS = re.compile(r" ?May be null: ([^.]+)\.$")

# A function, its arguments, and the columns of its rows: those that it declares, or those of the relation it returns.
FUNCTIONS = """
select
    p.proname as name,
    coalesce(obj_description(p.oid, 'pg_proc'), '') as comment,
    p.proretset as is_set,
    p.prorettype::oid as result,
    array(select a::oid from unnest(p.proargtypes) with ordinality as u (a, place) order by place) as argument_types,
    coalesce(p.proargnames[:p.pronargs], '{}') as argument_names,
    array(
        select pg_get_function_arg_default(p.oid, i) from generate_series(1, p.pronargs) as i order by i
    ) as defaults,
    c.names as column_names,
    c.types as column_types
from pg_proc as p
cross join lateral (
    select array_agg(x.name order by x.place) as names, array_agg(x.type order by x.place) as types
    from (
        select p.proargnames[u.place] as name, u.type::oid as type, u.place
        from unnest(p.proallargtypes, p.proargmodes) with ordinality as u (type, mode, place)
        where u.mode in ('o', 'b', 't')
        union all
        select a.attname, a.atttypid, a.attnum
        from pg_type as t
        inner join pg_attribute as a on t.typrelid = a.attrelid and a.attnum > 0 and not a.attisdropped
        where t.oid = p.prorettype and t.typtype = 'c'
    ) as x
) as c
where p.pronamespace = %(schema)s::regnamespace and p.proname = any (%(names)s) and p.prokind = 'f'
order by p.proname
"""
# What a type stands on: a domain on its base type, an array on its elements.
TYPE = """
with recursive base as (
    select t.* from pg_type as t where t.oid = %s
    union all
    select t.* from base as b inner join pg_type as t on b.typtype = 'd' and b.typbasetype = t.oid
)
select
    format_type(b.oid, null) as name,
    case when b.typcategory = 'A' then b.typelem end as element,
    e.typtype = 'b' as is_known,
    b.typtype = 'e' as is_enum
from base as b
left join pg_type as e on b.typelem = e.oid
where b.typtype <> 'd'
"""
PYTHON = {
    "bigint": "int",
    "boolean": "bool",
    "bytea": "bytes",
    "character": "str",
    "character varying": "str",
    "date": "date",
    "double precision": "float",
    "integer": "int",
    "interval": "timedelta",
    "json": "Any",
    "jsonb": "Any",
    "name": "str",
    "numeric": "Decimal",
    "real": "float",
    "smallint": "int",
    "text": "str",
    "time without time zone": "time",
    "timestamp with time zone": "datetime",
    "timestamp without time zone": "datetime",
    "uuid": "UUID",
    "void": "None",
    "xid8": "str",
}
IMPORTS = (
    ("collections.abc", ("Sequence",)),
    ("dataclasses", ("dataclass",)),
    ("datetime", ("date", "datetime", "time", "timedelta")),
    ("decimal", ("Decimal",)),
    ("typing", ("Any",)),
    ("uuid", ("UUID",)),
    ("pybridge.client.core", ("Money", "Room", "given", "json")),
)


class CannotGenerate(Exception):
    """The folders and the catalogue disagree, or a function is of a kind that this knows no Python for."""


@dataclass(frozen=True)
class Type:
    """A type as Python says it, `python` that of an element where it is an array."""

    python: str
    is_array: bool = False
    may_be_null: bool = False
    element_may_be_null: bool = False

    def as_result(self) -> str:
        python = self.python + " | None" * (self.element_may_be_null and self.python != "Any")
        python = f"list[{python}]" if self.is_array else python
        return python + " | None" * (self.may_be_null and python != "Any")

    def as_argument(self) -> str:
        python = "Money" if self.python == "Decimal" else self.python
        python += " | None" * (self.element_may_be_null and python != "Any")
        python = f"Sequence[{python}]" if self.is_array else python
        return python + " | None" * (self.may_be_null and python != "Any")


@dataclass(frozen=True)
class Argument:
    """`default` is Python; `is_left_out`: None means that the database's own default applies, an expression."""

    name: str
    type: Type
    default: str | None = None
    is_left_out: bool = False

    def parameter(self) -> str:
        return f"{self.name}: {self.type.as_argument()}" + (f" = {self.default}" if self.default is not None else "")

    def passed(self) -> str:
        return f"{self.name}=json({self.name})" if self.type.python == "Any" else f"{self.name}={self.name}"


@dataclass(frozen=True)
class Function:
    """A function of the database; `columns` are None where it returns a value."""

    name: str
    comment: str
    arguments: list[Argument]
    is_set: bool
    result: Type
    columns: dict[str, Type] | None

    @property
    def row(self) -> str:
        return "".join(part.capitalize() for part in self.name.split("_")) + "Row"


def modules(connection: psycopg.Connection[Any], functions: Path = DB / "functions") -> dict[str, str]:
    """Each schema's module: its name, and what is in it."""
    files = {folder.name: sorted(path.stem for path in folder.glob("*.sql")) for folder in sorted(functions.iterdir())}
    if not any(files.values()):
        raise CannotGenerate(f"there are no functions in {functions}")
    return {schema: module(connection, schema, names) for schema, names in files.items() if names}


def module(connection: psycopg.Connection[Any], schema: str, names: list[str]) -> str:
    """The module of these functions of a schema, formatted as the project's files are."""
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(FUNCTIONS, {"schema": schema, "names": names}).fetchall()
        functions = [_function(cursor, row) for row in found]
        (comment,) = cursor.execute(
            "select coalesce(obj_description(%s::regnamespace), '') as comment", (schema,)
        ).fetchall()
    if [function.name for function in functions] != sorted(names):
        missing = set(names) ^ {function.name for function in functions} or "one of them is there twice"
        raise CannotGenerate(f"schema {schema}, by its files and by the catalogue: {missing}")
    body = [_row(schema, function) for function in functions if function.columns]
    body.append(f"class {schema.capitalize()}(Room):\n{_docstring(comment['comment'], 4)}\n    schema = {schema!r}\n")
    body += [_method(function) for function in functions]
    text = "\n".join(body)
    head = f'"""Schema `{schema}`, what a client may call. Generated by `make client`: do not edit."""\n\n'
    if any(hasattr(builtins, argument.name) for function in functions for argument in function.arguments):
        head += "# ruff: noqa: A002\n\n"
    return _formatted(f"{head}{_imports(text)}\n\n{text}")


def _imports(text: str) -> str:
    code = re.sub(r'""".*?"""', "", text, flags=re.S)
    lines = ""
    for source, offered in IMPORTS:
        # As a type or a call; an argument may be named as one, such as time.
        if used := [name for name in offered if re.search(rf"(: |-> |\[|[@(]){name}\b(?!=)|\b{name}\(", code)]:
            lines += "\n" * source.startswith("pybridge") + f"from {source} import {', '.join(used)}\n"
    return lines


def _function(cursor: psycopg.Cursor[Any], row: dict[str, Any]) -> Function:
    said = NULLS.search(row["comment"])
    nulls = set(said[1].split(", ")) if said else set()
    arguments = []
    for name, oid, default in zip(row["argument_names"], row["argument_types"], row["defaults"], strict=True):
        if not name.startswith("p_"):
            raise CannotGenerate(f"{row['name']}: argument {name!r} does not begin with p_")
        arguments.append(_argument(cursor, name, oid, default, nulls))
    columns = None
    if row["column_names"]:
        columns = {
            name: _type(cursor, oid, name, nulls)
            for name, oid in zip(row["column_names"], row["column_types"], strict=True)
        }
        if reserved := [name for name in columns if keyword.iskeyword(name)]:
            raise CannotGenerate(f"{row['name']}: column {reserved[0]!r} is a keyword of Python's")
        result = Type("None")
    else:
        result = _type(cursor, row["result"], RESULT, nulls)
    known = {*row["argument_names"], *(columns or [RESULT])}
    if unknown := {name for name in nulls if name.removesuffix("[]") not in known}:
        raise CannotGenerate(f"{row['name']}: its COMMENT says that these may be null, and there are none: {unknown}")
    return Function(row["name"], row["comment"], arguments, row["is_set"], result, columns)


def _argument(cursor: psycopg.Cursor[Any], name: str, oid: int, default: str | None, nulls: set[str]) -> Argument:
    python = name.removeprefix("p_")
    if keyword.iskeyword(python):
        python += "_"
    if default is None:
        return Argument(python, _type(cursor, oid, name, nulls))
    literal = _literal(default)
    if literal in (None, "None"):
        nulls = nulls | {name}
    return Argument(python, _type(cursor, oid, name, nulls), literal or "None", literal is None)


def _literal(default: str) -> str | None:
    """A default of the catalogue as Python says it; None where it is not a constant that Python has."""
    if default in ("true", "false"):
        return default.capitalize()
    if re.fullmatch(r"NULL(::.+)?", default):
        return "None"
    if text := re.fullmatch(r"'((?:[^']|'')*)'::(text|character varying)", default):
        return repr(text[1].replace("''", "'"))
    number = re.fullmatch(r"(\d+)|'(-\d+)'::(smallint|integer|bigint|numeric)", default)
    return number and (number[1] or number[2])


def _type(cursor: psycopg.Cursor[Any], oid: int, name: str, nulls: set[str]) -> Type:
    (row,) = cursor.execute(TYPE, (oid,)).fetchall()
    if row["element"]:
        element = _type(cursor, row["element"], f"{name}[]", nulls)
        if not row["is_known"] or element.is_array:  # psycopg would hand over its text
            raise CannotGenerate(f"{name}: no Python is known for type {row['name']}")
        return Type(element.python, True, name in nulls, element.may_be_null)
    python = "str" if row["is_enum"] else PYTHON.get(row["name"])
    if python is None:
        raise CannotGenerate(f"{name}: no Python is known for type {row['name']}")
    return Type(python, False, name in nulls)


def _row(schema: str, function: Function) -> str:
    assert function.columns
    fields = "".join(f"    {name}: {type_.as_result()}\n" for name, type_ in function.columns.items())
    return f'@dataclass(frozen=True)\nclass {function.row}:\n    """A row of `{schema}.{function.name}`."""\n\n{fields}'


def _method(function: Function) -> str:
    parameters = "".join(f", {argument.parameter()}" for argument in function.arguments)
    passed = [argument.passed() for argument in function.arguments if not argument.is_left_out]
    if left_out := [argument.passed() for argument in function.arguments if argument.is_left_out]:
        passed.append(f"**given({', '.join(left_out)})")
    arguments = ", ".join([f'"{function.name}"', *passed])
    if function.columns:
        answer, call = function.row, f"return self._rows({function.row}, {arguments})"
        if function.is_set:
            answer = f"list[{answer}]"
        else:
            call += "[0]"
    elif function.result.python == "None":
        answer, call = "None", f"self._value({arguments})"
    else:
        answer, ask = function.result.as_result(), "_value"
        if function.is_set:
            answer, ask = f"list[{answer}]", "_values"
        call = f"result: {answer} = self.{ask}({arguments})\n        return result"
    star = ", *" if parameters else ""
    docstring = _docstring(_in_python(function), 8)
    return f"    def {function.name}(self{star}{parameters}) -> {answer}:\n{docstring}        {call}\n"


def _in_python(function: Function) -> str:
    """The COMMENT, with the names that the arguments have here; what may be null is told by the types."""
    text = NULLS.sub("", function.comment)
    for argument in function.arguments:
        text = re.sub(rf"\bp_{argument.name.removesuffix('_')}\b", argument.name, text)
    return text


def _docstring(text: str, indent: int) -> str:
    text = text.replace("\\", "\\\\").replace('"""', r"\"\"\"")
    if text.endswith('"'):
        text += " "
    margin = " " * indent
    lines = textwrap.wrap(
        f'"""{text}"""', WIDTH - indent, break_long_words=False, break_on_hyphens=False, replace_whitespace=True
    )
    if len(lines) > 1:
        lines[-1:] = [lines[-1].removesuffix('"""'), '"""']
    return "".join(f"{margin}{line}\n" for line in lines)


def _formatted(text: str) -> str:
    command = [sys.executable, "-m", "ruff", "format", "--quiet", "--line-length", str(WIDTH), "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


def main() -> None:
    """Write all modules anew."""
    from pybridge.database import connection_string

    with psycopg.connect(connection_string()) as connection:
        try:
            written = modules(connection)
        except CannotGenerate as error:
            sys.exit(f"{error}\nOf a database that another checkout deployed: run `pybridge deploy` first.")
    for schema, text in written.items():
        (CLIENT / f"{schema}.py").write_text(text, "utf-8")
        print(f"wrote pybridge/client/{schema}.py")


if __name__ == "__main__":
    main()
