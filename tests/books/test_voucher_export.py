"""What goes out to the accounting system goes out once, and is corrected by new vouchers alone."""

import hashlib
from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from threading import Thread

import psycopg
import pytest
from click.testing import Result
from typer.testing import CliRunner

from pybridge.cli.main import app
from pybridge.reports import vouchers
from tests.conftest import Connect, Connection
from tests.support.cli import url
from tests.support.days import movable_clock
from tests.support.domain import (
    REGULAR_RATE,
    SAMFUNDET,
    UKA,
    Event,
    Row,
    call_in,
    consistency,
    expect,
    login_role,
    make_event,
    one,
    refund,
    rows,
    run,
    sell,
    wait_for,
)

EVER = (date(2000, 1, 1), date(2100, 1, 1))
Lines = dict[tuple[object, ...], Decimal]


def today(db: Connection) -> date:
    day = one(db, "select billig.local_time(clock_timestamp())::date")
    assert isinstance(day, date)
    return day


def concert(db: Connection, organisation: int = UKA, **options: object) -> Event:
    at_noon = datetime.combine(today(db), time(12))
    return make_event(db, prices=(125,), organisation=organisation, event_time=at_noon, **options)  # type: ignore[arg-type]


def send_out(db: Connection, days: tuple[date, date] = EVER, organisation: int = UKA, **options: object) -> list[Row]:
    first, last = days
    return call_in(db, "books", "export_vouchers", organisation=organisation, first_day=first, last_day=last, **options)


def summed(found: list[Row]) -> Lines:
    """NOK by all that tells lines apart; what comes to nothing is left out."""
    sums: Lines = defaultdict(Decimal)
    for row in found:
        key = (row["organisation"], row["posting_date"], row["account"], row["project"], row["vat_code"])
        sums[*key, "amount"] += row["amount"]
        sums[*key, "vat"] += row["vat_amount"]
    return {key: amount for key, amount in sums.items() if amount}


def gone(db: Connection) -> Lines:
    return summed(rows(db, "select * from report.exported_line"))


def journal(db: Connection, organisation: int = UKA) -> Lines:
    return summed(rows(db, "select * from report.voucher_line where organisation = %s", organisation))


def numbers(db: Connection, organisation: int = UKA) -> list[tuple[int, int | None]]:
    """Each voucher that went out, and which it corrects."""
    found = rows(
        db,
        """
        select distinct voucher_number, corrected_number from report.exported_line
        where organisation = %s order by voucher_number
        """,
        organisation,
    )
    return [(row["voucher_number"], row["corrected_number"]) for row in found]


# --- Once -----------------------------------------------------------------------------------------------------------


def test_a_day_goes_out_once_and_what_comes_later_corrects_it_by_the_difference(db: Connection) -> None:
    event = concert(db, vat_code=REGULAR_RATE)
    sale = sell(db, event.price_group, 3, methods=["CARD"])
    (first,) = send_out(db)
    assert (first["first_number"], first["last_number"], first["corrections"]) == (1, 1, 0)
    assert gone(db) == journal(db)
    assert send_out(db) == [], "there is nothing new, and nothing is recorded"
    before = rows(db, "select * from report.exported_line order by voucher_number, line")

    refund(db, sale.tickets[:1], payment_methods=["CARD"])
    (second,) = send_out(db)
    assert (second["first_number"], second["corrections"]) == (2, 1)
    assert gone(db) == journal(db)
    assert numbers(db) == [(1, None), (2, 1)]
    after = rows(db, "select * from report.exported_line order by voucher_number, line")
    assert after[: len(before)] == before, "what went out stays as it was"
    difference = {row["account"]: row["amount"] for row in after[len(before) :]}
    assert difference == {1571: -125, 3020: 100, 2700: 25}
    assert all(row["line_text"].startswith("Retter bilag 1: ") for row in after[len(before) :])

    refund(db, sale.tickets[1:2], payment_methods=["CARD"])
    send_out(db)
    assert numbers(db) == [(1, None), (2, 1), (3, 1)]
    assert gone(db) == journal(db)
    assert rows(db, "select * from report.unexported_voucher") == []
    assert consistency(db) == {}


def test_another_rule_for_an_open_day_moves_what_went_out(db: Connection) -> None:
    event = concert(db)
    sell(db, event.price_group)
    send_out(db)
    call_in(db, "books", "set_account", account=3221, name="Billettinntekt revyen")
    call_in(db, "books", "set_voucher_rule", line_kind="REVENUE", account=3221, project=event.project)
    (waiting,) = rows(db, "select corrected_number, debit from report.unexported_voucher")
    assert waiting == {"corrected_number": 1, "debit": 125}
    send_out(db)
    assert gone(db) == journal(db)
    assert {key[2]: amount for key, amount in gone(db).items()} == {1900: 125, 3221: -125}


