"""The tests' server trusts everybody; here it asks some roles for a password, as a real one does."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg import sql

from tests.conftest import Connection
from tests.support.domain import login_role, one, run

NOBODY = ",".join(["nobody", "nobody_of_this_name", *(f"nobody{number}" for number in range(50))])
"""Who do not exist, name by name: 15 knows no patterns."""


@contextmanager
def asked_for(db: Connection, method: str = "scram-sha-256") -> Iterator[str]:
    """A group whose members have to give a password over TCP; and so has nobody, who does not exist."""
    with login_role(db) as group:
        file = Path(one(db, "show hba_file"))
        kept = file.read_text()
        file.write_text(f"host all +{group},{NOBODY} 127.0.0.1/32 {method}\n{kept}")
        run(db, "select pg_reload_conf()")
        try:
            yield group
        finally:
            file.write_text(kept)
            run(db, "select pg_reload_conf()")


@contextmanager
def role(db: Connection, asking: str, *groups: str) -> Iterator[tuple[str, str]]:
    """A login role of these groups, and its password."""
    password = secrets.token_urlsafe(12)
    with login_role(db, asking, *groups) as name:
        run(db, sql.SQL("alter role {} password {}").format(sql.Identifier(name), sql.Literal(password)))
        yield name, password
