"""What is given back in part, charged back, or moved to another VAT rate, in every place that shows money."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from psycopg import sql

from tests.support.banking import route
from tests.support.days import movable_clock
from tests.support.domain import (
    MIDDLE_RATE,
    REGULAR_RATE,
    SELLER,
    Connection,
    Event,
    Row,
    call,
    call_in,
    close_till,
    confirm,
    consistency,
    expect,
    log_rows,
    make_cash_point,
    make_event,
    net,
    one,
    open_till,
    pay,
    refund,
    reserve,
    rows,
    run,
    sell,
)
from tests.support.settlement import the_sections_agree

D = Decimal


@dataclass(frozen=True)
class Story:
    """Dinners at 115, of which 12.50 is a fee at 25 %; the rest at 15 %: VAT 13.37 and 2.50."""

    db: Connection
    dinner: Event
    later: Event  # its rate will be 10 %
    kept: list[int]  # refunded at the stand: 12.50 was kept of one, 50 of the other
    reduced: list[int]  # by 20 each; the first was refunded after that
    won: list[int]  # charged back whole, and won
    lost: list[int]  # 50 of each charged back, then refunded, then won: those 100 are ours
    moved: int  # sold at 15 %, now at 10 %
    reserved: int  # reserved at 15 %, paid at 10 %
    payments: dict[str, int]


@pytest.fixture
def story(db: Connection) -> Story:
    def make(days: int) -> Event:
        return make_event(
            db, prices=(115,), fee=D("12.50"), vat_code=MIDDLE_RATE, fee_vat_code=REGULAR_RATE,
            event_time=datetime.now() + timedelta(days=days),
        )  # fmt: skip

    dinner, later = make(30), make(60)
    make_cash_point(db, 1)
    open_till(db)
    kept = sell(db, dinner.price_group, 2, methods=["CARD"]).tickets
    payments = {"kept": refund(db, kept, kept=[D("12.50"), D(50)])[0]["payment"]}
    reduced = sell(db, dinner.price_group, 2, methods=["CARD"]).tickets
    (answer, _) = call(db, "reduce_price", tickets=reduced, amounts=[20], seller=SELLER, reason="it rained")
    payments["reduced"] = answer["payment"]
    payments["rest"] = refund(db, reduced[:1])[0]["payment"]
    won, lost = net(db, dinner.price_group, 2), net(db, dinner.price_group, 2)
    confirm(db, won, reference="pi_won")
    confirm(db, lost, reference="pi_lost")
    call(db, "record_chargeback", dispute_reference="dp_won", provider_reference="pi_won")
    payments["won"] = call(db, "record_chargeback_won", dispute_reference="dp_won")[0]["payment"]
    (charged, _) = call(db, "record_chargeback", dispute_reference="dp_lost", provider_reference="pi_lost", amount=100)
    payments["charged"] = charged["payment"]
    refund(db, lost.tickets)
    call(db, "record_chargeback_won", dispute_reference="dp_lost")
    moved = sell(db, later.price_group, methods=["CARD"]).ticket
    reserved = reserve(db, later.price_group)
    run(db, "insert into books.vat_rate (vat_code, valid_from, rate) values (%s, current_date + 45, 10)", MIDDLE_RATE)
    call(db, "change_vat")
    pay(db, reserved, methods=["CARD"])
    return Story(db, dinner, later, kept, reduced, won.tickets, lost.tickets, moved, reserved.ticket, payments)


GROSS, VAT = D("717.50"), D("93.31")
"""65 of the first two and 12.50, 95, 230, 100 of the web, 230 of what comes later: what is left with us."""


def test_the_story_leaves_what_it_should(story: Story) -> None:
    db = story.db
    assert D("12.50") + 50 + 95 + 230 + 100 + 230 == GROSS
    left = rows(
        db,
        "select sum(amount + fee_amount) as gross, sum(vat_amount + fee_vat_amount) as vat from billig.transaction_log",
    )
    assert left == [{"gross": GROSS, "vat": VAT}]
    assert consistency(db) == {}


def test_the_settlement_tells_each_type_by_ticket_and_its_sections_agree(story: Story) -> None:
    db = story.db
    found = rows(
        db,
        "select item, kind, number, gross_amount, vat_amount from report.cashier_settlement"
        " where section = 'TRANSACTION_TYPE' and kind in ('REFUND', 'CHANGE')",
    )
    assert {row["item"]: (row["kind"], row["number"], row["gross_amount"], row["vat_amount"]) for row in found} == {
        "NORMAL_REFUND": ("REFUND", 3, -325, D("-45.00")),
        "FEE_KEPT": ("REFUND", 2, D("62.50"), D("9.89")),
        "NET_REFUND": ("REFUND", 2, -130, D("-18.70")),
        "PRICE_REDUCTION": ("CHANGE", 2, -40, D("-5.22")),
        "CHARGEBACK": ("CHANGE", 4, -330, D("-44.78")),
        "CHARGEBACK_WON": ("CHANGE", 4, 330, D("46.52")),
        "VAT_CHANGE": ("CHANGE", 2, 0, D("-4.05")),
    }, "how many tickets it happened to, in however many rows"
    activity = rows(
        db,
        "select transaction_type, tickets from report.seller_activity"
        " where transaction_type in ('VAT_CHANGE', 'FEE_KEPT')",
    )
    assert {row["transaction_type"]: row["tickets"] for row in activity} == {"VAT_CHANGE": 2, "FEE_KEPT": 2}
    refunded = "select sum(tickets) from report.seller_vat_project where kind = 'REFUND'"
    assert one(db, refunded) == 5, "what is kept is no ticket of its own"
    the_sections_agree(db)


def _report(found: list[Row]) -> dict[tuple[str, str], Row]:
    return {(row["item"], row["item_key"]): row for row in found if row["seller"] is None and row["amount"] != 0}


def test_x_and_z_report_what_was_given_back_and_what_was_kept_as_a_fee(story: Story) -> None:
    db = story.db

    def is_as_it_should_be(said: dict[tuple[str, str], Row]) -> None:
        money = {key: (row["number"], row["amount"]) for key, row in said.items()}
        assert money["RETURNS", ""] == (3, D("302.50")), "102.50 and 65, 20 twice, and 95"
        assert money["TOTAL_CASH_SALES", ""][1] == 690 - D("302.50")
        assert money["ARTICLE_GROUP", "04999 fee"] == (3, D("100.00")), "12.50 of each of three, 12.50 and 50 kept"
        assert money["PAYMENT", "CARD"] == (1, D("387.50")), "four payments in, three out; none by the provider"
        total = money["TOTAL_CASH_SALES", ""][1]
        assert sum(amount for (item, _), (_, amount) in money.items() if item == "ARTICLE_GROUP") == total
        assert sum(row["amount"] + row["vat_amount"] for key, row in said.items() if key[0] == "VAT") == total
        assert ("PAYMENT", "NET_CARD") not in money, "chargebacks and web refunds are in no till"
        assert (said["VAT", "31 15.00"]["amount"], said["VAT", "31 15.00"]["vat_amount"]) == (D("193.48"), D("29.02"))

    in_advance = _report(call(db, "x_report", cash_point=1))
    assert in_advance["ADVANCE_RETURNS", ""]["amount"] == D("302.50")
    assert in_advance["ADVANCE_SALES", "04999 fee"]["amount"] == D("100.00")
    assert sum(row["amount"] for key, row in in_advance.items() if key[0] == "ADVANCE_SALES") == 690 - D("302.50")
    assert {item for item, _ in in_advance} == {"ADVANCE_SALES", "ADVANCE_RETURNS", "PAYMENT"}, "in no total"
    # and if the dinners had been on the same day
    run(db, "update billig.event_date set event_date = current_date")
    is_as_it_should_be(_report(call(db, "x_report", cash_point=1)))
    close_till(db, 0)
    is_as_it_should_be(_report(call(db, "z_report", cash_point=1, seller=SELLER)))
    grand = rows(db, "select sales, returns from billig.z_report")
    assert grand == [{"sales": 690, "returns": D("302.50")}]
    assert consistency(db).keys() == {"event_date"}, "that it was never so planned"


def _book(db: Connection, event: Event | None) -> dict[tuple[str, str | None], Decimal]:
    """What vouchers have of an event's project, or of money, by account and payment method."""
    found = rows(
        db,
        "select account::text, payment_method, sum(amount) as amount from report.voucher_line"
        " where project is not distinct from %s group by 1, 2 having sum(amount) <> 0",
        event and event.project,
    )
    return {(row["account"], row["payment_method"]): row["amount"] for row in found}


