"""Web sales: paid, paid too late, aborted, timed out, and the race between the last two."""

from decimal import Decimal

from tests.conftest import Connection
from tests.support import domain
from tests.support.domain import Sale, call, confirm, consistency, expect, log_types, make_event, net, sell


def _expire(db: Connection) -> list[domain.Row]:
    """Twenty minutes pass."""
    domain.run(db, "update billig.sale_channel set hold_for = '-1 second' where sale_channel = 'NET'")
    gone = call(db, "expire_net_sales")
    domain.run(db, "update billig.sale_channel set hold_for = '20 minutes' where sale_channel = 'NET'")
    return gone


def _confirm(
    db: Connection, purchase: int, amount: Decimal | int, reference: str = "r", **more: object
) -> list[domain.Row]:
    return call(db, "confirm_net_payment", purchase=purchase, amount=amount, provider_reference=reference, **more)


def test_the_provider_says_ok_and_says_it_again(db: Connection) -> None:
    event = make_event(db, prices=(Decimal("107.50"),), fee=Decimal("7.50"))
    sale = net(db, event.price_group, 2)
    answer = confirm(db, sale, reference="abc")
    assert answer == [
        {"result": "PAID", "ticket": t, "replaces": None, "amount": Decimal("107.50")} for t in sale.tickets
    ]
    size = domain.log_size(db)
    assert confirm(db, sale, reference="abc") == answer
    assert domain.log_size(db) == size
    assert log_types(db, sale.tickets[0]) == ["NET_SALE", "NET_PAID"]
    paid = domain.log_rows(db, sale.tickets[0])[1]
    assert paid["seller"] is None
    assert domain.payment_lines(db, paid["payment"]) == {"NET_CARD": Decimal(215)}
    assert consistency(db) == {}


def test_the_amount_and_the_reference_must_be_right(db: Connection) -> None:
    event = make_event(db)
    sale, other = net(db, event.price_group), net(db, event.price_group)
    for amount in (0, -100, Decimal("100.001"), Decimal("NaN")):
        with expect("23B06"):
            _confirm(db, sale.purchase, amount)
    with expect("22023"):
        _confirm(db, sale.purchase, 100, "")
    with expect("22023"):
        call(db, "confirm_net_payment", purchase=sale.purchase, amount=None, provider_reference="r")
    with expect("22023"):
        _confirm(db, sale.purchase, 100, payment_method="COWRIES")
    assert log_types(db, sale.ticket) == ["NET_SALE"]

    _confirm(db, sale.purchase, 100, "r")
    with expect("23B19"):
        _confirm(db, other.purchase, 100, "r")  # another purchase
    with expect("23B19"):
        _confirm(db, sale.purchase, 101, "r")  # another amount
    assert log_types(db, other.ticket) == ["NET_SALE"]


def test_money_that_comes_late_buys_the_same_again_while_it_is_free(db: Connection) -> None:
    event = make_event(db, prices=(100,), num=2, vat_code=domain.REGULAR_RATE)
    sale = net(db, event.price_group, 2)
    assert {row["ticket"] for row in _expire(db)} == set(sale.tickets)
    domain.run(db, "update billig.price_group set price = 900")  # the price as sold counts
    domain.run(db, "insert into books.vat_rate values (3, current_date - 1, 50)")

    answer = confirm(db, sale, reference="late")
    assert [(r["result"], r["replaces"], r["amount"]) for r in answer] == [("RESOLD", t, 100) for t in sale.tickets]
    assert confirm(db, sale, reference="late") == answer
    assert [log_types(db, t) for t in sale.tickets] == [["NET_SALE", "NET_TIMEOUT"]] * 2
    for row in answer:
        assert log_types(db, row["ticket"]) == ["NET_SALE", "NET_PAID"]
        assert domain.log_rows(db, row["ticket"])[1]["vat_amount"] == 20
        assert domain.ticket_row(db, row["ticket"])["purchase"] == sale.purchase
    assert domain.num_sold(db, event.ticket_group) == 2
    assert [r["result"] for r in confirm(db, sale, reference="and again")] == ["OWED"]
    assert consistency(db) == {}


def _owed(db: Connection) -> list[tuple[int, Decimal, str]]:
    return [
        (r["purchase"], r["amount"], r["provider_reference"])
        for r in domain.rows(db, "select * from billig.owed_back where settled_at is null order by owed_back")
    ]


