"""What a fresh pair of eyes found a way around: each is refused now."""

import psycopg
import pytest

from tests.conftest import Connect, Connection
from tests.support import domain
from tests.support.domain import (
    call,
    consistency,
    expect,
    log_types,
    make_event,
    net,
    net_paid,
    one,
    reserve,
    run,
    sell,
)


def test_nobody_refunds_at_a_stand_without_a_name(db: Connection) -> None:
    event = make_event(db)
    stand = domain.make_cash_point(db)
    sale = net_paid(db, event.price_group)
    with expect("22023"):
        call(db, "refund", tickets=sale.tickets, cash_point=stand)
    with expect("22023"):
        domain.create_purchase(db, "NET", event.price_group, owner_email="a@example.org", cash_point=stand)
    assert log_types(db, sale.ticket) == ["NET_SALE", "NET_PAID"]


def test_the_webs_own_payment_refunds_on_the_web_only(db: Connection) -> None:
    sale = net_paid(db, make_event(db).price_group)
    with expect("23B09"), db.transaction():
        payment = one(db, "insert into billig.payment (kind, made_by) values ('REFUND', 'WEB') returning payment")
        domain.update_ticket(db, sale.ticket, refunded="now", point_of_refund=1, payment=payment)
    assert consistency(db) == {}


def test_a_provider_reference_has_one_home_whatever_the_isolation(db: Connection, connect: Connect) -> None:
    event = make_event(db, num=1)
    late = net(db, event.price_group)
    run(db, "update billig.sale_channel set hold_for = '-1 second' where sale_channel = 'NET'")
    call(db, "expire_net_sales")
    held = net(db, event.price_group)
    other = connect(autocommit=False)
    other.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    other.execute("select count(*) from billig.payment")
    domain.confirm(db, held, reference="once")
    with pytest.raises(psycopg.errors.SerializationFailure):  # of an older snapshot: to be tried again, as it says
        domain.confirm(other, late, reference="once")
    other.rollback()
    with expect("23B19"):
        domain.confirm(db, late, reference="once")
    assert one(db, "select count(*) from billig.owed_back") == 0


def test_an_unknown_ticket_card_is_refused(db: Connection) -> None:
    event = make_event(db, can_be_put_on_card=True)
    with expect("P0002"):
        sell(db, event.price_group, card=404)
    assert domain.num_sold(db, event.ticket_group) == 0


def test_giving_a_reservation_back_twice_by_one_request_gives_it_back_once(db: Connection) -> None:
    event = make_event(db)
    sale = reserve(db, event.price_group, 2)
    first = call(db, "cancel_reservation", purchase=sale.purchase, request_id="r1")
    assert [row["ticket"] for row in first] == list(sale.tickets)
    assert call(db, "cancel_reservation", purchase=sale.purchase, request_id="r1") == first
    with expect("23B13"):
        call(db, "cancel_reservation", purchase=sale.purchase + 1, request_id="r1")
    assert all(log_types(db, t) == ["RESERVATION_SALE", "RESERVATION_REFUND"] for t in sale.tickets)


@pytest.mark.parametrize("table", ["exchange", "receipt_print", "payment"])
@pytest.mark.parametrize("statement", ["delete from {}", "truncate {} cascade"])
def test_what_was_done_is_never_taken_back(db: Connection, table: str, statement: str) -> None:
    with pytest.raises(psycopg.Error) as refused:
        db.execute(statement.format(f"billig.{table}"))
    assert refused.value.sqlstate in ("23B20", "23B25")


def test_an_exchanged_ticket_is_not_unrefunded(db: Connection) -> None:
    event = make_event(db)
    sale = sell(db, event.price_group)
    domain.exchange(db, sale.tickets, event.price_group)
    with expect("23B22"):
        domain.update_ticket(db, sale.ticket, refunded=None)