def test_vouchers_take_back_what_was_given_back_and_keep_what_was_kept(story: Story) -> None:
    db = story.db
    balanced = rows(db, "select voucher, sum(debit) - sum(credit) as difference from report.voucher_line group by 1")
    assert len(balanced) == 1, "one organisation's day"
    assert {row["difference"] for row in balanced} == {0}
    assert _book(db, None) == {
        ("1571", "CARD"): D("387.50"),
        ("1578", "NET_CARD"): 330,  # 460 came, 130 was refunded; what was charged back was won
    }
    # the fee and the ticket, gross: their VAT waits for the day
    assert _book(db, story.dinner) == {("2900", None): D("-487.50")}
    assert _book(db, story.later) == {("2900", None): -230}

    movable_clock(db).forward(61)
    held, of_later = _book(db, story.dinner), _book(db, story.later)
    revenue = {key for key in held if key[0].startswith("3")}
    assert {key: amount for key, amount in held.items() if key not in revenue} == {
        ("2701", None): D("-52.17"),
        ("2700", None): D("-17.50"),
    }
    assert sum(held[key] for key in revenue) == D("-417.83")
    assert {key: amount for key, amount in of_later.items() if key not in revenue} == {
        ("2701", None): D("-18.64"),  # 9.32 twice: nothing is left at 15 %
        ("2700", None): D("-5.00"),
    }
    assert sum(of_later[key] for key in revenue) == D("-206.36")


