"""Receipts: lines, VAT by rate, payments; every print counted."""

from decimal import Decimal

from tests.conftest import Connection
from tests.support import domain
from tests.support.domain import Row, call, confirm, consistency, exchange, expect, make_event, net, refund, sell


def _section(receipt: list[Row], name: str) -> list[Row]:
    return [row for row in receipt if row["section"] == name]


def _receipt(db: Connection, payment: int | None = None, purchase: int | None = None) -> list[Row]:
    receipt = call(db, "receipt", payment=payment, purchase=purchase, language="en")
    assert [row["line"] for row in receipt] == list(range(1, len(receipt) + 1))
    assert len(_section(receipt, "TOTAL")) == 1
    total = _section(receipt, "TOTAL")[0]
    for section in ("LINE", "VAT"):
        assert sum(row["amount"] for row in _section(receipt, section)) == total["amount"]
    rounding = sum(row["amount"] for row in _section(receipt, "ROUNDING"))
    assert sum(row["amount"] for row in _section(receipt, "PAYMENT")) == total["amount"] + rounding
    assert sum(row["vat_amount"] for row in _section(receipt, "VAT")) == total["vat_amount"]
    return receipt


def test_a_receipt_shows_tickets_fees_vat_by_rate_and_payments(db: Connection) -> None:
    prices = (Decimal("127.50"), Decimal("92.50"))
    event = make_event(db, prices=prices, fee=Decimal("12.50"), vat_code=31, fee_vat_code=3)
    other = make_event(db, prices=(60,))
    domain.make_cash_point(db, 9)
    sale = sell(
        db,
        {event.price_groups[0]: 2, event.price_groups[1]: 1, other.price_group: 1},
        methods=("CASH", "CARD"),
        amounts=(Decimal("7.50"), Decimal("400.00")),
        cash_point=9,
        seller="ola",
    )
    receipt = _receipt(db, sale.payment)
    assert {(r["payment"], r["receipt_number"], r["seller"], r["cash_point"]) for r in receipt} == {
        (sale.payment, 1, "ola", 9)
    }
    fees = [r for r in _section(receipt, "LINE") if r["description"].startswith("Fee")]
    lines = [r for r in _section(receipt, "LINE") if r not in fees]
    assert sorted((r["quantity"], r["unit_price"], r["amount"], r["vat_rate"], r["vat_amount"]) for r in lines) == [
        (1, 60, 60, 0, 0),
        (1, 80, 80, 15, Decimal("10.43")),
        (2, 115, 230, 15, 30),
    ]
    assert [(r["quantity"], r["unit_price"], r["vat_rate"], r["vat_amount"]) for r in fees] == [
        (3, Decimal("12.50"), 25, Decimal("7.50"))
    ]
    assert {r["vat_rate"]: (r["amount"], r["vat_amount"]) for r in _section(receipt, "VAT")} == {
        Decimal(0): (60, 0),
        Decimal(15): (310, Decimal("40.43")),
        Decimal(25): (Decimal("37.50"), Decimal("7.50")),
    }
    assert {r["description"]: r["amount"] for r in _section(receipt, "PAYMENT")} == {
        "Cash": 8,
        "Card": 400,
    }
    assert [r["amount"] for r in _section(receipt, "ROUNDING")] == [Decimal("0.50")]
    assert [(r["quantity"], r["amount"]) for r in _section(receipt, "TOTAL")] == [(4, Decimal("407.50"))]


def test_the_first_print_is_the_original_and_the_rest_are_counted_copies(db: Connection) -> None:
    sale = sell(db, make_event(db).price_group)
    prints = [_receipt(db, sale.payment), _receipt(db, purchase=sale.purchase), _receipt(db, sale.payment)]
    assert [{(r["print_number"], r["is_copy"]) for r in receipt} for receipt in prints] == [
        {(1, False)},
        {(2, True)},
        {(3, True)},
    ]
    assert [[r["description"] for r in _section(receipt, "COPY")] for receipt in prints] == [[]] + [["KOPI (copy)"]] * 2
    prints = [[r for r in receipt if r["section"] != "COPY"] for receipt in prints]
    strip = {"print_number", "is_copy", "line"}
    assert len({str([{k: v for k, v in r.items() if k not in strip} for r in receipt]) for receipt in prints}) == 1
    assert domain.one(db, "select count(*) from billig.receipt_print where payment = %s", sale.payment) == 3


