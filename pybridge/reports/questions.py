"""The reports of `pybridge report`: a question each to the views of schema report, and its answer as tables.

Everything is added up in the database, over the views' rows; `pybridge.reports.output` writes it down.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from pybridge.formats import OSLO

Connection = psycopg.Connection[Any]
Row = tuple[Any, ...]

SECTIONS = {
    "TILL": ("payment_method", "item"),
    "PAYMENT_METHOD": ("payment_method", "kind"),
    "TRANSACTION_TYPE": ("kind", "item"),
    "VAT_PROJECT": ("kind", "project", "project_name", "vat_code", "vat_rate"),
}
MONEY = {
    "TILL": ("number", "gross_amount"),
    "PAYMENT_METHOD": ("number", "gross_amount"),
    "TRANSACTION_TYPE": ("number", "gross_amount", "net_amount", "vat_amount"),
    "VAT_PROJECT": ("number", "gross_amount", "net_amount", "vat_amount"),
}
DATES = ("posting_date", "sale_date", "opened_date", "event_date")  # what --from and --to mean, the first that is there


class UnknownReport(Exception):
    """There is no such view, or it has no such column; `known` are those that there are."""

    def __init__(self, message: str, known: Iterable[str]) -> None:
        super().__init__(message)
        self.known = sorted(known)


@dataclass(frozen=True)
class Table:
    """Rows, and which of their columns add up."""

    name: str
    columns: tuple[str, ...]
    rows: list[Row]
    totals: tuple[str, ...] = ()

    def total(self, column: str) -> Decimal | int:
        """The sum of a column; what is null adds nothing."""
        place = self.columns.index(column)
        values: list[Decimal | int] = [row[place] for row in self.rows if row[place] is not None]
        return sum(values)


@dataclass(frozen=True)
class Report:
    """An answer. `tables` are for people; `flat` is all of it in one table, for programs."""

    name: str
    asked: Mapping[str, Any]  # the filters that were given
    tables: list[Table]
    flat: Table
    facts: Mapping[str, Any] = field(default_factory=dict)  # what is true of the whole answer

    @property
    def is_empty(self) -> bool:
        return not self.flat.rows


@dataclass(frozen=True)
class View:
    """A view of schema report, as the catalogue describes it."""

    name: str
    comment: str
    columns: Mapping[str, str]  # and their types


@dataclass(frozen=True)
class Period:
    """From the first day to the last, both in it; either may be open."""

    first: date | None = None
    last: date | None = None

    @property
    def asked(self) -> dict[str, Any]:
        return {"from": self.first, "to": self.last}

    @property
    def bounds(self) -> dict[str, Any]:
        """Parameters: a comparison with infinity leaves the index on the date in use."""
        return {"first": self.first or "-infinity", "last": self.last or "infinity"}


ALWAYS = Period()


def prepare(connection: Connection) -> None:
    """Local times in the answers, whatever the client's own zone is."""
    connection.execute(sql.SQL("set time zone {}").format(sql.Literal(OSLO.key)))


def today(connection: Connection) -> date:
    """The server's local date."""
    prepare(connection)
    found = connection.execute("select current_date").fetchone()
    assert found is not None
    day: date = found[0]
    return day


