"""`pybridge report`: what it prints, that programs read it back to the øre, and its exit codes."""

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import psycopg
import pytest
from click.testing import Result
from rich.console import Console
from typer.testing import CliRunner

from pybridge.cli.main import app
from pybridge.reports import output as report_output
from pybridge.reports import questions
from pybridge.reports.declared import REPORTS
from pybridge.reports.tables import Report, Table
from tests.conftest import Connection
from tests.support.cli import Run, url
from tests.support.domain import (
    MIDDLE_RATE,
    REGULAR_RATE,
    SAMFUNDET,
    Event,
    Row,
    call,
    close_till,
    login_role,
    make_cash_point,
    make_event,
    make_project,
    net_paid,
    one,
    open_till,
    refund,
    rows,
    run,
    sell,
    update_ticket,
)
from tests.support.given_back import charge_back, web
from tests.support.open_items import live_through_open_items


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> Run:
    """`pybridge report` with these arguments, on the database of this connection; 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")

    def run(connection: Connection | str, *arguments: object) -> Result:
        monkeypatch.setenv("DATABASE_URL", connection if isinstance(connection, str) else url(connection))
        return CliRunner().invoke(app, ["report", *(str(each) for each in arguments)])  # type: ignore[return-value]

    return run


class Day:
    """A day at a till, and what the reports are asked about it."""

    def __init__(self, db: Connection) -> None:
        make_cash_point(db, 1)
        self.db = db
        self.revue = make_event(db, prices=(400, 300, 0), project=make_project(db, project=11))
        self.food = make_event(
            db, prices=(Decimal("113.40"),), fee=Decimal("12.40"), organisation=SAMFUNDET, project_vat_code=None,
            vat_code=MIDDLE_RATE, fee_vat_code=REGULAR_RATE,
        )  # fmt: skip
        self.session = open_till(db, "kari", 1, 1000)
        self.sold = sell(db, self.revue.price_group, 2, seller="kari", cash_point=1, methods=["CARD"])
        sell(db, self.food.price_group, seller="kari", cash_point=1)
        sell(db, self.revue.price_groups[2], seller="kari", cash_point=1, methods=[])
        refund(db, self.sold.tickets[:1], seller="kari", cash_point=1, payment_methods=["CASH"], reason="no card")
        close_till(db, 712, "kari", note="a krone short")
        net_paid(db, self.revue.price_group)
        self.today: date = one(db, "select billig.local_time()::date")


@pytest.fixture
def day(db: Connection) -> Day:
    return Day(db)


def from_csv(result: Result) -> list[dict[str, str]]:
    assert result.exit_code == 0, result.output
    return list(csv.DictReader(io.StringIO(result.stdout)))


def columns(result: Result, *words: str) -> list[list[str]]:
    """The words of the printed lines that hold all of these."""
    return [line.split() for line in result.stdout.splitlines() if all(word in line for word in words)]


# --- People ---------------------------------------------------------------------------------------------------------


def test_the_settlement_is_printed_section_by_section_with_totals(day: Day, report: Run) -> None:
    printed = report(day.db, "settlement", "--seller", "kari")
    assert printed.exit_code == 0, printed.output
    assert printed.stdout.startswith(f"settlement: seller kari, from {day.today}, to {day.today}\n")
    assert all(len(line) <= 80 for line in printed.stdout.splitlines())
    assert "\x1b" not in printed.stdout, "no colour where nobody looks"
    headings = [line for line in printed.stdout.splitlines() if line in (
        "sessions", "till", "payment method", "transaction type", "vat project"
    )]  # fmt: skip
    assert headings == ["sessions", "till", "payment method", "transaction type", "vat project"]
    # CASH: float 1000, the meal's 113 in, a ticket's 400 out; 713 expected, 712 counted.
    assert columns(printed, "CASH", "713.00", "712.00", "-1.00", "a krone short")
    assert columns(printed, "CASH", "OPENING_FLOAT") == [["CASH", "OPENING_FLOAT", "1", "1000.00"]]
    assert columns(printed, "CASH", "DIFFERENCE") == [["CASH", "DIFFERENCE", "1", "-1.00"]]
    assert columns(printed, "ROUNDING") == [["UKA", "ROUNDING", "IN", "1", "0.40"]], "whose stand it is"
    assert columns(printed, "NORMAL_REFUND")[0][:4] == ["UKA", "REFUND", "NORMAL_REFUND", "1"]
    totals = [line.split()[1] for line in printed.stdout.splitlines() if line.startswith("total")]
    assert totals[-3:] == ["513.40"] * 3, "the sections come to the same"
    assert " ".join(printed.stdout.split()).endswith(REPORTS["settlement"].meaning), "unit and sign"


def test_a_session_is_settled_whatever_the_day(day: Day, report: Run) -> None:
    of_session = from_csv(report(day.db, "settlement", "--session", day.session, "--csv"))
    of_today = from_csv(report(day.db, "settlement", "--seller", "kari", "--csv"))
    assert of_session == of_today
    later = ["--from", day.today + timedelta(days=1)]
    assert from_csv(report(day.db, "settlement", "--session", day.session, *later, "--csv")) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["vat-project", "--seller", "kari"],
        ["vat-by-project"],
        ["payment-by-method"],
        ["seller-activity"],
        ["project-day", "--project", "11"],
        ["open-items"],
        ["event-sales"],
        ["unattached"],
        ["owed-back"],
        ["disputes", "--open"],
        ["sessions"],
        ["sessions", "--open"],
        ["view", "ticket_history"],
        ["view", "transaction"],
        ["list"],
    ],
    ids=" ".join,
)
def test_every_report_fits_eighty_columns_and_says_what_it_leaves_out(
    db: Connection, day: Day, report: Run, arguments: list[str]
) -> None:
    open_till(db, "ola", 1)
    sell(db, day.food.price_group, seller="per", methods=["VIPPS"])  # at no till
    web(db, day.food.price_group, reference="ref-1")
    charge_back(db, dispute_type="fraudulent")
    call(db, "confirm_net_payment", purchase=None, amount=1, provider_reference="for nothing")
    printed = report(db, *arguments)
    assert printed.exit_code == 0, printed.output
    assert "nothing to report" not in printed.stdout
    assert max(map(len, printed.stdout.splitlines())) <= 80
    if arguments[0] == "view":
        assert "Too wide for this terminal:" in printed.stdout
    else:
        assert "NOK" in printed.stdout, "the unit"


def test_a_few_rows_that_are_too_wide_are_shown_as_cards(day: Day, report: Run) -> None:
    shown = report(day.db, "view", "ticket_history", "--where", f"ticket={day.sold.tickets[0]}")
    assert "Too wide" not in shown.stdout
    assert columns(shown, "refunded by:") == [["refunded", "by:", "kari"]]
    assert columns(shown, "refunded amount:") == [["refunded", "amount:", "-400.00"]]
    assert max(map(len, shown.stdout.splitlines())) <= 80
    several = report(day.db, "view", "transaction", "--limit", 3)
    assert len(columns(several, "transaction log:")) == 3
    assert "Too wide" in report(day.db, "view", "transaction", "--limit", 4).stdout


def test_a_report_fits_a_wide_terminal_whole(day: Day, report: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    printed = report(day.db, "project-day")
    assert "Too wide" not in printed.stdout
    assert columns(printed, "STAND", "Project")


def test_the_history_of_a_ticket_says_what_came_of_it_and_how(day: Day, report: Run) -> None:
    printed = report(day.db, "history", day.sold.tickets[0])
    assert "  refunded as: NORMAL_REFUND\n" in printed.stdout
    assert "  sold by: kari\n" in printed.stdout
    assert [line[2] for line in columns(printed, day.today.isoformat(), "NORMAL_", "00.00")] == [
        "NORMAL_SALE",
        "NORMAL_REFUND",
    ]
    told = json.loads(report(day.db, "history", day.sold.tickets[0], "--json").stdout)
    assert told["facts"]["refunded_amount"] == "-400.00"
    assert [row["transaction_type"] for row in told["rows"]] == ["NORMAL_SALE", "NORMAL_REFUND"]
    assert datetime.fromisoformat(told["rows"][0]["transaction_time"]).tzinfo is not None


def test_what_nobody_has_counted_has_no_sum() -> None:
    table = Table("open", ("method", "counted"), [("CARD", None), ("CASH", None)], ("counted",))
    console = Console(file=io.StringIO(), record=True)
    report_output.print_report(Report("open", {}, [table], table), console)
    assert console.export_text().split()[-1] == "total"


def test_nothing_that_matches_gives_an_empty_report_that_says_so(day: Day, report: Run, tmp_path: Path) -> None:
    later = ["--from", day.today + timedelta(days=1)]
    for arguments in (
        ["settlement", "--seller", "kari", *later],
        ["settlement", "--session", day.session, *later],
        ["vat-by-project", *later],
        ["late-transaction"],
        ["sessions", "--open"],
        ["view", "transaction", "--where", "transaction_type=CHARGEBACK"],
        ["view", "report.x_report", "--where", "cash_point=99"],
    ):
        printed = report(day.db, *arguments)
        assert printed.exit_code == 0, printed.output
        assert "There is nothing to report." in printed.stdout, arguments
        assert json.loads(report(day.db, *arguments, "--json").stdout)["rows"] == []
        assert report(day.db, *arguments, "--csv").stdout.count("\n") == 1, "the header is there"
    file = tmp_path / "empty.xlsx"
    assert "nothing to report" in report(day.db, "late-transaction", "--xlsx", file).stdout
    assert openpyxl.load_workbook(file).active.max_row == 1


def test_a_filter_that_names_what_is_not_there_is_refused_with_what_is_near(
    day: Day, report: Run, tmp_path: Path
) -> None:
    name = one(day.db, "select event_name from report.event order by event limit 1")
    for arguments, near in (
        (["settlement", "--seller", "Kar"], "kari"),
        (["settlement", "--session", "999"], f"{day.session} (kari)"),
        (["vat-by-project", "--project", "999"], ""),
        (["event-sales", "--event", "999999"], name),
        (["event-sales", "--event", "2147483647"], name),
        (["event-sales", "--event", "999999", "--html", tmp_path / "page.html"], name),
        (["page", "jobs", "--ask", "job=log_rolup", "--html", tmp_path / "page.html"], "log_rollup"),
        (["prepaid", "--event", "999999"], name),
        (["history", day.sold.tickets[0] + 500], str(day.sold.tickets[0])),
        (["history", 9999999], "None is near it"),
        (["view", "transaction", "--where", "seller=nobody"], "kari"),
        (["view", "till_log", "--where", "till_session=999"], f"{day.session} (kari)"),
    ):
        for how in ([], ["--csv"], ["--json"]) if "--html" not in arguments else ([],):
            refused = report(day.db, *arguments, *how)
            assert refused.exit_code == 1, (arguments, refused.output)
            assert "There is no " in refused.stderr, arguments
            assert str(near) in " ".join(refused.stderr.split()), (arguments, refused.stderr)
            assert refused.stdout == ""
    assert not (tmp_path / "page.html").exists()


def test_a_view_is_named_with_its_schema_or_without(day: Day, report: Run) -> None:
    assert report(day.db, "view", "report.seller", "--csv").stdout == report(day.db, "view", "seller", "--csv").stdout
    assert report(day.db, "view", "billig.seller").exit_code == 2


def test_a_pipe_gets_every_column_and_a_terminal_those_that_fit(
    day: Day, report: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = report(day.db, "view", "transaction", "--csv").stdout.splitlines()[0].split(",")
    assert "Too wide" in report(day.db, "view", "transaction").stdout
    monkeypatch.delenv("COLUMNS")  # as in a script: what it prints to is no terminal
    piped = report(day.db, "view", "transaction").stdout
    assert "Too wide" not in piped
    told = " ".join(piped.replace("_", " ").split())
    nulls = {"exchange", "related_ticket"}
    assert [each for each in columns if each.split("_")[0] not in told and each not in nulls] == []


# --- Programs -------------------------------------------------------------------------------------------------------


def test_csv_has_every_row_and_money_to_the_ore(day: Day, report: Run) -> None:
    read = from_csv(report(day.db, "settlement", "--csv"))
    found = rows(
        day.db,
        "select section, sum(gross_amount) as gross, sum(net_amount) as net, count(*) as lines"
        " from report.cashier_settlement group by section",
    )
    for section in found:
        lines = [line for line in read if line["section"] == section["section"]]
        assert len(lines) == section["lines"]
        assert sum(Decimal(line["gross_amount"]) for line in lines) == section["gross"]
        assert sum(Decimal(line["net_amount"] or 0) for line in lines) == (section["net"] or 0)
        assert all(line["gross_amount"][-3] == "." for line in lines), "two decimals, as written"
    assert any(line["seller"] == "" for line in read), "the web is there, and has no seller"


def test_json_never_makes_a_float_of_money(day: Day, report: Run) -> None:
    def no_floats(text: str) -> Any:
        raise AssertionError(f"a float: {text}")

    for arguments in (["settlement"], ["open-items"], ["sessions"], ["view", "transaction"]):
        told = json.loads(report(day.db, *arguments, "--json").stdout, parse_float=no_floats)
        assert told["report"] == arguments[-1]
        assert told["rows"]
    told = json.loads(report(day.db, "vat-project", "--seller", "kari", "--from", day.today, "--json").stdout)
    assert told["asked"] == {"seller": "kari", "from": day.today.isoformat()}
    fee = [row for row in told["rows"] if row["vat_code"] == REGULAR_RATE]
    assert [(row["tickets"], row["gross_amount"], row["vat_amount"]) for row in fee] == [(0, "12.40", "2.48")]


def test_a_spreadsheet_has_numbers_dates_and_sums(day: Day, report: Run, tmp_path: Path) -> None:
    file = tmp_path / "settlement.xlsx"
    said = report(day.db, "settlement", "--seller", "kari", "--xlsx", file)
    assert said.exit_code == 0, said.output
    assert [each.name for each in tmp_path.iterdir()] == ["settlement.xlsx"]
    book = openpyxl.load_workbook(file)
    assert book.sheetnames == ["SESSIONS", "TILL", "PAYMENT_METHOD", "TRANSACTION_TYPE", "VAT_PROJECT", "about"]
    for name in ("PAYMENT_METHOD", "TRANSACTION_TYPE", "VAT_PROJECT"):
        sheet = book[name]
        assert sheet.freeze_panes == "A2"
        head = [cell.value for cell in sheet[1]]
        gross = head.index("Gross")
        values = [row[gross].value for row in sheet.iter_rows(min_row=2, max_row=sheet.max_row - 1)]
        assert all(isinstance(value, int | float) for value in values)
        assert round(sum(values), 2) == 513.4
        total = sheet.cell(sheet.max_row, gross + 1)
        letter = total.column_letter
        assert total.value == f"=SUM({letter}2:{letter}{sheet.max_row - 1})"
        assert total.number_format == "#,##0.00"
        assert sheet.column_dimensions[letter].width > 8
    shown = openpyxl.load_workbook(file, data_only=True)["VAT_PROJECT"]
    assert 513.4 in [cell.value for cell in shown[shown.max_row]], "a sum is there before it is worked out anew"

    report(day.db, "project-day", "--xlsx", file)
    sheet = openpyxl.load_workbook(file)["project-day"]
    head = [cell.value for cell in sheet[1]]
    assert sheet.cell(2, head.index("Posting date") + 1).value == datetime.combine(day.today, datetime.min.time())
    report(day.db, "sessions", "--xlsx", file)
    sheet = openpyxl.load_workbook(file)["sessions"]
    opened = sheet.cell(2, [cell.value for cell in sheet[1]].index("Opened") + 1).value
    local = one(day.db, "select billig.local_time(opened_at) from billig.till_session")
    assert abs(opened - local) < timedelta(seconds=1), "local time"


def test_text_in_a_spreadsheet_is_never_a_formula(db: Connection, report: Run, tmp_path: Path) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):  # no name begins with white space
        run(db, "update billig.event set event_name = %s where event = %s", "\t=1+1", make_event(db).event)
    names = ["=1+1", "+1", "-1", "@SUM(A1)", "{=1+1}", "https://example.org/", "'=1"]
    for name in names:
        run(db, "update billig.event set event_name = %s where event = %s", name, make_event(db).event)
    file = tmp_path / "events.xlsx"
    report(db, "event-sales", "--xlsx", file)
    sheet = openpyxl.load_workbook(file)["event-sales"]
    cells = [cell for row in sheet.iter_rows(min_row=2) for cell in row if cell.value in names]
    found = {cell.value: (cell.data_type, cell.hyperlink) for cell in cells}
    assert found == dict.fromkeys(names, ("s", None))


def test_a_spreadsheet_says_what_it_covers_and_when_it_was_made(day: Day, report: Run, tmp_path: Path) -> None:
    file = tmp_path / "vat.xlsx"
    before = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    report(day.db, "vat-project", "--seller", "kari", "--from", day.today, "--xlsx", file)
    book = openpyxl.load_workbook(file)
    assert book.properties.title == f"vat-project: seller kari, from {day.today}"
    assert before <= book.properties.created <= before + timedelta(minutes=1)
    sheet = book["vat-project"]
    assert f"{sheet.max_row - 2} rows, made by pybridge report on {before.year}-" in book.properties.description
    assert sheet.oddFooter.left.text == f"vat-project: seller kari, from {day.today}, vat-project"
    said = [cell.value for cell in book["about"]["A"]]
    assert (said[0], said[2]) == (book.properties.title, REPORTS["vat-project"].meaning)
    assert (sheet.print_title_rows, sheet.page_setup.orientation) == ("$1:$1", "landscape")


def test_numbers_and_dates_in_a_spreadsheet_are_shown_as_what_they_are(tmp_path: Path) -> None:
    oslo = ZoneInfo("Europe/Oslo")
    values = {
        "count": (3, "0"),
        "gross_amount": (Decimal("1234.50"), "#,##0.00"),
        "click_amount": (Decimal("0.123456"), "#,##0.00####"),
        "day": (date(2026, 10, 24), "yyyy-mm-dd"),
        "moment": (datetime(2026, 10, 24, 19, 30, tzinfo=oslo), "yyyy-mm-dd hh:mm:ss"),
        "old": (date(1899, 1, 1), "General"),  # no spreadsheet knows the day
        "is_open": (True, "General"),
    }
    table = Table("all", tuple(values), [tuple(value for value, _ in values.values())] * 2, ("click_amount",))
    report_output.to_xlsx(Report("all", {}, [table], table), tmp_path / "all.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "all.xlsx")["all"]
    shown = [(cell.value, cell.number_format) for cell in sheet[2]]
    assert [shown_as for _, shown_as in shown] == [shown_as for _, shown_as in values.values()]
    assert [value for value, _ in shown] == [
        3, 1234.5, 0.123456, datetime(2026, 10, 24), datetime(2026, 10, 24, 19, 30), "1899-01-01", True,
    ]  # fmt: skip
    total = sheet.cell(4, 3)
    assert (total.value, total.number_format) == ("=SUM(C2:C3)", "#,##0.00####")


def test_a_spreadsheet_that_would_not_hold_all_is_not_written(
    day: Day, report: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_output, "XLSX_ROWS", 4)
    file = tmp_path / "all.xlsx"
    refused = report(day.db, "view", "transaction", "--xlsx", file)
    assert refused.exit_code == 1
    assert "was not written" in " ".join(refused.stderr.split())
    assert list(tmp_path.iterdir()) == []


# --- What each is asked ---------------------------------------------------------------------------------------------


def test_open_items_of_a_period_begin_and_end_with_what_is_open(db: Connection, report: Run) -> None:
    dinner, film = live_through_open_items(db)
    today: date = one(db, "select billig.local_time()::date")

    def told(first: int | None, last: int | None, event: Event) -> list[tuple[int, ...]]:
        period = [] if first is None else ["--from", today + timedelta(days=first)]
        period += [] if last is None else ["--to", today + timedelta(days=last)]
        read = from_csv(report(db, "open-items", *period, "--event", event.event, "--csv"))
        names = ("open_before", "sold", "changed", "paid", "released", "paid_back", "open_after", "owed_back")
        return [tuple(int(Decimal(line[f"{name}_amount"])) for name in names) for line in read]

    assert told(None, None, dinner) == [(0, 440, -40, 180, -110, 0, 110, 0)]
    assert told(-2, -2, dinner) == [(440, 0, -40, 0, 0, 0, 400, 0)]
    assert told(0, 5, dinner) == [(110, 0, 0, 0, 0, 0, 110, 0)], "open, though nothing happened"
    assert told(None, -4, dinner) == []
    assert told(-1, -1, film) == [(0, 0, 0, 150, 0, 0, -150, 150)]
    assert told(0, 0, film) == [(-150, 0, 0, 0, 0, 150, 0, 0)]
    assert told(1, None, film) == [], "nothing is open, nothing happened"


def test_any_view_is_filtered_by_its_columns_and_dates(day: Day, report: Run) -> None:
    def told(*arguments: object) -> list[dict[str, str]]:
        return from_csv(report(day.db, "view", *arguments, "--csv"))

    assert len(told("transaction")) == one(day.db, "select count(*) from billig.transaction_log")
    assert {line["seller"] for line in told("transaction", "--where", "seller=kari")} == {"kari"}
    assert {line["seller"] for line in told("transaction", "--where", "seller=")} == {""}
    both = told("transaction", "--where", "seller=kari", "--where", "transaction_type=NORMAL_REFUND")
    assert [line["total_amount"] for line in both] == ["-400.00"]
    assert len(told("transaction", "--limit", "2")) == 2
    assert told("transaction", "--from", day.today + timedelta(days=1)) == []
    assert told("transaction", "--to", day.today, "--where", "seller=kari")
    assert told("till_session", "--from", day.today)
    assert told("ticket_sales_by_event", "--from", "2020-01-01", "--to", "2020-01-02") == []
    listed = report(day.db, "list").stdout
    assert all(row["viewname"] in listed for row in _views(day.db))


def _views(db: Connection) -> list[Row]:
    return rows(db, "select viewname from pg_views where schemaname = 'report'")


def test_sessions_and_unattached_payments_are_filtered(day: Day, report: Run) -> None:
    def told(*arguments: object) -> list[dict[str, str]]:
        return from_csv(report(day.db, *arguments, "--csv"))

    assert {line["seller"] for line in told("sessions")} == {"kari"}
    open_till(day.db, "ola", 1)
    assert {line["seller"] for line in told("sessions", "--open")} == {"ola"}
    assert {line["till_session"] for line in told("sessions", "--session", day.session)} == {str(day.session)}
    assert told("sessions", "--from", day.today + timedelta(days=1)) == []
    assert told("unattached") == []
    update_ticket(day.db, day.sold.tickets[1], refunded="now", refunder="script", point_of_refund=1)
    assert [line["amount"] for line in told("unattached", "--seller", "script")] == ["-400.00"]
    assert told("unattached", "--to", day.today - timedelta(days=1)) == []


# --- Refusals and rights --------------------------------------------------------------------------------------------


def test_what_is_typed_wrongly_is_refused_with_exit_code_2(day: Day, report: Run, tmp_path: Path) -> None:
    for arguments, said in (
        (["settlment"], "settlment"),
        (["settlement", "--from", "2027-10-09", "--to", "2027-10-08"], "2027-10-09 is after 2027-10-08"),
        (["settlement", "--from", "30.2.2027"], "'30.2.2027' is not a day such as 2026-02-28"),
        (["settlement", "--session", "one"], "integer"),
        (["settlement", "--csv", "--json"], "choose one"),
        (["settlement", "--xlsx", tmp_path / "nowhere" / "a.xlsx"], "is not a folder"),
        (["settlement", "--xlsx", tmp_path], "is a directory"),
        (["history", "x"], "integer"),
        (["view", "nowhere"], "there is no view report.nowhere"),
        (["view", "transaction; drop table billig.ticket"], "there is no view"),
        (["view", "transaction", "--where", "seller"], "COLUMN=VALUE"),
        (["view", "transaction", "--where", "shoe=42"], "has no column shoe"),
        (["view", "transaction", "--where", "ticket=x"], "invalid input syntax"),
        (["view", "x_report", "--from", "2027-10-08"], "has no date to ask by"),
    ):
        refused = report(day.db, *arguments)
        assert refused.exit_code == 2, (arguments, refused.output)
        assert said in " ".join(refused.output.replace("│", " ").split()), arguments
        assert "Traceback" not in refused.output


@pytest.mark.parametrize("role", ["analyst", "bookkeeper", "auditor"])
def test_whoever_may_read_reports_may_print_them(day: Day, report: Run, role: str) -> None:
    with login_role(day.db, role) as name:
        for arguments in (["settlement"], ["sessions"], ["open-items"], ["unattached"], ["list"]):
            printed = report(url(day.db, name), *arguments)
            assert printed.exit_code == 0, printed.output


def test_a_seller_is_told_that_reports_are_not_theirs(day: Day, report: Run) -> None:
    with login_role(day.db, "billig_seller") as name:
        refused = report(url(day.db, name), "settlement")
    assert refused.exit_code == 1
    assert "permission denied" in refused.stderr


def test_a_report_changes_nothing(day: Day) -> None:
    with day.db.transaction():
        run(day.db, "set transaction read only")
        assert not questions.settlement(day.db).is_empty


def test_the_settlement_sums_what_the_view_says(day: Day) -> None:
    told = questions.settlement(day.db, seller="kari")
    for table in told.tables[2:]:
        assert table.total("gross_amount") == Decimal("513.40")
    call(day.db, "z_report", cash_point=1, seller="kari")
    again = questions.settlement(day.db, seller="kari")
    assert again.flat == told.flat, "a Z report changes no settlement"
