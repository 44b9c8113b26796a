"""The ten answers of docs/reports.md, run as the page has them, against pandas over the raw tables.

Nothing here reads schema report: what a type of transaction means, which ticket was whose and how a payment by two
methods is shared are worked out anew, from the tables, in pandas and Python.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any, LiteralString

import pandas
import psycopg
import pytest
from psycopg import sql
from pytest_postgresql.executors import NoopExecutor

from pybridge.paths import ROOT
from tests.conftest import Clone, Connection, ServerInfo
from tests.support import servers
from tests.support.domain import rows, run
from tests.support.histories import History

PAGE = (ROOT / "docs" / "reports.md").read_text("utf-8")
STEPS = 90
SALES = ("NORMAL_SALE", "NET_PAID", "RESERVATION_PAID")
REFUNDS = ("NORMAL_REFUND", "NET_REFUND")
BEGINS = ("NORMAL_SALE", "NET_SALE", "RESERVATION_SALE")
TIMEOUTS = ("NET_TIMEOUT", "RESERVATION_TIMEOUT")
ENDS = (*REFUNDS, *TIMEOUTS, "RESERVATION_REFUND")
ØRE = Decimal("0.01")
Frames = dict[str, pandas.DataFrame]
Answer = dict[Any, tuple[Any, ...]]

TABLES: dict[str, LiteralString] = {
    "log": "select l.*, t.transaction_type_name as type, k.sale_channel from billig.transaction_log as l"
    " inner join billig.transaction_type as t on l.transaction_type = t.transaction_type"
    " inner join billig.ticket as k on l.ticket = k.ticket order by l.transaction_log",
    "event": "select event, event_time from billig.event",
    "group": "select ticket_group, event, num from billig.ticket_group_base",
    "line": "select l.*, m.payment_method_name as method from billig.payment_line as l"
    " inner join billig.payment_method as m on l.payment_method = m.payment_method",
    "source": "select s.*, m.payment_method_name as method from billig.exchange_source as s"
    " inner join billig.payment_method as m on s.payment_method = m.payment_method",
}


def query(heading: str) -> str:
    """The page's query under a heading."""
    section = PAGE.split(f"\n### {heading}\n")[1].split("\n### ")[0]
    found = re.findall(r"```sql\n(.*?)```", section, re.S)
    assert len(found) == 1, heading
    return str(found[0])


def said(db: Connection, heading: str, keys: tuple[str, ...], values: tuple[str, ...], *, also: str = "") -> Answer:
    """The page's answer: the values by the keys, which `also` adds to what is selected."""
    asked = query(heading).replace("select ", f"select {also} ", 1)
    found = rows(db, asked)
    answer = {tuple(row[key] for key in keys): tuple(row[value] for value in values) for row in found}
    assert len(answer) == len(found) > 0, heading
    return answer


def percent(part: Any, whole: Any) -> Decimal | None:
    if not whole:
        return None
    return (Decimal(int(part)) * 100 / Decimal(int(whole))).quantize(Decimal("0.1"), ROUND_HALF_UP)


def whole(value: Any) -> int | None:
    return None if pandas.isna(value) else int(value)


@pytest.fixture(scope="module")
def db(server: ServerInfo, template: NoopExecutor) -> Iterator[Connection]:
    """A random history of every type of transaction."""
    janitor = Clone(
        user=server.user, host=server.host, port=server.port, dbname="answers",
        template_dbname=template.template_dbname, password=None,
    )  # fmt: skip
    janitor.drop()
    with janitor:
        opened: list[Connection] = [
            psycopg.connect(
                host=str(server.socket_dir), port=server.port, dbname="answers", user=servers.SUPERUSER, autocommit=auto
            )
            for auto in (True, False)
        ]
        History(opened[0], opened[1], 18).play(STEPS)
        opened[1].commit()
        yield opened[0]
        for each in opened:
            each.close()


