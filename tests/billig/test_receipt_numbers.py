"""Numbers of receipts: at a cash point in the sale's own transaction and without a gap, elsewhere behind the sales."""

import itertools
from collections.abc import Callable
from functools import partial

import psycopg

from tests.conftest import Connect, Connection
from tests.support import domain
from tests.support.domain import (
    SAMFUNDET,
    UKA,
    Row,
    call,
    confirm,
    consistency,
    exchange,
    expect,
    make_event,
    net,
    one,
    refund,
    rows,
    run,
    sell,
)
from tests.support.together import sqlstates, together

STAND = 9
SELLERS, EACH = 16, 4


def numbered(db: Connection, cash_point: int | None = STAND) -> list[tuple[int, str, int, int]]:
    """Organisation, kind, number over all and number of the kind, of the receipts of a cash point, or of none."""
    return [
        (row["organisation"], row["receipt_kind"], row["transaction_number"], row["receipt_number"])
        for row in rows(
            db,
            "select r.organisation, r.receipt_kind, r.transaction_number, r.receipt_number from billig.receipt as r"
            " inner join billig.payment as p on r.payment = p.payment where p.cash_point is not distinct from %s"
            " order by r.transaction_number, r.organisation, r.payment",
            cash_point,
        )
    ]


def test_receipts_of_a_cash_point_are_numbered_over_all_and_within_their_kind(db: Connection) -> None:
    event = make_event(db, prices=(100, 150, 150))
    domain.make_cash_point(db, STAND)
    sale = sell(db, event.price_group, 4, cash_point=STAND)
    sell(db, event.price_group, cash_point=STAND)
    refund(db, sale.tickets[:1], cash_point=STAND)
    exchange(db, sale.tickets[1:2], make_event(db).price_group, methods=None, cash_point=STAND)
    up, same = event.price_groups[1:]
    for group in (up, same, event.price_group):  # dearer, as dear, cheaper
        call(
            db, "change_price_group", tickets=sale.tickets[2:3], price_group=group, seller="kari", cash_point=STAND,
            payment_methods=None if group == same else ["CASH"],
        )  # fmt: skip
    call(
        db, "reduce_price", tickets=sale.tickets[3:], amounts=[10], seller="kari", reason="rain", cash_point=STAND
    )  # fmt: skip
    assert numbered(db) == [
        (UKA, "SALE", 1, 1),
        (UKA, "SALE", 2, 2),
        (UKA, "RETURN", 3, 1),
        (UKA, "BOTH", 4, 1),
        (UKA, "SALE", 5, 3),
        (UKA, "BOTH", 6, 2),
        (UKA, "RETURN", 7, 2),
        (UKA, "RETURN", 8, 3),
    ]
    assert consistency(db) == {}


def test_a_payment_for_two_organisations_has_a_receipt_of_each(db: Connection) -> None:
    mine, other = make_event(db), make_event(db, organisation=SAMFUNDET)
    domain.make_cash_point(db, STAND)
    sale = sell(db, {mine.price_group: 1, other.price_group: 1}, cash_point=STAND)
    exchange(db, sale.tickets[:1], other.price_group, methods=None, cash_point=STAND)
    assert numbered(db) == [
        (SAMFUNDET, "SALE", 1, 1),
        (UKA, "SALE", 2, 2),
        (SAMFUNDET, "SALE", 3, 3),
        (UKA, "RETURN", 4, 1),
    ]


def test_a_sale_that_is_rolled_back_leaves_no_gap(db: Connection, connect: Connect) -> None:
    event = make_event(db)
    domain.make_cash_point(db, STAND)
    run(db, "create sequence public.control")
    sell(db, event.price_group, cash_point=STAND)
    one(db, "select nextval('public.control')")
    with connect(autocommit=False) as seller:
        sell(seller, event.price_group, cash_point=STAND)
        one(seller, "select nextval('public.control')")
        seller.execute("set constraints all immediate")  # its number is taken by now
        assert one(seller, "select max(receipt_number) from billig.receipt") == 2
        seller.rollback()
    sell(db, event.price_group, cash_point=STAND)
    assert [number for _, _, _, number in numbered(db)] == [1, 2]
    assert one(db, "select nextval('public.control')") == 3, "the control: a sequence has given 2 away"


def _sell_and_roll_back(connection: Connection, take: Callable[[Connection], object], price_group: int) -> None:
    """Four tries, of which the second and the last are rolled back after all was written."""
    for n in range(EACH):
        sell(connection, price_group, cash_point=STAND, seller=connection.info.user)
        take(connection)
        if n % 2:
            connection.execute("set constraints all immediate")
            connection.rollback()
        else:
            connection.commit()


