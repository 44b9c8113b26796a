"""`pybridge bank`: the way of docs/bank.md from an account to a match that is undone, and its exit codes."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from pybridge.cli.common import REFUSED
from pybridge.cli.main import app
from tests.conftest import Connection
from tests.support import banking
from tests.support.domain import make_event, one

Run = Callable[..., Result]


@pytest.fixture
def bank(db: Connection, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`pybridge bank` with these arguments, on the test's database."""
    info = db.info
    monkeypatch.setenv("DATABASE_URL", f"postgresql://{info.user}@{info.host}:{info.port}/{info.dbname}")
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, ["bank", *(str(each) for each in arguments)])  # type: ignore[return-value]

    return run


def answer(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_from_an_account_to_a_match_that_is_undone(db: Connection, bank: Run, tmp_path: Path) -> None:
    day = banking.days_ago(4)
    banking.sold_on(db, day, 5, "CARD", make_event(db, prices=(100,)))
    assert bank("account", "NO78 1506 00 12345"[5:], banking.ACCOUNT).exit_code == 0
    cards = bank("route", "Cards", "--account", banking.ACCOUNT, "--source", "DAY", "--method", "CARD", "--days", 1, 3)
    assert cards.exit_code == 0, cards.output
    statement = tmp_path / "statement.sta"
    statement.write_text(banking.mt940([(day + timedelta(days=2), 500, "A"), (day, 77, "B")], texts=["CARDS", "GIFT"]))
    assert "2 entries, 577.00: 2 new, 577.00" in bank("import", statement).stdout
    assert "already" in bank("import", statement).stdout
    done = answer(bank("match", "--json"))
    assert [(row["rule"], row["matches"]) for row in done["matched"]] == [("AMOUNT", 1)]
    assert done["expected"] == [{"route_name": "Cards", "items": 1, "amount": "500.00"}]
    listed = bank("status").stdout
    assert "GIFT" in listed
    assert "CARDS" not in listed
    (stray,) = answer(bank("status", "--json"))["entries"]
    by_hand = bank("match", "--entry", stray["entry"], "--line", "NOT_OURS=77", "--reason", "a gift")
    assert by_hand.exit_code == 0, by_hand.output
    assert bank("status").stdout == "Nothing is open.\n"
    first = one(db, "select min(match) from bank.match")
    assert bank("undo", first, "--reason", "another day's").exit_code == 0
    again = bank("undo", first, "--reason", "twice")
    assert again.exit_code == 1
    assert "23B85" in again.output
    left = answer(bank("status", "--json"))
    assert [len(left[side]) for side in ("entries", "expected", "suggested")] == [1, 1, 0]


def test_csv_is_loaded_by_its_map(bank: Run, tmp_path: Path) -> None:
    columns, file = tmp_path / "columns.toml", tmp_path / "export.csv"
    columns.write_text('account = "15060012345"\n[columns]\nbooked_on = "Dato"\namount = "Beløp"\n', "utf-8")
    file.write_text("Dato;Beløp\n14.01.2026;1 234,50\n15.01.2026;oops\n", "utf-8")
    bank("account", banking.NUMBER, banking.ACCOUNT)
    refused = bank("import", file, "--map", columns)
    assert refused.exit_code == 1
    assert "line 3, Beløp: no amount: 'oops'. Nothing was loaded." in " ".join(refused.output.split())
    assert bank("import", file).exit_code == 1, "CSV without a map"
    file.write_text("Dato;Beløp\n14.01.2026;1 234,50\n", "utf-8")
    assert answer(bank("import", file, "--map", columns, "--json"))["new_entries"] == 1
    columns.write_text("[columns]\n", "utf-8")
    assert bank("import", file, "--map", columns).exit_code == 2


def test_what_does_not_balance_is_said(bank: Run, db: Connection, tmp_path: Path) -> None:
    banking.account(db)
    (entry,) = banking.booked(db, tmp_path, (banking.days_ago(1), 77, "A"))
    refused = bank("match", "--entry", entry, "--line", "FEE=-1", "--reason", "x")
    assert refused.exit_code == 1
    assert "23B83" in refused.output
    assert bank("match", "--entry", entry, "--line", "FEE", "--reason", "x").exit_code == 2
    assert bank("match", "--reason", "x").exit_code == 2


def test_a_report_of_payouts_is_loaded_once_and_a_bad_one_is_refused(db: Connection, bank: Run, tmp_path: Path) -> None:
    banking.account(db)
    made = bank("route", "Cards", "--account", banking.ACCOUNT, "--source", "DAY", "--method", "CARD", "--days", 1, 3)
    assert made.exit_code == 0, made.output
    report = tmp_path / "report.csv"
    report.write_text("Id;Dag;Brutto;Gebyr\n7;2026-01-16;200,00;4,80\n;;50,00;1,00\n")
    columns = tmp_path / "columns.toml"
    columns.write_text(
        'currency = "NOK"\ndate = "%Y-%m-%d"\n[columns]\n'
        'payout_id = "Id"\npaid_on = "Dag"\ngross = "Brutto"\nfee = "Gebyr"\n'
    )
    asked = ("payout", report, "--route", "Cards", "--map", columns)
    assert bank(*asked).stdout == (
        "csv: 1 payouts, NOK 195.20, 0 of them known; 1 lines, 1 more not paid out yet, NOK 49.00.\n"
    )
    assert bank(*asked).stdout == f"{report} was loaded already.\n"
    assert answer(bank(*asked, "--json"))["already"] is True
    report.write_text("Id;Dag;Brutto;Gebyr\n8;2026-01-16;2oo;4,80\n")
    refused = bank(*asked)
    assert refused.exit_code == REFUSED
    assert "line 2, Brutto: no amount: '2oo'. Nothing was loaded." in refused.stderr
    columns.write_text('currency = "NOK"\n')
    assert bank(*asked).exit_code == 2
    assert bank("payout", report, "--route", "Cards", "--format", "excel").exit_code == 2
    assert one(db, "select string_agg(payout_id, ',') from report.payout") == "7"


def test_a_settlement_route_without_its_account_is_told_which_there_are(bank: Run) -> None:
    asked = ("route", "Cards", "--account", "Nowhere", "--source", "DAY", "--method", "CARD")
    none = bank(*asked)
    assert none.exit_code == 2
    assert "there is no account Nowhere; `pybridge bank account` adds one" in none.stderr
    assert bank("account", "15060012345", "Drift").exit_code == 0
    assert "there is no account Nowhere; there are Drift" in bank(*asked).stderr
