"""Every report over tickets and money, worked out twice: by the project's views, and here from the lines alone.

report.transaction_line is read whole, once, and added up in Python by any set of columns; means of payment from
billig.payment_line. No view may be an øre off, whatever it is grouped by, over random histories of every type of
transaction (tests/support/histories.py). `--histories 100` plays a hundred of them.
"""

import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg import sql
from pytest_postgresql.executors import NoopExecutor

from tests.conftest import Clone, Connection, ServerInfo
from tests.support import servers
from tests.support.domain import Row, one, rows
from tests.support.histories import TILL, Clock, History
from tests.support.ledger_model import vat_of

STEPS = 70
SALES = {"NORMAL_SALE": "STAND", "NET_PAID": "NET", "RESERVATION_PAID": "RESERVATION"}  # and the channel they tell
REFUNDS = ("NORMAL_REFUND", "NET_REFUND")
KINDS = {
    **dict.fromkeys(SALES, "SALE"),
    **dict.fromkeys((*REFUNDS, "FEE_KEPT"), "REFUND"),
    **dict.fromkeys(("NORMAL_CHANGE", "PRICE_REDUCTION", "CHARGEBACK", "CHARGEBACK_WON", "VAT_CHANGE"), "CHANGE"),
}
Sums = dict[tuple[Any, ...], tuple[Any, ...]]
Measure = Callable[[Row], Any]


def add_up(found: Iterable[Row], keys: Sequence[str], measures: Sequence[Measure]) -> Sums:
    """The sums of each group that has any."""
    sums: dict[tuple[Any, ...], list[Any]] = defaultdict(lambda: [0] * len(measures))
    for row in found:
        have = sums[tuple(row[key] for key in keys)]
        for place, measure in enumerate(measures):
            have[place] += measure(row)
    return {key: tuple(values) for key, values in sums.items() if any(values)}


def of(name: str) -> Measure:
    return lambda row: row[name] or 0


def tickets(*types: str) -> Measure:
    return lambda row: int(row["component"] == "TICKET" and row["transaction_type"] in types)


def gross(*types: str) -> Measure:
    return lambda row: row["gross_amount"] if row["transaction_type"] in types else 0


GROSS, NET, VAT = of("gross_amount"), of("net_amount"), of("vat_amount")
COUNTS = (tickets(*SALES), tickets(*REFUNDS))
CHANGES = [kind for kind, of_kind in KINDS.items() if of_kind == "CHANGE"]
PLACE = ("organisation_name", "posting_date", "sale_date", "seller", "cash_point")


