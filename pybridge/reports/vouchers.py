"""Vouchers (bilag) as files: the journal as CSV, and the columns that accounting systems import.

What is in them is the database's (report.voucher_line; of what went out, report.exported_line); here they are only laid
out. A layout is a table of columns: another system's is another table.
"""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.rows import class_row, dict_row

from pybridge.formats import as_text

LINES = """
select
    voucher, posting_date, organisation_name, project, project_name, line::int as line, line_kind, account,
    account_name, debit, credit, amount, vat_code, vat_rate, vat_amount, accounting_vat_code, payment_method,
    line_text
from report.voucher_line
where
    posting_date between %(first)s and %(last)s
    and (%(organisation)s::text is null or organisation_name = %(organisation)s)
order by posting_date, organisation, voucher, project nulls first, line
"""
UNBALANCED = """
select b.posting_date, o.organisation_name, b.project, b.problem, b.difference
from consistency.voucher_balance as b
inner join billig.organisation as o on b.organisation = o.organisation
where
    b.posting_date between %(first)s and %(last)s
    and (%(organisation)s::text is null or o.organisation_name = %(organisation)s)
order by b.posting_date, o.organisation_name, b.project
"""
SUSPENSE = """
select posting_date, organisation_name, project, 'no rule knows: ' || line_text as problem, amount as difference
from report.voucher_line
where
    is_suspense
    and posting_date between %(first)s and %(last)s
    and (%(organisation)s::text is null or organisation_name = %(organisation)s)
order by posting_date, organisation_name, project
"""
EXPORTED = """
select
    voucher, posting_date, organisation_name, project, project_name, line::int as line, line_kind, account,
    account_name, debit, credit, amount, vat_code, vat_rate, vat_amount, accounting_vat_code, payment_method,
    line_text, voucher_number
from report.exported_line
where voucher_export = %s
order by voucher_number, line
"""


@dataclass(frozen=True)
class Line:
    """A line of a voucher; see report.voucher_line. NOK; `amount` is debit less credit."""

    voucher: str
    posting_date: date
    organisation_name: str
    project: int | None
    project_name: str | None
    line: int
    line_kind: str
    account: int
    account_name: str
    debit: Decimal
    credit: Decimal
    amount: Decimal
    vat_code: int | None
    vat_rate: Decimal | None
    vat_amount: Decimal
    accounting_vat_code: str | None
    payment_method: str | None
    line_text: str
    voucher_number: int | None = None
    """In the accounting system; none where the voucher did not go out."""


@dataclass(frozen=True)
class Problem:
    """Why the vouchers of these days are not to be exported: one does not balance, or a line has no rule."""

    posting_date: date
    organisation_name: str
    project: int | None
    problem: str
    difference: Decimal


@dataclass(frozen=True)
class Vouchers:
    """The lines of some days, and what is wrong with them, in one snapshot."""

    lines: list[Line]
    problems: list[Problem]


def read(connection: psycopg.Connection[Any], first: date, last: date, organisation: str | None = None) -> Vouchers:
    """The vouchers from `first` to `last`, both included; of one organisation, by name, if one is given."""
    wanted = {"first": first, "last": last, "organisation": organisation}
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read read only")
        connection.execute("set local jit = off")  # it would compile for longer than the query runs
        with connection.cursor(row_factory=class_row(Line)) as cursor:
            lines = cursor.execute(LINES, wanted).fetchall()
        with connection.cursor(row_factory=class_row(Problem)) as problems:
            found = problems.execute(UNBALANCED, wanted).fetchall()
            found += problems.execute(SUSPENSE, wanted).fetchall()
    return Vouchers(lines, found)


@dataclass(frozen=True)
class Exported:
    """What went out once; see report.voucher_export."""

    voucher_export: int
    organisation_name: str
    first_day: date
    last_day: date
    layout: str
    no_vat_code: str
    first_number: int
    last_number: int
    exported_by: str
    exported_at: datetime
    files: int

    @property
    def numbers(self) -> str:
        if self.first_number == self.last_number:
            return f"voucher {self.first_number}"
        return f"vouchers {self.first_number} to {self.last_number}"


def exports(connection: psycopg.Connection[Any], organisation: str | None = None) -> list[Exported]:
    """Everything that went out, of one organisation, by name, if one is given; the newest last."""
    with connection.cursor(row_factory=class_row(Exported)) as cursor:
        return cursor.execute(
            """
            select
                voucher_export, organisation_name, first_day, last_day, layout, no_vat_code, first_number,
                last_number, exported_by, exported_at, files::int as files
            from report.voucher_export
            where %(organisation)s::text is null or organisation_name = %(organisation)s
            order by voucher_export
            """,
            {"organisation": organisation},
        ).fetchall()


def file_of(connection: psycopg.Connection[Any], exported: Exported) -> bytes:
    """The file of what went out: the same bytes each time."""
    with connection.cursor(row_factory=class_row(Line)) as cursor:
        lines = cursor.execute(EXPORTED, [exported.voucher_export]).fetchall()
    return render(lines, LAYOUTS[exported.layout], no_vat_code=exported.no_vat_code)


def organisations(connection: psycopg.Connection[Any]) -> dict[str, int]:
    """The organisations that `read` may be asked for, by name."""
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute("select organisation_name, organisation from billig.organisation order by 2").fetchall()
    return {row["organisation_name"]: row["organisation"] for row in found}


# --- Layouts --------------------------------------------------------------------------------------------------------

Value = str | int | Decimal | date | None


