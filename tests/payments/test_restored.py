"""An older dump, restored and run, charges and pays nobody again: the gateway is asked first, and keys are as before.

A dump is a copy of the database here (CREATE DATABASE ... TEMPLATE), or pg_dump's, in the same cluster or a new one.
"""

import itertools
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from examples import sandbox
from pybridge.client.marketplace import Marketplace
from pybridge.deploy import deploy
from pybridge.errors import LiveKeyInTest
from pybridge.payments import execution, gateways, reconciling
from pybridge.payments.execution import Executed, execute, look
from pybridge.payments.gateways import Found, Gateway
from pybridge.payments.reconciling import Reconciled
from tests.conftest import Connection, Database, DurableServerFactory, ServerInfo
from tests.support import market
from tests.support.clock import unmark
from tests.support.domain import call_in, consistency, expect, one, rows, run
from tests.support.payments import (
    CHARGE_DAY,
    PAYOUT_DAY,
    Scripted,
    Town,
    attempts,
    executed,
    fund,
    job_run,
    later,
    means,
    states,
    town,
)

TWO_DAYS = 48  # hours: Stripe has forgotten the keys by then

FORGETFUL = """
create or replace function marketplace.check_looked(p_gateway text, p_job_run bigint, p_sends boolean default true)
returns void language sql as ''
"""
SURROGATE = """
create or replace function marketplace.attempt_key(p_transaction bigint, p_kind text, p_attempt_number int)
returns table (idempotency_key text, metadata jsonb) language sql volatile
set search_path = pg_catalog, marketplace, pg_temp
as $$
    select
        replace(gen_random_uuid()::text, '-', ''),
        jsonb_build_object('ledger', (select ledger from deploy.ledger)::text, 'attempt', p_transaction::text)
$$
"""


@pytest.fixture
def stripe(box: sandbox.Box) -> Gateway:
    return gateways.open_gateway("stripe", box.environment)


@pytest.fixture
def here(db: Connection, box: sandbox.Box) -> Town:
    """Three advertisers and a publisher, with cards and an account at the sandbox; January is closed."""
    made = town(db, advertisers=3)
    for each in made.advertisers:
        card(db, box, each)
    means(db, made.publisher, "PAYOUT", destination=box.account())
    made.month()
    box.top_up(1_000_000)
    return made


def card(db: Connection, box: sandbox.Box, owner: int, method: str = "visa") -> str:
    customer = box.customer(method)
    means(db, owner, "CHARGE", customer=customer.id, payment_method=customer.payment_method)
    return customer.payment_method