def test_a_chargeback_stands_on_the_account_of_its_method(story: Story) -> None:
    db = story.db
    sale = net(db, story.dinner.price_group)
    confirm(db, sale, reference="pi_open")
    before = _book(db, None) | _book(db, story.dinner)
    call(db, "record_chargeback", dispute_reference="dp_open", provider_reference="pi_open")
    after = _book(db, None) | _book(db, story.dinner)
    assert {key: after[key] - before[key] for key in after} == {
        ("1571", "CARD"): 0,
        ("1578", "NET_CARD"): -115,
        ("2900", None): 115,
    }


def test_the_bank_expects_what_a_dispute_takes_and_gives_back_by_its_reference(story: Story) -> None:
    db = story.db
    route(db, "PAYMENT", "NET_CARD")
    call_in(db, "bank", "expect", until=one(db, "select billig.local_time()::date"))
    found = rows(db, "select reference, amount from bank.expected order by expected")
    assert sorted((row["reference"], row["amount"]) for row in found) == [
        ("dp_lost", -100),
        ("dp_lost", 100),
        ("dp_won", -230),
        ("dp_won", 230),
        ("pi_lost", -130),
        ("pi_lost", 230),
        ("pi_won", 230),
    ]
    assert consistency(db) == {}


def test_a_refund_is_never_named_as_a_dispute_of_the_same_purchase(db: Connection) -> None:
    route(db, "PAYMENT", "NET_CARD")
    sale = sell(db, make_event(db).price_group, 2, methods=["NET_CARD"])
    call(db, "record_chargeback", dispute_reference="dp_stand", payment=sale.payment, amount=50)
    refund(db, sale.tickets, payment_methods=["NET_CARD"], seller=SELLER)
    call_in(db, "bank", "expect", until=one(db, "select billig.local_time()::date"))
    found = rows(db, "select reference, amount from bank.expected order by amount")
    assert [(row["reference"], row["amount"]) for row in found] == [("", -150), ("dp_stand", -50), ("", 200)]