def test_what_comes_too_late_for_a_closed_day_is_a_voucher_of_the_first_open_one(
    db: Connection, connect: Connect
) -> None:
    calendar = movable_clock(db)
    day, event = calendar.today, concert(db)
    sell(db, event.price_group)
    slow = connect(autocommit=False)
    sell(slow, event.price_group, 2, seller="ola")
    calendar.forward()
    calendar.close(day)
    send_out(db, (day, day))
    slow.commit()
    assert send_out(db, (day, day)) == [], "the closed day is as it went out"
    (late,) = send_out(db)
    assert (late["first_number"], late["corrections"]) == (2, 0)
    days = rows(db, "select distinct posting_date from report.exported_line order by 1")
    assert [row["posting_date"] for row in days] == [day, day + timedelta(days=1)]
    assert gone(db) == journal(db)


def test_each_organisations_numbers_go_on_from_its_own_last_one(db: Connection) -> None:
    for organisation in (UKA, SAMFUNDET):
        run(db, "update billig.payment_method set organisation = %s", organisation)
        sell(db, concert(db, organisation).price_group)
    (uka,) = send_out(db, first_number=700)
    (samfundet,) = send_out(db, organisation=SAMFUNDET)
    assert (uka["first_number"], samfundet["first_number"]) == (700, 1)
    run(db, "update billig.payment_method set organisation = %s", UKA)
    sell(db, concert(db).price_group)
    for used in (1, 700):
        with expect("23B55"):
            send_out(db, first_number=used)
    (uka,) = send_out(db)
    assert uka["first_number"] == 701
    sell(db, concert(db).price_group)
    (uka,) = send_out(db, first_number=9_999_999)
    sell(db, concert(db).price_group)
    with expect("23B55"):
        send_out(db)
    assert consistency(db) == {}


def test_a_number_is_used_once_whatever_is_written(db: Connection) -> None:
    sell(db, concert(db).price_group)
    send_out(db)
    with pytest.raises(psycopg.errors.ExclusionViolation):
        run(
            db,
            """
            insert into books.voucher_export (
                organisation, first_day, last_day, layout, no_vat_code, first_number, last_number, lines, debit,
                content_sha256
            )
            select organisation, first_day, last_day, layout, no_vat_code, 1, 5, lines, debit, content_sha256
            from books.voucher_export
            """,
        )


def test_of_two_exports_at_once_the_second_finds_nothing_new(db: Connection, connect: Connect) -> None:
    sell(db, concert(db).price_group)
    one_of_them, other = connect(autocommit=False), connect()
    send_out(one_of_them)
    found: list[list[Row]] = []
    waiting = Thread(target=lambda: found.append(send_out(other)))
    waiting.start()
    wait_for(db, other.info.backend_pid)
    one_of_them.commit()
    waiting.join()
    assert found == [[]]
    assert gone(db) == journal(db)


def test_an_export_that_waited_must_see_what_it_waited_for(connect: Connect) -> None:
    session = connect(autocommit=False)
    session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    with expect("25000"):
        send_out(session)


# --- What is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"first_day": None},
        {"last_day": None},
        {"first_day": "infinity"},
        {"last_day": "infinity"},
        {"first_day": date(2100, 1, 2)},
        {"layout": "SAF-T"},
        {"layout": None},
        {"no_vat_code": None},
        {"no_vat_code": ""},
        {"no_vat_code": "0;1"},
    ],
)
def test_an_export_that_is_none_is_refused(db: Connection, wrong: dict[str, object]) -> None:
    asked = {"organisation": UKA, "first_day": EVER[0], "last_day": EVER[1]} | wrong
    with expect("22023"):
        call_in(db, "books", "export_vouchers", **asked)


def test_what_has_no_account_or_no_organisation_does_not_go_out(db: Connection) -> None:
    with expect("P0002"):
        send_out(db, organisation=404)
    sell(db, concert(db).price_group)
    run(db, "update books.voucher_rule set valid_from = '2099-01-01' where line_kind = 'PAYMENT'")
    with expect("23B46"):
        send_out(db)
    assert rows(db, "select * from books.exported_voucher") == []


