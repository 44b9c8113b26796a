"""ticket_exchange and change_price_group."""

from decimal import Decimal

import psycopg
import pytest

from tests.conftest import Connection
from tests.support import domain
from tests.support.domain import call, consistency, exchange, expect, log_types, make_event, net_paid, sell


def _lines(db: Connection, answer: list[domain.Row]) -> dict[str, Decimal]:
    (payment,) = {row["payment"] for row in answer}
    return domain.payment_lines(db, payment)


def _pairs(answer: list[domain.Row]) -> list[tuple[int | None, int | None, Decimal]]:
    return [(row["old_ticket"], row["new_ticket"], row["amount"]) for row in answer]


def test_two_for_two_across_events_and_groups_with_the_difference_paid(db: Connection) -> None:
    old_event, new_event = (
        make_event(db, prices=(110,), fee=10),
        make_event(db, prices=(Decimal("155.50"), Decimal("85.50")), fee=Decimal("5.50")),
    )
    domain.make_cash_point(db, 2)
    sale = sell(db, old_event.price_group, 2, seller="kari")
    wanted = {new_event.price_groups[0]: 1, new_event.price_groups[1]: 1}
    answer = exchange(db, sale.tickets, wanted, seller="ola", methods=("CARD",), cash_point=2)
    new = [row["new_ticket"] for row in answer]
    assert _pairs(answer) == [(sale.tickets[0], new[0], Decimal("45.50")), (sale.tickets[1], new[1], Decimal("-24.50"))]
    assert _lines(db, answer) == {"CARD": 21}
    for old, got in zip(sale.tickets, new, strict=True):
        assert log_types(db, old) == ["NORMAL_SALE", "NORMAL_REFUND"]
        assert log_types(db, got) == ["NORMAL_SALE"]
        given, taken = domain.log_rows(db, old)[1], domain.log_rows(db, got)[0]
        assert (given["related_ticket"], taken["related_ticket"]) == (got, old)
        assert given["exchange"] == taken["exchange"] == answer[0]["exchange"]
        assert (given["seller"], taken["seller"], taken["cash_point"]) == ("ola", "ola", 2)
        row = domain.ticket_row(db, got)
        assert (row["purchase"], row["replaces"], row["sale_channel"]) == (sale.purchase, old, "STAND")
    assert (domain.num_sold(db, old_event.ticket_group), domain.num_sold(db, new_event.ticket_group)) == (0, 2)
    assert consistency(db) == {}


def test_the_difference_is_paid_back_as_it_was_paid_unless_told(db: Connection) -> None:
    event = make_event(db, prices=(100, 40))
    split = sell(db, event.price_group, methods=("CASH", "CARD"), amounts=(25, 75))
    assert _lines(db, exchange(db, split.tickets, event.price_groups[1], methods=None)) == {"CASH": -15, "CARD": -45}
    card = sell(db, event.price_group, methods=("CARD",))
    with expect("23B31"):
        exchange(db, card.tickets, event.price_groups[1], methods=("CASH",))
    told = sell(db, event.price_group, methods=("CASH", "VIPPS"), amounts=(40, 60))
    answer = exchange(db, told.tickets, event.price_groups[1], methods=("CASH", "VIPPS"), payment_amounts=[-20, -40])
    assert _lines(db, answer) == {"CASH": -20, "VIPPS": -40}
    assert consistency(db) == {}


def test_an_even_exchange_moves_no_money(db: Connection) -> None:
    event, other = make_event(db), make_event(db)
    sale = sell(db, event.price_group, methods=("CARD",))
    answer = exchange(db, sale.tickets, other.price_group, methods=None)
    assert [row["amount"] for row in answer] == [0]
    assert _lines(db, answer) == {}
    assert consistency(db) == {}


