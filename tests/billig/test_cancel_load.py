"""A great event is cancelled while others sell, and whoever does it is killed, again and again: each purchase once."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
import pytest

from tests.conftest import Connection, DurableServerFactory
from tests.support.domain import (
    Event,
    call,
    confirm,
    consistency,
    fresh_email,
    make_cash_point,
    make_event,
    net,
    one,
    refund,
    rows,
    run,
    sell,
)
from tests.support.servers import TestServer
from tests.support.waits import impatient

SELLERS = 3
FILL = """
do $$
declare
    v_purchase bigint;
begin
    for i in {first}..{last} loop
        if i % 9 = 0 then -- in cash at a stand
            perform billig.create_purchase('STAND', array[{group}], array[2], 'kari', p_payment_methods => '{{CASH}}',
                p_owner_email => i || '@example.com');
        else
            select min(c.purchase) into v_purchase from billig.create_purchase(
                'NET', array[{group}], array[2 + (i % 4 = 0)::int], p_owner_email => i || '@example.com'
            ) as c;
            if i % 9 <> 1 then -- else not paid yet
                perform billig.confirm_net_payment(v_purchase, 200 + (i % 4 = 0)::int * 100, 'pi_' || i);
            end if;
        end if;
    end loop;
end;
$$
"""


@dataclass
class Load:
    """What others did meanwhile."""

    stop: threading.Event = field(default_factory=threading.Event)
    sold: int = 0
    longest: float = 0.0  # seconds, of a sale
    waited: float = 0.0  # of those for a lock
    late: dict[str, int] = field(default_factory=dict)  # references, of money that came when it was cancelled


def sales(server: TestServer, event: Event, load: Load) -> None:
    """A seller who sells to another event, and gives one back, and never waits a second for a lock."""
    with server.connect(options="-c lock_timeout=1s") as db:
        while not load.stop.is_set():
            begun = time.monotonic()
            sale = sell(db, event.price_group, 2)
            refund(db, sale.tickets[:1])
            load.longest = max(load.longest, time.monotonic() - begun)
            load.sold += 1


def late_payments(server: TestServer, purchases: list[int], load: Load) -> None:
    """The provider goes on saying OK."""
    with server.connect(options="-c lock_timeout=1s") as db:
        for purchase in purchases:
            if load.stop.is_set():
                return
            price = one(db, "select sum(price) from billig.ticket where purchase = %s", purchase)
            call(db, "confirm_net_payment", purchase=purchase, amount=price, provider_reference=f"late_{purchase}")
            load.late[f"late_{purchase}"] = int(price)
            time.sleep(0.02)


def watch(server: TestServer, load: Load) -> None:
    """How long anybody has waited for a lock."""
    with server.connect() as db:
        while not load.stop.is_set():
            waited = one(
                db,
                "select coalesce(extract(epoch from max(clock_timestamp() - waitstart)), 0)"
                " from pg_locks where not granted",
            )
            load.waited = max(load.waited, float(waited))
            time.sleep(0.01)


@contextmanager
def loaded(server: TestServer, event: Event, unpaid: list[int]) -> Iterator[Load]:
    load = Load()
    with ThreadPoolExecutor(SELLERS + 2) as pool:
        futures = [pool.submit(sales, server, event, load) for _ in range(SELLERS)]
        futures += [pool.submit(late_payments, server, unpaid, load), pool.submit(watch, server, load)]
        try:
            yield load
        finally:
            load.stop.set()
        for future in futures:
            future.result(timeout=60)


class Command(subprocess.Popen[bytes]):
    """`pybridge event cancel`, and when it was begun."""

    begun: float


def command(server: TestServer, event: Event, *arguments: str) -> Command:
    where = f"postgresql://postgres@127.0.0.1:{server.port}/postgres"
    begun = time.time()
    started = Command(
        [sys.executable, "-m", "pybridge", "event", "cancel", str(event.event), *arguments],
        env={**os.environ, "DATABASE_URL": where},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    started.begun = begun
    return started


def left(db: Connection) -> int:
    return int(one(db, "select count(*) from billig.cancelled_purchase where done_at is null"))


def killed_on_the_way(db: Connection, running: Command, below: int, *, at_server: bool) -> None:
    """The command, or its backend, is killed when it is at work and fewer than so many purchases are left."""
    until = time.monotonic() + 120
    at_work: list[int] = []
    while not at_work or left(db) >= below:
        at_work = [
            row["pid"]
            for row in rows(
                db,
                "select pid from pg_stat_activity where query ~ 'refund_cancelled' and pid <> pg_backend_pid()"
                " and backend_start > to_timestamp(%s)",
                running.begun,
            )
        ]
        assert running.poll() is None, "it ended before it was killed"
        assert time.monotonic() < until
        time.sleep(0.002)
    if at_server:
        for pid in at_work:
            run(db, "select pg_terminate_backend(%s)", pid)
        assert running.wait(60) != 0
    else:
        running.send_signal(signal.SIGKILL)
        running.wait(60)


def test_a_cancellation_under_load_that_is_killed_three_times_gives_each_purchase_back_once(
    durable_server: DurableServerFactory, request: pytest.FixtureRequest
) -> None:
    purchases = int(request.config.getoption("--cancelled-purchases"))
    batch = ("--batch", str(min(100, purchases // 18)))
    server = durable_server()
    with server.connect() as db:
        make_cash_point(db, 1)
        play, other = make_event(db, num=3 * purchases), make_event(db, num=1_000_000)
        for first in range(1, purchases + 1, 500):  # transactions that end
            last = min(first + 499, purchases)
            db.execute(FILL.format(first=first, last=last, group=play.price_group).encode())
        run(db, "vacuum analyze")
        tickets = one(db, "select count(*) from billig.ticket")
        unpaid = [row["purchase"] for row in rows(db, "select distinct purchase from billig.ticket where paid is null")]
        unpaid = unpaid[: max(20, purchases // 50)]

        begun = time.monotonic()
        with loaded(server, other, unpaid) as load:
            started = command(server, play, *batch, "--reason", "the singer is ill")
            killed_on_the_way(db, started, purchases * 3 // 4, at_server=False)
            killed_on_the_way(db, command(server, play, *batch), purchases // 2, at_server=True)
            killed_on_the_way(db, command(server, play, *batch), purchases // 4, at_server=False)
            assert command(server, play, *batch).wait(300) == 0
            took = time.monotonic() - begun
            while len(load.late) < len(unpaid):  # the provider has the last word
                time.sleep(0.05)
        print(
            f"{tickets} tickets of {purchases} purchases in {took:.1f} s; {load.sold} sales of others meanwhile, the"
            f" longest {load.longest:.2f} s; the longest wait for a lock {load.waited:.3f} s"
        )
        assert load.waited < 1
        assert load.sold > 0

        assert one(db, "select count(*) from billig.ticket where sale_channel = 'NET' and refunded is null") == 0
        # What the provider has of each reference is what we have: nothing, but for what it was told too late.
        at_provider = rows(
            db,
            """
            select o.provider_reference as reference, count(distinct l.payment) as repayments, sum(l.amount) as back
            from billig.payment as o
            left join billig.payment_line as l on o.payment = l.gives_back
            where o.provider_reference is not null and o.purchase in (select purchase from billig.cancelled_purchase)
            group by 1
            """,
        )
        owed = {row["provider_reference"]: row["amount"] for row in rows(db, "select * from billig.owed_back")}
        for row in at_provider:
            number = row["reference"].removeprefix("pi_")
            paid = load.late.get(row["reference"]) or 200 + 100 * (int(number) % 4 == 0)
            assert (row["repayments"], -(row["back"] or 0) + owed.get(row["reference"], 0)) == (
                0 if row["reference"] in owed else 1,
                paid,
            )
        assert {row["reference"] for row in at_provider} >= set(owed)
        (report,) = rows(db, "select * from report.cancelled_event")
        assert (report["purchases"], report["purchases_left"]) == (purchases, 0)
        assert report["owed_now_amount"] == report["owed_amount"] == 200 * (purchases // 9)
        assert report["refunded_amount"] == -sum(row["back"] or 0 for row in at_provider)
        assert consistency(db) == {}


def test_whoever_is_selling_when_it_is_cancelled_is_seen_and_who_comes_after_is_refused(
    durable_server: DurableServerFactory,
) -> None:
    server = durable_server()
    with server.connect() as db, server.connect(autocommit=False) as selling, server.connect(autocommit=False) as older:
        play = make_event(db, num=8)
        older.execute("set transaction isolation level repeatable read")
        one(older, "select count(*) from billig.ticket")  # its snapshot is of now
        first = net(selling, play.price_group, 2)
        with impatient(db), pytest.raises(psycopg.errors.LockNotAvailable):
            call(db, "cancel_event", event=play.event, reason="rain")
        selling.commit()
        with server.connect(autocommit=False) as cancelling:
            (answer,) = call(cancelling, "cancel_event", event=play.event, reason="rain")
            assert (answer["purchases"], answer["tickets"]) == (1, 2)
            with ThreadPoolExecutor(1) as pool:
                waiting = pool.submit(net, selling, play.price_group, 1)
                time.sleep(0.3)
                assert not waiting.done(), "it waits to see what becomes of it"
                cancelling.commit()
                assert getattr(waiting.exception(30), "sqlstate", None) == "23B34"
        with pytest.raises(psycopg.errors.SerializationFailure):
            call(older, "create_purchase", sale_channel="NET", price_groups=[play.price_group], counts=[1],
                 owner_email=fresh_email())  # fmt: skip
        assert confirm(db, first)[0]["result"] == "OWED"


def test_what_somebody_has_in_hand_is_left_for_later_and_several_may_give_back_at_once(
    durable_server: DurableServerFactory,
) -> None:
    server = durable_server()
    with server.connect() as db, server.connect(autocommit=False) as holding:
        play = make_event(db, num=100)
        sold = [net(db, play.price_group, 2) for _ in range(12)]
        for sale in sold:
            confirm(db, sale)
        holding.execute("select from billig.ticket where ticket = %s for update", [sold[0].tickets[1]])
        holding.execute("select from billig.purchase where purchase = %s for no key update", [sold[1].purchase])
        call(db, "cancel_event", event=play.event, reason="rain")
        with server.connect() as one_more, ThreadPoolExecutor(2) as pool:
            both = [
                pool.submit(call, each, "refund_cancelled", event=play.event, purchases=6) for each in (db, one_more)
            ]
            assert sum(each.result(30)[0]["purchases_done"] for each in both) <= 10
        while call(db, "refund_cancelled", event=play.event)[0]["purchases_done"]:
            pass
        assert left(db) == 2
        holding.rollback()
        assert call(db, "refund_cancelled", event=play.event)[0]["purchases_left"] == 0
        assert one(db, "select sum(amount) from billig.payment_line") == 0
        assert one(db, "select count(*) from billig.payment where kind = 'REFUND'") == 12
