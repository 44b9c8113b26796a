"""What stands on each page. Sums come from the database, or are those of the rows shown; no rule of money is here."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, LiteralString, NamedTuple

from psycopg import sql

from pybridge.reports import consistency as check
from pybridge.reports import questions as reports
from pybridge.reports.questions import Period, Table
from pybridge.web.pages import charts
from pybridge.web.pages.blocks import Block, Cell, Chart, Context, Empty, Facts, Grid, Note, Section, Target
from pybridge.web.pages.words import Words

DAYS = 400  # a longer time is drawn by the days that something happened on
BY_DAY = 92  # days of clicks that are drawn day by day; more are drawn by the month
BARS = 40  # bars in a chart: the last ones
RECONCILED = ("bank_reconciliation", "missing_deposit", "unmatched_deposit", "payout", "payout_difference", "fee")
BANK_SUMS = (
    "goods",
    "amount",
    "received_amount",
    "fee_amount",
    "difference_amount",
    "open_amount",
    "net",
    "gross",
    "fee",
    "other",
)


def ask(
    context: Context,
    name: str,
    query: LiteralString | sql.Composed,
    totals: Sequence[str] = (),
    **values: object,
) -> Table:
    reports.prepare(context.connection)
    cursor = context.connection.execute(query, {**period(context).bounds, **values})
    assert cursor.description is not None
    return Table(name, tuple(column.name for column in cursor.description), cursor.fetchall(), tuple(totals))


def period(context: Context) -> Period:
    return Period(context.values.get("from"), context.values.get("to"))


def dated(context: Context) -> dict[str, Any]:
    """The period, for a link to another page of it."""
    return {"from": context.values.get("from"), "to": context.values.get("to")}


# --- Tickets --------------------------------------------------------------------------------------------------------


def settlement(context: Context) -> list[Section]:
    """The same as `pybridge report settlement`, with the X and Z reports of its tills beside it."""
    words, values = context.words, context.values
    titles = {
        "SESSIONS": words("Till sessions"),
        "TILL": words("What should lie in the drawer, and what was counted"),
        "PAYMENT_METHOD": words("By means of payment"),
        "TRANSACTION_TYPE": words("By type of transaction"),
        "VAT_PROJECT": words("By VAT code and project"),
    }
    report = reports.settlement(context.connection, period(context), values["seller"], values["session"])
    links: dict[str, Callable[[dict[str, Any]], Target]] = {
        "seller": lambda row: ("settlement", {**dated(context), "seller": row["seller"], "session": values["session"]}),
        "till_session": lambda row: ("settlement", {"session": row["till_session"]}),
        "z_number": lambda row: ("z-report", {"cash_point": row["cash_point"], "z_number": row["z_number"]}),
        "cash_point": lambda row: ("x-report", {"cash_point": row["cash_point"]}) if row["cash_point"] else None,
    }
    found = {table.name: table for table in report.tables}
    if not found:
        return [Section(words("Settlement"), [Empty()])]
    sections = []
    for name, title in titles.items():
        if name in found:
            blocks: list[Block] = [context.grid(found[name], title, links=links)]
            if name == "SESSIONS":
                blocks.insert(0, _cash_differences(context, found[name]))
            sections.append(Section(title, blocks))
    return sections


def sessions(context: Context) -> list[Section]:
    words, values = context.words, context.values
    report = reports.sessions(context.connection, period(context), values["seller"], values["session"], values["open"])
    title = words("Till sessions")
    grid = context.grid(
        report.flat,
        title,
        hide=["drawer", "opened_at", "payments"],  # a session has a page of its own
        links={
            "till_session": lambda row: ("settlement", {"session": row["till_session"]}),
            "z_number": lambda row: ("z-report", {"cash_point": row["cash_point"], "z_number": row["z_number"]}),
        },
    )
    return [Section(title, [_cash_differences(context, report.flat), grid])]


def _cash_differences(context: Context, table: Table) -> Block:
    """Of the cash alone, in sessions that were counted."""
    place = {column: number for number, column in enumerate(table.columns)}
    rows = [
        (row[place["till_session"]], row[place["seller"]], row[place["difference_amount"]])
        for row in table.rows
        if row[place["payment_method"]] == "CASH" and row[place["difference_amount"]] is not None
    ]
    if not rows:
        return Note(context.words("No till session was counted."))
    if not any(row[2] for row in rows):
        return Note(context.words("All {count} that were counted held what was expected in cash.", count=len(rows)))
    title = context.words("Cash difference by till session")
    drawn = rows[-BARS:]
    svg = charts.bars(
        context.words, title, [str(row[0]) for row in drawn], [float(row[2]) for row in drawn],
        context.words("NOK"), context.words("Till session"),
    )  # fmt: skip
    shown = Table("differences", ("till_session", "seller", "difference_amount"), rows, ("difference_amount",))
    return _chart(context, title, svg, shown)


def x_report(context: Context) -> list[Section]:
    return _till_report(
        context,
        """
        select cash_point, cash_point_name, item, item_key, seller, number, amount, vat_rate, vat_amount
        from report.x_report
        where %(cash_point)s::int is null or cash_point = %(cash_point)s
        order by cash_point, seller nulls first, place, item_key
        """,
    )


def z_report(context: Context) -> list[Section]:
    return _till_report(
        context,
        """
        select
            cash_point, cash_point_name, z_number, business_date, item, item_key, seller, number, amount, vat_rate,
            vat_amount
        from report.z_report
        where
            (%(cash_point)s::int is null or cash_point = %(cash_point)s)
            and (%(z_number)s::int is null or z_number = %(z_number)s)
            and business_date between %(first)s and %(last)s
        order by business_date, cash_point, z_number, seller nulls first, place, item_key
        """,
    )


def _till_report(context: Context, query: LiteralString) -> list[Section]:
    """A section for each report, and in it a table of the cash point and one of each operator."""
    words = context.words
    table = ask(context, "till-report", query, **context.values)
    keys = [
        column for column in ("cash_point", "cash_point_name", "z_number", "business_date") if column in table.columns
    ]
    grouped: dict[tuple[Any, ...], dict[str | None, list[reports.Row]]] = defaultdict(lambda: defaultdict(list))
    item, of_it, seller = (table.columns.index(column) for column in ("item", "item_key", "seller"))
    for row in table.rows:
        shown = (*row[:of_it], _of_item(words, row[item], row[of_it]), *row[of_it + 1 :])
        grouped[tuple(row[table.columns.index(key)] for key in keys)][row[seller]].append(shown)
    sections = []
    for key, operators in grouped.items():
        named = dict(zip(keys, key, strict=True))
        title = words("Cash point {number}, {name}", number=named["cash_point"], name=named["cash_point_name"])
        if "z_number" in named:
            title += words(
                ": Z report {number} of {day}", number=named["z_number"], day=words.day(named["business_date"])
            )
        blocks: list[Block] = [
            context.grid(
                Table("till-report", table.columns, rows),
                words("The whole cash point") if operator is None else words("Operator {name}", name=operator),
                hide=[*keys, "seller"],
            )
            for operator, rows in operators.items()
        ]
        sections.append(Section(title, blocks))
    return sections or [Section(words("Reports of the tills"), [Empty()])]


def _of_item(words: Words, item: str, key: str) -> str:
    """What an item is split by: a means of payment, a type of event, a VAT code (its rate has a column of its own)."""
    if item == "VAT":
        return words("code {code}", code=key.split()[0]) if key else ""
    return words.code(key) if item == "PAYMENT" or key == "FREE" else key


def vat_project(context: Context) -> list[Section]:
    words = context.words
    report = reports.vat_project(context.connection, period(context), context.values["seller"])
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
    links = {
        "project": lambda row: (
            ("project-day", {**dated(context), "project": row["project"]}) if row["project"] else None
        )
    }
    return [
        Section(title, [context.grid(table, title, links=links)])
        for title, table in (
            (words("By VAT code and project"), report.flat),
            (words("By project"), by_project),
            (words("By VAT code"), by_code),
        )
    ]


def project_day(context: Context) -> list[Section]:
    words = context.words
    report = reports.project_day(context.connection, period(context), context.values["project"])
    title = words("Sales by day and project")
    place = {column: number for number, column in enumerate(report.flat.columns)}
    points: dict[tuple[Any, str], dict[date, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row in report.flat.rows:
        project, name = row[place["project"]], row[place["project_name"]]
        points[project, name or words("no project")][row[place["posting_date"]]] += row[place["gross_amount"]]
    return [
        Section(title, [_over_time(context, title, points, "NOK", is_money=True)]),
        Section(words("All days"), [context.grid(report.flat, words("By day, project and sale channel"))]),
    ]


def event_sales(context: Context) -> list[Section]:
    words, values = context.words, context.values
    report = reports.event_sales(context.connection, period(context), values["event"], values["project"])
    links = {"event": lambda row: ("event-sales", {"event": row["event"]})} if values["event"] is None else {}
    title = words("Sales by event")
    sections = [Section(title, [context.grid(report.flat, title, links=links)])]
    if values["event"] is not None and report.flat.rows:
        name = report.flat.rows[0][report.flat.columns.index("event_name")]
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
    days = _days(list(reached))
    so_far, values = Decimal(), []
    for day in days:
        so_far = reached.get(day, so_far)
        values.append(float(so_far))
    svg = charts.lines(
        words, title, [words.short_day(day) for day in days], [charts.Series(title, values)], words("NOK"), words("Day")
    )
    return Section(title, [_chart(context, title, svg, table)])


def open_items(context: Context) -> list[Section]:
    title = context.words("Not paid yet, and owed back")
    report = reports.open_items(context.connection, period(context), context.values["event"])
    links = {"event": lambda row: ("event-sales", {"event": row["event"]})}
    return [Section(title, [context.grid(report.flat, title, links=links)])]


# --- Bank -----------------------------------------------------------------------------------------------------------


def bank(context: Context) -> list[Section]:
    """Every column that the views have: the day that they are asked by is the one thing known of them."""
    words = context.words
    titles = {
        "bank_reconciliation": words("Goods out against the bank"),
        "missing_deposit": words("What should come and is not matched"),
        "unmatched_deposit": words("What came and nobody accounts for"),
        "payout": words("Payouts of acquirers"),
        "payout_difference": words("Why a payout is not matched"),
        "fee": words("Differences of matches: fees, roundings, write-offs"),
    }
    signs = {
        "bank_reconciliation": words(
            "Amount = received + fees + difference: a difference above 0 has not come, one below 0 was not expected."
        ),
        "fee": words("The bank's entries less what was expected: below 0 was kept back."),
    }
    known = reports.views(context.connection)
    sections = []
    for view in RECONCILED:
        columns = known[view].columns
        day = next(each for each in ("day", "booked_on", "paid_on") if each in columns)
        table = ask(
            context,
            view,
            sql.SQL("select * from {} where {} between %(first)s and %(last)s order by {}, 1").format(
                sql.Identifier("report", view), sql.Identifier(day), sql.Identifier(day)
            ),
            [column for column in columns if column in BANK_SUMS],
        )
        if "currency" in columns:  # other money is not added to ours
            place = table.columns.index("currency")
            if len({row[place] for row in table.rows}) > 1:
                table = Table(table.name, table.columns, table.rows)
        blocks: list[Block] = [context.grid(table, titles[view], plain=("road_name", "account_name"))]
        if table.rows and {"age_group", "amount", "days_late"} <= columns.keys():
            blocks.insert(0, _ages(context, table))
        if table.rows and view in signs:
            blocks.insert(0, Note(signs[view]))
        sections.append(Section(titles[view], blocks))
    return sections


def _ages(context: Context, table: Table) -> Block:
    words = context.words
    group, amount, late = (table.columns.index(column) for column in ("age_group", "amount", "days_late"))
    sums: dict[str, Decimal] = defaultdict(Decimal)
    counts: dict[str, int] = defaultdict(int)
    for row in sorted(table.rows, key=lambda row: row[late]):
        sums[row[group]] += row[amount]
        counts[row[group]] += 1
    title = words("Not matched, by age")
    labels = [words.code(each) for each in sums]
    svg = charts.bars(
        words, title, labels, [float(each) for each in sums.values()], words("NOK"), words("Days after the last day")
    )
    rows: list[reports.Row] = [(each, counts[each], sums[each]) for each in sums]
    return _chart(context, title, svg, Table("ages", ("age_group", "number", "amount"), rows, ("number", "amount")))


# --- Marketplace ----------------------------------------------------------------------------------------------------


class Books(NamedTuple):
    """Where a statement is read: the reports, or what a profile's own role sees of them."""

    transaction: sql.Identifier
    line: sql.Identifier
    attempt: sql.Identifier | None
    click_day: sql.Identifier


