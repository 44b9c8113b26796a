"""The typed calls are written from the catalogue, whatever a function takes and gives."""

import dataclasses
import sys
import types
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from pybridge.deploy import catalogue
from pybridge.deploy.calls import CLIENT, CannotGenerate, module, modules
from pybridge.paths import DB
from tests.conftest import Connection
from tests.support import typed

ODD = """
create schema odd;
comment on schema odd is 'What the project''s own functions have none of';
create domain odd.share as numeric(9, 6);
create domain odd.half as odd.share check (value < 0.5);
create type odd.colour as enum ('red', 'blue');
create table odd.thing (thing int, colour odd.colour, half odd.half, parts numeric[], kept uuid);
"""


def made(db: Connection, *functions: str, **comments: str) -> Any:
    """The class of a schema with these functions, and the module that it is in."""
    db.execute(ODD)
    for function in functions:
        db.execute(f"create function odd.{function}")
    for name, comment in comments.items():
        db.execute(f"comment on function odd.{name} is '{comment}'")
    names = [function.partition("(")[0] for function in functions]
    text = module(db, "odd", names)
    here = types.ModuleType("odd_calls")
    sys.modules["odd_calls"] = here  # where dataclasses look for what a name means
    exec(text, vars(here))
    return here


@pytest.mark.smoke
def test_the_committed_modules_are_what_the_catalogue_gives(db: Connection) -> None:
    committed = {path.stem: path.read_text("utf-8") for path in CLIENT.glob("*.py")}
    written_by_hand = {"__init__", "core"}
    expected = modules(db)
    assert len(expected) >= 4
    assert set(committed) == set(expected) | written_by_hand
    for schema, text in expected.items():
        assert committed[schema] == text, f"{schema}: run `make client` and commit the result"


def test_every_schema_with_functions_has_a_module_and_no_internal_function_is_in_one() -> None:
    internal = {(path.parts[-3], path.stem) for path in (DB / "functions").glob("*/internal/*.sql")}
    called = {(schema, name) for schema, room in typed.rooms().items() for name in typed.methods(room)}
    assert len(internal) > 50
    assert {schema for schema, _ in called} <= set(catalogue.SCHEMAS)
    assert not internal & called


def test_rows_of_domains_enums_and_arrays_come_as_python_has_them(db: Connection) -> None:
    here = made(
        db,
        "things(p_colour odd.colour, p_half odd.half, p_parts numeric[] default null) returns setof odd.thing"
        " language sql as $$ select 1, p_colour, p_half, p_parts, '00000000-0000-0000-0000-00000000000f'::uuid $$",
        things="One. May be null: parts, parts[].",
    )
    room = here.Odd(db)
    (thing,) = room.things(colour="red", half=Decimal("0.25"), parts=(Decimal("0.5"), 1))
    assert dataclasses.astuple(thing) == (1, "red", Decimal("0.25"), [Decimal("0.5"), Decimal(1)], UUID(int=15))
    assert room.things(colour="blue", half=0)[0].parts is None
    assert typed.hints(here.ThingsRow) == {
        "thing": int,
        "colour": str,
        "half": Decimal,
        "parts": list[Decimal | None] | None,
        "kept": UUID,
    }
    with pytest.raises(dataclasses.FrozenInstanceError):
        thing.thing = 2


def test_one_row_a_set_of_values_a_value_and_nothing_are_told_apart(db: Connection) -> None:
    here = made(
        db,
        "one(out low int, out high text) language sql as $$ select 1, 'x' $$",
        "many(p_n int) returns setof int language sql as $$ select generate_series(1, p_n) $$",
        "perhaps(p_n int) returns date language sql as $$ select date '2026-02-03' where p_n > 0 $$",
        "nothing() returns void language sql as $$ select $$",
        "waits() returns interval language sql as $$ select interval '90 s' $$",
        "table_of_one() returns table (alone numeric) language sql as $$ select 2.50 $$",
        perhaps="The day, or none. May be null: the result.",
    )
    room = here.Odd(db)
    assert room.one() == here.OneRow(low=1, high="x")
    assert (room.many(n=3), room.many(n=0)) == ([1, 2, 3], [])
    assert (room.perhaps(n=1), room.perhaps(n=0)) == (date(2026, 2, 3), None)
    assert (room.nothing(), room.waits()) == (None, timedelta(seconds=90))
    assert room.table_of_one() == [here.TableOfOneRow(alone=Decimal("2.50"))]
    returns = {name: typed.hints(call)["return"] for name, call in typed.methods(here.Odd).items()}
    assert returns == {
        "many": list[int],
        "nothing": type(None),
        "one": here.OneRow,
        "perhaps": date | None,
        "table_of_one": types.GenericAlias(list, here.TableOfOneRow),
        "waits": timedelta,
    }


