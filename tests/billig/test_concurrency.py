"""Many at once, over real connections: nothing is sold, paid back or counted twice, and nobody waits for ever.

Each promise has its positive control: the same contest with the guard taken away must break it, else the contest
shows nothing.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from typing import Any

import psycopg
import pytest

from tests.conftest import Connect, Connection
from tests.support.domain import Event, consistency, fresh_email, log_types, make_event, one
from tests.support.hall import Row, all_rows, buy_on_the_web, login_roles, sell, sold
from tests.support.together import sqlstates, together
from tests.support.waits import impatient

DEVELOPER = "concurrent_developer"


@contextmanager
def meanwhile(db: Connection, connection: Connection, work: Callable[[], Any]) -> Iterator[Future[Any]]:
    """Start something that must wait for a lock; goes on once it waits, and collects it in the end."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(work)
        until = time.monotonic() + 30
        while not one(
            db,
            "select exists (select from pg_stat_activity where pid = %s and wait_event_type = 'Lock')",
            connection.info.backend_pid,
        ):
            assert not future.done(), f"it did not wait: {future.exception() or future.result()}"
            assert time.monotonic() < until, "it never waited"
            time.sleep(0.01)
        yield future


def refund(connection: Connection, ticket: int, seller: str = "kari") -> list[Row]:
    return all_rows(
        connection, "select payment, ticket, amount from billig.refund(array[%s::bigint], %s)", ticket, seller
    )


def exchange(connection: Connection, tickets: list[int], price_group: int, seller: str = "ola") -> list[int]:
    """Exchange tickets for as many of one price group; their numbers."""
    return [
        ticket
        for (ticket,) in all_rows(
            connection,
            "select new_ticket from billig.ticket_exchange(%s::bigint[], array[%s::int], array[%s::int], %s,"
            " p_payment_methods => array['CASH'])",
            tickets,
            price_group,
            len(tickets),
            seller,
        )
    ]


# --- The last tickets -----------------------------------------------------------------------------------------------


class Buyer:
    """Buys one, two or three at a time until not even one is left."""

    def __init__(self, connection: Connection, group: Event, how: Callable[[Connection, int, int], None]) -> None:
        self.connection, self.group, self.how = connection, group, how
        self.bought = 0
        self.refusals: Counter[str | None] = Counter()

    def __call__(self) -> "Buyer":
        count = 3
        while count > 0:
            try:
                self.how(self.connection, self.group.price_group, count)
                self.bought += count
            except psycopg.Error as error:
                self.refusals[error.sqlstate] += 1
                count -= 1
        return self


def at_a_stand(connection: Connection, price_group: int, count: int) -> None:
    sell(connection, price_group, count)


def on_the_web(connection: Connection, price_group: int, count: int) -> None:
    buy_on_the_web(connection, price_group, count)


def by_raw_inserts(connection: Connection, price_group: int, count: int) -> None:
    """As a development client does: a purchase, then its tickets, and num_sold."""
    with connection.transaction():
        purchase = one(connection, "insert into purchase (owner_email) values (%s) returning purchase", fresh_email())
        connection.execute(
            "insert into ticket (price_group, purchase, paid) select %s, %s, now() from generate_series(1, %s)",
            [price_group, purchase, count],
        )
        connection.execute(
            "update ticket_group set num_sold = num_sold + %s where ticket_group ="
            " (select ticket_group from price_group where price_group = %s)",
            [count, price_group],
        )


@pytest.fixture
def developer(db: Connection) -> Iterator[str]:
    with login_roles(db, {DEVELOPER: ["billig_dev"]}):
        yield DEVELOPER


def fight(db: Connection, connect: Connect, developer: str, num: int) -> tuple[Event, list[Buyer]]:
    """32 connections, a quarter of them writing tables themselves, want more tickets than there are."""
    group = make_event(db, num=num)
    buyers = [Buyer(connect(), group, at_a_stand) for _ in range(12)]
    buyers += [Buyer(connect(), group, on_the_web) for _ in range(12)]
    buyers += [Buyer(connect(developer), group, by_raw_inserts) for _ in range(8)]
    answers = together(buyers)
    assert answers == buyers, "a buyer ended with something else than a refusal"
    return group, buyers


