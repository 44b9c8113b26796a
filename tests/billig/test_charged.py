"""Web money that was charged and is not what was to be paid: recorded, whatever it is, and owed back or used."""

from decimal import Decimal
from typing import Any

import pytest

from tests.conftest import Connect, Connection
from tests.support import domain
from tests.support.domain import Event, Row, call, consistency, expect, log_types, make_event, net, one, rows, run
from tests.support.waits import impatient


@pytest.fixture
def event(db: Connection) -> Event:
    return make_event(db, prices=(100,))


def charge(db: Connection, purchase: int | None, amount: Decimal | int, reference: str, **more: object) -> list[Row]:
    return call(db, "confirm_net_payment", purchase=purchase, amount=amount, provider_reference=reference, **more)


def results(answer: list[Row]) -> list[tuple[object, ...]]:
    return [(row["result"], row["amount"]) for row in answer]


def owed(db: Connection) -> list[tuple[object, ...]]:
    return [
        (row["provider_reference"], row["kind"], row["state"], row["amount"])
        for row in rows(db, "select * from report.owed_back order by owed_back")
    ]


def settle(db: Connection, reference: str, by: str) -> None:
    key = one(db, "select owed_back from billig.owed_back where provider_reference = %s", reference)
    call(db, "settle_owed_back", owed_back=key, reference=by)


def given_back(db: Connection) -> list[tuple[Any, ...]]:
    """What goes back, by the reference it came by."""
    return [
        tuple(row.values())
        for row in rows(
            db,
            "select o.provider_reference as reference, sum(l.amount) as amount from billig.payment_line as l"
            " inner join billig.payment as o on l.gives_back = o.payment group by 1 order by 1",
        )
    ]


def test_a_second_payment_of_a_paid_purchase_is_owed_back(db: Connection, event: Event) -> None:
    sale = net(db, event.price_group, 2)
    assert results(charge(db, sale.purchase, 200, "first")) == [("PAID", 100), ("PAID", 100)]
    again = charge(db, sale.purchase, 200, "second", payment_method="VIPPS")
    assert again == [{"result": "OWED", "ticket": None, "replaces": None, "amount": Decimal(200)}]
    assert charge(db, sale.purchase, 200, "second") == again, "the same reference is the same payment"
    assert owed(db) == [("second", "SURPLUS", "OWED", 200)]
    with expect("23B19"):
        charge(db, sale.purchase, 199, "second")
    with expect("23B19"):
        charge(db, net(db, event.price_group).purchase, 200, "second")
    settle(db, "second", "re_1")
    assert owed(db) == [("second", "SURPLUS", "PAID_BACK", 200)]
    assert charge(db, sale.purchase, 200, "second") == again, "and gets the first answer, whatever became of it"
    assert log_types(db, sale.tickets[0]) == ["NET_SALE", "NET_PAID"]
    assert consistency(db) == {}


def test_too_much_pays_the_tickets_and_the_rest_is_owed_back(db: Connection, event: Event) -> None:
    sale = net(db, event.price_group, 2)
    answer = charge(db, sale.purchase, Decimal("250.50"), "much")
    assert results(answer) == [("PAID", 100), ("PAID", 100), ("OWED", Decimal("50.50"))]
    assert charge(db, sale.purchase, Decimal("250.50"), "much") == answer
    assert owed(db) == [("much", "SURPLUS", "OWED", Decimal("50.50"))]
    parts = rows(db, "select ticket, amount from billig.owed_back_part order by ticket")
    assert parts == [{"ticket": t, "amount": Decimal("25.25")} for t in sale.tickets]
    call(db, "refund", tickets=sale.tickets, seller=None)
    assert given_back(db) == [("much", -200)], "the surplus is not the tickets'"
    assert consistency(db) == {}


def test_money_for_a_purchase_that_is_no_web_sale_is_owed_back(db: Connection, event: Event) -> None:
    for sale in (domain.sell(db, event.price_group), domain.reserve(db, event.price_group)):
        assert results(charge(db, sale.purchase, 100, f"p{sale.purchase}")) == [("OWED", 100)]
    assert [row[1:] for row in owed(db)] == [("SURPLUS", "OWED", 100)] * 2
    assert consistency(db) == {}


