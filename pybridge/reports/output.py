"""How a report is written down: a table for the terminal, CSV, JSON, a spreadsheet. Money stays decimal throughout."""

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table as RichTable
from rich.text import Text

from pybridge.extras import needs
from pybridge.formats import OSLO, as_text
from pybridge.reports.questions import Report, Table

XLSX_ROWS = 1_048_576  # a sheet holds no more, its header among them
CARDS = 3  # of a table that is too wide, so few rows are shown value by value
WORD = 24  # text without spaces, as long as this at most, stays on one line
COUNTS = ("number", "payments", "tickets")
XLSX_EPOCH = date(1900, 3, 1)  # the dates before it are wrong in every spreadsheet
# Where the terminal is too narrow for all: what is shown first, by table. The rest as far as there is room.
IMPORTANT = {
    "SESSIONS": (
        "till_session", "payment_method", "expected_amount", "counted_amount", "difference_amount", "opening_float",
        "status", "seller", "cash_point", "z_number",
    ),
    "TILL": ("payment_method", "item", "gross_amount", "till_session", "seller", "number"),
    "PAYMENT_METHOD": ("payment_method", "kind", "gross_amount", "organisation_name", "till_session", "seller"),
    "TRANSACTION_TYPE": ("item", "gross_amount", "organisation_name", "number", "vat_amount", "till_session", "seller"),
    "VAT_PROJECT": ("kind", "project", "vat_code", "gross_amount", "vat_amount", "organisation_name", "number"),
    "vat-project": ("kind", "project", "vat_code", "gross_amount", "vat_amount", "organisation_name", "net_amount"),
    "project-day": (
        "posting_date", "project", "sale_channel", "gross_amount", "vat_amount", "organisation_name", "tickets_sold",
        "tickets_refunded", "net_amount",
    ),
    "open-items": (
        "event", "sale_channel", "open_before_amount", "sold_amount", "paid_amount", "released_amount",
        "open_after_amount", "tickets_open_after", "event_name",
    ),
    "event-sales": (
        "event", "event_name", "tickets_sold", "tickets_refunded", "gross_amount", "capacity", "tickets_live",
        "vat_amount", "event_date", "tickets_free",
    ),
    "unattached": ("posting_date", "payment", "seller", "cash_point", "amount", "payment_methods", "reason", "kind"),
    "sessions": (
        "till_session", "status", "seller", "payment_method", "expected_amount", "counted_amount", "difference_amount",
        "payment_amount", "opening_float", "cash_point", "note",
    ),
    "transactions": (
        "transaction_time", "transaction_type", "seller", "total_amount", "cash_point", "payment", "related_ticket",
    ),
}  # fmt: skip

# What the figures are, beneath them: who is handed a report has not the manual.
MEANING = {
    "settlement": (
        "NOK, positive in, negative out; gross is with VAT and fees, net without VAT; difference is counted less"
        " expected. The sections below the sessions tell the same money: sum within one, never across."
    ),
    "vat-project": (
        "NOK, positive in, negative out; gross is with VAT, net without. A fee stands under its own VAT code."
    ),
    "project-day": "NOK including fees, positive in, negative out; gross is with VAT, net without.",
    "open-items": (
        "NOK including VAT and fees. Open after = before + sold + changed + released - paid + paid back:"
        " above 0 buyers owe us, below 0 we owe them."
    ),
    "event-sales": "NOK including fees, positive in, negative out; gross is with VAT, net without.",
    "unattached": "NOK including VAT and fees, positive in, negative out.",
    "sessions": (
        "NOK. Expected = float + payments + pay in + pay out; difference is counted less expected: below 0 is short."
    ),
    "history": "NOK including VAT, positive in, negative out; total is price and fee.",
}


class TooLong(Exception):
    """A spreadsheet does not hold as many rows."""


# --- For programs ---------------------------------------------------------------------------------------------------


def plain(value: Any) -> Any:
    """A value without loss: decimals as they are written, dates and times by ISO 8601."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date):  # a datetime too
        return value.isoformat()
    return value


def to_csv(report: Report) -> str:
    """All rows, with a header; null is an empty field."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(report.flat.columns)
    for row in report.flat.rows:
        writer.writerow(
            "" if value is None else as_text(value) if isinstance(value, str) else plain(value) for value in row
        )
    return file.getvalue()


def to_json(report: Report) -> str:
    """The filters, the facts and all rows; money is a string, so that no reader makes a float of it."""
    answer = {
        "report": report.name,
        "asked": {name: plain(value) for name, value in report.asked.items() if value is not None},
        **({"facts": {name: plain(value) for name, value in report.facts.items()}} if report.facts else {}),
        "rows": [
            {name: plain(value) for name, value in zip(report.flat.columns, row, strict=True)}
            for row in report.flat.rows
        ],
    }
    return json.dumps(answer, ensure_ascii=False, indent=2)


