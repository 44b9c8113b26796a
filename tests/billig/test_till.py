"""Tills: sessions, what belongs to them, counting, X and Z reports, and the rounding of cash."""

import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.conftest import Connect, Connection
from tests.support import domain
from tests.support.domain import (
    Event,
    call,
    close_till,
    consistency,
    expect,
    make_cash_point,
    make_event,
    one,
    open_till,
    payment_lines,
    refund,
    rows,
    run,
    sell,
    update_ticket,
    wait_for,
)
from tests.support.waits import impatient

OLA = "ola"


@pytest.fixture
def event(db: Connection) -> Event:
    """Food with a fee: 25 % and 15 % in one ticket, with øre."""
    make_cash_point(db, 1, session_required=True)
    prices = (Decimal("107.50"), Decimal("47.50"), Decimal("7.50"))
    return make_event(db, prices=prices, fee=Decimal("7.50"), vat_code=31, fee_vat_code=3, event_time=domain.today())


@pytest.fixture
def plain(db: Connection, event: Event) -> Event:
    """A concert without fee or øre."""
    return make_event(db, prices=(100, 250, 0), event_time=domain.today())


@pytest.fixture(autouse=True)
def consistent(db: Connection) -> Iterator[None]:
    """Every test leaves the ledger consistent."""
    yield
    assert consistency(db) == {}


def lines(db: Connection, sale: domain.Sale) -> dict[str, Decimal]:
    """How a sale was paid."""
    assert sale.payment is not None
    return payment_lines(db, sale.payment)


def session_of(db: Connection, payment: int | None) -> int | None:
    found: int | None = one(db, "select till_session from billig.payment where payment = %s", payment)
    return found


def items(report: list[dict[str, Any]], seller: str | None = None) -> dict[tuple[str, str], tuple[int, domain.Money]]:
    """What a report says: (number, amount) by item and key."""
    return {(row["item"], row["item_key"]): (row["number"], row["amount"]) for row in report if row["seller"] == seller}


def x_report(db: Connection, seller: str | None = None) -> dict[tuple[str, str], tuple[int, domain.Money]]:
    return items(call(db, "x_report", cash_point=1), seller)


def z_report(db: Connection, **arguments: object) -> list[dict[str, Any]]:
    return call(db, "z_report", cash_point=1, **({"seller": domain.SELLER} | arguments))


def yesterday(db: Connection) -> None:
    """Moves everything at the tills, and their events, a day back: reports are once a day, and tests do not wait."""
    run(db, "set session_replication_role = replica")
    try:
        for table in ("till_session", "z_report"):
            run(db, f"alter table billig.{table} disable trigger user")
        run(db, "update billig.till_session set opened_at = opened_at - interval '1 day'")
        run(db, "update billig.z_report set business_date = business_date - 1")
        run(db, "update billig.event_date set event_date = event_date - 1")
        run(db, "update billig.event set event_time = event_time - interval '1 day'")
    finally:
        run(
            db,
            """
            do $$
            declare r record;
            begin
                for r in
                    select tgrelid::regclass as t, tgname from pg_trigger
                    where tgenabled = 'D' and not tgisinternal
                loop
                    execute format('alter table %s enable always trigger %I', r.t, r.tgname);
                end loop;
            end $$
            """,
        )
        run(db, "reset session_replication_role")


# --- Sessions -------------------------------------------------------------------------------------------------------


def test_what_is_done_at_the_stand_belongs_to_the_sellers_session(db: Connection, plain: Event) -> None:
    session = open_till(db, opening_float=500)
    sale = sell(db, plain.price_group, 3)
    assert session_of(db, sale.payment) == session
    assert [row["cash_point"] for row in domain.log_rows(db, sale.tickets[0])] == [1], "the session says where"
    given_back = refund(db, [sale.tickets[0]])
    exchanged = call(
        db,
        "ticket_exchange",
        old_tickets=[sale.tickets[1]],
        price_groups=[plain.price_groups[1]],
        counts=[1],
        seller=domain.SELLER,
        payment_methods=["CARD"],
    )
    changed = call(
        db, "change_price_group", tickets=[sale.tickets[2]], price_group=plain.price_groups[2], seller=domain.SELLER
    )
    reservation = domain.reserve(db, plain.price_group)
    paid = call(db, "pay_reservation", purchase=reservation.purchase, seller=domain.SELLER, payment_methods=["VIPPS"])
    for payment in (given_back[0]["payment"], exchanged[0]["payment"], changed[0]["payment"], paid[0]["payment"]):
        assert session_of(db, payment) == session
    last = sell(db, plain.price_group)
    undone = call(db, "undo_last_sale", seller=domain.SELLER)
    assert session_of(db, undone[0]["payment"]) == session
    assert session_of(db, last.payment) == session
    counted = close_till(db, 500 + 300 - 100 - 100)
    assert {method: (row["expected"], row["counted"]) for method, row in counted.items()} == {
        "CASH": (600, 600),
        "CARD": (150, None),
        "VIPPS": (100, None),
    }


