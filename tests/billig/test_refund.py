"""refund and undo_last_sale: who may, what goes back, by which method."""

from decimal import Decimal
from typing import Any

from tests.conftest import Connection
from tests.support import domain
from tests.support.domain import (
    call,
    consistency,
    exchange,
    expect,
    log_types,
    make_event,
    net_paid,
    refund,
    reserve,
    sell,
)


def _lines(db: Connection, answer: list[domain.Row]) -> dict[str, Decimal]:
    """How one refund was paid back."""
    (payment,) = {row["payment"] for row in answer}
    return domain.payment_lines(db, payment)


def test_one_ticket_of_many_is_paid_back_fee_and_all(db: Connection) -> None:
    event = make_event(db, prices=(Decimal("112.50"),), fee=Decimal("12.50"), vat_code=domain.REGULAR_RATE)
    domain.make_cash_point(db, 4)
    sale = sell(db, event.price_group, 3)
    answer = refund(db, sale.tickets[1:2], seller="ola", cash_point=4)
    assert [(r["ticket"], r["amount"]) for r in answer] == [(sale.tickets[1], Decimal("-112.50"))]
    assert _lines(db, answer) == {"CASH": -113, "ROUNDING": Decimal("0.50")}
    row = domain.log_rows(db, sale.tickets[1])[1]
    assert (row["type"], row["seller"], row["cash_point"], row["amount"], row["vat_amount"]) == (
        "NORMAL_REFUND",
        "ola",
        4,
        -100,
        -20,
    )
    assert (row["fee_amount"], row["fee_vat_amount"]) == (Decimal("-12.50"), Decimal("-2.50"))
    assert domain.num_sold(db, event.ticket_group) == 2
    assert domain.ticket_row(db, sale.tickets[1])["seller"] == domain.SELLER
    assert consistency(db) == {}


def test_tickets_of_many_purchases_go_back_by_a_payment_for_each_by_the_road_that_it_came(db: Connection) -> None:
    event = make_event(db, prices=(100,))
    cash, card, web = (
        sell(db, event.price_group, 2),
        sell(db, event.price_group, methods=("CARD",)),
        net_paid(db, event.price_group),
    )
    answer = {row["ticket"]: row for row in refund(db, [*cash.tickets, card.ticket, web.ticket])}
    assert answer[cash.tickets[0]]["payment"] == answer[cash.tickets[1]]["payment"]
    for sale, lines in ((cash, {"CASH": -200}), (card, {"CARD": -100}), (web, {"NET_CARD": -100})):
        assert _lines(db, [answer[sale.tickets[0]]]) == lines
        assert domain.rows(
            db,
            "select p.purchase, o.purchase as given_back from billig.payment as p"
            " inner join billig.payment_line as l on p.payment = l.payment"
            " inner join billig.payment as o on l.gives_back = o.payment where p.payment = %s",
            answer[sale.tickets[0]]["payment"],
        ) == [{"purchase": sale.purchase, "given_back": sale.purchase}]
    assert log_types(db, web.ticket)[-1] == "NET_REFUND"  # no cash point: its money went back where it came from
    assert consistency(db) == {}


def test_in_proportion_where_several_methods_paid_to_the_oere(db: Connection) -> None:
    event = make_event(db, prices=(Decimal("100.01"),), fee=Decimal("0.01"))
    amounts = [Decimal(100), Decimal(100), Decimal("100.03")]
    sale = sell(db, event.price_group, 3, methods=("CASH", "CARD", "VIPPS"), amounts=amounts)
    lines = _lines(db, refund(db, sale.tickets[:1]))
    assert sum(lines.values()) == Decimal("-100.01")
    lines["CASH"] += lines.pop("ROUNDING")
    assert all(abs(line + Decimal("33.34")) <= Decimal("0.02") for line in lines.values())
    assert len(lines) == 3
    refund(db, sale.tickets[1:])
    assert domain.money_left(db) == {}  # what came in by each method went out by it
    assert consistency(db) == {}