@pytest.mark.parametrize("num", [7, 500])
@pytest.mark.smoke
def test_32_connections_fight_over_the_last_tickets_and_each_is_sold_once(
    db: Connection, connect: Connect, developer: str, num: int
) -> None:
    group, buyers = fight(db, connect, developer, num)

    assert sum((buyer.refusals for buyer in buyers), Counter()) == {"23B01": 3 * 32}
    assert sum(buyer.bought for buyer in buyers) == num
    assert sold(db, group.ticket_group) == (num, num)
    assert consistency(db) == {}


def test_the_same_fight_oversells_without_the_guard(db: Connection, connect: Connect, developer: str) -> None:
    """Positive control: capacity by counting what is sold, then selling, as one would without thinking."""
    db.execute(
        """
        create or replace function billig.take_capacity(p_ticket_group int, p_count int) returns void
        language plpgsql as $$
        begin
            if (select count(*) from billig.ticket where ticket_group = p_ticket_group and refunded is null)
                > (select num from billig.ticket_group_base where ticket_group = p_ticket_group)
            then
                raise exception 'sold out' using errcode = '23B01';
            end if;
            perform pg_sleep(0.01);
        end;
        $$
        """
    )

    group, buyers = fight(db, connect, developer, 50)

    assert sum(buyer.bought for buyer in buyers) > 50
    assert "oversold" in consistency(db)
    assert "num_sold" in consistency(db)
    assert one(db, "select live_tickets > num from consistency.oversold where ticket_group = %s", group.ticket_group)


def test_the_constraint_stands_beneath_the_code_that_takes_capacity(
    db: Connection, connect: Connect, developer: str
) -> None:
    """Code that never asks what is left still cannot take what is not there; without the constraint it oversells."""
    db.execute(
        """
        create or replace function billig.take_capacity(p_ticket_group int, p_count int) returns void
        language sql as $$
            update billig.ticket_group_slot set remaining = remaining - p_count
            where ticket_group = p_ticket_group and slot = 1
        $$
        """
    )
    group = make_event(db, num=10)
    for _ in range(10):
        sell(db, group.price_group)
    with pytest.raises(psycopg.errors.CheckViolation, match="ticket_group_slot_remaining_check"):
        sell(db, group.price_group)
    assert sold(db, group.ticket_group) == (10, 10)

    db.execute("alter table billig.ticket_group_slot drop constraint ticket_group_slot_remaining_check")
    sell(db, group.price_group)
    assert "oversold" in consistency(db)


@pytest.mark.smoke
def test_locked_capacity_is_not_sold_out_but_waited_for(db: Connection, connect: Connect) -> None:
    group = make_event(db, num=60)
    assert one(db, "select count(*) from billig.ticket_group_slot where ticket_group = %s", group.ticket_group) > 1
    holder, buyer = connect(autocommit=False), connect()

    one(holder, "select billig.lock_capacity(array[%s::int])", group.ticket_group)
    with meanwhile(db, buyer, lambda: sell(buyer, group.price_group, 9)) as waiting:
        holder.rollback()
    assert len(waiting.result()) == 9

    for _ in range(17):
        sell(holder, group.price_group, 3)
    with meanwhile(db, buyer, lambda: sell(buyer, group.price_group)) as waiting:
        holder.rollback()
    assert len(waiting.result()) == 1, "what was held was given back"

    for _ in range(10):
        sell(holder, group.price_group, 5)
    with meanwhile(db, buyer, lambda: sell(buyer, group.price_group)) as waiting:
        holder.commit()
    assert sqlstates([waiting.exception()]) == ["23B01"], "what was held was sold"
    assert consistency(db) == {}


def test_waiting_for_capacity_ends_at_lock_timeout_and_says_so(db: Connection, connect: Connect) -> None:
    group = make_event(db, num=4)
    holder, buyer = connect(autocommit=False), connect()
    sell(holder, group.price_group, 4)

    with impatient(db, "50ms"), pytest.raises(psycopg.errors.LockNotAvailable) as refusal:
        sell(buyer, group.price_group)

    assert refusal.value.sqlstate == "55P03"
    holder.commit()
    with pytest.raises(psycopg.IntegrityError, match="sold out"):
        sell(buyer, group.price_group)
    assert consistency(db) == {}


# --- Exchanges in opposite directions -------------------------------------------------------------------------------


TOGETHER = 5  # tickets in one exchange


def exchange_to_and_fro(connection: Connection, tickets: list[int], there: int, here: int, times: int) -> int:
    """Exchange the tickets to the other group, and back, and so on; how often."""
    for n in range(times):
        tickets = exchange(connection, tickets, here if n % 2 else there)
    return times