@pytest.fixture(scope="module")
def raw(db: Connection) -> Frames:
    def frame(query: LiteralString) -> pandas.DataFrame:
        cursor = db.execute(query)
        return pandas.DataFrame(cursor.fetchall(), columns=[column.name for column in cursor.description or ()])

    frames = {name: frame(query) for name, query in TABLES.items()}
    log = frames["log"]
    log["total"] = log["amount"] + log["fee_amount"]
    assert {*SALES, *REFUNDS, *TIMEOUTS, "NORMAL_CHANGE", "FEE_KEPT"} <= set(log["type"]), "or nothing is compared"
    assert log["exchange"].notna().any()
    return frames


def test_what_was_sold_by_event_day_and_channel(db: Connection, raw: Frames) -> None:
    keys = ("event", "sale_date", "sale_channel")
    sold = raw["log"][raw["log"]["type"].isin(SALES)].groupby(["event", "transaction_date", "sale_channel"])
    expected = {key: (len(each), sum(each["total"])) for key, each in sold}
    names = ("tickets", "amount")
    assert said(db, "What was sold, by event, day and channel?", keys, names, also="e.event,") == expected


def test_how_full_each_part_of_the_hall_is(db: Connection, raw: Frames) -> None:
    log = raw["log"]
    expected = {}
    for group in raw["group"].itertuples():
        of_it = log[log["ticket_group"] == group.ticket_group]
        begun, ended = (set(of_it[of_it["type"].isin(types)]["ticket"]) for types in (BEGINS, ENDS))
        paid = set(of_it[of_it["type"].isin(SALES)]["ticket"])
        live = begun - ended
        expected[group.ticket_group,] = group.num, len(live), len(live - paid), percent(len(live), group.num)
    found = said(
        db, "How full is each part of the hall?", ("ticket_group",), ("capacity", "live", "unpaid", "percent"),
        also="ticket_group,",
    )  # fmt: skip
    assert found == expected


def ticket_by_ticket(raw: Frames) -> list[dict[str, Any]]:
    """What became of each ticket, from its rows."""
    told = []
    resold = raw["log"][raw["log"]["exchange"].isna()].groupby("related_ticket")["ticket"].min().to_dict()
    for ticket, log in raw["log"].groupby("ticket"):
        ends = log[log["type"].isin(ENDS)]
        paid = log[log["type"].isin(SALES)]
        uses = (log["type"] == "TICKET_USED").sum() - (log["type"] == "TICKET_UNUSED").sum()
        first = log.iloc[0]
        told.append(
            {
                "event": first["event"], "channel": first["sale_channel"], "began": first["type"],
                "ended": ends["type"].iloc[0] if len(ends) else None, "resold": ticket in resold,
                "wait": paid["transaction_time"].iloc[0] - first["transaction_time"] if len(paid) else None,
                "used": bool(uses > 0),
            }
        )  # fmt: skip
    return told


def test_who_did_not_come(db: Connection, raw: Frames) -> None:
    held = set(raw["event"][raw["event"]["event_time"].notna()]["event"])
    tickets: dict[Any, list[bool]] = defaultdict(list)
    for each in ticket_by_ticket(raw):
        if each["event"] in held and each["wait"] is not None and each["ended"] is None:
            tickets[each["event"],].append(each["used"])
    expected = {
        key: (len(used), sum(used), len(used) - sum(used), percent(len(used) - sum(used), len(used)))
        for key, used in tickets.items()
    }
    names = ("tickets", "used", "no_shows", "percent")
    assert said(db, "Who did not come?", ("event",), names, also="e.event,") == expected
    assert any(used for _, used, _, _ in expected.values())


def test_how_long_from_a_reservation_to_the_payment(db: Connection, raw: Frames) -> None:
    found = said(
        db, "How long from a reservation to the payment?", ("sale_channel",), ("tickets", "half_within", "longest")
    )
    waits = pandas.DataFrame(
        [each for each in ticket_by_ticket(raw) if each["began"] != "NORMAL_SALE" and each["wait"] is not None]
    ).groupby("channel")["wait"]
    assert set(found) == {(channel,) for channel, _ in waits}
    for channel, each in waits:
        count, half, longest = found[channel,]
        assert (count, longest) == (len(each), each.max())
        assert abs(half - each.median()) <= pandas.Timedelta(microseconds=1)