def test_web_sales_and_other_peoples_sales_belong_to_no_session(db: Connection, plain: Event) -> None:
    make_cash_point(db, 2)
    open_till(db)
    web = domain.net_paid(db, plain.price_group)
    assert one(db, "select max(till_session) from billig.payment") is None
    refund(db, web.tickets)  # kari refunds a web ticket at no stand: by the provider, not out of her drawer
    assert domain.log_types(db, web.tickets[0])[-1] == "NET_REFUND"
    elsewhere = sell(db, plain.price_group, seller=OLA, cash_point=2)
    nowhere = sell(db, plain.price_group, seller=OLA)
    assert [session_of(db, sale.payment) for sale in (elsewhere, nowhere)] == [None, None]
    at_the_stand = domain.net_paid(db, plain.price_group)
    payment = refund(db, at_the_stand.tickets, cash_point=1)[0]["payment"]
    assert session_of(db, payment) is not None
    assert close_till(db, 0)["NET_CARD"]["expected"] == -100


def test_a_cash_point_that_asks_for_a_session_sells_in_one_only(db: Connection, plain: Event) -> None:
    with expect("23B26"):
        sell(db, plain.price_group, cash_point=1)
    session = open_till(db)
    sale = sell(db, plain.price_group, cash_point=1)
    with expect("23B26"):
        sell(db, plain.price_group, cash_point=1, seller=OLA)
    close_till(db, 100)
    with expect("23B26"):
        refund(db, sale.tickets, cash_point=1)
    update_ticket(db, sale.ticket, refunded="now", refunder=domain.SELLER, point_of_refund=1)
    payment = domain.log_rows(db, sale.ticket)[1]["payment"]
    assert session_of(db, payment) is None, "legacy is never refused"
    assert one(db, "select expected from billig.till_count where till_session = %s", session) == 100


def test_a_seller_of_tills_takes_and_gives_money_in_a_session_only(db: Connection, plain: Event) -> None:
    """Also one who never names a cash point: what is sold after the closing would be in nobody's drawer."""
    open_till(db)
    sale, reservation = sell(db, plain.price_group, 2), domain.reserve(db, make_event(db).price_group)
    web = domain.net_paid(db, plain.price_group)
    close_till(db, 200)
    for again in (
        lambda: sell(db, plain.price_group),
        lambda: sell(db, plain.price_group, methods=["CARD"]),
        lambda: refund(db, sale.tickets[:1]),
        lambda: refund(db, web.tickets, payment_methods=["CASH"]),
        lambda: domain.exchange(db, sale.tickets[:1], plain.price_groups[1]),
        lambda: domain.pay(db, reservation),
        lambda: call(db, "change_price_group", tickets=sale.tickets, price_group=plain.price_groups[2], seller="kari"),
    ):
        with expect("23B26"):
            again()
    refund(db, web.tickets)  # by the provider: no drawer has to do with it
    sell(db, plain.price_group, seller=OLA)  # who has never had a till


def test_cash_for_a_web_ticket_comes_out_of_the_sellers_drawer(db: Connection, plain: Event) -> None:
    open_till(db, opening_float=500)
    web = domain.net_paid(db, plain.price_group)
    payment = refund(db, web.tickets, payment_methods=["CASH"], reason="the card has expired")[0]["payment"]
    assert session_of(db, payment) is not None
    assert domain.log_types(db, web.ticket)[-1] == "NORMAL_REFUND"
    assert close_till(db, 400)["CASH"]["expected"] == 400


def test_a_sale_is_undone_at_the_till_where_its_seller_is_now(db: Connection, plain: Event) -> None:
    make_cash_point(db, 2, session_required=True)
    open_till(db)
    sell(db, plain.price_group)
    close_till(db, 100)
    session = open_till(db, cash_point=2, opening_float=500)
    payment = call(db, "undo_last_sale", seller="kari")[0]["payment"]
    assert session_of(db, payment) == session
    assert close_till(db, 400)["CASH"]["difference"] == 0


def test_a_legacy_transaction_that_outlives_a_session_writes_no_more_into_it(
    db: Connection, connect: Connect, plain: Event
) -> None:
    session = open_till(db)
    sale = sell(db, plain.price_group, 4, methods=["CARD"])
    with connect(autocommit=False) as legacy:

        def give_back(n: int) -> int | None:
            update_ticket(legacy, sale.tickets[n], refunded="now", refunder="kari", point_of_refund=1)
            return session_of(legacy, domain.log_rows(legacy, sale.tickets[n])[1]["payment"])

        assert give_back(0) == session
        close_till(legacy, 0, note="100 paid out of nothing")
        call(legacy, "z_report", cash_point=1, seller="kari")
        assert give_back(1) is None
        next_session = open_till(legacy)
        assert give_back(2) == next_session
        assert give_back(3) == next_session
        legacy.commit()
    assert close_till(db, 0, note="200 paid out of nothing")["CASH"]["expected"] == -200


def test_legacy_writes_join_the_session_of_their_seller_and_cash_point(db: Connection, plain: Event) -> None:
    make_cash_point(db, 2)
    session = open_till(db)
    first, second, third = (sell(db, plain.price_group) for _ in range(3))
    for sale, refunder, stand in ((first, domain.SELLER, 1), (second, OLA, 1), (third, domain.SELLER, 2)):
        update_ticket(db, sale.ticket, refunded="now", refunder=refunder, point_of_refund=stand)
    payments = [domain.log_rows(db, sale.ticket)[1]["payment"] for sale in (first, second, third)]
    assert [session_of(db, payment) for payment in payments] == [session, None, None]
    assert close_till(db, 200)["CASH"]["difference"] == 0


