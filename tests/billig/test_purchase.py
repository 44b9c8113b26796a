"""create_purchase: what is sold, on which channel, and every reason to refuse."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from tests.conftest import Connection
from tests.support import domain
from tests.support.domain import call, consistency, create_purchase, expect, log_types, make_event, net, reserve, sell


def test_a_stand_sale_is_paid_at_once_and_answers_one_row_a_ticket(db: Connection) -> None:
    event = make_event(db, prices=(Decimal("112.50"), Decimal("72.50")), fee=Decimal("12.50"))
    domain.make_cash_point(db, 7)
    sale = sell(db, {event.price_groups[0]: 2, event.price_groups[1]: 1}, cash_point=7, seller="ola")
    assert [(r["price_group"], r["price"], r["fee"]) for r in sale.rows] == [
        (event.price_groups[0], Decimal("112.50"), Decimal("12.50")),
        (event.price_groups[0], Decimal("112.50"), Decimal("12.50")),
        (event.price_groups[1], Decimal("72.50"), Decimal("12.50")),
    ]
    assert sale.payment is not None
    assert domain.payment_lines(db, sale.payment) == {"CASH": 298, "ROUNDING": Decimal("-0.50")}
    row = domain.log_rows(db, sale.tickets[0])[0]
    assert (row["type"], row["seller"], row["cash_point"], row["amount"]) == ("NORMAL_SALE", "ola", 7, 100)
    assert domain.num_sold(db, event.ticket_group) == 3
    assert consistency(db) == {}


def test_a_web_sale_and_a_reservation_move_no_money_yet(db: Connection) -> None:
    event = make_event(db)
    web, reserved, by_the_buyer = (
        net(db, event.price_group, 2),
        reserve(db, event.price_group),
        reserve(db, event.price_group, seller=None),
    )
    assert [log_types(db, t) for t in web.tickets] == [["NET_SALE"]] * 2
    assert log_types(db, reserved.ticket) == ["RESERVATION_SALE"]
    assert [domain.log_rows(db, s.ticket)[0]["seller"] for s in (reserved, by_the_buyer)] == [domain.SELLER, None]
    assert (web.payment, reserved.payment) == (None, None)
    assert domain.one(db, "select count(*) from billig.payment") == 0
    assert domain.num_sold(db, event.ticket_group) == 4
    assert consistency(db) == {}


def test_a_purchase_may_be_paid_partly_in_cash_and_partly_by_card(db: Connection) -> None:
    event = make_event(db, prices=(150,))
    sale = sell(db, event.price_group, 2, methods=("CASH", "CARD"), amounts=(Decimal("99.50"), Decimal("200.50")))
    assert sale.payment is not None
    assert domain.payment_lines(db, sale.payment) == {
        "CASH": 100,
        "ROUNDING": Decimal("-0.50"),
        "CARD": Decimal("200.50"),
    }
    assert consistency(db) == {}


def test_the_money_given_must_be_the_money_asked_for(db: Connection) -> None:
    event = make_event(db, prices=(150,))
    cases: list[tuple[str, tuple[str, ...], tuple[Decimal | int, ...] | None]] = [
        ("23B06", ("CASH", "CARD"), (100, 49)),
        ("23B06", ("CASH",), (149,)),
        ("22023", ("CASH", "CARD"), (Decimal("75.005"), Decimal("74.995"))),
        ("22023", ("CASH", "CARD"), (200, -50)),
        ("22023", ("CASH", "CARD"), (150, 0)),
        ("22023", ("CASH", "CARD"), None),
        ("22023", ("CASH", "CARD"), (150,)),
        ("22023", ("COWRIES",), None),
        ("22023", (), None),
    ]
    for sqlstate, methods, amounts in cases:
        with expect(sqlstate):
            sell(db, event.price_group, methods=methods, amounts=amounts)
    with expect("22023"):
        sell(db, event.price_group, methods=("CASH", "CASH"), amounts=(100, 50))
    assert domain.num_sold(db, event.ticket_group) == 0
    assert domain.log_size(db) == 0
    assert domain.one(db, "select count(*) from billig.payment") == 0


def test_free_tickets_are_tickets_like_others(db: Connection) -> None:
    event = make_event(db, prices=(0,))
    free = sell(db, event.price_group, 2, methods=())
    also_free = sell(db, event.price_group, methods=("CASH",))
    assert free.payment is not None
    assert also_free.payment is not None
    assert domain.payment_lines(db, free.payment) == domain.payment_lines(db, also_free.payment) == {}
    assert log_types(db, free.tickets[0]) == ["NORMAL_SALE"]
    assert domain.refund(db, free.tickets)[0]["amount"] == 0
    assert log_types(db, free.tickets[0]) == ["NORMAL_SALE", "NORMAL_REFUND"]
    assert consistency(db) == {}


def test_membership_needs_a_valid_card_of_the_buyer(db: Connection) -> None:
    event = make_event(db, membership_needed=True, can_be_put_on_card=True)
    domain.run(
        db,
        """
        insert into billig.ticket_card (card, owner_member_id, membership_ends) values
        (1, 10, billig.local_time()::date), (2, 20, billig.local_time()::date - 1), (3, 30, null)
        """,
    )
    sale = sell(db, event.price_group, card=1, owner_member_id=10)
    assert domain.ticket_row(db, sale.ticket)["on_card"] is True
    sell(db, event.price_group, card=1)
    for card, member in ((None, None), (2, None), (3, None), (4, None), (1, 20)):
        with expect("23B04"):
            sell(db, event.price_group, card=card, owner_member_id=member)
    assert domain.num_sold(db, event.ticket_group) == 2


def test_a_ticket_lies_on_a_card_only_where_its_price_group_allows(db: Connection) -> None:
    allowed, other = make_event(db, can_be_put_on_card=True), make_event(db)
    domain.run(db, "insert into billig.ticket_card (card, owner_member_id) values (1, 10)")
    sale = net(db, {allowed.price_group: 1, other.price_group: 1}, card=1)
    assert {domain.ticket_row(db, t)["event"]: domain.ticket_row(db, t)["on_card"] for t in sale.tickets} == {
        allowed.event: True,
        other.event: False,
    }


@pytest.mark.parametrize("channel", ["STAND", "NET", "RESERVATION"])
def test_the_sale_period_binds_every_channel_to_the_second(db: Connection, channel: str) -> None:
    now = domain.one(db, "select billig.local_time()")
    second = timedelta(seconds=1)
    hour = timedelta(hours=1)

    def attempt(sale_from: datetime | None, sale_to: datetime | None) -> None:
        event = make_event(db, prices=(0,), sale_from=sale_from, sale_to=sale_to)
        create_purchase(
            db, channel, event.price_group, seller=None if channel == "NET" else "kari", owner_email="a@b.no"
        )

    attempt(now, now + hour)  # from the first second on
    attempt(None, now + hour)
    attempt(now - hour, None)
    for closed in ((now + hour, None), (None, now), (now - hour, now - second), (None, now - second)):
        with expect("23B02"):
            attempt(*closed)


def test_the_public_does_not_see_hidden_events_and_the_web_sells_only_what_is_for_it(db: Connection) -> None:
    hidden, stand_only = make_event(db, hidden=True), make_event(db, netsale=False)
    for refused in (hidden, stand_only):
        with expect("23B03"):
            net(db, refused.price_group)
        sell(db, refused.price_group)
        reserve(db, refused.price_group)
    with expect("23B03"):
        reserve(db, hidden.price_group, seller=None)
    reserve(db, stand_only.price_group, seller=None)


def test_nine_tickets_of_a_price_group_unless_the_ticket_group_says_otherwise(db: Connection) -> None:
    nine, two = make_event(db, prices=(100, 100)), make_event(db, ticket_limit=2)
    sell(db, {nine.price_groups[0]: 9, nine.price_groups[1]: 9})
    sell(db, two.price_group, 2)
    for event, count in ((nine, 10), (two, 3)):
        with expect("23B05"):
            sell(db, event.price_group, count)


def test_a_price_group_named_twice_counts_together(db: Connection) -> None:
    event = make_event(db)
    group = event.price_group
    assert len(_named(db, [group, group], [2, 3])) == 5
    with expect("23B05"):
        _named(db, [group, group], [5, 5])


def _named(db: Connection, groups: list[int] | None, counts: list[int | None] | None) -> list[domain.Row]:
    return call(
        db,
        "create_purchase",
        sale_channel="STAND",
        price_groups=groups,
        counts=counts,
        seller="kari",
        payment_methods=["CASH"],
    )


def test_odd_arguments_are_refused_and_sell_nothing(db: Connection) -> None:
    event = make_event(db)
    group = event.price_group
    pairs: list[tuple[list[int] | None, list[int | None] | None]] = [
        (None, None),
        ([], []),
        ([group], None),
        (None, [1]),
        ([group], []),
        ([group], [1, 1]),
        ([group, group], [1]),
        ([group], [0]),
        ([group], [-1]),
        ([group], [None]),
        ([group, group], [2, -1]),
    ]
    for groups, counts in pairs:
        with expect("22023"):
            _named(db, groups, counts)
    for unknown in ([group + 999], [group, group + 999]):
        with expect("P0002"):
            _named(db, unknown, [1] * len(unknown))
    with expect("P0002"):
        sell(db, group, cash_point=404)
    with expect("22023"):
        sell(db, group, seller="")
    for channel, arguments in (
        ("STAND", {}),  # a stand has a seller
        ("PHONE", {"seller": "kari"}),
        (None, {"owner_email": "a@b.no"}),
        ("NET", {"seller": "kari"}),
        ("NET", {}),  # nobody to send the tickets to
        ("NET", {"owner_email": ""}),
        ("NET", {"owner_email": "a@b.no", "payment_methods": ["CARD"]}),
        ("RESERVATION", {"seller": "kari", "payment_methods": ["CASH"]}),
    ):
        with expect("22023"):
            call(db, "create_purchase", sale_channel=channel, price_groups=[group], counts=[1], **arguments)
    assert domain.one(db, "select count(*) from billig.purchase") == 0
    assert domain.num_sold(db, event.ticket_group) == 0


def test_capacity_is_never_exceeded_and_all_of_a_purchase_is_sold_or_none(db: Connection) -> None:
    small, large = make_event(db, num=3), make_event(db, num=50)
    sell(db, small.price_group, 2)
    with expect("23B01"):
        sell(db, {large.price_group: 2, small.price_group: 2})
    assert domain.num_sold(db, large.ticket_group) == 0
    net(db, small.price_group)
    with expect("23B01"):
        reserve(db, small.price_group)
    nothing = make_event(db, num=0)
    with expect("23B01"):
        sell(db, nothing.price_group)
    assert consistency(db) == {}


def test_the_last_tickets_are_sold_however_they_are_spread(db: Connection) -> None:
    event = make_event(db, num=100)
    for _ in range(11):
        sell(db, event.price_group, 9)
    with expect("23B01"):
        sell(db, event.price_group, 2)
    sell(db, event.price_group)
    assert domain.num_sold(db, event.ticket_group) == 100
    assert consistency(db) == {}


def test_nothing_is_sold_without_a_vat_code_or_before_its_first_rate(db: Connection) -> None:
    without = make_event(db, project_vat_code=None)
    domain.run(db, "insert into books.vat_code values (99, 'a code', 'with no rate yet')")
    for event in (without, make_event(db, vat_code=99), make_event(db, fee_vat_code=99)):
        with expect("23B16"):
            sell(db, event.price_group)
    domain.run(db, "insert into books.vat_rate values (99, current_date + 3, 10)")
    sell(db, make_event(db, vat_code=99).price_group)  # the rate is that of the event's day, in a month
    with expect("23B16"):
        sell(db, make_event(db, vat_code=99, event_time=datetime.now() + timedelta(days=1)).price_group)


def test_what_a_ticket_was_sold_as_stays_when_the_programme_is_edited(db: Connection) -> None:
    event = make_event(db, prices=(120,), fee=20, vat_code=domain.REGULAR_RATE)
    sale = sell(db, event.price_group)
    before = domain.ticket_row(db, sale.ticket)
    domain.run(db, "update billig.price_group set price = 500")
    domain.run(db, "update billig.event set ticket_fee = 0, vat_code = 6, project = null")
    assert domain.ticket_row(db, sale.ticket) == before
    assert domain.refund(db, sale.tickets)[0]["amount"] == -120
    assert domain.log_rows(db, sale.ticket)[1]["vat_amount"] == -20
    assert consistency(db) == {}


def test_ids_that_clients_chose_do_not_break_the_next_sale(db: Connection) -> None:
    event = make_event(db)
    first = sell(db, event.price_group)
    with db.transaction():
        # in the sequence's way, as a client of before the trigger would have left them
        domain.run(db, "set local session_replication_role = replica")
        domain.run(db, "alter table billig.ticket disable trigger aa_follow_client_id")
        domain.run(db, "alter table billig.purchase disable trigger aa_follow_client_id")
        purchase = domain.raw_purchase(db, first.purchase + 1)
        for n in (1, 2, 4):
            domain.insert_ticket(db, event.price_group, purchase, ticket=first.ticket + n)
        domain.run(db, "alter table billig.ticket enable always trigger aa_follow_client_id")
        domain.run(db, "alter table billig.purchase enable always trigger aa_follow_client_id")
    second = sell(db, event.price_group, 3)
    assert second.purchase == first.purchase + 2
    assert second.tickets == [first.ticket + n for n in (3, 5, 6)]
    assert domain.num_sold(db, event.ticket_group) == 7
    assert consistency(db) == {}


@pytest.mark.parametrize("counts", ["{{10}}", "[0:0]={10}"], ids=["two dimensions", "counted from 0"])
def test_an_odd_array_does_not_get_round_the_ticket_limit(db: Connection, counts: str) -> None:
    event = make_event(db)
    with expect("23B05"):
        domain.rows(
            db,
            "select * from billig.create_purchase('STAND', array[%s::int], %s::int[], 'ola', null, array['CASH'])",
            event.price_group,
            counts,
        )
