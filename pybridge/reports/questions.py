"""Questions that take more than the rows of one view: the settlement, open items, a ticket's history, and any view.

All that a report is otherwise stands in `pybridge.reports.declared`. Everything is added up in the database, over the
views' rows; `pybridge.reports.output` writes it down.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from psycopg import sql

from pybridge.reports.tables import (
    ALWAYS,
    Connection,
    Period,
    Report,
    Table,
    UnknownReport,
    prepare,
    read,
    single,
    today,
)

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
FIRST = {  # where the terminal is too narrow for all, by table
    "SESSIONS": (
        "till_session", "payment_method", "expected_amount", "counted_amount", "difference_amount", "opening_float",
        "status", "seller", "cash_point", "z_number",
    ),
    "TILL": ("payment_method", "item", "gross_amount", "till_session", "seller", "number"),
    "PAYMENT_METHOD": ("payment_method", "kind", "gross_amount", "organisation_name", "till_session", "seller"),
    "TRANSACTION_TYPE": ("item", "gross_amount", "organisation_name", "number", "vat_amount", "till_session", "seller"),
    "VAT_PROJECT": ("kind", "project", "vat_code", "gross_amount", "vat_amount", "organisation_name", "number"),
    "open-items": (
        "event", "sale_channel", "open_before_amount", "sold_amount", "paid_amount", "released_amount",
        "open_after_amount", "tickets_open_after", "event_name",
    ),
    "vat-return": (
        "vat_code", "vat_rate", "net_amount", "vat_amount", "organisation_name", "net_kroner", "vat_kroner",
        "is_closed", "late_rows",
    ),
    "prepaid": (
        "event", "event_name", "event_date", "prepaid_amount", "organisation_name", "account", "vat_to_come_amount",
        "is_cancelled",
    ),
    "transactions": (
        "transaction_time", "transaction_type", "seller", "total_amount", "cash_point", "payment", "related_ticket",
    ),
}  # fmt: skip
DATES = ("posting_date", "sale_date", "opened_date", "event_date")  # what --from and --to mean, the first that is there


def settlement(
    connection: Connection, period: Period = ALWAYS, seller: str | None = None, session: int | None = None
) -> Report:
    """Kasseoppgjør: section by section, over the period or of one session."""
    opened: tuple[Any, ...] | None = None
    if session is not None:
        prepare(connection)
        # What is in a session happened while it was open: so much of the log is read, and no more.
        opened = connection.execute(
            "select opened_date, closed_at::date from report.till_session where till_session = %s limit 1",
            [session],
        ).fetchone()
    opened_date, closed_date = opened or (None, None)
    flat = read(
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
            "till_session": session,
        },
    )
    place = {name: number for number, name in enumerate(flat.columns)}
    who = ("organisation_name", "seller", "cash_point", "till_session")
    # What should lie there and what was counted, beside the rows that it comes of.
    tills = read(
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
    tables = [replace(tills, first=FIRST["SESSIONS"])]
    for section, keys in SECTIONS.items():
        columns = ((*who[1:],) if section == "TILL" else who) + keys + MONEY[section]
        rows = [
            tuple(row[place[column]] for column in columns) for row in flat.rows if row[place["section"]] == section
        ]
        # A payment by two methods is under both, so numbers are not summed.
        totals = tuple(column for column in MONEY[section] if column != "number")
        tables.append(Table(section, columns, rows, totals, FIRST[section]))
    asked = {"seller": seller, **period.asked, "session": session}
    return Report("settlement", asked, [table for table in tables if table.rows], flat)


def open_items(connection: Connection, period: Period = ALWAYS, event: int | None = None) -> Report:
    """What was open when the period began, what happened in it, and what is open when it ends."""
    flat = read(
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
    )
    return single(flat, {"event": event, **period.asked}, FIRST["open-items"])


VAT_COLUMNS = (
    "organisation_name", "first_day", "last_day", "vat_code", "vat_code_name", "vat_rate", "is_in_return", "net_amount",
    "vat_amount", "net_kroner", "vat_kroner", "log_rows", "late_rows", "is_closed",
)  # fmt: skip
PREPAID_COLUMNS = (
    "organisation_name", "account", "event", "event_name", "event_date", "is_cancelled", "project", "project_name",
    "prepaid_amount", "vat_booked_amount", "vat_to_come_amount",
)  # fmt: skip


def _columns(names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def vat_return(connection: Connection, period: Period = ALWAYS) -> Report:
    """The VAT return of the days from the first on; where none is named, of the term of the last day, or of today's."""
    last = period.last or today(connection)
    term, days = "report.vat_return(p_term => %(last)s)", "report.vat_between(p_first => %(first)s, p_last => %(last)s)"
    asked = sql.SQL(term if period.first is None else days)
    query = sql.SQL("select {} from ").format(_columns(VAT_COLUMNS)) + asked
    flat = read(connection, "vat-return", query, {"first": period.first, "last": last})
    return single(flat, period.asked, FIRST["vat-return"])


def prepaid(
    connection: Connection, period: Period = ALWAYS, event: int | None = None, project: int | None = None
) -> Report:
    """What was prepaid at the end of the period's last day; of today, where none is named."""
    query = sql.SQL(
        """
        select {}
        from report.prepaid(p_as_of => %(last)s)
        where
            (%(event)s::int is null or event = %(event)s)
            and (%(project)s::int is null or project = %(project)s)
        """
    ).format(_columns(PREPAID_COLUMNS))
    flat = read(connection, "prepaid", query, {"last": period.last, "event": event, "project": project})
    return single(flat, {"event": event, "project": project, **period.asked}, FIRST["prepaid"])


def history(connection: Connection, ticket: int) -> Report:
    """All that happened to a ticket; its facts are what came of it."""
    happened = read(
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
    happened = replace(happened, first=FIRST["transactions"])
    came = read(
        connection, "ticket", "select * from report.ticket_history where ticket = %(ticket)s", {"ticket": ticket}
    )
    facts = dict(zip(came.columns, came.rows[0], strict=True)) if came.rows else {}
    meaning = "NOK including VAT, positive in, negative out; total is amount and fee."
    return Report("history", {"ticket": ticket}, [happened] if happened.rows else [], happened, facts, meaning)


@dataclass(frozen=True)
class View:
    """A view of schema report, as the catalogue describes it."""

    name: str
    comment: str
    columns: Mapping[str, str]  # and their types


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
    """The rows of any view of schema report, named with its schema or without.

    `where`: column and value, an empty value for null.
    """
    known = views(connection)
    name = name.removeprefix("report.")
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
    flat = read(connection, name, query, parameters)
    asked = {**period.asked, **dict(where)}
    return Report(name, asked, [flat] if flat.rows else [], flat, meaning=known[name].comment)