def test_a_drawer_and_a_seller_have_one_open_session(db: Connection, event: Event) -> None:
    make_cash_point(db, 2)
    session = open_till(db)
    with expect("23B27") as refusal:
        open_till(db, OLA)
    assert f"Session {session}" in str(refusal.value.diag.message_detail)
    with expect("23B27"):
        open_till(db, cash_point=2)
    open_till(db, OLA, drawer=2)
    assert {row["seller"]: row["drawer"] for row in call(db, "till_status", cash_point=1)} == {"kari": 1, "ola": 2}
    close_till(db, 0)
    assert open_till(db) > session
    with expect("23505", native=True):
        run(db, "insert into billig.till_session (cash_point, seller) values (1, 'per')")


def test_opening_is_refused_where_it_makes_no_sense(db: Connection, event: Event) -> None:
    for arguments in (
        {"cash_point": None},
        {"opening_float": -1},
        {"opening_float": Decimal("0.50")},
        {"opening_float": None},
        {"drawer": 0},
        {"opening_float": Decimal("NaN")},
        {"opening_float": Decimal("1e12")},
    ):
        with expect("22023"):
            open_till(db, **arguments)
    with expect("P0002"):
        open_till(db, cash_point=77)
    with expect("22023"):
        open_till(db, "")
    assert rows(db, "select * from billig.till_session") == []


def test_calls_that_are_tried_again_do_their_work_once(db: Connection, plain: Event) -> None:
    session = open_till(db, opening_float=100, request_id="a")
    assert open_till(db, opening_float=100, request_id="a") == session
    events = [
        call(db, "till_event", seller="kari", event_type="DRAWER_OPENING", request_id="b")[0]["till_event"]
        for _ in range(2)
    ]
    assert events[0] == events[1]
    first = close_till(db, 100, request_id="c")
    assert close_till(db, 100, request_id="c") == first
    made = z_report(db, request_id="d")
    assert z_report(db, request_id="d") == made
    assert open_till(db, opening_float=100, request_id="a") == session, "the first answer, though it is closed by now"
    with expect("23B13"):
        open_till(db, opening_float=200, request_id="a")
    assert one(db, "select count(*) from billig.till_session") == 1
    assert one(db, "select count(*) from billig.z_report") == 1


# --- Events and counting --------------------------------------------------------------------------------------------


def test_pay_ins_and_pay_outs_move_what_is_expected(db: Connection, plain: Event) -> None:
    open_till(db, opening_float=200)
    sell(db, plain.price_group)

    def happens(event_type: str, amount: object = 0, **more: object) -> None:
        call(db, "till_event", seller="kari", event_type=event_type, amount=amount, **more)

    happens("PAY_IN", 1000, reason="change from the bank")
    happens("PAY_OUT", 300, reason="to the safe")
    happens("DRAWER_OPENING", reason="a guest wanted change")
    happens("PRICE_LOOKUP", Decimal("27.80"), item_key="food")
    happens("CORRECTED_LINE", 40, item_key="deleted")
    for event_type, amount, reason in (
        ("PAY_IN", 100, None),
        ("PAY_OUT", 100, ""),
        ("PAY_IN", -1, "x"),
        ("PAY_OUT", 0, "x"),
        ("PAY_OUT", Decimal("1.50"), "x"),
        ("DRAWER_OPENING", 1, "x"),
        ("PRICE_LOOKUP", -1, "x"),
        ("PARTY", 0, "x"),
        (None, 0, "x"),
        ("PAY_IN", None, "x"),
        ("PAY_IN", Decimal("NaN"), "x"),
        ("PRICE_LOOKUP", None, "x"),
    ):
        with expect("22023"):
            happens(event_type, amount, reason=reason)  # type: ignore[arg-type]
    x = x_report(db)
    assert x["PAY_IN", ""] == (1, 1000)
    assert x["PAY_OUT", ""] == (1, -300)
    assert x["DRAWER_OPENINGS", ""] == (1, 0)
    assert x["PRICE_LOOKUPS", "food"] == (1, Decimal("27.80"))
    assert x["CORRECTED_LINES", "deleted"] == (1, 40)
    assert close_till(db, 1000)["CASH"]["expected"] == 1000
    with expect("23B26"):
        happens("DRAWER_OPENING")


def test_a_difference_needs_a_note_and_is_kept(db: Connection, plain: Event) -> None:
    session = open_till(db, opening_float=100)
    sell(db, plain.price_group, 2, methods=["CARD"])
    with expect("23B28") as refusal:
        close_till(db, 90)
    assert "NOK 100.00 expected, 90 counted" in str(refusal.value.diag.message_detail)
    counted = call(
        db, "till_close", seller="kari", payment_methods=["CASH", "CARD"], counted=[90, 200], note="a tenner short"
    )
    assert {row["payment_method"]: row["difference"] for row in counted} == {"CASH": -10, "CARD": 0}
    assert rows(
        db, "select payment_method, note from billig.till_count where till_session = %s order by 1", session
    ) == [
        {"payment_method": 1, "note": "a tenner short"},
        {"payment_method": 2, "note": None},
    ]
    assert x_report(db)["CASH_DIFFERENCE", "CASH"] == (1, -10)
    with expect("23514", native=True):
        run(
            db,
            "insert into billig.till_count (till_session, payment_method, expected, counted) values (%s, 6, 0, 5)",
            session,
        )


