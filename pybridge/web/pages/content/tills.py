"""The pages of the tills: settlement, sessions, X and Z reports."""

from collections import defaultdict
from typing import Any, LiteralString

from pybridge.reports.tables import Row, Table
from pybridge.web.pages import charts
from pybridge.web.pages.blocks import Block, Context, Empty, Note, Section
from pybridge.web.pages.content.asking import Links, ask, dated, report
from pybridge.web.pages.content.drawing import chart
from pybridge.web.pages.words import Words

BARS = 40  # bars in a chart; of more, the largest, and it says so


def settlement(context: Context) -> list[Section]:
    """The same as `pybridge report settlement`, with the X and Z reports of its tills beside it."""
    words, values = context.words, context.values
    titles = {
        "SESSIONS": words("Till sessions"),
        "TILL": words("What should be in the drawer, and what was counted"),
        "PAYMENT_METHOD": words("By means of payment"),
        "TRANSACTION_TYPE": words("By type of transaction"),
        "VAT_PROJECT": words("By VAT code and project"),
    }
    links: Links = {
        "seller": lambda row: ("settlement", {**dated(context), "seller": row["seller"], "session": values["session"]}),
        "till_session": lambda row: ("settlement", {"session": row["till_session"]}),
        "z_number": lambda row: ("z-report", {"cash_point": row["cash_point"], "z_number": row["z_number"]}),
        "cash_point": lambda row: ("x-report", {"cash_point": row["cash_point"]}) if row["cash_point"] else None,
    }
    found = {table.name: table for table in report(context, "settlement").tables}
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
    title = context.words("Till sessions")
    flat = report(context, "sessions").flat
    grid = context.grid(
        flat,
        title,
        hide=["drawer", "opened_at", "payments"],  # a session has a page of its own
        links={
            "till_session": lambda row: ("settlement", {"session": row["till_session"]}),
            "z_number": lambda row: ("z-report", {"cash_point": row["cash_point"], "z_number": row["z_number"]}),
        },
    )
    return [Section(title, [_cash_differences(context, flat), grid])]


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
        return Note(context.words("All {count} that were counted held the cash expected.", count=len(rows)))
    words = context.words
    title = words("Cash difference by till session")
    different = [row for row in rows if row[2]]
    largest = sorted(different, key=lambda row: -abs(row[2]))[:BARS]
    drawn = [row for row in different if row in largest]
    svg = charts.bars(
        words, title, [str(row[0]) for row in drawn], [float(row[2]) for row in drawn],
        words("NOK"), words("Till session"),
    )  # fmt: skip
    exact = words("{exact} of the {count} that were counted held the cash expected, and are not drawn.",
                  count=len(rows), exact=len(rows) - len(different))  # fmt: skip
    more = words("The {drawn} largest of {all} differences are drawn. The others come to {amount} NOK together.",
                 drawn=len(drawn), all=len(different),
                 amount=words.money(sum(row[2] for row in different) - sum(row[2] for row in drawn)))  # fmt: skip
    shown = Table("differences", ("till_session", "seller", "difference_amount"), different, ("difference_amount",))
    said = [exact] if len(different) < len(rows) else []
    said += [more] if len(drawn) < len(different) else []
    return chart(context, title, svg, shown, " ".join(said))


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
    grouped: dict[tuple[Any, ...], dict[str | None, list[Row]]] = defaultdict(lambda: defaultdict(list))
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
