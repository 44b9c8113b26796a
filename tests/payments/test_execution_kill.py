"""kill -9 of the job and of the server while money moves: each is charged and paid once, and nobody is forgotten."""

import os
import random
import subprocess
import sys
import time
from collections import Counter

from examples import sandbox
from tests.conftest import Connection, DurableServerFactory
from tests.support import market
from tests.support.domain import consistency, one, rows
from tests.support.payments import CHARGE_DAY, JANUARY, PAYOUT_DAY, means, town
from tests.support.servers import TestServer

PEOPLE = 24
KILLS = 6


def job(server: TestServer, box: sandbox.Box, now: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "pybridge", "job", "run", "marketplace_execute", "--now", now],
        env={
            **os.environ,
            **box.environment,
            "DATABASE_URL": f"postgresql://postgres@127.0.0.1:{server.port}/postgres",
            "COLUMNS": "200",
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def sent(db: Connection) -> int:
    return int(one(db, "select coalesce(sum(sent), 0) from marketplace.payment_attempt"))


def test_kills_of_the_job_and_of_the_server(durable_server: DurableServerFactory, box: sandbox.Box) -> None:
    server, chance = durable_server(), random.Random(1)
    with server.connect() as db:
        here = town(db, advertisers=PEOPLE)
        for each in here.advertisers:
            customer = box.customer()
            means(db, each, "CHARGE", customer=customer.id, payment_method=customer.payment_method)
        means(db, here.publisher, "PAYOUT", destination=box.account())
        here.month()
    box.clock(CHARGE_DAY)
    box.faults({"fault": "delay", "path": "POST /v1/*", "times": 1000, "seconds": 0.02})
    now = CHARGE_DAY.isoformat()[:19]
    killed = Counter[str]()
    for number in range(KILLS):
        with server.connect() as db:
            before, state = sent(db), one(db, "select count(*) from marketplace.transaction where status = 'NEW'")
            if state == 1:  # the payout, whose day has not come
                break
            process = job(server, box, now)
            until = time.monotonic() + 30
            while sent(db) < before + 2 and process.poll() is None:
                assert time.monotonic() < until, "the job does not get on"
                time.sleep(chance.random() * 0.02)
        if number % 3 == 2:
            server.kill9()
            process.wait(30)
            server.restart()
            killed["server"] += 1
        else:
            process.kill()
            process.wait()
            killed["job"] += 1
        with server.connect() as db:
            assert consistency(db) == {}
    assert killed["server"] >= 2, killed
    assert killed["job"] >= 4, killed

    box.faults()
    for moment in (CHARGE_DAY, PAYOUT_DAY):
        box.clock(moment)
        for _ in range(3):
            job(server, box, moment.isoformat()[:19]).wait(60)
    ledger = box.ledger()
    with server.connect() as db:
        assert {
            row["status"] for row in rows(db, "select status from marketplace.transaction where month = %s", JANUARY)
        } == {"EXECUTED"}
        assert sorted(Counter(each.idempotency_key for each in ledger.charges).values()) == [1] * PEOPLE
        assert set(ledger.customers().values()) == {5000}
        assert list(ledger.accounts().values()) == [PEOPLE * 3500]
        events = {row["event"] for row in rows(db, "select step as event from report.payment_event")}
        assert {"crashed", "sent_again"} <= events, "the kills met nothing under way"
        assert consistency(db) == {}
        assert market.errors(db, JANUARY) == []
