"""`pybridge dispute`: how a dispute was decided."""

import json

from tests.conftest import Connection
from tests.support.cli import Run, run
from tests.support.domain import make_event, one
from tests.support.given_back import charge_back, web

__all__ = ["run"]  # a fixture


def test_a_dispute_is_lost_then_open_again_and_won(db: Connection, run: Run) -> None:
    web(db, make_event(db, prices=(200,)).price_group, reference="ref-1")
    charge_back(db)
    said = run(db, "dispute", "decide", "dp_1", "lost", "--on", "2026-01-05", "--reason", "no proof")
    assert (said.exit_code, said.output) == (0, "dispute dp_1: LOST on 2026-01-05\n")
    refused = run(db, "dispute", "decide", "dp_1", "accepted")
    assert (refused.exit_code, "23B32" in refused.stderr) == (1, True)
    again = run(db, "dispute", "decide", "dp_1", "open", "--reason", "taken up again", "--json")
    assert again.exit_code == 0, again.output
    assert json.loads(again.stdout)["status"] == "OPEN"
    won = run(db, "dispute", "won", "dp_1")
    assert (won.exit_code, won.output) == (0, "dispute dp_1: WON, NOK 200.00, 1 tickets\n")
    assert json.loads(run(db, "dispute", "won", "dp_1", "--json").stdout)[0]["amount"] == "200.00"
    assert one(db, "select status from report.dispute") == "WON"
    assert run(db, "dispute", "won", "dp_9").exit_code == 1
