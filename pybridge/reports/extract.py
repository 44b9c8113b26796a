"""Views of the log as Parquet files, increment by increment: what a file ends with is where the next one begins.

The rows go from the database as text, with the types that the catalogue says, so that money is decimal in the file too.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from pybridge.errors import BadArgument
from pybridge.extras import needs
from pybridge.reports import questions
from pybridge.reports.tables import Connection, UnknownReport, prepare

POSITION = "history_position"
TYPES = {
    "bigint": "BIGINT", "integer": "INTEGER", "smallint": "SMALLINT", "boolean": "BOOLEAN", "date": "DATE",
    "timestamp without time zone": "TIMESTAMP", "timestamp with time zone": "TIMESTAMPTZ",
}  # fmt: skip


@dataclass(frozen=True)
class Extract:
    """What a file holds: the rows of a view whose history_position is from `since` on and below `final_before`."""

    view: str
    since: int
    final_before: int
    rows: int


def views(connection: Connection) -> list[str]:
    """Those that can be read in increments."""
    return [name for name, each in questions.views(connection).items() if POSITION in each.columns]


def write(connection: Connection, name: str, since: int, file: Path) -> Extract:
    """The rows that became final since `since`, into `file`, with the marks in its key-value metadata.

    The connection's transaction is REPEATABLE READ, so that rows and mark are of one snapshot.
    """
    with needs("parquet"):
        import duckdb
    known = views(connection)
    name = name.removeprefix("report.")
    if name not in known:
        raise UnknownReport(f"report.{name} has no {POSITION}, and cannot be read in increments", known)
    prepare(connection)
    found = connection.execute("select final_before from report.watermark").fetchone()
    assert found is not None
    final_before: int = found[0]
    if since > final_before:
        raise BadArgument(
            "nothing ended there", f"{since} is beyond what is final, {final_before}.",
            "Give what the extract before said of this very database; 0 begins anew.",
        )  # fmt: skip
    columns = _types(connection, name)
    query = sql.SQL("copy (select {} from {} where {} >= {} and {} < {}) to stdout (format csv, header false)").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.Identifier("report", name),
        sql.Identifier(POSITION), sql.Literal(since),
        sql.Identifier(POSITION), sql.Literal(final_before),
    )  # fmt: skip
    with tempfile.NamedTemporaryFile(suffix=".csv") as text:
        with connection.cursor() as cursor, cursor.copy(query) as copy:
            for block in copy:
                text.write(block)
        text.flush()
        with duckdb.connect() as duck:
            rows = duck.read_csv(
                text.name, header=False, columns=columns, na_values=[""], quotechar='"', escapechar='"',
                allow_quoted_nulls=False, auto_detect=False, sep=",",
            )  # fmt: skip
            duck.register("rows", rows)
            marks = f"{{view: '{name}', since: '{since}', final_before: '{final_before}'}}"
            path = str(file).replace("'", "''")
            duck.execute(f"copy rows to '{path}' (format parquet, compression zstd, kv_metadata {marks})")
            counted = duck.execute("select count(*) from rows").fetchone()
    assert counted is not None
    return Extract(name, since, final_before, counted[0])


def _types(connection: Connection, name: str) -> dict[str, str]:
    """The view's columns, as the file has them: what it has no type for is text."""
    found = connection.execute(
        """
        select
            c.column_name::text, c.data_type::text, c.numeric_precision::int, c.numeric_scale::int
        from information_schema.columns as c
        where c.table_schema = 'report' and c.table_name = %s
        order by c.ordinal_position
        """,
        [name],
    ).fetchall()
    return {
        column: f"DECIMAL({precision}, {scale})" if kind == "numeric" else TYPES.get(kind, "VARCHAR")
        for column, kind, precision, scale in found
    }