def _lines(db: Connection, payment: int) -> list[tuple[str, int, Decimal]]:
    receipt = call(db, "receipt", payment=payment, language="en")
    lines = [row for row in receipt if row["section"] == "LINE"]
    (total,) = [row for row in receipt if row["section"] == "TOTAL"]
    assert sum(row["amount"] for row in lines) == total["amount"]
    return [(row["description"], row["quantity"], row["amount"]) for row in [*lines, total]]


def test_a_receipt_says_what_was_kept_and_what_was_taken_off(story: Story) -> None:
    db = story.db
    names = rows(
        db,
        "select e.event_name, g.price_group_name from billig.price_group as g"
        " inner join billig.ticket_group as t on g.ticket_group = t.ticket_group"
        " inner join billig.event as e on t.event = e.event where g.price_group = %s",
        story.dinner.price_group,
    )[0]
    event, group = names["event_name"], f"{names['event_name']}, {names['price_group_name']}"
    assert sorted(_lines(db, story.payments["kept"])) == sorted([
        (group, 2, D(-205)),
        (f"Fee, {event}", 2, D(-25)),
        (f"Kept of the refund, {group}", 1, D("37.50")),
        (f"Kept of the refund, Fee, {event}", 2, D(25)),
        ("Total", 2, D("-167.50")),
    ])  # fmt: skip
    assert _lines(db, story.payments["reduced"]) == [
        (f"Price reduction, {group}", 2, D(-40)),
        ("Total", 2, D(-40)),
    ]
    assert _lines(db, story.payments["rest"]) == [
        (group, 1, D("-82.50")),
        (f"Fee, {event}", 1, D("-12.50")),
        ("Total", 1, D(-95)),
    ]


def test_a_reduction_that_reaches_the_fee_says_so_too(db: Connection) -> None:
    ticket = sell(db, make_event(db, prices=(100,), fee=30).price_group, methods=["CARD"]).ticket
    (answer,) = call(db, "reduce_price", tickets=[ticket], amounts=[80], seller=SELLER, reason="a wet seat")
    ticket_line, fee_line, _ = _lines(db, answer["payment"])
    assert ticket_line[0].startswith("Price reduction, Event")
    assert ticket_line[2] == -70
    assert fee_line[0].startswith("Price reduction, Fee, Event")
    assert fee_line[2] == -10


def test_what_a_provider_takes_back_has_no_receipt(story: Story) -> None:
    for name in ("won", "charged"):
        with expect("P0002"):
            call(story.db, "receipt", payment=story.payments[name])


def test_the_history_of_a_ticket_adds_up_to_what_is_left_of_it(story: Story) -> None:
    db = story.db
    columns = ("paid_amount", "reduced_amount", "charged_back_amount", "refunded_amount", "kept_amount")
    history = {row["ticket"]: row for row in rows(db, "select * from report.ticket_history")}
    assert {ticket: tuple(row[name] for name in columns) for ticket, row in history.items()} == {
        story.kept[0]: (115, 0, 0, D("-102.50"), D("12.50")),
        story.kept[1]: (115, 0, 0, -65, 50),
        story.reduced[0]: (115, -20, 0, -95, 0),
        story.reduced[1]: (115, -20, 0, 0, 0),
        story.won[0]: (115, 0, 0, 0, 0),
        story.won[1]: (115, 0, 0, 0, 0),
        story.lost[0]: (115, 0, 0, -65, 50),
        story.lost[1]: (115, 0, 0, -65, 50),
        story.moved: (115, 0, 0, 0, 0),
        story.reserved: (115, 0, 0, 0, 0),
    }
    for ticket, row in history.items():
        left = sum(each["amount"] + each["fee_amount"] for each in log_rows(db, ticket))
        assert sum(row[name] for name in columns[:-1]) == left
        if row["refunded_at"] is not None:
            assert row["kept_amount"] == left
    assert {row["changes"] for row in history.values()} == {0}
    assert [history[ticket]["refunded_as"] for ticket in (*story.kept, *story.lost)] == [
        *["NORMAL_REFUND"] * 2, *["NET_REFUND"] * 2
    ]  # fmt: skip
    open_dispute = net(db, story.dinner.price_group)
    confirm(db, open_dispute, reference="pi_open")
    call(db, "record_chargeback", dispute_reference="dp_open", provider_reference="pi_open", amount=15)
    query = "select paid_amount, charged_back_amount, kept_amount from report.ticket_history where ticket = %s"
    assert rows(db, query, open_dispute.ticket) == [{"paid_amount": 115, "charged_back_amount": -15, "kept_amount": 0}]