def test_sixteen_sellers_at_one_cash_point_leave_no_gap_and_a_sequence_would(db: Connection, connect: Connect) -> None:
    event = make_event(db, num=1000)
    domain.make_cash_point(db, STAND)
    run(db, "create sequence public.control")
    run(db, "create table public.taken (number bigint)")
    connections = [connect(autocommit=False) for _ in range(SELLERS)]

    def take(connection: Connection) -> object:
        return run(connection, "insert into public.taken values (nextval('public.control'))")

    answers = together([partial(_sell_and_roll_back, each, take, event.price_group) for each in connections])
    assert sqlstates(answers) == []
    sold = SELLERS * EACH // 2
    assert [number for _, _, number, _ in numbered(db)] == list(range(1, sold + 1))
    assert [number for _, _, _, number in numbered(db)] == list(range(1, sold + 1))
    assert consistency(db) == {}
    control = [row["number"] for row in rows(db, "select number from public.taken order by number")]
    assert len(control) == sold
    assert control != list(range(1, sold + 1)), "the control: what a sequence gave is lost with a rollback"


def test_sales_over_two_cash_points_in_one_transaction_wait_and_never_deadlock(
    db: Connection, connect: Connect
) -> None:
    """Each takes the two rows in their order at its end, whichever stand came first. The control takes them as sold."""
    event = make_event(db, num=1000)
    for stand in (7, STAND):
        domain.make_cash_point(db, stand)

    def work(connection: Connection, stands: tuple[int, int], at_once: bool) -> None:
        for _ in range(5):
            if at_once:
                connection.execute("set constraints all immediate")
            for stand in stands:
                sell(connection, event.price_group, cash_point=stand)
                connection.execute("select pg_sleep(0.01)")
            connection.commit()

    def race(at_once: bool) -> list[str | None]:
        pairs = [(7, STAND), (STAND, 7)] * 2
        return sqlstates(together([partial(work, connect(autocommit=False), pair, at_once) for pair in pairs]))

    assert race(at_once=False) == []
    assert race(at_once=True), "the control: numbered as they are sold, they deadlock"
    assert consistency(db) == {}


def test_a_cash_points_row_is_locked_after_everything_else(db: Connection, connect: Connect) -> None:
    """A seller who has not committed yet keeps no other from being numbered."""
    event, other = make_event(db), make_event(db)
    domain.make_cash_point(db, STAND)
    with connect(autocommit=False) as slow:
        sell(slow, event.price_group, cash_point=STAND)
        db.execute("set lock_timeout = '2s'")
        sell(db, other.price_group, cash_point=STAND)
        assert [number for _, _, _, number in numbered(db)] == [1]
        slow.commit()
    assert [number for _, _, _, number in numbered(db)] == [1, 2]


def test_what_a_legacy_script_refunds_at_a_stand_is_numbered_there(db: Connection) -> None:
    event = make_event(db)
    domain.make_cash_point(db, STAND)
    sale = sell(db, event.price_group, 3, cash_point=STAND)
    for ticket in sale.tickets:
        run(
            db,
            "update billig.ticket set refunded = billig.local_time(), refunder = 'ola', point_of_refund = %s"
            " where ticket = %s",
            STAND,
            ticket,
        )
    assert numbered(db)[1:] == [(UKA, "RETURN", n + 1, n) for n in (1, 2, 3)]
    receipt = call(db, "receipt", ticket=sale.tickets[-1])
    assert {(row["receipt_kind"], row["receipt_number"]) for row in receipt} == {("RETURN", 3)}
    assert consistency(db) == {}


def test_many_payments_of_one_statement_are_numbered_in_their_order(db: Connection) -> None:
    event = make_event(db)
    for _ in range(5):
        sell(db, event.price_group)
    for stand in (7, STAND):
        domain.make_cash_point(db, stand)
    run(
        db,
        "update billig.ticket set refunded = billig.local_time(), refunder = 'ola',"
        " point_of_refund = case when purchase % 2 = 0 then 7 else 9 end",
    )
    for stand in (7, STAND):
        found = numbered(db, stand)
        assert found == [(UKA, "RETURN", n, n) for n in range(1, len(found) + 1)]
    assert len(numbered(db, 7)) + len(numbered(db)) == 5


# --- The web --------------------------------------------------------------------------------------------------------