EVERYBODYS = Books(
    sql.Identifier("report", "marketplace_transaction"),
    sql.Identifier("report", "marketplace_statement_line"),
    sql.Identifier("report", "payment_attempt"),
    sql.Identifier("report", "marketplace_click_day"),
)
OWN = Books(
    sql.Identifier("marketplace", "own_statement"),
    sql.Identifier("marketplace", "own_statement_line"),
    None,  # whose money it is sees by status and executed when it moved
    sql.Identifier("marketplace", "own_click_day"),
)


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
                website_clicks, website_amount, net_amount, carried_in, due_amount, carried_out, minimum, executed,
                corrects, reason
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
    sections += _clicks(context, books, month, last, profile)
    return sections


def _transaction(context: Context, books: Books, row: Mapping[str, Any], kind: str) -> list[Section]:
    words = context.words
    shown = (
        "status", "advertisement_amount", "website_amount", "net_amount", "carried_in", "due_amount", "carried_out",
        "minimum", "executed", "corrects", "reason",
    )  # fmt: skip
    pairs = [(words.column(each), words.value(each, row[each])) for each in shown if row[each] is not None]
    lines = ask(
        context,
        "lines",
        sql.SQL(
            """
            select
                side, item, item_name, price, commission_rate, clicks, price_amount, commission_amount, amount, reason
            from {}
            where transaction = %(transaction)s
            order by side, item, price
            """
        ).format(books.line),
        ("clicks", "price_amount", "commission_amount", "amount"),
        transaction=row["transaction"],
    )
    caption = words("What it is made of")
    title = words("Transaction {number}, {kind}", number=row["transaction"], kind=kind)
    grid = [context.grid(lines, caption, hide=["item"])] if lines.rows or row["kind"] == "MONTHLY" else []
    made = Section(title, [Facts(pairs), *grid])  # a correction may have no lines of its own
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
    sides: tuple[tuple[str, str, LiteralString, LiteralString], ...] = (
        (words("Clicks by advertisement"), "ADVERTISEMENT", "advertisement", "profile"),
        (words("Clicks by website"), "WEBSITE", "website", "publisher"),
    )
    sections = []
    for title, side, item, owner in sides:
        amount = "price_amount" if side == "ADVERTISEMENT" else "publisher_amount"
        values: dict[str, Any] = {"begins": first, "ends": last, "profile": profile, "step": step}
        table = ask(
            context,
            "clicks",
            sql.SQL(
                """
                select
                    {item} as number_of, {name} as item_name, sum(clicks)::bigint as clicks,
                    sum({amount}) as {amount}
                from {days}
                where
                    month between date_trunc('month', %(begins)s::date)::date and %(ends)s
                    and click_date between %(begins)s and %(ends)s and {item} is not null
                    and (%(profile)s::bigint is null or {owner} = %(profile)s)
                group by {item}, {name}
                order by sum(clicks) desc, {item}
                """
            ).format(
                item=sql.Identifier(item), name=sql.Identifier(f"{item}_name"), owner=sql.Identifier(owner),
                amount=sql.Identifier(amount), days=books.click_day,
            ),
            ("clicks", amount),
            **values,
        )  # fmt: skip
        if not table.rows:
            sections.append(Section(title, [Empty()]))
            continue
        found = ask(
            context,
            "steps",
            sql.SQL(
                """
                select
                    case when {item} = any (%(best)s) then {item} end, date_trunc(%(step)s, click_date)::date,
                    sum(clicks)::bigint
                from {days}
                where
                    month between date_trunc('month', %(begins)s::date)::date and %(ends)s
                    and click_date between %(begins)s and %(ends)s and {item} is not null
                    and (%(profile)s::bigint is null or {owner} = %(profile)s)
                group by 1, 2
                """
            ).format(item=sql.Identifier(item), owner=sql.Identifier(owner), days=books.click_day),
            best=[row[0] for row in table.rows[: charts.MOST]],
            **values,
        )
        names = {row[0]: row[1] for row in table.rows}
        points: dict[tuple[Any, str], dict[date, Decimal]] = {
            (row[0], row[1]): defaultdict(Decimal) for row in table.rows[: charts.MOST]
        }
        for number, day, count in found.rows:
            key = (number, names[number]) if number is not None else (None, words("other"))
            points.setdefault(key, defaultdict(Decimal))[day] += count
        chart = _over_time(context, title, points, words("clicks"), is_money=False, by_month=step == "month")
        caption = words("All advertisements") if side == "ADVERTISEMENT" else words("All websites")
        sections.append(Section(title, [chart, context.grid(table, caption, headings={"number_of": words("No.")})]))
    return sections