def test_cash_is_counted_by_denomination(db: Connection, event: Event) -> None:
    session = open_till(db, opening_float=1536)
    notes: dict[str, Any] = {"denominations": [1000, 500, 20, 10, 5, 1], "pieces": [1, 1, 1, 1, 1, 1]}
    wrong: list[dict[str, Any]] = [
        {"denominations": [1000], "pieces": [1, 2]},
        {"denominations": [7], "pieces": [1]},
        {"denominations": [1000, 1000], "pieces": [1, 1]},
        {"denominations": [1000], "pieces": [-1]},
        {"denominations": [1000], "pieces": [None]},
        {"denominations": None, "pieces": None},
        notes | {"payment_methods": ["CASH"], "counted": [1537]},
        {"payment_methods": ["CASH"], "counted": [Decimal("1535.50")]},
        {"payment_methods": ["CASH"], "counted": [-1]},
        {"payment_methods": ["CASH"], "counted": [None]},
        {"payment_methods": ["CASH"], "counted": []},
        {"payment_methods": ["CASH", "CASH"], "counted": [1, 1]},
        {"payment_methods": ["CARD"], "counted": [1]},
        {"payment_methods": ["CASH", "ROUNDING"], "counted": [1536, 0]},
        {"payment_methods": ["CASH", "COWRIES"], "counted": [1536, 0]},
        {"payment_methods": ["CASH"], "counted": [Decimal("NaN")]},
    ]
    for arguments in wrong:
        with expect("22023"):
            close_till(db, None, **arguments)
    assert close_till(db, None, **notes)["CASH"]["difference"] == 0
    assert (
        one(db, "select sum(denomination * pieces) from billig.till_denomination where till_session = %s", session)
        == 1536
    )


def test_more_cash_given_back_than_there_was(db: Connection, plain: Event) -> None:
    sale = sell(db, plain.price_groups[1], 4)
    open_till(db)
    call(db, "till_event", seller="kari", event_type="OVERDRAW", amount=1000, reason="kari's own purse")
    refund(db, sale.tickets)
    assert x_report(db)["PAYMENT", "CASH"] == (0, -1000), "numbers are never negative"
    counted = close_till(db, 0, note="kari's own purse")
    assert (counted["CASH"]["expected"], counted["CASH"]["difference"]) == (-1000, 1000)


def test_a_closed_session_stays_as_it_is(db: Connection, plain: Event) -> None:
    session = open_till(db)
    payment = sell(db, plain.price_group).payment
    close_till(db, 100)
    for statement in (
        "update billig.till_session set closed_at = null, closed_by = null",
        "update billig.till_session set opening_float = 5",
        "update billig.till_session set seller = 'ola'",
        "update billig.till_session set z_number = null",
        "delete from billig.till_session",
        "truncate billig.till_session cascade",
        "update billig.till_count set counted = 5, note = 'x'",
        "delete from billig.till_count",
        "truncate billig.till_event",
        "delete from billig.till_denomination",
        "update billig.payment set till_session = null",
        "insert into billig.till_session (cash_point, seller, closed_at, closed_by) values (1, 'x', now(), 'x')",
    ):
        with expect("23B20"):
            run(db, statement)
    with expect("23B26"):
        run(db, "insert into billig.till_event (till_session, event_type) values (%s, 'DRAWER_OPENING')", session)
    # a payment that names the session all the same is put where it belongs
    run(
        db,
        "insert into billig.payment (kind, seller, cash_point, till_session, made_by)"
        " values ('SALE', 'kari', 1, %s, 'TRIGGER')",
        session,
    )
    assert session_of(db, one(db, "select max(payment) from billig.payment")) is None
    assert session_of(db, payment) == session


def test_a_bookkeeper_closes_what_was_left_open_overnight(db: Connection, connect: Connect, plain: Event) -> None:
    session = open_till(db)
    sell(db, plain.price_group)
    yesterday(db)
    with domain.login_role(db, "bookkeeper") as name, connect(user=name) as bookkeeper:
        with expect("23B29"):
            call(bookkeeper, "z_report", cash_point=1)
        with expect("42501"):
            close_till(bookkeeper, 100)
        with expect("23B26"):
            close_till(bookkeeper, 100, till_session=session + 1)
        assert close_till(bookkeeper, 100, till_session=session)["CASH"]["difference"] == 0
        z = call(bookkeeper, "z_report", cash_point=1)
    assert z[0]["z_number"] == 1
    found = rows(db, "select business_date, made_by from billig.z_report")
    assert found == [{"business_date": one(db, "select current_date - 1"), "made_by": name}], "the day it was opened"
    assert one(db, "select closed_by from billig.till_session") == name


# --- Rounding -------------------------------------------------------------------------------------------------------


def test_cash_is_rounded_and_nothing_else(db: Connection, event: Event) -> None:
    open_till(db)
    sale = sell(db, event.price_group)  # 107.50
    assert lines(db, sale) == {"CASH": 108, "ROUNDING": Decimal("-0.50")}
    assert lines(db, sell(db, event.price_group, 2)) == {"CASH": 215}
    assert lines(db, sell(db, event.price_group, methods=["CARD"])) == {"CARD": Decimal("107.50")}
    for cash in (Decimal("57.50"), 58):  # as it is to be paid, or as it is handed over
        mixed = sell(db, event.price_group, methods=["CARD", "CASH"], amounts=[Decimal(50), Decimal(cash)])
        assert lines(db, mixed) == {"CARD": 50, "CASH": 58, "ROUNDING": Decimal("-0.50")}
    for card, cash in ((50, 57), (50, Decimal("58.50")), (50, 59), (49, 58)):
        with expect("23B06"):
            sell(db, event.price_group, methods=["CARD", "CASH"], amounts=[Decimal(card), Decimal(cash)])
    with expect("22023"):
        sell(db, event.price_group, methods=["CARD", "ROUNDING"], amounts=[Decimal(107), Decimal("0.50")])
    given_back = refund(db, sale.tickets)
    assert payment_lines(db, given_back[0]["payment"]) == {"CASH": -108, "ROUNDING": Decimal("0.50")}
    assert x_report(db)["ROUNDING", ""] == (4, Decimal("1.00"))
    assert x_report(db)["TOTAL_CASH_SALES", ""][1] + 1 == sum(
        amount for (item, _), (_, amount) in x_report(db).items() if item == "PAYMENT"
    )


