"""The ten answers of docs/reports.md, run as the page has them, against pandas over the raw tables.

Nothing here reads schema report: what a type of transaction means, which ticket was whose and how a payment by two
methods is shared are worked out anew, from the tables, in pandas and Python.
"""

import re
from collections import defaultdict
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import pandas

from pybridge.paths import ROOT
from tests.conftest import Connection
from tests.support.domain import rows
from tests.support.raw_tables import BEGINS, ENDS, MONEY, REFUNDS, SALES, TIMEOUTS, Frames

PAGE = (ROOT / "docs" / "reports.md").read_text("utf-8")
Answer = dict[Any, tuple[Any, ...]]


def query(heading: str) -> str:
    """The page's query under a heading."""
    section = PAGE.split(f"\n### {heading}\n")[1].split("\n### ")[0]
    found = re.findall(r"```sql\n(.*?)```", section, re.S)
    assert len(found) == 1, heading
    return str(found[0])


def said(played: Connection, heading: str, keys: tuple[str, ...], values: tuple[str, ...], *, also: str = "") -> Answer:
    """The page's answer: the values by the keys, which `also` adds to what is selected."""
    asked = query(heading).replace("select ", f"select {also} ", 1)
    found = rows(played, asked)
    answer = {tuple(row[key] for key in keys): tuple(row[value] for value in values) for row in found}
    assert len(answer) == len(found) > 0, heading
    return answer


def percent(part: Any, whole: Any) -> Decimal | None:
    if not whole:
        return None
    return (Decimal(int(part)) * 100 / Decimal(int(whole))).quantize(Decimal("0.1"), ROUND_HALF_UP)


def whole(value: Any) -> int | None:
    return None if pandas.isna(value) else int(value)


def test_what_was_sold_by_event_day_and_channel(played: Connection, raw: Frames) -> None:
    keys = ("event", "sale_date", "sale_channel")
    sold = raw["log"][raw["log"]["type"].isin(SALES)].groupby(["event", "transaction_date", "sale_channel"])
    expected = {key: (len(each), sum(each["total"])) for key, each in sold}
    names = ("tickets", "amount")
    assert said(played, "What was sold, by event, day and channel?", keys, names, also="e.event,") == expected