# --- Jobs and checks ------------------------------------------------------------------------------------------------


def jobs(context: Context) -> list[Section]:
    words = context.words
    health = ask(
        context,
        "health",
        """
        select
            job, enabled, late, last_state, last_started_at, last_success_at, due_since, next_at, consecutive_failures,
            failing_periods, error_code, error_message
        from report.job_health
        order by job
        """,
    )
    query: LiteralString = """
        select
            job_run, job, period, state, started_at, finished_at, duration, row_count, error_code, error_message,
            started_by
        from report.job_run
        where
            started_at >= %(first)s::date and started_at < %(last)s::date + 1
            and (%(job)s::text is null or job = %(job)s)
        order by job_run
        """
    runs = ask(context, "runs", query, job=context.values["job"])
    verified = ask(context, "verified", query, job="marketplace_verify")
    return [
        Section(title, [context.grid(table, title)])
        for title, table in (
            (words("How each job does"), health),
            (words("What verification found"), verified),
            (words("Runs"), runs),
        )
    ]


def consistency(context: Context) -> list[Section]:
    """Each view, and the rows of those that are not empty."""
    words = context.words
    findings = check.run(context.connection)
    bad = [each for each in findings if each.broken]
    said = (
        words("{count} of {all} checks found something.", count=len(bad), all=len(findings))
        if bad
        else words("All {all} checks found nothing: the books agree.", all=len(findings))
    )
    rows: list[reports.Row] = [(each.view, each.broken, each.explanation) for each in findings]
    title = words("Checks")
    sections = [
        Section(title, [Note(said), context.grid(Table("checks", ("view", "broken", "explanation"), rows), title)])
    ]
    for each in bad:
        columns = tuple(each.rows[0])
        table = Table(each.view, columns, [tuple(row[column] for column in columns) for row in each.rows])
        caption = words("The first {count} of {all} rows", count=len(each.rows), all=each.broken)
        sections.append(Section(each.view, [context.grid(table, caption, plain=columns)]))
    return sections