def test_money_for_no_purchase_is_recorded_all_the_same(db: Connection) -> None:
    empty = one(db, "insert into billig.purchase default values returning purchase")
    for purchase, reference in ((404, "a"), (None, "b"), (empty, "c")):
        answer = charge(db, purchase, 70, reference)
        assert results(answer) == [("OWED", 70)]
        assert charge(db, purchase, 70, reference) == answer
        with expect("23B19"):
            charge(db, 405, 70, reference)
    assert owed(db) == [(name, "UNKNOWN", "OWED", 70) for name in "abc"]
    assert [row["purchase"] for row in rows(db, "select purchase from report.owed_back order by owed_back")] == [
        404, None, empty,
    ]  # fmt: skip
    open_items = rows(db, "select event, event_name, owed_back_amount from report.open_items")
    assert open_items == [{"event": None, "event_name": None, "owed_back_amount": 210}]
    for name in "abc":
        settle(db, name, f"re_{name}")
    assert one(db, "select owed_back_amount from report.open_items where next_posting_date is null") == 0
    assert consistency(db) == {}


def test_what_is_no_money_is_refused(db: Connection, event: Event) -> None:
    sale = net(db, event.price_group)
    for amount in (0, -100, Decimal("100.001"), Decimal("NaN"), Decimal("1e10")):
        with expect("23B06"):
            charge(db, sale.purchase, amount, "r")
        with expect("23B06"):
            charge(db, 404, amount, "r")
    for method in ("CASH", "ROUNDING", "HELD", "COWRIES"):
        with expect("22023"):
            charge(db, sale.purchase, 100, "r", payment_method=method)
    assert owed(db) == []
    assert log_types(db, sale.ticket) == ["NET_SALE"]


def test_a_part_payment_waits_for_the_rest(db: Connection, event: Event) -> None:
    sale = net(db, event.price_group)
    part = charge(db, sale.purchase, 60, "part")
    assert part == [{"result": "PART", "ticket": None, "replaces": None, "amount": Decimal(60)}]
    assert owed(db) == [("part", "PART", "HELD", 60)]
    assert log_types(db, sale.ticket) == ["NET_SALE"], "nothing is paid yet"
    with expect("23B38"):
        settle(db, "part", "re_1")
    rest = charge(db, sale.purchase, 40, "rest")
    assert results(rest) == [("PAID", 100)]
    assert charge(db, sale.purchase, 40, "rest") == rest
    assert charge(db, sale.purchase, 60, "part") == part, "the first answer"
    assert owed(db) == [("part", "PART", "USED", 60)]
    with expect("23B12"):
        settle(db, "part", "re_1")
    assert domain.payment_lines(db, one(db, "select payment from billig.ticket")) == {"NET_CARD": 40, "HELD": 60}
    items = rows(db, "select * from report.open_items")
    assert [(row["paid_amount"], row["receivable_amount"], row["owed_back_amount"]) for row in items] == [(100, 0, 0)]
    assert consistency(db) == {}


def test_each_krone_of_tickets_paid_in_parts_goes_back_by_its_own_reference(db: Connection, event: Event) -> None:
    sale = net(db, event.price_group, 3)
    assert results(charge(db, sale.purchase, 130, "a")) == [("PART", 130)]
    assert results(charge(db, sale.purchase, 70, "b", payment_method="VIPPS")) == [("PART", 70)]
    assert results(charge(db, sale.purchase, 120, "c")) == [("PAID", 100)] * 3 + [("OWED", 20)]
    call(db, "refund", tickets=[sale.tickets[0]], seller=None)
    assert sum(amount for _, amount in given_back(db)) == -100
    call(db, "record_chargeback", dispute_reference="dp", provider_reference="a", amount=10)
    assert consistency(db) == {}
    call(db, "record_chargeback_won", dispute_reference="dp")
    run(db, "update billig.ticket set refunded = now(), refunder = 'kari' where ticket = %s", sale.tickets[1])
    call(db, "refund", tickets=[sale.tickets[2]], seller=None)
    assert given_back(db) == [("a", -130), ("b", -70), ("c", -100)]
    lines = one(db, "select sum(amount) from billig.payment_line where payment_method in (7, 6)")
    assert lines == 100 - 300, "what came in later, less all that went back: the rest came before, as owed back"
    assert consistency(db) == {}