def test_how_many_timed_out(db: Connection, raw: Frames) -> None:
    expected = {}
    begun = pandas.DataFrame([each for each in ticket_by_ticket(raw) if each["began"] != "NORMAL_SALE"])
    for channel, each in begun.groupby("channel"):
        out = each["ended"].isin(TIMEOUTS)
        lost, anew = int((out & ~each["resold"]).sum()), int((out & each["resold"]).sum())
        expected[channel,] = len(each), lost, anew, percent(lost, len(each))
    found = said(db, "How many timed out?", ("sale_channel",), ("tickets", "timed_out", "sold_anew", "percent"))
    assert found == expected


def test_how_many_are_given_back(db: Connection, raw: Frames) -> None:
    log = raw["log"]
    expected = {}
    for event in raw["event"]["event"]:
        of_it = log[log["event"] == event]
        sold, back = (of_it[of_it["type"].isin(types)] for types in (SALES, REFUNDS))
        into, out = (int(each["exchange"].notna().sum()) for each in (sold, back))
        rates = percent(len(back), len(sold)), percent(len(back) - out, len(sold) - into)
        expected[event,] = len(sold), len(back), out, *rates
    names = ("sold", "refunded", "exchanged", "percent", "percent_without_exchanges")
    assert said(db, "How many are given back?", ("event",), names, also="event,") == expected


def test_at_what_hour_people_buy(db: Connection, raw: Frames) -> None:
    sold = raw["log"][raw["log"]["type"].isin(SALES)]
    hours = pandas.to_datetime(sold["transaction_time"], utc=True).dt.tz_convert("Europe/Oslo").dt.hour
    expected = {(hour,): (len(each), sum(each["total"])) for hour, each in sold.groupby(hours)}
    assert said(db, "At what hour do people buy?", ("hour",), ("tickets", "amount")) == expected


def shared(tickets: list[Decimal], methods: dict[str, Decimal]) -> list[dict[str, Decimal]]:
    """Each ticket's part of each method, in proportion, so that both add up: by sums so far, rounded."""

    def upto(of_tickets: Decimal, of_methods: Decimal) -> Decimal:
        part = Fraction(of_tickets) * Fraction(of_methods) / Fraction(sum(tickets, Decimal(0)))
        øre = int(abs(part) * 100 + Fraction(1, 2))
        return Decimal(øre if part >= 0 else -øre) / 100

    parts: list[dict[str, Decimal]] = []
    before = Decimal(0)
    for ticket in tickets:
        part, below = {}, Decimal(0)
        for method, amount in methods.items():
            part[method] = (
                upto(before + ticket, below + amount) - upto(before, below + amount)
                - upto(before + ticket, below) + upto(before, below)
            )  # fmt: skip
            below += amount
        parts.append(part)
        before += ticket
    return parts


def by_method(frame: pandas.DataFrame) -> dict[str, Decimal]:
    """In the methods' own order."""
    return {method: sum(each["amount"]) for (_, method), each in frame.groupby(["payment_method", "method"])}