# --- Charts ---------------------------------------------------------------------------------------------------------


def _chart(context: Context, title: str, svg: Any, table: Table) -> Chart:
    grid = context.grid(table, title)
    assert isinstance(grid, Grid)
    return Chart(title, svg, grid)


def _days(found: Sequence[date]) -> list[date]:
    """Every day from the first to the last, so that a gap is seen as one."""
    first, last = min(found), max(found)
    if (last - first).days > DAYS:
        return sorted(found)
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _months(found: Sequence[date]) -> list[date]:
    months, last = [min(found)], max(found)
    while months[-1] < last:
        months.append((months[-1] + timedelta(days=31)).replace(day=1))
    return months


def _over_time(
    context: Context,
    title: str,
    points: Mapping[tuple[Any, str], Mapping[date, Decimal]],
    unit: str,
    *,
    is_money: bool,
    by_month: bool = False,
) -> Block:
    """A line for each of the largest, one for all others together; and the same as a table, a day a row."""
    words = context.words
    found = sorted({day for values in points.values() for day in values})
    if not found:
        return Empty()
    ranked = sorted(
        (key for key in points if key[0] is not None or is_money),
        key=lambda key: -abs(sum(points[key].values(), Decimal())),
    )
    best, others = ranked[: charts.MOST], [key for key in points if key not in ranked[: charts.MOST]]
    places = _months(found) if by_month else _days(found)
    columns: list[tuple[str, dict[date, Decimal]]] = [(key[1], dict(points[key])) for key in best]
    if others:
        together: dict[date, Decimal] = defaultdict(Decimal)
        for key in others:
            for day, value in points[key].items():
                together[day] += value
        columns.append((words("other"), together))
    named = words(unit) if unit == "NOK" else unit
    if len(places) == 1:  # one day is no line
        when = words.month(places[0]) if by_month else words.day(places[0])
        svg = charts.bars(
            words, title, [name for name, _ in columns], [float(values.get(places[0], 0)) for _, values in columns],
            named, when,
        )  # fmt: skip
        return _series(context, title, svg, columns, places, is_money=is_money, by_month=by_month)
    svg = charts.lines(
        words,
        title,
        [words.month(day) if by_month else words.short_day(day) for day in places],
        [charts.Series(name, [float(values.get(day, 0)) for day in places]) for name, values in columns],
        named,
        words("Month") if by_month else words("Day"),
    )
    return _series(context, title, svg, columns, places, is_money=is_money, by_month=by_month)


def _series(
    context: Context,
    title: str,
    svg: Any,
    columns: Sequence[tuple[str, Mapping[date, Decimal]]],
    places: Sequence[date],
    *,
    is_money: bool,
    by_month: bool,
) -> Chart:
    words = context.words
    write = words.money if is_money else words.number
    return Chart(
        title,
        svg,
        Grid(
            title,
            [Cell(words("Month") if by_month else words("Day"), "w"), *(Cell(name, "n") for name, _ in columns)],
            [
                [
                    Cell(words.month(day) if by_month else words.day(day), "w"),
                    *(Cell(write(values.get(day, Decimal())), "n") for _, values in columns),
                ]
                for day in places
                if any(day in values for _, values in columns)
            ],
            [
                Cell(words("Total")),
                *(Cell(write(sum(values.values(), Decimal())), "n") for _, values in columns),
            ],
        ),
    )