def test_money_that_comes_late_for_what_is_taken_is_owed_back(db: Connection) -> None:
    event = make_event(db, prices=(100,), num=2)
    sale = net(db, event.price_group, 2)
    _expire(db)
    sell(db, event.price_group)  # one is left: not enough, and half a purchase is none
    answer = confirm(db, sale, reference="late")
    assert answer == [{"result": "OWED", "ticket": None, "replaces": None, "amount": Decimal(200)}]
    assert confirm(db, sale, reference="late") == answer
    assert _owed(db) == [(sale.purchase, Decimal(200), "late")]
    with expect("23B19"):
        confirm(db, net(db, event.price_group), reference="late")
    assert domain.num_sold(db, event.ticket_group) == 2
    assert consistency(db) == {}

    owed_back = domain.one(db, "select owed_back from billig.owed_back")
    with expect("22023"):
        call(db, "settle_owed_back", owed_back=owed_back, reference="")
    with expect("P0002"):
        call(db, "settle_owed_back", owed_back=owed_back + 1, reference="paid back")
    assert call(db, "settle_owed_back", owed_back=owed_back, reference="paid back") == [{"settle_owed_back": owed_back}]
    assert call(db, "settle_owed_back", owed_back=owed_back, reference="paid back") == [{"settle_owed_back": owed_back}]
    assert _owed(db) == []
    assert domain.one(db, "select settled_by = session_user from billig.owed_back") is True
    with expect("23B12"):
        call(db, "settle_owed_back", owed_back=owed_back, reference="paid back twice")


def test_money_that_comes_after_the_event_began_is_owed_back(db: Connection) -> None:
    event = make_event(db)
    sale = net(db, event.price_group)
    _expire(db)
    domain.run(db, "update billig.event set event_time = billig.local_time()")
    assert [r["result"] for r in confirm(db, sale, reference="late")] == ["OWED"]
    assert _owed(db) == [(sale.purchase, Decimal(100), "late")]
    # while what is still held is paid for as ever: the buyer stood in the queue
    held = net(db, event.price_group)
    assert [r["result"] for r in confirm(db, held)] == ["PAID"]
    assert consistency(db) == {}


def _partly_expired(db: Connection, num: int) -> tuple[Sale, int]:
    """A purchase of two tickets at 100 and 60, of which the first has timed out."""
    event = make_event(db, prices=(100, 60), num=num)
    sale = net(db, {event.price_groups[0]: 1, event.price_groups[1]: 1})
    domain.update_ticket(db, sale.tickets[0], refunded="now")
    assert log_types(db, sale.tickets[0]) == ["NET_SALE", "NET_TIMEOUT"]
    return sale, event.price_groups[0]


def test_a_purchase_that_timed_out_in_part_is_paid_in_part_or_whole(db: Connection) -> None:
    whole, _ = _partly_expired(db, 10)
    answer = _confirm(db, whole.purchase, 160, "whole")
    assert [(r["result"], r["replaces"]) for r in sorted(answer, key=lambda r: r["amount"])] == [
        ("PAID", None),
        ("RESOLD", whole.tickets[0]),
    ]

    part, _ = _partly_expired(db, 10)
    assert [(r["result"], r["ticket"]) for r in _confirm(db, part.purchase, 60, "part")] == [("PAID", part.tickets[1])]

    taken, price_group = _partly_expired(db, 2)
    sell(db, price_group)
    answer = _confirm(db, taken.purchase, 160, "taken")
    assert {(r["result"], r["ticket"], r["amount"]) for r in answer} == {
        ("PAID", taken.tickets[1], Decimal(60)),
        ("OWED", None, Decimal(100)),
    }
    assert _confirm(db, taken.purchase, 160, "taken") == answer
    assert _owed(db) == [(taken.purchase, Decimal(100), "taken")]

    odd, _ = _partly_expired(db, 10)
    assert [(r["result"], r["amount"]) for r in _confirm(db, odd.purchase, 100, "odd")] == [("PAID", 60), ("OWED", 40)]
    more, _ = _partly_expired(db, 10)
    answer = _confirm(db, more.purchase, 161, "more")
    assert {(r["result"], r["amount"]) for r in answer} == {("PAID", 60), ("RESOLD", 100), ("OWED", 1)}
    assert consistency(db) == {}