def test_a_part_payment_is_owed_back_whole_when_the_hold_ends(db: Connection, event: Event) -> None:
    sale = net(db, event.price_group)
    charge(db, sale.purchase, 60, "part")
    call(db, "abort_purchase", purchase=sale.purchase)
    assert owed(db) == [("part", "PART", "OWED", 60)]
    assert results(charge(db, sale.purchase, 40, "rest")) == [("OWED", 40)], "the rest came too late"
    assert results(charge(db, sale.purchase, 100, "whole")) == [("RESOLD", 100)], "sold anew for the whole of it"
    assert owed(db) == [("part", "PART", "OWED", 60), ("rest", "LATE", "OWED", 40)]
    settle(db, "part", "re_1")
    assert consistency(db) == {}


def test_one_payment_of_the_whole_leaves_the_part_owed_back(db: Connection, event: Event) -> None:
    sale = net(db, event.price_group)
    charge(db, sale.purchase, 60, "part")
    assert results(charge(db, sale.purchase, 100, "whole")) == [("PAID", 100)]
    assert owed(db) == [("part", "PART", "OWED", 60)]
    assert consistency(db) == {}


def test_too_much_too_late_buys_the_same_again_and_the_rest_is_owed_back(db: Connection) -> None:
    event = make_event(db, prices=(100,), num=2)
    free, taken = net(db, event.price_group), net(db, event.price_group)
    for sale in (free, taken):
        call(db, "abort_purchase", purchase=sale.purchase)
    assert results(charge(db, free.purchase, 130, "free")) == [("RESOLD", 100), ("OWED", 30)]
    domain.sell(db, event.price_group)
    assert results(charge(db, taken.purchase, 130, "taken")) == [("OWED", 130)]
    assert owed(db) == [("free", "SURPLUS", "OWED", 30), ("taken", "LATE", "OWED", 130)]
    assert consistency(db) == {}


def test_a_dispute_of_a_part_that_tickets_were_paid_with_takes_from_them(db: Connection, event: Event) -> None:
    sale = net(db, event.price_group)
    charge(db, sale.purchase, 60, "part")
    with expect("23B12") as refusal:
        call(db, "record_chargeback", dispute_reference="dp", provider_reference="part")
    assert "settle_owed_back" in str(refusal.value.diag.message_hint)
    charge(db, sale.purchase, 40, "rest")
    taken = call(db, "record_chargeback", dispute_reference="dp", provider_reference="part")
    assert [(row["ticket"], row["amount"]) for row in taken] == [(sale.ticket, -60)]
    with expect("23B31"):
        call(db, "record_chargeback", dispute_reference="dp 2", provider_reference="part")
    call(db, "refund", tickets=[sale.ticket], seller=None)
    assert given_back(db) == [("part", -60), ("rest", -40)]
    assert consistency(db) == {}


def test_an_exchange_carries_each_part_under_its_reference(db: Connection, event: Event) -> None:
    sale = net(db, event.price_group)
    charge(db, sale.purchase, 60, "part")
    charge(db, sale.purchase, 40, "rest")
    dearer = make_event(db, prices=(150,))
    (row,) = domain.exchange(db, sale.tickets, dearer.price_group, methods=["CARD"])
    call(db, "refund", tickets=[row["new_ticket"]], seller=domain.SELLER)
    assert given_back(db)[:2] == [("part", -60), ("rest", -40)]
    assert consistency(db) == {}


def test_the_rest_and_the_end_of_the_hold_at_once_do_one_of_the_two(db: Connection, connect: Connect) -> None:
    """Whoever is first has the purchase: money is never both used and paid back."""
    event = make_event(db, prices=(100,))
    for first in ("rest", "settle"):
        sale = net(db, event.price_group)
        charge(db, sale.purchase, 60, f"part {first}")
        with connect(autocommit=False) as one_, connect() as other:
            if first == "rest":
                charge(one_, sale.purchase, 40, f"rest {first}")
            else:
                call(one_, "abort_purchase", purchase=sale.purchase)
                settle(one_, f"part {first}", "re")
            with impatient(db):
                with expect("55P03", native=True):
                    settle(other, f"part {first}", "re 2")
                with expect("55P03", native=True):
                    charge(other, sale.purchase, 40, f"rest 2 {first}")
            one_.commit()
            with expect("23B12"):
                settle(other, f"part {first}", "re 2")
            assert results(charge(other, sale.purchase, 40, f"rest 2 {first}")) == [("OWED", 40)]
    assert consistency(db) == {}