def test_a_surplus_on_either_side_names_the_exchange_alone(db: Connection) -> None:
    event = make_event(db, prices=(100, 300))
    three, one = sell(db, event.price_group, 3), sell(db, event.price_groups[1])
    fewer = exchange(db, three.tickets, event.price_groups[1], methods=None)
    assert [(old, new is not None) for old, new, _ in _pairs(fewer)] == [
        (three.tickets[0], True),
        (three.tickets[1], False),
        (three.tickets[2], False),
    ]
    more = exchange(db, one.tickets, event.price_group, 3, methods=None)
    assert [(old, new is not None) for old, new, _ in _pairs(more)] == [(one.ticket, True), (None, True), (None, True)]
    for answer in (fewer, more):
        assert sum(row["amount"] for row in answer) == 0
        rows = domain.rows(
            db, "select ticket, related_ticket from billig.transaction_log where exchange = %s", answer[0]["exchange"]
        )
        assert len(rows) == 4
        assert sum(row["related_ticket"] is None for row in rows) == 2
    assert domain.ticket_row(db, more[2]["new_ticket"])["purchase"] == one.purchase
    assert consistency(db) == {}


def test_within_a_sold_out_group_the_old_seats_are_free_for_the_new(db: Connection) -> None:
    event = make_event(db, prices=(100, 60), num=2)
    sale = sell(db, event.price_group, 2)
    exchange(db, sale.tickets, event.price_groups[1], 2, methods=None)
    assert domain.num_sold(db, event.ticket_group) == 2
    again = sell(db, make_event(db).price_group)
    with expect("23B01"):
        exchange(db, again.tickets, event.price_group)
    assert log_types(db, again.ticket) == ["NORMAL_SALE"]
    assert consistency(db) == {}


def test_the_order_of_the_old_tickets_is_kept(db: Connection) -> None:
    event = make_event(db, prices=(100, 60))
    first, second = sell(db, event.price_group), sell(db, event.price_group)
    answer = exchange(db, [second.ticket, first.ticket], {event.price_groups[1]: 1, event.price_groups[0]: 1})
    assert [row["old_ticket"] for row in answer] == [second.ticket, first.ticket]
    assert [row["price_group"] for row in answer] == [event.price_groups[1], event.price_groups[0]]
    assert [domain.ticket_row(db, row["new_ticket"])["purchase"] for row in answer] == [second.purchase, first.purchase]
    assert consistency(db) == {}


def test_the_legacy_name_does_the_same_and_shares_request_ids(db: Connection) -> None:
    event = make_event(db, prices=(100, 150))
    sale = sell(db, event.price_group)
    arguments = {
        "old_tickets": sale.tickets,
        "price_groups": [event.price_groups[1]],
        "counts": [1],
        "seller": "kari",
        "payment_methods": ["CASH"],
        "request_id": "x1",
    }
    answer = call(db, "ticket_exchage", **arguments)
    assert [(row["old_ticket"], row["amount"]) for row in answer] == [(sale.ticket, 50)]
    assert call(db, "ticket_exchange", **arguments) == answer
    assert consistency(db) == {}


def test_a_web_ticket_exchanged_at_a_stand_and_a_free_one(db: Connection) -> None:
    event = make_event(db, prices=(100, 0))
    web = net_paid(db, event.price_group)
    (row,) = exchange(db, web.tickets, event.price_groups[1], methods=None)
    assert domain.payment_lines(db, row["payment"]) == {"NET_CARD": -100}
    (row,) = exchange(db, [row["new_ticket"]], event.price_groups[0], methods=("VIPPS",))
    assert domain.payment_lines(db, row["payment"]) == {"VIPPS": 100}
    assert consistency(db) == {}


def test_an_exchange_is_refused_whole(db: Connection) -> None:
    event = make_event(db, prices=(100, 150), ticket_limit=2)
    group, dear = event.price_groups
    sale, gone, used = sell(db, group, 2), sell(db, group), sell(db, group)
    domain.refund(db, gone.tickets)
    domain.update_ticket(db, used.tickets, used="now")
    unpaid, reserved = domain.net(db, group), domain.reserve(db, group)
    for sqlstate, tickets in (
        ("23B10", [*sale.tickets, gone.ticket]),
        ("23B11", [*sale.tickets, used.ticket]),
        ("23B12", [*sale.tickets, unpaid.ticket]),
        ("23B12", [*sale.tickets, reserved.ticket]),
        ("P0002", [*sale.tickets, 404]),
        ("22023", [sale.tickets[0], sale.tickets[0]]),
        ("22023", []),
    ):
        with expect(sqlstate):
            exchange(db, tickets, dear)
    hour_ago = "update billig.event set sale_to = billig.local_time() - interval '1 hour' where event = %s"
    closed, members = make_event(db), make_event(db, membership_needed=True)
    domain.run(db, hour_ago, closed.event)
    for sqlstate, wanted in (
        ("23B02", {closed.price_group: 2}),
        ("23B04", {members.price_group: 2}),
        ("23B05", {dear: 3}),
        ("P0002", {404: 1}),
        ("22023", {dear: 0}),
        ("22023", {}),
    ):
        with expect(sqlstate):
            exchange(db, sale.tickets, wanted)
    for sqlstate, methods, amounts in (
        ("23B06", ("CASH",), [99]),
        ("22023", (), None),
        ("22023", ("CASH", "CARD"), [150, -50]),
        ("22023", ("COWRIES",), None),
    ):
        with expect(sqlstate):
            exchange(db, sale.tickets, {dear: 2}, methods=methods, payment_amounts=amounts)
    assert [log_types(db, t) for t in sale.tickets] == [["NORMAL_SALE"]] * 2
    assert domain.one(db, "select count(*) from billig.exchange") == 0
    assert consistency(db) == {}


