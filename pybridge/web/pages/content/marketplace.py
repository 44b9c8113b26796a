"""The pages of the marketplace: a profile's statements, and clicks over time."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, LiteralString, NamedTuple

from psycopg import sql

from pybridge.web.pages import charts
from pybridge.web.pages.blocks import Context, Empty, Facts, Grid, Section
from pybridge.web.pages.content.asking import ask
from pybridge.web.pages.content.drawing import Rest, over_time

BY_DAY = 92  # days of clicks that are drawn day by day; more are drawn by the month


class Books(NamedTuple):
    """Where a statement is read: the reports, or what a profile's own role sees of them."""

    transaction: sql.Identifier
    line: sql.Composable  # of one transaction
    set_off: sql.Identifier
    attempt: sql.Identifier | None
    clicks: sql.Identifier  # a function: clicks of an item and a step of time


EVERYBODYS = Books(
    sql.Identifier("report", "marketplace_transaction"),
    sql.SQL("report.marketplace_statement_line"),
    sql.Identifier("report", "marketplace_set_off"),
    sql.Identifier("report", "payment_attempt"),
    sql.Identifier("marketplace", "all_click_counts"),
)
OWN = Books(
    sql.Identifier("marketplace", "own_statement"),
    sql.SQL("marketplace.own_statement_line(p_transaction => %(transaction)s)"),
    sql.Identifier("marketplace", "own_set_off"),
    None,  # whose money it is sees by status and executed when it moved
    sql.Identifier("marketplace", "click_counts"),
)

SERIES: LiteralString = """
    select
        item, item_name, (period_begins at time zone books.time_zone())::date as begins, clicks, abs(amount) as amount
    from {clicks}(
        p_profile => %(profile)s::bigint, p_side => %(side)s, p_from => %(begins)s, p_to => %(ends)s::date + 1,
        p_step => %(step)s
    )
"""


def own_statement(context: Context) -> list[Section]:
    """The month of the profile that the role is; without a month, all its statements."""
    profile = ask(context, "own", "select marketplace.own_profile()").rows[0][0]
    if profile is None:
        return [Section(context.words("My statements"), [Empty()])]
    return _statement(context, OWN, "own-statement", profile)


def statement(context: Context) -> list[Section]:
    """A profile's month; without a profile or a month, the statements that there are."""
    return _statement(context, EVERYBODYS, "statement", context.values["profile"])


