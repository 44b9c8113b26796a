"""`pybridge bank`: the way of docs/bank.md from an account to a match that is undone, and its exit codes."""

import json
import zipfile
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from pybridge.cli.common import REFUSED
from pybridge.cli.main import app
from pybridge.files import bank_loading
from tests.conftest import Connection
from tests.support import banking, dialects
from tests.support.dialects import Move, Part
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
    assert bank("account", "NO78 1506 00 12345"[5:], banking.ACCOUNT, "--organisation", "2").exit_code == 0
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
    bank("account", banking.NUMBER, banking.ACCOUNT, "--organisation", "2")
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
    assert bank("account", "15060012345", "Drift", "--organisation", "2").exit_code == 0
    assert "there is no account Nowhere; there are Drift" in bank(*asked).stderr


# --- Archives ---------------------------------------------------------------------------------------------------------


def archive(path: Path, **members: str | bytes) -> Path:
    """A ZIP of these files, by their names without an ending."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(f"{name}.sta", content)
    return path


def days(count: int) -> list[str]:
    """A chain of so many statements, of 100 each."""
    moves = [Move(banking.days_ago(9 - place), Decimal(100), "nattsafe") for place in range(count)]
    return [dialects.mt940(Part([move], Decimal(100 * n), n + 1)) for n, move in enumerate(moves)]


def entries(db: Connection) -> int:
    return int(one(db, "select count(*) from bank.entry"))


def test_the_files_of_an_archive_are_loaded_by_their_names(db: Connection, bank: Run, tmp_path: Path) -> None:
    banking.account(db)
    first, second = days(2)
    packed = archive(tmp_path / "week.zip", b=second, a=first)
    done = answer(bank("import", packed, "--json"))
    assert [(each["file"], each["new_entries"], each["gaps"]) for each in done] == [("a.sta", 1, []), ("b.sta", 1, [])]
    assert "a.sta was loaded already.\nb.sta was loaded already.\n" in bank("import", packed).stdout
    with zipfile.ZipFile(packed, "w") as empty:
        empty.writestr("folder/", "")
    none = bank("import", packed)
    assert none.exit_code == REFUSED
    assert "there is no file in it" in none.stderr


@pytest.mark.parametrize("wrong", ["not ours", "does not add up", "no statement", "damaged", "locked", "an archive"])
def test_an_archive_that_stops_half_way_says_what_it_loaded(
    db: Connection, bank: Run, tmp_path: Path, wrong: str
) -> None:
    banking.account(db)
    first, second, third = days(3)
    second = {
        "not ours": second.replace(banking.NUMBER, "15060099999"),
        "does not add up": second.replace("NOK200,00", "NOK201,00"),
        "no statement": "hello",
    }.get(wrong, second)
    inner = archive(tmp_path / "inner.zip", x=second).read_bytes()
    packed = archive(tmp_path / "week.zip", a=first, b=inner if wrong == "an archive" else second, c=third)
    _spoil(packed, wrong)
    found = bank("import", packed)
    said = " ".join(found.output.split())
    assert found.exit_code == REFUSED, said
    assert "Loaded before that, and kept: a.sta." in said
    assert "b.sta" in said
    assert entries(db) == 1, "the first alone"


def _spoil(packed: Path, wrong: str) -> None:
    """A letter of the second file is another one, or it is marked as locked by a password."""
    with zipfile.ZipFile(packed) as archive:
        begin = archive.getinfo("b.sta").header_offset
    content = bytearray(packed.read_bytes())
    if wrong == "damaged":
        content[begin + 60] ^= 0xFF
    if wrong == "locked":
        listed = content.index(b"b.sta", content.index(b"PK\x01\x02")) - 46
        content[begin + 6] |= 1
        content[listed + 8] |= 1
    packed.write_bytes(content)


def test_an_archive_that_is_larger_than_any_statement_is_refused_before_anything_is_loaded(
    db: Connection, bank: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    banking.account(db)
    (first,) = days(1)
    bomb = archive(tmp_path / "bomb.zip", a=first, b=bytes(20 << 20))
    assert bomb.stat().st_size < 100_000
    found = bank("import", bomb)
    assert found.exit_code == REFUSED
    assert "b.sta: unpacked it has 20971520 bytes" in " ".join(found.output.split())
    assert entries(db) == 0
    plain = archive(tmp_path / "plain.zip", a=first)
    monkeypatch.setattr(bank_loading, "LARGEST", 10)
    assert bank("import", plain).exit_code == REFUSED
    monkeypatch.undo()
    assert entries(db) == 0


def test_an_interim_report_is_told_of_and_never_booked(db: Connection, bank: Run, tmp_path: Path) -> None:
    banking.account(db)
    report = tmp_path / "interim.sta"
    rows = ":61:2611161116C7,00NTRFX//R1\n:86:Pose\n:61:2611161116D2,00NTRFX//R2\n:90D:1NOK2,00\n:90C:1NOK7,00\n-\n"
    report.write_text(f":20:X\n:25:{banking.NUMBER}\n:28C:1\n:34F:NOK0,\n{rows}")
    found = bank("import", report)
    assert found.exit_code == REFUSED, "nothing of it was booked"
    assert "MT942" in found.stdout
    assert f"Left out: 2 entries, NOK 5.00, of {banking.NUMBER}, of an interim report" in found.stdout
    assert "Nothing of it was booked." in found.stdout
    assert entries(db) == 0
    moves = [Move(date(2026, 11, 16), Decimal(7), "R1"), Move(date(2026, 11, 16), Decimal(-2), "R2")]
    report.write_text(dialects.mt940(Part(moves, Decimal(0), 1)))
    assert answer(bank("import", report, "--json"))["new_entries"] == 2, "the statement books them"