def test_a_voucher_that_does_not_balance_does_not_go_out(db: Connection) -> None:
    sell(db, concert(db).price_group)
    send_out(db)
    one_more_krone = """
        insert into books.exported_line (
            organisation, voucher_number, line, line_kind, account, account_name, amount, vat_amount, line_text
        )
        select organisation, voucher_number, 99, line_kind, account, account_name, 1, 0, line_text
        from books.exported_line where line = 1
        """
    with expect("23B56"):
        run(db, one_more_krone)
    # the control: without the guard it stands there, and is found
    run(db, "alter table books.exported_line disable trigger exported_line_balance")
    run(db, one_more_krone)
    run(db, "alter table books.exported_line enable always trigger exported_line_balance")
    assert "voucher 1 does not balance" in [row["problem"] for row in consistency(db)["voucher_export"]]


def test_what_went_out_stays(db: Connection) -> None:
    sell(db, concert(db).price_group)
    (export,) = send_out(db)
    kept = (("voucher_export", "debit"), ("exported_voucher", "voucher"), ("exported_line", "amount"),
            ("export_file", "file_name"))  # fmt: skip
    call_in(
        db, "books", "record_export_file", voucher_export=export["voucher_export"], sha256=b"1" * 32, file_name="a.csv"
    )
    for table, column in kept:
        for statement in (f"update books.{table} set {column} = {column}", f"delete from books.{table}",
                          f"truncate books.{table} cascade"):  # fmt: skip
            with expect("23B20"):
                run(db, statement)
    # the control: without the guard it is changed, and found
    assert consistency(db) == {}
    run(db, "alter table books.exported_line disable trigger exported_line_keep")
    run(db, "update books.exported_line set line_text = line_text || '.' where line = 1")
    run(db, "alter table books.exported_line enable always trigger exported_line_keep")
    assert [row["problem"] for row in consistency(db)["voucher_export"]] == ["other lines than went out"]


def test_a_file_of_an_export_has_the_bytes_of_its_first(db: Connection) -> None:
    sell(db, concert(db).price_group)
    (export,) = send_out(db)
    key = export["voucher_export"]

    def written(sha256: bytes | None, name: str | None = "uka.csv", export: int | None = key) -> None:
        call_in(db, "books", "record_export_file", voucher_export=export, sha256=sha256, file_name=name)

    written(b"1" * 32)
    written(b"1" * 32)
    with expect("23B57"):
        written(b"2" * 32)
    with expect("P0002"):
        written(b"1" * 32, export=404)
    for sha256, name in ((None, "a"), (b"1" * 31, "a"), (b"1" * 32, None), (b"1" * 32, ""), (b"1" * 32, "a\n")):
        with expect("22023"):
            written(sha256, name)
    run(db, "alter table books.export_file disable trigger export_file_same")
    written(b"2" * 32)  # the control


def test_a_bookkeeper_exports_an_auditor_looks_and_nobody_else_does(db: Connection, connect: Connect) -> None:
    sell(db, concert(db).price_group)
    with login_role(db, "bookkeeper") as name:
        send_out(connect(name))
        assert one(db, "select exported_by from report.voucher_export") == name
    with login_role(db, "auditor") as name:
        auditor = connect(name)
        assert len(rows(auditor, "select * from report.exported_line")) == 2
        with expect("42501", native=True):
            send_out(auditor)
        with expect("42501", native=True):
            run(auditor, "insert into books.export_file (voucher_export, sha256, file_name) values (1, '', '')")


# --- The command ----------------------------------------------------------------------------------------------------

Command = Callable[..., Result]