def test_small_cash_and_its_rounding(db: Connection, event: Event) -> None:
    open_till(db)
    small = make_event(db, prices=(Decimal("0.40"),), fee=Decimal("0.40"))
    sale = sell(db, small.price_group)
    assert lines(db, sale) == {"CASH": 0, "ROUNDING": Decimal("0.40")}
    given_back = refund(db, sale.tickets)
    assert payment_lines(db, given_back[0]["payment"]) == {"CASH": 0, "ROUNDING": Decimal("-0.40")}
    thrice = sell(db, small.price_group, 3)  # 1.20
    assert lines(db, thrice) == {"CASH": 1, "ROUNDING": Decimal("0.20")}
    ((one_back,), rest) = refund(db, thrice.tickets[:1]), refund(db, thrice.tickets[1:])
    assert payment_lines(db, one_back["payment"]) == {"CASH": 0, "ROUNDING": Decimal("-0.40")}
    assert payment_lines(db, rest[0]["payment"]) == {"CASH": -1, "ROUNDING": Decimal("0.20")}
    close_till(db, 0)


def test_legacy_cash_is_rounded_by_payment_and_not_by_statement(connect: Connect, db: Connection, event: Event) -> None:
    sale = sell(db, event.price_group, 3, methods=["CARD"])
    with connect(autocommit=False) as legacy:
        for ticket in sale.tickets[:2]:
            update_ticket(legacy, ticket, refunded="now", refunder=OLA, point_of_refund=1)
            payment = domain.log_rows(legacy, ticket)[1]["payment"]
            expected = (
                {"CASH": -108, "ROUNDING": Decimal("0.50")}
                if ticket == sale.tickets[0]
                else {"CASH": -215, "ROUNDING": 0}
            )
            assert payment_lines(legacy, payment) == expected


def test_a_receipt_shows_the_rounding(db: Connection, event: Event) -> None:
    sale = sell(db, event.price_group)
    printed = {row["section"]: row["amount"] for row in call(db, "receipt", payment=sale.payment)}
    assert printed["TOTAL"] == Decimal("107.50")
    assert printed["ROUNDING"] == Decimal("0.50")
    assert printed["PAYMENT"] == 108
    assert printed["TOTAL"] + printed["ROUNDING"] == printed["PAYMENT"]


def test_the_part_in_cash_does_not_round_away(db: Connection) -> None:
    make_cash_point(db, 1)
    event = make_event(db, prices=(Decimal("107.49"),), fee=Decimal("0.49"))
    for card, cash in ((Decimal(107), Decimal("0.49")), (Decimal(107), Decimal(0))):
        with expect("22023"):
            sell(db, event.price_group, methods=["CARD", "CASH"], amounts=[card, cash])
    web = domain.net(db, event.price_group)
    with expect("22023"):
        domain.confirm(db, web, method="CASH")


def test_arrays_may_begin_where_they_like(db: Connection, plain: Event) -> None:
    open_till(db)
    with expect("23B06"):
        run(
            db,
            "select billig.create_purchase('STAND', array[%s::int], '{1}', 'kari', null, '{CASH}', '[0:0]={5}')",
            plain.price_group,
        )
    with expect("22023"):
        run(db, "select billig.till_close('kari', '{CASH}', '[0:0]={999}', '{100}', '{1}', 'x')")


# --- X and Z reports ------------------------------------------------------------------------------------------------


def test_every_item_stands_in_a_report_of_nothing(db: Connection, event: Event) -> None:
    wanted = [row["item"] for row in rows(db, "select item from billig.till_report_item order by place")]
    x = call(db, "x_report", cash_point=1)
    assert [(row["item"], row["number"], row["amount"]) for row in x] == [(item, 0, 0) for item in wanted]
    z = z_report(db)
    assert [(row["item"], row["number"], row["amount"]) for row in z] == [(item, 0, 0) for item in wanted]
    for cash_point in (None, 77):
        with expect("P0002"):
            call(db, "x_report", cash_point=cash_point)
        with expect("P0002"):
            call(db, "z_report", cash_point=cash_point, seller="kari")