def _statement(context: Context, books: Books, page: str, profile: int | None) -> list[Section]:
    words, values = context.words, context.values
    month = values["month"].replace(day=1) if values["month"] else None
    found = ask(
        context,
        "statements",
        sql.SQL(
            """
            select
                transaction, kind, month, profile, profile_name, status, advertisement_clicks, advertisement_amount,
                website_clicks, website_amount, net_amount, carried_in, offset_in, due_amount, offset_amount,
                settled, left_amount, carried_out, minimum, executed, corrects, reason
            from {}
            where
                (%(profile)s::bigint is null or profile = %(profile)s)
                and (%(month)s::date is null or month = %(month)s)
                and month >= date_trunc('month', %(first)s::timestamp) and month <= %(last)s::date
            order by month, profile, transaction
            """
        ).format(books.transaction),
        (
            "advertisement_clicks",
            "advertisement_amount",
            "website_clicks",
            "website_amount",
            "net_amount",
            "due_amount",
        ),
        profile=profile,
        month=month,
    )
    whole = profile is not None and month is not None
    title = words("Monthly statement") if whole else words("Statements")
    if not found.rows or not whole:

        def to(row: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
            asked = {"month": row["month"]}
            return page, asked if page == "own-statement" else {"profile": row["profile"], **asked}

        links = {"transaction": to, "profile": to}
        return [Section(title, [context.grid(found, title, links=links)])]
    place = {column: number for number, column in enumerate(found.columns)}
    context.about["profile"] = f"\u2068{found.rows[0][place['profile_name']]}\u2069 ({profile})"
    context.about["from"] = ""
    sections = []
    for row in found.rows:
        kind = words.code(row[place["kind"]])
        sections += _transaction(context, books, dict(zip(found.columns, row, strict=True)), kind)
    assert month is not None
    last = (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    sections += _later(context, month, profile)
    sections += _clicks(context, books, month, last, profile)
    return sections


def _later(context: Context, month: date, profile: int | None) -> list[Section]:
    """What was clicked in the month, came late, and is in another statement: with it, the parts agree."""
    found = ask(
        context,
        "later",
        """
        select side, item_name, of_month as month, price, commission_rate, clicks, amount
        from marketplace.profile_statement(p_profile => %(profile)s, p_month => %(month)s)
        where what = 'LATER'
        """,
        ("clicks", "amount"),
        profile=profile,
        month=month,
    )
    title = context.words("Clicks that came late, and stand in a later statement")
    return [Section(title, [context.grid(found, title)])] if found.rows else []


def _transaction(context: Context, books: Books, row: Mapping[str, Any], kind: str) -> list[Section]:
    words = context.words
    shown = (
        "status", "advertisement_amount", "website_amount", "net_amount", "carried_in", "offset_in", "due_amount",
        "offset_amount", "settled", "left_amount", "carried_out", "minimum", "executed", "corrects", "reason",
    )  # fmt: skip
    pairs = [(words.column(each), words.value(each, row[each])) for each in shown if row[each] is not None]
    lines = ask(
        context,
        "lines",
        sql.SQL(
            """
            select
                side, item_number, item_name, click_month, price, commission_rate, clicks, price_amount,
                commission_amount, amount, reason
            from {}
            where transaction = %(transaction)s
            order by side, item_number, click_month desc, price
            """
        ).format(books.line),
        ("clicks", "price_amount", "commission_amount", "amount"),
        transaction=row["transaction"],
    )
    caption = words("What it is made of")
    title = words("Transaction {number}, {kind}", number=row["transaction"], kind=kind)
    grid = [context.grid(lines, caption, hide=["item_number"])] if lines.rows or row["kind"] == "MONTHLY" else []
    made = Section(title, [Facts(pairs), *grid, *_set_off(context, books, row)])  # a correction may have no lines
    if books.attempt is None:
        return [made]
    attempts = ask(
        context,
        "attempts",
        sql.SQL(
            """
            select
                payment_attempt, attempt_number, kind, amount, gateway, state, submitted_at, resolved_at, error_code,
                message
            from {}
            where transaction = %(transaction)s
            order by payment_attempt
            """
        ).format(books.attempt),
        transaction=row["transaction"],
    )
    return [made, Section(words("When it was charged or paid"), [context.grid(attempts, words("Attempts"))])]


def _set_off(context: Context, books: Books, row: Mapping[str, Any]) -> list[Grid | Facts | Empty]:
    """What of it was set off against other months: it was neither charged nor paid."""
    found = ask(
        context,
        "set_off",
        sql.SQL(
            """
            select set_off_on, other_month, other_transaction, amount, is_rest
            from {}
            where transaction = %(transaction)s
            order by set_off
            """
        ).format(books.set_off),
        ("amount",),
        transaction=row["transaction"],
    )
    return [context.grid(found, context.words("Set off against other months"))] if found.rows else []


def clicks(context: Context) -> list[Section]:
    """M8, of the whole marketplace or of a profile."""
    first, last = context.values["from"], context.values["to"]
    if first is None or last is None:
        known = ask(context, "months", "select min(month), max(month) from report.marketplace_transaction").rows[0]
        if known[0] is None:
            return [Section(context.words("Clicks"), [Empty()])]
        first = first or known[0]
        last = last or (known[1] + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return _clicks(context, EVERYBODYS, first, last, context.values["profile"])


def _clicks(context: Context, books: Books, first: date, last: date, profile: int | None) -> list[Section]:
    words = context.words
    step = "day" if (last - first).days <= BY_DAY else "month"
    series = sql.SQL(SERIES).format(clicks=books.clicks)
    sections = []
    for title, side in ((words("Clicks by advertisement"), "ADVERTISEMENT"), (words("Clicks by website"), "WEBSITE")):
        amount = "price_amount" if side == "ADVERTISEMENT" else "publisher_amount"
        values: dict[str, Any] = {"begins": first, "ends": last, "profile": profile, "step": step, "side": side}
        table = ask(
            context,
            "clicks",
            sql.SQL(
                """
                select item as number_of, item_name, sum(clicks)::bigint as clicks, sum(amount) as {amount}
                from ({series}) as s
                group by item, item_name
                order by sum(clicks) desc, item
                """
            ).format(amount=sql.Identifier(amount), series=series),
            ("clicks", amount),
            **values,
        )
        if not table.rows:
            sections.append(Section(title, [Empty()]))
            continue
        found = ask(
            context,
            "steps",
            sql.SQL(
                """
                select case when item = any (%(best)s) then item end, begins, sum(clicks)::bigint
                from ({series}) as s
                group by 1, 2
                """
            ).format(series=series),
            best=[row[0] for row in table.rows[: charts.MOST]],
            **values,
        )
        names = {row[0]: row[1] for row in table.rows}
        points: dict[tuple[Any, str], dict[date, Decimal]] = {
            (row[0], row[1]): defaultdict(Decimal) for row in table.rows[: charts.MOST]
        }
        rest = Rest(max(0, len(table.rows) - charts.MOST), defaultdict(Decimal))
        for number, day, count in found.rows:
            values_of = rest.values if number is None else points[number, names[number]]
            values_of[day] += count
        chart = over_time(context, title, points, words("clicks"), is_money=False, by_month=step == "month", rest=rest)
        caption = words("All advertisements") if side == "ADVERTISEMENT" else words("All websites")
        sections.append(Section(title, [chart, context.grid(table, caption, headings={"number_of": words("No.")})]))
    return sections
