"""docs/execution.md: its SQL is run from top to bottom, and what it prints is what the page says.

With PYBRIDGE_WRITE_EXAMPLES=1 the page is written anew.
"""

import os
import re
from pathlib import Path

from tests.conftest import Connection, Database, ServerInfo
from tests.domain import consistency, one, rows
from tests.test_report_examples import BLOCK, psql

PAGE = Path(__file__).resolve().parents[1] / "docs" / "execution.md"
DECISIONS = ("set_payment_means", "retry_transaction", "cancel_attempt", "refund_transaction", "resolve_attempt",
             "clear_alarm", "move_reserve")  # fmt: skip


def test_the_page_says_what_its_sql_prints(server: ServerInfo, database: Database, db: Connection) -> None:
    page, written, end = PAGE.read_text("utf-8"), "", 0
    compared = 0
    for block in BLOCK.finditer(page):
        printed = psql(server, database, block["sql"])
        if block["output"] is None:
            continue
        compared += 1
        if os.environ.get("PYBRIDGE_WRITE_EXAMPLES"):
            written += page[end : block.start("output")] + printed
            end = block.end("output")
        else:
            assert printed == block["output"], block["sql"]
    if end:
        PAGE.write_text(written + page[end:], "utf-8")
    assert compared >= 5
    assert consistency(db) == {}
    assert one(db, "select count(*) from marketplace.payment_attempt where alarm is not null") == 0


def test_the_page_names_every_state_hold_alarm_and_decision(db: Connection) -> None:
    page = PAGE.read_text("utf-8")
    states = {row["to_state"] for row in rows(db, "select distinct to_state from marketplace.attempt_step")}
    comment = one(db, "select obj_description('marketplace.due_transactions(text, timestamptz)'::regprocedure)")
    holds = set(re.findall(r"\b[A-Z]{4,}(?:_[A-Z]+)*\b", comment)) - {"CHARGE", "REFUND", "PAYOUT"}
    alarms = one(
        db,
        "select col_description('marketplace.payment_attempt'::regclass, attnum) from pg_attribute"
        " where attrelid = 'marketplace.payment_attempt'::regclass and attname = 'alarm'",
    )
    names = {*re.findall(r"(\w+) \(", alarms), *DECISIONS, *states, *holds}
    assert {"FUND", "not_found", "REQUIRES_ACTION"} <= names
    assert sorted(name for name in names if name not in page) == []
    sql = "".join(block["sql"] for block in BLOCK.finditer(page))
    assert [name for name in DECISIONS if f"marketplace.{name}(" not in sql] == []