@pytest.fixture
def program(server: ServerInfo) -> Callable[..., str]:
    """Runs a program of the server's (pg_dump, psql), and returns what it prints."""

    def run_it(name: str, port: int, *arguments: str, text: str | None = None) -> str:
        result = subprocess.run(
            [str(server.bin_dir / name), "-h", "127.0.0.1", "-p", str(port), "-U", server.user, *arguments],
            input=text,
            capture_output=True,
            text=True,
            env={name: value for name, value in os.environ.items() if not name.startswith("PG")},
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    return run_it


@dataclass
class Dumps:
    """pg_dump of the test's database, and psql of it into another database of the same cluster."""

    program: Callable[..., str]
    database: Database
    opened: list[Connection] = field(default_factory=list)

    def dump(self) -> str:
        return self.program("pg_dump", self.database.port, self.database.name)

    def restore(self, dump: str) -> Connection:
        self.drop()
        with self.maintenance() as server:
            server.execute("create database test_restored")
        self.program("psql", self.database.port, "-q", "-v", "ON_ERROR_STOP=1", "-d", "test_restored", text=dump)
        self.opened.append(self.connect("test_restored"))
        return self.opened[-1]

    def drop(self) -> None:
        for each in self.opened:
            each.close()
        with self.maintenance() as server:
            server.execute("drop database if exists test_restored with (force)")

    def maintenance(self) -> Connection:
        return self.connect("postgres")

    def connect(self, name: str) -> Connection:
        return psycopg.connect(
            host=self.database.host, port=self.database.port, dbname=name, user="postgres", autocommit=True
        )


@pytest.fixture
def dumps(program: Callable[..., str], database: Database) -> Iterator[Dumps]:
    made = Dumps(program, database)
    yield made
    made.drop()


def run_job(db: Connection, gateway: Gateway, now: datetime) -> Executed:
    """As a process does that has just been started: it begins a run, and looks for itself."""
    number, outcome = db.execute("select job_run, outcome from jobs.begin_run('marketplace_execute')").fetchall()[0]
    assert outcome is None

    def opened(name: str) -> Gateway:
        if name != gateway.name:
            raise gateways.NotConfigured(f"{name} is not set up here")
        return gateway

    done = execute(db, number, now, opened)
    db.execute("select jobs.finish_run(%s, 'partial')", (number,))
    return done


def reconciled(db: Connection, gateway: Gateway, now: datetime) -> Reconciled:
    return reconciling.reconcile(db, gateway.name, now, lambda _: gateway)


def charged(box: sandbox.Box) -> list[int]:
    return sorted(box.ledger().customers().values())


# --- Nobody is charged twice ----------------------------------------------------------------------------------------


@pytest.mark.smoke
def test_a_dump_from_before_the_charges_charges_nobody_again(
    here: Town, box: sandbox.Box, stripe: Gateway, dumps: Dumps
) -> None:
    before = dumps.dump()
    box.clock(CHARGE_DAY)
    assert run_job(here.db, stripe, CHARGE_DAY).states == {"SUCCEEDED": 3}
    assert charged(box) == [5000] * 3

    two_days_on = later(CHARGE_DAY, hours=TWO_DAYS)
    box.clock(two_days_on)
    there = dumps.restore(before)
    done = run_job(there, stripe, two_days_on)
    assert (done.states, done.outcome) == ({}, "failed")
    assert "3 of ours that this ledger does not know" in done.stopped["stripe"]
    assert "pybridge payment reconcile" in done.stopped["stripe"]
    assert states(there) == ["PREPARED"] * 3
    assert charged(box) == [5000] * 3

    said = reconciled(there, stripe, two_days_on)
    assert ([each.state for each in said.taken], said.left) == (["SUCCEEDED"] * 3, [])
    assert said.seen == 0, "the run before has seen them; what it saw is kept"
    assert run_job(there, stripe, two_days_on).states == {}
    assert charged(box) == [5000] * 3
    assert fund(there) == 150
    told = "select idempotency_key, gateway_id, amount, state from marketplace.payment_attempt order by 1"
    assert rows(there, told) == rows(here.db, told)
    assert consistency(there) == {}
    # And life goes on: the publisher is paid once.
    box.clock(PAYOUT_DAY)
    assert run_job(there, stripe, PAYOUT_DAY).states == {"SUCCEEDED": 1}
    assert box.ledger().accounts().popitem()[1] == 10500


@pytest.mark.parametrize(
    ("broken", "hours", "times"),
    [
        ((), TWO_DAYS, 1),
        ((FORGETFUL,), 1, 1),  # the keys alone: Stripe knows them for a day
        ((FORGETFUL,), TWO_DAYS, 2),
        ((SURROGATE,), 1, 1),  # the look alone
        ((SURROGATE, FORGETFUL), 1, 2),
    ],
    ids=["both", "keys alone", "old keys alone", "look alone", "neither"],
)
def test_the_keys_and_the_look_are_what_guards(
    here: Town,
    box: sandbox.Box,
    stripe: Gateway,
    dumps: Dumps,
    monkeypatch: pytest.MonkeyPatch,
    broken: tuple[str, ...],
    hours: int,
    times: int,
) -> None:
    """The controls: without the look, once Stripe has forgotten the keys, or with keys by chance, all pay twice."""
    for each in broken:
        here.db.execute(each.encode())
    if FORGETFUL in broken:
        monkeypatch.setattr(stripe, "newest", lambda *_: [])
    before = dumps.dump()
    box.clock(CHARGE_DAY)
    run_job(here.db, stripe, CHARGE_DAY)
    box.clock(later(CHARGE_DAY, hours=hours))
    there = dumps.restore(before)
    run_job(there, stripe, later(CHARGE_DAY, hours=hours))
    assert charged(box) == [5000 * times] * 3


def test_in_a_new_cluster_as_well(
    here: Town,
    box: sandbox.Box,
    stripe: Gateway,
    dumps: Dumps,
    program: Callable[..., str],
    durable_server: DurableServerFactory,
) -> None:
    before = dumps.dump()
    roles = program("pg_dumpall", dumps.database.port, "--roles-only")
    box.clock(CHARGE_DAY)
    run_job(here.db, stripe, CHARGE_DAY)
    box.clock(later(CHARGE_DAY, hours=TWO_DAYS))
    port = durable_server(deployed=False).port
    program("psql", port, "-q", "-d", "postgres", text=roles)  # that the superuser is there already may go wrong
    program("psql", port, "-q", "-v", "ON_ERROR_STOP=1", "-d", "postgres", text=before)
    with psycopg.connect(host="127.0.0.1", port=port, dbname="postgres", user="postgres", autocommit=True) as there:
        deploy(there)
    with psycopg.connect(host="127.0.0.1", port=port, dbname="postgres", user="postgres", autocommit=True) as there:
        assert one(there, "select ledger from deploy.ledger") == one(here.db, "select ledger from deploy.ledger")
        assert one(there, "select count(*) from deploy.test_clock") == 1, (
            "what was for tests stays so, wherever it goes"
        )
        assert "does not know" in run_job(there, stripe, later(CHARGE_DAY, hours=TWO_DAYS)).stopped["stripe"]
        assert len(reconciled(there, stripe, later(CHARGE_DAY, hours=TWO_DAYS)).taken) == 3
        assert run_job(there, stripe, later(CHARGE_DAY, hours=TWO_DAYS)).states == {}
    assert charged(box) == [5000] * 3


# --- What is taken in -----------------------------------------------------------------------------------------------


def test_a_second_attempt_a_refund_and_a_payout_are_taken_in(
    here: Town, box: sandbox.Box, stripe: Gateway, dumps: Dumps
) -> None:
    """Declined, charged three days later, given back in part, paid out: all of it after the dump."""
    first = here.advertisers[0]
    method = card(here.db, box, first, "insufficient_funds")
    before = dumps.dump()
    box.clock(CHARGE_DAY)
    assert run_job(here.db, stripe, CHARGE_DAY).states == {"SUCCEEDED": 2, "DECLINED_SOFT": 1}
    box.behave(method, "visa")
    again = later(CHARGE_DAY, days=4)
    box.clock(again)
    assert run_job(here.db, stripe, again).states == {"SUCCEEDED": 1}
    give_back(here.db, here.charge(), again)
    assert run_job(here.db, stripe, again).states == {"SUCCEEDED": 1}
    box.clock(PAYOUT_DAY)
    assert run_job(here.db, stripe, PAYOUT_DAY).states == {"SUCCEEDED": 1}
    ledger = box.ledger()

    there = dumps.restore(before)
    after = later(PAYOUT_DAY, hours=TWO_DAYS)
    box.clock(after)
    assert "6 of ours" in run_job(there, stripe, after).stopped["stripe"]
    said = reconciled(there, stripe, after)
    assert sorted(each.state for each in said.taken) == ["DECLINED_SOFT"] + ["SUCCEEDED"] * 5
    assert said.left == []
    give_back(there, Town.charge(Town(there, here.advertisers, here.publisher, here.site)), after)
    assert run_job(there, stripe, after).states == {}, "the request was made before, whoever makes it again"
    assert box.ledger() == ledger
    assert fund(there) == fund(here.db)
    assert consistency(there) == {}


def test_an_attempt_after_one_that_was_called_off_is_taken_in(
    here: Town, box: sandbox.Box, stripe: Gateway, dumps: Dumps
) -> None:
    before = dumps.dump()
    box.clock(CHARGE_DAY)
    one(here.db, "select marketplace.prepare_attempts('CHARGE', %s)", CHARGE_DAY)
    first = attempts(here.db, here.advertisers[0])[0]["payment_attempt"]
    call_in(here.db, "marketplace", "cancel_attempt", payment_attempt=first, reason="not yet", now=CHARGE_DAY)
    said = {"transaction": here.charge(), "reason": "now", "now": CHARGE_DAY}
    call_in(here.db, "marketplace", "retry_transaction", **said)
    assert run_job(here.db, stripe, CHARGE_DAY).states == {"SUCCEEDED": 3}
    there = dumps.restore(before)
    assert reconciled(there, stripe, CHARGE_DAY).left == []
    assert states(there, here.advertisers[0]) == ["CANCELLED", "SUCCEEDED"]
    assert run_job(there, stripe, CHARGE_DAY).states == {}
    assert charged(box) == [5000] * 3


def under_way(here: Town, box: sandbox.Box, stripe: Gateway, dumps: Dumps, *, heard: bool) -> str:
    """A dump from within a call that was then declined, or never heard; another attempt was made after it."""
    method = card(here.db, box, here.advertisers[0], "insufficient_funds")
    box.clock(CHARGE_DAY)
    one(here.db, "select marketplace.prepare_attempts('CHARGE', %s)", CHARGE_DAY)
    number = one(here.db, "select job_run from jobs.begin_run('marketplace_execute')")
    assert look(Marketplace(here.db), "stripe", stripe, number, CHARGE_DAY) == []
    claimed = rows(
        here.db, "select * from marketplace.claim_attempts('stripe', 'CHARGE', %s, 3, %s)", number, CHARGE_DAY
    )
    one(here.db, "select jobs.finish_run(%s, 'failed')", number)
    dump = dumps.dump()
    if heard:
        assert run_job(here.db, stripe, CHARGE_DAY).states == {"SUCCEEDED": 2, "DECLINED_SOFT": 1}
        again = later(CHARGE_DAY, days=4)
    else:  # a person has seen that nothing came of any
        again = later(CHARGE_DAY, hours=TWO_DAYS)
        for each in claimed:
            for answer in ("no_answer", "not_found"):
                said = {"payment_attempt": each["payment_attempt"], "answer": answer, "now": again}
                call_in(here.db, "marketplace", "record_answer", **said)
            said = {"payment_attempt": each["payment_attempt"], "done": False, "reason": "not there", "now": again}
            call_in(here.db, "marketplace", "resolve_attempt", **said)
    box.behave(method, "visa")
    box.clock(again)
    run_job(here.db, stripe, again)
    assert charged(box) == [5000] * 3
    return dump


def test_what_was_under_way_when_the_ledger_was_saved_is_not_in_the_way_of_what_came_after(
    here: Town, box: sandbox.Box, stripe: Gateway, dumps: Dumps
) -> None:
    there = dumps.restore(under_way(here, box, stripe, dumps, heard=True))
    after = later(CHARGE_DAY, days=5)
    assert "1 of ours" in run_job(there, stripe, after).stopped["stripe"]
    done = reconciled(there, stripe, after)
    assert ([each.state for each in done.taken], done.left) == (["SUCCEEDED"], [])
    assert states(there, here.advertisers[0]) == ["DECLINED_SOFT", "SUCCEEDED"]
    assert run_job(there, stripe, later(after, hours=2)).states == {"SUCCEEDED": 2}, "the others are asked about then"
    assert charged(box) == [5000] * 3
    assert consistency(there) == {}


def test_what_the_gateway_never_heard_of_is_not_sent_again_before_what_came_after_is_taken_in(
    here: Town, box: sandbox.Box, stripe: Gateway, dumps: Dumps
) -> None:
    """Sent again with its key, which is young enough, it would be a second charge: a person says what became of it."""
    there = dumps.restore(under_way(here, box, stripe, dumps, heard=False))
    after = later(CHARGE_DAY, hours=1)
    assert len(reconciled(there, stripe, after).left) == 3
    waiting = rows(there, "select payment_attempt, alarm from marketplace.payment_attempt where state = 'UNKNOWN'")
    assert [each["alarm"] for each in waiting] == ["not_found"] * 3
    assert run_job(there, stripe, after).states == {}
    for each in waiting:
        said = {"payment_attempt": each["payment_attempt"], "done": False, "reason": "not there", "now": after}
        call_in(there, "marketplace", "resolve_attempt", **said)
    assert reconciled(there, stripe, after).left == []
    assert states(there, here.advertisers[0]) == ["CANCELLED", "SUCCEEDED"]
    assert run_job(there, stripe, after).states == {}
    assert charged(box) == [5000] * 3
    assert consistency(there) == {}


def give_back(db: Connection, transaction: int, now: datetime) -> None:
    said = {
        "transaction": transaction,
        "reason": "a mistake",
        "amount": Decimal(20),
        "request_id": "case 7",
        "now": now,
    }
    found = rows(db, "select reason from marketplace.transaction where corrects = %s", transaction)
    call_in(db, "marketplace", "refund_transaction", **said | (found[0] if found else {}))


def test_what_was_done_with_clicks_that_the_dump_has_not_waits_for_a_person(
    here: Town, box: sandbox.Box, stripe: Gateway, dumps: Dumps
) -> None:
    """Another amount than this ledger would take, and somebody whose month is open here: named, and nothing is sent."""
    before = dumps.dump()
    market.clicks(here.db, here.ads[0], here.site, market.day(date(2026, 2, 1), 12))
    market.close(here.db, date(2026, 2, 1))
    moment = market.at(2026, 3, 2, 6)
    box.clock(moment)
    run_job(here.db, stripe, moment)
    assert charged(box) == [5000, 5000, 10000]
    there = dumps.restore(before)
    box.clock(later(moment, hours=TWO_DAYS))
    run_job(there, stripe, later(moment, hours=TWO_DAYS))
    said = reconciled(there, stripe, later(moment, hours=TWO_DAYS))
    assert (len(said.taken), len(said.left)) == (4, 1), said
    assert "has no transaction for that" in said.left[0].why
    assert "month 2026-02" in said.left[0].why
    assert "does not know" in run_job(there, stripe, later(moment, hours=TWO_DAYS)).stopped["stripe"]

    foreign = {"gateway": "stripe", "gateway_id": said.left[0].gateway_id, "now": moment}
    with expect("22023"):
        call_in(there, "marketplace", "declare_foreign", **foreign, reason=" ")
    call_in(there, "marketplace", "declare_foreign", **foreign, reason="given back by hand; the clicks are lost")
    with expect("23B75"):
        call_in(there, "marketplace", "declare_foreign", **foreign, reason="again")
    assert run_job(there, stripe, later(moment, hours=TWO_DAYS)).stopped == {}


def test_another_amount_is_not_taken_in(here: Town, box: sandbox.Box, stripe: Gateway, dumps: Dumps) -> None:
    """A person settles it as the hint says: nobody is charged again, and what was too much is owed to them."""
    market.clicks(here.db, here.ads[0], here.site, market.day(date(2026, 2, 1), 12))
    before = dumps.dump()
    market.clicks(here.db, here.ads[0], here.site, market.day(date(2026, 2, 2), 12))
    moment = market.at(2026, 3, 2, 6)
    for db in (here.db, dumps.restore(before)):
        market.close(db, date(2026, 2, 1))
        box.clock(moment)
        run_job(db, stripe, moment)
    said = reconciled(dumps.opened[-1], stripe, moment)
    (left,) = said.left
    assert "100.00 NOK" in left.why
    assert "50.00 NOK" in left.why
    there, profile = dumps.opened[-1], here.advertisers[0]
    month = market.transaction(there, profile, date(2026, 2, 1))["transaction"]
    by_hand = {"reason": "taken already", "request_id": "case 8", "now": moment}
    foreign = {"gateway": "stripe", "gateway_id": left.gateway_id, "reason": "settled", "now": moment}
    market.call(there, "declare_foreign", **foreign)
    market.call(there, "settle", transaction=month, kind="PAID_OUTSIDE", **by_hand)
    market.call(there, "give_goodwill", profile=profile, amount=Decimal(50), **by_hand)
    market.call(there, "move_reserve", amount=Decimal(100), reason="taken already", now=moment)
    assert run_job(there, stripe, moment).stopped == {}
    assert charged(box) == [5000, 5000, 15000]
    assert market.call(there, "account", profile=profile)[-1]["balance"] == -50
    assert consistency(there) == {}


def test_a_profile_whose_number_was_given_anew_does_not_take_anothers_charge(
    here: Town, box: sandbox.Box, stripe: Gateway, dumps: Dumps
) -> None:
    before = dumps.dump()
    box.clock(CHARGE_DAY)
    run_job(here.db, stripe, CHARGE_DAY)
    there = dumps.restore(before)
    card(there, box, here.advertisers[0])  # somebody else, as the gateway knows them
    run_job(there, stripe, CHARGE_DAY)
    said = reconciled(there, stripe, CHARGE_DAY)
    assert len(said.taken) == 2
    assert "is not what this ledger would do" in said.left[0].why


def test_a_refund_made_by_hand_is_booked_and_stops_nothing(here: Town, box: sandbox.Box, stripe: Gateway) -> None:
    box.clock(CHARGE_DAY)
    run_job(here.db, stripe, CHARGE_DAY)
    by_hand(box, attempts(here.db, here.advertisers[0])[0]["gateway_id"], 3000)
    box.clock(PAYOUT_DAY)
    done = run_job(here.db, stripe, PAYOUT_DAY)
    assert done.stopped == {}
    (charge, refund) = attempts(here.db, here.advertisers[0])
    assert (charge["refunded"], refund["kind"], refund["amount"], refund["state"]) == (
        3000,
        "REFUND",
        3000,
        "SUCCEEDED",
    )
    assert charged(box) == [2000, 5000, 5000]
    assert run_job(here.db, stripe, PAYOUT_DAY).states == {}, "booked once"
    with expect("23B72"):
        said = {"transaction": charge["transaction"], "reason": "x", "amount": Decimal(21), "request_id": "r"}
        call_in(here.db, "marketplace", "refund_transaction", **said, now=PAYOUT_DAY)
    assert consistency(here.db) == {}


def test_a_refund_made_by_hand_counts_from_the_moment_that_it_is_heard_of(
    here: Town, box: sandbox.Box, stripe: Gateway
) -> None:
    box.clock(CHARGE_DAY)
    run_job(here.db, stripe, CHARGE_DAY)
    intent = attempts(here.db, here.advertisers[0])[0]["gateway_id"]
    before = len(box.events())
    by_hand(box, intent, 3000)
    told = [each for signed in box.events()[before:] for each in stripe.read_events(signed.payload, signed.signature)]
    assert execution.receive(here.db, "stripe", told, CHARGE_DAY) == {"STRAY": 1, "NOTHING_NEW": 1}
    said = {"transaction": here.charge(), "reason": "x", "request_id": "r", "now": CHARGE_DAY}
    with expect("23B72"):
        call_in(here.db, "marketplace", "refund_transaction", **said, amount=Decimal(21))
    refund = one(here.db, "select gateway_id from marketplace.stray")
    with expect("23B75"):
        said = {"gateway": "stripe", "gateway_id": refund, "reason": "not ours", "now": CHARGE_DAY}
        call_in(here.db, "marketplace", "declare_foreign", **said)
    give_back(here.db, here.charge(), CHARGE_DAY)  # the 20 that are left
    assert run_job(here.db, stripe, CHARGE_DAY).stopped == {}
    found = [(each["kind"], each["amount"], each["state"]) for each in attempts(here.db, here.advertisers[0])]
    assert found == [("CHARGE", 5000, "SUCCEEDED"), ("REFUND", 3000, "SUCCEEDED"), ("REFUND", 2000, "SUCCEEDED")]
    assert charged(box) == [0, 5000, 5000]
    assert consistency(here.db) == {}


def made_by_hand(here: Town, box: sandbox.Box, stripe: Gateway, answer: str) -> tuple[str, str]:
    """Somebody gives 30 of a charge of 50 back in the dashboard; the charge's number there, and the refund's."""
    box.clock(CHARGE_DAY)
    run_job(here.db, stripe, CHARGE_DAY)
    intent = attempts(here.db, here.advertisers[0])[0]["gateway_id"]
    assert told_of(here.db, "re_1", "1", answer, intent) == "STRAY"
    return intent, "re_1"


def told_of(db: Connection, refund: str, event: str, answer: str, parent: str = "", amount: int = 3000) -> str:
    said: dict[str, object] = {"gateway": "stripe", "event_id": f"{refund} {event}", "event_kind": "refund.updated"}
    said |= {"answer": answer, "gateway_id": refund, "amount": amount, "currency": "NOK", "parent": parent or None}
    return str(call_in(db, "marketplace", "record_event", **said, now=CHARGE_DAY)[0]["record_event"])


def take_in(db: Connection, refund: str) -> None:
    number = one(db, "select job_run from jobs.begin_run('marketplace_execute')")
    call_in(db, "marketplace", "take_in", gateway="stripe", gateway_id=refund, job_run=number, now=CHARGE_DAY)
    db.execute("select jobs.finish_run(%s, 'partial')", (number,))


@pytest.mark.parametrize("heard", ["before it is taken in", "after"])
@pytest.mark.parametrize("code", [None, "insufficient_funds", "processing_error"])
def test_a_refund_made_by_hand_that_fails_holds_nothing_of_its_charge_and_is_not_sent(
    here: Town, box: sandbox.Box, stripe: Gateway, heard: str, code: str | None
) -> None:
    intent, refund = made_by_hand(here, box, stripe, "processing")
    if heard == "after":
        take_in(here.db, refund)
    fails: dict[str, object] = {"gateway": "stripe", "event_id": "evt_f", "event_kind": "refund.failed"}
    fails |= {"answer": "declined", "gateway_id": refund, "amount": 3000, "currency": "NOK"}
    call_in(here.db, "marketplace", "record_event", **fails, decline_code=code, parent=intent, now=CHARGE_DAY)
    if heard != "after":
        take_in(here.db, refund)
    charge = attempts(here.db, here.advertisers[0])[0]
    assert (charge["refunded"], charge["left_amount"], charge["alarm"]) == (0, 5000, None)
    assert one(here.db, "select status from marketplace.transaction where kind = 'REFUND'") == "CALLED_OFF"
    box.clock(later(CHARGE_DAY, hours=24 * 40))
    run_job(here.db, stripe, later(CHARGE_DAY, hours=24 * 40))
    assert charged(box) == [5000, 5000, 5000], "nobody has asked this ledger for it"
    assert consistency(here.db) == {}
    # Made by hand once more, all of it: there is so much left; the purse has paid it out meanwhile.
    call_in(here.db, "marketplace", "move_reserve", amount=Decimal(50), reason="topped up", now=CHARGE_DAY)
    assert told_of(here.db, "re_2", "1", "succeeded", intent, 5000) == "STRAY"
    take_in(here.db, "re_2")
    assert attempts(here.db, here.advertisers[0])[0]["left_amount"] == 0
    assert consistency(here.db) == {}


def test_a_refund_made_by_hand_of_a_charge_that_is_disputed_meanwhile_stops_nothing(
    here: Town, box: sandbox.Box, stripe: Gateway
) -> None:
    box.clock(CHARGE_DAY)
    run_job(here.db, stripe, CHARGE_DAY)
    intent = attempts(here.db, here.advertisers[0])[0]["gateway_id"]
    by_hand(box, intent, 3000)
    dispute = {"gateway": "stripe", "event_kind": "dispute", "event_id": "evt_d", "answer": "returned"}
    dispute |= {"gateway_id": intent, "currency": "NOK", "dispute": "dp_1"}
    call_in(here.db, "marketplace", "record_event", **dispute, amount=2000, now=CHARGE_DAY)
    give_back(here.db, one(here.db, "select transaction from marketplace.payment_attempt where kind = 'CHARGE'"
                           " and profile = %s", here.advertisers[1]), CHARGE_DAY)  # fmt: skip
    done = run_job(here.db, stripe, CHARGE_DAY)
    assert (done.stopped, done.states) == ({}, {"SUCCEEDED": 1})
    charge, refund = attempts(here.db, here.advertisers[0])
    assert (charge["refunded"], charge["disputed"], charge["alarm"]) == (3000, 2000, "disputed")
    assert (refund["state"], refund["amount"]) == ("SUCCEEDED", 3000)
    assert consistency(here.db) == {}


def test_a_refund_made_by_hand_that_the_purse_cannot_bear_waits_until_money_is_put_in(
    here: Town, box: sandbox.Box, stripe: Gateway
) -> None:
    """It was a raw constraint, and the whole run ended with it; other gateways had nothing to do with it."""
    intent, refund = made_by_hand(here, box, stripe, "succeeded")
    dispute = {"gateway": "stripe", "event_kind": "dispute", "event_id": "evt_d", "answer": "returned"}
    dispute |= {"gateway_id": intent, "currency": "NOK", "dispute": "dp_1"}
    call_in(here.db, "marketplace", "record_event", **dispute, amount=2000, now=CHARGE_DAY)
    run(here.db, "insert into marketplace.purse_movement (purse, kind, amount, reason, moved_at)"
        " values ('main', 'FEE', -12500, 'theirs', %s)", CHARGE_DAY)  # fmt: skip
    with expect("23B76"):
        take_in(here.db, refund)
    number = one(here.db, "select max(job_run) from jobs.job_run where finished_at is null")
    run(here.db, "select jobs.finish_run(%s, 'partial')", number)
    by_hand(box, intent, 3000)
    done = run_job(here.db, stripe, CHARGE_DAY)
    assert list(done.stopped) == ["stripe"]
    assert "the purse has not so much" in done.stopped["stripe"]
    with expect("23B76") as refused:
        take_in(here.db, refund)
    number = one(here.db, "select max(job_run) from jobs.job_run where finished_at is null")
    run(here.db, "select jobs.finish_run(%s, 'partial')", number)
    here.db.execute(str(refused.value.diag.message_hint).partition(": ")[2].encode())
    take_in(here.db, refund)
    assert attempts(here.db, here.advertisers[0])[0]["refunded"] == 3000


@pytest.mark.parametrize("heard", ["never", "after the look", "before it"])
def test_a_forgotten_refund_of_ours_has_its_place_in_the_charge_before_one_made_by_hand(
    db: Connection, heard: str
) -> None:
    """Of 50, 30 were given back by hand and, not knowing that, 30 by us; the dump has neither.

    Unless it is told of the one made by hand before it looks: that counts already, and ours is the loss.
    """
    here, gateway = town(db), Scripted()
    here.month()
    executed(db, gateway, CHARGE_DAY)
    intent = attempts(db)[0]["gateway_id"]
    with db.transaction(force_rollback=True):
        asked = {"transaction": here.charge(), "reason": "x", "amount": Decimal(30), "request_id": "case 7"}
        call_in(db, "marketplace", "refund_transaction", **asked, now=CHARGE_DAY)
        one(db, "select marketplace.prepare_attempts('REFUND', %s)", CHARGE_DAY)
        sent = attempts(db)[1]
    by_hand = Found("re_1", "REFUND", "succeeded", 3000, "NOK", CHARGE_DAY, parent=intent)
    said = sent["request"]["metadata"]
    gateway.has = [
        by_hand,
        replace(by_hand, gateway_id="re_2", made_at=later(CHARGE_DAY, hours=1), ledger=said["ledger"], metadata=said,
                idempotency_key=sent["idempotency_key"]),
    ]  # fmt: skip
    if heard == "before it":
        assert told_of(db, "re_1", "1", "succeeded", intent) == "STRAY"
    assert list(run_job(db, gateway, CHARGE_DAY).stopped) == ["stripe"]
    if heard == "after the look":  # it would have counted against the charge, had ours not been seen
        assert told_of(db, "re_1", "1", "succeeded", intent) == "STRAY"
    assert attempts(db)[0]["refunded"] == (3000 if heard == "before it" else 0)
    with expect("23B68"):
        take_in(db, "re_1")
    run(db, "select jobs.finish_run(job_run, 'partial') from jobs.job_run where finished_at is null")
    done = reconciled(db, gateway, CHARGE_DAY)
    assert [each.gateway_id for each in done.taken] == ([] if heard == "before it" else ["re_2"])
    lost = "re_2" if heard == "before it" else "re_1"
    (why,) = [each.why for each in done.left if each.gateway_id == lost]
    assert why.startswith("more than is left of the charge")
    # It was given twice: the operator's loss, of which nothing is due to anybody.
    foreign = {"gateway": "stripe", "gateway_id": lost, "reason": "given twice", "now": CHARGE_DAY}
    call_in(db, "marketplace", "declare_foreign", **foreign)
    call_in(db, "marketplace", "book_fee", purse="main", amount=Decimal(30), reason="given twice", now=CHARGE_DAY)
    if heard == "before it":
        assert [each.gateway_id for each in reconciled(db, gateway, CHARGE_DAY).taken] == ["re_1"]
    assert run_job(db, gateway, CHARGE_DAY).stopped == {}
    assert [(each["kind"], each["state"]) for each in attempts(db)] == [
        ("CHARGE", "SUCCEEDED"),
        ("REFUND", "SUCCEEDED"),
    ]
    assert fund(db) == -10
    assert consistency(db) == {}


@pytest.mark.parametrize("is_lost", [True, False])
def test_what_the_bank_took_while_a_refund_made_by_hand_failed_is_not_left_of_the_charge(
    here: Town, box: sandbox.Box, stripe: Gateway, is_lost: bool
) -> None:
    intent, refund = made_by_hand(here, box, stripe, "processing")
    take_in(here.db, refund)
    dispute = {"gateway": "stripe", "event_kind": "dispute", "gateway_id": intent, "amount": 5000, "currency": "NOK",
               "dispute": "dp_1", "now": CHARGE_DAY}  # fmt: skip
    call_in(here.db, "marketplace", "record_event", **dispute, event_id="evt_d", answer="returned")
    if is_lost:
        call_in(here.db, "marketplace", "record_event", **dispute, event_id="evt_l", answer="lost")
    told_of(here.db, refund, "2", "declined")
    charge = attempts(here.db, here.advertisers[0])[0]
    found = (charge["refunded"], charge["disputed"], charge["lost"], charge["left_amount"], charge["alarm"])
    assert found == ((0, 0, 5000, 0, None) if is_lost else (0, 5000, 0, 0, "disputed"))
    assert one(here.db, "select coalesce(sum(amount), 0) from marketplace.purse_movement") == 0
    assert one(here.db, "select available from marketplace.purse where purse = %s", charge["purse"]) == 10000
    assert consistency(here.db) == {}


def test_a_dispute_that_is_heard_of_before_its_charge_is_taken_in_is_booked_with_it(
    here: Town, box: sandbox.Box, stripe: Gateway, dumps: Dumps
) -> None:
    before = dumps.dump()
    box.clock(CHARGE_DAY)
    run_job(here.db, stripe, CHARGE_DAY)
    intent = attempts(here.db, here.advertisers[0])[0]["gateway_id"]
    about = {"id": "dp_1", "object": "dispute", "amount": 5000, "currency": "nok", "metadata": {}}
    box.emit("charge.dispute.funds_withdrawn", about | {"payment_intent": intent})
    there = dumps.restore(before)
    assert reconciled(there, stripe, CHARGE_DAY).left == []
    (charge,) = attempts(there, here.advertisers[0])
    assert (charge["state"], charge["disputed"], charge["alarm"]) == ("SUCCEEDED", 5000, "disputed")
    assert consistency(there) == {}


def by_hand(box: sandbox.Box, intent: str, amount: int) -> None:
    """A refund as somebody makes it in the dashboard: it bears nothing of ours."""
    box._post("/v1/refunds", data={"payment_intent": intent, "amount": str(amount)})


def test_other_ledgers_and_programs_at_the_same_gateway_stop_nothing(
    here: Town, box: sandbox.Box, stripe: Gateway
) -> None:
    customer = box.customer()
    for metadata in ({}, {"ledger": "0e1f6c2a-0000-4000-8000-000000000000", "idempotency_key": "k"}):
        form = {
            "amount": "700", "currency": "nok", "customer": customer.id, "payment_method": customer.payment_method,
            "confirm": "true", "off_session": "true",
        }  # fmt: skip
        form |= {f"metadata[{name}]": value for name, value in metadata.items()}
        box._post("/v1/payment_intents", data=form)
    box.clock(CHARGE_DAY)
    assert run_job(here.db, stripe, CHARGE_DAY).states == {"SUCCEEDED": 3}


class Killed(BaseException):
    """The process that reconciles is gone."""


@pytest.mark.parametrize("kill_at", range(6))
def test_reconciling_killed_at_any_step_is_taken_up_again(
    here: Town,
    box: sandbox.Box,
    stripe: Gateway,
    dumps: Dumps,
    monkeypatch: pytest.MonkeyPatch,
    kill_at: int,
) -> None:
    """Before it takes one in, or after: what was committed stays, and the rest is done by the next."""
    before = dumps.dump()
    box.clock(CHARGE_DAY)
    run_job(here.db, stripe, CHARGE_DAY)
    two_days_on = later(CHARGE_DAY, hours=TWO_DAYS)
    box.clock(two_days_on)
    there = dumps.restore(before)
    steps = itertools.count()

    def mortal(*said: object) -> object:
        if next(steps) == kill_at:
            raise Killed
        taken = taken_in(*said)  # type: ignore[arg-type]
        if next(steps) == kill_at:
            there.close()
            raise Killed
        return taken

    taken_in = execution.take_in
    with monkeypatch.context() as patched:
        patched.setattr(reconciling, "take_in", mortal)
        with pytest.raises(Killed):
            reconciled(there, stripe, two_days_on)
    if there.closed:
        there = dumps.connect("test_restored")
        dumps.opened.append(there)
        while one(there, "select count(*) from report.job_run where state = 'running'"):
            time.sleep(0.01)  # the server has yet to see that the session is gone
    done = run_job(there, stripe, two_days_on)
    assert done.states == {}, "nothing is sent while one is left"
    assert reconciled(there, stripe, two_days_on).left == []
    assert run_job(there, stripe, two_days_on).states == {}
    assert states(there) == ["SUCCEEDED"] * 3
    assert charged(box) == [5000] * 3
    assert consistency(there) == {}


def test_a_file_that_went_to_the_bank_is_found_in_its_journal(db: Connection, dumps: Dumps, tmp_path: Path) -> None:
    """The bank cannot be asked; what the journal has was sent, and is not sent again."""
    here = town(db)
    means(db, here.publisher, "PAYOUT", "bank", name="Kari Nordmann", iban="NO9386011117947")
    here.month()
    executed(db, Scripted(), CHARGE_DAY)
    before = dumps.dump()
    outbox = tmp_path / "out"
    outbox.mkdir(mode=0o700)
    settings = {"BANK_OUTBOX": str(outbox), "BANK_DEBTOR_NAME": "Websuggest AS", "BANK_DEBTOR_IBAN": "NO9386011117947",
                "BANK_MODE": "test"}  # fmt: skip
    bank = gateways.open_gateway("bank", settings)
    assert run_job(db, bank, PAYOUT_DAY).states == {"PROCESSING": 1}
    (file,) = outbox.glob("*.xml")

    there = dumps.restore(before)
    after = later(PAYOUT_DAY, hours=TWO_DAYS)
    done = run_job(there, bank, after)
    assert (done.states, list(done.stopped)) == ({}, ["bank"])
    said = reconciled(there, bank, after)
    assert [each.state for each in said.taken] == ["PROCESSING"], said
    (taken,) = [row for row in attempts(there) if row["kind"] == "PAYOUT"]
    assert (taken["batch"], taken["gateway_id"]) == (file.stem, taken["idempotency_key"])
    run_job(there, bank, later(after, days=2))
    assert list(outbox.glob("*.xml")) == [file]
    # The control: without the look, a day on, it goes out again, as another file.
    there = dumps.restore(before)
    there.execute(FORGETFUL.encode())
    bank.newest = lambda *_: []  # type: ignore[method-assign]
    run_job(there, bank, later(after, days=5))
    assert len(list(outbox.glob("*.xml"))) == 1, "its name is made of the same keys: the journal knows it"


# --- Before anything is sent ----------------------------------------------------------------------------------------


def test_a_run_that_has_not_looked_sends_nothing(here: Town) -> None:
    one(here.db, "select marketplace.prepare_attempts('CHARGE', %s)", CHARGE_DAY)
    number = one(here.db, "select job_run from jobs.begin_run('marketplace_execute')")
    call = {"gateway": "stripe", "job_run": number, "now": CHARGE_DAY}
    # A script in a database for tests moves no real money, and may; not in another, nor once anybody has looked.
    call_in(here.db, "marketplace", "unresolved_calls", **call)
    unmark(here.db)
    for state, told in (("23B78", call), ("23B68", {"gateway": "stripe", "job_run": number})):
        with expect(state):
            call_in(here.db, "marketplace", "unresolved_calls", **told)
        with expect(state):
            call_in(here.db, "marketplace", "claim_attempts", **told, kind="CHARGE")
    here.db.execute("insert into deploy.test_clock default values")
    one(here.db, "select gateway_look from marketplace.begin_look('stripe', %s, false)", number)
    for _ in range(2):
        with expect("23B68"):
            call_in(here.db, "marketplace", "claim_attempts", **call, kind="CHARGE")
        with expect("23B68"):
            call_in(here.db, "marketplace", "unresolved_calls", **call)
        # Begun is not ended, and another gateway's is no look at this one.
        one(here.db, "select gateway_look from marketplace.begin_look('stripe', %s, false)", number)
        other = one(here.db, "select gateway_look from marketplace.begin_look('bank', %s, false)", number)
        rows(here.db, "select * from marketplace.end_look(%s, '[]')", other)


def test_a_gateway_that_does_not_say_what_it_has_is_not_used(here: Town, box: sandbox.Box, stripe: Gateway) -> None:
    box.clock(CHARGE_DAY)
    box.faults({"fault": "503_before", "path": "GET /v1/refunds"})
    done = run_job(here.db, stripe, CHARGE_DAY)
    assert (done.states, list(done.stopped)) == ({}, ["stripe"])
    assert charged(box) == []
    assert run_job(here.db, stripe, CHARGE_DAY).states == {"SUCCEEDED": 3}


def test_a_live_key_is_not_for_a_database_for_tests(here: Town) -> None:
    gateway = Scripted(is_live=True)
    done = run_job(here.db, gateway, CHARGE_DAY)
    assert "a live key is not for a database for tests" in done.stopped["stripe"]
    assert gateway.asked == []
    live = gateways.open_gateway("stripe", {"STRIPE_API_KEY": "sk_live_1"})
    assert live.is_live
    assert gateways.open_gateway("stripe", {"STRIPE_API_KEY": "rk_test_1"}).is_live is False
    unmark(here.db)
    with job_run(here.db) as number:
        market_of = Marketplace(here.db)
        assert look(market_of, "stripe", gateway, number) == []  # the control: it is the mark that refuses it
        here.db.execute("insert into deploy.test_clock default values")
        with pytest.raises(LiveKeyInTest):
            look(market_of, "stripe", gateway, number)


def test_a_look_asks_for_what_was_made_since_the_last_one_and_no_more(here: Town) -> None:
    """Its cost grows with what is new: an hour is asked for again, for clocks that differ and calls that last."""
    gateway = Scripted()
    for moment in (CHARGE_DAY, PAYOUT_DAY, later(PAYOUT_DAY, days=40)):
        run_job(here.db, gateway, moment)
    looks = rows(here.db, "select since, seen from marketplace.gateway_look order by gateway_look")
    assert [each["seen"] for each in looks] == [0, 0, 0]
    assert looks[0]["since"] < later(CHARGE_DAY, hours=-1)
    assert looks[1]["since"] == later(CHARGE_DAY, hours=-1)
    # It had nothing to send; what the gateway has of our money is asked all the same, and what was done there by hand.
    assert looks[2]["since"] == later(PAYOUT_DAY, hours=-1)