# --- Price groups ---------------------------------------------------------------------------------------------------


def _change(db: Connection, tickets: list[int], price_group: int, **arguments: object) -> list[domain.Row]:
    return call(
        db, "change_price_group", **{"tickets": tickets, "price_group": price_group, "seller": "ola", **arguments}
    )


def test_up_is_paid_and_down_is_paid_back(db: Connection) -> None:
    event = make_event(db, prices=(120, 270), fee=20, vat_code=domain.REGULAR_RATE)
    cheap, dear = event.price_groups
    sale = sell(db, cheap, methods=("CARD",))
    up = _change(db, sale.tickets, dear, payment_methods=["CASH"])
    assert [(row["ticket"], row["amount"]) for row in up] == [(sale.ticket, 150)]
    assert _lines(db, up) == {"CASH": 150}
    down = _change(db, sale.tickets, cheap)
    assert [row["amount"] for row in down] == [-150]
    lines = _lines(db, down)  # 120 by card and 150 in cash lie in it
    assert lines == {"CASH": -83, "ROUNDING": Decimal("-0.33"), "CARD": Decimal("-66.67")}
    changes = domain.log_rows(db, sale.ticket)[1:]
    assert [(c["type"], c["amount"], c["vat_amount"], c["fee_amount"], c["seller"]) for c in changes] == [
        ("NORMAL_CHANGE", 150, 30, 0, "ola"),
        ("NORMAL_CHANGE", -150, -30, 0, "ola"),
    ]
    assert domain.refund(db, sale.tickets)[0]["amount"] == -120
    assert domain.money_left(db) == {}
    assert consistency(db) == {}


def test_some_up_and_some_down_pay_for_each_other(db: Connection) -> None:
    event = make_event(db, prices=(100, 40, 70))
    low, high, middle = event.price_groups[1], event.price_groups[0], event.price_groups[2]
    by_card, in_cash, also_cash = (
        sell(db, high, 2, methods=("CARD",)),
        sell(db, low),
        sell(db, high),
    )
    answer = _change(db, [*by_card.tickets, in_cash.ticket], middle)  # -30 -30 +30
    assert _lines(db, answer) == {"CARD": -30}
    domain.refund(db, in_cash.tickets)
    free = sell(db, make_event(db, prices=(0,)).price_group, methods=())
    zero = _change(db, [also_cash.ticket], low)
    assert _lines(db, zero) == {"CASH": -60}
    domain.refund(db, [*by_card.tickets, also_cash.ticket, free.ticket])
    assert domain.one(db, "select sum(amount) from billig.payment_line") == 0
    assert consistency(db) == {}


def test_what_was_paid_for_by_another_ticket_can_still_be_paid_back(db: Connection) -> None:
    event = make_event(db, prices=(0, 100, 50))
    free, dear, middle = event.price_groups
    risen, fallen = sell(db, free, methods=()), sell(db, dear, methods=("CARD",))
    assert _lines(db, _change(db, [risen.ticket, fallen.ticket], middle)) == {}  # +50 -50
    assert domain.refund(db, risen.tickets)[0]["amount"] == -50
    assert domain.refund(db, fallen.tickets)[0]["amount"] == -50
    assert consistency(db) == {}


