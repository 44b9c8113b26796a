"""What the demo shows when it has played: tables of what the views say."""

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row
from rich.columns import Columns
from rich.console import Console
from rich.text import Text

from pybridge import errors
from pybridge.formats import kroner
from pybridge.reports import consistency as check

from .show import Prose, beside, heading, number, table

Row = dict[str, Any]

LIFE = """
with recursive chain (ticket) as (
    select %s::bigint
    union
    select h.replaced_by
    from chain as c
    inner join report.ticket_history as h on c.ticket = h.ticket
    where h.replaced_by is not null
)
select
    to_char(t.transaction_time, 'HH24:MI:SS') as at, t.ticket, t.transaction_type, t.seller, t.event_name,
    t.price_group_name, t.total_amount, t.login_role
from report.transaction as t
where t.ticket in (select c.ticket from chain as c)
order by t.transaction_log
"""
BUSIEST = """
select seller
from report.seller_activity
where sale_date = billig.local_time()::date and seller is not null
group by seller
order by sum(tickets) desc, seller
limit 1
"""
SELLERS_DAY = """
select
    transaction_type, sum(tickets) as tickets, sum(gross_amount) as gross_amount, sum(fee_amount) as fee_amount,
    sum(vat_amount) as vat_amount
from report.seller_activity
where sale_date = billig.local_time()::date and seller = %s
group by transaction_type
order by transaction_type
"""
SELLERS_MONEY = """
select m.payment_method_name, sum(l.amount) as amount
from billig.payment as p
inner join billig.payment_line as l on p.payment = l.payment
inner join billig.payment_method as m on l.payment_method = m.payment_method
where p.seller = %s and billig.local_time(p.payment_time)::date = billig.local_time()::date
group by m.payment_method_name
order by 1
"""
VAT_BY_PROJECT = """
select
    organisation_name, project, project_name, vat_code, vat_rate, sum(tickets_sold) as tickets_sold,
    sum(tickets_refunded) as tickets_refunded, sum(gross_amount) as gross_amount, sum(net_amount) as net_amount,
    sum(vat_amount) as vat_amount
from report.vat_by_project
where sale_date = billig.local_time()::date
group by organisation_name, project, project_name, vat_code, vat_rate
order by project nulls last, vat_code
"""
Z_REPORT = """
select cash_point_name, z_number, business_date, item, item_key, number, amount
from report.z_report
where
    (cash_point, z_number) = (select cash_point, max(z_number) from report.z_report where cash_point = 1 group by 1)
    and seller is null and (number <> 0 or amount <> 0)
order by place, item_key
"""
SESSIONS = """
select s.till_session, s.seller, c.expected, c.counted, c.difference, c.note
from billig.till_session as s
inner join billig.till_count as c on s.till_session = c.till_session
inner join billig.payment_method as m on c.payment_method = m.payment_method
where m.is_cash and (s.cash_point, s.z_number) = (1, %s)
order by s.till_session
"""
TOTALS = """
select
    (select count(*) from billig.ticket) as tickets,
    (select count(*) from billig.transaction_log) as log_rows,
    (select count(*) from billig.payment) as payments,
    (select count(*) from billig.owed_back where settled_at is null) as owed
"""


def report(
    connection: psycopg.Connection[Any],
    console: Console,
    *,
    done: Counter[str],
    refused: Counter[str],
    story: int | None,
) -> None:
    """What the demo has to show of the festival."""

    def rows(query: str, *parameters: object) -> list[Row]:
        with connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query.encode(), parameters or None).fetchall()

    _happened(console, done, refused, rows(TOTALS)[0])
    if story:
        _life(console, story, rows(LIFE, story))
    for seller in rows(BUSIEST):
        _sellers_day(
            console, seller["seller"], rows(SELLERS_DAY, seller["seller"]), rows(SELLERS_MONEY, seller["seller"])
        )
    if z_report := rows(Z_REPORT):
        _till(console, z_report, rows(SESSIONS, z_report[0]["z_number"]))
    _vat(console, rows(VAT_BY_PROJECT))


def consistency(console: Console, findings: list[check.Finding]) -> None:
    """What is said before the end: that all invariants hold."""
    broken = [each for each in findings if each.broken]
    heading(console, "Consistency", "Each view of schema consistency returns one row per broken invariant.")
    marks = [
        Text.assemble(
            (" ✗ " if each.broken else " ✓ ", "bold red" if each.broken else "green"),
            each.view,
            (f" {each.broken} rows" if each.broken else "", "bold red"),
        )
        for each in findings
    ]
    console.print(Columns(marks, padding=(0, 2), column_first=True))
    if broken:
        console.print("[bold red]The log and the tickets disagree: pybridge check says where.[/]")
    else:
        console.print(f"[green]All {len(findings)} views are empty.[/]", highlight=False)


def further(console: Console, story: int | None, logins: dict[str, str], password: str | None) -> None:
    """Where to go on: commands to paste. `logins`: who may log in to the pages, and what they see."""
    heading(console, "To go on", "The database stays up, with everything in it.")
    program = _program()
    ticket = story or 1
    console.print(Prose("All reports as pages, in a folder that you can send to anybody:"))
    _command(console, f"{program} site --out festival-site --lang en")
    console.print()
    if password:
        console.print(Prose(f"The same, for anyone who logs in; all of these do so with the password {password}:"))
        for role, sees in logins.items():
            console.print(Text.assemble("  ", (f"{role:<17}", "bold"), (sees, "dim")), highlight=False)
    else:
        console.print(Prose("The same, for anyone who logs in as a role with a password (docs/console.md):"))
    _command(console, f"{program} serve")
    console.print()
    console.print(Prose("SQL; two queries to begin with:"))
    _command(console, f"{program} psql")
    _command(console, f"select * from report.ticket_history where ticket = {ticket} \\gx", "    ")
    _command(console, f"select * from report.transaction where ticket = {ticket};", "    ")
    console.print()
    console.print(
        Prose(
            f"{program} also has: report list, job log, health, check (the consistency views again), dsn (for any"
            " other client), and down, which stops the server and leaves the data.",
            "dim",
        )
    )


