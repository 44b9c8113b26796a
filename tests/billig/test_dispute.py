"""What a provider tells of a dispute beside its money: why, the fee, the deadline, and who is let in meanwhile."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from tests.conftest import Connection
from tests.support.domain import Event, Row, call, consistency, expect, make_event, one, rows, run, update_ticket
from tests.support.given_back import charge_back, web, won


@pytest.fixture
def event(db: Connection) -> Event:
    return make_event(db, prices=(200,))


def decide(db: Connection, dispute: str, verdict: str | None, **more: object) -> list[Row]:
    return call(db, "decide_dispute", dispute_reference=dispute, verdict=verdict, **more)


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


def test_who_was_let_in_until_it_was_decided_is_let_in_no_more_when_it_is_lost(db: Connection, event: Event) -> None:
    first, second = web(db, event.price_group, 2, reference="ref-1").tickets
    charge_back(db, lets_in=True)
    update_ticket(db, first, used="now")
    decide(db, "dp_1", "LOST")
    with expect("23B12"):
        update_ticket(db, second, used="now")
    decide(db, "dp_1", "OPEN", reason="taken up again")
    update_ticket(db, second, used="now")
    assert consistency(db) == {}


def test_a_verdict_moves_no_money_and_one_that_was_lost_may_be_won_after_all(db: Connection, event: Event) -> None:
    web(db, event.price_group, reference="ref-1")
    charge_back(db)
    before = rows(db, "select * from books.voucher_line order by 1, 2, 3, 4")
    (said,) = decide(db, "dp_1", "LOST")
    assert (said["status"], said["decided_on"]) == ("LOST", one(db, "select billig.local_time()::date"))
    assert decide(db, "dp_1", "LOST", decided_on=date(2026, 1, 1)) == [said], "said twice: the first word counts"
    assert rows(db, "select * from books.voucher_line order by 1, 2, 3, 4") == before
    with expect("23B32") as refusal:
        decide(db, "dp_1", "ACCEPTED")
    hint = str(refusal.value.diag.message_hint)
    assert "billig.decide_dispute" in hint
    run(db, hint[hint.index("select") :].replace("%", "%%"))  # it can be run as it stands
    assert one(db, "select status from report.dispute") == "OPEN"
    decide(db, "dp_1", "ACCEPTED")
    assert [row["amount"] for row in won(db)] == [200]
    assert one(db, "select status from report.dispute") == "WON"
    for verdict in ("LOST", "ACCEPTED", "OPEN"):
        with expect("23B32"):
            decide(db, "dp_1", verdict, reason="x")
    for change in ("update billig.dispute_verdict set verdict = 'LOST'", "delete from billig.dispute_verdict"):
        with expect("23B20"):
            run(db, change)
    assert consistency(db) == {}


def test_what_is_no_verdict_is_refused(db: Connection, event: Event) -> None:
    web(db, event.price_group, reference="ref-1")
    charge_back(db)
    for verdict, more in (
        (None, {}),
        ("WON", {}),
        ("OPEN", {}),
        ("OPEN", {"reason": " "}),
        ("LOST", {"decided_on": date(2099, 1, 1)}),
        ("LOST", {"reason": "a\nb"}),
    ):
        with expect("22023"):
            decide(db, "dp_1", verdict, **more)
    with expect("P0002"):
        decide(db, "dp_9", "LOST")
    # with an older snapshot it would not see what another has just said
    with expect("25000"), db.transaction():
        db.execute("set transaction isolation level repeatable read")
        decide(db, "dp_1", "LOST")
    assert one(db, "select count(*) from billig.dispute_verdict") == 0


def test_the_report_says_until_when_each_dispute_can_be_contested(db: Connection, event: Event) -> None:
    today = one(db, "select billig.local_time()::date")
    days = {"today": today, "late": today - timedelta(days=1), "untold": None, "won": today, "told": today}
    days |= {"lost": today - timedelta(days=1), "accepted": today, "again": today - timedelta(days=1)}
    sold = {name: web(db, event.price_group, 2, reference=f"ref-{name}") for name in days}
    for name, day in days.items():
        more = {"dispute_type": "fraudulent", "fee": 150, "reason": "seen"} if name == "told" else {}
        charge_back(db, dispute=f"dp_{name}", provider=f"ref-{name}", amount=250, answer_by=day, **more)
    won(db, dispute="dp_won")
    decide(db, "dp_lost", "LOST", decided_on=today - timedelta(days=2))
    decide(db, "dp_accepted", "ACCEPTED")
    decide(db, "dp_again", "LOST")
    decide(db, "dp_again", "OPEN", reason="the bank took it up again")
    found = {row["dispute_reference"]: row for row in rows(db, "select * from report.dispute")}
    assert {name: (row["status"], row["is_overdue"], row["decided_on"]) for name, row in found.items()} == {
        "dp_today": ("OPEN", False, None), "dp_late": ("OPEN", True, None), "dp_untold": ("OPEN", False, None),
        "dp_won": ("WON", False, today), "dp_told": ("OPEN", False, None),
        "dp_lost": ("LOST", False, today - timedelta(days=2)), "dp_accepted": ("ACCEPTED", False, today),
        "dp_again": ("OPEN", True, None),
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