def settlement(
    connection: Connection, period: Period = ALWAYS, seller: str | None = None, till_session: int | None = None
) -> Report:
    """Kasseoppgjør: section by section, over the period or of one session."""
    opened: tuple[Any, ...] | None = None
    if till_session is not None:
        prepare(connection)
        # What is in a session happened while it was open: so much of the log is read, and no more.
        opened = connection.execute(
            "select opened_date, closed_at::date from report.till_session where till_session = %s limit 1",
            [till_session],
        ).fetchone()
    opened_date, closed_date = opened or (None, None)
    flat = _table(
        connection,
        "settlement",
        """
        select
            section, organisation_name, seller, cash_point, till_session, kind, item, payment_method, project,
            project_name, vat_code, vat_rate, sum(number)::bigint as number, sum(gross_amount) as gross_amount,
            sum(net_amount) as net_amount, sum(vat_amount) as vat_amount
        from report.cashier_settlement
        where
            posting_date between %(first)s and %(last)s
            and sale_date between %(opened)s and %(closed)s
            and (%(seller)s::text is null or seller = %(seller)s)
            and (%(till_session)s::bigint is null or till_session = %(till_session)s)
        group by
            section, organisation_name, seller, cash_point, till_session, kind, item, payment_method, project,
            project_name, vat_code, vat_rate
        order by
            array_position(array['TILL', 'PAYMENT_METHOD', 'TRANSACTION_TYPE', 'VAT_PROJECT'], section),
            seller nulls last, cash_point nulls last, till_session nulls last, organisation_name, payment_method,
            array_position(array['OPENING_FLOAT', 'PAYMENTS', 'PAY_IN', 'PAY_OUT', 'DRAWER_OPENING'], item),
            array_position(array['IN', 'SALE', 'OUT', 'REFUND', 'CHANGE', 'RESERVATION', 'NONE'], kind),
            item, project nulls last, vat_code
        """,
        {
            **period.bounds,
            "opened": opened_date or "-infinity",
            "closed": closed_date or "infinity",
            "seller": seller,
            "till_session": till_session,
        },
    )
    place = {name: number for number, name in enumerate(flat.columns)}
    who = ("organisation_name", "seller", "cash_point", "till_session")
    # What should lie there and what was counted, beside the rows that it comes of.
    tills = _table(
        connection,
        "SESSIONS",
        """
        select
            till_session, status, cash_point, seller, payment_method, opening_float, payment_amount, pay_in_amount,
            pay_out_amount, expected_amount, counted_amount, difference_amount, note, z_number
        from report.till_session
        where till_session = any (%(sessions)s)
        order by till_session, payment_method
        """,
        {"sessions": sorted({row[place["till_session"]] for row in flat.rows if row[place["section"]] == "TILL"})},
    )
    tables = [tills]
    for section, keys in SECTIONS.items():
        columns = ((*who[1:],) if section == "TILL" else who) + keys + MONEY[section]
        rows = [
            tuple(row[place[column]] for column in columns) for row in flat.rows if row[place["section"]] == section
        ]
        # A payment by two methods is under both, so numbers are not summed.
        totals = tuple(column for column in MONEY[section] if column != "number")
        tables.append(Table(section, columns, rows, totals))
    asked = {"seller": seller, **period.asked, "session": till_session}
    return Report("settlement", asked, [table for table in tables if table.rows], flat)


def vat_project(connection: Connection, period: Period = ALWAYS, seller: str | None = None) -> Report:
    """Transactions by VAT code and project: a seller's, or everybody's."""
    return _single(
        connection,
        "vat-project",
        """
        select
            organisation_name, kind, project, project_name, vat_code, vat_rate, sum(tickets)::bigint as tickets,
            sum(gross_amount) as gross_amount, sum(net_amount) as net_amount, sum(vat_amount) as vat_amount
        from report.seller_vat_project
        where
            posting_date between %(first)s and %(last)s
            and (%(seller)s::text is null or seller = %(seller)s)
        group by organisation_name, kind, project, project_name, vat_code, vat_rate
        order by
            organisation_name, project nulls last, array_position(array['SALE', 'REFUND', 'CHANGE'], kind), vat_code,
            vat_rate
        """,
        {**period.bounds, "seller": seller},
        {"seller": seller, **period.asked},
    )


def project_day(connection: Connection, period: Period = ALWAYS, project: int | None = None) -> Report:
    """A project's days, by sale channel."""
    return _single(
        connection,
        "project-day",
        """
        select
            organisation_name, posting_date, project, project_name, sale_channel,
            sum(tickets_sold)::bigint as tickets_sold, sum(tickets_refunded)::bigint as tickets_refunded,
            sum(tickets_changed)::bigint as tickets_changed, sum(sold_amount) as sold_amount,
            sum(refunded_amount) as refunded_amount, sum(changed_amount) as changed_amount,
            sum(gross_amount) as gross_amount, sum(net_amount) as net_amount, sum(vat_amount) as vat_amount
        from report.project_day
        where
            posting_date between %(first)s and %(last)s
            and (%(project)s::int is null or project = %(project)s)
        group by organisation_name, posting_date, project, project_name, sale_channel
        order by posting_date, organisation_name, project nulls last, sale_channel
        """,
        {**period.bounds, "project": project},
        {"project": project, **period.asked},
    )


