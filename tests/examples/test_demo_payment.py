"""The demo's quarter, charged and paid: the gateway, the attempts and the transactions agree to the øre."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from io import StringIO

import pytest
from rich.console import Console

from examples import sandbox
from examples.festival import market as demo_market
from examples.festival import payment as demo_payment
from examples.festival.payment import OwnPeople, Payments
from pybridge.payments import gateways
from pybridge.payments.gateways import Answer, Request
from tests.conftest import Connect, Connection
from tests.support import market
from tests.support.clock import unmark
from tests.support.domain import consistency, one, rows, run

NOW = market.at(2026, 4, 20, 12)
REAL_KEY = "sk_test_of_somebody_elses"


def small(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(demo_market, "CLICKS", 200)
    patched.setenv("STRIPE_API_KEY", REAL_KEY)  # nobody may use it
    patched.setenv("STRIPE_API_BASE", "https://stripe.invalid")


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    small(monkeypatch)


def play(db: Connection, now: datetime = NOW) -> str:
    output = StringIO()
    demo_market.play(db, Console(file=output, width=80), now)
    return output.getvalue()


def amounts(line: str) -> list[Decimal]:
    return [Decimal(each.replace("\u00a0", "")) for each in re.findall(r"-?\d[\d\u00a0]*\.\d\d", line)]


def balances(shown: str) -> list[list[Decimal]]:
    """due, attempts and gateway of each line of the table, the sum last."""
    table = shown[shown.index("The balances beside the transactions") :]
    found = [amounts(line) for line in table.splitlines() if re.search(r"2026-\d\d +-?\d|in all", line)]
    assert {len(each) for each in found} == {3}
    return found


def settled(db: Connection) -> None:
    """Nothing is left to charge or pay, nobody's card is left, and all invariants hold."""
    assert rows(db, "select * from marketplace.payment_candidate") == []
    assert one(db, "select count(*) from marketplace.payment_means where ended_at is null") == 0
    assert consistency(db) == {}


@dataclass(frozen=True)
class Played:
    """The demo's quarter when it is over, for tests that leave it as it is: its database, and what was shown."""

    db: Connection
    shown: str


@pytest.fixture(scope="module")
def played(shared_db: Connection) -> Played:
    with pytest.MonkeyPatch.context() as patched:
        small(patched)
        return Played(shared_db, play(shared_db))


def test_the_quarter_is_charged_and_paid(played: Played) -> None:
    db, shown = played.db, played.shown
    assert max(len(line) for line in shown.splitlines()) <= 80
    assert "\x1b" not in shown
    for words in (
        "closed, verified, charged and paid",
        "declined, to be tried again",
        "no answer: done or not, nobody knows",
        "asked again, with the same key",
        "given back",
        "declined, another card is wanted",
        "wait, until more charges have come in",
        "with a new card",
        "at try 2",
        "asked twice",
        "had to wait",
        "gateway: its own ledger",
        "agree, to the øre",
    ):
        assert words in shown
    settled(db)
    *lines, total = balances(shown)
    assert [each for each in lines if len(set(each)) > 1] == []
    due = "select due_amount from marketplace.transaction where status <> 'CURRENT' order by 1"
    assert sorted(each[0] for each in lines) == [row["due_amount"] for row in rows(db, due)]
    assert total == [sum(each[0] for each in lines)] * 3
    fund = Decimal(one(db, "select available from report.marketplace_fund"))
    assert fund > 0
    assert amounts(shown[shown.index("The fund has") :])[0] == fund
    assert amounts(shown[shown.index("balance at the gateway") :]) == [fund]


def test_each_thing_happened_as_the_database_says(played: Played) -> None:
    db = played.db

    def found(query: str) -> int:
        return int(one(db, f"select count(*) from report.payment_attempt as a where {query}"))

    soft = "select transaction from report.payment_attempt where state = 'DECLINED_SOFT'"
    assert found("state = 'DECLINED_SOFT' and decline_code = 'insufficient_funds'") == 1
    assert found(f"state = 'SUCCEEDED' and attempt_number = 2 and transaction in ({soft})") == 1
    assert found("state = 'SUCCEEDED' and sent = 2") == 1
    assert one(db, "select count(*) from marketplace.payment_attempt_event where to_state = 'UNKNOWN'") >= 1
    assert found("kind = 'CHARGE' and refunded > 0 and refunded < amount") == 1
    assert found("kind = 'REFUND' and state = 'SUCCEEDED'") == 1
    late = "(resolved_at at time zone 'Europe/Oslo')::date > marketplace.due_date('PAYOUT', month)"
    assert found(f"kind = 'PAYOUT' and {late}") >= 1
    assert found("alarm is not null") == 0
    assert one(db, "select count(*) from jobs.job_run where job = 'marketplace_execute' and outcome is null") == 0


def test_played_again_it_shows_the_same_by_what_the_gateway_had_said(
    played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "run", lambda: pytest.fail("there is nothing to charge"))
    again = play(played.db)
    assert balances(again) == balances(played.shown)
    assert "that sandbox is gone" in again
    assert "agree, to the øre" in again
    assert "Marketplace played" not in again