def test_refunds_exchanges_and_changes_have_receipts_too(db: Connection) -> None:
    event = make_event(db, prices=(125, 100), vat_code=3)
    sale = sell(db, event.price_group, 3)
    back = refund(db, sale.tickets[:1])
    assert [
        (r["quantity"], r["amount"], r["vat_amount"]) for r in _section(_receipt(db, back[0]["payment"]), "TOTAL")
    ] == [(1, -125, -25)]
    swapped = exchange(db, sale.tickets[1:2], event.price_groups[1], methods=None)
    receipt = _receipt(db, swapped[0]["payment"])
    assert sorted(r["amount"] for r in _section(receipt, "LINE")) == [-125, 100]
    assert [(r["description"], r["amount"]) for r in _section(receipt, "PAYMENT")] == [("Cash", -25)]
    changed = call(db, "change_price_group", tickets=sale.tickets[2:], price_group=event.price_groups[1], seller="kari")
    assert [r["vat_amount"] for r in _section(_receipt(db, changed[0]["payment"]), "TOTAL")] == [-5]
    assert consistency(db) == {}


def test_free_tickets_have_a_receipt_and_what_is_not_paid_has_none(db: Connection) -> None:
    event = make_event(db, prices=(0, 100))
    free = sell(db, event.price_group, 2, methods=())
    receipt = _receipt(db, free.payment)
    assert [(r["quantity"], r["amount"]) for r in _section(receipt, "LINE")] == [(2, 0)]
    assert _section(receipt, "PAYMENT") == []

    web = net(db, event.price_groups[1])
    for payment, purchase in ((None, web.purchase), (404, None), (None, 404)):
        with expect("P0002"):
            call(db, "receipt", payment=payment, purchase=purchase)
    confirm(db, web)
    assert [r["amount"] for r in _section(_receipt(db, purchase=web.purchase), "TOTAL")] == [100]


def test_money_that_bought_nothing_has_no_receipt(db: Connection) -> None:
    event = make_event(db)
    sale = net(db, event.price_group)
    call(db, "abort_purchase", purchase=sale.purchase)
    domain.run(db, "update billig.event set event_time = billig.local_time()")
    assert [r["result"] for r in confirm(db, sale)] == ["OWED"]
    with expect("P0002"):
        call(db, "receipt", payment=None, purchase=sale.purchase)


def test_a_copy_says_what_the_original_said_whatever_was_renamed_since(db: Connection) -> None:
    event = make_event(db, fee=10)
    sale = sell(db, event.price_group, 2)
    original = _receipt(db, sale.payment)
    domain.run(db, "update billig.event set event_name = 'Another evening' where event = %s", event.event)
    domain.run(db, "update billig.price_group set price_group_name = 'Other' where price_group = %s", event.price_group)
    told = ("section", "description", "quantity", "amount")
    copy = _receipt(db, sale.payment)
    assert copy[0]["is_copy"]
    assert copy.pop(1)["section"] == "COPY"
    assert [[row[name] for name in told] for row in copy] == [[row[name] for name in told] for row in original]
    assert "Another evening" not in str(copy)
    later = _section(_receipt(db, sell(db, event.price_group).payment), "LINE")
    assert [row["description"] for row in later] == ["Another evening, Other", "Fee, Another evening"]
    refunded = _section(_receipt(db, refund(db, sale.tickets)[0]["payment"]), "LINE")
    assert {row["description"] for row in refunded} == {row["description"] for row in _section(original, "LINE")}