def test_how_each_event_was_paid_for(db: Connection, raw: Frames) -> None:
    found = said(db, "How was each event paid for?", ("event", "payment_method"), ("amount",), also="e.event,")
    expected: dict[Any, Decimal] = defaultdict(Decimal)
    moves = raw["log"][raw["log"]["type"].isin((*SALES, *REFUNDS, "FEE_KEPT", "NORMAL_CHANGE", "PRICE_REDUCTION",
                                                "CHARGEBACK", "CHARGEBACK_WON", "VAT_CHANGE"))]  # fmt: skip
    several = 0
    for payment, log in moves.groupby("payment"):
        lines = by_method(raw["line"][raw["line"]["payment"] == payment])
        new = by_method(raw["source"][raw["source"]["payment"] == payment])
        sides = [(log, lines)]
        if log["exchange"].notna().all():
            old = {method: lines.get(method, Decimal(0)) - new.get(method, Decimal(0)) for method in {**new, **lines}}
            order = raw["line"].set_index("method")["payment_method"].to_dict()
            order |= raw["source"].set_index("method")["payment_method"].to_dict()
            old = dict(sorted(old.items(), key=lambda each: order[each[0]]))
            is_old = log["type"].isin((*REFUNDS, "FEE_KEPT"))
            sides = [(log[is_old], old), (log[~is_old], new)]
        for side, methods in sides:
            amounts = list(side["total"])
            parts: list[dict[str, Decimal]] = [{"NONE": amount} for amount in amounts]
            if sum(amounts, Decimal(0)):
                assert sum(methods.values()) == sum(amounts), payment
                parts = shared(amounts, methods)
            several += len(methods) > 1
            for event, amount, part in zip(side["event"], amounts, parts, strict=True):
                for method, of_it in part.items() if amount else [("NONE", Decimal(0))]:
                    expected[event, method] += of_it
    for event, amount in moves[moves["payment"].isna()][["event", "total"]].itertuples(index=False):
        expected[event, "NONE"] += amount
    assert several, "or nothing was shared"
    assert {key: amount for key, (amount,) in found.items() if amount} == {k: v for k, v in expected.items() if v}
    in_all: dict[str, Decimal] = defaultdict(Decimal)
    for (_, method), (amount,) in found.items():
        in_all[method] += amount
    assert {method: amount for method, amount in in_all.items() if amount} == {
        method: amount for method, amount in by_method(raw["line"]).items() if amount
    }, "by method it is what was paid"


def test_who_refunds_most(db: Connection, raw: Frames) -> None:
    log = raw["log"]
    back = log[log["type"].isin((*REFUNDS, "FEE_KEPT")) & log["exchange"].isna()]
    expected = {
        (None if pandas.isna(seller) else seller,): ((each["type"] != "FEE_KEPT").sum(), sum(each["total"]))
        for seller, each in back.groupby("seller", dropna=False)
    }
    assert said(db, "Who refunds most?", ("seller",), ("tickets", "amount")) == expected