def test_a_change_of_price_group_is_refused_whole(db: Connection) -> None:
    event = make_event(db, prices=(100, 60))
    old, new = event.price_groups
    sale, gone, web = sell(db, old, 2), sell(db, old), domain.net(db, old)
    domain.refund(db, gone.tickets)
    for sqlstate, tickets, group in (
        ("23B10", [*sale.tickets, gone.ticket], new),
        ("23B12", [*sale.tickets, web.ticket], new),
        ("22023", sale.tickets, old),
        ("23B08", sale.tickets, make_event(db).price_group),
        ("P0002", sale.tickets, 404),
        ("P0002", [404], new),
        ("22023", [], new),
        ("23B04", sale.tickets, domain.add_price_group(db, event.ticket_group, 50, membership_needed=True)),
    ):
        with expect(sqlstate):
            _change(db, tickets, group)
    dearer = domain.add_price_group(db, event.ticket_group, 200)
    with expect("22023"):
        _change(db, sale.tickets, dearer)
    with expect("23B06"):
        _change(db, sale.tickets, dearer, payment_methods=["CASH"], payment_amounts=[100])
    domain.run(db, "update billig.event set vat_code = 3 where event = %s", event.event)
    with expect("23B08"):
        _change(db, sale.tickets, new)
    assert [log_types(db, t) for t in sale.tickets] == [["NORMAL_SALE"]] * 2
    assert consistency(db) == {}


def test_a_used_ticket_changes_price_group_too(db: Connection) -> None:
    event = make_event(db, prices=(100, 60))
    sale = sell(db, event.price_group)
    domain.update_ticket(db, sale.tickets, used="now")
    assert _change(db, sale.tickets, event.price_groups[1])[0]["amount"] == -40
    assert consistency(db) == {}


def leave_ids_in_the_sequences_way(db: Connection, price_group: int, tickets: list[int]) -> None:
    """As clients that choose max + 1 do who are faster than the trigger that moves the sequence."""
    with db.transaction():
        domain.run(db, "set local session_replication_role = replica")
        domain.run(db, "alter table billig.ticket disable trigger aa_follow_client_id")
        purchase = domain.raw_purchase(db)
        for ticket in tickets:
            domain.insert_ticket(db, price_group, purchase, ticket=ticket)
        domain.run(db, "alter table billig.ticket enable always trigger aa_follow_client_id")


def test_ids_that_clients_chose_do_not_break_the_next_exchange(db: Connection) -> None:
    """What was given back and named an id that turned out to be a client's is given back anew, and logged once."""
    event, other = make_event(db, num=5), make_event(db, prices=(150,), num=3)
    sale = sell(db, event.price_group, 2)
    last = sale.tickets[-1]
    chosen = [last + 2, last + 4]
    leave_ids_in_the_sequences_way(db, event.price_group, chosen)
    answer = exchange(db, sale.tickets, other.price_group, 3)
    new = [row["new_ticket"] for row in answer]
    assert len(new) == 3
    assert not set(chosen) & set(new)
    assert [domain.ticket_row(db, old)["replaced_by"] for old in sale.tickets] == new[:2]
    assert [domain.ticket_row(db, each)["replaces"] for each in new] == [*sale.tickets, None]
    for old, its in zip(sale.tickets, new, strict=False):
        assert [row["related_ticket"] for row in domain.log_rows(db, old)] == [None, its]
    assert (domain.num_sold(db, event.ticket_group), domain.num_sold(db, other.ticket_group)) == (2, 3)
    assert domain.one(db, "select count(*) from billig.exchange") == 1
    assert consistency(db) == {}


def test_without_beginning_again_such_an_exchange_fails(db: Connection) -> None:
    """Positive control of the test above: the id that a client chose is met."""
    event = make_event(db)
    sale = sell(db, event.price_group)
    leave_ids_in_the_sequences_way(db, event.price_group, [sale.ticket + 1])
    source = domain.one(db, "select pg_get_functiondef('billig.new_tickets'::regproc)")
    assert "v_constraint <> 'ticket_pkey'" in source
    db.execute(source.replace("v_constraint <> 'ticket_pkey'", "true").encode())
    with pytest.raises(psycopg.errors.UniqueViolation):
        exchange(db, sale.tickets, event.price_group, methods=None)