def test_by_other_methods_when_told(db: Connection) -> None:
    event = make_event(db, prices=(100,))
    sale = sell(db, event.price_group, 3)
    by_bank: dict[str, Any] = {"payment_methods": ["BANK"], "reason": "the drawer is empty"}
    assert _lines(db, refund(db, sale.tickets[:1], **by_bank)) == {"BANK": -100}
    told: dict[str, Any] = {"payment_methods": ["CASH", "BANK"], "payment_amounts": [30, 70]}
    assert _lines(db, refund(db, sale.tickets[1:2], **told, reason="so asked for")) == {"CASH": -30, "BANK": -70}
    for methods in (["BANK"], ["CARD"], ["VIPPS"]):  # not by another road without a reason
        with expect("23B31"):
            refund(db, sale.tickets[2:], payment_methods=methods)
    for methods in (["CARD"], ["NET_CARD"]):  # nor by a terminal or a provider that has taken nothing
        with expect("23B31"):
            refund(db, sale.tickets[2:], payment_methods=methods, reason="so asked for")
    for sqlstate, methods, amounts in (
        ("23B06", ["CASH"], [99]),
        ("23B06", ["CASH", "CARD"], [50, 51]),
        ("22023", ["CASH", "CARD"], [150, -50]),
        ("22023", ["CASH"], [-100]),
        ("22023", ["COWRIES"], None),
        ("22023", ["CASH", "CARD"], None),
        ("22023", [], None),
    ):
        with expect(sqlstate):
            refund(db, sale.tickets[2:], payment_methods=methods, payment_amounts=amounts)
    assert log_types(db, sale.tickets[2]) == ["NORMAL_SALE"]
    assert consistency(db) == {}


def test_a_used_ticket_goes_back_only_knowingly_and_the_log_says_so(db: Connection) -> None:
    event = make_event(db)
    sale = sell(db, event.price_group, 2)
    domain.update_ticket(db, sale.tickets[0], used="now")
    with expect("23B11"):
        refund(db, sale.tickets)
    for reason in (None, ""):
        with expect("22023"):
            refund(db, sale.tickets, override_used=True, reason=reason)
    refund(db, sale.tickets, override_used=True, reason="the concert was stopped")
    assert [domain.log_rows(db, t)[-1]["override_used"] for t in sale.tickets] == [True, False]
    assert domain.rows(db, "select reason, override_used from billig.payment where kind = 'REFUND'") == [
        {"reason": "the concert was stopped", "override_used": True}
    ]
    assert consistency(db) == {}


def test_the_web_pays_back_what_the_web_sold(db: Connection) -> None:
    event = make_event(db)
    web, stand, reserved = net_paid(db, event.price_group), sell(db, event.price_group), reserve(db, event.price_group)
    domain.pay(db, reserved)
    assert _lines(db, refund(db, web.tickets, seller=None)) == {"NET_CARD": -100}
    row = domain.log_rows(db, web.ticket)[-1]
    assert (row["type"], row["seller"], row["cash_point"]) == ("NET_REFUND", None, None)
    for sale in (stand, reserved):
        with expect("23B09"):
            refund(db, sale.tickets, seller=None)
    assert consistency(db) == {}


def test_a_refund_is_refused_whole(db: Connection) -> None:
    event = make_event(db)
    domain.make_cash_point(db, 1)
    good, gone = sell(db, event.price_group, 2), sell(db, event.price_group)
    refund(db, gone.tickets)
    for sqlstate, tickets in (
        ("23B10", [*good.tickets, gone.ticket]),
        ("23B12", [*good.tickets, domain.net(db, event.price_group).ticket]),
        ("23B12", [*good.tickets, reserve(db, event.price_group).ticket]),
        ("P0002", [*good.tickets, 404]),
        ("22023", [None]),
        ("22023", []),
    ):
        with expect(sqlstate):
            call(db, "refund", tickets=tickets, seller="kari")
    for sqlstate, arguments in (
        ("22023", {"seller": ""}),
        ("P0002", {"seller": "kari", "cash_point": 404}),
        ("22023", {"tickets": None, "seller": "kari"}),
        ("22023", {"cash_point": 1}),
    ):
        with expect(sqlstate):
            call(db, "refund", **{"tickets": good.tickets, **arguments})
    assert [log_types(db, t) for t in good.tickets] == [["NORMAL_SALE"]] * 2
    assert len(refund(db, [*good.tickets, *good.tickets])) == 2  # named twice, paid back once
    assert consistency(db) == {}


