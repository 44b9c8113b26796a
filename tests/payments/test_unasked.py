"""What a gateway says without being asked: older words change nothing, doubtful ones are asked about, all is booked."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from examples import sandbox
from pybridge.payments import execution, gateways
from pybridge.payments.execution import Executed, execute
from pybridge.payments.gateways import Answer, Balance, Entry, Gateway
from tests.conftest import Connection
from tests.support.domain import call_in, consistency, expect, one, rows, run
from tests.support.payments import (
    CHARGE_DAY,
    PAYOUT_DAY,
    Scripted,
    Town,
    attempts,
    executed,
    fund,
    holds,
    job_run,
    later,
    means,
    states,
    town,
)


@pytest.fixture
def here(db: Connection) -> Town:
    made = town(db)
    made.month()
    return made


def told(db: Connection, number: str, answer: str, gateway_id: str, at: datetime, **said: Any) -> str:
    event: dict[str, Any] = {
        "gateway": "stripe",
        "event_id": number,
        "event_kind": "x",
        "answer": answer,
        "gateway_id": gateway_id,
    }
    event |= {"occurred_at": at, "now": later(at, days=1), **said}
    return str(call_in(db, "marketplace", "record_event", **event)[0]["record_event"])


def refuses(db: Connection, sqlstate: str, query: str, *arguments: object) -> None:
    with expect(sqlstate):
        run(db, query, *arguments)


# --- Older than what is known, and doubtful ---------------------------------------------------------------------------


def test_a_decline_that_is_older_than_the_success_raises_no_alarm(here: Town, db: Connection) -> None:
    gateway = Scripted()
    gateway.will(Answer("processing", "pi_1"))
    executed(db, gateway, CHARGE_DAY)
    paid = {"amount": 5000, "currency": "NOK"}
    assert told(db, "2", "succeeded", "pi_1", later(CHARGE_DAY, hours=4), **paid) == "APPLIED"
    assert told(db, "1", "declined", "pi_1", CHARGE_DAY) == "STALE"
    (attempt,) = attempts(db)
    assert (attempt["state"], attempt["alarm"], attempt["doubted_at"]) == ("SUCCEEDED", None, None)
    assert rows(db, "select did, waits_for from report.gateway_inbox where came = '1'") == [
        {"did": "STALE", "waits_for": None}
    ]


def test_a_decline_from_before_our_own_answer_ends_nothing_that_goes_on(here: Town, db: Connection) -> None:
    """The person has paid after all, and the gateway is at it: a decline of before would charge them once more."""
    gateway = Scripted()
    gateway.will(Answer("processing", "pi_1"), Answer("processing", "pi_1"))
    executed(db, gateway, CHARGE_DAY)
    assert told(db, "1", "declined", "pi_1", later(CHARGE_DAY, hours=-2)) == "STALE"
    assert told(db, "2", "declined", "pi_1", CHARGE_DAY) == "DOUBTED", "by two clocks, nobody knows"
    (row,) = rows(db, "select waits_for, to_do from report.gateway_inbox where did = 'DOUBTED'")
    assert row["waits_for"] == "LOOKING_UP"
    done = executed(db, gateway, later(CHARGE_DAY, minutes=15))
    assert gateway.asked[-1][0] == "look_up"
    assert (states(db), done.prepared, attempts(db)[0]["doubted_at"]) == (["PROCESSING"], 0, None)
    # An old word that comes late is no answer of that day, which all before it would be older than.
    assert told(db, "0", "processing", "pi_1", CHARGE_DAY, now=later(CHARGE_DAY, days=3)) == "APPLIED"
    assert told(db, "3", "declined", "pi_1", later(CHARGE_DAY, hours=3), decline_code="lost_card") == "APPLIED"
    assert states(db) == ["DECLINED_HARD"]


@pytest.mark.parametrize(("found", "alarm"), [("succeeded", None), ("declined", "contradicted")])
def test_what_contradicts_a_success_is_asked_about_before_it_is_believed(
    here: Town, db: Connection, found: Any, alarm: str | None
) -> None:
    gateway = Scripted()
    executed(db, gateway, CHARGE_DAY)
    (attempt,) = attempts(db)
    assert told(db, "1", "declined", attempt["gateway_id"], later(CHARGE_DAY, days=1)) == "DOUBTED"
    gateway.will("no_answer")
    executed(db, gateway, later(CHARGE_DAY, days=1))
    assert attempts(db)[0]["doubted_at"], "it did not say"
    gateway.will(Answer(found, attempt["gateway_id"], 5000, "NOK"))
    executed(db, gateway, later(CHARGE_DAY, days=2))
    (attempt,) = attempts(db)
    assert (attempt["state"], attempt["alarm"], attempt["doubted_at"]) == ("SUCCEEDED", alarm, None)
    assert consistency(db) == {}


def test_nobody_is_charged_again_while_it_is_in_doubt_whether_they_paid(here: Town, db: Connection) -> None:
    gateway = Scripted()
    gateway.will(Answer("declined", "pi_1", decline_code="lost_card"))
    executed(db, gateway, CHARGE_DAY)
    means(db, here.advertisers[0], "CHARGE")
    paid = {"amount": 5000, "currency": "NOK"}
    assert told(db, "1", "succeeded", "pi_1", later(CHARGE_DAY, hours=1), **paid) == "DOUBTED"
    assert holds(db, PAYOUT_DAY)[here.advertisers[0], "CHARGE"] == "ALARM"
    gateway.will("no_answer")
    assert executed(db, gateway, later(CHARGE_DAY, hours=2)).prepared == 0
    gateway.will(Answer("declined", "pi_1", decline_code="lost_card"))
    assert executed(db, gateway, later(CHARGE_DAY, hours=3)).states["SUCCEEDED"] == 1, "the gateway has not"
    assert states(db, here.advertisers[0]) == ["DECLINED_HARD", "SUCCEEDED"]


# --- What a gateway takes back funds nothing, also what was prepared before ------------------------------------------


def test_what_was_prepared_is_not_paid_out_of_what_a_dispute_has_taken(db: Connection) -> None:
    """It waited to be sent while the bank took its advertiser's charge back, and was paid out of others' money."""
    here = town(db, advertisers=2)
    here.month()
    gateway = Scripted()
    executed(db, gateway, CHARGE_DAY)
    asked = {"transaction": here.charge(), "reason": "x", "amount": Decimal(20), "request_id": "r", "now": PAYOUT_DAY}
    call_in(db, "marketplace", "refund_transaction", **asked)
    for kind in ("PAYOUT", "REFUND"):
        one(db, "select marketplace.prepare_attempts(%s, %s)", kind, PAYOUT_DAY)
    charge = attempts(db, here.advertisers[1])[0]["gateway_id"]
    taken = {"amount": 5000, "currency": "NOK", "dispute": "dp_1", "now": PAYOUT_DAY}
    assert told(db, "1", "returned", charge, PAYOUT_DAY, **taken) == "ALARM"
    assert fund(db) == -40, "of which 20 and 70 are prepared: 50 are there for them"
    claims = "update marketplace.payment_attempt set state = 'SUBMITTED', event = 'claimed' where kind = 'PAYOUT'"
    refuses(db, "23B76", claims)  # whoever goes around claim_attempts

    done = executed(db, gateway, PAYOUT_DAY)
    assert (done.states, states(db, here.publisher)) == ({"SUCCEEDED": 1}, ["CANCELLED"]), "the refund goes first"
    assert holds(db, PAYOUT_DAY)[here.publisher, "PAYOUT"] == "FUND"
    assert executed(db, gateway, PAYOUT_DAY).prepared == 0
    assert fund(db) == 30
    assert consistency(db) == {}
    call_in(db, "marketplace", "move_reserve", amount=Decimal(40), reason="ours", now=PAYOUT_DAY)
    assert executed(db, gateway, PAYOUT_DAY).states == {"SUCCEEDED": 1}
    assert [each.kind for _, each in gateway.asked] == ["CHARGE", "CHARGE", "REFUND", "PAYOUT"]
    assert states(db, here.publisher) == ["CANCELLED", "SUCCEEDED"]
    assert fund(db) == 0
    assert consistency(db) == {}


# --- Payouts that come back in parts -----------------------------------------------------------------------------


def test_a_payout_that_comes_back_in_parts_is_owed_again_by_what_came_back(here: Town, db: Connection) -> None:
    gateway = Scripted()
    executed(db, gateway, CHARGE_DAY)
    executed(db, gateway, PAYOUT_DAY)
    payout = attempts(db, here.publisher)[0]

    def reversed_(number: str, amount: int) -> str:
        return told(db, number, "reversed", payout["gateway_id"], PAYOUT_DAY, amount=amount, currency="NOK")

    assert reversed_("2", 2000) == "APPLIED"
    assert reversed_("1", 500) == "NOTHING_NEW", "so much in all: it is of before"
    assert (fund(db), attempts(db, here.publisher)[0]["came_back"]) == (Decimal(35), 2000)
    assert holds(db, later(PAYOUT_DAY, days=1))[here.publisher, "PAYOUT"] == "RETURNED", (
        "not to the same account by itself"
    )
    assert consistency(db) == {}
    assert reversed_("3", 3500) == "APPLIED"
    assert attempts(db, here.publisher)[0]["returned_at"] is not None
    again = "select sum(due_amount) from marketplace.transaction where kind = 'ADJUSTMENT'"
    assert (fund(db), one(db, again)) == (Decimal(50), Decimal(-35))
    means(db, here.publisher, "PAYOUT")
    assert executed(db, gateway, later(PAYOUT_DAY, days=2)).states["SUCCEEDED"] > 0
    assert fund(db) == 15
    assert consistency(db) == {}


def test_a_reversal_that_overtakes_the_answer_is_of_what_was_paid(here: Town, db: Connection) -> None:
    gateway = Scripted()
    executed(db, gateway, CHARGE_DAY)
    gateway.will("no_answer")
    executed(db, gateway, PAYOUT_DAY)
    payout = attempts(db, here.publisher)[0]
    said = {"idempotency_key": payout["idempotency_key"], "amount": 1000, "currency": "NOK"}
    assert told(db, "1", "reversed", "tr_1", PAYOUT_DAY, **said) == "APPLIED"
    assert (states(db, here.publisher), fund(db)) == (["SUCCEEDED"], Decimal(25))
    assert told(db, "2", "reversed", "tr_1", PAYOUT_DAY, **(said | {"amount": 3501})) == "ALARM"


# --- The gateway's own account -----------------------------------------------------------------------------------


@pytest.fixture
def at_stripe(here: Town, box: sandbox.Box) -> tuple[sandbox.Box, Gateway]:
    box.reset()
    box.clock(CHARGE_DAY)
    customer = box.customer()
    means(here.db, here.advertisers[0], "CHARGE", customer=customer.id, payment_method=customer.payment_method)
    means(here.db, here.publisher, "PAYOUT", destination=box.account())
    return box, gateways.open_gateway("stripe", box.environment)


def job(db: Connection, gateway: Gateway, now: datetime) -> Executed:
    number = one(db, "select job_run from jobs.begin_run('marketplace_execute')")
    done = execute(db, number, now, lambda _: gateway)
    run(db, "select jobs.finish_run(%s, 'succeeded')", number)
    return done


def hear(db: Connection, box: sandbox.Box, gateway: Gateway, now: datetime) -> dict[str, str]:
    """Kind of each event: what it did."""
    did = {}
    for signed in box.events():
        events = gateway.read_events(signed.payload, signed.signature)
        (outcome,) = execution.receive(db, "stripe", events, now)
        did[signed.kind] = outcome
    return did


def compared(db: Connection) -> tuple[Decimal, list[tuple[str, Decimal]]]:
    """Of Stripe: what its account differs by, and the names of that."""
    found = rows(db, "select why, amount from report.gateway_difference order by 1, 2")
    return one(db, "select difference from report.gateway_balance"), [(row["why"], row["amount"]) for row in found]


def test_fees_disputes_reversals_and_payouts_leave_our_books_as_the_gateways(
    here: Town, db: Connection, at_stripe: tuple[sandbox.Box, Gateway]
) -> None:
    box, gateway = at_stripe
    run(db, "select marketplace.set_purse('stripe', 'stripe')")
    box.fees(240, 200)  # 2.4 % and 2 kroner
    assert job(db, gateway, CHARGE_DAY).states == {"SUCCEEDED": 1}
    intent = attempts(db)[0]["gateway_id"]
    call_in(db, "marketplace", "move_reserve", amount=20, reason="ours", purse="stripe", now=CHARGE_DAY)
    box.top_up(2000)
    box.clock(PAYOUT_DAY)
    assert job(db, gateway, PAYOUT_DAY).states["SUCCEEDED"] == 1
    disputed = box.dispute(intent, 3000, fee=1500)
    box.reverse(attempts(db, here.publisher)[0]["gateway_id"], 1000)
    sent = box.pay_out(200)
    did = hear(db, box, gateway, PAYOUT_DAY)
    assert (did["charge.dispute.funds_withdrawn"], did["transfer.reversed"]) == ("ALARM", "APPLIED")
    assert (did["charge.dispute.created"], did["payout.paid"]) == ("NOTED", "NOTED")
    job(db, gateway, later(PAYOUT_DAY, hours=1))
    (fees,) = rows(db, "select sum(amount) as sum from marketplace.purse_movement where kind = 'FEE'")
    assert fees["sum"] == -(320 + 1500)
    assert box.ledger().balance["NOK"] == 5000 - 320 + 2000 - 3500 - 3000 - 1500 + 1000 - 200
    # The top-up is one line there, and was booked by hand here: a person says that they are the same.
    assert compared(db) == (Decimal(0), [("BOOKED_BY_HAND", Decimal(-20)), ("NOT_IN_OUR_BOOKS", Decimal(20))])
    (waits,) = rows(db, "select came, to_do from report.gateway_inbox where waits_for = 'EXPLANATION'")
    refuses(db, "22023", "select marketplace.book_entry('stripe', %s, ' ')", waits["came"])
    refuses(db, "P0002", "select marketplace.book_entry('stripe', 'txn_0', 'why')")
    run(db, "select marketplace.book_entry('stripe', %s, 'the same', true)", waits["came"])
    refuses(db, "23B49", "select marketplace.book_entry('stripe', %s, 'again')", waits["came"])
    assert compared(db) == (Decimal(0), [])
    box.close_dispute(disputed, won=True)
    box.fail_payout(sent)
    hear(db, box, gateway, later(PAYOUT_DAY, hours=2))
    job(db, gateway, later(PAYOUT_DAY, hours=2))
    assert compared(db) == (Decimal(0), [])
    assert one(db, "select available from report.marketplace_purse where purse = 'main'") == 0
    assert consistency(db) == {}


def test_what_the_gateways_account_has_and_we_have_not_is_named(
    here: Town, db: Connection, at_stripe: tuple[sandbox.Box, Gateway]
) -> None:
    box, gateway = at_stripe
    job(db, gateway, CHARGE_DAY)
    box.dispute(attempts(db)[0]["gateway_id"], 3000)
    box.pay_out(700)
    job(db, Deaf(gateway), CHARGE_DAY)
    named = [("ANOTHER_AMOUNT", Decimal(-30))]  # what went to a bank of the same purse is no difference
    assert compared(db) == (Decimal(-30), named)
    box.faults({"fault": "500_before", "path": "GET /v1/balance*"})
    done = job(db, gateway, CHARGE_DAY)
    assert (done.outcome, "its account was not read" in str(done.amiss)) == ("partial", True)


class Deaf(Scripted):
    """Stripe, of which nobody hears what it says by itself."""

    def __init__(self, inner: Gateway) -> None:
        super().__init__()
        self.newest, self.balance = inner.newest, inner.balance  # type: ignore[method-assign]


def test_a_line_in_another_currency_is_booked_by_a_person(here: Town, db: Connection) -> None:
    line = Entry("txn_1", "FEE", "stripe_fee", -100, 0, "EUR", CHARGE_DAY)
    gateway = Scripted(money=Balance(0, 0, [line, line]))
    executed(db, gateway, CHARGE_DAY)
    assert one(db, "select count(*) from marketplace.purse_movement") == 0
    refuses(db, "23B50", "select marketplace.book_entry('stripe', 'txn_1', 'a fee')")
    run(db, "select marketplace.book_entry('stripe', 'txn_1', 'book_fee has it', true)")
    assert rows(db, "select * from marketplace.open_entry") == []


def test_a_line_is_booked_once_and_stays(here: Town, db: Connection) -> None:
    gateway = Scripted(money=Balance(-150, 0, [Entry("txn_1", "FEE", "stripe_fee", -150, 0, "NOK", CHARGE_DAY)]))
    executed(db, gateway, CHARGE_DAY)
    executed(db, gateway, later(CHARGE_DAY, hours=1))
    assert rows(db, "select kind, amount, entry from marketplace.purse_movement") == [
        {"kind": "FEE", "amount": -150, "entry": "txn_1"}
    ]
    for table in ("balance_entry", "gateway_balance"):
        refuses(db, "23B62", f"delete from marketplace.{table}")
    with job_run(db) as number:
        asked = "select * from marketplace.record_balance('bank', %s, %s, 0, 0, '[]')"
        refuses(db, "22023", asked, number, CHARGE_DAY)