def test_an_x_report_of_two_sellers_sums_by_operator(db: Connection, event: Event, plain: Event) -> None:
    open_till(db, opening_float=100)
    open_till(db, OLA, opening_float=0, drawer=2)
    first = sell(db, event.price_group, 2)  # 215 cash
    sell(db, plain.price_group, seller=OLA, methods=["CARD"])  # 100
    sell(db, plain.price_groups[2], seller=OLA)  # free
    call(db, "till_event", seller=OLA, event_type="OVERDRAW", amount=108, reason="out of Kari's drawer")
    refund(db, first.tickets[:1], seller=OLA)  # 107.50 cash
    for _ in range(3):
        call(db, "receipt", payment=first.payment)
    domain.reserve(db, make_event(db).price_group)  # a reservation moves nothing
    x, kari, ola = x_report(db), x_report(db, "kari"), x_report(db, OLA)
    assert x["TOTAL_CASH_SALES", ""][1] == Decimal("207.50")
    assert kari["TOTAL_CASH_SALES", ""][1] == 215
    assert ola["TOTAL_CASH_SALES", ""][1] == Decimal("-7.50")
    assert (x["PAYMENT", "CASH"], x["PAYMENT", "CARD"]) == ((1, 107), (1, 100))
    assert (kari["PAYMENT", "CASH"], ola["PAYMENT", "CASH"]) == ((1, 215), (0, -108))
    assert x["ROUNDING", ""] == (1, Decimal("-0.50"))
    assert x["ARTICLE_GROUP", "04016"] == (1, 0)
    assert sum(amount for (item, _), (_, amount) in x.items() if item == "ARTICLE_GROUP") == Decimal("207.50")
    assert (x["RECEIPTS", ""][0], x["RETURNS", ""]) == (3, (1, Decimal("107.50")))
    assert x["RECEIPT_COPIES", ""] == (2, 430)
    assert x["OPENING_FLOAT", ""] == (2, 100)
    vat = {
        row["item_key"]: row for row in call(db, "x_report", cash_point=1) if row["item"] == "VAT" and not row["seller"]
    }
    assert (vat["31 15.00"]["amount"], vat["31 15.00"]["vat_amount"]) == (Decimal("86.96"), Decimal("13.04"))
    assert (vat["3 25.00"]["amount"], vat["3 25.00"]["vat_amount"]) == (Decimal("6.00"), Decimal("1.50"))
    assert x["GRAND_TOTAL_SALES", ""][1] == 315
    assert x["GRAND_TOTAL_RETURN", ""][1] == Decimal("107.50")
    assert x["GRAND_TOTAL_NET", ""][1] == Decimal("207.50")
    close_till(db, 315)
    close_till(db, 0, OLA, note="paid out of the other drawer")
    z = z_report(db)
    made = items(z)
    assert made.pop(("CASH_DIFFERENCE", "CASH")) == (1, 108)
    x.pop(("CASH_DIFFERENCE", ""))
    assert made == x
    assert items(z, "kari").items() >= kari.items()


def test_a_day_of_two_sellers_with_everything_in_it(db: Connection, plain: Event) -> None:
    """One drawer in turn, and one each; every kind of transaction; kroner worked out beside it."""
    cheap, dear, free = plain.price_groups  # 100, 250, 0

    def kari(what: str, **arguments: object) -> list[dict[str, Any]]:
        return call(db, what, seller="kari", **arguments)

    # the morning: Kari has the drawer
    open_till(db, opening_float=300)
    morning = sell(db, cheap, 4)  # cash +400
    sell(db, {cheap: 1, dear: 1}, methods=["CASH", "CARD"], amounts=[150, 200])  # cash +150, card +200
    refund(db, morning.tickets[:1])  # cash -100
    kari("ticket_exchange", old_tickets=morning.tickets[1:2], price_groups=[dear], counts=[1], payment_methods=["CASH"])
    kari("change_price_group", tickets=morning.tickets[2:3], price_group=dear, payment_methods=["VIPPS"])  # +150
    kari("change_price_group", tickets=morning.tickets[3:], price_group=free)  # cash -100
    counted = close_till(db, 800)
    assert {method: row["expected"] for method, row in counted.items()} == {"CASH": 800, "CARD": 200, "VIPPS": 150}
    # the afternoon: Ola takes it over, Kari has a drawer of her own
    open_till(db, OLA, opening_float=800)
    open_till(db, opening_float=0, drawer=2)
    reserved = domain.reserve(db, cheap, 2, seller=OLA)
    kari("pay_reservation", purchase=reserved.purchase, tickets=reserved.tickets[:1], payment_methods=["CASH"])  # +100
    kari("cancel_reservation", purchase=reserved.purchase)
    sell(db, free, 3, seller=OLA)
    mistake = sell(db, dear, seller=OLA, methods=["CARD"])  # card +250 -250
    call(db, "undo_last_sale", seller=OLA)
    legacy = sell(db, cheap, seller=OLA)  # cash +100, Kari's drawer -100
    update_ticket(db, legacy.ticket, refunded="now", refunder="kari", point_of_refund=1)
    web = domain.net_paid(db, dear)
    refund(db, web.tickets, seller=OLA, cash_point=1, payment_methods=["CASH"], reason="no card")  # cash -250
    used = sell(db, cheap, seller=OLA)  # cash +100
    update_ticket(db, used.ticket, used="now")
    refund(db, used.tickets, seller=OLA, override_used=True, reason="let in by mistake")  # cash -100
    assert mistake.payment
    assert close_till(db, 0)["CASH"]["difference"] == 0
    counted = close_till(db, 650, OLA)
    assert {method: row["expected"] for method, row in counted.items()} == {"CASH": 650, "CARD": 0}
    z = items(z_report(db))
    sold = 400 + 350 + 250 + 150 + 100 + 0 + 250 + 100 + 100
    back = 100 + 100 + 100 + 250 + 100 + 100
    assert z["TOTAL_CASH_SALES", ""][1] == sold - back
    assert z["RETURNS", ""] == (6, back)
    assert z["PAY_OUT", "WEB"] == (1, -250), "what was paid on the web is no return of a till's"
    assert z["RECEIPTS", ""][0] == 9
    assert (z["PAYMENT", "CASH"][1], z["PAYMENT", "CARD"][1], z["PAYMENT", "VIPPS"][1]) == (sold - back - 350, 200, 150)