def test_sums_by_day_event_and_year_come_to_what_is_left(story: Story) -> None:
    db = story.db
    for query in (
        "select sum(gross_amount), sum(vat_amount), sum(tickets_refunded) from report.project_day",
        "select sum(gross_amount), sum(vat_amount), sum(tickets_refunded) from report.ticket_sales_by_event",
        "select sum(gross_amount), sum(vat_amount), sum(tickets_refunded) from report.vat_by_project",
        "select sum(gross_amount), sum(vat_amount), sum(tickets_refunded) from report.total_by_vat_code",
        "select sum(gross_amount), sum(vat_amount), sum(tickets_refunded) from report.total_by_project",
        "select sum(gross_amount), sum(vat_amount), sum(tickets_refunded) from report.total_by_year",
    ):
        for _ in range(2):
            assert db.execute(query).fetchall() == [(GROSS, VAT, 5)], query
            call(db, "roll_up_log")
    lines = "select sum(gross_amount), sum(vat_amount) from report.transaction_line"
    assert db.execute(lines).fetchall() == [(GROSS, VAT)]
    for view in ("project_day", "ticket_sales_by_event"):
        sums = sql.SQL(
            "select sum(sold_amount) as sold, sum(refunded_amount) as refunded, sum(changed_amount) as changed from {}"
        ).format(sql.Identifier("report", view))
        assert rows(db, sums) == [{"sold": 1150, "refunded": D("-392.50"), "changed": -40}]
    assert one(db, "select sum(tickets_changed) from report.project_day") == 12, "2 reduced, 4 charged back, 4 won, 2"
    by_day = "select sum(gross_amount), sum(tickets_refunded) from report.event_day"
    assert db.execute(by_day).fetchall() == [(GROSS, 5)]


def test_a_reservation_whose_rate_changes_is_open_as_it_was(story: Story) -> None:
    (row,) = rows(story.db, "select * from report.open_items where sale_channel = 'RESERVATION'")
    assert (row["tickets_sold"], row["tickets_paid"], row["tickets_open_after"]) == (1, 1, 0)
    assert (row["sold_amount"], row["changed_amount"], row["paid_amount"], row["open_after_amount"]) == (115, 0, 115, 0)
    types = [each["type"] for each in log_rows(story.db, story.reserved)]
    assert types == ["RESERVATION_SALE", "VAT_CHANGE", "RESERVATION_PAID"]


def test_only_what_a_stand_gives_back_is_missed_in_a_till_session(story: Story) -> None:
    db = story.db
    assert rows(db, "select * from report.unattached_payment") == []
    close_till(db, 0)
    call(
        db, "reduce_price", tickets=story.reduced[1:], amounts=[5], seller=SELLER, reason="cold food", cash_point=1
    )  # fmt: skip
    (row,) = rows(db, "select * from report.unattached_payment")
    assert (row["kind"], row["amount"], row["tickets"], row["is_legacy"]) == ("REDUCTION", -5, 1, False)
    call(db, "reduce_price", tickets=story.won, amounts=[5], seller=SELLER, reason="cold food")
    assert len(rows(db, "select * from report.unattached_payment")) == 1, "the provider gives that back"
