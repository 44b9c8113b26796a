"""What a payment provider takes back since the buyer disputed it, and gives back where the dispute is won."""

from decimal import Decimal

import pytest

from tests.conftest import Connect, Connection
from tests.support.domain import (
    LOW_RATE,
    REGULAR_RATE,
    Event,
    call,
    consistency,
    exchange,
    expect,
    log_rows,
    log_types,
    login_role,
    make_event,
    num_sold,
    one,
    payment_lines,
    refund,
    rows,
    run,
    sell,
    ticket_row,
    update_ticket,
)
from tests.support.given_back import charge_back, left, moved, reduce, web, won
from tests.support.together import sqlstates, together


@pytest.fixture
def play(db: Connection) -> Event:
    """Tickets of 200 and 300 kroner at 25 %, 50 of each a fee at 12 %."""
    return make_event(db, prices=(200, 300), fee=50, vat_code=REGULAR_RATE, fee_vat_code=LOW_RATE)


def test_the_provider_takes_all_of_a_payment_back_and_the_tickets_keep_their_seats(db: Connection, play: Event) -> None:
    tickets = web(db, play.price_group, 2, reference="ref-1").tickets
    answer = charge_back(db, reason="fraudulent")
    assert [(row["ticket"], row["amount"]) for row in answer] == [(ticket, -200) for ticket in tickets]
    assert moved(db, tickets[0])[-1] == ("CHARGEBACK", -150, -50)
    assert left(db, tickets[0]) == (0, 0, 0)
    (payment,) = {row["payment"] for row in answer}
    assert payment_lines(db, payment) == {"NET_CARD": -400}
    (header,) = rows(db, "select * from billig.payment where payment = %s", payment)
    assert (header["kind"], header["provider_reference"], header["seller"], header["reason"]) == (
        "CHARGEBACK", "dp_1", None, "fraudulent",
    )  # fmt: skip
    assert one(db, "select provider_reference from billig.payment where payment = %s", header["disputed_payment"]) == (
        "ref-1"
    )
    assert num_sold(db, play.ticket_group) == 2
    assert charge_back(db, reason="fraudulent") == answer, "said twice"
    assert consistency(db) == {}


def test_a_part_is_shared_over_the_tickets_and_the_rest_can_still_be_refunded(db: Connection, play: Event) -> None:
    tickets = web(db, {play.price_groups[0]: 1, play.price_groups[1]: 1}, reference="ref-1").tickets
    answer = charge_back(db, amount=Decimal("100.01"))
    assert {row["ticket"]: row["amount"] for row in answer} == {
        tickets[0]: Decimal("-40.00"),
        tickets[1]: Decimal("-60.01"),
    }
    assert moved(db, tickets[1])[-1] == ("CHARGEBACK", Decimal("-60.01"), 0), "the ticket's part first"
    assert [row["amount"] for row in refund(db, tickets)] == [Decimal("-160.00"), Decimal("-239.99")]
    assert consistency(db) == {}


def test_what_was_won_comes_back_to_the_very_tickets_and_once(db: Connection, play: Event) -> None:
    lives, gone = web(db, play.price_group, 2, reference="ref-1").tickets
    charge_back(db, amount=300)
    refund(db, [gone])
    answer = won(db, reason="the buyer withdrew")
    assert [(row["ticket"], row["amount"]) for row in answer] == [(lives, 150), (gone, 150)]
    assert won(db) == answer
    assert moved(db, lives)[-1] == ("CHARGEBACK_WON", 150, 0)
    assert moved(db, gone)[-1] == ("CHARGEBACK_WON", 100, 50), "of what is refunded the fee's part stays longest"
    assert left(db, gone)[:2] == (100, 50)
    assert ticket_row(db, gone)["kept"] == 150
    assert [row["amount"] for row in refund(db, [lives])] == [-200]
    assert consistency(db) == {}


def test_a_limit_is_on_the_money_whatever_the_door(db: Connection, play: Event) -> None:
    first, second = web(db, play.price_group, 2, reference="ref-1").tickets
    reduce(db, [first], 30)
    refund(db, [second], kept=[50])
    with expect("23B31") as refused:
        charge_back(db, amount=Decimal("220.01"))
    assert "220" in str(refused.value.diag.message_detail)
    answer = charge_back(db)
    assert {row["ticket"]: row["amount"] for row in answer} == {first: -170, second: -50}
    assert moved(db, second)[-1] == ("CHARGEBACK", 0, -50), "the fee that was kept"
    with expect("23B31"):
        charge_back(db, "dp_2")
    with expect("23B31"):
        reduce(db, [first], 1)
    assert [row["amount"] for row in refund(db, [first])] == [0], "it frees the seat, and gives nothing back"
    won(db)
    assert left(db, first)[:2] == (120, 50)
    assert consistency(db) == {}


