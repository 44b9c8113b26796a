"""The fee is part of the price (T15): what a client sees in price_group is all that its buyer pays."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Connection
from tests.support import domain
from tests.support.domain import (
    LOW_RATE,
    MIDDLE_RATE,
    REGULAR_RATE,
    SELLER,
    Event,
    call,
    consistency,
    exchange,
    expect,
    log_rows,
    make_event,
    net,
    one,
    open_till,
    refund,
    rows,
    run,
    sell,
    update_ticket,
)
from tests.support.ledger_model import vat_of

PARTS = ("amount", "vat_amount", "fee_amount", "fee_vat_amount")


def _parts(row: domain.Row) -> tuple[Decimal, ...]:
    return tuple(row[name] for name in PARTS)


def _money(*amounts: str) -> tuple[Decimal, ...]:
    return tuple(Decimal(amount) for amount in amounts)


def _dinner(db: Connection, *prices: int, fee: str = "12.50") -> Event:
    """Food at 15 %, its fee at 25 %."""
    return make_event(
        db, prices=prices, fee=Decimal(fee), vat_code=MIDDLE_RATE, fee_vat_code=REGULAR_RATE, event_time=domain.today()
    )


# --- A sale ---------------------------------------------------------------------------------------------------------


def test_the_buyer_pays_the_price_and_the_fee_is_a_part_of_it(db: Connection) -> None:
    event = _dinner(db, 115)
    sale = sell(db, event.price_group, methods=("CARD",))
    assert [(row["price"], row["fee"]) for row in sale.rows] == [(115, Decimal("12.50"))]
    assert sale.payment is not None
    assert domain.payment_lines(db, sale.payment) == {"CARD": 115}
    (sold,) = log_rows(db, sale.ticket)
    assert _parts(sold) == _money("102.50", "13.37", "12.50", "2.50")
    assert (sold["price"], sold["fee"]) == (115, Decimal("12.50"))
    answer = refund(db, sale.tickets)
    assert [row["amount"] for row in answer] == [-115]
    assert _parts(log_rows(db, sale.ticket)[1]) == tuple(-part for part in _parts(sold))
    assert consistency(db) == {}


def test_the_parts_may_have_an_oere_more_vat_than_the_whole(db: Connection) -> None:
    event = make_event(db, prices=(100,), fee=Decimal("12.53"), vat_code=REGULAR_RATE)
    (sold,) = log_rows(db, sell(db, event.price_group).ticket)
    assert sold["fee_vat_code"] == sold["vat_code"] == REGULAR_RATE, "the fee's code is the ticket's"
    assert vat_of(Decimal(100), Decimal(25)) == 20
    assert sold["vat_amount"] + sold["fee_vat_amount"] == Decimal("17.49") + Decimal("2.51")
    event = make_event(db, prices=(100,), fee=Decimal("12.52"), vat_code=REGULAR_RATE)
    (sold,) = log_rows(db, sell(db, event.price_group).ticket)
    assert sold["vat_amount"] + sold["fee_vat_amount"] == Decimal("17.50") + Decimal("2.50")
    assert consistency(db) == {}


def test_a_free_ticket_has_no_fee_and_a_fee_is_never_more_than_the_price(db: Connection) -> None:
    event = _dinner(db, 0, 10, 12, 13)
    free, all_fee, nearly, beyond = (sell(db, group).ticket for group in event.price_groups)
    assert [_parts(log_rows(db, ticket)[0]) for ticket in (free, all_fee, nearly, beyond)] == [
        _money("0", "0", "0", "0"),
        _money("0", "0", "10", "2"),
        _money("0", "0", "12", "2.40"),
        _money("0.50", "0.07", "12.50", "2.50"),
    ]
    lines = "select component, gross_amount from report.transaction_line where ticket = %s order by component"
    assert rows(db, lines, free) == [{"component": "TICKET", "gross_amount": 0}]
    assert rows(db, lines, all_fee) == [
        {"component": "FEE", "gross_amount": 10},
        {"component": "TICKET", "gross_amount": 0},
    ], "tickets are counted by the row of nothing"
    said = rows(db, "select tickets_sold, tickets_free, gross_amount from report.ticket_sales_by_event")
    assert said == [{"tickets_sold": 4, "tickets_free": 1, "gross_amount": 35}]
    with expect("23514", native=True):
        domain.insert_ticket(
            db,
            event.price_group,
            **{
                **{name: one(db, f"select {name} from billig.ticket where ticket = %s", all_fee) for name in (
                    "ticket_group", "event", "organisation", "project", "vat_code", "fee_vat_code", "vat_rate",
                    "fee_vat_rate",
                )},
                "price": 10,
                "fee": 11,
            },
        )  # fmt: skip
    assert consistency(db) == {}


@pytest.mark.parametrize("price", [Decimal("99.50"), Decimal("0.01"), Decimal("NaN"), Decimal("Infinity"), -1])
def test_a_price_with_oere_is_refused_and_not_rounded(db: Connection, price: Decimal) -> None:
    event = make_event(db, prices=(100,))
    with expect("23514", native=True):
        run(
            db,
            "insert into billig.price_group (ticket_group, price_group_name, price) values (%s, 'New', %s)",
            event.ticket_group,
            price,
        )
    with expect("23514", native=True):
        run(db, "update billig.price_group set price = %s", price)
    with expect("23514", native=True):
        run(db, "update billig.price_group set price = price - 0.5")
    assert one(db, "select price::text from billig.price_group") == "100"


# --- A client that sums what it sees ---------------------------------------------------------------------------------

_fees = st.one_of(st.just(Decimal(0)), st.decimals(0, 300, places=2))
_prices = st.lists(st.one_of(st.integers(0, 40), st.integers(0, 1200)), min_size=1, max_size=4)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    programme=st.lists(
        st.tuples(_fees, _prices, st.sampled_from((None, REGULAR_RATE, LOW_RATE))), min_size=1, max_size=3
    ),
    cart=st.lists(st.tuples(st.integers(0, 11), st.integers(1, 9)), min_size=1, max_size=5),
)
def test_a_client_that_sums_what_price_group_shows_is_never_refused(
    shared_db: Connection,
    programme: list[tuple[Decimal, list[int], int | None]],
    cart: list[tuple[int, int]],
) -> None:
    groups = [
        group
        for fee, prices, fee_vat_code in programme
        for group in make_event(
            shared_db, prices=prices, fee=fee, vat_code=MIDDLE_RATE, fee_vat_code=fee_vat_code, num=1000
        ).price_groups
    ]
    wanted = {groups[place % len(groups)]: count for place, count in cart}
    seen = rows(shared_db, "select price_group, price from billig.price_group where price_group = any (%s)", groups)
    shown = {row["price_group"]: row["price"] for row in seen}
    total = sum(shown[group] * count for group, count in wanted.items())
    sale = net(shared_db, wanted)
    assert sum(row["price"] for row in sale.rows) == total
    answer = call(
        shared_db,
        "confirm_net_payment",
        purchase=sale.purchase,
        amount=total,
        provider_reference=f"sum {sale.purchase}",
    )
    assert {row["result"] for row in answer} == {"PAID"}
    assert sum(row["amount"] for row in answer) == total
    logged = [log_rows(shared_db, ticket)[-1] for ticket in sale.tickets]
    assert sum(row["amount"] + row["fee_amount"] for row in logged) == total
    assert all(row["vat_amount"] == vat_of(row["amount"], row["vat_rate"]) for row in logged)
    assert all(row["fee_vat_amount"] == vat_of(row["fee_amount"], row["fee_vat_rate"]) for row in logged)
    for view in ("payment_balance", "vat", "log_replay", "voucher_balance"):
        assert rows(shared_db, f"select * from consistency.{view}") == []


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    fee=st.decimals(0, 60, places=2),
    prices=st.lists(st.integers(1, 300), min_size=2, max_size=3),
    edited=st.lists(st.integers(0, 300), min_size=3, max_size=3),
    given_back=st.decimals("0.01", 1, places=2),
    fee_vat_code=st.sampled_from((None, REGULAR_RATE)),
)
def test_what_was_given_back_or_changed_before_is_no_matter_of_what_the_next_buyer_sums(
    shared_db: Connection,
    fee: Decimal,
    prices: list[int],
    edited: list[int],
    given_back: Decimal,
    fee_vat_code: int | None,
) -> None:
    db = shared_db
    event = make_event(db, prices=prices, fee=fee, vat_code=MIDDLE_RATE, fee_vat_code=fee_vat_code, num=1000)
    early = sell(db, event.price_group, 2, methods=["CARD"]).tickets
    call(db, "reduce_price", tickets=early[:1], amounts=[given_back], seller=SELLER, reason="it rained")
    _change(db, early[1], event.price_groups[1], payment_methods=["CARD"])
    waiting = net(db, dict.fromkeys(event.price_groups, 2))
    asked = 2 * sum(prices)  # what the buyer saw when the cart was made
    for group, price in zip(event.price_groups, edited, strict=False):
        run(db, "update billig.price_group set price = %s where price_group = %s", price, group)
    run(db, "update billig.event set ticket_fee = ticket_fee + 7 where event = %s", event.event)
    for sale, total in ((waiting, asked), (net(db, dict.fromkeys(event.price_groups, 2)), None)):
        shown = one(
            db, "select 2 * sum(price) from billig.price_group where price_group = any (%s)", list(event.price_groups)
        )
        answer = call(
            db,
            "confirm_net_payment",
            purchase=sale.purchase,
            amount=shown if total is None else total,
            provider_reference=f"after {sale.purchase}",
        )
        assert {row["result"] for row in answer} == {"PAID"}
    for view in ("payment_balance", "vat", "log_replay", "voucher_balance"):
        assert rows(db, f"select * from consistency.{view}") == []


# --- A change of price group ------------------------------------------------------------------------------------------


def _change(db: Connection, ticket: int, price_group: int, **arguments: object) -> Decimal:
    (row,) = call(
        db, "change_price_group", tickets=[ticket], price_group=price_group, seller=SELLER, **arguments
    )  # one row per ticket, whatever the log has
    assert isinstance(row["amount"], Decimal)
    return row["amount"]


def test_a_change_takes_the_new_price_and_the_fee_of_today(db: Connection) -> None:
    event = _dinner(db, 115, 90, 10)
    ticket = sell(db, event.price_group, methods=("CARD",)).ticket
    assert _change(db, ticket, event.price_groups[1]) == -25
    assert _parts(log_rows(db, ticket)[-1]) == _money("-25", "-3.26", "0", "0")
    assert _change(db, ticket, event.price_groups[2]) == -80
    assert _parts(log_rows(db, ticket)[-1]) == _money("-77.50", "-10.11", "-2.50", "-0.50")
    run(db, "update billig.event set ticket_fee = 20 where event = %s", event.event)
    assert _change(db, ticket, event.price_group, payment_methods=["CARD"]) == 105
    assert _parts(log_rows(db, ticket)[-1]) == _money("95", "12.39", "10", "2")
    assert [row["type"] for row in log_rows(db, ticket)] == ["NORMAL_SALE"] + ["NORMAL_CHANGE"] * 3
    state = domain.ticket_row(db, ticket)
    assert (state["price"], state["fee"]) == (115, 20)
    assert refund(db, [ticket])[0]["amount"] == -115
    assert domain.money_left(db) == {}
    assert consistency(db) == {}


@pytest.mark.parametrize("by", ["function", "raw SQL"])
def test_a_change_at_other_rates_takes_the_old_out_and_the_new_in(db: Connection, by: str) -> None:
    event = _dinner(db, 115, 60)
    domain.make_cash_point(db, 1)
    open_till(db)
    ticket = sell(db, event.price_group, methods=("CARD",)).ticket
    (sold,) = log_rows(db, ticket)
    run(db, "insert into books.vat_rate (vat_code, valid_from, rate) values (%s, current_date, 10)", MIDDLE_RATE)
    if by == "function":
        assert _change(db, ticket, event.price_groups[1]) == -55
    else:
        update_ticket(db, ticket, price_group=event.price_groups[1])
    out, new = log_rows(db, ticket)[1:]
    assert {row["type"] for row in (out, new)} == {"NORMAL_CHANGE"}
    assert out["payment"] == new["payment"] is not None
    assert _parts(out) == tuple(-part for part in _parts(sold))
    copied = ("price_group", "price", "fee", "vat_code", "vat_rate", "fee_vat_code", "fee_vat_rate")
    assert {name: out[name] for name in copied} == {name: sold[name] for name in copied}
    assert _parts(new) == _money("47.50", "4.32", "12.50", "2.50")
    assert (new["price_group"], new["price"], new["vat_rate"]) == (event.price_groups[1], 60, 10)
    assert domain.payment_lines(db, out["payment"]) == {"CARD": -55}
    left = rows(
        db,
        "select vat_rate, sum(gross_amount) as gross, sum(vat_amount) as vat from report.vat_by_project"
        " group by 1 order by 1",
    )
    assert left == [
        {"vat_rate": 10, "gross": Decimal("47.50"), "vat": Decimal("4.32")},
        {"vat_rate": 15, "gross": 0, "vat": 0},
        {"vat_rate": 25, "gross": Decimal("12.50"), "vat": Decimal("2.50")},
    ]
    history = rows(db, "select changes, paid_amount from report.ticket_history where ticket = %s", ticket)
    assert history == [{"changes": 1, "paid_amount": 60}]
    if by == "function":
        receipt = call(db, "receipt", payment=out["payment"])
        assert sorted(row["amount"] for row in receipt if row["section"] == "LINE") == _sorted(
            "-102.50", "-12.50", "47.50", "12.50"
        )
        x = {(row["item"], row["item_key"]): row for row in call(db, "x_report", cash_point=1) if not row["seller"]}
        assert (x["VAT", "31 15.00"]["amount"], x["VAT", "31 15.00"]["vat_amount"]) == (0, 0)
        assert x["VAT", "31 10.00"]["vat_amount"] == Decimal("4.32")
    assert domain.ticket_row(db, ticket)["vat_rate"] == 10
    assert consistency(db) == {}
    assert refund(db, [ticket])[0]["amount"] == -60
    assert domain.money_left(db) == {}
    assert consistency(db) == {}


def _sorted(*amounts: str) -> list[Decimal]:
    return sorted(_money(*amounts))


def test_a_change_of_the_fees_code_is_two_rows_and_one_of_a_reservation_is_none_of_money(db: Connection) -> None:
    event = _dinner(db, 115, 90)
    paid = sell(db, event.price_group, methods=("CARD",)).ticket
    held = domain.reserve(db, event.price_group)
    run(
        db,
        "update billig.event set ticket_fee_vat_code = null, ticket_fee_vat_source = null, ticket_fee = 30"
        " where event = %s",
        event.event,
    )
    _change(db, paid, event.price_groups[1])
    assert [(row["fee_vat_code"], row["fee_amount"]) for row in log_rows(db, paid)] == [
        (REGULAR_RATE, Decimal("12.50")),
        (REGULAR_RATE, Decimal("-12.50")),
        (MIDDLE_RATE, 30),
    ]
    _change(db, held.ticket, event.price_groups[1])
    assert [_parts(row) for row in log_rows(db, held.ticket)] == [_money("0", "0", "0", "0")] * 2
    assert (log_rows(db, held.ticket)[-1]["price"], log_rows(db, held.ticket)[-1]["fee"]) == (90, 30)
    answer = domain.pay(db, held)
    assert [row["amount"] for row in answer] == [90]
    assert _parts(log_rows(db, held.ticket)[-1]) == _money("60", "7.83", "30", "3.91")
    assert consistency(db) == {}


def test_after_a_change_nobody_sets_another_price_or_fee(db: Connection) -> None:
    event = _dinner(db, 115, 90)
    ticket = sell(db, event.price_group, methods=("CARD",)).ticket
    for columns in ({"fee": 3}, {"price": 91}, {"fee_vat_rate": 15}, {"fee_vat_code": MIDDLE_RATE}, {"vat_rate": 25}):
        with expect("23B08"), db.transaction():
            update_ticket(db, ticket, price_group=event.price_groups[1])
            update_ticket(db, ticket, **columns)
    assert domain.log_types(db, ticket) == ["NORMAL_SALE"]


def test_an_exchange_pays_the_difference_of_whole_prices(db: Connection) -> None:
    old, new = _dinner(db, 115), make_event(db, prices=(200,), fee=30)
    ticket = sell(db, old.price_group, methods=("CARD",)).ticket
    answer = exchange(db, [ticket], new.price_group, methods=("CARD",))
    assert [row["amount"] for row in answer] == [85]
    assert consistency(db) == {}


# --- Where fees stand -------------------------------------------------------------------------------------------------


def test_x_and_z_put_the_fee_into_a_group_of_its_own(db: Connection) -> None:
    event = _dinner(db, 115, 10, 0)
    domain.make_cash_point(db, 1)
    open_till(db)
    for group in event.price_groups:
        sell(db, group)
    said = {
        row["item_key"]: (row["number"], row["amount"])
        for row in call(db, "x_report", cash_point=1)
        if row["item"] == "ARTICLE_GROUP" and not row["seller"]
    }
    assert said == {"04999 fee": (2, Decimal("22.50")), "04016": (1, 0), "04999 other": (2, Decimal("102.50"))}
    assert consistency(db) == {}