@dataclass(frozen=True)
class Row:
    """A line, and what a file says of it beside."""

    line: Line
    voucher_number: int
    no_vat_code: str

    @property
    def gross(self) -> Decimal:
        """What the line is with its VAT; nothing for the VAT's own lines, which are in the others' gross."""
        return Decimal(0) if self.line.line_kind == "VAT" else self.line.amount + self.line.vat_amount


@dataclass(frozen=True)
class Column:
    name: str
    value: Callable[[Row], Value]


@dataclass(frozen=True)
class Layout:
    """How a file looks. `of_one_organisation`: it has no column for whose voucher it is, so it holds one's only."""

    name: str
    columns: Sequence[Column]
    header: bool
    encoding: str
    decimal: str
    dates: str
    of_one_organisation: bool
    delimiter: str = ";"


def _always(value: Value) -> Callable[[Row], Value]:
    return lambda row: value


def _text(length: int) -> Callable[[Row], Value]:
    return lambda row: f"{row.line.voucher} {row.line.line_text}"[:length]


JOURNAL = Layout(
    name="journal",
    columns=(
        Column("bilag", lambda row: row.line.voucher),
        Column("linje", lambda row: row.line.line),
        Column("dato", lambda row: row.line.posting_date),
        Column("organisasjon", lambda row: row.line.organisation_name),
        Column("prosjekt", lambda row: row.line.project),
        Column("prosjektnavn", lambda row: row.line.project_name),
        Column("konto", lambda row: row.line.account),
        Column("kontonavn", lambda row: row.line.account_name),
        Column("debet", lambda row: row.line.debit),
        Column("kredit", lambda row: row.line.credit),
        Column("mva-kode", lambda row: row.line.vat_code),
        Column("mva-sats", lambda row: row.line.vat_rate),
        Column("mva", lambda row: row.line.vat_amount),
        Column("regnskapets mva-kode", lambda row: row.line.accounting_vat_code),
        Column("betalingsmiddel", lambda row: row.line.payment_method),
        Column("type", lambda row: row.line.line_kind),
        Column("tekst", lambda row: row.line.line_text),
    ),
    header=True,
    encoding="utf-8-sig",  # a spreadsheet then knows
    decimal=",",
    dates="%Y-%m-%d",
    of_one_organisation=False,
)

# Mamut's GBAT10, which Tripletex, PowerOffice Go, 24SevenOffice and Visma eAccounting read too; columns as its manual
# numbers them, from 0. Brutto T: the system works the VAT out of BruttoSum by the VAT code; F: a line of VAT, left out
# by a system that does so. Saldo and BruttoSum each sum to 0 in every voucher.
GBAT10 = Layout(
    name="GBAT10",
    columns=(
        Column("Identifikasjon", _always("GBAT10")),
        Column("Bilagsnummer", lambda row: row.voucher_number),
        Column("Bilagsdato", lambda row: row.line.posting_date),
        Column("Bilagsart", _always(9)),  # diverse
        Column("Periode", lambda row: row.line.posting_date.month),
        Column("Regnskapsår", lambda row: row.line.posting_date.year),
        Column("Konto", lambda row: row.line.account),
        Column("Mva-kode", lambda row: row.line.accounting_vat_code or row.no_vat_code),
        Column("Saldo", lambda row: row.line.amount),
        Column("Kundenummer", _always(0)),
        Column("Leverandørnummer", _always(0)),
        Column("Kontaktnavn", _always(None)),
        Column("Adresse", _always(None)),
        Column("Postnummer", _always(None)),
        Column("Poststed", _always(None)),
        Column("Fakturanummer", _always(None)),
        Column("KID", _always(None)),
        Column("Forfallsdato", _always(None)),
        Column("Ikke i bruk", _always(None)),
        Column("Bankkonto", _always(None)),
        Column("Beskrivelse hovedbok", _text(100)),
        Column("Beskrivelse reskontro", _always(None)),
        Column("Rentefakturering", _always(None)),
        Column("Prosjekt", lambda row: row.line.project),
        Column("Avdeling", _always(None)),
        Column("Betalingsbetingelse", _always(None)),
        Column("Brutto", lambda row: "F" if row.line.line_kind == "VAT" else "T"),
        Column("BruttoSum", lambda row: row.gross),
    ),
    header=False,
    encoding="cp1252",
    decimal=".",
    dates="%Y%m%d",
    of_one_organisation=True,
)

FORMATS = {"csv": JOURNAL, "accounting": GBAT10}
LAYOUTS = {layout.name: layout for layout in FORMATS.values()}


def render(lines: Iterable[Line], layout: Layout, *, first_number: int = 1, no_vat_code: str = "0") -> bytes:
    """A file's content. Vouchers without a number are numbered from `first_number`; `no_vat_code` stands for none."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=layout.delimiter, lineterminator="\r\n")
    if layout.header:
        writer.writerow([column.name for column in layout.columns])
    numbers: dict[str, int] = {}
    for line in lines:
        number = line.voucher_number or numbers.setdefault(line.voucher, first_number + len(numbers))
        row = Row(line, number, no_vat_code)
        writer.writerow([_written(column.value(row), layout) for column in layout.columns])
    return text.getvalue().encode(layout.encoding, "replace")


def _written(value: Value, layout: Layout) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:.2f}".replace(".", layout.decimal)
    if isinstance(value, date):
        return value.strftime(layout.dates)
    written = " ".join(str(value).replace(layout.delimiter, ",").split())
    return as_text(written) if isinstance(value, str) else written
