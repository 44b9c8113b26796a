"""The database that commands and programs work on: where it is, and whether it is a ledger."""

import os
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from pybridge.extras import needs

ELSEWHERE = ("PGHOST", "PGHOSTADDR", "PGPORT", "PGSERVICE", "PGDATABASE")


class NoDatabase(RuntimeError):
    """There is no database to work on; the message says what to do."""


class NoLedger(RuntimeError):
    """The database was reached, and holds no ticket ledger."""


def is_elsewhere() -> bool:
    """Whether the environment names a database, so that the embedded server is not what is used."""
    return bool(os.environ.get("DATABASE_URL")) or any(os.environ.get(name) for name in ELSEWHERE)


def connection_string(*, tcp: bool = False) -> str:
    """DATABASE_URL; or "", which lets libpq read PGHOST, PGSERVICE and the like; or the embedded server's.

    `tcp`: the embedded server over TCP, where it asks for a password.
    """
    url = os.environ.get("DATABASE_URL")
    if url:
        try:
            conninfo_to_dict(url)
        except psycopg.ProgrammingError as error:
            example = "postgresql://kari@db.example.org/billig"
            raise NoDatabase(f"DATABASE_URL is not the address of a database, such as {example}: {error}") from None
        return url
    if is_elsewhere():
        return ""
    with needs("local"):
        from pybridge.local import server
    return server.up().dsn(tcp=tcp)


def connect(*, deployed: bool) -> psycopg.Connection[Any]:
    """The database that the environment names, else the embedded one. `deployed`: it must hold the ticket ledger."""
    connection = psycopg.connect(connection_string(), autocommit=True, application_name="pybridge")
    # Whoever ends a command ends what the server does for it, too: a backend finds out by itself only when it answers.
    connection.execute("set client_connection_check_interval = '5s'")
    # Asked of the catalogue, which everybody may read: analysts may not look into schema deploy.
    ledger = "select from pg_tables where schemaname = 'deploy' and tablename = 'repeatable_object'"
    if deployed and connection.execute(ledger).fetchone() is None:
        where = f"{connection.info.dbname} on {connection.info.host or 'its socket'}"
        connection.close()
        raise NoLedger(f"Database {where} holds no ticket ledger.")
    return connection
