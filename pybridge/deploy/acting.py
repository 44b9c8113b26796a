"""The transaction of a deploy, and as whom it acts in it."""

import re
from typing import Any

import psycopg
from psycopg import sql

from pybridge.deploy.settings import CLEAN
from pybridge.deploy.sqlfiles import DeployRefused, code_of

Connection = psycopg.Connection[Any]

OWNER = "pybridge_owner"
DEPLOYER = "none"  # nobody's role: whoever is connected
RETRY = ("08", "40", "53", "55P03", "57", "58")  # SQLSTATEs that say nothing of the files
ENDS_TRANSACTION = re.compile(r"(?:^|;)\s*(?:commit|abort|rollback)\b(?!\s+to\b)", re.I | re.M)


class Acting:
    """A transaction that somebody began, and who acts in it."""

    def __init__(self, conn: Connection, cur: psycopg.Cursor[Any]) -> None:
        self.conn, self.cur = conn, cur

    def act(self, role: str) -> None:
        self.cur.execute(CLEAN, prepare=False)
        self.cur.execute(sql.SQL("set local role {}").format(sql.SQL(role)))

    def ask(self, query: str, *values: object) -> Any:
        row = self.cur.execute(query.encode(), values or None).fetchone()
        return row[0] if row else None

    def execute_file(self, name: str, text: str, role: str = OWNER) -> None:
        """Execute a file as it stands: psycopg must neither look for placeholders in it nor prepare it."""
        if ENDS_TRANSACTION.search(code_of(text)):
            raise DeployRefused(name, "a file must not end the transaction that it is executed in")
        self.act(role)
        self.cur.execute(text.encode(), prepare=False)
        self.act(OWNER)


def refusal(name: str, text: str, error: psycopg.Error) -> DeployRefused:
    """PostgreSQL's complaint about a file, with its line; what is not a fault of a file is raised as it is."""
    if not error.sqlstate or error.sqlstate.startswith(RETRY):
        raise error
    diag = error.diag
    position = diag.internal_position or diag.statement_position
    line = f"line {text.count(chr(10), 0, int(position) - 1) + 1}: " if position else ""
    parts = [line + (diag.message_primary or str(error)), diag.message_detail, None if position else diag.context]
    return DeployRefused(name, "; ".join(part for part in parts if part), diag.message_hint or "")
