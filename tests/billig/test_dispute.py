"""What a provider tells of a dispute beside its money: why, the fee, the deadline, and who is let in meanwhile."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from tests.conftest import Connection
from tests.support.domain import Event, consistency, expect, make_event, one, rows, run, update_ticket
from tests.support.given_back import charge_back, web, won


@pytest.fixture
def event(db: Connection) -> Event:
    return make_event(db, prices=(200,))


def test_a_dispute_keeps_its_type_fee_and_deadline(db: Connection, event: Event) -> None:
    web(db, event.price_group, 2, reference="ref-1")
    first = charge_back(db, amount=100, dispute_type="fraudulent", fee=150, answer_by=date(2099, 1, 1))
    assert charge_back(db, amount=100) == first, "said twice: the first word counts"
    (dispute,) = rows(db, "select dispute_type, fee, answer_by, lets_in from billig.dispute")
    assert dispute == {
        "dispute_type": "fraudulent", "fee": Decimal(150), "answer_by": date(2099, 1, 1), "lets_in": False,
    }  # fmt: skip
    for wrong in (
        {"fee": -1},
        {"fee": None},
        {"fee": Decimal("0.001")},
        {"fee": Decimal("NaN")},
        {"lets_in": None},
        {"answer_by": date(1999, 1, 1)},
        {"dispute_type": "a\nb"},
    ):
        with expect("22023"):
            charge_back(db, dispute="dp_2", amount=100, **wrong)
    for change in ("update billig.dispute set fee = 0", "delete from billig.dispute", "truncate billig.dispute"):
        with expect("23B20"):
            run(db, change)
    assert consistency(db) == {}


def test_a_ticket_that_is_charged_back_whole_lets_in_only_if_somebody_says_so(db: Connection, event: Event) -> None:
    (out,) = web(db, event.price_group, reference="out").tickets
    (let_in,) = web(db, event.price_group, reference="in").tickets
    charge_back(db, dispute="dp_out", provider="out")
    charge_back(db, dispute="dp_in", provider="in", lets_in=True)
    with expect("23B12"):
        update_ticket(db, out, used="now")
    update_ticket(db, let_in, used="now")
    won(db, dispute="dp_out")
    update_ticket(db, out, used="now")
    assert one(db, "select count(*) from billig.ticket where used is not null") == 2
    assert consistency(db) == {}


def test_the_report_says_until_when_each_dispute_can_be_contested(db: Connection, event: Event) -> None:
    today = one(db, "select billig.local_time()::date")
    deadlines = {"today": today, "late": today - timedelta(days=1), "untold": None, "won": today, "told": today}
    sold = {name: web(db, event.price_group, 2, reference=f"ref-{name}") for name in deadlines}
    for name, day in deadlines.items():
        more = {"dispute_type": "fraudulent", "fee": 150, "reason": "seen"} if name == "told" else {}
        charge_back(db, dispute=f"dp_{name}", provider=f"ref-{name}", amount=250, answer_by=day, **more)
    won(db, dispute="dp_won")
    found = {row["dispute_reference"]: row for row in rows(db, "select * from report.dispute")}
    assert {name: row["status"] for name, row in found.items()} == {
        "dp_today": "OPEN", "dp_late": "STANDS", "dp_untold": "OPEN", "dp_won": "WON", "dp_told": "OPEN",
    }  # fmt: skip
    told = found["dp_told"]
    assert (told["amount"], told["fee"], told["tickets"], told["lets_in"]) == (250, 150, 2, False)
    assert (told["dispute_type"], told["answer_by"], told["reason"]) == ("fraudulent", today, "seen")
    assert (told["purchase"], told["provider_reference"]) == (sold["told"].purchase, "ref-told")
    (paid,) = rows(
        db,
        "select p.payment as disputed_payment, m.payment_method_name as payment_method, o.organisation_name"
        " from billig.payment as p inner join billig.payment_line as l on p.payment = l.payment"
        " inner join billig.payment_method as m on l.payment_method = m.payment_method"
        " inner join billig.organisation as o on l.organisation = o.organisation"
        " where p.provider_reference = 'ref-told'",
    )
    assert paid == {name: told[name] for name in paid}
    assert told["recorded_date"] == today
    assert {name for name, row in found.items() if row["won_at"]} == {"dp_won"}
    taken = (
        "select -sum(total_amount) from report.transaction where transaction_type in ('CHARGEBACK', 'CHARGEBACK_WON')"
    )
    assert sum(row["amount"] for row in found.values() if row["won_at"] is None) == one(db, taken)