@pytest.fixture
def voucher(db: Connection, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("DATABASE_URL", url(db))

    def run_it(*arguments: object) -> Result:
        return CliRunner().invoke(app, ["voucher", *map(str, arguments)])  # type: ignore[return-value]

    return run_it


def of_today(db: Connection, *arguments: object) -> tuple[object, ...]:
    day = today(db)
    return ("export", "--from", day, "--to", day, "--format", "accounting", "--organisation", "UKA", *arguments)


def records(file: Path) -> list[list[str]]:
    return [line.split(";") for line in file.read_bytes().decode("cp1252").splitlines()]


def test_the_file_is_recorded_and_written_again_with_the_same_bytes(
    db: Connection, voucher: Command, tmp_path: Path
) -> None:
    sale = sell(db, concert(db, vat_code=REGULAR_RATE).price_group, 2, methods=["CARD"])
    file, copy = tmp_path / "uka.csv", tmp_path / "copy.csv"
    done = voucher(*of_today(db, "--out", file, "--no-vat-code", "1", "--first-number", 40))
    assert (done.exit_code, "voucher 40" in done.output, "3 lines" in done.output) == (0, True, True), done.output
    (export,) = rows(db, "select * from report.voucher_export")
    assert export["file_sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert (export["file_name"], export["files"], export["first_number"]) == ("uka.csv", 1, 40)
    assert {record[1] for record in records(file)} == {"40"}

    # the same export again: nothing is written, and what went out is named
    same = voucher(*of_today(db, "--out", copy))
    assert same.exit_code == 1
    assert "nothing new" in same.stderr
    assert "pybridge voucher again 1" in same.stderr
    assert not copy.exists()
    again = voucher("again", 1, "--out", copy)
    assert again.exit_code == 0, again.output
    assert "Written again: export 1" in again.stderr
    assert copy.read_bytes() == file.read_bytes()
    assert voucher("again", 1).stdout_bytes == file.read_bytes()
    assert one(db, "select files from report.voucher_export") == 3

    # though names change and something is corrected
    run(db, "update books.account set account_name = 'Kort' where account = 1571")
    refund(db, sale.tickets, payment_methods=["CARD"])
    corrected = voucher(*of_today(db, "--out", copy))
    assert "voucher 41" in corrected.output
    assert "1 of them corrections" in corrected.output
    assert {(record[1], record[7]) for record in records(copy)} == {("41", "3"), ("41", "0")}
    assert voucher("again", 1).stdout_bytes == file.read_bytes()


def test_each_voucher_that_goes_out_balances_net_and_gross(db: Connection, voucher: Command, tmp_path: Path) -> None:
    event = concert(db, vat_code=REGULAR_RATE, fee=Decimal("7.35"), fee_vat_code=REGULAR_RATE)
    sale = sell(db, event.price_group, 7, methods=["CARD"])
    found = []
    for step in range(4):
        file = tmp_path / f"{step}.csv"
        assert voucher(*of_today(db, "--out", file)).exit_code == 0
        found += records(file)
        refund(db, [sale.tickets[step]], kept=[Decimal("5.55")], payment_methods=["CARD"])
    assert [record[1] for record in found if record[24] or len(record) != 28] == []
    by_number: dict[str, list[list[str]]] = defaultdict(list)
    for record in found:
        by_number[record[1]].append(record)
    assert list(by_number) == ["1", "2", "3", "4"]
    for voucher_number, lines in by_number.items():
        assert sum(Decimal(record[8]) for record in lines) == 0, voucher_number
        assert sum(Decimal(record[27]) for record in lines) == 0, voucher_number


def test_an_export_that_is_interrupted_is_named_by_the_next_one(
    db: Connection, voucher: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sell(db, concert(db).price_group)
    file = tmp_path / "uka.csv"

    class Killed(BaseException):
        pass

    def killed(*_: object) -> bytes:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(vouchers, "file_of", killed)
        with pytest.raises(Killed):
            voucher(*of_today(db, "--out", file))
    assert list(tmp_path.iterdir()) == []
    assert one(db, "select files from report.voucher_export") == 0
    sell(db, concert(db).price_group)
    refused = voucher(*of_today(db, "--out", file))
    assert refused.exit_code == 1
    assert "its file was never written" in refused.stderr
    assert not file.exists()
    done = voucher("again", 1, "--out", file)
    assert (done.exit_code, "which it had not been" in done.stderr) == (0, True), done.output
    assert {record[1] for record in records(file)} == {"1"}
    assert voucher(*of_today(db, "--out", file)).exit_code == 0
    assert {record[1] for record in records(file)} == {"2"}


def test_a_file_that_cannot_be_written_leaves_nothing_recorded(
    db: Connection, voucher: Command, tmp_path: Path
) -> None:
    sell(db, concert(db).price_group)
    refused = voucher(*of_today(db, "--out", tmp_path / "none" / "uka.csv"))
    assert refused.exit_code == 1
    assert "was not written" in refused.stderr
    assert rows(db, "select * from report.voucher_export") == []


def test_an_export_of_nothing_says_so(db: Connection, voucher: Command, tmp_path: Path) -> None:
    file = tmp_path / "uka.csv"
    done = voucher(*of_today(db, "--out", file))
    assert done.exit_code == 1
    assert "there is nothing new" in done.stderr
    assert "they have no vouchers" in done.stderr
    assert not file.exists()
    assert voucher("again", 1).exit_code == 2
    assert voucher(*of_today(db, "--despite-problems")).exit_code == 2