def test_the_money_is_followed_through_exchanges(db: Connection, play: Event) -> None:
    (ticket,) = web(db, play.price_group, reference="ref-1").tickets
    (pair,) = exchange(db, [ticket], play.price_groups[1], methods=["CASH"])
    (again,) = exchange(db, [pair["new_ticket"]], play.price_groups[0], methods=["CASH"])
    answer = charge_back(db)
    assert [(row["ticket"], row["amount"]) for row in answer] == [(again["new_ticket"], -200)]
    with expect("23B12"):
        exchange(db, [again["new_ticket"]], play.price_group)
    with expect("23B12"):
        call(
            db,
            "change_price_group",
            tickets=[again["new_ticket"]],
            price_group=play.price_groups[1],
            seller="kari",
            payment_methods=["CASH"],
        )
    with expect("23B12"):
        update_ticket(db, again["new_ticket"], price_group=play.price_groups[1])
    assert consistency(db) == {}


def test_cash_is_not_charged_back_nor_more_than_a_method_brought(db: Connection, play: Event) -> None:
    in_cash = sell(db, play.price_group).payment
    with expect("22023"):
        charge_back(db, provider=None, payment=in_cash)
    sale = sell(db, play.price_group, methods=["CASH", "CARD", "VIPPS"], amounts=[100, 60, 40])
    with expect("22023") as refused:
        charge_back(db, provider=None, payment=sale.payment)
    assert "CARD, VIPPS" in str(refused.value.diag.message_detail)
    with expect("23B31"):
        charge_back(db, provider=None, payment=sale.payment, payment_method="CARD", amount=61)
    charge_back(db, provider=None, payment=sale.payment, payment_method="CARD")
    assert left(db, sale.ticket)[:2] == (90, 50)
    with expect("23B31"):
        charge_back(db, "dp_2", provider=None, payment=sale.payment, payment_method="CARD")
    charge_back(db, "dp_2", provider=None, payment=sale.payment, payment_method="VIPPS", amount=40)
    won(db)
    charge_back(db, "dp_3", provider=None, payment=sale.payment, payment_method="CARD", amount=60)
    refund(db, [sale.ticket])
    assert payment_lines(db, log_rows(db, sale.ticket)[-1]["payment"]) == {"CASH": -100}, "what is left was cash"
    assert consistency(db) == {}


def test_a_charged_back_ticket_lets_nobody_in_until_the_dispute_is_won(db: Connection, play: Event) -> None:
    whole, half = web(db, play.price_group, 2, reference="ref-1").tickets
    reduce(db, [half], 100)
    charge_back(db, amount=150)
    assert ticket_row(db, whole)["charged_back"] == 100
    update_ticket(db, [whole, half], used="now")
    call(db, "unuse_ticket", tickets=[whole, half], seller="kari", reason="a test")
    charge_back(db, "dp_2")
    for ticket in (whole, half):
        with expect("23B12"):
            update_ticket(db, ticket, used="now")
    won(db, "dp_2")
    update_ticket(db, [whole, half], used="now")
    assert consistency(db) == {}


def test_a_chargeback_is_refused_whole(db: Connection, play: Event) -> None:
    sale = web(db, play.price_group, reference="ref-1")
    other = web(db, play.price_group, reference="ref-2")
    for dispute, provider, payment in (
        (None, "ref-1", None), (" ", "ref-1", None), ("dp_1", None, None), ("dp_1", "ref-1", sale.payment or 1),
    ):  # fmt: skip
        with expect("22023"):
            charge_back(db, dispute, provider, payment=payment)  # type: ignore[arg-type]
    with expect("P0002"):
        charge_back(db, provider="ref-9")
    with expect("P0002"):
        won(db)
    for amount in (-1, 0, "NaN", Decimal("0.001")):
        with expect("22023"):
            charge_back(db, amount=amount)
    with expect("22023"):
        charge_back(db, payment_method="CASH")
    with expect("23B31"):
        charge_back(db, amount="Infinity")
    answer = charge_back(db, amount=10)
    with expect("23B19"):
        charge_back(db, amount=11)
    with expect("23B19"):
        charge_back(db, provider="ref-2")
    with expect("23B19"):
        charge_back(db, "ref-2")
    with expect("P0002"):
        charge_back(db, "dp_2", None, payment=answer[0]["payment"])
    with expect("P0002"):
        won(db, "ref-1")
    assert log_types(db, other.ticket)[-1] == "NET_PAID"


def test_sql_of_ones_own_charges_nothing_back(db: Connection, play: Event) -> None:
    (ticket,) = web(db, play.price_group, reference="ref-1").tickets
    with expect("23B06"):
        update_ticket(db, ticket, charged_back=10)
    charge_back(db, amount=10)
    with expect("23B06"):
        update_ticket(db, ticket, charged_back=0)
    with expect("23B20"):
        run(db, "update billig.payment set disputed_payment = null where kind = 'CHARGEBACK'")


