"""The pages of the tickets: settlement and tills, VAT, and what was sold."""

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

from pybridge.web.pages import charts
from pybridge.web.pages.blocks import Context, Empty, Section
from pybridge.web.pages.content.asking import Links, ask, report, to_project
from pybridge.web.pages.content.drawing import chart, days, over_time


def vat_project(context: Context) -> list[Section]:
    words = context.words
    by_project = ask(
        context,
        "by-project",
        """
        select
            organisation_name, project, project_name, sum(gross_amount) as gross_amount,
            sum(net_amount) as net_amount, sum(vat_amount) as vat_amount
        from report.seller_vat_project
        where posting_date between %(first)s and %(last)s and (%(seller)s::text is null or seller = %(seller)s)
        group by organisation_name, project, project_name
        order by organisation_name, project nulls last
        """,
        ("gross_amount", "net_amount", "vat_amount"),
        seller=context.values["seller"],
    )
    by_code = ask(
        context,
        "by-code",
        """
        select
            organisation_name, vat_code, vat_rate, sum(gross_amount) as gross_amount, sum(net_amount) as net_amount,
            sum(vat_amount) as vat_amount
        from report.seller_vat_project
        where posting_date between %(first)s and %(last)s and (%(seller)s::text is null or seller = %(seller)s)
        group by organisation_name, vat_code, vat_rate
        order by organisation_name, vat_code, vat_rate
        """,
        ("gross_amount", "net_amount", "vat_amount"),
        seller=context.values["seller"],
    )
    links: Links = {"project": lambda row: to_project(context, row)}
    return [
        Section(title, [context.grid(table, title, links=links)])
        for title, table in (
            (words("By VAT code and project"), report(context, "vat-project").flat),
            (words("By project"), by_project),
            (words("By VAT code"), by_code),
        )
    ]


def project_day(context: Context) -> list[Section]:
    words = context.words
    title = words("Sales by day and project")
    flat = report(context, "project-day").flat
    place = {column: number for number, column in enumerate(flat.columns)}
    points: dict[tuple[Any, str], dict[date, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row in flat.rows:
        project, name = row[place["project"]], row[place["project_name"]]
        points[project, name or words("no project")][row[place["posting_date"]]] += row[place["gross_amount"]]
    return [
        Section(title, [over_time(context, title, points, words("NOK"), is_money=True)]),
        Section(words("All days"), [context.grid(flat, words("By day, project and sale channel"))]),
    ]


def event_sales(context: Context) -> list[Section]:
    words, values = context.words, context.values
    flat = report(context, "event-sales").flat
    links: Links = {"event": lambda row: ("event-sales", {"event": row["event"]})} if values["event"] is None else {}
    title = words("Sales by event")
    sections = [Section(title, [context.grid(flat, title, links=links)])]
    if values["event"] is not None and flat.rows:
        name = flat.rows[0][flat.columns.index("event_name")]
        context.about["event"] = f"\u2068{name}\u2069 ({values['event']})"
        sections.append(_cumulative(context, values["event"]))
    return sections


def _cumulative(context: Context, event: int) -> Section:
    """An event's whole life, whatever the period is."""
    words = context.words
    title = words("Cumulative sales")
    table = ask(
        context,
        "cumulative",
        """
        select
            sale_date, sum(tickets_sold)::bigint as tickets_sold, sum(tickets_refunded)::bigint as tickets_refunded,
            sum(gross_amount) as gross_amount, sum(sum(gross_amount)) over (order by sale_date) as cumulative_amount
        from report.event_day
        where event = %(event)s
        group by sale_date
        order by sale_date
        """,
        event=event,
    )
    if not table.rows:
        return Section(title, [Empty()])
    reached = {row[0]: row[4] for row in table.rows}
    places = days(list(reached))
    so_far, values = Decimal(), []
    for day in places:
        so_far = reached.get(day, so_far)
        values.append(float(so_far))
    svg = charts.lines(
        words,
        title,
        [words.short_day(day) for day in places],
        [charts.Series(title, values)],
        words("NOK"),
        words("Day"),
    )
    return Section(title, [chart(context, title, svg, table)])


def open_items(context: Context) -> list[Section]:
    title = context.words("Not paid yet, and owed back")
    links: Links = {"event": lambda row: ("event-sales", {"event": row["event"]})}
    return [Section(title, [context.grid(report(context, "open-items").flat, title, links=links)])]
