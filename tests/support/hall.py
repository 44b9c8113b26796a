"""More words, for tests that run whole clients and many connections: plain numbers and tuples, and who logs in."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from tests.conftest import Database
from tests.support import domain

Connection = psycopg.Connection[Any]
Row = tuple[Any, ...]


def all_rows(db: Connection, query: LiteralString, *parameters: object) -> list[Row]:
    """The rows of a query, as tuples; prepared when it comes again."""
    return db.execute(query, parameters or None).fetchall()


def sell(db: Connection, price_group: int, count: int = 1, *, seller: str = domain.SELLER) -> list[int]:
    """Sells at a stand, paid in cash: the numbers of the tickets."""
    return domain.sell(db, price_group, count, seller=seller).tickets


def buy_on_the_web(db: Connection, price_group: int, count: int = 1) -> tuple[int, list[int]]:
    """Takes tickets on the web, unpaid: the purchase, and the numbers of the tickets."""
    sale = domain.net(db, price_group, count)
    return sale.purchase, sale.tickets


def money_of(db: Connection, ticket: int) -> list[Row]:
    """A ticket's rows that moved money: type, NOK with fee, who, and where."""
    return [
        (row["type"], row["amount"] + row["fee_amount"], row["seller"], row["cash_point"])
        for row in domain.log_rows(db, ticket)
        if row["payment"] is not None
    ]


def sold(db: Connection, ticket_group: int) -> Row:
    """(num_sold, live tickets) of a group: what its view says, and what is there."""
    return all_rows(
        db,
        "select g.num_sold, (select count(*) from billig.ticket as t where t.ticket_group = g.ticket_group"
        " and t.refunded is null) from billig.ticket_group as g where g.ticket_group = %s",
        ticket_group,
    )[0]


@contextmanager
def login_roles(db: Connection, roles: Mapping[str, Sequence[str]]) -> Iterator[None]:
    """Login roles with their memberships, who find the tables unqualified, as the legacy code names them."""
    for role, groups in roles.items():
        name = sql.Identifier(role)
        db.execute(sql.SQL("drop role if exists {}").format(name))
        db.execute(sql.SQL("create role {} login").format(name))
        db.execute(sql.SQL("alter role {} set search_path = billig").format(name))
        for group in groups:
            db.execute(sql.SQL("grant {} to {}").format(sql.Identifier(group), name))
    try:
        yield
    finally:
        for role in roles:
            db.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(role)))


def environment(database: Database, role: str) -> dict[str, str]:
    """Of a program that connects to the test's database as that role, as libpq does."""
    ours = {
        "PGHOST": database.host,
        "PGPORT": str(database.port),
        "PGDATABASE": database.name,
        "PGUSER": role,
        "LC_ALL": "C.UTF-8",
    }
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | ours
