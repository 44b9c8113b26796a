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
from pybridge.reports.columns import is_count, label
from pybridge.reports.tables import Report, Table

XLSX_ROWS = 1_048_576  # a sheet holds no more, its header among them
CARDS = 3  # of a table that is too wide, so few rows are shown value by value
WORD = 24  # text without spaces, as long as this at most, stays on one line
XLSX_EPOCH = date(1900, 3, 1)  # the dates before it are wrong in every spreadsheet


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
    """Writes one sheet per table, with real numbers and dates, and sums as formulas, and one that says what they are.

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
    said = (title(report), f"Made {made.astimezone(OSLO):%Y-%m-%d %H:%M}", report.meaning)
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
    heads = [label(column, table.columns) for column in table.columns]
    widths = [max(map(len, head.split())) for head in heads]
    for place, head in enumerate(heads):
        sheet.write_string(0, place, head, formats["head"])
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
    """Text is written as text: what begins with "=" is not a formula."""
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
    if report.tables and report.meaning:
        console.print()
        console.print(Text(report.meaning, style="dim"))


def _print_table(table: Table, console: Console, *, titled: bool) -> None:
    console.print()
    if titled:
        console.print(Text(table.name.replace("_", " ").lower(), style="bold"))
    columns = list(table.columns)
    alike: list[str] = []
    for place, column in enumerate(table.columns):
        values = {row[place] for row in table.rows}
        if column in table.totals or is_count(column):
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
    """One line per value, one block per row; what is null is left out."""
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
    important = [column for column in table.first if column in columns]
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