def to_xlsx(report: Report, file: Path) -> int:
    """Writes a sheet a table, with real numbers and dates, and sums as formulas, and one that says what they are.

    Returns how many rows there are. OSError where the file cannot be written."""
    with needs("xlsx"):
        import xlsxwriter
        from xlsxwriter.exceptions import FileCreateError
    tables = report.tables or [report.flat]
    if report.facts:
        tables = [Table("ticket", tuple(report.facts), [tuple(report.facts.values())]), *tables]
    for table in tables:
        if len(table.rows) + 2 > XLSX_ROWS:
            raise TooLong(f"{len(table.rows)} rows, and a spreadsheet holds {XLSX_ROWS - 2} beside header and total")
    try:
        with xlsxwriter.Workbook(file) as book:
            _fill(book, report, tables)
    except FileCreateError as error:
        raise OSError(str(error)) from None
    return sum(len(table.rows) for table in report.tables)


def _fill(book: Any, report: Report, tables: Sequence[Table]) -> None:
    made = datetime.now(UTC)
    count = sum(len(table.rows) for table in report.tables)
    book.set_properties(
        {
            "title": title(report),
            "subject": ", ".join(table.name for table in tables),
            "comments": f"{count} rows, made by pybridge report on {made.astimezone(OSLO):%Y-%m-%d %H:%M}",
            "created": made.replace(tzinfo=None),
        }
    )
    formats = {
        "head": book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}),
        "money": book.add_format({"num_format": "#,##0.00"}),
        "fine": book.add_format({"num_format": "#,##0.00####"}),
        "whole": book.add_format({"num_format": "0"}),
        "date": book.add_format({"num_format": "yyyy-mm-dd"}),
        "time": book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
        "label": book.add_format({"bold": True, "top": 1}),
        "money_total": book.add_format({"num_format": "#,##0.00", "bold": True, "top": 1}),
        "fine_total": book.add_format({"num_format": "#,##0.00####", "bold": True, "top": 1}),
        "whole_total": book.add_format({"num_format": "0", "bold": True, "top": 1}),
    }
    for table in tables:
        sheet = book.add_worksheet(table.name[:31])
        _sheet(sheet, table, formats)
        _on_paper(sheet, f"{title(report)}, {table.name}")
    about = book.add_worksheet("about")
    about.set_column(0, 0, 100, book.add_format({"text_wrap": True}))
    said = (title(report), f"Made {made.astimezone(OSLO):%Y-%m-%d %H:%M}", MEANING.get(report.name, ""))
    for number, line in enumerate(said):
        about.write_string(number, 0, line)


def _on_paper(sheet: Any, said: str) -> None:
    """As wide as the page, its header on each, and beneath what it is: `&` is the footer's own sign."""
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    sheet.set_footer(f"&L{said[:200].replace('&', '&&')}&R&P / &N")


def _sheet(sheet: Any, table: Table, formats: dict[str, Any]) -> None:
    from xlsxwriter.utility import xl_col_to_name

    sheet.freeze_panes(1, 0)
    widths = [len(max(_heading(column, table).split("\n"), key=len)) for column in table.columns]
    for place, column in enumerate(table.columns):
        sheet.write_string(0, place, _heading(column, table).replace("\n", " "), formats["head"])
    for number, row in enumerate(table.rows, start=1):
        for place, value in enumerate(row):
            _cell(sheet, number, place, value, formats)
            widths[place] = max(widths[place], len(shown(value)))
    last = len(table.rows)
    if table.rows and table.totals:
        for place, column in enumerate(table.columns):
            if column in table.totals:
                total = table.total(column)
                letter = xl_col_to_name(place)
                sheet.write_formula(
                    last + 1,
                    place,
                    f"=SUM({letter}2:{letter}{last + 1})",
                    formats[f"{_kind(total)}_total"],
                    float(total),  # what is shown until it is worked out anew
                )
                widths[place] = max(widths[place], len(shown(total)))
            elif place == 0:
                sheet.write_string(last + 1, 0, "total", formats["label"])
    if table.rows:
        sheet.autofilter(0, 0, last, len(table.columns) - 1)
    for place, width in enumerate(widths):
        sheet.set_column(place, place, min(width, 40) + 3)


def _kind(value: Decimal | int) -> str:
    """How a number is shown: whole, to the øre, or, as the marketplace's, finer than that."""
    return "whole" if isinstance(value, int) else "money" if value == round(value, 2) else "fine"


def _cell(sheet: Any, row: int, place: int, value: Any, formats: dict[str, Any]) -> None:
    """Text is written as text: what begins with "=" is no formula."""
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, place, value)
    elif isinstance(value, int | Decimal):
        sheet.write_number(row, place, float(value), formats[_kind(value)])
    elif isinstance(value, datetime):
        sheet.write_datetime(row, place, value.replace(tzinfo=None), formats["time"])
    elif isinstance(value, date) and value >= XLSX_EPOCH:
        sheet.write_datetime(row, place, value, formats["date"])
    else:
        sheet.write_string(row, place, str(value))


