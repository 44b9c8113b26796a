"""The demo's bank: what the tills and the web took comes to the account, but for what a festival week has gone wrong.

The bank's statement is made up, from what the sale left in the database: a bag of cash is missing, cards come net of
fees, and somebody pays in what nobody knows. All else is what a bookkeeper does: import, match, look.
"""

import tempfile
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
from lxml import etree
from lxml.builder import ElementMaker
from psycopg.rows import dict_row
from rich.console import Console

from pybridge.client import Client
from pybridge.files.bank_loading import import_file
from pybridge.formats import kroner

from .show import Prose, heading, number, table

Connection = psycopg.Connection[Any]
Row = dict[str, Any]

ACCOUNT, NUMBER = "Demo: drift", "15030000019"
ROUTES = (
    ("Demo: cash bags", "SESSION", "CASH", "0"),
    ("Demo: cards", "SESSION", "CARD", "0.0125"),
    ("Demo: Vipps", "SESSION", "VIPPS", "0.0175"),
    ("Demo: web", "PAYMENT", "NET_CARD", "0"),
)
GIFT = Decimal("1234.00")
CAMT = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
E = ElementMaker(namespace=CAMT, nsmap={None: CAMT})

NEW = """
    select o.*, m.is_cash, r.source
    from bank.open_expected as o
    inner join bank.route as r on o.route = r.route
    inner join billig.payment_method as m on r.payment_method = m.payment_method
    where o.expected > %s and o.route_name like 'Demo: %%' and o.net <> 0
    order by o.expected
"""
BY_METHOD = """
    select
        payment_method, sum(goods) as goods, sum(amount) as expected, sum(received_amount) as received,
        sum(fee_amount) as fees, sum(difference_amount) as difference
    from report.bank_reconciliation
    where route_name like 'Demo: %%'
    group by payment_method
    order by payment_method
"""
OPEN = """
    select
        case
            when m.amount < 0 then 'to be paid back tomorrow'
            when m.candidates > 0 then 'a person must tell which deposit'
            else 'never came'
        end as what,
        m.route_name as place, x.reference as name, m.net as amount
    from report.missing_deposit as m
    inner join bank.expected as x on m.expected = x.expected
    where m.route_name like 'Demo: %%'
    union all
    select
        case when u.candidates > 0 then 'a person must tell which item' else 'nobody knows' end,
        u.account_name, e.entry_text, u.amount
    from report.unmatched_deposit as u
    inner join bank.entry as e on u.entry = e.entry
    where u.account_name = %s
"""
SUMMARY = f"""
    select what, place, count(*) as number, sum(amount) as amount, min(name) as name
    from ({OPEN}) as o
    group by what, place
    order by what, place
"""


def play(connection: Connection, console: Console) -> None:
    """Load what the bank says of today, match it, and show what is open."""
    others = _rows(
        connection,
        "select route_name from bank.route where payment_method is not null and route_name not like 'Demo: %%'",
    )
    if others:
        console.print("  The bank is left out: this database has settlement routes of its own.")
        return
    with console.status("Matching the bank with what was sold"):
        bank = Client(connection).bank
        account = bank.set_account(account_number=NUMBER, account_name=ACCOUNT, organisation=2)
        for name, source, method, fee in ROUTES:
            bank.set_route(
                route_name=name,
                account=account,
                source=source,
                payment_method=method,
                days_max=5,
                fee_rate=Decimal(fee),
                organisation=2,
            )
        before = _one(connection, "select coalesce(max(expected), 0) from bank.expected")
        today = Client(connection).local_time().date()
        bank.expect(until=today)
        number = _one(connection, "select 1 + count(*) from bank.statement where account = %s", account)
        opening = _one(connection, "select coalesce(sum(entry_sum), 0) from bank.statement where account = %s", account)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"camt.053.{number}.xml"
            path.write_bytes(statement(_rows(connection, NEW, before), number, today, opening))
            loaded = import_file(connection, path)
        matches = bank.match_open()
    done = ", ".join(f"{each.matches} by {each.rule}" for each in matches) or "nothing to match"
    console.print(
        f"\n[green]✓[/] Bank statement loaded: {loaded.new_entries} entries; matched: {done}", highlight=False
    )
    _show(connection, console)


