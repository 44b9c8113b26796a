"""The server is killed under load, again and again: what it said was done is done, once, and nothing is half done.

This proves that the ledger outlives a crash of the server's processes. It does not prove that it outlives the loss of
power: the operating system lives on here, and writes what it was given. That promise is fsync's, and the disk's.
"""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg

from tests.conftest import Connection, DurableServerFactory
from tests.support.domain import Event, call, close_till, consistency, make_cash_point, make_event, one, open_till
from tests.support.hall import Row, all_rows
from tests.support.servers import TestServer

WRITERS = 6
KILLS = 6
LOST = (psycopg.OperationalError, psycopg.InterfaceError)  # the connection, or the server that is starting again

SELL = (
    "select purchase, ticket from billig.create_purchase('STAND', array[%s::int], array[2], 'kari',"
    " p_payment_methods => array['CASH'], p_owner_email => %s, p_request_id => %s)"
)
BUY = "select purchase, ticket from billig.create_purchase('NET', array[%s::int], array[1], p_owner_email => %s)"
REFUND = "select payment, ticket from billig.refund(array[%s::bigint], 'ola', p_request_id => %s)"


class Writer:
    """A till that sells two tickets, refunds one, and takes a web payment; whatever is not answered is sent again."""

    def __init__(self, server: TestServer, name: str, group: Event, stop: threading.Event) -> None:
        self.server, self.name, self.group, self.stop = server, name, group, stop
        self.connection: Connection | None = None
        self.sold: dict[str, list[Row]] = {}  # request id: the acknowledged answer
        self.refunded: dict[str, list[Row]] = {}
        self.confirmed: dict[str, int] = {}  # provider reference: purchase
        self.sent_again = 0

    def __call__(self) -> "Writer":
        n = 0
        while not self.stop.is_set():
            n += 1
            key = f"{self.name}-{n}"
            answer = self.ask(SELL, self.group.price_group, key, key)
            self.sold[key] = answer
            self.refunded[key] = self.ask(REFUND, answer[0][1], key)
            purchase = self.ask(BUY, self.group.price_group, f"web-{key}")[0][0]  # no request id: may be there twice
            self.ask("select from billig.confirm_net_payment(%s, 100, %s)", purchase, key)
            self.confirmed[key] = purchase
        if self.connection is not None:
            self.connection.close()
        return self

    def ask(self, query: str, *values: object) -> list[Row]:
        """The answer, which is the server's word that it is done; asked for until it comes."""
        until = time.monotonic() + 60
        while True:
            try:
                if self.connection is None:
                    self.connection = self.server.connect(connect_timeout=5)
                return all_rows(self.connection, query, *values)
            except LOST:
                self.sent_again += 1
                if self.connection is not None:
                    self.connection.close()
                self.connection = None
                assert time.monotonic() < until, "the server did not come back"
                time.sleep(0.05)


@contextmanager
def load(server: TestServer, group: Event) -> Iterator[list[Writer]]:
    """Writers at work until the block ends; each has its answers then."""
    stop = threading.Event()
    writers = [Writer(server, f"till{n}", group, stop) for n in range(WRITERS)]
    with ThreadPoolExecutor(WRITERS) as pool:
        futures = [pool.submit(writer) for writer in writers]
        try:
            yield writers
        finally:
            stop.set()
        for future in futures:
            future.result(timeout=90)


def work_for(writers: list[Writer], calls: int) -> None:
    """Until that many more purchases are acknowledged: each kill meets work, however slow the machine."""
    goal = sum(len(writer.sold) for writer in writers) + calls
    until = time.monotonic() + 60
    while sum(len(writer.sold) for writer in writers) < goal:
        assert time.monotonic() < until, "the writers do not get on"
        time.sleep(0.01)


def merged(of: list[dict[str, Any]]) -> dict[str, Any]:
    return {key: value for part in of for key, value in part.items()}