# --- For people -----------------------------------------------------------------------------------------------------


def title(report: Report) -> str:
    """The report's name, and what was asked for."""
    asked = ", ".join(f"{name} {shown(value)}" for name, value in report.asked.items() if value is not None)
    return f"{report.name}: {asked}" if asked else report.name


def print_report(report: Report, console: Console) -> None:
    """Tables that fit the terminal as well as they can: what every row says alike is said once, above; what is null
    in all is left out; if that is not enough, a few rows are shown as cards, and of more, columns are left out, by
    name."""
    console.print(Text(title(report), style="bold"))
    for name, value in report.facts.items():
        if value is not None:
            console.print(Text(f"  {name.replace('_', ' ')}: {shown(value)}"))
    if report.is_empty:
        console.print(Text("There is nothing to report."))
    for table in report.tables:
        _print_table(table, console, titled=len(report.tables) > 1)
    if report.tables and report.name in MEANING:
        console.print()
        console.print(Text(MEANING[report.name], style="dim"))


def _print_table(table: Table, console: Console, *, titled: bool) -> None:
    console.print()
    if titled:
        console.print(Text(table.name.replace("_", " ").lower(), style="bold"))
    columns = list(table.columns)
    alike: list[str] = []
    for place, column in enumerate(table.columns):
        values = {row[place] for row in table.rows}
        if column in table.totals or column in COUNTS:
            continue
        if values == {None}:
            columns.remove(column)
        elif len(values) == 1 and len(table.rows) > 1:
            columns.remove(column)
            alike.append(f"{column.replace('_', ' ')}: {shown(values.pop())}")
    if alike:
        console.print(Text(", ".join(alike), style="dim"))
    left_out: list[str] = []
    if _width(_rich(table, columns), console) > console.width:
        if len(table.rows) <= CARDS:
            _print_cards(table, columns, console)
            return
        columns, left_out = _fitting(table, columns, console)
    rich = _rich(table, columns)
    console.print(rich)
    if left_out:
        names = ", ".join(name.replace("_", " ") for name in left_out)
        console.print(Text(f"Too wide for this terminal: {names}. --csv, --json and --xlsx have all.", style="dim"))


def _print_cards(table: Table, columns: Sequence[str], console: Console) -> None:
    """A line a value, a block a row; what is null is left out."""
    wide = max(map(len, columns))
    for number, row in enumerate(table.rows):
        if number:
            console.print()
        for column in columns:
            value = row[table.columns.index(column)]
            if value is not None:
                name = f"{column.replace('_', ' ')}:".ljust(wide + 2)
                console.print(Text.assemble((name, "dim"), shown(value)), highlight=False)


def _fitting(table: Table, columns: Sequence[str], console: Console) -> tuple[list[str], list[str]]:
    """The columns that there is room for, in their order, and those that there is none for."""
    important = [column for column in IMPORTANT.get(table.name, ()) if column in columns]
    chosen: set[str] = set()
    for column in [*important, *(each for each in columns if each not in important)]:
        trial = [each for each in columns if each in chosen or each == column]
        if len(trial) == 1 or _width(_rich(table, trial), console) <= console.width:
            chosen.add(column)
    return [each for each in columns if each in chosen], [each for each in columns if each not in chosen]


def _rich(table: Table, columns: Sequence[str]) -> RichTable:
    drawn = RichTable(
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
        show_footer=bool(table.totals) and len(table.rows) > 1,
    )
    for number, column in enumerate(columns):
        values = [
            row[table.columns.index(column)] for row in table.rows if row[table.columns.index(column)] is not None
        ]
        is_number = bool(values) and all(
            isinstance(value, Decimal | int) and not isinstance(value, bool) for value in values
        )
        texts = [shown(value) for value in values]
        longest = max(map(len, texts), default=0)
        is_word = longest <= WORD and not any(" " in text for text in texts)
        footer = "total" if number == 0 else ""
        if column in table.totals and values:  # of what nobody has counted there is no sum
            footer = shown(table.total(column))
        drawn.add_column(
            Text(_heading(column, table)),
            Text(footer),
            justify="right" if is_number else "left",
            no_wrap=is_number or is_word,
            overflow="fold",
            min_width=None if is_number or is_word else min(12, longest),
        )
    for row in table.rows:
        drawn.add_row(*(Text(shown(row[table.columns.index(column)])) for column in columns))
    return drawn


def _width(drawn: RichTable, console: Console) -> int:
    return Measurement.get(console, console.options.update(width=10_000), drawn).minimum


def _heading(column: str, table: Table) -> str:
    """A word a line: numbers are narrow."""
    short = column.removesuffix("_amount").removesuffix("_name")
    return (column if short in table.columns and short != column else short).replace("_", "\n")


def shown(value: Any) -> str:
    """A value as people read it; null is nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    return str(plain(value))
