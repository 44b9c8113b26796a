"""docs/reports.md: its example is made and its queries are run, and what they print is what the page says.

With PYBRIDGE_WRITE_EXAMPLES=1 the page is written anew.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Connection, Database, ServerInfo
from tests.domain import consistency

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reports.md"
BLOCK = re.compile(r"```sql(?P<setup> setup)?\n(?P<sql>.*?)```\n(?:\n```text\n(?P<output>.*?)```\n)?", re.S)
SETTLEMENT = {
    "cashier_settlement",
    "open_items",
    "payment_by_method",
    "project_day",
    "seller_vat_project",
    "ticket_sales_by_event",
    "till_session",
    "unattached_payment",
}


def psql(server: ServerInfo, database: Database, query: str) -> str:
    """What psql prints, without the spaces at the ends of its lines."""
    arguments = ["-h", database.host, "-p", str(database.port), "-U", server.user, "-d", database.name]
    settings = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "--pset", "footer=off"]
    done = subprocess.run(
        [server.bin_dir / "psql", *arguments, *settings, "-f", "-"],
        input=f"set time zone 'Europe/Oslo';\n{query}",
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PGCLIENTENCODING": "UTF8"},
    )
    assert done.returncode == 0, f"{query}\n{done.stderr}"
    return "".join(f"{line.rstrip()}\n" for line in done.stdout.rstrip().splitlines())


@pytest.mark.smoke
def test_the_page_says_what_its_queries_print(server: ServerInfo, database: Database, db: Connection) -> None:
    page = PAGE.read_text("utf-8")
    blocks = list(BLOCK.finditer(page))
    setup = "".join(block["sql"] for block in blocks if block["setup"])
    psql(server, database, setup)
    assert consistency(db) == {}

    written = page
    for block in blocks:
        if block["setup"]:
            continue
        printed = psql(server, database, block["sql"])
        assert block["output"] is not None, f"no output beneath: {block['sql']}"
        if os.environ.get("PYBRIDGE_WRITE_EXAMPLES"):
            new = block[0].replace(f"```text\n{block['output']}```", f"```text\n{printed}```")
            written = written.replace(block[0], new)
        else:
            assert printed == block["output"], block["sql"]
    if written != page:
        PAGE.write_text(written, "utf-8")


def test_every_view_of_the_settlement_has_an_example() -> None:
    shown = {
        name
        for block in BLOCK.finditer(PAGE.read_text("utf-8"))
        if not block["setup"]
        for name in re.findall(r"\breport\.(\w+)", block["sql"])
    }
    assert shown == SETTLEMENT