def test_a_difference_is_shown(db: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    said = Payments.said

    def one_ore_more(self: Payments) -> dict[tuple[int, int], int]:
        found = said(self)
        return found | {min(found): found[min(found)] + 1}

    monkeypatch.setattr(Payments, "said", one_ore_more)
    shown = play(db)
    assert "1 transactions differ" in shown
    assert "agree" not in shown


def interrupt(connect: Connect, monkeypatch: pytest.MonkeyPatch, call: int) -> None:
    """Ctrl-C when the gateway has done it and nobody has written it down."""
    calls = 0

    def interrupted(self: OwnPeople, requests: list[Request]) -> list[Answer]:
        nonlocal calls
        calls += 1
        answers = [self.inner.send([each])[0] for each in requests]
        if calls == call:
            raise KeyboardInterrupt
        return answers

    with monkeypatch.context() as patched, connect() as session:
        patched.setattr(OwnPeople, "send", interrupted)
        with pytest.raises(KeyboardInterrupt):
            play(session)


@pytest.mark.parametrize("call", [9])
def test_it_goes_on_after_an_interruption(
    db: Connection, connect: Connect, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    interrupt(connect, monkeypatch, call)
    assert one(db, "select count(*) from marketplace.payment_attempt where state = 'SUBMITTED'") == 1
    shown = play(db)
    assert "differ" not in shown
    left = rows(db, "select kind, hold from marketplace.due_transactions()")
    if left:  # that call was the refund, whose charge went with its sandbox
        assert (call, left) == (24, [{"kind": "REFUND", "hold": "REJECTED"}])
        assert consistency(db) == {}
    else:
        settled(db)
    assert one(db, "select count(*) from marketplace.month where closed_at is not null") == 3


@pytest.mark.parametrize("call", [10])
def test_it_goes_on_days_later(db: Connection, connect: Connect, monkeypatch: pytest.MonkeyPatch, call: int) -> None:
    """When the keys are too old to be sent again: what nobody has heard of is put down as not done."""
    interrupt(connect, monkeypatch, call)
    run(db, "update marketplace.gateway set key_term = interval '1 microsecond'")
    assert "differ" not in play(db)
    assert one(db, "select count(*) from marketplace.payment_attempt_event where event = 'confirmed_undone'") == 1
    settled(db)


def test_without_the_extra_it_says_so_and_is_paid_later(db: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise gateways.NotConfigured("the sandbox needs localstripe", "Run: pip install 'pybridge[sandbox]'")

    with monkeypatch.context() as patched:
        patched.setattr(sandbox, "check_installed", missing)
        shown = play(db)
    assert "Not charged or paid: the sandbox needs localstripe. Run: pip install" in shown
    assert "The balances" not in shown
    assert one(db, "select count(*) from marketplace.transaction where status = 'NEW'") > 20
    shown = play(db)
    assert "agree, to the øre" in shown
    assert "given back" in shown
    settled(db)


@contextmanager
def somebody_else(db: Connection) -> Iterator[int]:
    """Another's profile, with a card of Stripe's."""
    other = market.profile(db)
    details = '{"customer": "cus_real", "payment_method": "pm_real"}'
    run(db, "select marketplace.set_payment_means(%s, 'CHARGE', 'stripe', %s)", other, details)
    yield other
    means = "select count(*) from marketplace.payment_means where profile = %s and ended_at is null"
    assert one(db, means, other) == 1


def test_among_others_nobody_is_charged(db: Connection) -> None:
    with somebody_else(db):
        shown = play(db)
        assert "Not charged or paid: 1 other profiles than the demo's are in this marketplace." in shown
        assert one(db, "select count(*) from marketplace.payment_attempt") == 0
        before = rows(db, "select * from marketplace.month order by 1")
        play(db, market.at(2026, 5, 20, 12))
        assert rows(db, "select * from marketplace.month order by 1") == before


def test_the_sandbox_takes_the_demos_people_only(db: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody comes while the demo plays: they are given back unsent, to be charged by who should."""
    with somebody_else(db) as other:
        monkeypatch.setattr(demo_payment, "others_than", lambda *_: 0)
        market.partitions(db, market.at(2026, 1, 1).date(), 4)
        market.clicks(db, market.advertisement(db, other, "50"), None, market.at(2026, 1, 5))
        play(db)
        (attempt,) = rows(db, "select * from marketplace.payment_attempt where profile = %s", other)
        assert (attempt["state"], attempt["request"]["customer"]) == ("PREPARED", "cus_real")


def test_while_another_session_executes_the_demo_does_not(db: Connection, connect: Connect) -> None:
    with connect() as session:
        session.execute("select jobs.begin_run('marketplace_execute')")
        shown = play(db)
    assert "Not charged or paid: another session" in shown
    assert one(db, "select count(*) from marketplace.payment_attempt") == 0


def test_early_in_a_month_the_last_one_is_paid_all_the_same(db: Connection) -> None:
    shown = play(db, market.at(2026, 4, 2, 12))
    assert "agree, to the øre" in shown
    settled(db)


def test_where_time_is_the_servers_the_months_are_not_played(db: Connection) -> None:
    """A real database, that the environment names, is left as it is."""
    unmark(db)
    assert "time is the server's" in " ".join(play(db).split())
    assert one(db, "select count(*) from marketplace.profile") == 0
    assert one(db, "select count(*) from deploy.test_clock") == 0


def test_the_demo_marks_a_database_of_its_own_and_nobody_elses(db: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    unmark(db)
    monkeypatch.setattr(demo_market, "_play", lambda *_: [])
    market.profile(db)
    one(db, "select count(*) from marketplace.update_transactions(marketplace.month_of(now()))")
    demo_market.play(db, Console(file=StringIO(), width=80), NOW, is_own=True)
    assert one(db, "select count(*) from deploy.test_clock") == 0, "somebody else's month is open here"


def test_the_demos_own_database_is_marked(db: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    unmark(db)
    for each in ("_play", "_show"):
        monkeypatch.setattr(demo_market, each, lambda *_: [])
    monkeypatch.setattr(demo_payment, "show", lambda *_: None)
    said = StringIO()
    demo_market.play(db, Console(file=said, width=80), NOW, is_own=True)
    assert "Database marked for tests, for good" in said.getvalue()
    assert one(db, "select count(*) from deploy.test_clock") == 1