def opposite_exchanges(db: Connection, connect: Connect, times: int) -> list[Any]:
    """Eight connections, half of which go from the first group to the second when the others go back."""
    groups = [make_event(db, num=80, prices=[100]), make_event(db, num=80, prices=[130])]
    works: list[Callable[[], int]] = []
    for n in range(8):
        here, there = groups[n % 2].price_group, groups[1 - n % 2].price_group
        works.append(partial(exchange_to_and_fro, connect(), sell(db, here, TOGETHER), there, here, times // 8))
    return together(works)


def test_exchanges_in_opposite_directions_meet_no_deadlock(db: Connection, connect: Connect, exchanges: int) -> None:
    """10,000 tickets in 2,000 calls, in CI fewer; --exchanges says how many."""
    answers = opposite_exchanges(db, connect, exchanges)

    assert answers == [exchanges // 8] * 8
    assert one(db, "select count(*) from billig.exchange") == exchanges
    assert one(db, "select count(*) from billig.ticket where replaces is not null") == TOGETHER * exchanges
    assert one(db, "select count(*) from billig.ticket where refunded is null") == TOGETHER * 8
    assert consistency(db) == {}


def test_the_same_exchanges_deadlock_without_the_order_of_locks(db: Connection, connect: Connect) -> None:
    """Positive control: what is left is looked up, but not locked beforehand and in order."""
    db.execute(
        """
        create or replace function billig.lock_capacity(p_ticket_groups int[]) returns int
        language sql as $$
            select coalesce(sum(remaining), 0)::int from billig.ticket_group_slot
            where ticket_group = any (p_ticket_groups)
        $$
        """
    )

    assert "40P01" in sqlstates(opposite_exchanges(db, connect, 400))


# --- The same ticket, twice at once ---------------------------------------------------------------------------------


def test_a_ticket_is_refunded_or_exchanged_but_not_both(db: Connection, connect: Connect) -> None:
    rounds = 60
    group, other = make_event(db, num=100), make_event(db, num=100)
    refunder, exchanger = connect(), connect()
    won: Counter[str] = Counter()
    for n in range(rounds):
        (ticket,) = sell(db, group.price_group)
        works: list[Callable[[], Any]] = [
            partial(refund, refunder, ticket),
            partial(exchange, exchanger, [ticket], other.price_group),
        ]
        answers = together(works if n % 2 else works[::-1])
        (loser,) = [answer for answer in answers if isinstance(answer, psycopg.Error)]
        assert loser.sqlstate == "23B10"
        assert "refunded already" in str(loser)
        won[
            "exchange"
            if one(db, "select replaced_by is not null from billig.ticket where ticket = %s", ticket)
            else "refund"
        ] += 1
        assert log_types(db, ticket) == ["NORMAL_SALE", "NORMAL_REFUND"]

    assert sum(won.values()) == rounds
    assert one(db, "select count(*) from billig.exchange") == won["exchange"]
    assert one(db, "select sum(amount) from billig.payment_line") == 100 * won["exchange"]
    assert consistency(db) == {}


FIRST_AND_SECOND = pytest.mark.parametrize(
    ("first", "second"),
    [("refund", "exchange"), ("exchange", "refund"), ("refund", "refund"), ("exchange", "exchange")],
)


def do(what: str, connection: Connection, ticket: int, price_group: int) -> object:
    return refund(connection, ticket) if what == "refund" else exchange(connection, [ticket], price_group)


@FIRST_AND_SECOND
@pytest.mark.smoke
def test_the_second_waits_for_the_first_and_is_refused_only_if_that_is_saved(
    db: Connection, connect: Connect, first: str, second: str
) -> None:
    group = make_event(db, num=100)
    early, late = connect(autocommit=False), connect()

    (ticket,) = sell(db, group.price_group)
    do(first, early, ticket, group.price_group)
    with meanwhile(db, late, lambda: do(second, late, ticket, group.price_group)) as waiting:
        early.commit()
    assert sqlstates([waiting.exception()]) == ["23B10"]

    (ticket,) = sell(db, group.price_group)
    do(first, early, ticket, group.price_group)
    with meanwhile(db, late, lambda: do(second, late, ticket, group.price_group)) as waiting:
        early.rollback()
    assert waiting.exception() is None
    assert log_types(db, ticket) == ["NORMAL_SALE", "NORMAL_REFUND"]
    assert consistency(db) == {}


def without_lock_of_tickets(db: Connection) -> None:
    db.execute(
        """
        create or replace function billig.lock_tickets(p_tickets bigint[]) returns setof billig.ticket
        language sql as $$ select t.* from billig.ticket as t where t.ticket = any (p_tickets) order by t.ticket $$
        """
    )


def both_at_once(db: Connection, connect: Connect) -> BaseException | None:
    """Refund a ticket while its exchange is not saved yet: what became of the refund."""
    group = make_event(db, num=100)
    early, late = connect(autocommit=False), connect()
    (ticket,) = sell(db, group.price_group)
    exchange(early, [ticket], group.price_group)
    with meanwhile(db, late, lambda: refund(late, ticket)) as waiting:
        early.commit()
    return waiting.exception()


def test_the_log_refuses_the_second_even_where_the_functions_forget_to_lock(db: Connection, connect: Connect) -> None:
    without_lock_of_tickets(db)

    assert sqlstates([both_at_once(db, connect)]) == ["23B10"]
    assert consistency(db) == {}


def test_without_both_guards_a_ticket_is_paid_back_twice(db: Connection, connect: Connect) -> None:
    """Positive control: neither the lock of the functions, nor the log's refusal, nor the balance at commit."""
    without_lock_of_tickets(db)
    db.execute("alter table billig.ticket disable trigger ticket_2_log_update")
    db.execute("alter table billig.payment_line disable trigger payment_line_balance")
    db.execute("alter table billig.transaction_log disable trigger transaction_log_balance")

    assert both_at_once(db, connect) is None
    assert one(db, "select count(*) from billig.payment where kind in ('REFUND', 'EXCHANGE')") == 2
    assert {"trigger_guard", "payment_balance", "log_replay"} <= consistency(db).keys()


@pytest.mark.smoke
def test_two_raw_refunds_of_a_ticket_at_once_pay_it_back_once(db: Connection, connect: Connect) -> None:
    """The update that waited finds the ticket refunded, though its own WHERE does not ask."""
    (ticket,) = sell(db, make_event(db, num=10).price_group)
    early, late = connect(autocommit=False), connect()

    def update(connection: Connection, refunder: str) -> None:
        connection.execute(
            "update billig.ticket set refunded = now(), refunder = %s, point_of_refund = 3 where ticket = %s",
            [refunder, ticket],
        )

    update(early, "kari")
    with meanwhile(db, late, lambda: update(late, "ola")) as waiting:
        early.commit()

    assert sqlstates([waiting.exception()]) == ["23B10"]
    assert one(db, "select refunder from billig.ticket") == "kari"
    assert one(db, "select sum(amount) from billig.payment_line") == 0
    assert consistency(db) == {}


# --- Web payments ---------------------------------------------------------------------------------------------------


def overdue(db: Connection, group: Event) -> tuple[int, int]:
    """A web purchase of one ticket whose time is over at once: the purchase and the ticket."""
    db.execute("update billig.sale_channel set hold_for = '1 microsecond' where sale_channel = 'NET'")
    purchase, (ticket,) = buy_on_the_web(db, group.price_group)
    return purchase, ticket


def confirm(connection: Connection, purchase: int, reference: str) -> list[Row]:
    return all_rows(
        connection,
        "select result, ticket, amount from billig.confirm_net_payment(%s, 100, %s)",
        purchase,
        reference,
    )


def expire(connection: Connection) -> list[Row]:
    return all_rows(connection, "select purchase, ticket from billig.expire_net_sales()")


def test_what_is_confirmed_and_expired_at_once_is_paid_exactly_once(db: Connection, connect: Connect) -> None:
    rounds = 60
    group = make_event(db, num=1000)
    payer, cleaner = connect(), connect()
    results: Counter[str] = Counter()
    for n in range(rounds):
        purchase, ticket = overdue(db, group)
        works: list[Callable[[], Any]] = [
            partial(confirm, payer, purchase, f"reference-{n}"),
            partial(expire, cleaner),
        ]
        confirmed, expired = together(works)
        ((result, paid_ticket, amount),) = confirmed
        results[result] += 1
        assert amount == 100
        if expired:
            assert (result, expired) == ("RESOLD", [(purchase, ticket)])
            assert log_types(db, ticket) == ["NET_SALE", "NET_TIMEOUT"]
            assert log_types(db, paid_ticket) == ["NET_SALE", "NET_PAID"]
        else:
            assert (result, paid_ticket) == ("PAID", ticket)
            assert log_types(db, ticket) == ["NET_SALE", "NET_PAID"]

    assert sum(results.values()) == rounds
    assert sold(db, group.ticket_group) == (rounds, rounds)
    assert one(db, "select sum(amount) from billig.payment_line") == 100 * rounds
    assert consistency(db) == {}


def test_expiry_passes_by_what_is_just_being_paid(db: Connection, connect: Connect) -> None:
    purchase, ticket = overdue(db, make_event(db, num=10))
    payer = connect(autocommit=False)

    assert [result for result, _, _ in confirm(payer, purchase, "reference")] == ["PAID"]
    assert expire(db) == []
    payer.commit()
    assert expire(db) == []
    assert log_types(db, ticket) == ["NET_SALE", "NET_PAID"]


@pytest.mark.parametrize(("ending", "result"), [("commit", "RESOLD"), ("rollback", "PAID")])
def test_a_confirmation_waits_for_the_expiry_that_came_first(
    db: Connection, connect: Connect, ending: str, result: str
) -> None:
    purchase, _ = overdue(db, make_event(db, num=1))
    cleaner, payer = connect(autocommit=False), connect()

    expire(cleaner)
    with meanwhile(db, payer, lambda: confirm(payer, purchase, "reference")) as waiting:
        getattr(cleaner, ending)()

    assert [answer for answer, _, _ in waiting.result()] == [result]
    assert consistency(db) == {}


def test_the_last_ticket_expired_and_sold_on_is_owed_back(db: Connection, connect: Connect) -> None:
    """Somebody buys the ticket that timed out while its money is on the way, in either order."""
    for n in range(20):
        group = make_event(db, num=1)
        purchase, _ = overdue(db, group)
        expire(db)
        payer, buyer = connect(), connect()
        works: list[Callable[[], Any]] = [
            partial(confirm, payer, purchase, f"reference-{n}"),
            partial(sell, buyer, group.price_group),
        ]
        confirmed, bought = together(works if n % 2 else works[::-1])[:: 1 if n % 2 else -1]
        ((result, _, _),) = confirmed
        if isinstance(bought, psycopg.Error):
            assert (result, bought.sqlstate) == ("RESOLD", "23B01")
        else:
            assert result == "OWED"
        assert sold(db, group.ticket_group) == (1, 1)
    assert consistency(db) == {}


@pytest.mark.smoke
def test_a_confirmation_sent_twice_at_once_is_one_payment_and_one_answer(db: Connection, connect: Connect) -> None:
    group = make_event(db, num=100)
    connections = [connect() for _ in range(4)]
    for n in range(20):
        purchase, (ticket,) = buy_on_the_web(db, group.price_group)
        answers = together([partial(confirm, c, purchase, f"reference-{n}") for c in connections])
        assert answers == [[("PAID", ticket, Decimal(100))]] * 4
    assert one(db, "select count(*) from billig.payment") == 20
    assert consistency(db) == {}


def test_one_reference_confirms_one_purchase_even_at_once(db: Connection, connect: Connect) -> None:
    group = make_event(db, num=100)
    connections = [connect() for _ in range(4)]
    for n in range(20):
        purchases = [buy_on_the_web(db, group.price_group)[0] for _ in connections]
        answers = together(
            [partial(confirm, c, p, f"reference-{n}") for c, p in zip(connections, purchases, strict=True)]
        )
        assert sqlstates(answers) == ["23B19"] * 3, answers
    assert one(db, "select count(*) from billig.payment") == 20
    assert consistency(db) == {}


@pytest.mark.smoke
def test_a_request_sent_twice_at_once_is_done_once(db: Connection, connect: Connect) -> None:
    group = make_event(db, num=100)

    def request(connection: Connection, request_id: str) -> list[Row]:
        return all_rows(
            connection,
            "select purchase, ticket from billig.create_purchase('STAND', array[%s::int], array[2], 'kari',"
            " p_payment_methods => array['CASH'], p_request_id => %s)",
            group.price_group,
            request_id,
        )

    connections = [connect() for _ in range(4)]
    for n in range(20):
        answers = together([partial(request, connection, f"request-{n}") for connection in connections])
        assert answers == [answers[0]] * 4
    assert sold(db, group.ticket_group) == (40, 40)
    assert consistency(db) == {}