def test_constants_are_shown_as_defaults_and_expressions_are_left_to_the_database(db: Connection) -> None:
    here = made(
        db,
        "defaults(p_text text default 'it''s', p_number numeric default -3, p_flag boolean default true,"
        " p_now timestamptz default '2026-02-03T00:00:00Z', p_day date default current_date, p_none text default null)"
        " returns text language sql as $$"
        " select concat_ws(' ', p_text, p_number, p_flag, p_now at time zone 'UTC', p_day = current_date, p_none) $$",
    )
    defaults = here.Odd.defaults.__kwdefaults__
    assert defaults == {"text": "it's", "number": -3, "flag": True, "now": None, "day": None, "none": None}
    room = here.Odd(db)
    assert room.defaults() == "it's -3 t 2026-02-03 00:00:00 t"
    now = datetime.fromisoformat("2026-01-01T12:00:00+01:00")
    assert room.defaults(text="", number=1, flag=False, now=now, none="!") == " 1 f 2026-01-01 11:00:00 t !"


def test_arguments_named_as_keywords_and_builtins_go_by_name(db: Connection) -> None:
    here = made(
        db,
        "named(p_from int, p_format text, p_time time, p_class jsonb) returns text language sql"
        " as $$ select concat_ws(' ', p_from, p_format, p_time, p_class) $$",
        named="From p_from, in p_format; p_from_other is another''s. May be null: p_class.",
    )
    room = here.Odd(db)
    assert room.named(from_=1, format="x", time=datetime(2026, 1, 1, 12).time(), class_=[1]) == "1 x 12:00:00 [1]"
    assert room.named(from_=1, format="x", time=datetime(2026, 1, 1, 12).time(), class_=None) == "1 x 12:00:00"
    assert here.Odd.named.__doc__ == "From from_, in format; p_from_other is another's."


def test_a_comment_is_the_docstring_word_for_word(db: Connection) -> None:
    long = "One sentence after another. " * 10
    comments = {
        "quoted": 'Says "this"',
        "escaped": r"Matches \d and ends in \\",
        "torn": 'A """ within.',
        "long": long + ".",
    }
    functions = [f"{name}() returns int language sql as $$ select 1 $$" for name in comments]
    here = made(db, *functions, **comments)
    for name, comment in comments.items():
        said = getattr(here.Odd, name).__doc__
        assert " ".join(said.split()) == comment, name
        assert all(len(line) <= 120 for line in said.splitlines())


def test_a_column_more_than_the_client_knows_does_no_harm(db: Connection) -> None:
    here = made(db, "two() returns table (a int, b int) language sql as $$ select 1, 2 $$")
    db.execute("drop function odd.two")
    db.execute("create function odd.two() returns table (c int, b int, a int) language sql as $$ select 3, 2, 1 $$")
    assert here.Odd(db).two() == [here.TwoRow(a=1, b=2)]


@pytest.mark.parametrize(
    ("function", "comment", "said"),
    [
        ("f(p_a point) returns int", "", "p_a: no Python is known for type point"),
        ("f(p_a odd.thing) returns int", "", "p_a: no Python is known for type odd.thing"),
        ("f(p_a odd.half[]) returns int", "", "p_a: no Python is known for type odd.half"),
        ("f(a int) returns int", "", "f: argument 'a' does not begin with p_"),
        ('f() returns table ("from" int)', "", "f: column 'from' is a keyword of Python's"),
        ("f() returns table (a int)", "May be null: b.", "there are none: {'b'}"),
    ],
)
def test_what_has_no_python_is_refused(db: Connection, function: str, comment: str, said: str) -> None:
    with pytest.raises(CannotGenerate, match=said):
        made(db, f"{function} language sql as $$ select 1 $$", f=comment)


def test_a_file_without_its_function_and_a_folder_without_files_are_refused(db: Connection, tmp_path: Path) -> None:
    with pytest.raises(CannotGenerate, match=r"by its files and by the catalogue: \{'no_such'\}"):
        module(db, "jobs", ["due", "no_such"])
    (tmp_path / "billig" / "internal").mkdir(parents=True)
    with pytest.raises(CannotGenerate, match="there are no functions in"):
        modules(db, tmp_path)
