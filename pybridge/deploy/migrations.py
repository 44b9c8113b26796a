"""The migrations of a checkout against those of a database: read and marked as yoyo does it, compared by SHA-256."""

import glob
import hashlib
from pathlib import Path
from typing import Any

import psycopg
import yoyo
from psycopg.rows import tuple_row
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import parse_uri
from yoyo.exceptions import BadMigration
from yoyo.migrations import default_migration_table, topological_sort

from pybridge.deploy.acting import Connection
from pybridge.deploy.sqlfiles import NOTHING_HERE, DeployRefused


class OtherCheckout(DeployRefused):
    """The migrations that made this database are not those of this checkout."""


class Yoyo(PostgresqlPsycopgBackend):  # type: ignore[misc]  # yoyo is untyped
    """yoyo's own bookkeeping, over a connection that it neither opens nor commits; so yoyo's tools read it."""

    _in_transaction = True  # yoyo then uses savepoints
    _internal_schema_updated = True  # by us; it would lock with a committed row

    def __init__(self, conn: Connection) -> None:
        self.shared = conn
        super().__init__(parse_uri("postgresql+psycopg:///"), default_migration_table)

    def connect(self, dburi: object) -> Connection:
        return self.shared

    def cursor(self) -> psycopg.Cursor[Any]:
        return self.shared.cursor(row_factory=tuple_row)


def read(folder: Path, ledger: Yoyo) -> tuple[list[Any], list[Any]]:
    """All migrations of a folder in their order, and those of them that are not applied."""
    try:
        migrations = yoyo.read_migrations(glob.escape(str(folder)))
        if not migrations:
            raise DeployRefused("migrations", f"there are none in {folder}", NOTHING_HERE)
        return list(topological_sort(migrations)), list(ledger.to_apply(migrations))
    except BadMigration as error:
        raise DeployRefused("migrations", str(error)) from error


def refuse_others(cur: psycopg.Cursor[Any], here: dict[str, str]) -> None:
    """Refuse a database that other files made: what has happened once does not happen again as they say now."""
    applied = dict(
        cur.execute(
            "select y.migration_id, m.sha256 from _yoyo_migration as y"
            " left join migration as m on m.migration = y.migration_id"
        )
    )
    for name in sorted(applied.keys() - here.keys()):
        hint = "Deploy from a checkout that is not older than the database."
        raise OtherCheckout(name, "this migration is applied, but its file is not here", hint)
    for name in sorted(name for name, sha256 in applied.items() if sha256 != here[name]):
        hint = (
            "Put the file back as it was, and write a new migration for the change. A database from before the first"
            " release, 0.1.0, is made anew, which loses what is in it: drop it and deploy into an empty one."
        )
        raise OtherCheckout(name, "this migration is applied, and its file has changed since", hint)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
