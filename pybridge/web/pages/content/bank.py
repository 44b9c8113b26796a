"""The page of the bank: what should have come, what came, and what nobody accounts for."""

from collections import defaultdict
from decimal import Decimal

from psycopg import sql

from pybridge.reports.questions import views
from pybridge.reports.tables import Row, Table
from pybridge.web.pages import charts
from pybridge.web.pages.blocks import Block, Context, Note, Section
from pybridge.web.pages.content.asking import ask
from pybridge.web.pages.content.drawing import chart

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


def bank(context: Context) -> list[Section]:
    """Every column that the views have: the day that they are asked by is the one thing known of them."""
    words = context.words
    titles = {
        "bank_reconciliation": words("Goods out against the bank"),
        "missing_deposit": words("Expected and not matched"),
        "unmatched_deposit": words("Came in and unaccounted for"),
        "payout": words("Payouts by acquirers"),
        "payout_difference": words("Why a payout is not matched"),
        "fee": words("Differences of matches: fees, roundings, write-offs"),
    }
    signs = {
        "bank_reconciliation": words(
            "Amount = received + fees + difference: a difference above 0 has not come, one below 0 was not expected."
        ),
        "fee": words("The bank's entries less what was expected: below 0 was kept back."),
    }
    known = views(context.connection)
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
        blocks: list[Block] = [context.grid(table, titles[view], plain=("route_name", "account_name"))]
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
    rows: list[Row] = [(each, counts[each], sums[each]) for each in sums]
    return chart(context, title, svg, Table("ages", ("age_group", "number", "amount"), rows, ("number", "amount")))