def test_web_sales_are_numbered_behind_by_the_job_or_at_first_printing(db: Connection) -> None:
    mine, other = make_event(db), make_event(db, organisation=SAMFUNDET)
    sales = [net(db, {mine.price_group: 1, other.price_group: 1}) for _ in range(3)]
    for sale in sales:
        confirm(db, sale)
    assert one(db, "select count(receipt_number) from billig.receipt") == 0
    receipt = call(db, "receipt", purchase=sales[1].purchase)
    assert {(row["organisation"], row["receipt_number"]) for row in receipt} == {(UKA, 1), (SAMFUNDET, 1)}
    assert one(db, "select billig.number_confirmations()") == 4
    assert one(db, "select billig.number_confirmations()") == 0
    assert numbered(db, None) == [(each, "SALE", n, n) for n in (1, 2, 3) for each in (SAMFUNDET, UKA)]
    refund(db, sales[0].tickets)
    receipt = call(db, "receipt", ticket=sales[0].tickets[0])
    assert {(row["receipt_kind"], row["receipt_number"]) for row in receipt} == {("RETURN", 1)}
    assert {row["description"] for row in receipt if row["section"] == "HEADING"} == {"Bekreftelse på tilbakebetaling"}
    assert consistency(db) == {}


def test_a_web_sale_is_not_kept_waiting_by_who_numbers(db: Connection, connect: Connect) -> None:
    event = make_event(db)
    first, second = net(db, event.price_group), net(db, event.price_group)
    confirm(db, first)
    with connect(autocommit=False) as job:
        assert one(job, "select billig.number_confirmations()") == 1
        db.execute("set lock_timeout = '2s'")
        confirm(db, second)
        job.commit()


def test_who_prints_while_the_job_numbers_gets_the_same_number(db: Connection, connect: Connect) -> None:
    event = make_event(db)
    sales = [net(db, event.price_group) for _ in range(20)]
    for sale in sales:
        confirm(db, sale)
    works: list[Callable[[], object]] = [
        partial(call, connect(), "receipt", purchase=sale.purchase) for sale in sales[::3]
    ]
    works += [partial(one, connect(), "select billig.number_confirmations()") for _ in range(3)]
    assert sqlstates(together(works)) == []
    one(db, "select billig.number_confirmations()")
    assert [number for _, _, number, _ in numbered(db, None)] == list(range(1, 21))
    assert consistency(db) == {}


# --- What keeps them ------------------------------------------------------------------------------------------------


def test_no_number_is_without_the_one_before_it_nor_given_twice(db: Connection) -> None:
    event = make_event(db)
    domain.make_cash_point(db, STAND)
    sell(db, event.price_group, cash_point=STAND)
    for change, state in (
        ("last_transaction = 5, last_sale = 5", "23503"),
        ("last_transaction = 0, last_sale = 0", "23505"),
        ("last_transaction = 1, last_sale = 7", "23503"),
    ):
        run(db, f"update billig.receipt_series set {change}")
        with expect(state, native=True):
            sell(db, event.price_group, cash_point=STAND)
    run(db, "update billig.receipt_series set last_transaction = 1, last_sale = 1")
    sell(db, event.price_group, cash_point=STAND)
    run(db, "update billig.receipt_series set last_transaction = 3")
    assert "receipt" in consistency(db)


def test_a_receipt_keeps_its_number_and_stays(db: Connection) -> None:
    event = make_event(db)
    domain.make_cash_point(db, STAND)
    sale = sell(db, event.price_group, cash_point=STAND)
    call(db, "receipt", payment=sale.payment)
    for statement in (
        "update billig.receipt set receipt_number = 2",
        "update billig.receipt set receipt_number = null, transaction_number = null, receipt_series = null",
        "delete from billig.receipt",
        "truncate billig.receipt cascade",
        "delete from billig.receipt_series",
        "update billig.receipt_line set said = 'x'",
        "delete from billig.receipt_line",
    ):
        with expect("23B20"):
            run(db, statement)


def test_money_without_a_receipt_is_found(db: Connection) -> None:
    event = make_event(db)
    sell(db, event.price_group)
    assert consistency(db) == {}
    run(db, "alter table billig.transaction_log disable trigger transaction_log_receipt")
    sell(db, event.price_group)
    assert len(consistency(db)["receipt"]) == 1


def test_nothing_is_printed_of_what_is_not_committed(connect: Connect, db: Connection) -> None:
    event = make_event(db)
    domain.make_cash_point(db, STAND)
    with connect(autocommit=False) as seller:
        sale = sell(seller, event.price_group, cash_point=STAND)
        with expect("P0002"), seller.transaction():
            call(seller, "receipt", payment=sale.payment)
        seller.execute("set constraints all immediate")
        with expect("P0002"), seller.transaction():
            call(seller, "receipt", payment=sale.payment)
        seller.commit()
        assert call(seller, "receipt", payment=sale.payment)[0]["print_number"] == 1