def test_how_full_each_part_of_the_hall_is(played: Connection, raw: Frames) -> None:
    log = raw["log"]
    expected = {}
    for group in raw["group"].itertuples():
        of_it = log[log["ticket_group"] == group.ticket_group]
        begun, ended = (set(of_it[of_it["type"].isin(types)]["ticket"]) for types in (BEGINS, ENDS))
        paid = set(of_it[of_it["type"].isin(SALES)]["ticket"])
        live = begun - ended
        expected[group.ticket_group,] = group.num, len(live), len(live - paid), percent(len(live), group.num)
    found = said(
        played, "How full is each part of the hall?", ("ticket_group",), ("capacity", "live", "unpaid", "percent"),
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


def test_who_did_not_come(played: Connection, raw: Frames) -> None:
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
    assert said(played, "Who did not come?", ("event",), names, also="e.event,") == expected
    assert any(used for _, used, _, _ in expected.values())


def test_how_long_from_a_reservation_to_the_payment(played: Connection, raw: Frames) -> None:
    found = said(
        played, "How long from a reservation to the payment?", ("sale_channel",), ("tickets", "half_within", "longest")
    )
    waits = pandas.DataFrame(
        [each for each in ticket_by_ticket(raw) if each["began"] != "NORMAL_SALE" and each["wait"] is not None]
    ).groupby("channel")["wait"]
    assert set(found) == {(channel,) for channel, _ in waits}
    for channel, each in waits:
        count, half, longest = found[channel,]
        assert (count, longest) == (len(each), each.max())
        assert abs(half - each.median()) <= pandas.Timedelta(microseconds=1)


def test_how_many_timed_out(played: Connection, raw: Frames) -> None:
    expected = {}
    begun = pandas.DataFrame([each for each in ticket_by_ticket(raw) if each["began"] != "NORMAL_SALE"])
    for channel, each in begun.groupby("channel"):
        out = each["ended"].isin(TIMEOUTS)
        lost, anew = int((out & ~each["resold"]).sum()), int((out & each["resold"]).sum())
        expected[channel,] = len(each), lost, anew, percent(lost, len(each))
    found = said(played, "How many timed out?", ("sale_channel",), ("tickets", "timed_out", "sold_anew", "percent"))
    assert found == expected


def test_how_many_are_given_back(played: Connection, raw: Frames) -> None:
    log = raw["log"]
    expected = {}
    for event in raw["event"]["event"]:
        of_it = log[log["event"] == event]
        sold, back = (of_it[of_it["type"].isin(types)] for types in (SALES, REFUNDS))
        into, out = (int(each["exchange"].notna().sum()) for each in (sold, back))
        rates = percent(len(back), len(sold)), percent(len(back) - out, len(sold) - into)
        expected[event,] = len(sold), len(back), out, *rates
    names = ("sold", "refunded", "exchanged", "percent", "percent_without_exchanges")
    assert said(played, "How many are given back?", ("event",), names, also="event,") == expected


def test_at_what_hour_people_buy(played: Connection, raw: Frames) -> None:
    sold = raw["log"][raw["log"]["type"].isin(SALES)]
    hours = pandas.to_datetime(sold["transaction_time"], utc=True).dt.tz_convert("Europe/Oslo").dt.hour
    expected = {(hour,): (len(each), sum(each["total"])) for hour, each in sold.groupby(hours)}
    assert said(played, "At what hour do people buy?", ("hour",), ("tickets", "amount")) == expected


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


def test_how_each_event_was_paid_for(played: Connection, raw: Frames) -> None:
    found = said(played, "How was each event paid for?", ("event", "payment_method"), ("amount",), also="e.event,")
    expected: dict[Any, Decimal] = defaultdict(Decimal)
    moves = raw["log"][raw["log"]["type"].isin(MONEY)]
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


def test_who_refunds_most(played: Connection, raw: Frames) -> None:
    log = raw["log"]
    back = log[log["type"].isin((*REFUNDS, "FEE_KEPT")) & log["exchange"].isna()]
    expected = {
        (None if pandas.isna(seller) else seller,): ((each["type"] != "FEE_KEPT").sum(), sum(each["total"]))
        for seller, each in back.groupby("seller", dropna=False)
    }
    assert said(played, "Who refunds most?", ("seller",), ("tickets", "amount")) == expected


def test_the_net_revenue_with_fees_and_without(played: Connection, raw: Frames) -> None:
    log = raw["log"][raw["log"]["type"].isin(MONEY)]
    expected: dict[Any, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for row in log.itertuples():
        of_ticket = expected[whole(row.project), row.vat_code, row.vat_rate]
        net = row.amount - row.vat_amount
        of_ticket[0] += net
        of_ticket[1] += net
        if row.fee_amount:
            expected[whole(row.project), row.fee_vat_code, row.fee_vat_rate][0] += row.fee_amount - row.fee_vat_amount
    found = said(
        played, "What is the net revenue, with fees and without?", ("project", "vat_code", "vat_rate"),
        ("net_amount", "without_fees"),
    )  # fmt: skip
    assert found == {key: tuple(amounts) for key, amounts in expected.items()}


def test_every_question_of_the_page_is_compared() -> None:
    section = PAGE.split("\n## Questions of a festival's analyst\n")[1].split("\n## ")[0]
    compared: list[Callable[..., Any]] = [each for name, each in globals().items() if name.startswith("test_")]
    asked = "".join(str(each.__code__.co_consts) for each in compared)
    assert len(re.findall(r"^### ", section, re.M)) == 10
    assert all(repr(heading) in asked for heading in re.findall(r"^### (.*)$", section, re.M))
