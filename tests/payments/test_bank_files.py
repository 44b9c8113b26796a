"""A payout through a bank's files, from the database to the bank and back: odd answers, and in odd orders."""

from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

from pybridge.payments.execution import receive
from pybridge.payments.gateways import open_gateway
from tests.conftest import Connection
from tests.support import market
from tests.support.bank_desk import Desk, iban, settings
from tests.support.bank_desk import desk as desk
from tests.support.bank_desk import outbox as outbox
from tests.support.domain import Row, call_in, consistency, rows
from tests.support.payments import Scripted, executed, means, town

CHARGED, PAID, BACK = market.at(2026, 4, 1, 6), market.at(2026, 4, 15, 6), market.at(2026, 4, 20, 6)


def test_what_a_bank_answers_is_booked_once_and_what_does_not_agree_is_for_a_person(
    db: Connection, outbox: Path, desk: Desk
) -> None:
    made = town(db)
    means(db, made.publisher, "PAYOUT", "bank", name="Kari Nordmann", iban=iban(10))
    made.month(date(2026, 3, 1))
    executed(db, Scripted(), CHARGED)
    bank = open_gateway("bank", settings(outbox))
    assert executed(db, bank, PAID).states == {"PROCESSING": 1}
    (sent,) = rows(db, "select * from marketplace.payment_attempt where kind = 'PAYOUT'")
    behaviour = {"days": 2, "reason": "AC04", "end_to_end_id": sent["idempotency_key"]}
    desk.set("OURS", behaviour="return-later", parameters=behaviour)
    desk.fetch()
    for _ in range(8):
        desk.wait(days=1)
    files = desk.post()
    (answer,) = [body for kind, body in files if kind.startswith("pain.002")]
    paid, back = [body for kind, body in files if kind.startswith("camt.054")]

    def hear(*payloads: bytes) -> list[Counter[str]]:
        return [receive(db, "bank", bank.read_events(each, None), BACK) for each in payloads]

    def stands() -> tuple[str, str, str | None]:
        ((state, alarm),) = db.execute(
            "select state, alarm from marketplace.payment_attempt where kind = 'PAYOUT' and transaction = %s",
            [sent["transaction"]],
        ).fetchall()
        (why,) = call_in(db, "marketplace", "why", transaction=sent["transaction"])
        return why["code"], state, alarm

    def owed() -> list[Row]:
        return rows(db, "select due_amount, status from marketplace.transaction where kind = 'ADJUSTMENT'")

    assert stands() == ("NOT_FETCHED", "PROCESSING", None)
    with db.transaction(force_rollback=True):  # of a file that another system sent from the same account
        other = answer.replace(sent["batch"].encode(), b"wages-april").replace(sent["idempotency_key"].encode(), b"w1")
        assert hear(other) == [{"NOT_OURS": 1}]
        assert stands() == ("NOT_FETCHED", "PROCESSING", None)
        assert rows(db, "select did, waits_for from report.gateway_inbox") == [{"did": "NOT_OURS", "waits_for": None}]
    with db.transaction(force_rollback=True):  # a code that the standard may add: the end is still to come
        odd = answer.replace(b">ACCP<", b">WXYZ<").replace(b">ACSP<", b">WXYZ<")
        assert odd != answer
        assert hear(odd) == [{"APPLIED": 1}]
        assert stands() == ("UNDER_WAY", "PROCESSING", None), "the bank has it, whatever it says of it"
    with db.transaction(force_rollback=True):  # the last comes first
        assert hear(back, paid, answer, back) == [{"APPLIED": 1}, {"NOTHING_NEW": 1}, {"NOTHING_NEW": 1}, {"SEEN": 1}]
        assert stands() == ("CAME_BACK", "SUCCEEDED", None)
        assert owed() == [{"due_amount": Decimal(-35), "status": "NEW"}]
        assert consistency(db) == {}
    with db.transaction(force_rollback=True):  # less came back than went out
        part = back.replace(b"35.00", b"12.50")
        assert hear(answer, paid, part) == [{"APPLIED": 1}, {"APPLIED": 1}, {"ALARM": 1}]
        assert stands() == ("LOOKED_AT", "SUCCEEDED", "contradicted")
        (told,) = rows(db, "select * from report.gateway_inbox where waits_for = 'DECISION'")
        assert (told["amount"], told["currency"], told["payment_attempt"]) == (12.5, "NOK", sent["payment_attempt"])
        (waits,) = rows(db, "select * from report.waiting where transaction = %s", sent["transaction"])
        assert "bank said 12.50 NOK of 35.00 NOK." in waits["says"]
        assert owed() == []
        db.execute(waits["command"].replace("'why'", "'12.50 paid again by hand'"))
        assert stands() == ("PAID", "SUCCEEDED", None)
        assert consistency(db) == {}