def test_an_exchanged_ticket_goes_back_by_the_money_that_first_came_in(db: Connection) -> None:
    event = make_event(db, prices=(100, 160))
    even = sell(db, event.price_group, methods=("CARD",))
    (row,) = exchange(db, even.tickets, event.price_group)
    assert _lines(db, refund(db, [row["new_ticket"]])) == {"CARD": -100}

    dearer = sell(db, event.price_group, methods=("CARD",))
    (row,) = exchange(db, dearer.tickets, event.price_groups[1], methods=("CASH",))
    (row,) = exchange(db, [row["new_ticket"]], event.price_groups[1])  # twice removed
    assert _lines(db, refund(db, [row["new_ticket"]])) == {"CARD": -100, "CASH": -60}
    with expect("23B10"):
        refund(db, dearer.tickets)
    assert consistency(db) == {}


def test_price_and_vat_edited_meanwhile_change_no_refund(db: Connection) -> None:
    event = make_event(db, prices=(125,), vat_code=domain.REGULAR_RATE)
    sale = sell(db, event.price_group)
    domain.run(db, "update billig.price_group set price = 1")
    domain.run(db, "insert into books.vat_rate values (3, billig.local_time()::date, 50)")
    domain.run(db, "delete from books.vat_rate where vat_code = 3 and rate = 25")
    domain.run(db, "update billig.project set vat_code = 33")
    assert refund(db, sale.tickets)[0]["amount"] == -125
    row = domain.log_rows(db, sale.ticket)[1]
    assert (row["vat_code"], row["vat_rate"], row["vat_amount"]) == (3, 25, -25)
    assert consistency(db) == {}


def test_a_seller_undoes_the_last_sale_once(db: Connection) -> None:
    event = make_event(db, prices=(100, 60))
    domain.make_cash_point(db, 6)
    first = sell(db, event.price_group, seller="kari")
    last = sell(
        db,
        {event.price_groups[0]: 1, event.price_groups[1]: 1},
        seller="kari",
        methods=("CASH", "CARD"),
        amounts=(60, 100),
        cash_point=6,
    )
    sell(db, event.price_group, seller="ola")
    answer = call(db, "undo_last_sale", seller="kari", reason="the buyer changed his mind")
    assert {r["ticket"]: r["amount"] for r in answer} == dict(zip(last.tickets, [-100, -60], strict=True))
    assert _lines(db, answer) == {"CASH": -60, "CARD": -100}
    row = domain.rows(db, "select kind, reason, seller, cash_point from billig.payment order by payment desc limit 1")
    assert row == [{"kind": "REFUND", "reason": "the buyer changed his mind", "seller": "kari", "cash_point": 6}]
    with expect("23B18"):
        call(db, "undo_last_sale", seller="kari")  # the sale before is not the last one
    assert log_types(db, first.ticket) == ["NORMAL_SALE"]
    assert consistency(db) == {}


def test_there_is_nothing_to_undo_after_the_tickets_went_on(db: Connection) -> None:
    event = make_event(db, prices=(100, 60))
    with expect("23B18"):
        call(db, "undo_last_sale", seller="nobody")
    with expect("22023"):
        call(db, "undo_last_sale", seller=None)
    sale = sell(db, event.price_group, 2)
    refund(db, sale.tickets[:1])
    with expect("23B18"):
        call(db, "undo_last_sale", seller=domain.SELLER)
    changed = sell(db, event.price_group)
    call(db, "change_price_group", tickets=changed.tickets, price_group=event.price_groups[1], seller="ola")
    with expect("23B18"):
        call(db, "undo_last_sale", seller=domain.SELLER)
    used = sell(db, event.price_group)
    domain.update_ticket(db, used.tickets, used="now")
    with expect("23B11"):
        call(db, "undo_last_sale", seller=domain.SELLER)
    paid = reserve(db, event.price_group, seller="ola")
    domain.pay(db, paid)  # taking payment for another's reservation is a sale of one's own
    assert [r["ticket"] for r in call(db, "undo_last_sale", seller=domain.SELLER)] == paid.tickets
    assert consistency(db) == {}
