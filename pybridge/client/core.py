"""How the generated calls reach the database: arguments by name, rows as dataclasses, refusals as exceptions."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import psycopg
from psycopg import sql
from psycopg.rows import class_row, scalar_row
from psycopg.types.json import Jsonb

from pybridge.errors import translated

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Money = Decimal | int
Row = TypeVar("Row", bound="DataclassInstance")


class Room:
    """The functions of one schema. The connection and its transactions are the caller's.

    A refusal is raised as one of `pybridge.errors`, every other error of psycopg as it is.
    """

    schema: ClassVar[str]

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection

    def _rows(self, row_type: type[Row], function: str, /, **arguments: object) -> list[Row]:
        columns = tuple(field.name for field in fields(row_type))
        query = _statement(self.schema, function, tuple(arguments), columns)
        with translated(), self.connection.cursor(row_factory=class_row(row_type)) as cursor:
            return cursor.execute(query, _adapted(arguments)).fetchall()

    def _values(self, function: str, /, **arguments: object) -> list[Any]:
        query = _statement(self.schema, function, tuple(arguments), ())
        with translated(), self.connection.cursor(row_factory=scalar_row) as cursor:
            return cursor.execute(query, _adapted(arguments)).fetchall()

    def _value(self, function: str, /, **arguments: object) -> Any:
        (value,) = self._values(function, **arguments)
        return value


def given(**arguments: object) -> dict[str, object]:
    """Those that are not None. The others are left out, so that the database's own default applies, such as now()."""
    return {name: value for name, value in arguments.items() if value is not None}


def json(value: object) -> Jsonb | None:
    """None is null, and not JSON's null."""
    return None if value is None else Jsonb(value)


@cache
def _statement(schema: str, function: str, arguments: tuple[str, ...], columns: tuple[str, ...]) -> bytes:
    """Columns are named, so that one more in a later version of the function does no harm."""
    call = sql.SQL("{}({})").format(
        sql.Identifier(schema, function),
        sql.SQL(", ").join(
            # A keyword of Python's has an underscore behind it.
            sql.SQL("{} => {}").format(sql.Identifier(f"p_{name.removesuffix('_')}"), sql.Placeholder(name))
            for name in arguments
        ),
    )
    if not columns:
        return sql.SQL("select {}").format(call).as_bytes()
    return sql.SQL("select {} from {}").format(sql.SQL(", ").join(map(sql.Identifier, columns)), call).as_bytes()


def _adapted(arguments: Mapping[str, object]) -> dict[str, object]:
    return {name: _array(value) if _is_array(value) else value for name, value in arguments.items()}


def _is_array(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray | memoryview)


def _array(values: Any) -> list[object]:
    """To psycopg a tuple is a record, and a list is of one type: amounts may be of two, 500 and Decimal("387.50")."""
    if any(isinstance(value, Decimal) for value in values):
        return [Decimal(value) if isinstance(value, int) else value for value in values]
    return list(values)