def test_z_reports_start_anew_and_grand_totals_go_on(db: Connection, plain: Event) -> None:
    for day in range(1, 4):
        open_till(db)
        sale = sell(db, plain.price_group, day)
        refund(db, sale.tickets[:1])
        close_till(db, 100 * (day - 1))
        made = z_report(db)
        assert {row["z_number"] for row in made} == {day}
        z = items(made)
        assert z["TOTAL_CASH_SALES", ""][1] == 100 * (day - 1)
        assert z["RETURNS", ""] == (1, 100)
        assert z["GRAND_TOTAL_SALES", ""][1] == sum(100 * n for n in range(1, day + 1))
        assert z["GRAND_TOTAL_RETURN", ""][1] == 100 * day
        assert x_report(db)["TOTAL_CASH_SALES", ""] == (0, 0)
        assert x_report(db)["GRAND_TOTAL_NET", ""] == z["GRAND_TOTAL_NET", ""]
        stored = rows(db, "select item, item_key, seller, number, amount from report.z_report where z_number = %s", day)
        assert items(stored) == z
        with expect("23B30"):
            z_report(db)
        yesterday(db)
    assert one(db, "select array_agg(z_number order by z_number) from billig.z_report") == [1, 2, 3]


def test_sales_after_the_z_report_are_in_tomorrows(db: Connection, plain: Event) -> None:
    open_till(db)
    close_till(db, 0)
    z_report(db)
    open_till(db)
    sell(db, plain.price_group)
    close_till(db, 100)
    with expect("23B30"):
        z_report(db)
    yesterday(db)
    today = one(db, "select billig.local_time()::date")
    assert items(z_report(db))["TOTAL_CASH_SALES", ""][1] == 100
    assert one(db, "select business_date from billig.z_report where z_number = 2") == today
    with expect("23B30"):
        z_report(db)


def test_a_z_report_waits_for_no_reservation_but_for_every_session(db: Connection, plain: Event) -> None:
    domain.reserve(db, make_event(db).price_group)
    open_till(db)
    with expect("23B29"):
        z_report(db)
    close_till(db, 0)
    assert z_report(db)[0]["z_number"] == 1
    make_cash_point(db, 2)
    open_till(db, cash_point=2)
    yesterday(db)
    assert z_report(db)[0]["z_number"] == 2, "another stand's session is not in the way"


def test_a_z_report_is_made_by_who_has_sold_there_or_a_bookkeeper(
    db: Connection, connect: Connect, plain: Event
) -> None:
    with domain.login_role(db, "billig_seller") as name, connect(user=name) as seller:
        with expect("42501"):
            call(seller, "z_report", cash_point=1, seller=name)
        open_till(seller, name)
        close_till(seller, 0, name)
        assert call(seller, "z_report", cash_point=1)[0]["z_number"] == 1, "the login role, where none is named"
        assert one(db, "select seller from billig.z_report") == name
    with domain.login_role(db, "bookkeeper") as name, connect(user=name) as bookkeeper, expect("23B30"):
        call(bookkeeper, "z_report", cash_point=1)


def test_what_is_free_is_worth_nothing(db: Connection, event: Event, plain: Event) -> None:
    """A change to a free ticket gives money back for what was sold, not for what is free."""
    open_till(db)
    for group in (event, plain):
        sale = sell(db, group.price_group, 2)
        call(db, "change_price_group", tickets=sale.tickets, price_group=group.price_groups[2], seller="kari")
        refund(db, sale.tickets)
    x = x_report(db)
    assert x["ARTICLE_GROUP", "04016"][1] == 0
    assert x["ARTICLE_GROUP", "04999 other"][1] == 0


def test_no_event_of_a_till_is_too_much_for_its_report(db: Connection, plain: Event) -> None:
    open_till(db)
    for amount, key in ((1, "x" * 101), (1_000_000, "x")):
        with expect("22023"):
            call(db, "till_event", seller="kari", event_type="PRICE_LOOKUP", amount=amount, item_key=key)
    call(db, "till_event", seller="kari", event_type="PRICE_LOOKUP", amount=999_999, item_key="æ" * 100)
    run(db, "update billig.event_type set event_type_name = repeat('concert', 70) where event_type = 1")
    run(db, "update billig.event set event_type = repeat('concert', 70)")
    sell(db, plain.price_group)
    close_till(db, 100)
    assert z_report(db)


def test_copies_printed_by_a_service_are_in_the_session_at_that_stand(
    db: Connection, connect: Connect, plain: Event
) -> None:
    with domain.login_role(db, "billig_seller", service=True) as name, connect(user=name) as service:
        open_till(service)
        payment = sell(service, plain.price_group).payment
        call(service, "receipt", payment=payment)
        close_till(service, 100)
        open_till(service)
        call(service, "receipt", payment=payment)
        assert x_report(db)["RECEIPT_COPIES", ""] == (1, 100)
        close_till(service, 0)


def test_a_z_report_stays(db: Connection, plain: Event) -> None:
    open_till(db)
    sell(db, plain.price_group)
    close_till(db, 100)
    z_report(db)
    for statement in (
        "update billig.z_report set sales = 0",
        "delete from billig.z_report",
        "update billig.z_report_line set amount = 0",
        "delete from billig.z_report_line",
        "truncate billig.z_report_line",
        "truncate billig.z_report cascade",
        "update billig.till_session set z_number = null",
    ):
        with expect("23B20"):
            run(db, statement)
    gap = (
        "insert into billig.z_report (cash_point, z_number, business_date, sales, returns, previous_grand_sales,"
        " previous_grand_returns) values (1, %s, current_date + 9, 0, 0, %s, 0)"
    )
    for number, grand_total in ((3, 100), (2, 0), (2, 99)):  # a gap, a reset, a wrong sum
        with expect("23503", native=True):
            run(db, gap, number, grand_total)
    with expect("23514", native=True):
        run(db, gap, 0, 0)
    # what an event is called later does not change the report
    run(db, "update billig.event set event_type = 'film'")