def open_items(connection: Connection, period: Period = ALWAYS, event: int | None = None) -> Report:
    """What was open when the period began, what happened in it, and what is open when it ends."""
    return _single(
        connection,
        "open-items",
        """
        select
            organisation_name, project, project_name, event, event_name, event_date, sale_channel,
            (array_agg(before_tickets order by posting_date))[1] as tickets_open_before,
            sum(tickets_sold)::bigint as tickets_sold, sum(tickets_paid)::bigint as tickets_paid,
            sum(tickets_released)::bigint as tickets_released,
            (array_agg(tickets_open_after order by posting_date desc))[1] as tickets_open_after,
            (array_agg(before_amount order by posting_date))[1] as open_before_amount,
            sum(sold_amount) as sold_amount, sum(changed_amount) as changed_amount, sum(paid_amount) as paid_amount,
            sum(released_amount) as released_amount, sum(paid_back_amount) as paid_back_amount,
            (array_agg(open_after_amount order by posting_date desc))[1] as open_after_amount,
            (array_agg(receivable_amount order by posting_date desc))[1] as receivable_amount,
            (array_agg(owed_back_amount order by posting_date desc))[1] as owed_back_amount
        from (
            select
                i.organisation_name, i.project, i.project_name, i.event, i.event_name, i.event_date, i.sale_channel,
                i.posting_date, d.is_in,
                case when d.is_in then i.tickets_open_before else i.tickets_open_after end as before_tickets,
                case when d.is_in then i.open_before_amount else i.open_after_amount end as before_amount,
                d.is_in::int * i.tickets_sold as tickets_sold, d.is_in::int * i.tickets_paid as tickets_paid,
                d.is_in::int * i.tickets_released as tickets_released, i.tickets_open_after,
                d.is_in::int * i.sold_amount as sold_amount, d.is_in::int * i.changed_amount as changed_amount,
                d.is_in::int * i.paid_amount as paid_amount, d.is_in::int * i.released_amount as released_amount,
                d.is_in::int * i.paid_back_amount as paid_back_amount,
                i.open_after_amount, i.receivable_amount, i.owed_back_amount
            from report.open_items as i
            cross join lateral (select i.posting_date >= %(first)s as is_in) as d
            where
                i.posting_date <= %(last)s
                and (i.next_posting_date > %(first)s or i.next_posting_date is null)
                and (%(event)s::int is null or i.event = %(event)s)
        ) as s
        group by organisation_name, project, project_name, event, event_name, event_date, sale_channel
        having
            bool_or(is_in)
            or (array_agg(tickets_open_after order by posting_date desc))[1] <> 0
            or (array_agg(receivable_amount order by posting_date desc))[1] <> 0
            or (array_agg(owed_back_amount order by posting_date desc))[1] <> 0
        order by organisation_name, event_date, event, sale_channel
        """,
        {**period.bounds, "event": event},
        {"event": event, **period.asked},
    )


def event_sales(
    connection: Connection, period: Period = ALWAYS, event: int | None = None, project: int | None = None
) -> Report:
    """What was sold of each event; the period is of the events' dates."""
    return _single(
        connection,
        "event-sales",
        """
        select
            organisation_name, project, project_name, event, event_name, event_date, event_type_name, capacity,
            tickets_live, tickets_unpaid, tickets_sold, tickets_refunded, tickets_free, sold_amount, refunded_amount,
            changed_amount, gross_amount, net_amount, vat_amount
        from report.ticket_sales_by_event
        where
            event_date between %(first)s and %(last)s
            and (%(event)s::int is null or event = %(event)s)
            and (%(project)s::int is null or project = %(project)s)
        order by organisation_name, event_date, event, project nulls last
        """,
        {**period.bounds, "event": event, "project": project},
        {"event": event, "project": project, **period.asked},
    )


def unattached(connection: Connection, period: Period = ALWAYS, seller: str | None = None) -> Report:
    """Payments at a stand that lie in no till session."""
    return _single(
        connection,
        "unattached",
        """
        select
            posting_date, payment, kind, payment_time, seller, cash_point, cash_point_name, purchase, tickets, amount,
            cash_amount, payment_methods, is_legacy, reason
        from report.unattached_payment
        where
            posting_date between %(first)s and %(last)s
            and (%(seller)s::text is null or seller = %(seller)s)
        order by posting_date, payment
        """,
        {**period.bounds, "seller": seller},
        {"seller": seller, **period.asked},
    )


def sessions(
    connection: Connection,
    period: Period = ALWAYS,
    seller: str | None = None,
    till_session: int | None = None,
    is_open: bool = False,
) -> Report:
    """Till sessions, by means of payment; the period is of the days they were opened."""
    return _single(
        connection,
        "sessions",
        """
        select
            till_session, status, cash_point, cash_point_name, drawer, seller, opened_at, closed_at, z_number,
            payment_method, opening_float, payments, payment_amount, pay_in_amount, pay_out_amount, expected_amount,
            counted_amount, difference_amount, note
        from report.till_session
        where
            opened_date between %(first)s and %(last)s
            and (%(seller)s::text is null or seller = %(seller)s)
            and (%(till_session)s::bigint is null or till_session = %(till_session)s)
            and (not %(is_open)s::boolean or status = 'OPEN')
        order by till_session, payment_method
        """,
        {**period.bounds, "seller": seller, "till_session": till_session, "is_open": is_open},
        {"seller": seller, **period.asked, "session": till_session, "open": is_open or None},
    )