def test_who_sells_under_an_older_snapshot_is_told_to_try_again(connect: Connect, db: Connection) -> None:
    event, other = make_event(db), make_event(db)
    domain.make_cash_point(db, STAND)
    sell(db, event.price_group, cash_point=STAND)
    with connect(autocommit=False) as seller:
        seller.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        sell(seller, other.price_group, cash_point=STAND)
        sell(db, event.price_group, cash_point=STAND)
        with expect("40001", native=True):
            seller.commit()
    assert [number for _, _, number, _ in numbered(db)] == [1, 2]


def test_receipts_that_were_never_printed_are_listed(db: Connection) -> None:
    event = make_event(db)
    domain.make_cash_point(db, STAND)
    sales = [sell(db, event.price_group, n, cash_point=STAND) for n in (1, 2)]
    web = net(db, event.price_group)
    confirm(db, web)
    call(db, "receipt", payment=sales[0].payment)

    def listed() -> list[tuple[object, ...]]:
        told = ("payment", "receipt_number", "cash_point", "seller", "amount")
        found: list[Row] = rows(db, "select * from report.unprinted_receipt order by payment")
        return [tuple(row[name] for name in told) for row in found]

    assert [each[1:] for each in listed()] == [(2, STAND, "kari", 200), (None, None, None, 100)]
    call(db, "receipt", payment=sales[1].payment)
    call(db, "receipt", purchase=web.purchase)
    assert listed() == []


# --- The buyer's name -----------------------------------------------------------------------------------------------


def test_forty_thousand_in_cash_needs_the_buyers_name(db: Connection) -> None:
    event = make_event(db, prices=(10_000,), num=100)
    domain.make_cash_point(db, STAND)
    with expect("23B36"):
        sell(db, event.price_group, 4, cash_point=STAND)
    assert numbered(db) == [], "nothing is sold, and no number is gone"
    sell(db, event.price_group, 4, methods=("CARD",), cash_point=STAND)
    sell(db, event.price_group, 4, methods=("CASH", "CARD"), amounts=(39_999, 1), cash_point=STAND)
    sale = sell(db, event.price_group, 4, cash_point=STAND, owner_name="Kari Nordmann")
    receipt = call(db, "receipt", payment=sale.payment)
    assert [row["description"] for row in receipt if row["section"] == "BUYER"] == ["Kjøper Kari Nordmann"]
    refund(db, sale.tickets, cash_point=STAND)  # money back needs none
    assert consistency(db) == {}


def test_a_reservation_is_paid_in_cash_once_its_buyer_is_named(db: Connection) -> None:
    event = make_event(db, prices=(20_000,))
    domain.make_cash_point(db, STAND)
    held = domain.create_purchase(db, "RESERVATION", event.price_group, 2, seller="kari")
    pay = {"purchase": held.purchase, "seller": "kari", "payment_methods": ["CASH"], "cash_point": STAND}
    with expect("23B36"):
        call(db, "pay_reservation", **pay)
    for name in (None, "", " Kari", "Ka\u200bri", "Kari\n"):
        with expect("22023"):
            call(db, "name_buyer", purchase=held.purchase, owner_name=name)
    with expect("P0002"):
        call(db, "name_buyer", purchase=404, owner_name="Kari")
    for _ in range(2):
        call(db, "name_buyer", purchase=held.purchase, owner_name="Kari")
    with expect("23B20"):
        call(db, "name_buyer", purchase=held.purchase, owner_name="Ola")
    call(db, "pay_reservation", **pay)


def test_raw_writes_need_the_buyers_name_too(db: Connection) -> None:
    event = make_event(db, prices=(50_000,))
    domain.make_cash_point(db, STAND)
    insert = (
        "with bought as (insert into billig.purchase (owner_name) values (%s) returning purchase)"
        " insert into billig.ticket (price_group, purchase, on_card, paid, sale_channel, seller, cash_point)"
        " select %s, purchase, false, billig.local_time(), 'STAND', 'ola', 9 from bought"
    )
    with expect("23B36"):
        run(db, insert, None, event.price_group)
    run(db, insert, "Ola", event.price_group)
    with expect("23514", native=True):
        run(db, insert, " Ola", event.price_group)


def test_an_erased_buyer_is_on_no_copy(db: Connection) -> None:
    event = make_event(db)
    sale = sell(db, event.price_group, owner_email="kari@example.com", owner_name="Kari Nordmann")
    for said in ("Buyer Kari Nordmann", "Buyer (erased)"):
        receipt = call(db, "receipt", payment=sale.payment, language="en")
        assert [row["description"] for row in receipt if row["section"] == "BUYER"] == [said]
        call(db, "erase_buyer", owner_email="kari@example.com")
    stored = itertools.chain.from_iterable(row.values() for row in rows(db, "select * from billig.receipt_line"))
    assert "Kari" not in str(list(stored))
    with expect("23B20"):
        call(db, "name_buyer", purchase=sale.purchase, owner_name="Kari Nordmann")