class Reports:
    """What the database says of a history, and what its lines say."""

    def __init__(self, db: Connection, seed: int, said: Counter[str]) -> None:
        self.db = db
        self.said = said  # how many rows each view had, over all histories
        self.pick = random.Random(seed)
        self.lines = rows(db, "select * from report.transaction_line order by transaction_log, component desc")
        self.compared = 0
        sale_of = {line["ticket"]: line["transaction_type"] for line in self.lines if line["transaction_type"] in SALES}
        whole: dict[int, Decimal] = defaultdict(Decimal)
        for line in self.lines:
            whole[line["transaction_log"]] += line["gross_amount"]
        changed: set[tuple[Any, ...]] = set()
        for line in self.lines:
            kind = KINDS[line["transaction_type"]]
            line["kind"] = kind
            # of an unpaid ticket, whose rate was changed, no line says it: no money, so that it is in no sum
            line["sale_channel"] = SALES.get(sale_of.get(line["ticket"], ""))
            line["posting_year"] = line["posting_date"].year
            line["whole"] = whole[line["transaction_log"]]
            is_ticket = line["component"] == "TICKET"
            line["is_ticket"] = int(is_ticket and line["transaction_type"] != "FEE_KEPT")
            line["is_free"] = int(is_ticket and kind == "SALE" and not line["whole"])
            # a change that is two rows, the old out and the new in, happened once
            change = (line["ticket"], line["transaction_time"])
            line["is_change"] = int(kind == "CHANGE" and change not in changed)
            line["is_one"] = line["is_change"] if kind == "CHANGE" else int(is_ticket)
            changed |= {change} if kind == "CHANGE" else set()

    def view(self, name: str) -> list[Row]:
        return rows(self.db, sql.SQL("select * from {}").format(sql.Identifier("report", name)))

    def alike(
        self,
        what: str,
        said: Iterable[Row],
        columns: Sequence[str],
        keys: Sequence[str],
        measures: Sequence[Measure],
        lines: Iterable[Row] | None = None,
    ) -> None:
        """The view's columns are the measures over the lines, by all keys and by some of them."""
        said, lines = list(said), list(self.lines if lines is None else lines)
        self.said[what] += len(said)
        subsets = [self.pick.sample(keys, self.pick.randrange(len(keys))) for _ in range(4)]
        for subset in (keys, *subsets, ()):
            found, expected = add_up(said, subset, [of(c) for c in columns]), add_up(lines, subset, measures)
            assert found == expected, f"{what} by {subset}"
            self.compared += len(found)

    # --- Views of the log ---

    def check_log(self) -> None:
        money = ("gross_amount", "net_amount", "vat_amount")
        counted = ("tickets_sold", "tickets_refunded", *money)
        measures = (*COUNTS, GROSS, NET, VAT)
        for view, keys in (
            ("vat_by_project", ("organisation_name", "sale_date", "posting_date", "event_date", "project", "vat_code",
                                "vat_rate")),
            ("total_by_project", ("organisation_name", "project")),
            ("total_by_vat_code", ("organisation_name", "vat_code", "vat_rate")),
            ("total_by_year", ("organisation_name", "posting_year")),
        ):  # fmt: skip
            self.alike(view, self.view(view), counted, keys, measures)
        self.alike(
            "seller_vat_project",
            self.view("seller_vat_project"),
            ("tickets", *money),
            (*PLACE, "kind", "project", "vat_code", "vat_rate"),
            (of("is_ticket"), GROSS, NET, VAT),
        )
        amounts = ("sold_amount", "refunded_amount", "changed_amount")
        sums = (gross(*SALES), gross(*REFUNDS, "FEE_KEPT"), gross(*CHANGES))
        self.alike(
            "project_day",
            self.view("project_day"),
            (*counted, *amounts),
            ("organisation_name", "posting_date", "sale_date", "project", "sale_channel"),
            (*measures, *sums),
        )
        changes = add_up(self.view("project_day"), ("organisation_name", "sale_date"), [of("tickets_changed")])
        assert changes == add_up(self.lines, ("organisation_name", "sale_date"), [of("is_change")])
        self.alike(
            "ticket_sales_by_event",
            self.view("ticket_sales_by_event"),
            (*counted, *amounts, "tickets_free"),
            ("organisation_name", "project", "event", "event_date"),
            (*measures, *sums, of("is_free")),
        )
        self.alike(
            "event_day",
            self.view("event_day"),
            ("tickets_sold", "tickets_refunded", "gross_amount"),
            ("organisation_name", "event", "sale_date"),
            (*COUNTS, GROSS),
        )
        of_money = [row for row in self.view("seller_activity") if row["transaction_type"] in KINDS]
        self.alike(
            "seller_activity",
            of_money,
            ("tickets", "gross_amount", "vat_amount", "fee_amount"),
            (*PLACE, "event_date", "transaction_type"),
            (of("is_one"), GROSS, VAT, lambda row: row["gross_amount"] if row["component"] == "FEE" else 0),
        )
        self.alike(
            "transaction",
            self.view("transaction"),
            ("total_amount",),
            (*PLACE, "project", "event", "event_name", "event_date", "ticket", "purchase", "payment", "kind"),
            (GROSS,),
        )

    def check_settlement(self) -> None:
        settlement = self.view("cashier_settlement")
        money = ("gross_amount", "net_amount", "vat_amount")
        by_type = [
            {**row, "transaction_type": row["item"]}
            for row in settlement
            if row["section"] == "TRANSACTION_TYPE" and row["item"] in KINDS
        ]
        one_each = (of("is_one"), GROSS, NET, VAT)
        self.alike("settlement by type", by_type, ("number", *money), (*PLACE, "kind", "transaction_type"), one_each)
        by_vat = [row for row in settlement if row["section"] == "VAT_PROJECT"]
        self.alike("settlement by VAT", by_vat, money, (*PLACE, "kind", "project", "vat_code"), (GROSS, NET, VAT))
        by_method = [row for row in settlement if row["section"] == "PAYMENT_METHOD"]
        paid = [line for line in self.lines if line["payment"] is not None]
        self.alike("settlement by method", by_method, ("gross_amount",), PLACE, (GROSS,), paid)
        in_tills = rows(
            self.db,
            "select p.till_session, m.payment_method_name as payment_method, l.amount from billig.payment_line as l"
            " inner join billig.payment as p on l.payment = p.payment"
            " inner join billig.payment_method as m on l.payment_method = m.payment_method"
            " where p.till_session is not null and not m.is_rounding",
        )
        tills = [row for row in settlement if row["section"] == "TILL" and row["item"] == "PAYMENTS"]
        self.alike("tills", tills, ("gross_amount",), ("till_session", "payment_method"), (of("amount"),), in_tills)

    # --- Means of payment ---

    def check_methods(self) -> None:
        methods = self.view("payment_by_method")
        paid = [line for line in self.lines if line["payment"] is not None]
        self.alike("payment_by_method", methods, ("amount",), PLACE, (GROSS,), paid)
        lines = rows(
            self.db,
            "select m.payment_method_name as payment_method, l.amount from billig.payment_line as l"
            " inner join billig.payment_method as m on l.payment_method = m.payment_method",
        )
        named = [row for row in methods if row["payment_method"] != "NONE"]
        self.alike("payment_by_method", named, ("amount",), ("payment_method",), (of("amount"),), lines)

    # --- Vouchers ---

    def check_vouchers(self) -> None:
        vouchers = self.view("voucher_line")
        keys = ("organisation_name", "posting_date", "project")
        self.alike("vouchers balance", vouchers, (), keys, ())
        assert add_up(vouchers, keys[:2], [of("amount")]) == {}
        of_tickets = [
            row for row in vouchers if row["line_kind"] in ("REVENUE", "FEE", "PREPAID", "RELEASE", "VAT")
        ]  # fmt: skip
        self.alike("vouchers", of_tickets, ("amount",), (*keys, "vat_code"), (lambda row: -row["gross_amount"],))
        # VAT of what was held by now: no VAT of these events belongs to the sale
        day = one(self.db, "select billig.local_time()::date")
        held = [line for line in self.lines if line["event_date"] <= day]
        in_all = ("organisation_name", "project", "vat_code")
        vat = [row for row in vouchers if row["line_kind"] == "VAT"]
        self.alike("vouchers' VAT", vat, ("amount",), in_all, (lambda row: -row["vat_amount"],), held)
        revenue = [row for row in vouchers if row["line_kind"] in ("REVENUE", "FEE")]
        self.alike("vouchers' revenue", revenue, ("amount",), in_all, (lambda row: -row["net_amount"],), held)
        released = [row for row in vouchers if row["line_kind"] in ("PREPAID", "RELEASE")]
        to_come = [line for line in self.lines if line["event_date"] > day]
        self.alike("prepaid", released, ("amount",), in_all, (lambda row: -row["gross_amount"],), to_come)
        paid = [row for row in vouchers if row["line_kind"] in ("PAYMENT", "ROUNDING")]
        moved = rows(
            self.db,
            """
            select m.payment_method_name as payment_method, l.amount
            from (
                select payment_method, amount from billig.payment_line
                union all
                select payment_method, difference from billig.till_count -- closed with more or less
                union all
                select payment_method, amount from billig.owed_back where settled_at is null -- bought nothing
            ) as l
            inner join billig.payment_method as m on l.payment_method = m.payment_method and not m.is_held
            """,
        )
        self.alike("vouchers' payments", paid, ("amount",), ("payment_method",), (of("amount"),), moved)

    # --- X and Z ---

    def parts_of_stands(self) -> dict[int, tuple[Decimal, Decimal]]:
        """Of each exchange or repayment, which part of what is sold, and of what goes back, was paid at a stand."""
        lines: dict[int, list[tuple[Decimal, bool]]] = defaultdict(list)
        sources: dict[int, list[tuple[Decimal, bool]]] = defaultdict(list)
        for found, table in ((lines, "payment_line"), (sources, "exchange_source")):
            query = sql.SQL(
                "select l.payment, l.amount, o.payment is not null and o.seller is null and o.cash_point is null as web"
                " from billig.{} as l left join billig.payment as o on l.gives_back = o.payment"
            ).format(sql.Identifier(table))
            for row in rows(self.db, query):
                found[row["payment"]].append((row["amount"], row["web"]))
        parts = {}
        for payment in lines | sources:
            paid, paid_here = (
                sum((a for a, web in lines[payment] if not (here and web)), Decimal(0)) for here in (0, 1)
            )
            new, new_here = (
                sum((a for a, web in sources[payment] if not (here and web)), Decimal(0)) for here in (0, 1)
            )
            old, old_here = new - paid, new_here - paid_here
            sold = new_here / new if new else Decimal(1)
            parts[payment] = sold, (old_here / old if old else Decimal(1))
        return parts

    def advance_tickets(self) -> set[int]:
        """First sold in a session that was opened on an earlier day than the event's, as that was planned by then."""
        first: dict[int, Row] = {}
        for row in rows(
            self.db,
            "select l.ticket, l.event, billig.local_time(s.opened_at)::date as day from billig.transaction_log as l"
            " inner join billig.payment as p on l.payment = p.payment"
            " inner join billig.till_session as s on p.till_session = s.till_session",
        ):
            if row["ticket"] not in first or row["day"] < first[row["ticket"]]["day"]:
                first[row["ticket"]] = row
        planned: dict[int, list[Row]] = defaultdict(list)
        for row in rows(self.db, "select event, known_on::text, event_date from billig.event_date order by known_on"):
            planned[row["event"]].append(row)
        return {
            ticket
            for ticket, row in first.items()
            for known in [[each for each in planned[row["event"]] if each["known_on"] < str(row["day"])][-1]]
            if known["event_date"] > row["day"]
        }

    def check_tills(self) -> None:
        """X and Z reports of the till, from the lines of the payments that lie in its sessions."""
        till = rows(self.db, "select * from report.z_report where cash_point = %s", TILL)
        till += [dict(row, z_number=0) for row in self.view("x_report") if row["cash_point"] == TILL]
        till = [row for row in till if row["seller"] is None]
        report_of = {
            row["payment"]: row["z_number"]
            for row in rows(
                self.db,
                "select p.payment, coalesce(s.z_number, 0) as z_number from billig.payment as p"
                " inner join billig.till_session as s on p.till_session = s.till_session where s.cash_point = %s",
                TILL,
            )
        }
        lines = [
            {**line, "z_number": report_of[line["payment"]], "item_key": f"{line['vat_code']} {line['vat_rate']}"}
            for line in self.lines
            if line["payment"] in report_of
        ]
        parts = self.parts_of_stands()
        for line in lines:
            share = parts.get(line["payment"], (Decimal(1), Decimal(1)))[line["whole"] < 0]
            for amount in ("gross_amount", "net_amount", "vat_amount"):
                line[amount] = round(line[amount] * share, 2)
        advance_tickets = self.advance_tickets()
        ahead = [line for line in lines if line["ticket"] in advance_tickets]
        lines = [line for line in lines if line["ticket"] not in advance_tickets]
        items: dict[str, list[Row]] = defaultdict(list)
        for row in till:
            items[row["item"]].append(row)
        by = ("z_number",)
        self.alike("cash sales", items["TOTAL_CASH_SALES"], ("amount",), by, (GROSS,), lines)
        self.alike("advance sales", items["ADVANCE_SALES"], ("amount",), by, (GROSS,), ahead)
        for item, of_it in (("RETURNS", lines), ("ADVANCE_RETURNS", ahead)):
            back = [ln for ln in of_it if ln["kind"] == "REFUND" or (ln["kind"] == "CHANGE" and ln["whole"] < 0)]
            self.alike(item, items[item], ("amount",), by, (lambda row: -row["gross_amount"],), back)
        self.alike("VAT", items["VAT"], ("amount", "vat_amount"), (*by, "item_key"), (NET, VAT), lines)
        self.alike("article groups", items["ARTICLE_GROUP"], ("amount",), by, (GROSS,), lines)
        fees = [ln for ln in lines if ln["component"] == "FEE" or ln["transaction_type"] == "FEE_KEPT"]
        said = [row for row in items["ARTICLE_GROUP"] if row["item_key"] == "04999 fee"]
        if said or fees:
            self.alike("fees", said, ("amount",), by, (GROSS,), fees)
        assert items["GRAND_TOTAL_NET"]

    # --- Tickets ---

    def check_tickets(self) -> None:
        """What a ticket's lines come to is what is left of it, and their VAT is the VAT of that, to the øre."""
        state = {row["ticket"]: row for row in rows(self.db, "select * from billig.ticket")}
        whole: dict[int, Decimal] = defaultdict(Decimal)
        parts: dict[tuple[int, str], list[Row]] = defaultdict(list)
        for line in self.lines:
            whole[line["ticket"]] += line["gross_amount"]
            parts[line["ticket"], line["component"]].append(line)
        for ticket, row in state.items():
            left = row["price"] - row["reduced"] - row["charged_back"]
            left = Decimal(0) if row["paid"] is None else row["kept"] if row["refunded"] else left
            assert whole[ticket] == left, ticket
        for (ticket, component), lines in parts.items():
            amount, vat = (sum(line[name] for line in lines) for name in ("gross_amount", "vat_amount"))
            assert vat == vat_of(amount, lines[-1]["vat_rate"]), (ticket, component)
            if component == "FEE":
                assert amount == min(whole[ticket], state[ticket]["fee"]), "what is left is the fee first"

    # --- Time ---

    def check_days(self, clock: Clock) -> None:
        """The local day of each line, summer time or not; it counts on that day or a later one."""
        days = clock.days([line["transaction_time"] for line in self.lines])
        assert [line["sale_date"] for line in self.lines] == days
        assert all(line["posting_date"] >= line["sale_date"] for line in self.lines)