def _program() -> str:
    """The command beside this Python, as it is typed here."""
    found = Path(sys.executable).with_name("pybridge")
    if not found.exists():
        return "pybridge"
    here = Path.cwd()
    return str(found.relative_to(here) if found.is_relative_to(here) else found)


def _command(console: Console, command: str, indent: str = "  ") -> None:
    """As it is, so that it may be pasted: never broken over two lines by us."""
    console.print(Text(indent + command, "cyan"), soft_wrap=True, highlight=False)


def _happened(console: Console, done: Counter[str], refused: Counter[str], totals: Row) -> None:
    heading(
        console,
        "What happened",
        f"Sellers, web buyers, a timer and the legacy script at once. The log now has {number(totals['log_rows'])} rows"
        f" about {number(totals['tickets'])} tickets, with {number(totals['payments'])} payments.",
    )
    happened = table("done", "times", right=("times",))
    for what, count in sorted(done.items(), key=lambda each: -each[1]):
        if count:
            happened.add_row(what, number(count))
    denied = table("refused", "as", "times", right=("times",))
    for sqlstate, count in sorted(refused.items()):
        denied.add_row(sqlstate, errors.BY_SQLSTATE[sqlstate].__name__, number(count))
    console.print(beside(happened, denied))


def _life(console: Console, ticket: int, life: list[Row]) -> None:
    heading(
        console,
        f"The life of an exchanged ticket: {ticket}",
        "From report.transaction: the ticket, and the one it became.",
    )
    drawn = table(
        *("time", "ticket", "transaction", "by", "price group, event", "NOK"),
        right=("ticket", "NOK"),
        whole=("time", "transaction", "by"),
    )
    before = ""
    for row in life:
        what = f"{row['price_group_name']}, {row['event_name']}"
        drawn.add_row(
            row["at"],
            str(row["ticket"]),
            row["transaction_type"],
            row["seller"] or row["login_role"],
            what if what != before else "",
            kroner(row["total_amount"]),
        )
        before = what
    drawn.add_section()
    drawn.add_row("", "", "in all", "", "", kroner(sum(row["total_amount"] for row in life)), style="bold")
    console.print(drawn)


def _sellers_day(console: Console, seller: str, day: list[Row], money: list[Row]) -> None:
    heading(console, f"One seller's day: {seller}", "From report.seller_activity, today.")
    names = ("tickets", "NOK", "of it fees", "of it VAT")
    drawn = table("transaction", *names, right=names)
    for row in day:
        drawn.add_row(
            row["transaction_type"],
            number(row["tickets"]),
            *(kroner(row[name]) for name in ("gross_amount", "fee_amount", "vat_amount")),
        )
    drawn.add_section()
    drawn.add_row(
        "in all",
        "",
        *(kroner(sum(row[name] for row in day)) for name in ("gross_amount", "fee_amount", "vat_amount")),
        style="bold",
    )
    console.print(drawn)
    console.print(
        Prose("Paid by " + ", ".join(f"{each['payment_method_name']} {kroner(each['amount'])}" for each in money))
    )


def _till(console: Console, z_report: list[Row], sessions: list[Row]) -> None:
    stand, z_number = z_report[0]["cash_point_name"], z_report[0]["z_number"]
    heading(
        console,
        f"Z report {z_number} of {stand}, {z_report[0]['business_date']}",
        "From report.z_report, without what is 0; beside it the sessions that it settles, in cash.",
    )
    items = table("item", "of", "number", "NOK", right=("number", "NOK"))
    for row in z_report:
        items.add_row(
            row["item"].lower().replace("_", " "),
            row["item_key"],
            number(row["number"]) if row["number"] else "",
            kroner(row["amount"]) if row["amount"] else "",
        )
    names = ("expected", "counted", "differs")
    counted = table("till of", *names, right=names)
    for row in sessions:
        counted.add_row(row["seller"], *(kroner(row[name]) for name in ("expected", "counted", "difference")))
    console.print(beside(items, counted))


def _vat(console: Console, report_rows: list[Row]) -> None:
    heading(
        console,
        "VAT by project",
        "From report.vat_by_project, today. VAT: code and rate. A fee has its ticket's code.",
    )
    names = ("sold", "back", "gross NOK", "net NOK", "VAT NOK")
    drawn = table("project", "VAT", *names, right=("VAT", *names))
    for row in report_rows:
        project = f"{row['project']} {row['project_name']}" if row["project"] else f"none ({row['organisation_name']})"
        drawn.add_row(
            project,
            f"{row['vat_code']}  {row['vat_rate']:2.0f} %",
            number(row["tickets_sold"]),
            number(row["tickets_refunded"]),
            *(kroner(row[name]) for name in ("gross_amount", "net_amount", "vat_amount")),
        )
    drawn.add_section()
    drawn.add_row(
        "in all",
        "",
        *(number(sum(row[name] for row in report_rows)) for name in ("tickets_sold", "tickets_refunded")),
        *(kroner(sum(row[name] for row in report_rows)) for name in ("gross_amount", "net_amount", "vat_amount")),
        style="bold",
    )
    console.print(drawn)
