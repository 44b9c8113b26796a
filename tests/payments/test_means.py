"""What is wrong with an account is found out when it is given, and not on the day of the payout."""

import random
from collections.abc import Iterator
from datetime import timedelta

import pytest
from psycopg.types.json import Jsonb
from stdnum import iban as iban_number
from stdnum.exceptions import ValidationError
from stdnum.no import kontonr

from pybridge.payments import execution
from pybridge.payments.gateways import Account
from pybridge.payments.gateways.stripe_said import account_of, events_of
from tests.conftest import Connection
from tests.support import market
from tests.support.domain import consistency, expect, one, rows
from tests.support.market import call
from tests.support.payments import (
    CHARGE_DAY,
    PAYOUT_DAY,
    Scripted,
    Town,
    executed,
    holds,
    later,
    means,
    town,
)


class Keeping(Scripted):
    """A gateway that says how accounts stand."""

    def __init__(self, **stands: Account) -> None:
        super().__init__()
        self.stands, self.wanted = stands, list[str]()

    def account(self, account: str) -> Account | None:
        self.wanted.append(account)
        return self.stands.get(account)


@pytest.fixture
def here(db: Connection) -> Iterator[Town]:
    made = town(db)
    made.month()
    yield made
    assert consistency(db) == {}


def test_account_numbers_are_checked_as_everybody_else_checks_them(shared_db: Connection) -> None:
    chance = random.Random(7)
    right = [str(kontonr.to_iban(each)) for each in map(_account, range(1, 40))]
    texts = [*right, "DE89370400440532013000", "GB82 WEST 1234 5698 7654 32", "NO93 8601 11 17947", "NO00", "", "ÅÅ"]
    for text in right:  # one figure wrong, and two that changed places
        place = chance.randrange(2, 14)
        texts.append(text[:place] + str((int(text[place]) + 1) % 10) + text[place + 1 :])
        texts.append(text[:place] + text[place + 1] + text[place] + text[place + 2 :])
    asked = "select books.is_iban(%s)"
    assert {text for text in texts if one(shared_db, asked, text)} == {text for text in texts if _is(iban_number, text)}
    numbers = [text[4:] for text in texts if text.startswith("NO")] + ["8601.11.17947", "4090403", "00004090403"]
    asked = "select books.is_account_number(%s)"
    assert {text for text in numbers if one(shared_db, asked, text)} == {
        text for text in numbers if _is(kontonr, text) and len(kontonr.compact(text)) == 11
    }


def _account(number: int) -> str:
    found = [each for each in (f"8601{number:06}{digit}" for digit in range(10)) if kontonr.is_valid(each)]
    return found[0] if found else "86011117947"  # of one in eleven there is none


def _is(module: object, text: str) -> bool:
    try:
        module.validate(text)  # type: ignore[attr-defined]
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("details", "what"),
    [
        ({"name": "Kari", "iban": "NO9386011117948"}, "check digits"),
        ({"name": "Kari", "account": "86011117948"}, "check digit"),
        ({"iban": "NO9386011117947"}, "name"),
        ({"name": "\u00a0", "iban": "NO9386011117947"}, "name"),
        ({"name": "Kari"}, "either"),
        ({"name": "Kari", "iban": "NO9386011117947", "account": "86011117947"}, "either"),
    ],
)
def test_no_door_takes_an_account_that_nobody_can_be_paid_to(
    db: Connection, details: dict[str, str], what: str
) -> None:
    owner = market.profile(db)
    told = {"profile": owner, "kind": "PAYOUT", "gateway": "bank", "details": Jsonb(details)}
    with expect("23B53") as refusal, db.transaction():
        call(db, "set_payment_means", **told)
    query = """
        insert into marketplace.payment_means (profile, kind, gateway, details, set_at)
        values (%s, 'PAYOUT', 'bank', %s, now())
    """
    with expect("23B53"), db.transaction():
        db.execute(query, (owner, Jsonb(details)))
    assert refusal is None or what in str(refusal.value)
    assert rows(db, "select * from report.payment_means") == []


def test_an_account_that_its_gateway_restricts_is_known_on_the_1st_and_told_and_not_paid_to(
    here: Town, db: Connection
) -> None:
    payout = one(db, "select transaction from marketplace.transaction where status = 'NEW' and due_amount < 0")
    means(db, here.publisher, "PAYOUT", destination="acct_1")
    until = later(PAYOUT_DAY, days=30)
    gateway = Keeping(acct_1=Account("acct_1", True, ["individual.verification.document"], until))
    executed(db, gateway, CHARGE_DAY)
    executed(db, gateway, later(CHARGE_DAY, hours=1))
    assert gateway.wanted == ["acct_1"], "once a day"
    assert holds(db, CHARGE_DAY)[here.publisher, "PAYOUT"] == "RESTRICTED"
    (found,) = rows(db, "select * from report.payment_means where kind = 'PAYOUT'")
    assert (found["is_restricted"], found["needs"], found["needed_by"], found["fault"]) == (
        True, "individual.verification.document", until, None,
    )  # fmt: skip
    said = call(db, "why", transaction=payout)[0]
    assert (said["code"], said["turn"]) == ("RESTRICTED", "PERSON")
    assert executed(db, gateway, PAYOUT_DAY).prepared == 0
    # Its owner has told what was asked; an older word that comes late changes nothing.
    for event, restricted, when in (("evt_1", False, PAYOUT_DAY), ("evt_2", True, later(PAYOUT_DAY, days=-1))):
        told = {"id": event, "type": "account.updated", "created": int(when.timestamp()), "data": {"object": {
            "id": "acct_1", "capabilities": {"transfers": "active"}, "payouts_enabled": not restricted,
        }}}  # fmt: skip
        outcomes = execution.receive(db, "stripe", events_of(told), later(PAYOUT_DAY, hours=1))
        assert outcomes == {"APPLIED": 1}
    gateway.stands = {}
    assert executed(db, gateway, later(PAYOUT_DAY, hours=2)).states == {"SUCCEEDED": 1}
    with expect("23B62"), db.transaction():
        db.execute("update marketplace.means_status set is_restricted = false")


def test_of_a_connected_account_it_is_told_what_stripe_wants_and_until_when() -> None:
    said = {
        "id": "acct_1", "capabilities": {"transfers": "inactive"}, "payouts_enabled": True,
        "requirements": {"currently_due": ["b", "a"], "past_due": ["a"], "current_deadline": PAYOUT_DAY.timestamp()},
    }  # fmt: skip
    assert account_of(said) == Account("acct_1", True, ["a", "b"], PAYOUT_DAY)
    assert not account_of({**said, "capabilities": {"transfers": "active"}}).is_restricted
    assert account_of({**said, "payouts_enabled": False, "capabilities": {"transfers": "active"}}).is_restricted
    assert account_of({"id": "acct_2"}) == Account("acct_2", True, [])


def test_an_account_of_nobodys_is_no_matter_of_ours(db: Connection) -> None:
    told = {"gateway": "stripe", "account": "acct_9", "is_restricted": True, "needs": []}
    assert call(db, "record_account", **told)[0]["record_account"] == 0
    for wrong in ({"account": ""}, {"is_restricted": None}, {"needs": [None]}):
        with expect("22023"), db.transaction():
            call(db, "record_account", **{**told, **wrong})
    assert timedelta(days=1) == one(db, "select account_wait from marketplace.gateway where gateway = 'stripe'")