def test_kills_under_load_lose_nothing_acknowledged_and_do_nothing_twice(
    durable_server: DurableServerFactory,
) -> None:
    server = durable_server()
    with server.connect() as db:
        assert [one(db, f"show {name}") for name in ("fsync", "synchronous_commit", "full_page_writes")] == ["on"] * 3
        group = make_event(db, num=100_000)

    with load(server, group) as writers:
        for _ in range(KILLS):
            work_for(writers, 30)
            server.kill9()
            acknowledged = merged([dict(writer.sold) for writer in writers])
            server.restart()
            with server.connect() as db:
                assert missing(db, acknowledged) == {}
                assert consistency(db) == {}
        work_for(writers, 30)

    sold, refunded = merged([w.sold for w in writers]), merged([w.refunded for w in writers])
    confirmed = merged([w.confirmed for w in writers])
    assert sum(writer.sent_again for writer in writers) >= KILLS, "the kills met nobody at work"
    assert len(sold) >= 30 * KILLS
    with server.connect() as db:
        assert missing(db, sold) == {}
        # Once each: every purchase, refund and confirmation that was asked for, and no other.
        assert one(db, "select count(*) from billig.purchase where seller = 'kari'") == len(sold)
        assert one(db, "select count(distinct owner_email) from billig.purchase where seller = 'kari'") == len(sold)
        assert one(db, "select count(*) from billig.ticket where sale_channel = 'STAND'") == 2 * len(sold)
        assert {ticket for ((_, ticket),) in refunded.values()} == {
            ticket for (ticket,) in all_rows(db, "select ticket from billig.ticket where refunded is not null")
        }
        assert (
            dict(
                all_rows(
                    db, "select provider_reference, purchase from billig.payment where provider_reference is not null"
                )
            )
            == confirmed
        )
        taken = 200 * len(sold) - 100 * len(refunded) + 100 * len(confirmed)
        assert one(db, "select sum(amount) from billig.payment_line") == taken
        assert one(db, "select sum(amount + fee_amount) from billig.transaction_log") == taken
        assert consistency(db) == {}


def missing(db: Connection, acknowledged: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """The acknowledged purchases that are not there exactly as they were answered."""
    there: dict[str, list[Row]] = {}
    for key, purchase, ticket in all_rows(
        db,
        "select p.owner_email, p.purchase, t.ticket from billig.purchase as p"
        " inner join billig.ticket as t on p.purchase = t.purchase where p.seller = 'kari' order by t.ticket",
    ):
        there.setdefault(key, []).append((purchase, ticket))
    return {key: answer for key, answer in acknowledged.items() if there.get(key) != answer}


def test_the_check_finds_what_a_server_loses_that_does_not_wait_for_its_disk(
    durable_server: DurableServerFactory,
) -> None:
    """Positive control: with synchronous_commit off, purchases are acknowledged that a kill takes away."""
    server = durable_server()
    with server.connect() as db:
        group = make_event(db, num=100_000)
        for setting in ("synchronous_commit = off", "wal_writer_delay = '10s'", "wal_writer_flush_after = '1GB'"):
            db.execute(f"alter system set {setting}".encode())
    server.restart()

    acknowledged: dict[str, list[Row]] = {}
    with server.connect() as db:
        for n in range(30):
            acknowledged[str(n)] = all_rows(db, SELL, group.price_group, str(n), str(n))
        server.kill9()
    server.restart()

    with server.connect() as db:
        assert missing(db, acknowledged) != {}
        assert consistency(db) == {}, "it loses the last, but never a half"


def test_z_numbers_have_no_gap_after_a_crash(durable_server: DurableServerFactory) -> None:
    """A report that was answered is there; one that was under way when the server died leaves no hole behind."""
    server = durable_server()
    with server.connect() as db:
        make_cash_point(db, 1, session_required=True)
        make_cash_point(db, 2)
        open_till(db)
        close_till(db, 0)
        assert call(db, "z_report", cash_point=1, seller="kari")[0]["z_number"] == 1
        with server.connect() as half:
            half.autocommit = False
            assert call(half, "z_report", cash_point=2, seller="kari")[0]["z_number"] == 1
            half.execute("select pg_switch_wal()")  # what it wrote is on disk, but not that it committed
            server.kill9()
            half.close()
    server.restart()
    with server.connect() as db:
        assert dict(all_rows(db, "select cash_point, max(z_number) from billig.z_report group by 1")) == {1: 1}
        assert call(db, "z_report", cash_point=2, seller="kari")[0]["z_number"] == 1
        assert consistency(db) == {}