def test_the_web_and_the_bookkeeper_record_disputes_and_nobody_else(
    db: Connection, connect: Connect, play: Event
) -> None:
    web(db, play.price_group, reference="ref-1")
    with login_role(db, "billig_web") as role, connect(role) as session:
        charge_back(session, amount=10)
    with login_role(db, "bookkeeper") as role, connect(role) as session:
        won(session)
    for group in ("billig_seller", "billig_legacy", "billig_dev", "analyst", "auditor", "scheduler"):
        with login_role(db, group) as role, connect(role) as session:
            with expect("42501", native=True):
                charge_back(session, "dp_2")
            with expect("42501", native=True):
                won(session)


def test_sixteen_disputes_and_refunds_at_once_give_no_krone_back_twice(
    db: Connection, connect: Connect, play: Event
) -> None:
    sales = [web(db, play.price_group, 2, reference=f"ref-{each}") for each in range(8)]
    sessions = [connect() for _ in range(16)]
    works = [
        *(lambda s=s, n=n: charge_back(s, f"dp_{n}", f"ref-{n}") for n, s in enumerate(sessions[:8])),
        *(lambda s=s, n=n: refund(s, sales[n].tickets, seller="kari") for n, s in enumerate(sessions[8:])),
    ]
    answers = together(works)
    assert set(sqlstates(answers)) <= {"23B31"}, (
        "a refund after a dispute gives nothing, a dispute after a refund is none"
    )
    for number, sale in enumerate(sales):
        given = sum(
            row["amount"] for each in (answers[number], answers[8 + number]) if isinstance(each, list) for row in each
        )
        assert given == -400
        for ticket in sale.tickets:
            assert left(db, ticket)[:2] == (0, 0)
    assert consistency(db) == {}
    for session in sessions:
        session.close()


def without_locks(db: Connection) -> None:
    """Two disputes of one payment look at what is left at the same moment; neither waits for the other."""
    for function, guard, instead in (
        ("record_chargeback", "for no key update; -- one dispute of it at a time", "limit 1;"),
        ("record_chargeback", "perform billig.lock_given_back(array[v_disputed.payment]);", ""),
        ("lock_money_of", "perform billig.lock_tickets(tickets);", "perform pg_sleep(0.5);"),
    ):
        source = one(
            db,
            "select pg_get_functiondef(oid) from pg_proc where pronamespace = 'billig'::regnamespace and proname = %s",
            function,
        )
        assert guard in source
        db.execute(source.replace(guard, instead))


def two_disputes(connect: Connect) -> list[str | None]:
    with connect() as first, connect() as second:
        return sqlstates(
            together([lambda: charge_back(first, "dp_1", "ref-1"), lambda: charge_back(second, "dp_2", "ref-1")])
        )


def test_two_disputes_of_one_payment_at_once_take_it_once(db: Connection, connect: Connect, play: Event) -> None:
    (ticket,) = web(db, play.price_group, reference="ref-1").tickets
    assert two_disputes(connect) == ["23B31"]
    assert left(db, ticket) == (0, 0, 0)
    assert consistency(db) == {}


def test_the_constraint_stands_beneath_the_locks_and_without_both_it_is_taken_twice(
    db: Connection, connect: Connect, play: Event
) -> None:
    """Positive control of the two tests above."""
    without_locks(db)
    (ticket,) = web(db, play.price_group, reference="ref-1").tickets
    assert two_disputes(connect) == ["23514"]
    assert left(db, ticket) == (0, 0, 0)
    won(db, one(db, "select provider_reference from billig.payment where kind = 'CHARGEBACK'"))
    run(db, "alter table billig.ticket drop constraint ticket_left_check")
    run(db, "alter table billig.given_back drop constraint given_back_limit_check")
    with connect() as first, connect() as second:
        answers = together([lambda: charge_back(first, "dp_3", "ref-1"), lambda: charge_back(second, "dp_4", "ref-1")])
    assert sqlstates(answers) == []
    assert left(db, ticket)[0] + left(db, ticket)[1] == -200


def test_what_a_refund_gave_back_by_a_method_is_not_disputed_again(db: Connection, play: Event) -> None:
    """200 by card on the web and 100 at a stand; half of it is kept of a refund, then disputed twice."""
    (ticket,) = web(db, play.price_group, reference="ref-1").tickets
    call(
        db,
        "change_price_group",
        tickets=[ticket],
        price_group=play.price_groups[1],
        seller="kari",
        payment_methods=["CARD"],
    )
    refund(db, [ticket], kept=[150])
    assert payment_lines(db, log_rows(db, ticket)[-1]["payment"]) == {"CARD": -50, "NET_CARD": -100}
    charge_back(db, "dp_1", amount=60)
    assert [row["amount"] for row in charge_back(db, "dp_2")] == [-40], "100 of the 200 went back with the refund"
    with expect("23B31"):
        charge_back(db, "dp_3")
    assert left(db, ticket)[0] + left(db, ticket)[1] == 50, "what came by the stand's card"
    assert consistency(db) == {}