def history(connection: Connection, ticket: int) -> Report:
    """All that happened to a ticket; its facts are what came of it."""
    happened = _table(
        connection,
        "transactions",
        """
        select
            transaction_time, transaction_type, seller, login_role, cash_point, payment, exchange, related_ticket,
            price_group_name, price, amount, fee_amount, total_amount, vat_code, vat_rate, vat_amount, fee_vat_amount
        from report.transaction
        where ticket = %(ticket)s
        order by transaction_log
        """,
        {"ticket": ticket},
        ("amount", "fee_amount", "total_amount", "vat_amount", "fee_vat_amount"),
    )
    came = _table(
        connection, "ticket", "select * from report.ticket_history where ticket = %(ticket)s", {"ticket": ticket}
    )
    facts = dict(zip(came.columns, came.rows[0], strict=True)) if came.rows else {}
    return Report("history", {"ticket": ticket}, [happened] if happened.rows else [], happened, facts)


def views(connection: Connection) -> dict[str, View]:
    """The views of schema report."""
    found = connection.execute(
        """
        select
            c.relname, coalesce(obj_description(c.oid, 'pg_class'), ''),
            (
                select json_object_agg(a.attname, format_type(a.atttypid, a.atttypmod) order by a.attnum)
                from pg_attribute as a
                where a.attrelid = c.oid and a.attnum > 0
            )
        from pg_class as c
        where c.relnamespace = to_regnamespace('report') and c.relkind = 'v'
        order by c.relname
        """
    ).fetchall()
    return {name: View(name, comment, columns) for name, comment, columns in found}


def view(
    connection: Connection,
    name: str,
    period: Period = ALWAYS,
    where: Sequence[tuple[str, str]] = (),
    limit: int | None = None,
) -> Report:
    """The rows of any view of schema report. `where`: column and value, an empty value for null."""
    known = views(connection)
    if name not in known:
        raise UnknownReport(f"there is no view report.{name}", known)
    columns = known[name].columns
    conditions: list[sql.Composable] = []
    parameters: list[object] = []
    for column, value in where:
        if column not in columns:
            raise UnknownReport(f"report.{name} has no column {column}", columns)
        if value == "":
            conditions.append(sql.SQL("{} is null").format(sql.Identifier(column)))
        else:
            # The type is the catalogue's own word, never what was typed.
            typed = sql.SQL(columns[column])
            conditions.append(sql.SQL("{} = {}::{}").format(sql.Identifier(column), sql.Placeholder(), typed))
            parameters.append(value)
    for operator, day in ((">=", period.first), ("<=", period.last)):
        if day is not None:
            dates = [each for each in DATES if each in columns]
            if not dates:
                raise UnknownReport(f"report.{name} has no date to ask by", columns)
            conditions.append(sql.SQL("{} " + operator + " {}").format(sql.Identifier(dates[0]), sql.Placeholder()))
            parameters.append(day)
    query = sql.SQL("select {} from {}").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier("report", name)
    )
    if conditions:
        query += sql.SQL(" where ") + sql.SQL(" and ").join(conditions)
    if limit is not None:
        query += sql.SQL(" limit {}").format(sql.Literal(limit))
    flat = _table(connection, name, query, parameters)
    return Report(name, {**period.asked, **dict(where)}, [flat] if flat.rows else [], flat)


def _adds_up(column: str) -> bool:
    """Whether the rows of a column may be summed: money, and tickets of one kind."""
    return (
        column in ("amount", "opening_float", "capacity") or column.startswith("tickets_") or column.endswith("_amount")
    )


def _single(
    connection: Connection, name: str, query: LiteralString, parameters: dict[str, Any], asked: dict[str, Any]
) -> Report:
    """A report of one table. Balances of open items add up over its rows, since each has a key of its own."""
    flat = _table(connection, name, query, parameters)
    totals = tuple(column for column in flat.columns if _adds_up(column))
    flat = Table(name, flat.columns, flat.rows, totals)
    return Report(name, asked, [flat] if flat.rows else [], flat)


def _table(
    connection: Connection,
    name: str,
    query: LiteralString | sql.Composed,
    parameters: dict[str, Any] | list[object],
    totals: tuple[str, ...] = (),
) -> Table:
    prepare(connection)
    with connection.cursor(row_factory=tuple_row) as cursor:
        cursor.execute(query, parameters)
        assert cursor.description is not None
        return Table(name, tuple(column.name for column in cursor.description), cursor.fetchall(), totals)