def statement(items: list[Row], number: int, day: date, opening: Decimal) -> bytes:
    """The bank's word, as camt.053: one deposit per item, less its fee; the dearest bag is not there; a gift is."""
    bags = [row for row in items if row["is_cash"] and row["net"] > 0]
    missing = max(bags, key=lambda row: row["net"], default=None) if len(bags) > 1 else None
    web = [row for row in items if row["source"] == "PAYMENT" and row["net"] > 0]
    entries = [
        _entry(row["net"], f"{number}-{row['expected']}", row["reference"], row["route_name"])
        for row in items
        if row is not missing and row["source"] != "PAYMENT"
    ]
    if web:
        entries.append(_batch(web, f"{number}-web"))
    entries.append(_entry(GIFT, f"{number}-gift", "", "takk for en fin festival"))
    total = opening + sum(Decimal(entry.findtext(f"{{{CAMT}}}Amt")) * _sign(entry) for entry in entries)
    document = E.Document(
        E.BkToCstmrStmt(
            E.GrpHdr(E.MsgId(f"DEMO-{number}"), E.CreDtTm(f"{day}T23:00:00")),
            E.Stmt(
                E.Id(f"DEMO-{number}"),
                E.ElctrncSeqNb(str(number)),
                E.CreDtTm(f"{day}T23:00:00"),
                E.FrToDt(E.FrDtTm(f"{day}T00:00:00"), E.ToDtTm(f"{day}T23:59:59")),
                E.Acct(E.Id(E.Othr(E.Id(NUMBER))), E.Ccy("NOK")),
                _balance("OPBD", opening, day),
                _balance("CLBD", total, day),
                *(_dated(entry, day) for entry in entries),
            ),
        )
    )
    return bytes(etree.tostring(document, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _sign(entry: Any) -> int:
    return 1 if entry.findtext(f"{{{CAMT}}}CdtDbtInd") == "CRDT" else -1


def _money(amount: Decimal) -> tuple[Any, Any]:
    return E.Amt(f"{abs(amount):.2f}", Ccy="NOK"), E.CdtDbtInd("CRDT" if amount >= 0 else "DBIT")


def _balance(code: str, amount: Decimal, day: date) -> Any:
    return E.Bal(E.Tp(E.CdOrPrtry(E.Cd(code))), *_money(amount), E.Dt(E.Dt(f"{day}")))


def _entry(amount: Decimal, bank_reference: str, reference: str, text: str) -> Any:
    details = E.TxDtls(E.Refs(E.EndToEndId(reference or "NOTPROVIDED")), E.RmtInf(E.Ustrd(text)))
    return E.Ntry(*_money(amount), E.Sts(E.Cd("BOOK")), E.AcctSvcrRef(bank_reference), E.NtryDtls(details))


def _batch(items: list[Row], bank_reference: str) -> Any:
    """One deposit of many payments, each named."""
    details = (
        E.TxDtls(E.Refs(E.EndToEndId(row["reference"])), *_money(row["net"]), E.RmtInf(E.Ustrd("web"))) for row in items
    )
    total = sum(row["net"] for row in items)
    return E.Ntry(*_money(total), E.Sts(E.Cd("BOOK")), E.AcctSvcrRef(bank_reference), E.NtryDtls(*details))


def _dated(entry: Any, day: date) -> Any:
    """Booked and valued on the day, which stand between status and reference."""
    entry.insert(3, E.BookgDt(E.Dt(f"{day}")))
    entry.insert(4, E.ValDt(E.Dt(f"{day}")))
    return entry


def _show(connection: Connection, console: Console) -> None:
    heading(
        console,
        "The bank against goods out",
        "From report.bank_reconciliation; for cash, what was counted less the float. The statement is made up:"
        " a bag is missing, cards and Vipps come net of fees, and there is a gift.",
    )
    names = ("goods", "expected", "received", "fees", "difference")
    drawn = table("payment method", *names, right=names)
    for row in _rows(connection, BY_METHOD):
        drawn.add_row(row["payment_method"], *(kroner(row[name]) for name in names))
    console.print(drawn)
    for row in _rows(connection, SUMMARY, ACCOUNT):
        name = row["name"] if row["number"] == 1 else f"{number(row['number'])} of them"
        parts = filter(None, (f"NOK\u00a0{kroner(row['amount'])}", row["place"], name))
        console.print(Prose(f"{row['what']}: {', '.join(parts)}", "yellow", indent="  "))


def _rows(connection: Connection, query: str, *parameters: object) -> list[Row]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode(), parameters).fetchall()


def _one(connection: Connection, query: str, *parameters: object) -> Any:
    row = connection.execute(query.encode(), parameters).fetchone()
    assert row is not None
    return row[0]