def test_numbers_have_no_gap_after_a_roll_back(db: Connection, connect: Connect, event: Event) -> None:
    with connect(autocommit=False) as other:
        assert z_report(other)[0]["z_number"] == 1
        other.rollback()
    assert z_report(db)[0]["z_number"] == 1


def test_tills_are_counted_at_read_committed_only(connect: Connect, event: Event) -> None:
    with connect(autocommit=False) as client:
        open_till(client)
        client.commit()
        client.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        with expect("25000"):
            close_till(client, 0)
        client.rollback()
        with expect("25000"):
            z_report(client)


# --- At once --------------------------------------------------------------------------------------------------------


def test_a_sale_in_flight_is_waited_for_when_its_session_closes(db: Connection, connect: Connect, plain: Event) -> None:
    open_till(db)
    closing: list[object] = []
    with connect(autocommit=False) as seller, connect() as closer:
        sell(seller, plain.price_group)

        def close() -> None:
            try:
                closing.append(close_till(closer, 100)["CASH"]["expected"])
            except psycopg.Error as error:
                closing.append(error)

        thread = threading.Thread(target=close)
        thread.start()
        wait_for(db, closer.info.backend_pid)
        seller.commit()
        thread.join()
    assert closing == [100]


def test_without_the_lock_the_sale_in_flight_would_be_lost(db: Connection, connect: Connect, plain: Event) -> None:
    """The positive control: with the lock on the session taken away, the count misses the sale and a view says so."""
    definition = one(db, "select pg_get_functiondef('billig.payment_till'::regproc)")
    run(db, definition.replace("for share", ""))
    open_till(db)
    session = one(db, "select max(till_session) from billig.till_session")
    # the foreign key locks the session too, against FOR UPDATE alone: take that away as well
    run(db, "alter table billig.payment drop constraint payment_till_session_fkey")
    with connect(autocommit=False) as seller:
        sell(seller, plain.price_group)
        assert close_till(db, 0)["CASH"]["expected"] == 0
        seller.commit()
    assert consistency(db)["till"][0]["found"] == 100
    run(db, "alter table billig.payment disable trigger user")
    run(db, "alter table billig.till_count disable trigger user")
    run(db, "update billig.till_count set expected = 100, counted = 100 where till_session = %s", session)
    run(db, "alter table billig.payment enable always trigger payment_till")
    run(db, "alter table billig.payment enable always trigger payment_keep")
    run(db, "alter table billig.till_count enable always trigger till_count_keep")
    run(db, definition)


def test_a_sale_that_comes_while_its_session_closes_is_refused_or_in_the_next(
    db: Connection, connect: Connect, plain: Event
) -> None:
    open_till(db)
    for next_session in (False, True):
        answers: list[object] = []
        with connect(autocommit=False) as closer, connect() as seller:
            close_till(closer, 0)
            if next_session:
                session = open_till(closer)

            def late(client: Connection = seller, said: list[object] = answers) -> None:
                try:
                    said.append(session_of(client, sell(client, plain.price_group, cash_point=1).payment))
                except psycopg.Error as error:
                    said.append(error.sqlstate)

            thread = threading.Thread(target=late)
            thread.start()
            wait_for(db, seller.info.backend_pid)
            closer.commit()
            thread.join()
        assert answers == ([session] if next_session else ["23B26"])
        if not next_session:
            open_till(db)
    close_till(db, 100)


def test_two_z_reports_at_once_one_wins(db: Connection, connect: Connect, event: Event) -> None:
    open_till(db)
    close_till(db, 0)
    outcomes: list[object] = []

    def make(client: Connection) -> None:
        try:
            outcomes.append(z_report(client)[0]["z_number"])
        except psycopg.Error as error:
            outcomes.append(error.sqlstate)

    threads = [threading.Thread(target=make, args=(connect(),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes, key=str) == [1] + ["23B30"] * 7
    assert one(db, "select count(*) from billig.z_report") == 1


def test_a_session_cannot_open_while_a_z_report_is_made(db: Connection, connect: Connect, event: Event) -> None:
    with connect(autocommit=False) as reporter, connect() as opener:
        z_report(reporter)
        with impatient(db), expect("55P03", native=True):
            open_till(opener)
        reporter.commit()
        open_till(opener)
    close_till(db, 0)


def test_forty_sellers_close_at_once(db: Connection, connect: Connect, plain: Event) -> None:
    sellers = [f"seller{n}" for n in range(40)]
    for number, seller in enumerate(sellers, 1):
        open_till(db, seller, opening_float=number, drawer=number)
        sell(db, plain.price_group, 2, seller=seller)
    failures: list[object] = []
    start = threading.Barrier(len(sellers))

    def close(client: Connection, seller: str, number: int) -> None:
        start.wait()
        try:
            close_till(client, 200 + number, seller)
        except psycopg.Error as error:
            failures.append(error)

    threads = [
        threading.Thread(target=close, args=(connect(), seller, number)) for number, seller in enumerate(sellers, 1)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert items(z_report(db))["TOTAL_CASH_SALES", ""][1] == 8000
