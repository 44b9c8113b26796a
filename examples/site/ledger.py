"""Calls of schema marketplace over Django's own connection, so that they are in its transaction; and its refusals."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django import template
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from psycopg import sql
from psycopg.types.json import Jsonb

Row = dict[str, Any]
NOW: dict[str, Any] = {}  # {"now": ...} where a play says what time it is; a real site leaves time to the server

ASK_AGAIN = ("40001", "40P01", "55P03")  # two got in each other's way: the same request again will do
SEVERE = ("08", "53", "57", "58", "XX")  # the server is not there, or not well: nobody's request is at fault


def call(function: str, /, **arguments: Any) -> list[Row]:
    """Calls it with named arguments; its rows. Amounts are Decimal as they come: never make them float."""
    named = [sql.SQL("{} => %s").format(sql.Identifier(f"p_{name}")) for name in arguments]
    query = sql.SQL("select * from marketplace.{}({})").format(sql.Identifier(function), sql.SQL(", ").join(named))
    values = [Jsonb(value) if isinstance(value, dict) else value for value in arguments.values()]
    with connection.cursor() as cursor:
        text = query.as_string(cursor.connection)
    return rows(text, values)


def rows(query: str, values: list[Any]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def whys(transactions: list[int]) -> dict[int, Row]:
    """What comes next of each of these transactions, and whose turn it is, in the site's language."""
    query = """
        select t.transaction, w.* from unnest(%s::bigint[]) as t(transaction)
        cross join lateral marketplace.why(p_transaction => t.transaction, p_language => %s) as w
    """
    return {row["transaction"]: row for row in rows(query, [transactions, settings.LANGUAGE_CODE.partition("-")[0]])}


def change(function: str, /, **arguments: Any) -> list[Row]:
    return call(function, **arguments, **NOW)


register = template.Library()


@register.filter
def nok(amount: Decimal | None) -> str:
    """Whole øre, or as many decimals as there are: nothing is rounded on a page."""
    if amount is None:
        return ""
    return f"{amount:.2f}" if amount == round(amount, 2) else f"{amount.normalize():f}"


def stamped(column: str) -> Row:
    """What a play inserts as the time of a row; nothing on a real site, where the database says it."""
    return {column: NOW["now"]} if NOW else {}


class Refusals:
    """What the database refuses, the site says as the database does: Django's error has psycopg's as its cause."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        cause = error.__cause__
        state = getattr(cause, "sqlstate", None) if isinstance(error, DatabaseError) else None
        if state is None or state.startswith(SEVERE):
            return None  # a fault of ours: Django's own page, and its log
        said = cause.diag  # type: ignore[union-attr]
        shown = {"state": state, "message": said.message_primary, "hint": said.message_hint}
        status = 503 if state in ASK_AGAIN else 404 if state == "P0002" else 403 if state == "42501" else 409
        return render(request, "site/refused.html", shown, status=status)
