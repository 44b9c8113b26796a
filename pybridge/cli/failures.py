"""What a person is told when a command fails, where it is not a mistake of ours."""

import errno

import psycopg
import typer

from pybridge import errors
from pybridge.cli.common import NO_DATABASE, REFUSED, fail
from pybridge.database import NoDatabase, NoLedger

ANOTHER_ROLE = "Log in as a role that may."
DEPLOY = "Run: pybridge deploy"
WHERE = "DATABASE_URL, PGHOST, PGSERVICE and the like say where it is; with none set, an embedded one is used."
OTHER_VERSION = (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedFunction)


def in_words(error: Exception) -> typer.Exit | None:
    """Says what went wrong; raise what it returns. None: it is a mistake of ours, which has a traceback."""
    match error:
        case NoDatabase():
            return fail(NO_DATABASE, str(error))
        case NoLedger():
            return fail(NO_DATABASE, str(error), DEPLOY)
        case errors.Refused():
            if error.sqlstate == "42501" and error.hint is None:  # PostgreSQL's own refusal
                error.hint = ANOTHER_ROLE
            said = "\n".join(filter(None, (error.detail, error.hint)))
            return fail(REFUSED, f"{error.message} ({error.sqlstate})", said)
        case psycopg.errors.InsufficientPrivilege():
            # Without the statement, which PostgreSQL quotes.
            return fail(REFUSED, error.diag.message_primary or str(error), ANOTHER_ROLE)
        case psycopg.Error() if isinstance(error, OTHER_VERSION):
            return fail(NO_DATABASE, f"The database was deployed by another version: {error}", DEPLOY)
        case psycopg.OperationalError():
            return fail(NO_DATABASE, f"The database cannot be reached: {error}", WHERE)
        case OSError() if error.errno == errno.ENOSPC:
            return fail(REFUSED, f"{error.filename or 'The output'} cannot be written: {error.strerror}.")
    return None