def test_the_net_revenue_with_fees_and_without(db: Connection, raw: Frames) -> None:
    log = raw["log"][raw["log"]["type"].isin((*SALES, *REFUNDS, "FEE_KEPT", "NORMAL_CHANGE", "PRICE_REDUCTION",
                                              "CHARGEBACK", "CHARGEBACK_WON", "VAT_CHANGE"))]  # fmt: skip
    expected: dict[Any, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for row in log.itertuples():
        of_ticket = expected[whole(row.project), row.vat_code, row.vat_rate]
        net = row.amount - row.vat_amount
        of_ticket[0] += net
        of_ticket[1] += net
        if row.fee_amount:
            expected[whole(row.project), row.fee_vat_code, row.fee_vat_rate][0] += row.fee_amount - row.fee_vat_amount
    found = said(
        db, "What is the net revenue, with fees and without?", ("project", "vat_code", "vat_rate"),
        ("net_amount", "without_fees"),
    )  # fmt: skip
    assert found == {key: tuple(amounts) for key, amounts in expected.items()}


# --- What names a row, and places it --------------------------------------------------------------------------------


def names(db: Connection, table: LiteralString, key: LiteralString, name: LiteralString) -> dict[Any, Any]:
    found = rows(db, f"select {key} as key, {name} as name from {table}")
    return {row["key"]: row["name"] for row in found} | {None: None}


def test_rows_of_the_log_say_their_names_place_and_channel(db: Connection) -> None:
    channel = names(db, "billig.ticket", "ticket", "sale_channel")
    log = {row["transaction_log"]: row for row in rows(db, "select * from billig.transaction_log")}
    times, places = (names(db, "billig.event", "event", name) for name in ("event_time", "event_location"))
    vat = names(db, "books.vat_code", "vat_code", "vat_code_name")
    project = names(db, "billig.project", "project", "project_name")
    point = names(db, "billig.cash_point", "cash_point", "cash_point_name")
    sold = {row["sold_name"]: row for row in rows(db, "select * from billig.sold_name")}
    for view in ("transaction", "transaction_line", "ticket_payment", "ticket_history"):
        found = rows(db, sql.SQL("select * from {}").format(sql.Identifier("report", view)))
        assert found
        for row in found:
            assert row["sale_channel"] == channel[row["ticket"]]
            assert (row["event_time"], row["event_location"]) == (times[row["event"]], places[row["event"]])
            assert row["project_name"] == project[row["project"]]
            if view == "ticket_history":
                continue
            of_log = log[row["transaction_log"]]
            assert row["history_position"] == of_log["era"] * 2**47 + int(of_log["xact_id"])
            assert row["exchange"] == of_log["exchange"]
            if view == "ticket_payment":
                continue
            assert row["vat_code_name"] == vat[row["vat_code"]]
            assert row["cash_point_name"] == point[row["cash_point"]]
            called = sold[of_log["sold_name"]]
            for group in ("ticket_group", "price_group"):
                assert (row[group], row[f"{group}_name"]) == (of_log[group], called[f"{group}_name"])
            if view == "transaction":
                assert row["fee_vat_code_name"] == vat[row["fee_vat_code"]]


def test_a_ticket_says_its_price_and_means_of_payment(db: Connection, raw: Frames) -> None:
    methods = raw["line"].sort_values("payment_method").groupby("payment")["method"].unique().to_dict()
    for row in rows(db, "select * from report.ticket_history"):
        log = raw["log"][raw["log"]["ticket"] == row["ticket"]]
        last = log.iloc[-1]
        paid = log[log["type"].isin(SALES)]["payment"]
        assert (row["ticket_group"], row["price_group"], row["price"]) == tuple(
            last[["ticket_group", "price_group", "price"]]
        )
        expected = methods.get(paid.iloc[0]) if len(paid) else None
        assert row["payment_methods"] == (None if expected is None else ", ".join(expected))


def test_the_programme_its_prices_projects_and_sellers_are_the_tables(db: Connection) -> None:
    programme = "select event, event_name, event_time, event_location, project, sale_from, sale_to from {} order by 1"
    assert rows(db, sql.SQL(programme).format(sql.Identifier("report", "event"))) == rows(
        db, sql.SQL(programme).format(sql.Identifier("billig", "event"))
    )
    run(db, "update billig.price_group set membership_needed = true where price_group = 1")
    listed = rows(db, "select price_group, ticket_group, price, is_member_price as member from report.price_list")
    stored = "select price_group, ticket_group, price, membership_needed as member from billig.price_group"
    assert {tuple(row.values()) for row in listed} == {tuple(row.values()) for row in rows(db, stored)}
    assert {row["price_group"] for row in listed if row["member"]} == {1}
    assert rows(db, "select project, project_name from report.project order by 1") == rows(
        db, "select project, project_name from billig.project order by 1"
    )
    sellers = {row["seller"] for row in rows(db, "select seller from report.seller")}
    did = {row["seller"] for row in rows(db, "select distinct seller from billig.payment where seller is not null")}
    assert did
    assert did <= sellers


def test_what_groups_come_to_is_what_their_events_come_to(db: Connection) -> None:
    counts = "tickets_live tickets_unpaid tickets_sold tickets_refunded tickets_free tickets_exchanged_in"
    for column in (*counts.split(), "tickets_exchanged_out", "gross_amount", "net_amount", "vat_amount", "capacity"):
        query = sql.SQL("select event, sum({}) as sum from {} group by event order by event")
        by_group, by_event = (
            rows(db, query.format(sql.Identifier(column), sql.Identifier("report", view)))
            for view in ("ticket_group_sales", "ticket_sales_by_event")
        )
        assert by_group == by_event, column


def test_every_question_of_the_page_is_compared() -> None:
    section = PAGE.split("\n## Questions of a festival's analyst\n")[1].split("\n## ")[0]
    compared: list[Callable[..., Any]] = [each for name, each in globals().items() if name.startswith("test_")]
    asked = "".join(str(each.__code__.co_consts) for each in compared)
    assert len(re.findall(r"^### ", section, re.M)) == 10
    assert all(repr(heading) in asked for heading in re.findall(r"^### (.*)$", section, re.M))