def sees_an_øre(db: Connection, reports: Reports) -> None:
    """Control: one øre more in any one line, and whatever adds lines up says so."""
    in_tills = {
        row["payment"]
        for row in rows(
            db,
            "select p.payment from billig.payment as p inner join billig.till_session as s"
            " on p.till_session = s.till_session where s.cash_point = %s",
            TILL,
        )
    }
    checks = (reports.check_log, reports.check_settlement, reports.check_methods, reports.check_vouchers)
    for check in (*checks, reports.check_tickets, reports.check_tills):
        lines = [ln for ln in reports.lines if ln["payment"] in in_tills or check != reports.check_tills]
        line = reports.pick.choice([ln for ln in lines if ln["payment"] is not None])
        for amount in ("gross_amount", "net_amount"):
            line[amount] += Decimal("0.01")
        with pytest.raises(AssertionError):
            check()
        for amount in ("gross_amount", "net_amount"):
            line[amount] -= Decimal("0.01")


def test_the_views_and_the_lines_come_to_the_same_to_the_øre(
    server: ServerInfo, template: NoopExecutor, histories: range, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    played: Counter[str] = Counter()
    said_by: Counter[str] = Counter()
    every_type: set[str] = set()
    lines = compared = late = periods = 0
    for seed in histories:
        janitor = Clone(
            user=server.user,
            host=server.host,
            port=server.port,
            dbname="two_ways",
            template_dbname=template.template_dbname,
            password=None,
        )
        janitor.drop()
        with janitor, _connect(server) as db, _connect(server, autocommit=False) as slow:
            history = History(db, slow, seed)
            history.play(STEPS)
            reports = Reports(db, seed, said_by)
            reports.check_log()
            reports.check_settlement()
            reports.check_methods()
            reports.check_vouchers()
            reports.check_tills()
            reports.check_tickets()
            reports.check_days(history.clock)
            if seed == histories[0]:
                sees_an_øre(db, reports)
            for organisation, first_day, last_day, said in history.periods:
                assert history.said_of(organisation, first_day, last_day) == said, "what is closed stays as it is"
            periods += len(history.periods)
            played.update(
                row["transaction_type"] for row in rows(db, "select transaction_type from report.transaction")
            )
            every_type = {
                row["n"] for row in rows(db, "select transaction_type_name as n from billig.transaction_type")
            }
            late += one(db, "select count(*) from report.late_transaction")
            lines, compared = lines + len(reports.lines), compared + reports.compared
    with capsys.disabled():
        print(
            f"\n{len(histories)} histories, {lines} lines, {compared} sums compared, {late} late rows,"
            f" {periods} periods closed, {time.monotonic() - began:.0f} s"
        )
    assert late or len(histories) < 3, "nothing came too late for a closed period"
    assert not (empty := [view for view, count in said_by.items() if not count]), f"nothing to compare in {empty}"
    missing = every_type - played.keys()
    assert not missing or len(histories) < 3, f"types that were not played: {missing}"


def _connect(server: ServerInfo, autocommit: bool = True) -> Connection:
    connection: Connection = psycopg.connect(
        host=str(server.socket_dir), port=server.port, dbname="two_ways", user=servers.SUPERUSER, autocommit=autocommit
    )
    return connection