def test_free_tickets_that_are_gone_leave_nothing_to_owe(db: Connection) -> None:
    event = make_event(db, prices=(0,), num=1)
    sale = net(db, event.price_group)
    _expire(db)
    rival = net(db, event.price_group)
    with expect("23B01"):
        _confirm(db, sale.purchase, 0)
    assert [r["result"] for r in _confirm(db, rival.purchase, 0)] == ["PAID"]
    assert consistency(db) == {}


def test_an_aborted_purchase_lets_its_tickets_go_once(db: Connection) -> None:
    event = make_event(db)
    sale = net(db, event.price_group, 2)
    assert {r["ticket"] for r in call(db, "abort_purchase", purchase=sale.purchase)} == set(sale.tickets)
    assert call(db, "abort_purchase", purchase=sale.purchase) == []
    assert log_types(db, sale.tickets[0]) == ["NET_SALE", "NET_TIMEOUT"]
    assert domain.log_rows(db, sale.tickets[0])[1]["seller"] is None
    assert domain.num_sold(db, event.ticket_group) == 0
    for other in (
        domain.net_paid(db, event.price_group),
        sell(db, event.price_group),
        domain.reserve(db, event.price_group),
    ):
        with expect("23B12"):
            call(db, "abort_purchase", purchase=other.purchase)
    with expect("P0002"):
        call(db, "abort_purchase", purchase=404)
    assert consistency(db) == {}


def test_only_unpaid_web_sales_that_were_held_too_long_time_out(db: Connection) -> None:
    event = make_event(db)
    unpaid = net(db, event.price_group, 3)
    kept = [domain.net_paid(db, event.price_group), domain.reserve(db, event.price_group), sell(db, event.price_group)]
    assert call(db, "expire_net_sales") == []  # not yet
    domain.run(db, "update billig.sale_channel set hold_for = '-1 second' where sale_channel = 'NET'")
    assert len(call(db, "expire_net_sales", limit=2)) == 2
    assert len(call(db, "expire_net_sales", limit=2)) == 1
    assert call(db, "expire_net_sales") == []
    assert {tuple(log_types(db, t)) for t in unpaid.tickets} == {("NET_SALE", "NET_TIMEOUT")}
    assert domain.num_sold(db, event.ticket_group) == sum(len(s.tickets) for s in kept)
    assert consistency(db) == {}


def test_consistency_finds_web_sales_that_nobody_lets_go(db: Connection) -> None:
    sale = net(db, make_event(db).price_group)
    domain.run(db, "update billig.sale_channel set hold_for = '-16 minutes' where sale_channel = 'NET'")
    assert [r["ticket"] for r in consistency(db)["overlong_unpaid"]] == sale.tickets


def test_a_failed_payment_is_handed_over_to_the_page_that_tells_the_buyer(db: Connection) -> None:
    event = make_event(db, prices=(100, 50))
    first, second = event.price_groups

    def record(**arguments: object) -> list[domain.Row]:
        return call(
            db, "record_payment_error", **{"error": "e1", "message": "declined", "owner_email": "a@b.no", **arguments}
        )

    def handed_over() -> list[tuple[int, int]]:
        return [
            (r["price_group"], r["number_of_tickets"])
            for r in domain.rows(db, "select * from billig.payment_error_price_group order by price_group")
        ]

    key = record(price_groups=[first, second], counts=[2, 1])[0]["record_payment_error"]
    assert handed_over() == [(first, 2), (second, 1)]
    again = record(message="declined again", price_groups=[second], counts=[4])  # the same reference replaces it
    assert again == [{"record_payment_error": key}], "the link that the buyer has still leads there"
    assert handed_over() == [(second, 4)]
    row = domain.rows(db, "select * from billig.payment_error")[0]
    assert (row["error"], row["message"], row["owner_email"]) == ("e1", "declined again", "a@b.no")
    record(error="e2")
    for wrong in (
        {"error": ""},
        {"error": None},
        {"message": None},
        {"price_groups": [first], "counts": [1, 2]},
        {"price_groups": [first]},
        {"price_groups": [first], "counts": [0]},
        {"price_groups": [first], "counts": [-1]},
    ):
        with expect("22023"):
            record(**wrong)
    with expect("23503", native=True):
        record(price_groups=[404], counts=[1])
    with expect("22023"):
        record(price_groups=[first, first], counts=[1, 1])
    assert handed_over() == [(second, 4)]
